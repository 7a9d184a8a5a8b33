"""Writes and reads the audit log.

Each service records what it changed right after the change was stored. A test demands an entry of every form in the
settings.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime

from bot.errors import marked as _
from bot.model.audit import AuditAction, AuditEntry
from bot.model.base import new_ulid, now
from bot.model.paging import Cursor, Page
from bot.model.teammate import By
from bot.store import Store

A = AuditAction
LABELS = {
    A.SIGNED_IN: _("Signed in"),
    A.PROFILE_SAVED: _("Updated their profile"),
    A.TEAMMATE_ADDED: _("Added a teammate"),
    A.TEAMMATE_INVITED: _("Invited a teammate"),
    A.TEAMMATE_JOINED: _("Joined the workspace"),
    A.INVITATION_REVOKED: _("Revoked an invitation"),
    A.ROLE_CHANGED: _("Changed a role"),
    A.PERMISSIONS_CHANGED: _("Changed a teammate's permissions"),
    A.TEAMMATE_REMOVED: _("Removed a teammate"),
    A.PASSWORD_CHANGED: _("Changed a password"),
    A.PASSWORD_LINK_CREATED: _("Created a password reset link"),
    A.PASSWORD_RESET: _("Reset their password"),
    A.SESSION_REVOKED: _("Revoked a session"),
    A.PASSKEY_ADDED: _("Added a passkey"),
    A.PASSKEY_REMOVED: _("Removed a passkey"),
    A.RECOVERY_CODES_CREATED: _("Created recovery codes"),
    A.RECOVERY_CODE_USED: _("Signed in with a recovery code"),
    A.SECOND_FACTOR_RESET: _("Reset a teammate's second factor"),
    A.SENDER_SAVED: _("Saved a sender"),
    A.SENDER_REMOVED: _("Removed a sender"),
    A.ABUSE_LIMITS_SAVED: _("Changed the abuse limits"),
    A.PREFIX_UNBLOCKED: _("Unblocked a number prefix"),
    A.PRICE_SAVED: _("Saved a price per segment"),
    A.PRICE_REMOVED: _("Removed a price per segment"),
    A.SECURITY_SAVED: _("Updated security settings"),
    A.TOKEN_CREATED: _("Created an API token"),
    A.TOKEN_REVOKED: _("Revoked an API token"),
    A.SUBSCRIPTION_CREATED: _("Created a subscription"),
    A.SUBSCRIPTION_EDITED: _("Edited a subscription"),
    A.SUBSCRIPTION_PUT_LIVE: _("Put a subscription live"),
    A.SUBSCRIPTION_ARCHIVED: _("Archived a subscription"),
    A.SUBSCRIPTION_RESTORED: _("Restored a subscription"),
    A.KEYWORD_CREATED: _("Created a keyword"),
    A.KEYWORD_EDITED: _("Edited a keyword"),
    A.KEYWORD_PAUSED: _("Paused a keyword"),
    A.KEYWORD_RESUMED: _("Resumed a keyword"),
    A.FLOW_CREATED: _("Created a flow"),
    A.FLOW_IMPORTED: _("Imported a flow"),
    A.FLOW_PUBLISHED: _("Published a flow"),
    A.FLOW_ROLLED_BACK: _("Rolled a flow back"),
    A.FLOW_PUT_LIVE: _("Put a flow live"),
    A.FLOW_PAUSED: _("Paused a flow"),
    A.FLOW_ORDERED: _("Changed the order of a flow"),
    A.OPT_OUT_HONORED: _("Opted a contact out on request"),
    A.OPT_OUT_DISMISSED: _("Dismissed an opt-out request"),
    A.BRAND_SAVED: _("Updated brand and compliance"),
    A.LOGO_SAVED: _("Uploaded a logo"),
    A.LOGO_REMOVED: _("Removed the logo"),
    A.SITES_SAVED: _("Updated the allowed sites"),
    A.IMAGE_HOSTS_SAVED: _("Updated the image hosts"),
    A.SECRET_CREATED: _("Created an identity secret"),
    A.SECRET_REVOKED: _("Revoked an identity secret"),
    A.ATTRIBUTE_CREATED: _("Created an attribute"),
    A.ATTRIBUTE_CHANGED: _("Changed an attribute"),
    A.ATTRIBUTE_ARCHIVED: _("Archived an attribute"),
    A.ATTRIBUTE_RESTORED: _("Restored an attribute"),
    A.TAG_CREATED: _("Created a tag"),
    A.TAG_RENAMED: _("Renamed a tag"),
    A.TAG_DELETED: _("Deleted a tag"),
    A.SEGMENT_SAVED: _("Saved a segment"),
    A.SEGMENT_RENAMED: _("Renamed a segment"),
    A.SEGMENT_CHANGED: _("Changed a segment's filters"),
    A.SEGMENT_ARCHIVED: _("Archived a segment"),
    A.SEGMENT_RESTORED: _("Restored a segment"),
    A.SAVED_REPLY_SAVED: _("Created or edited a saved reply"),
    A.SAVED_REPLY_REMOVED: _("Deleted a saved reply"),
    A.FORM_TEMPLATE_SAVED: _("Saved a form template"),
    A.FORM_TEMPLATE_REMOVED: _("Removed a form template"),
    A.FORM_PUBLISHED: _("Made a form public"),
    A.FORM_UNPUBLISHED: _("Took a public form offline"),
    A.CARRIER_PACK_DOWNLOADED: _("Downloaded a carrier pack"),
    A.CANVAS_SECRET_ADDED: _("Added an Intercom client secret"),
    A.CANVAS_SECRET_REVOKED: _("Revoked an Intercom client secret"),
    A.MESSENGER_SECURITY_SAVED: _("Changed Messenger security"),
    A.FLOW_EDITED: _("Edited the draft of a flow"),
    A.FLOW_DRAFT_DISCARDED: _("Discarded the draft of a flow"),
    A.FLOW_REMOVED: _("Removed a flow"),
    A.FLOW_RESTORED: _("Restored a flow"),
    A.WEBHOOK_ADDED: _("Added a webhook endpoint"),
    A.WEBHOOK_CHANGED: _("Changed a webhook endpoint"),
    A.WEBHOOK_ENABLED: _("Enabled a webhook endpoint"),
    A.WEBHOOK_DISABLED: _("Disabled a webhook endpoint"),
    A.WEBHOOK_REMOVED: _("Removed a webhook endpoint"),
    A.WEBHOOK_SECRET_CREATED: _("Created a webhook secret"),
    A.WEBHOOK_SECRET_REVOKED: _("Revoked a webhook secret"),
    A.WEBHOOK_REPLAYED: _("Replayed webhook notifications"),
    A.AUDIT_LOG_EXPORTED: _("Exported the audit log"),
    A.CONTACT_EDITED: _("Edited a contact"),
    A.CONTACT_ARCHIVED: _("Archived a contact"),
    A.CONTACT_UNARCHIVED: _("Unarchived a contact"),
    A.CONTACT_MERGED: _("Merged two contacts"),
    A.CONTACT_ERASED: _("Erased a contact"),
    A.CONTACT_DATA_DOWNLOADED: _("Downloaded a contact's data"),
    A.TRANSCRIPT_DOWNLOADED: _("Downloaded a transcript"),
    A.JOB_RESULTS_DOWNLOADED: _("Downloaded a job's results"),
    A.CONTACTS_EXPORTED: _("Exported contacts"),
    A.CONTACTS_UPLOADED: _("Uploaded a file of contacts"),
    A.CONTACTS_IMPORTED: _("Imported contacts"),
    A.IMPORT_UNDONE: _("Undid an import"),
    A.MESSAGE_SAVED: _("Edited an outbound message"),
    A.MESSAGE_DELETED: _("Deleted an outbound message"),
    A.MESSAGE_TESTED: _("Sent a test message"),
    A.MESSAGE_ORDERED: _("Sent an outbound message"),
    A.MESSAGE_PAUSED: _("Paused a chat message"),
    A.MESSAGE_RESUMED: _("Resumed a chat message"),
    A.MESSAGE_ENDED: _("Ended a chat message"),
    A.MESSAGE_HELD: _("An outbound message paused itself"),
    A.MESSAGE_RELEASED: _("Resumed an outbound message that had paused itself"),
    A.DELIVERIES_DOWNLOADED: _("Downloaded the texts of an outbound message"),
    A.JOB_STARTED: _("Started a job"),
    A.JOB_PAUSED: _("Paused a job"),
    A.JOB_RESUMED: _("Resumed a job"),
    A.JOB_CANCELED: _("Canceled a job"),
    A.JOB_RETRIED: _("Retried a job"),
}
"""Each action as the log's page names it."""
COMMAND_LINE = By("", "Command line")


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """An empty value matches everything."""

    actor: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""


