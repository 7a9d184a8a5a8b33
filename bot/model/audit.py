"""The audit log: who changed what in the workspace, when, and from where."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from bot.model.base import Document


class AuditAction(StrEnum):
    """What was done. The values are public: exports and the API name them."""

    SIGNED_IN = "teammate.signed_in"
    PROFILE_SAVED = "teammate.profile_saved"
    TEAMMATE_ADDED = "teammate.added"
    TEAMMATE_INVITED = "teammate.invited"
    TEAMMATE_JOINED = "teammate.joined"
    INVITATION_REVOKED = "teammate.invitation_revoked"
    ROLE_CHANGED = "teammate.role_changed"
    PERMISSIONS_CHANGED = "teammate.permissions_changed"
    TEAMMATE_REMOVED = "teammate.removed"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 (the name of an action)
    PASSWORD_LINK_CREATED = "password.link_created"  # noqa: S105
    PASSWORD_RESET = "password.reset"  # noqa: S105
    SESSION_REVOKED = "session.revoked"
    PASSKEY_ADDED = "passkey.added"
    PASSKEY_REMOVED = "passkey.removed"
    RECOVERY_CODES_CREATED = "recovery_codes.created"
    RECOVERY_CODE_USED = "recovery_codes.used"
    SECOND_FACTOR_RESET = "second_factor.reset"
    SECURITY_SAVED = "security.saved"
    TOKEN_CREATED = "token.created"  # noqa: S105
    TOKEN_REVOKED = "token.revoked"  # noqa: S105
    SUBSCRIPTION_CREATED = "subscription.created"
    SUBSCRIPTION_EDITED = "subscription.edited"
    SUBSCRIPTION_PUT_LIVE = "subscription.put_live"
    SUBSCRIPTION_ARCHIVED = "subscription.archived"
    SUBSCRIPTION_RESTORED = "subscription.restored"
    KEYWORD_CREATED = "keyword.created"
    KEYWORD_EDITED = "keyword.edited"
    KEYWORD_PAUSED = "keyword.paused"
    KEYWORD_RESUMED = "keyword.resumed"
    FLOW_CREATED = "flow.created"
    FLOW_IMPORTED = "flow.imported"
    FLOW_PUBLISHED = "flow.published"
    FLOW_ROLLED_BACK = "flow.rolled_back"
    FLOW_PUT_LIVE = "flow.put_live"
    FLOW_PAUSED = "flow.paused"
    FLOW_ORDERED = "flow.ordered"
    OPT_OUT_HONORED = "opt_out_request.honored"
    OPT_OUT_DISMISSED = "opt_out_request.dismissed"
    BRAND_SAVED = "brand.saved"
    LOGO_SAVED = "brand.logo_saved"
    LOGO_REMOVED = "brand.logo_removed"
    SENDER_SAVED = "sender.saved"
    SENDER_REMOVED = "sender.removed"
    ABUSE_LIMITS_SAVED = "abuse.limits_saved"
    PREFIX_UNBLOCKED = "abuse.prefix_unblocked"
    PRICE_SAVED = "price.saved"
    PRICE_REMOVED = "price.removed"
    SITES_SAVED = "install.sites_saved"
    SECRET_CREATED = "identity_secret.created"  # noqa: S105
    SECRET_REVOKED = "identity_secret.revoked"  # noqa: S105
    ATTRIBUTE_CREATED = "attribute.created"
    ATTRIBUTE_CHANGED = "attribute.changed"
    ATTRIBUTE_ARCHIVED = "attribute.archived"
    ATTRIBUTE_RESTORED = "attribute.restored"
    TAG_CREATED = "tag.created"
    TAG_RENAMED = "tag.renamed"
    TAG_DELETED = "tag.deleted"
    SEGMENT_SAVED = "segment.saved"
    SEGMENT_RENAMED = "segment.renamed"
    SEGMENT_CHANGED = "segment.changed"
    SEGMENT_ARCHIVED = "segment.archived"
    SEGMENT_RESTORED = "segment.restored"
    SAVED_REPLY_SAVED = "saved_reply.saved"
    SAVED_REPLY_REMOVED = "saved_reply.removed"
    FORM_TEMPLATE_SAVED = "form_template.saved"
    FORM_TEMPLATE_REMOVED = "form_template.removed"
    FORM_PUBLISHED = "form_template.published"
    FORM_UNPUBLISHED = "form_template.unpublished"
    CARRIER_PACK_DOWNLOADED = "form_template.carrier_pack_downloaded"
    CANVAS_SECRET_ADDED = "intercom.secret_added"  # noqa: S105
    CANVAS_SECRET_REVOKED = "intercom.secret_revoked"  # noqa: S105
    MESSENGER_SECURITY_SAVED = "intercom.messenger_security_saved"
    FLOW_EDITED = "flow.edited"
    FLOW_DRAFT_DISCARDED = "flow.draft_discarded"
    IMAGE_HOSTS_SAVED = "image_hosts.saved"
    FLOW_REMOVED = "flow.removed"
    FLOW_RESTORED = "flow.restored"
    WEBHOOK_ADDED = "webhook.added"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_ENABLED = "webhook.enabled"
    WEBHOOK_DISABLED = "webhook.disabled"
    WEBHOOK_REMOVED = "webhook.removed"
    WEBHOOK_SECRET_CREATED = "webhook.secret_created"  # noqa: S105
    WEBHOOK_SECRET_REVOKED = "webhook.secret_revoked"  # noqa: S105
    WEBHOOK_REPLAYED = "webhook.replayed"
    AUDIT_LOG_EXPORTED = "audit_log.exported"
    CONTACT_EDITED = "contact.edited"
    CONTACT_ARCHIVED = "contact.archived"
    CONTACT_UNARCHIVED = "contact.unarchived"
    CONTACT_MERGED = "contact.merged"
    CONTACT_ERASED = "contact.erased"
    CONTACT_DATA_DOWNLOADED = "contact.data_downloaded"
    TRANSCRIPT_DOWNLOADED = "conversation.transcript_downloaded"
    JOB_RESULTS_DOWNLOADED = "job.results_downloaded"
    CONTACTS_EXPORTED = "contacts.exported"
    CONTACTS_UPLOADED = "contacts.uploaded"
    CONTACTS_IMPORTED = "contacts.imported"
    IMPORT_UNDONE = "contacts.import_undone"
    MESSAGE_SAVED = "outbound.saved"
    MESSAGE_DELETED = "outbound.deleted"
    MESSAGE_TESTED = "outbound.tested"
    MESSAGE_ORDERED = "outbound.ordered"
    MESSAGE_PAUSED = "outbound.paused"
    MESSAGE_RESUMED = "outbound.resumed"
    MESSAGE_ENDED = "outbound.ended"
    MESSAGE_HELD = "outbound.held"
    MESSAGE_RELEASED = "outbound.released"
    DELIVERIES_DOWNLOADED = "outbound.deliveries_downloaded"
    JOB_STARTED = "job.started"
    JOB_PAUSED = "job.paused"
    JOB_RESUMED = "job.resumed"
    JOB_CANCELED = "job.canceled"
    JOB_RETRIED = "job.retried"


class AuditEntry(Document):
    """Append-only. Contains no numbers, tokens or passwords."""

    at: datetime
    action: str
    """A value of `AuditAction`, perhaps of another version."""
    actor: str = ""
    """The teammate's id; empty: the command line."""
    actor_name: str
    token: str = ""
    """The name of the API token that was used."""
    address: str = ""
    """The IP address of the request."""
    subject: str = ""
    """The name of what was changed."""
    detail: str = ""
    """A new value that isn't secret, or the names of the changed fields."""
