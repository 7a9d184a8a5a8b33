"""The table of all routes."""

from __future__ import annotations

from widget.api.consent_events import consent_events
from widget.api.consents import consents
from widget.api.contact_merge import contact_merge
from widget.api.contact_search import contact_search
from widget.api.contact_subscriptions import contact_subscriptions
from widget.api.contacts import contacts
from widget.api.conversations import conversations
from widget.api.flows import flows
from widget.api.me import me
from widget.api.permissions import permissions
from widget.api.segments import segments
from widget.api.subscription_edits import subscription_edits
from widget.api.subscription_types import subscription_types
from widget.api.tags import tags

RESOURCES = (
    subscription_types,
    contact_subscriptions,
    contacts,
    contact_search,
    contact_merge,
    tags,
    segments,
    conversations,
    permissions,
    consents,
    consent_events,
    subscription_edits,
    flows,
    me,
)
"""In the order of the reference."""
ROUTES = sorted((route for resource in RESOURCES for route in resource.routes), key=lambda route: "{" in route.path)
"""Fixed addresses come first: `/contacts/search` isn't the contact "search"."""
