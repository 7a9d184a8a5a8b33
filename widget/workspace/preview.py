"""Preview of the preference center before anything is live. Stores nothing; its controls are disabled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web
from pydantic import ValidationError

from bot.consent.numbers import example_number
from bot.i18n import locales, translator
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.subscription import MessageType, Subscription, SubscriptionState, Translation
from bot.workspace.wording import New, Wording
from widget.preferences.view import center
from widget.web.forms import nested
from widget.web.http import BOT, PAGE_POLICY, page
from widget.web.languages import named
from widget.web.teammate_pages import Scope, fields, requires, teammate_page, translator_for

PREVIEW = "/settings/subscriptions/preview"
FRAMES = ("phone", "desktop")


async def show(request: web.Request) -> web.StreamResponse:
    """The controls and the frame of the preview."""
    say = translator_for(request)
    chosen = {
        "channel": _channel(request.query) or MessageType.SMS,
        "frame": "desktop" if request.query.get("frame") == "desktop" else "phone",
        "locale": request.query.get("locale", "en")[:35],
    }
    found = await request.app[BOT].subscriptions.all()
    spoken = dict.fromkeys([*locales(), *(code for s in _in_use(found) for code in s.translations)])
    return await teammate_page(
        request,
        "workspace/subscriptions/preview.html",
        section="settings",
        title=say("Preview"),
        part="subscriptions",
        chosen=chosen,
        languages=named(spoken, say),
        spoken=locales(),
        drafts=len(found[SubscriptionState.DRAFT]),
    )


async def picture(request: web.Request) -> web.StreamResponse:
    """The previewed page: as stored or, for a posted form, as typed."""
    bot = request.app[BOT]
    typed = await fields(request) if request.method == "POST" else {}
    asked: Mapping[str, str] = {**request.query, **typed}
    locale, workspace = asked.get("locale", "en")[:35], await bot.workspace()
    found = _edited(_in_use(await bot.subscriptions.all()), typed)
    first = _channel(asked) or next((s.message_type for s in found if s.id == typed.get("id")), MessageType.SMS)
    time = now()
    somebody = Contact(
        id="preview",
        phone=example_number(workspace.default_region),
        email="you@example.com",
        locale=locale,
        created_at=time,
        updated_at=time,
    )
    view = center(somebody, [_in(s, locale) for s in found], first=first, say=translator(locale))
    response = await page(request, "workspace/subscriptions/picture.html", locale, center=view, preview=True)
    response.headers["Content-Security-Policy"] = PAGE_POLICY + "'self'"
    return response


def _channel(asked: Mapping[str, str]) -> MessageType | None:
    """The channel of the link that leads to the page; for a new subscription, its message type."""
    wanted = asked.get("channel") or asked.get("message_type")
    return MessageType(wanted) if wanted in set(MessageType) else None


def _in_use(found: Mapping[SubscriptionState, Sequence[Subscription]]) -> list[Subscription]:
    return [*found[SubscriptionState.LIVE], *found[SubscriptionState.DRAFT]]


def _edited(found: list[Subscription], typed: Mapping[str, str]) -> list[Subscription]:
    """The subscriptions with the form's values applied to one of them, or to a new one. Invalid values are not
    shown."""
    try:
        if id := typed.get("id"):
            wording = Wording(**_known(typed, Wording))
            return [wording.on(s) if s.id == id else s for s in found]
        if typed:
            new = New(**_known(typed, New))
            time = now()
            draft = Subscription(
                id="new", name=new.name, message_type=new.message_type, consent_type=new.consent_type,
                created_at=time, updated_at=time,
            )  # fmt: skip
            return [*found, new.on(draft)]
    except ValidationError:
        pass
    return found


def _known(typed: Mapping[str, str], model: type[Wording]) -> dict[str, object]:
    tree = nested(typed)
    words = tree.get("translations")
    if isinstance(words, dict):  # a language without a name yet is skipped
        tree["translations"] = {code: w for code, w in words.items() if isinstance(w, dict) and w.get("name")}
    return {name: value for name, value in tree.items() if name in model.model_fields}


def _in(subscription: Subscription, locale: str) -> Subscription:
    """The subscription with its wording of this language as the default, also for languages the page itself does not
    support."""
    words: Translation = subscription.words(locale)
    own = {"name": words.name, "description": words.description, "translations": {}}
    return subscription.model_copy(update=own)


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_SUBSCRIPTIONS)
    app.router.add_get(PREVIEW, manages(show))
    app.router.add_get(f"{PREVIEW}/page", manages(picture))
    app.router.add_post(f"{PREVIEW}/page", manages(picture))
