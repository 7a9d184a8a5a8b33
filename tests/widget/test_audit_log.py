"""The audit log: an entry of every form in the settings, the page with its filters, and the export."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import aiohttp
import pytest

from bot.demo import DEALS
from bot.jobs.kinds.verify import Verify, VerifyInput
from bot.jobs.rules import JobAction
from bot.model.attribute import AttributeType
from bot.model.audit import AuditAction as A
from bot.model.audit import AuditEntry
from bot.model.base import new_id, now
from bot.model.form_limits import BlockedPrefix
from bot.model.subscription import ConsentType, MessageType
from bot.model.teammate import By, TeammateRole
from bot.model.webhook import Topic
from bot.workspace.access import Scope
from bot.workspace.audit import AuditFilter
from bot.workspace.brand import Brand
from bot.workspace.keyword_programs import ProgramForm
from bot.workspace.prices import PriceForm
from bot.workspace.profile import TeammateProfile
from bot.workspace.senders import SenderForm
from bot.workspace.wording import New
from tests.conftest import Visitor, eventually
from tests.people import PIXEL, card, wording
from tests.widget.admins import PASSWORD, SIGN_IN, Admin, add_passkey, named_base, new_teammate
from tests.widget.authenticator import Authenticator
from tests.widget.desk import HTML, at_desk
from tests.widget.help import Running
from tests.widget.test_inbox import talking
from tests.widget.web.test_roles import routes
from widget.workspace import audit_details, teammates, tokens

LOG = "/settings/audit"
QUIET = {
    "/settings/check",
    "/settings/profile/confirm",
    "/settings/brand/preview",
    "/settings/senders/test",
    "/settings/webhooks/{endpoint}/test",
    "/settings/subscriptions/preview/page",
    f"{SIGN_IN}/passkeys/options",
}
"""Forms that change nothing."""
Act = Callable[[Running, Admin], Awaitable[None]]
BRAND = {"name": "Harbor Coffee", "brand": "#2f5bea", "default_region": "US"}
SOMEBODY = By("x", "X")


async def sent(eve: Admin, path: str, form: dict[str, str] | None = None) -> None:
    status, page = await eve.desk.post(path, form or {})
    assert status in {200, 303}, page.text


def form(path: str, **values: str) -> Act:
    async def act(running: Running, eve: Admin) -> None:
        await sent(eve, path, values)

    return act


def on_subscription(path: str, *, moves: tuple[str, ...] = (), **values: str) -> Act:
    """A form of a new subscription, after these `moves`."""

    async def act(running: Running, eve: Admin) -> None:
        service = running.bot.subscriptions
        new = New(name=f"News {new_id()}", message_type=MessageType.SMS, consent_type=ConsentType.OPT_IN)
        made = await service.create(new, SOMEBODY, key=new_id())
        for move in moves:
            made = await getattr(service, move)(made.id, made.version, SOMEBODY)
        named = {name: value.format(name=made.name) for name, value in values.items()}
        await sent(eve, f"/settings/subscriptions/{made.id}{path}", {"version": str(made.version), **named})
        if path != "/archive":
            left = await service.get(made.id)
            await service.archive(made.id, left.version, SOMEBODY)

    return act


def on_teammate(path: str, **values: str) -> Act:
    async def act(running: Running, eve: Admin) -> None:
        async with new_teammate(running, TeammateRole.AGENT) as other:
            await sent(eve, f"/settings/teammates/{other.teammate.id}{path}", values)

    return act


async def upload_logo(running: Running, eve: Admin) -> None:
    data = aiohttp.FormData({"csrf": await eve.desk.csrf(SIGN_IN)})
    data.add_field("logo", PIXEL, filename="logo.png")
    url = f"{eve.desk.base}/settings/brand/logo"
    async with eve.desk.session.post(url, data=data, headers=HTML, allow_redirects=False) as answer:
        assert answer.status == 303


async def revoke_invitation(running: Running, eve: Admin) -> None:
    link = await running.bot.account_links.invite(f"{new_id()}@shop.example", TeammateRole.AGENT, SOMEBODY)
    await sent(eve, f"/settings/teammates/invitations/{link.id}/revoke")


async def revoke_token(running: Running, eve: Admin) -> None:
    await running.bot.tokens.make(eve.teammate, "CI", by=SOMEBODY)
    (token,) = [one for one in await running.bot.tokens.all() if one.teammate == eve.teammate.id]
    await sent(eve, f"/settings/tokens/{token.id}/revoke")


async def create_secret(running: Running, eve: Admin) -> None:
    id = new_id()
    await sent(eve, "/settings/install/secrets", {"key": id})
    await running.bot.identity_secrets.revoke(id, SOMEBODY)


async def revoke_secret(running: Running, eve: Admin) -> None:
    made = await running.bot.identity_secrets.create(SOMEBODY, new_id())
    assert made
    await sent(eve, f"/settings/install/secrets/{made.id}/revoke")


KEYWORD = {
    "subscription": DEALS, "place": "Poster", "title": "Text us", "locale": "en", "legal_text": "Recurring texts.",
}  # fmt: skip
"""The form of a keyword, but for the statements that its legal text lacks."""


def new_word() -> str:
    """No letter stands twice in a row: drawn out words are refused."""
    return "word" + re.sub(r"(.)\1+", r"\1", new_id())


def on_keyword(path: str, **values: str) -> Act:
    """Changes a keyword that somebody else has created, in its state before `path`."""

    async def act(running: Running, eve: Admin) -> None:
        word, keywords = new_word(), running.bot.keywords
        await keywords.create(word, ProgramForm(**KEYWORD), SOMEBODY, wording())
        if path == "/resume":
            await keywords.pause(word, 1, SOMEBODY)
        version = "2" if path == "/resume" else "1"
        await sent(eve, f"/settings/keywords/{word}{path}", {"version": version, **values})

    return act


async def create_keyword(running: Running, eve: Admin) -> None:
    page = await eve.desk.look("/settings/keywords/-/new")
    legal = page.one("textarea", id="legal_text").text.strip()
    await sent(eve, "/settings/keywords/-/new", {**KEYWORD, "keyword": new_word(), "legal_text": legal})


async def edit_keyword(running: Running, eve: Admin) -> None:
    page = await eve.desk.look("/settings/keywords/-/new")
    legal = page.one("textarea", id="legal_text").text.strip()
    await on_keyword("", **{**KEYWORD, "legal_text": legal})(running, eve)


def on_form(path: str, *, is_public: bool = False) -> Act:
    async def act(running: Running, eve: Admin) -> None:
        template = await running.bot.forms.save(f"Form {new_id()}", card(), SOMEBODY, new_id(), wording())
        await running.bot.forms.set_public(template.id, is_public, SOMEBODY)
        await sent(eve, f"/settings/forms/{template.id}{path}")

    return act


async def create_form(running: Running, eve: Admin) -> None:
    values = {"template_name": f"Form {new_id()}", "subscription": DEALS, "key": new_id()}
    await sent(eve, "/settings/forms", values)


async def unblock_prefix(running: Running, eve: Admin) -> None:
    ends = now() + timedelta(hours=1)
    await running.store.blocked_prefixes.insert(
        BlockedPrefix(id="+1201999", asked=10, confirmed=0, blocked_at=now(), until=ends, expires_at=ends)
    )
    await sent(eve, "/settings/abuse/1201999/unblock")


async def remove_price(running: Running, eve: Admin) -> None:
    await running.bot.prices.save(PriceForm(price_country="CA", price="0.01", currency="USD"), SOMEBODY)
    await sent(eve, "/settings/senders/prices/CA/remove")


async def remove_sender(running: Running, eve: Admin) -> None:
    await running.bot.senders.save(SenderForm(country="CA", sender="72345"), SOMEBODY)
    await sent(eve, "/settings/senders/CA/remove")


def revoke_session(path: str) -> Act:
    async def act(running: Running, eve: Admin) -> None:
        async with at_desk(eve.desk.base, eve.email, PASSWORD):
            found = await running.store.sessions.collection.find({"teammate": eve.teammate.id}).to_list(None)
            await sent(eve, f"{path}/{max(found, key=lambda s: s['created_at'])['_id']}/revoke")

    return act


async def change_password(running: Running, eve: Admin) -> None:
    await sent(eve, f"{SIGN_IN}/password", {"current": PASSWORD, "password": "harvest nickel 42 drum"})
    await eve.desk.look("/inbox")


async def passkey(running: Running, eve: Admin) -> None:
    await add_passkey(eve.desk, Authenticator(named_base(running)))


async def remove_passkey(running: Running, eve: Admin) -> None:
    await passkey(running, eve)
    (key,) = await running.bot.passkeys.of(eve.teammate.id)
    await sent(eve, f"{SIGN_IN}/passkeys/{key.id}/remove")


async def new_codes(running: Running, eve: Admin) -> None:
    await passkey(running, eve)
    await sent(eve, f"{SIGN_IN}/codes")


async def control_job(running: Running, eve: Admin) -> None:
    async def is_free() -> bool:
        return await running.store.jobs.unended(Verify.name) is None

    await eventually(is_free)
    job = await running.bot.jobs.start(Verify, VerifyInput(), SOMEBODY, at=now() + timedelta(hours=1))
    await sent(eve, f"/settings/jobs/{job.id}/cancel")


def on_attribute(path: str, *, archived: bool = False, **values: str) -> Act:
    async def act(running: Running, eve: Admin) -> None:
        made = await running.bot.attributes.create(f"A{new_id()}", AttributeType.TEXT, SOMEBODY)
        if archived:
            await running.bot.attributes.archive(made.key, SOMEBODY)
        await sent(eve, f"/settings/attributes/{made.key}{path}", values)

    return act


def on_tag(path: str, **values: str) -> Act:
    async def act(running: Running, eve: Admin) -> None:
        made = await running.bot.tags.create(f"Tag {new_id()}", SOMEBODY)
        await sent(eve, f"/settings/tags/{made.id}{path}", values)

    return act


async def add_endpoint(running: Running, eve: Admin) -> None:
    id = new_id()
    values = {"key": id, "url": "https://hooks.invalid/", "topics.conversation-admin-snoozed": "on"}
    await sent(eve, HOOKS, values)
    await running.bot.webhooks.remove(id, SOMEBODY)


def on_endpoint(path: str, **values: str) -> Act:
    """A form of an endpoint with two secrets and a notification."""

    async def act(running: Running, eve: Admin) -> None:
        service, second = running.bot.webhooks, new_id()
        made, _secret = await service.add("https://hooks.invalid/", "", (Topic.SNOOZED,), SOMEBODY, id=new_id())
        if path != "/secrets":
            await service.add_secret(made.id, SOMEBODY, key=second)
        if path == "/enable":
            await service.disable(made.id, SOMEBODY)
        ping = await service.ping(made.id, SOMEBODY, new_id())
        await sent(eve, f"{HOOKS}/{made.id}{path.format(secret=second, notification=ping)}", values)
        if path != "/remove":
            await service.remove(made.id, SOMEBODY)

    return act


async def _canvas_secret(running: Running) -> str:
    running.bot.workspace.cache_clear()
    return (await running.bot.workspace()).canvas_secrets[-1].id


async def add_canvas_secret(running: Running, eve: Admin) -> None:
    await sent(eve, "/settings/intercom/secrets", {"secret": "c" * 36})
    await running.bot.canvas_secrets.revoke(await _canvas_secret(running), SOMEBODY)


async def revoke_canvas_secret(running: Running, eve: Admin) -> None:
    await running.bot.canvas_secrets.add("d" * 36, SOMEBODY)
    await sent(eve, f"/settings/intercom/secrets/{await _canvas_secret(running)}/revoke")


HOOKS = "/settings/webhooks"
HOOK = f"{HOOKS}/{{endpoint}}"
FORMS: dict[str, tuple[A, Act]] = {
    "/settings/brand": (A.BRAND_SAVED, form("/settings/brand", **BRAND)),
    "/settings/brand/logo": (A.LOGO_SAVED, upload_logo),
    "/settings/brand/logo/remove": (A.LOGO_REMOVED, form("/settings/brand/logo/remove")),
    "/settings/install/sites": (A.SITES_SAVED, form("/settings/install/sites", sites="")),
    "/settings/install/image-hosts": (A.IMAGE_HOSTS_SAVED, form("/settings/install/image-hosts", image_hosts="")),
    "/settings/install/secrets": (A.SECRET_CREATED, create_secret),
    "/settings/install/secrets/{secret}/revoke": (A.SECRET_REVOKED, revoke_secret),
    "/settings/ledger": (A.JOB_STARTED, form("/settings/ledger", key=new_id())),
    "/settings/jobs/{id}/{act}": (A.JOB_CANCELED, control_job),
    "/settings/subscriptions/new": (
        A.SUBSCRIPTION_CREATED,
        form("/settings/subscriptions/new", name=f"Audited {new_id()}", message_type="sms", consent_type="opt_in",
             purpose="marketing", key=new_id()),
    ),
    "/settings/subscriptions/{id}": (A.SUBSCRIPTION_EDITED, on_subscription("", name="{name} 2")),
    "/settings/subscriptions/{id}/live": (A.SUBSCRIPTION_PUT_LIVE, on_subscription("/live")),
    "/settings/subscriptions/{id}/archive": (A.SUBSCRIPTION_ARCHIVED, on_subscription("/archive")),
    "/settings/subscriptions/{id}/restore": (
        A.SUBSCRIPTION_RESTORED,
        on_subscription("/restore", moves=("archive",), name="{name}"),
    ),
    "/settings/teammates/invite": (
        A.TEAMMATE_INVITED,
        form("/settings/teammates/invite", email=f"{new_id()}@shop.example", role="agent"),
    ),
    "/settings/teammates/invitations/{id}/revoke": (A.INVITATION_REVOKED, revoke_invitation),
    "/settings/teammates/{id}/role": (A.ROLE_CHANGED, on_teammate("/role", role="admin")),
    "/settings/teammates/{id}/permissions": (A.PERMISSIONS_CHANGED, on_teammate("/permissions", bulk_contacts="on")),
    "/settings/teammates/{id}/password-link": (A.PASSWORD_LINK_CREATED, on_teammate("/password-link")),
    "/settings/teammates/{id}/second-factor": (A.SECOND_FACTOR_RESET, on_teammate("/second-factor")),
    "/settings/teammates/{id}/remove": (A.TEAMMATE_REMOVED, on_teammate("/remove")),
    "/settings/tokens": (
        A.TOKEN_CREATED,
        form("/settings/tokens", **{"name": "CI", "days": "30", "scopes.read_contacts": "on"}),
    ),
    "/settings/tokens/{id}/revoke": (A.TOKEN_REVOKED, revoke_token),
    "/settings/attributes/-/new": (
        A.ATTRIBUTE_CREATED,
        form("/settings/attributes/-/new", name=f"Audited {new_id()}", type="text", options=""),
    ),
    "/settings/attributes/{key}": (A.ATTRIBUTE_CHANGED, on_attribute("", name=f"Renamed {new_id()}")),
    "/settings/attributes/{key}/archive": (A.ATTRIBUTE_ARCHIVED, on_attribute("/archive")),
    "/settings/attributes/{key}/restore": (A.ATTRIBUTE_RESTORED, on_attribute("/restore", archived=True)),
    "/settings/tags": (A.TAG_CREATED, form("/settings/tags", name=f"Audited {new_id()}")),
    "/settings/tags/{id}": (A.TAG_RENAMED, on_tag("", name=f"Renamed {new_id()}")),
    "/settings/tags/{id}/delete": (A.TAG_DELETED, on_tag("/delete")),
    "/settings/keywords/-/new": (A.KEYWORD_CREATED, create_keyword),
    "/settings/keywords/{keyword}": (A.KEYWORD_EDITED, edit_keyword),
    "/settings/keywords/{keyword}/pause": (A.KEYWORD_PAUSED, on_keyword("/pause")),
    "/settings/keywords/{keyword}/resume": (A.KEYWORD_RESUMED, on_keyword("/resume")),
    "/settings/forms": (A.FORM_TEMPLATE_SAVED, create_form),
    "/settings/forms/{id}/publish": (A.FORM_PUBLISHED, on_form("/publish")),
    "/settings/forms/{id}/unpublish": (A.FORM_UNPUBLISHED, on_form("/unpublish", is_public=True)),
    "/settings/abuse": (
        A.ABUSE_LIMITS_SAVED,
        form("/settings/abuse", prefix="20", session="5", country="200", budget="2000", alarm="80"),
    ),
    "/settings/abuse/{prefix}/unblock": (A.PREFIX_UNBLOCKED, unblock_prefix),
    "/settings/senders/prices": (
        A.PRICE_SAVED, form("/settings/senders/prices", price_country="US", price="0.0083", currency="USD"),
    ),
    "/settings/senders/prices/{country}/remove": (A.PRICE_REMOVED, remove_price),
    "/settings/senders": (A.SENDER_SAVED, form("/settings/senders", country="US", sender="72345")),
    "/settings/senders/{country}/remove": (A.SENDER_REMOVED, remove_sender),
    "/settings/intercom/messenger-security": (
        A.MESSENGER_SECURITY_SAVED,
        form("/settings/intercom/messenger-security"),
    ),
    "/settings/intercom/secrets": (A.CANVAS_SECRET_ADDED, add_canvas_secret),
    "/settings/intercom/secrets/{secret}/revoke": (A.CANVAS_SECRET_REVOKED, revoke_canvas_secret),
    HOOKS: (A.WEBHOOK_ADDED, add_endpoint),
    HOOK: (
        A.WEBHOOK_CHANGED,
        on_endpoint("", **{"url": "https://hooks.invalid/2", "topics.conversation-admin-snoozed": "on"}),
    ),
    f"{HOOK}/enable": (A.WEBHOOK_ENABLED, on_endpoint("/enable")),
    f"{HOOK}/disable": (A.WEBHOOK_DISABLED, on_endpoint("/disable")),
    f"{HOOK}/remove": (A.WEBHOOK_REMOVED, on_endpoint("/remove")),
    f"{HOOK}/secrets": (A.WEBHOOK_SECRET_CREATED, on_endpoint("/secrets", key=new_id())),
    f"{HOOK}/secrets/{{secret}}/revoke": (A.WEBHOOK_SECRET_REVOKED, on_endpoint("/secrets/{secret}/revoke")),
    f"{HOOK}/replay": (
        A.WEBHOOK_REPLAYED,
        on_endpoint("/replay", since="2026-01-01T00:00", until="2099-01-01T00:00"),
    ),
    f"{HOOK}/notifications/{{notification}}/replay": (
        A.WEBHOOK_REPLAYED,
        on_endpoint("/notifications/{notification}/replay"),
    ),
    "/settings/security": (A.SECURITY_SAVED, form("/settings/security")),
    "/settings/security/sessions/{id}/revoke": (A.SESSION_REVOKED, revoke_session("/settings/security/sessions")),
    "/settings/profile": (A.PROFILE_SAVED, form("/settings/profile", name="Eve", locale="", time_zone="")),
    f"{SIGN_IN}/password": (A.PASSWORD_CHANGED, change_password),
    f"{SIGN_IN}/passkeys": (A.PASSKEY_ADDED, passkey),
    f"{SIGN_IN}/passkeys/{{id}}/remove": (A.PASSKEY_REMOVED, remove_passkey),
    f"{SIGN_IN}/codes": (A.RECOVERY_CODES_CREATED, new_codes),
    f"{SIGN_IN}/sessions/{{id}}/revoke": (A.SESSION_REVOKED, revoke_session(f"{SIGN_IN}/sessions")),
    f"{SIGN_IN}/sessions/revoke-others": (A.SESSION_REVOKED, form(f"{SIGN_IN}/sessions/revoke-others")),
}  # fmt: skip
"""Each form in the settings, by its route: the action that it records, and how it is sent."""


def test_every_form_in_the_settings_is_listed(running: Running) -> None:
    """Add a new form to FORMS, with the entry that its service records, or to QUIET if it changes nothing."""
    posts = {path for method, path in routes(running) if method == "POST" and path.startswith("/settings/")}
    assert posts == QUIET | set(FORMS)


@pytest.fixture
async def _unchanged_workspace(running: Running) -> AsyncIterator[None]:
    before = await running.store.workspaces.get("workspace")
    yield
    assert before
    await running.store.workspaces.save(before)
    running.bot.workspace.cache_clear()


@pytest.mark.usefixtures("_unchanged_workspace")
@pytest.mark.parametrize("path", FORMS)
async def test_every_form_in_the_settings_is_recorded(running: Running, path: str) -> None:
    action, act = FORMS[path]
    async with new_teammate(running) as eve:
        await act(running, eve)
        entries = await recorded(running, eve)
        assert action in {entry.action for entry in entries}
        assert {entry.address for entry in entries} <= {"127.0.0.1", "::1"}
        words = " ".join(f"{entry.subject} {entry.detail}" for entry in entries)
        assert not [word for word in (PASSWORD, "sayso_", "+1") if word in words]


def test_every_code_that_a_detail_can_hold_has_a_label() -> None:
    assert set(audit_details.PROFILE) == set(TeammateProfile.model_fields)
    assert set(audit_details.BRAND) == set(Brand.model_fields)
    assert set(tokens.SCOPES) == set(Scope)
    assert set(teammates.ROLES) == set(TeammateRole)


async def recorded(running: Running, eve: Admin) -> list[AuditEntry]:
    page = await running.bot.audit.page(AuditFilter(actor=eve.teammate.id))
    return list(page.items)


async def test_the_page_filters_and_exports_what_it_shows(running: Running) -> None:
    async with new_teammate(running) as eve:
        by = By(eve.teammate.id, "Eve", "203.0.113.9", token="CI")
        await running.bot.audit.record(by, A.TOKEN_CREATED, "=cmd()", detail="read_contacts")
        for _page in range(51):
            await running.bot.audit.record(by, A.TOKEN_REVOKED, "Old")
        query = f"actor={eve.teammate.id}"
        page = await eve.desk.look(f"{LOG}?{query}")
        assert len(page.one("tbody").all("tr")) == 50
        (next_page,) = [a.attrs["href"] for a in page.all("a") if "before=" in a.attrs["href"]]
        assert len((await eve.desk.look(next_page)).one("tbody").all("tr")) == 3  # with the sign-in
        page = await eve.desk.look(f"{LOG}?{query}&action={A.TOKEN_CREATED}")
        assert page.one("tbody").all("th")[0].text.strip() == "Created an API token"
        assert "=cmd()" in page.one("tbody").text
        assert "Read contacts" in page.one("tbody").text, "labels, not codes"
        assert "No entries" in (await eve.desk.look(f"{LOG}?{query}&until=2020-01-01")).text
        await eve.desk.look(f"{LOG}?since=nonsense&until=9999-99-99&action=%00")
        assert "New" not in (await eve.desk.look(f"{LOG}?until=9999-12-31&since=0001-01-01")).one("h1").text

        async with eve.desk.session.get(f"{eve.desk.base}{LOG}.csv?{query}") as answer:
            rows = list(csv.DictReader(io.StringIO(await answer.text())))
        assert (answer.status, len(rows)) == (200, 54), "with the export itself"
        (made,) = [row for row in rows if row["action"] == A.TOKEN_CREATED]
        assert (made["subject"], made["token"], made["address"]) == ("'=cmd()", "CI", "203.0.113.9")


async def test_what_leaves_is_recorded(running: Running, visitor: Visitor) -> None:
    conversation = (await talking(visitor)).removeprefix("/inbox/")
    async with new_teammate(running) as eve:
        job = await running.bot.jobs.start(Verify, VerifyInput(), SOMEBODY, at=now() + timedelta(hours=1))
        for path in (
            f"{LOG}.csv?action=token.created",
            f"/inbox/{conversation}/transcript.txt",
            f"/settings/jobs/{job.id}/results.csv",
        ):
            async with eve.desk.session.head(eve.desk.base + path) as answer:
                assert answer.status == 200
            async with eve.desk.session.get(eve.desk.base + path) as answer:
                assert answer.status == 200
        await running.bot.jobs.act(job.id, JobAction.CANCEL, SOMEBODY)
        found = [(e.action, e.subject, e.detail) for e in await recorded(running, eve) if e.action != A.SIGNED_IN]
        assert found == [
            (A.JOB_RESULTS_DOWNLOADED, Verify.name, job.id),
            (A.TRANSCRIPT_DOWNLOADED, conversation, ""),
            (A.AUDIT_LOG_EXPORTED, "", "action=token.created"),
        ]


async def test_saved_replies_and_templates_are_recorded(running: Running, visitor: Visitor) -> None:
    conversation = (await talking(visitor)).removeprefix("/inbox/")
    name = f"Greeting {new_id()}"
    async with new_teammate(running) as eve:
        await sent(eve, "/inbox/replies/new", {"name": name, "text": "Hi"})
        (reply,) = [one for one in await running.bot.saved_replies.all() if one.name == name]
        await sent(eve, f"/inbox/replies/{reply.id}", {"name": f"{name}!", "text": "Hello"})
        by = By(eve.teammate.id, eve.teammate.name)
        template = await running.bot.forms.save(name, card(), by, new_id(), wording())
        for _ in range(2):
            await sent(eve, f"/inbox/replies/{reply.id}/remove")
            await sent(eve, f"/inbox/forms/{template.id}/remove", {"conversation": conversation})
        found = [(e.action, e.subject) for e in await recorded(running, eve) if e.action != A.SIGNED_IN]
        assert found == [
            (A.FORM_TEMPLATE_REMOVED, name),
            (A.SAVED_REPLY_REMOVED, f"{name}!"),
            (A.FORM_TEMPLATE_SAVED, name),
            (A.SAVED_REPLY_SAVED, f"{name}!"),
            (A.SAVED_REPLY_SAVED, name),
        ]
