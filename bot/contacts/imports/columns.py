"""What the columns of a file can mean, and a guess at it by their names and by presets. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.errors import FormWrong
from bot.errors import marked as _
from bot.model.contact_import import TEXTS, ImportPlan
from bot.model.subscription import MessageType, Purpose, Subscription

FIELDS: Mapping[str, str] = {
    "external_id": _("User ID"),
    "name": _("Name"),
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "email": _("Email"),
    "phone": _("Phone"),
    "locale": _("Language"),
    "time_zone": _("Time zone"),
    "tags": _("Tags (separated by commas)"),
}
PARTS: Mapping[str, str] = {
    "consent": _("Consent"),
    "opted_out": _("Opted out"),
    "date": _("Date of consent"),
    "source": _("Source of consent"),
    "text": _("Text that was shown"),
    "ip": _("IP address"),
}
"""Parts of a consent. A target is `<part>:<subscription>`, or `<part>:texts` for all texts."""
IDENTITY = frozenset({"external_id", "email", "phone"})
"""At least one is required: rows find their contacts by these."""
ALIASES: Mapping[str, str] = {
    "user id": "external_id", "external id": "external_id", "customer id": "external_id", "userid": "external_id",
    "name": "name", "full name": "name", "contact name": "name", "first name": "first_name", "firstname": "first_name",
    "given name": "first_name", "last name": "last_name", "lastname": "last_name", "surname": "last_name",
    "family name": "last_name", "email": "email", "e mail": "email", "email address": "email", "mail": "email",
    "phone": "phone", "phone number": "phone", "mobile": "phone", "mobile number": "phone", "mobile phone": "phone",
    "cell": "phone", "cell phone": "phone", "number": "phone", "telephone": "phone", "tel": "phone", "msisdn": "phone",
    "language": "locale", "locale": "locale", "language override": "locale", "time zone": "time_zone",
    "timezone": "time_zone", "tags": "tags", "tag": "tags",
    "sms consent": "consent:sms", "sms opt in": "consent:sms", "sms opted in": "consent:sms",
    "accepts sms marketing": "consent:sms", "sms opt out": "opted_out:sms", "sms opted out": "opted_out:sms",
    "email consent": "consent:email", "accepts email marketing": "consent:email", "accepts marketing": "consent:email",
    "unsubscribed from emails": "opted_out:email",
}  # fmt: skip
"""By the name of a column without case and punctuation. `sms` and `email` become the only subscription of that type."""


@dataclass(frozen=True, slots=True)
class Preset:
    """The export of another product."""

    name: str
    signs: tuple[frozenset[str], ...]
    """Sets of columns that only this product's exports contain; one set is enough."""
    targets: Mapping[str, str]
    everyone_in: bool = False
    """Everyone in its file is subscribed, unless a column contains opt-outs."""


PRESETS: Mapping[str, Preset] = {
    "klaviyo": Preset(
        "Klaviyo",
        (frozenset({"klaviyo id"}), frozenset({"email marketing consent", "sms marketing consent"})),
        {
            "email marketing consent": "consent:email",
            "email marketing consent timestamp": "date:email",
            "sms marketing consent": "consent:sms",
            "sms marketing consent timestamp": "date:sms",
            "sms marketing timestamp": "date:sms",
            "source": "source:sms",
            "ip address": "ip:sms",
            "customer id": "",
        },
    ),
    "postscript": Preset(
        "Postscript",
        (frozenset({"phone number", "subscriber created at utc"}),),
        {
            "subscriber created at utc": "date:sms",
            "last keyword subscribed to": "source:sms",
            "opt out time": "opted_out:sms",
            "customer id": "",
        },
        everyone_in=True,
    ),
    "attentive": Preset(
        "Attentive",
        (frozenset({"phone", "opt out"}), frozenset({"subscriber phone"})),
        {
            "subscriber phone": "phone",
            "subscriber email": "email",
            "subscriber external id": "",
            "opt out": "opted_out:sms",
            "sign up date": "date:sms",
            "signup date": "date:sms",
            "timestamps": "date:sms",
            "creative name": "source:sms",
        },
        everyone_in=True,
    ),
    "twilio": Preset(
        "Twilio",
        (frozenset({"contact id", "status", "sender id"}), frozenset({"contact id", "date of consent"})),
        {
            "contact id": "phone",
            "status": "consent:texts",
            "source": "source:texts",
            "date of consent": "date:texts",
        },
    ),
    "intercom": Preset(
        "Intercom",
        (
            frozenset({"user id", "last seen"}),
            frozenset({"user id", "unsubscribed from emails"}),
            frozenset({"user id", "last request at"}),
        ),
        {"unsubscribed from emails": "opted_out:email", "unsubscribed from email": "opted_out:email"},
    ),
}


