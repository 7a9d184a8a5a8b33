"""Settings > Webhooks: endpoints, their secrets, and what was sent to them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, field_validator

from bot.errors import FormWrong, NotFound
from bot.errors import marked as _
from bot.model.base import new_id
from bot.model.webhook import NotificationState, Topic, WebhookEndpoint, WebhookSecret
from bot.store.webhooks import ReplayPeriod
from widget.web.forms import FORM, Form
from widget.web.http import BOT
from widget.web.input import cursor_of
from widget.web.proof import proved
from widget.web.teammate_pages import (
    FormInput,
    Scope,
    by,
    done,
    read_input,
    redrawn_by,
    requires,
    teammate_page,
    translated,
    translator_for,
)
from widget.web.times import clock
from widget.workspace.webhook_words import ERRORS, STATES, TOPICS, disabled_words

PATH = "/settings/webhooks"
ONE = f"{PATH}/{{endpoint:[0-9a-f]{{24}}}}"
Id = Annotated[str, Field(pattern="^[0-9a-f]{24}$")]


class EndpointInput(FormInput):
    url: Annotated[str, Field(min_length=1, max_length=2000)]
    name: Annotated[str, Field(max_length=120)] = ""
    topics: tuple[Topic, ...] = ()

    @field_validator("topics", mode="before")
    @classmethod
    def _ticked(cls, value: Any) -> Any:
        """A form sends its checkboxes by name: `topics.ping=on`. The dots of a topic are dashes there."""
        return tuple(name.replace("-", ".") for name in value) if isinstance(value, dict) else value


class NewEndpoint(EndpointInput):
    key: Id


class KeyInput(FormInput):
    key: Id


class PeriodInput(FormInput):
    since: Annotated[str, Field(max_length=40)]
    until: Annotated[str, Field(max_length=40)]


async def show(request: web.Request) -> web.StreamResponse:
    return await teammate_page(
        request,
        "workspace/webhooks/list.html",
        section="settings",
        title=translator_for(request)("Webhooks"),
        part="webhooks",
        endpoints=await request.app[BOT].webhooks.all(),
        disabled_words=disabled_words,
        groups=TOPICS,
        key=new_id(),
    )


@redrawn_by(show)
async def add(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, NewEndpoint)
    values = wanted.url, wanted.name, wanted.topics
    added = await request.app[BOT].webhooks.add(*values, by(request), id=wanted.key)
    request[FORM] = Form()
    return await _draw(request, added.endpoint, added.secret)


async def show_one(request: web.Request) -> web.StreamResponse:
    return await _draw(request, await request.app[BOT].webhooks.get(request.match_info["endpoint"]))


async def _draw(
    request: web.Request, endpoint: WebhookEndpoint, new: WebhookSecret | None = None
) -> web.StreamResponse:
    """`new`: a secret that was just created, shown this once."""
    state = request.query.get("state", "")
    wanted = NotificationState(state) if state in {*NotificationState} else None
    page = await request.app[BOT].webhooks.notifications(endpoint.id, wanted, cursor_of(request, datetime, str))
    return await teammate_page(
        request,
        "workspace/webhooks/endpoint.html",
        section="settings",
        title=endpoint.name or endpoint.url,
        part="webhooks",
        endpoint=endpoint,
        path=f"{PATH}/{endpoint.id}",
        new=new,
        disabled_words=disabled_words,
        groups=TOPICS,
        state=wanted,
        states=STATES,
        errors=ERRORS,
        notifications=page.items,
        next=page.next,
        key=new_id(),
    )


@redrawn_by(show_one)
async def save(request: web.Request) -> web.StreamResponse:
    id, wanted = request.match_info["endpoint"], await read_input(request, EndpointInput)
    await request.app[BOT].webhooks.change(id, wanted.url, wanted.name, wanted.topics, by(request))
    raise _done(request, _("Saved."))


async def test(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, KeyInput)
    endpoint = request.match_info["endpoint"]
    ping = await request.app[BOT].webhooks.ping(endpoint, by(request), wanted.key)
    raise done(f"{PATH}/{endpoint}/notifications/{ping}", translated(request, "Test notification queued."))


async def enable(request: web.Request) -> web.StreamResponse:
    await request.app[BOT].webhooks.enable(request.match_info["endpoint"], by(request))
    raise _done(request, _("Endpoint enabled."))


async def disable(request: web.Request) -> web.StreamResponse:
    await request.app[BOT].webhooks.disable(request.match_info["endpoint"], by(request))
    raise _done(request, _("Endpoint disabled."))


async def remove(request: web.Request) -> web.StreamResponse:
    await request.app[BOT].webhooks.remove(request.match_info["endpoint"], by(request))
    raise done(PATH, translated(request, "Endpoint removed."))


@redrawn_by(show_one)
async def add_secret(request: web.Request) -> web.StreamResponse:
    wanted, webhooks = await read_input(request, KeyInput), request.app[BOT].webhooks
    id = request.match_info["endpoint"]
    is_new = all(secret.id != wanted.key for secret in (await webhooks.get(id)).secrets)
    await webhooks.add_secret(id, by(request), key=wanted.key)
    endpoint = await webhooks.get(id)
    return await _draw(request, endpoint, endpoint.secrets[-1] if is_new else None)


async def revoke_secret(request: web.Request) -> web.StreamResponse:
    id, secret = request.match_info["endpoint"], request.match_info["secret"]
    try:
        await request.app[BOT].webhooks.revoke_secret(id, secret, by(request))
    except NotFound:
        raise _done(request, _("This secret was revoked already."), "bad") from None
    raise _done(request, _("Secret revoked."))


@redrawn_by(show_one)
async def replay_period(request: web.Request) -> web.StreamResponse:
    typed = await read_input(request, PeriodInput)
    period = ReplayPeriod(_time("since", typed.since), _time("until", typed.until) + timedelta(minutes=1))
    count = await request.app[BOT].webhooks.replay_period(request.match_info["endpoint"], period, by(request))
    raise _done(request, _("Notifications queued again: %(count)s"), count=str(count))


def _time(name: str, text: str) -> datetime:
    """In the teammate's time zone. Raises FormWrong."""
    try:
        return clock.get().parse(text)
    except (ValueError, OverflowError):
        raise FormWrong({name: _("Enter a date and a time.")}) from None


