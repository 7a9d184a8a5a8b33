"""Every address has its door: who may open it is written down here, and a new one that is not fails."""

from __future__ import annotations

from collections import defaultdict

import pytest

from bot.demo import DEALS
from bot.model.base import new_id, now
from tests.widget.desk import BEN, HTML, at_desk
from tests.widget.help import Running
from widget.api.route import PREFIX
from widget.api.table import ROUTES

PUBLIC = {
    "/canvas/configure", "/canvas/initialize", "/canvas/submit", "/canvas/cards/{card}",
    "/webhooks/twilio/status", "/webhooks/twilio/inbound",
    "/static/{path}", "/brand.css", "/brand/logo", "/healthz", "/readyz", "/metrics", "/widget.js", "/messenger",
    "/widget-timers.js",
    "/api/openapi.json", "/api/flows/schema",
    "/p/{token}", "/p/{token}/live", "/l/{token}", "/login", "/login/verify", "/join/{token}", "/password/{token}",
    "/f/{id}", "/f/{id}/resend", "/f/{id}/change-number", "/f/{id}/preferences", "/f/{id}/forget", "/f/{id}/terms",
    "/f/{id}/poster", "/f/{id}/qr.{format}",
    "/", "/demo", "/demo/terms", "/demo/privacy", "/demo/phone",
}  # fmt: skip
VISITOR = {
    "/messenger/open", "/messenger/unread", "/messenger/stayed", "/messenger/conversations", "/messenger/live",
    "/messenger/conversations/{conversation}/parts", "/messenger/conversations/{conversation}/messages",
    "/messenger/conversations/{conversation}/dismiss",
    "/messenger/conversations/{conversation}/cards/{seq}",
    "/messenger/conversations/{conversation}/cards/{seq}/resend",
    "/messenger/conversations/{conversation}/cards/{seq}/change-number",
    "/messenger/conversations/{conversation}/cards/{seq}/disown", "/messenger/preferences",
}  # fmt: skip
TOKEN = {PREFIX + route.path for route in ROUTES}
"""Each declares its scope: `tests/widget/api/test_access.py`."""
AGENTS = {
    "/inbox/opt-outs", "/inbox/opt-outs/{request}/opt-out", "/inbox/opt-outs/{request}/dismiss",
    "/inbox", "/inbox/list", "/inbox/live", "/inbox/{conversation}", "/inbox/{conversation}/parts",
    "/inbox/{conversation}/messages", "/inbox/{conversation}/actions", "/inbox/{conversation}/replies",
    "/inbox/{conversation}/transcript.txt", "/inbox/{conversation}/flows", "/inbox/{conversation}/tags",
    "/inbox/replies", "/inbox/replies/new", "/inbox/replies/{reply}", "/inbox/replies/{reply}/remove", "/{area}/{rest}",
    "/inbox/{conversation}/form", "/inbox/{conversation}/form/preview", "/inbox/{conversation}/cards/{seq}/withdraw",
    "/inbox/forms/{id}/remove",
    "/inbox/contacts/{contact}/panel", "/inbox/contacts/{contact}/history", "/inbox/contacts/{contact}/consents",
    "/inbox/contacts/{contact}/opt-in/{subscription}", "/inbox/contacts/{contact}/opt-out",
    "/inbox/contacts/{contact}/opt-out/{subscription}", "/contacts", "/contacts/rows", "/contacts/columns",
    "/contacts/{contact}", "/contacts/{contact}/timeline",
    "/contacts/{contact}/verdicts", "/contacts/{contact}/edit", "/contacts/{contact}/merge",
    "/contacts/{contact}/archive", "/contacts/{contact}/unarchive",
    "/contacts/filter", "/contacts/filter/apply", "/contacts/live", "/contacts/segments", "/contacts/segments/new",
    "/contacts/segments/{id}", "/contacts/segments/{id}/rename", "/contacts/segments/{id}/filter",
    "/contacts/segments/{id}/duplicate", "/contacts/segments/{id}/archive", "/contacts/segments/{id}/restore",
    "/outbound/deliveries/{delivery}", "/search", "/logout", "/settings/check",
    "/settings/jobs/{id}", "/settings/jobs/{id}/progress", "/settings/jobs/{id}/results.csv",
    "/settings/jobs/{id}/{act}", "/settings", "/help", "/help/shortcuts", "/help/{name}", "/help/images/{name}.png",
    "/api/docs", "/api/docs/{operation}",
    "/settings/profile", "/settings/profile/confirm", "/settings/profile/sign-in", "/settings/profile/sign-in/password",
    "/settings/profile/sign-in/passkeys", "/settings/profile/sign-in/passkeys/options",
    "/settings/profile/sign-in/passkeys/{id}/remove", "/settings/profile/sign-in/codes",
    "/settings/profile/sign-in/sessions/{id}/revoke", "/settings/profile/sign-in/sessions/revoke-others",
}  # fmt: skip
ADMINS = {
    "/outbound", "/outbound/new", "/outbound/{id}", "/outbound/{id}/audience", "/outbound/{id}/filter",
    "/outbound/{id}/count",
    "/outbound/{id}/chat", "/outbound/{id}/chat/start", "/outbound/{id}/chat/{act}",
    "/outbound/{id}/figures", "/outbound/{id}/form", "/outbound/{id}/form/preview", "/outbound/{id}/form/remove",
    "/outbound/{id}/delivery", "/outbound/{id}/live",
    "/outbound/{id}/review", "/outbound/{id}/send", "/outbound/{id}/send/count", "/outbound/{id}/test",
    "/outbound/{id}/plain",
    "/outbound/{id}/duplicate", "/outbound/{id}/delete", "/outbound/{id}/{act}", "/outbound/{id}/deliveries",
    "/outbound/{id}/deliveries.csv",
    "/bots", "/bots/{id}", "/bots/{id}/move", "/bots/{id}/pause", "/bots/{id}/resume", "/bots/{id}/publish",
    "/bots/{id}/remove", "/bots/{id}/restore", "/bots/{id}/figures", "/bots/{id}/figures.csv",
    "/bots/{id}/draft/copy", "/bots/{id}/live",
    "/bots/{id}/discard", "/bots/{id}/draft", "/bots/{id}/export.json", "/bots/{id}/duplicate",
    "/bots/{id}/map", "/bots/{id}/map.svg", "/bots/{id}/versions", "/bots/{id}/versions/{version}",
    "/bots/{id}/versions/{version}/roll-back",
    "/bots/-/conditions", "/bots/-/conditions/apply", "/bots/-/conditions/words",
    "/bots/-/try", "/bots/-/new", "/bots/-/import",
    "/settings/styleguide", "/settings/brand", "/settings/brand/logo",
    "/settings/brand/logo/remove", "/settings/brand/preview", "/settings/subscriptions", "/settings/subscriptions/new",
    "/settings/subscriptions/{id}", "/settings/subscriptions/{id}/archive", "/settings/subscriptions/{id}/live",
    "/settings/subscriptions/{id}/restore", "/settings/subscriptions/preview", "/settings/subscriptions/preview/page",
    "/settings/keywords", "/settings/keywords/-/new", "/settings/keywords/{keyword}",
    "/settings/keywords/{keyword}/pause", "/settings/keywords/{keyword}/resume",
    "/settings/forms", "/settings/forms/{id}", "/settings/forms/{id}/publish", "/settings/forms/{id}/unpublish",
    "/settings/forms/{id}/pack.zip",
    "/settings/abuse", "/settings/abuse/{prefix}/unblock",
    "/settings/senders", "/settings/senders/test", "/settings/senders/{country}/remove", "/settings/senders/prices",
    "/settings/senders/prices/{country}/remove", "/settings/ledger",
    "/settings/delivery", "/settings/sending-rules",
    "/settings/install", "/settings/install/check", "/settings/install/sites",
    "/settings/install/image-hosts",
    "/settings/install/secrets", "/settings/install/secrets/{secret}/revoke",
    "/settings/teammates", "/settings/teammates/invite",
    "/settings/teammates/invitations/{id}/revoke", "/settings/teammates/{id}", "/settings/teammates/{id}/role",
    "/settings/teammates/{id}/permissions", "/settings/teammates/{id}/password-link",
    "/settings/teammates/{id}/second-factor",
    "/settings/teammates/{id}/remove", "/settings/tokens", "/settings/tokens/{id}/revoke", "/settings/audit",
    "/contacts/bulk/jobs", "/contacts/bulk/export", "/contacts/bulk/{act}", "/contacts/bulk/{act}/preview",
    "/contacts/bulk/{act}/start", "/contacts/exports.{format}", "/contacts/exports/{id}.{format}",
    "/contacts/{contact}/erase", "/contacts/{contact}/data.zip",
    "/contacts/imports", "/contacts/imports/upload", "/contacts/imports/{id}", "/contacts/imports/{id}/check",
    "/contacts/imports/{id}/{act}", "/contacts/imports/{id}/wait", "/contacts/imports/{id}/failed.csv",
    "/settings/attributes", "/settings/attributes/-/new", "/settings/attributes/{key}",
    "/settings/attributes/{key}/archive", "/settings/attributes/{key}/restore",
    "/settings/tags", "/settings/tags/{id}", "/settings/tags/{id}/delete",
    "/settings/intercom", "/settings/intercom/messenger-security", "/settings/intercom/secrets",
    "/settings/intercom/secrets/{secret}/revoke",
    "/settings/webhooks", "/settings/webhooks/{endpoint}", "/settings/webhooks/{endpoint}/test",
    "/settings/webhooks/{endpoint}/enable", "/settings/webhooks/{endpoint}/disable",
    "/settings/webhooks/{endpoint}/remove", "/settings/webhooks/{endpoint}/secrets",
    "/settings/webhooks/{endpoint}/secrets/{secret}/revoke", "/settings/webhooks/{endpoint}/replay",
    "/settings/webhooks/{endpoint}/notifications/{notification}",
    "/settings/webhooks/{endpoint}/notifications/{notification}/replay",
    "/settings/audit.csv", "/settings/security", "/settings/security/sessions/{id}/revoke",
}  # fmt: skip