def plain_name(column: str) -> str:
    """`Phone_Number` is "phone number"."""
    return " ".join(re.sub(r"[\W_]+", " ", column).casefold().split())


def preset_of(columns: Sequence[str]) -> str:
    """The product that the file comes from, by its columns; empty: unknown."""
    names = {plain_name(column) for column in columns}
    return next((key for key, preset in PRESETS.items() if any(sign <= names for sign in preset.signs)), "")


def guessed_plan(
    columns: Sequence[str], live: Iterable[Subscription], attributes: Mapping[str, str], *, preset: str, region: str
) -> ImportPlan:
    """`attributes`: names by key."""
    known = PRESETS.get(preset)
    only = _only(live, is_marketing=known is not None)
    own = {plain_name(name): f"attribute:{key}" for key, label in attributes.items() for name in (key, label)}
    aliases = {**own, **ALIASES, **(known.targets if known else {})}
    targets: list[str] = []
    for column in columns:
        target = _of_subscription(aliases.get(plain_name(column), ""), only)
        targets.append("" if target in targets and target != "tags" else target)
    everyone = only.get("sms", "") if known and known.everyone_in else ""
    return ImportPlan(targets=tuple(targets), region=region, everyone_in=everyone)


def _only(live: Iterable[Subscription], *, is_marketing: bool) -> dict[str, str]:
    """By message type, its only live subscription, or its only one for marketing: that is what the other products
    send."""
    found = {"texts": TEXTS}
    live = list(live)
    for kind in MessageType:
        of_it = [subscription for subscription in live if subscription.message_type is kind]
        if is_marketing and len(of_it) > 1:
            of_it = [subscription for subscription in of_it if subscription.purpose is Purpose.MARKETING]
        if len(of_it) == 1:
            found[kind] = of_it[0].id
    return found


def _of_subscription(target: str, only: Mapping[str, str]) -> str:
    part, _colon, of = target.partition(":")
    if part not in PARTS:
        return target
    return f"{part}:{only[of]}" if of in only else ""


def check_plan(plan: ImportPlan, columns: Sequence[str], targets: Mapping[str, object]) -> None:
    """Raises FormWrong. `targets`: all that there are."""
    faults: dict[str, str] = {}
    seen: set[str] = set()
    for place, target in enumerate(plan.targets):
        if target and target not in targets:
            faults[f"column-{place}"] = _("Choose an option.")
        elif target and target in seen:
            faults[f"column-{place}"] = _("Another column is already mapped to this.")
        seen.add(target or "")
    if len(plan.targets) != len(columns):
        faults[""] = _("Unexpected field. Reload the page and try again.")
    elif not IDENTITY & seen:
        faults[""] = _("Choose the column with the phone number, email address or user ID.")
    elif seen <= IDENTITY | {""} and not (plan.creates or plan.everyone_in or plan.everyone_out):
        faults[""] = _("There's nothing to import. Choose what the columns contain.")
    if grants_consent(plan) and plan.how is None:
        faults["how"] = _("Choose how they consented.")
    if plan.everyone_in and plan.everyone_in == plan.everyone_out:
        faults["everyone_out"] = _("Everyone can't have opted in and out of the same subscription.")
    if faults:
        raise FormWrong(faults)


def grants_consent(plan: ImportPlan) -> bool:
    """Whether somebody may be opted in."""
    parts = [target for target in plan.targets if target.startswith("consent:")]
    return bool(plan.everyone_in) or any(not target.endswith(f":{TEXTS}") for target in parts)
