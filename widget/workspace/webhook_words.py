"""Words of the webhook pages: topics, states, reasons."""

from __future__ import annotations

from bot.errors import marked as _
from bot.model.webhook import DisabledBy, NotificationState, Topic, WebhookEndpoint

T = Topic
TOPICS = (
    (
        _("Consent"),
        (
            (T.CONSENT_RECORDED, _("Every entry of the consent ledger, with the words that were shown")),
            (T.GRANULAR_SUBSCRIBE, _("Someone opted in to a subscription")),
            (T.GRANULAR_UNSUBSCRIBE, _("Someone opted out of a subscription")),
            (T.CONTACT_SUBSCRIBED, _("Someone opted in to an email subscription")),
            (T.CONTACT_UNSUBSCRIBED, _("Someone opted out of an email subscription")),
        ),
    ),
    (
        _("Contacts"),
        (
            (T.LEAD_CREATED, _("A lead was created")),
            (T.LEAD_UPDATED, _("A lead's details changed")),
            (T.USER_CREATED, _("A user was created")),
            (T.USER_UPDATED, _("A user's details changed")),
            (T.EMAIL_UPDATED, _("A contact's email address changed")),
            (T.LEAD_TAGGED, _("A lead was tagged")),
            (T.LEAD_UNTAGGED, _("A tag was removed from a lead")),
            (T.USER_TAGGED, _("A user was tagged")),
            (T.USER_UNTAGGED, _("A tag was removed from a user")),
            (T.CONTACT_ARCHIVED, _("A contact was archived")),
            (T.CONTACT_UNARCHIVED, _("A contact was unarchived")),
            (T.CONTACT_MERGED, _("Two contacts were merged")),
            (T.CONTACT_DELETED, _("A contact was erased")),
        ),
    ),
    (
        _("Conversations"),
        (
            (T.CONVERSATION_CREATED, _("A conversation started")),
            (T.CONTACT_REPLIED, _("A contact wrote")),
            (T.TEAMMATE_REPLIED, _("A teammate replied")),
            (T.BOT_REPLIED, _("A bot replied")),
            (T.TEAMMATE_NOTED, _("A teammate added a note")),
            (T.ASSIGNED, _("A conversation was assigned")),
            (T.CLOSED, _("A conversation was closed")),
            (T.REOPENED, _("A conversation was reopened")),
            (T.SNOOZED, _("A conversation was snoozed")),
            (T.WOKE, _("A snooze ended")),
        ),
    ),
    (_("Bots"), ((T.FLOW_EVENT, _("A bot flow called a webhook")),)),
    (
        _("Texts"),
        (
            (T.DELIVERY_SENT, _("A text was accepted by the provider")),
            (T.DELIVERY_DELIVERED, _("A text reached the phone")),
            (T.DELIVERY_FAILED, _("A text failed")),
            (T.DELIVERY_BLOCKED, _("A text was blocked")),
            (T.DELIVERY_UNKNOWN, _("A text is unconfirmed by the provider")),
        ),
    ),
)
"""By group, as the form lists them. Gettext ids."""
STATES = {
    NotificationState.PENDING: (_("Pending"), "plain"),
    NotificationState.DELIVERED: (_("Delivered"), "good"),
    NotificationState.FAILED: (_("Failed"), "bad"),
}
"""Words and kind of the badge."""
ERRORS = {
    "timed_out": _("Timed out"),
    "unreachable": _("Can't connect"),
    "private_address": _("Not a public address"),
    "certificate": _("Invalid certificate"),
    "broken_answer": _("Invalid response"),
}
_REASONS = {
    DisabledBy.TEAMMATE: _("Disabled"),
    DisabledBy.GONE: _("Disabled: it answered 410 Gone"),
    DisabledBy.FAILING: _("Disabled: no notification arrived for 3 days"),
}


def disabled_words(endpoint: WebhookEndpoint) -> str:
    """Why nothing is sent to it, a gettext id; empty: it is enabled."""
    return "" if endpoint.is_enabled else _REASONS[endpoint.disabled_by or DisabledBy.TEAMMATE]
