"""The table of all routes."""

from __future__ import annotations

from widget.api.attributes import attributes
from widget.api.audit_log import audit_log
from widget.api.bulk_consents import bulk_consents
from widget.api.bulk_contacts import bulk_contacts
from widget.api.chat_messages import chat_messages
from widget.api.consent_events import consent_events
from widget.api.consents import consents
from widget.api.contact_merge import contact_merge
from widget.api.contact_search import contact_search
from widget.api.contact_subscriptions import contact_subscriptions
from widget.api.contacts import contacts
from widget.api.conversation_search import conversation_search
from widget.api.conversation_tags import conversation_tags
from widget.api.conversations import conversations
from widget.api.deliveries import deliveries
from widget.api.exports import exports
from widget.api.flow_figures import flow_figures
from widget.api.flows import flows
from widget.api.forms import forms
from widget.api.imports import imports
from widget.api.jobs import jobs
from widget.api.keywords import keywords
from widget.api.me import me
from widget.api.messages import messages
from widget.api.new_conversations import new_conversations
from widget.api.notifications import notifications
from widget.api.opt_out_requests import opt_out_requests
from widget.api.permissions import permissions
from widget.api.public_forms import public_forms
from widget.api.saved_replies import saved_replies
from widget.api.secrets import identity_secrets
from widget.api.segment_edits import segment_edits
from widget.api.segments import segments
from widget.api.senders import senders
from widget.api.subscription_edits import subscription_edits
from widget.api.subscription_types import subscription_types
from widget.api.tags import tags
from widget.api.webhooks import webhooks

RESOURCES = (
    subscription_types,
    contact_subscriptions,
    contacts,
    contact_search,
    contact_merge,
    bulk_contacts,
    tags,
    segments,
    attributes,
    conversations,
    conversation_search,
    conversation_tags,
    new_conversations,
    forms,
    permissions,
    consents,
    bulk_consents,
    jobs,
    consent_events,
    subscription_edits,
    flows,
    flow_figures,
    segment_edits,
    imports,
    exports,
    public_forms,
    keywords,
    saved_replies,
    messages,
    chat_messages,
    deliveries,
    opt_out_requests,
    senders,
    webhooks,
    notifications,
    audit_log,
    identity_secrets,
    me,
)
"""In the order of the reference."""
ROUTES = sorted((route for resource in RESOURCES for route in resource.routes), key=lambda route: "{" in route.path)
"""Fixed addresses come first: `/contacts/search` isn't the contact "search"."""
