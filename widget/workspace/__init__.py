"""The settings pages. Each page names its scope; the text checker is open to all teammates."""

from __future__ import annotations

from aiohttp import web

from widget.workspace import (
    abuse,
    attributes,
    audit,
    brand,
    checker,
    confirm,
    delivery,
    install,
    intercom,
    keywords,
    ledger,
    preview,
    profile,
    public_forms,
    security,
    senders,
    sending_rules,
    sign_in,
    subscriptions,
    tags,
    teammates,
    tokens,
    webhooks,
)


def add_routes(app: web.Application) -> None:
    for face in (
        abuse,
        attributes,
        audit,
        brand,
        checker,
        confirm,
        install,
        intercom,
        keywords,
        ledger,
        preview,
        profile,
        public_forms,
        security,
        delivery,
        senders,
        sending_rules,
        sign_in,
        subscriptions,
        tags,
        teammates,
        tokens,
        webhooks,
    ):
        face.add_routes(app)
