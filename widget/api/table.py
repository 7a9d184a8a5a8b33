"""The table of all routes."""

from __future__ import annotations

from widget.api.contact_subscriptions import contact_subscriptions
from widget.api.me import me
from widget.api.subscription_types import subscription_types

RESOURCES = (subscription_types, contact_subscriptions, me)
"""In the order of the reference."""
ROUTES = sorted((route for resource in RESOURCES for route in resource.routes), key=lambda route: "{" in route.path)
"""Fixed addresses come first: `/contacts/search` isn't the contact "search"."""