def audit_entry(by: By, action: AuditAction, subject: str = "", *, detail: str = "", key: str = "") -> AuditEntry:
    """For what stores the entry together with the change."""
    time = now()
    return AuditEntry(
        id=f"{action}:{key}" if key else new_ulid(time),
        at=time,
        action=action,
        actor=by.id,
        actor_name=by.name,
        token=by.token,
        address=by.address,
        subject=subject,
        detail=detail,
    )


class AuditLog:
    def __init__(self, store: Store) -> None:
        self._table = store.audit_log

    async def record(self, by: By, action: AuditAction, subject: str = "", *, detail: str = "", key: str = "") -> None:
        """Stores an entry. With the same `key`, one entry however often it is called."""
        await self._table.keep(audit_entry(by, action, subject, detail=detail, key=key))

    async def page(self, wanted: AuditFilter, cursor: Cursor | None = None, *, limit: int = 50) -> Page[AuditEntry]:
        """The newest first, by time and id."""
        equal = {name: value for name in ("actor", "action") if (value := getattr(wanted, name))}
        found = await self._table.newest(equal, since=wanted.since, until=wanted.until, cursor=cursor, limit=limit + 1)
        return Page.cut(found, limit, lambda entry: (entry.at, entry.id))

    async def all(self, wanted: AuditFilter, *, batch: int = 1000) -> AsyncIterator[list[AuditEntry]]:
        """Every entry recorded so far, the newest first, `batch` at a time."""
        wanted, cursor = replace(wanted, until=wanted.until or now()), None
        while True:
            page = await self.page(wanted, cursor, limit=batch)
            yield list(page.items)
            if (cursor := page.next) is None:
                return