async def kept(running: Running) -> list[object]:
    """All that teammates set. Texts and chats of the people of other tests may go on meanwhile."""
    store = running.store
    tables = (
        store.workspaces,
        store.subscriptions,
        store.subscription_versions,
        store.keyword_programs,
        store.teammates,
        store.api_tokens,
        store.form_templates,
        store.webhook_endpoints,
    )
    seen, present = {"last_seen_at": 0}, {"expires_at": {"$not": {"$lt": now()}}}  # the database deletes the others
    return [await table.collection.find(present, seen).sort("_id", 1).to_list(None) for table in tables]


def routes(running: Running) -> set[tuple[str, str]]:
    found = running.server.app.router.routes()
    return {(route.method, route.resource.canonical) for route in found if route.resource and route.method != "HEAD"}


def test_every_address_stands_in_one_list(running: Running) -> None:
    lists = [PUBLIC, VISITOR, TOKEN, AGENTS, ADMINS]
    known = {path for paths in lists for path in paths}
    assert len(known) == sum(len(paths) for paths in lists)
    assert {path for _method, path in routes(running)} == known


def filled(path: str) -> str:
    zeros = "0" * 24
    is_hash = "sessions/{id}" in path or "tokens/{id}" in path
    id = "0" * 64 if is_hash else DEALS
    ids = {"id": id, "conversation": zeros, "contact": zeros, "secret": zeros, "subscription": DEALS, "reply": zeros}
    ids |= {"endpoint": zeros, "notification": "notif_0"}
    others = {
        "request": f"{zeros}:{1:010d}",
        "key": "city",
        "keyword": "join",
        "delivery": "outbound:x:y",
        "prefix": "1201555",
        "country": "US",
        "version": "1",
        "format": "csv",
        "act": "start" if "imports" in path else "pause",
    }
    fixed = {"token": "x", "name": "proof", "seq": "1", "path": "x", "area": "inbox", "rest": "nothing"}
    return path.format_map(defaultdict(lambda: zeros, fixed | ids | others))


