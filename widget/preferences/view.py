"""View model of the preference center: pure, so that the preview is rendered like the page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b

from babel.dates import format_date

from bot.consent.choices import TITLES, Choice, choices, preference_words, reached_at
from bot.consent.numbers import masked
from bot.consent.permission import stands_to_get, yes_action
from bot.errors import NumberStopped
from bot.i18n import Translator
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.event import Action
from bot.model.pace import Often, Pace
from bot.model.subscription import MessageType, Subscription


@dataclass(frozen=True, slots=True)
class PreferenceItem:
    """One subscription. `state`: see `Choice`."""

    id: str
    name: str
    description: str
    state: str
    note: str
    version: str
    """Version of the wording shown; an opt-in submits it."""

    @property
    def on(self) -> bool:
        return self.state == "on"


@dataclass(frozen=True, slots=True)
class Group:
    """One channel: its address (masked), and what prevents messages to it."""

    channel: str
    title: str
    address: str
    notice: str
    items: tuple[PreferenceItem, ...]


@dataclass(frozen=True, slots=True)
class PaceView:
    """Their wish for a pause or fewer texts."""

    notes: tuple[str, ...]
    """In words; empty if they have none."""
    is_paused: bool
    at_most: str


@dataclass(frozen=True, slots=True)
class Center:
    title: str
    groups: tuple[Group, ...]
    takes_texts: bool
    can_stop_all: bool
    pace: PaceView

    @property
    def shown(self) -> str:
        """The version of each wording on the page, for the button that applies to all."""
        return " ".join(f"{item.id}:{item.version}" for group in self.groups for item in group.items)

    @property
    def stand(self) -> str:
        """A digest of the content without the person's own address; a different one means a change."""
        shown = self.at(lambda channel: ""), self.can_stop_all, self.pace
        return blake2b(repr(shown).encode(), digest_size=8).hexdigest()

    def at(self, address: Callable[[str], str]) -> tuple[Group, ...]:
        """The groups with other addresses, by channel."""
        return tuple(replace(group, address=address(group.channel)) for group in self.groups)


def center(
    contact: Contact,
    live: Iterable[Subscription],
    *,
    first: MessageType,
    say: Translator,
    stopped: Collection[str] = (),
    texts_from: str = "",
) -> Center:
    """`first`: the channel that the link came by; `stopped`: the person's numbers on the stop list; `texts_from`: our
    number, as people read it."""
    found = choices(contact, live, stopped=stopped)
    groups = (
        _group(contact, found, channel, say, texts_from)
        for channel in sorted(MessageType, key=lambda c: c is not first)
    )
    texts = [c.subscription for c in found if c.subscription.message_type is MessageType.SMS]
    shown = tuple(group for group in groups if group.items)
    return Center(
        title=shown[0].title if len(shown) == 1 else say("Your preferences"),
        groups=shown,
        takes_texts=any(c.state != "stopped" for c in found if c.subscription.message_type is MessageType.SMS),
        can_stop_all=any(stands_to_get(s, contact.consent(s.id)) for s in texts),
        pace=pace_view(contact.pace, say),
    )


def pace_view(pace: Pace, say: Translator) -> PaceView:
    until = pace.paused_until if pace.is_paused(now()) else None
    day = format_date(until, "long", locale=say.locale) if until else ""
    often = {
        Often.WEEK: say("You get at most one marketing text a week."),
        Often.MONTH: say("You get at most one marketing text a month."),
    }
    notes = [say("Texts are paused until %(day)s.", day=day)] if until else []
    notes += [often[pace.at_most]] if pace.at_most else []
    return PaceView(tuple(notes), until is not None, pace.at_most or "")


def _group(contact: Contact, found: Iterable[Choice], channel: MessageType, say: Translator, texts_from: str) -> Group:
    mine = [choice for choice in found if choice.subscription.message_type is channel]
    address = next((at for choice in mine if (at := reached_at(contact, choice.subscription))), "")
    is_stopped = any(choice.state == "stopped" for choice in mine)
    return Group(
        channel=channel,
        title=say(TITLES[channel]),
        address=masked_address(address, channel) if address else "",
        notice=say(NumberStopped.message) if is_stopped else "",
        items=tuple(_item(choice, say, texts_from) for choice in mine),
    )


def _item(choice: Choice, say: Translator, texts_from: str) -> PreferenceItem:
    words = preference_words(choice.subscription, say)
    return PreferenceItem(
        id=choice.subscription.id,
        name=words.subscription_name,
        description=words.subscription_description,
        state=choice.state,
        note=_note(choice, say, texts_from),
        version=words.version,
    )


def _note(choice: Choice, say: Translator, texts_from: str) -> str:
    if choice.state == "pending" and choice.is_withheld:
        return unsent_words(texts_from, say)
    if choice.state == "pending":
        return say("Pending. Reply YES to our text to confirm.")
    if choice.state == "weak":
        return say("We need your written consent before we send anything. Turn this on to give it.")
    if choice.on and choice.is_default:
        return say("On by default.")
    if choice.state == "off" and yes_action(choice.subscription) is Action.REQUEST_CONFIRMATION:
        return say("You'll confirm by text.")
    return ""


def unsent_words(texts_from: str, say: Translator) -> str:
    """How to confirm where we couldn't text the number. `texts_from`: ours, as people read it."""
    if not texts_from:
        return say("We can't text you right now. Try again later.")
    number = f"\u2066{texts_from}\u2069"  # keeps the order of digits in right-to-left text
    return say("We can't text you right now. To confirm, text YES to %(number)s from your phone.", number=number)


def masked_address(address: str, channel: MessageType) -> str:
    if channel is MessageType.SMS:
        return masked(address)
    name, _, domain = address.partition("@")
    return f"{name[:1]}•••@{domain}"
