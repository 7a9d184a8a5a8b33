"""The audit log's details in words: it stores the codes of roles, permissions and fields, which exports keep."""

from __future__ import annotations

from collections.abc import Mapping

from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.audit import AuditAction, AuditEntry
from bot.workspace.sites import ANY
from widget.workspace.senders import REGISTRATIONS
from widget.workspace.teammates import ROLES
from widget.workspace.tokens import SCOPES

A = AuditAction
ROLE_NAMES = {str(role): name for role, (name, _text) in ROLES.items()}
SCOPE_NAMES = {str(scope): name for scope, name in SCOPES.items()}
PROFILE = {
    "name": _("Name"),
    "locale": _("Language"),
    "time_zone": _("Time zone"),
    "notify_sound": _("Sound"),
    "notify_desktop": _("Desktop notifications"),
}
BRAND = {
    "name": _("Name"),
    "legal_name": _("Seller's legal name"),
    "brand": _("Brand color"),
    "default_region": _("Default country"),
    "support": _("Support contact"),
    "texts_from": _("Sending number"),
    "reply_time": _("Expected reply time"),
    "terms_url": _("Terms link"),
    "privacy_url": _("Privacy policy link"),
    "countries": _("Countries"),
    "frequency": _("Message frequency"),
    "opt_out_text": _("Opt-out text"),
    "legal_text": _("Legal text for new forms"),
    "legal_language": _("Language of the legal text"),
    "incomplete_wording": _("Incomplete legal text"),
}
CONTACT = {
    "name": _("Name"),
    "external_id": _("User ID"),
    "phone": _("Phone"),
    "email": _("Email"),
    "locale": _("Language"),
    "time_zone": _("Time zone"),
    "attributes": _("Attributes"),
    "tags": _("Tags"),
}
LABELS: Mapping[str, Mapping[str, str]] = {
    A.TEAMMATE_ADDED: ROLE_NAMES,
    A.TEAMMATE_INVITED: ROLE_NAMES,
    A.TEAMMATE_JOINED: ROLE_NAMES,
    A.ROLE_CHANGED: ROLE_NAMES,
    A.TOKEN_CREATED: SCOPE_NAMES,
    A.PERMISSIONS_CHANGED: SCOPE_NAMES,
    A.PROFILE_SAVED: PROFILE,
    A.BRAND_SAVED: BRAND,
    A.CONTACT_EDITED: CONTACT,
    A.SITES_SAVED: {ANY: _("Any site")},
    A.SENDER_SAVED: {f"registration: {state.value}": words for state, words in REGISTRATIONS.items()},
    A.SECURITY_SAVED: {
        "require_second_factor: on": _("Passkey required for admins"),
        "require_second_factor: off": _("Passkey not required for admins"),
    },
    A.MESSENGER_SECURITY_SAVED: {"on": _("On"), "off": _("Off")},
}
"""By action, what its codes mean. A detail that is not listed is shown as it is, like a passkey's name."""


def subject_of(entry: AuditEntry, say: Translator) -> str:
    """A job is recorded by the title of its kind, a gettext id."""
    return say(entry.subject) if entry.action.startswith("job.") else entry.subject


def detail_of(entry: AuditEntry, say: Translator) -> str:
    labels = LABELS.get(entry.action)
    if not labels:
        return entry.detail
    return ", ".join(say(labels[code]) if code in labels else code for code in entry.detail.split(", "))
