"""What our own texts say, in the language of who gets them: pure.

The sentences are those that carriers pass (CTIA 5.1.2.1; 47 CFR 64.1200(a)(12) allows one text after a STOP, without a
word of marketing).
"""

from __future__ import annotations

from bot.consent.texts import fill, has_place
from bot.i18n import translator
from bot.model.subscription import Subscription
from bot.model.workspace import Workspace


def confirmation(workspace: Workspace, subscription: Subscription, locale: str, link: str) -> str:
    """Program, that it recurs and how often, rates, HELP and STOP, and the way to the preference center.

    In the workspace's own words, if it wrote some; the way to the preference center is always there.
    """
    say, values = translator(locale), _values(workspace, subscription, locale, link)
    own = subscription.words(locale).confirmation or subscription.confirmation
    if own:
        return fill(own if has_place(own, "link") else f"{own.rstrip()} {{link}}", values)
    return say(
        "%(brand)s: You are now subscribed to %(program)s. %(frequency)s. Msg & data rates may apply. "
        "Reply HELP for help, STOP to cancel. Your choices: %(link)s",
        **values,
    )


def question(workspace: Workspace, subscription: Subscription, locale: str) -> str:
    """What a double opt-in asks. It is no marketing, and needs no link: silence is a no."""
    say, values = translator(locale), _values(workspace, subscription, locale, "")
    return say(
        "%(brand)s: Reply YES to get %(program)s texts (%(frequency)s). Msg & data rates may apply. "
        "HELP for help, STOP to cancel.",
        **values,
    )


def reply(workspace: Workspace, answer: str, locale: str, link: str) -> str:
    """What a keyword is answered: `stopped`, `started` or `help`. `link` is empty for a number that nobody has."""
    say = translator(locale)
    if answer == "stopped":
        return say(
            "%(brand)s: You are unsubscribed and will get no more messages. Reply START to allow them again.",
            brand=workspace.name,
        )
    if answer == "started":
        allowed = say("%(brand)s: Texts to this number are allowed again.", brand=workspace.name)
        return " ".join([allowed, *([say("Choose what you get: %(link)s", link=link)] if link else [])])
    reach = workspace.support or workspace.legal_name or workspace.name
    return say(
        "%(brand)s: Help at %(support)s. %(frequency)s. Msg & data rates may apply. Reply STOP to cancel.",
        brand=workspace.name,
        support=reach,
        frequency=say(workspace.frequency).rstrip("."),
    )


def _values(workspace: Workspace, subscription: Subscription, locale: str, link: str) -> dict[str, str]:
    return {
        "brand": workspace.name,
        "program": subscription.words(locale).name,
        "frequency": translator(locale)(workspace.frequency).rstrip("."),
        "link": link,
    }