async def show_notification(request: web.Request) -> web.StreamResponse:
    bot, say, ids = request.app[BOT], translator_for(request), request.match_info
    endpoint = await bot.webhooks.get(ids["endpoint"])
    notification = await bot.webhooks.notification(endpoint.id, ids["notification"])
    return await teammate_page(
        request,
        "workspace/webhooks/notification.html",
        section="settings",
        title=say("Notification"),
        part="webhooks",
        endpoint=endpoint,
        path=f"{PATH}/{endpoint.id}",
        notification=notification,
        states=STATES,
        errors=ERRORS,
        body=bot.webhook_sender.shown_body(notification),
    )


async def replay(request: web.Request) -> web.StreamResponse:
    endpoint, notification = request.match_info["endpoint"], request.match_info["notification"]
    await request.app[BOT].webhooks.replay(endpoint, notification, by(request))
    said = translated(request, "Notification queued again.")
    raise done(f"{PATH}/{endpoint}/notifications/{notification}", said)


def _done(request: web.Request, words: str, kind: str = "good", **values: str) -> Exception:
    return done(f"{PATH}/{request.match_info['endpoint']}", translated(request, words, **values), kind)


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_WORKSPACE)
    reads = requires(Scope.READ_CONTACTS)
    app.router.add_get(PATH, manages(show))
    app.router.add_post(PATH, manages(proved(add)))
    app.router.add_get(ONE, manages(show_one))
    for name, act in (("test", test), ("enable", enable), ("disable", disable), ("remove", remove)):
        app.router.add_post(f"{ONE}/{name}", manages(act))
    app.router.add_post(ONE, manages(proved(save)))
    app.router.add_post(f"{ONE}/secrets", manages(proved(add_secret)))
    app.router.add_post(f"{ONE}/secrets/{{secret:[0-9a-f]{{24}}}}/revoke", manages(revoke_secret))
    app.router.add_post(f"{ONE}/replay", manages(replay_period))
    one = f"{ONE}/notifications/{{notification:notif_[0-9a-f]+}}"
    app.router.add_get(one, manages(reads(show_notification)))
    app.router.add_post(f"{one}/replay", manages(replay))
