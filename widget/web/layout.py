"""The layout of every teammate page: navigation, title, flash message, and the security headers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from aiohttp import web

from bot.consent.form_watch import FormWatch
from bot.errors import marked as _
from bot.i18n import Translator
from bot.workspace.access import Principal, Scope
from widget.web.csrf import session_token
from widget.web.flash import forget_said, read_said
from widget.web.forms import FORM, Form
from widget.web.http import BOT, PAGE_POLICY, page, wanted_locale
from widget.web.sessions import PRINCIPAL

POLICY = f"frame-src 'self'; {PAGE_POLICY}'none'"
"""Like all pages, plus a frame of our own: the preview of the preference center."""


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of the navigation or a sub-navigation."""

    section: str
    path: str
    name: str
    """A gettext id."""
    icon: str = ""
    scope: Scope | None = None
    """Who sees it: teammates with this scope; None: all of them."""
    group: str = ""
    """The heading of the settings it belongs to, a gettext id."""


@dataclass(frozen=True, slots=True)
class NavGroup:
    name: str
    items: tuple[NavItem, ...]

    def has(self, section: str) -> bool:
        return any(item.section == section for item in self.items)


NAVIGATION = (
    NavItem("inbox", "/inbox", _("Inbox"), "inbox", Scope.READ_CONVERSATIONS),
    NavItem("contacts", "/contacts", _("Contacts"), "people", Scope.READ_CONTACTS),
    NavItem("outbound", "/outbound", _("Outbound"), "outbound", Scope.SEND_MESSAGES),
    NavItem("bots", "/bots", _("Bots"), "bot", Scope.MANAGE_FLOWS),
    NavItem("settings", "/settings/subscriptions", _("Settings"), "gear", Scope.MANAGE_SUBSCRIPTIONS),
)
OUTBOUND, WORKSPACE, ACCOUNT = _("Outbound"), _("Workspace"), _("Account")
SETTINGS = (
    NavItem("subscriptions", "/settings/subscriptions", _("Subscriptions"), "", Scope.MANAGE_SUBSCRIPTIONS, OUTBOUND),
    NavItem("keywords", "/settings/keywords", _("Keywords"), "", Scope.MANAGE_SUBSCRIPTIONS, OUTBOUND),
    NavItem("forms", "/settings/forms", _("Forms"), "", Scope.MANAGE_SUBSCRIPTIONS, OUTBOUND),
    NavItem("delivery", "/settings/delivery", _("Delivery"), "", Scope.MANAGE_WORKSPACE, OUTBOUND),
    NavItem("sending-rules", "/settings/sending-rules", _("Sending rules"), "", Scope.MANAGE_WORKSPACE, OUTBOUND),
    NavItem("senders", "/settings/senders", _("Senders"), "", Scope.MANAGE_WORKSPACE, OUTBOUND),
    NavItem("abuse", "/settings/abuse", _("Abuse protection"), "", Scope.MANAGE_WORKSPACE, OUTBOUND),
    NavItem("brand", "/settings/brand", _("Brand and compliance"), "", Scope.MANAGE_WORKSPACE, OUTBOUND),
    NavItem("teammates", "/settings/teammates", _("Teammates"), "", Scope.MANAGE_WORKSPACE, WORKSPACE),
    NavItem("install", "/settings/install", _("Install"), "", Scope.MANAGE_WORKSPACE, WORKSPACE),
    NavItem("attributes", "/settings/attributes", _("Attributes"), "", Scope.MANAGE_WORKSPACE, WORKSPACE),
    NavItem("tags", "/settings/tags", _("Tags"), "", Scope.MANAGE_WORKSPACE, WORKSPACE),
    NavItem("security", "/settings/security", _("Security"), "", Scope.MANAGE_WORKSPACE, WORKSPACE),
    NavItem("tokens", "/settings/tokens", _("API tokens"), "", Scope.MANAGE_WORKSPACE, WORKSPACE),
    NavItem("webhooks", "/settings/webhooks", _("Webhooks"), "", Scope.MANAGE_WORKSPACE, WORKSPACE),
    NavItem("intercom", "/settings/intercom", _("Intercom"), "", Scope.MANAGE_WORKSPACE, WORKSPACE),
    NavItem("audit", "/settings/audit", _("Audit log"), "", Scope.MANAGE_WORKSPACE, WORKSPACE),
    NavItem("verify", "/settings/ledger", _("Ledger"), "", Scope.MANAGE_WORKSPACE, WORKSPACE),
    NavItem("profile", "/settings/profile", _("Profile"), group=ACCOUNT),
    NavItem("sign-in", "/settings/profile/sign-in", _("Sign-in"), group=ACCOUNT),
)
"""Entries of one group stand together."""


def open_to(who: Principal, items: tuple[NavItem, ...]) -> list[NavItem]:
    """The entries this teammate has access to."""
    return [item for item in items if item.scope is None or who.may(item.scope)]


def settings_open_to(who: Principal) -> list[NavGroup]:
    """The settings that this teammate has access to, by group."""
    groups = groupby(open_to(who, SETTINGS), key=lambda item: item.group)
    return [NavGroup(name, tuple(items)) for name, items in groups]


async def teammate_page(
    request: web.Request, template: str, *, section: str, title: str, status: int = 200, **context: Any
) -> web.Response:
    """A page that extends `layout/page.html`. `section` names its entry in the navigation, `title` is its heading.

    Every template has `me`, `csrf`, `section`, `title`, `brand`, and `form`: what was typed and what is wrong with it.
    """
    who, form = request[PRINCIPAL], request.get(FORM, Form())
    response = await page(
        request,
        template,
        wanted_locale(request),
        status=status if status != 200 else form.status,
        section=section,
        title=title,
        me=who.teammate,
        csrf=await session_token(request),
        form=form,
        said=read_said(request),
        navigation=open_to(who, NAVIGATION),
        settings_navigation=settings_open_to(who),
        form_alarm=_form_alarm(request, who),
        help_contact=request.app[BOT].settings.support,
        stopped_webhooks=request.app[BOT].outbox.stopped if who.may(Scope.MANAGE_WORKSPACE) else (),
        **context,
    )
    forget_said(request, response)
    return with_page_headers(response)


def _form_alarm(request: web.Request, who: Principal) -> FormWatch | None:
    """For admins, when forms have caused nearly as many texts as they may today, or as many."""
    watch = request.app[BOT].form_watch
    return watch if watch.is_alarmed and who.may(Scope.MANAGE_WORKSPACE) else None


def with_page_headers(response: web.Response) -> web.Response:
    """Response headers of a teammate page. Its forms send the referrer to our own origin only."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def named(items: list[NavItem], say: Translator) -> list[tuple[str, str]]:
    """Path and name of each, in the reader's language."""
    return [(item.path, say(item.name)) for item in items]