async def test_a_stranger_is_asked_to_sign_in_and_changes_nothing(running: Running) -> None:
    before = await kept(running)
    for method, path in sorted(routes(running)):
        if path not in AGENTS | ADMINS:
            continue
        url, data = running.base + filled(path), {"version": "1", "name": "Mine"} if method == "POST" else None
        async with running.session.request(method, url, data=data, headers=HTML, allow_redirects=False) as answer:
            where = answer.headers.get("Location", "")
            assert (answer.status, where.startswith("/login")) == ((303, True) if method == "GET" else (401, False)), (
                path
            )
        async with running.session.request(method, url, data=data, allow_redirects=False) as answer:
            assert answer.status == 401, path
            assert (await answer.json())["type"] == "error.list"
    assert await kept(running) == before


async def test_an_agent_is_refused_wherever_only_an_admin_may(running: Running) -> None:
    async with at_desk(running.base, BEN) as ben:
        before = await kept(running)
        for method, path in sorted(routes(running)):
            if path in ADMINS:
                form = {"version": "1", "name": "Mine", "key": new_id()}
                status, page = await (ben.post(filled(path), form) if method == "POST" else ben.get(filled(path)))
                assert (status, "Only admins can do this" in page.text) == (403, True), (method, path)
        assert await kept(running) == before


async def test_an_agent_is_shown_no_door_that_is_locked(running: Running) -> None:
    async with at_desk(running.base, BEN) as ben:
        rail = (await ben.look("/inbox")).one("nav", class_="rail")
        assert {a.attrs["href"] for a in rail.all("a")} == {"/inbox", "/contacts"}
        assert "/settings" not in (await ben.look("/search?q=brand")).one("main").text


@pytest.mark.parametrize("csrf", ["", "x.y"])
async def test_no_form_is_taken_without_the_token_of_the_session(running: Running, csrf: str) -> None:
    async with at_desk(running.base) as ada:
        before = await kept(running)
        for method, path in sorted(routes(running)):
            if method == "POST" and path in AGENTS | ADMINS:
                status, _ = await ada.post(filled(path), {"csrf": csrf, "version": "1", "name": "Mine"})
                assert status == 403, path
        assert await kept(running) == before
