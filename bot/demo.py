"""The demo workspace: a coffee shop with three subscriptions, and a bot that asks."""

from __future__ import annotations

import secrets

from bot.errors import marked as _
from bot.model.base import now
from bot.model.flow import End, Flow, OptInForm, Say
from bot.model.subscription import ConsentType, MessageType, Subscription, SubscriptionState, Translation
from bot.model.workspace import Workspace
from bot.store import Store

DEALS, ORDERS, NEWS = "dea15dea15dea15dea15dea1", "0bde50bde50bde50bde50bde", "e3a11e3a11e3a11e3a11e3a1"
LEGAL = (
    "By pressing the button you agree to get recurring automated marketing texts from Harbor Coffee Roasters LLC at "
    "this number, up to 4 a month. Msg & data rates may apply. Reply STOP to opt out, HELP for help. Consent is not a "
    "condition of purchase. [Terms]({url}/demo/terms) and [Privacy]({url}/demo/privacy)."
)


def workspace(url: str) -> Workspace:
    return Workspace(
        name="Harbor Coffee",
        legal_name="Harbor Coffee Roasters LLC",
        brand="#2f5bea",
        support="hello@harborcoffee.example",
        terms_url=f"{url}/demo/terms",
        privacy_url=f"{url}/demo/privacy",
        default_region="US",
        countries=("US", "CA", "GB"),
        frequency=_("Up to 4 msgs/month"),
        identity_secret=secrets.token_urlsafe(32),
    )


def subscriptions() -> list[Subscription]:
    live = {"state": SubscriptionState.LIVE, "created_at": now(), "updated_at": now()}
    return [
        Subscription(
            id=DEALS,
            name="Deals and new roasts",
            description="Offers and small-batch news, up to 4 texts a month.",
            message_type=MessageType.SMS,
            consent_type=ConsentType.OPT_IN,
            **live,
            translations={
                "es": Translation(
                    name="Ofertas y nuevos tuestes", description="Ofertas y novedades, hasta 4 mensajes al mes."
                ),
                "ar": Translation(name="العروض والتحميصات الجديدة", description="عروض وأخبار، حتى 4 رسائل في الشهر."),
            },
        ),
        Subscription(
            id=ORDERS,
            name="Order updates",
            description="Where your coffee is, and when it arrives.",
            message_type=MessageType.SMS,
            consent_type=ConsentType.OPT_OUT,
            **live,
            translations={
                "es": Translation(name="Estado de tus pedidos", description="Dónde está tu café y cuándo llega."),
                "ar": Translation(name="تحديثات الطلبات", description="أين قهوتك ومتى تصل."),
            },
        ),
        Subscription(
            id=NEWS,
            name="Harbor letter",
            description="One letter a month: farms, recipes, events.",
            message_type=MessageType.EMAIL,
            consent_type=ConsentType.OPT_IN,
            **live,
        ),
    ]


def flow(url: str) -> Flow:
    time = now()
    return Flow(
        id="f10af10af10af10af10af10a",
        name="Discount for a sign-up",
        state="live",
        steps=(
            Say(id="hello", text="Hi, welcome to Harbor Coffee! Want first pick of the small-batch roasts?"),
            OptInForm(
                id="form",
                subscription=DEALS,
                title="Sign up to our SMS deals to get 10% off",
                legal_text=LEGAL.format(url=url),
            ),
            Say(id="thanks", text="Thank you! Your code HARBOR10 takes 10% off your next bag. Ask us anything here."),
            End(id="end"),
        ),
        created_at=time,
        updated_at=time,
    )


async def make_demo(store: Store, url: str) -> None:
    """Fills an empty database; what is there already stays as it is."""
    await store.workspaces.keep(workspace(url))
    for subscription in subscriptions():
        await store.subscriptions.keep(subscription)
    await store.flows.keep(flow(url))
