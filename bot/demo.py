"""The demo workspace: a coffee shop with three subscriptions, and a bot that asks."""

from __future__ import annotations

import secrets
from contextlib import suppress

from argon2 import PasswordHasher

from bot.errors import marked as _
from bot.flows.document import FlowDocument
from bot.flows.publish import create
from bot.flows.steps import End, OptInForm, Say, Step
from bot.flows.triggers import MessengerOpened
from bot.model.base import new_id, now
from bot.model.form_words import FormWords
from bot.model.keyword_program import KeywordProgram, KeywordProgramVersion
from bot.model.subscription import ConsentType, MessageType, Purpose, Subscription, SubscriptionState, Translation
from bot.model.teammate import ApiToken, Teammate, TeammateRole
from bot.model.workspace import IdentitySecret, Workspace
from bot.store import Duplicate, Store
from bot.workspace.tokens import hashed

DEALS, ORDERS, NEWS = "dea15dea15dea15dea15dea1", "0bde50bde50bde50bde50bde", "e3a11e3a11e3a11e3a11e3a1"
BRAND = "#8b4a2b"
"""The shop's own color: what customers see has it, teammates' pages do not."""
LEGAL = (
    "By pressing the button you agree to get recurring automated marketing texts from Harbor Coffee Roasters LLC at "
    "this number, up to 4 a month. Msg & data rates may apply. Reply STOP to opt out, HELP for help. Consent is not a "
    "condition of purchase. [Terms]({url}/demo/terms) and [Privacy]({url}/demo/privacy)."
)


def workspace(url: str) -> Workspace:
    return Workspace(
        name="Harbor Coffee",
        legal_name="Harbor Coffee Roasters LLC",
        brand=BRAND,
        support="hello@harborcoffee.example",
        terms_url=f"{url}/demo/terms",
        privacy_url=f"{url}/demo/privacy",
        default_region="US",
        countries=("US", "CA", "GB"),
        frequency=_("Up to 4 msgs/month"),
        legal_text=LEGAL.format(url=url),
        identity_secrets=(IdentitySecret(id=new_id(), secret=secrets.token_urlsafe(32), created_at=now()),),
    )


TITLE = "Sign up to our SMS deals to get 10% off"
FORM = {
    "es": (
        "Suscríbete a nuestras ofertas por SMS y llévate un 10 %",
        "Al pulsar el botón aceptas recibir en este número SMS publicitarios automatizados y periódicos de Harbor "
        "Coffee Roasters LLC, hasta 4 al mes. Pueden aplicarse tarifas de mensajes y datos. Responde STOP para darte "
        "de baja o HELP para recibir ayuda. Aceptar no es condición para comprar. [Condiciones]({url}/demo/terms) y "
        "[privacidad]({url}/demo/privacy).",
    ),
    "fr": (
        "Inscrivez-vous à nos offres par SMS : 10 % de remise",
        "En appuyant sur le bouton, vous acceptez de recevoir à ce numéro des SMS publicitaires automatisés et "
        "réguliers de Harbor Coffee Roasters LLC, jusqu'à 4 par mois. Des frais de messages et de données peuvent "
        "s'appliquer. Répondez STOP pour vous désinscrire, HELP pour obtenir de l'aide. Votre accord n'est pas une "
        "condition d'achat. [Conditions]({url}/demo/terms) et [confidentialité]({url}/demo/privacy).",
    ),
    "de": (
        "SMS-Angebote abonnieren und 10 % sparen",
        "Mit dem Klick stimmen Sie zu, unter dieser Nummer regelmäßig automatisierte Werbe-SMS von Harbor Coffee "
        "Roasters LLC zu erhalten, bis zu 4 im Monat. Es können Gebühren für Nachrichten und Daten anfallen. Mit STOP "
        "melden Sie sich ab, mit HELP erhalten Sie Hilfe. Die Zustimmung ist keine Bedingung für einen Kauf. "
        "[Bedingungen]({url}/demo/terms) und [Datenschutz]({url}/demo/privacy).",
    ),
    "ar": (
        "اشترك في عروضنا عبر الرسائل النصية واحصل على خصم 10%",
        "بالضغط على الزر توافق على تلقي رسائل نصية تسويقية آلية ومتكررة من Harbor Coffee Roasters LLC على هذا الرقم، "
        "حتى 4 رسائل في الشهر. قد تُطبَّق رسوم الرسائل والبيانات. أرسل STOP لإلغاء الاشتراك أو HELP للمساعدة. "
        "الموافقة ليست شرطًا للشراء. [الشروط]({url}/demo/terms) و[الخصوصية]({url}/demo/privacy).",
    ),
}
"""Title and legal text of the form."""
TRANSLATIONS = {
    DEALS: {
        "es": ("Ofertas y nuevos tuestes", "Ofertas y novedades, hasta 4 mensajes al mes."),
        "fr": ("Offres et nouveaux cafés", "Offres et nouveautés, jusqu'à 4 SMS par mois."),
        "de": ("Angebote und neue Röstungen", "Angebote und Neues, bis zu 4 SMS im Monat."),
        "ar": ("العروض والتحميصات الجديدة", "عروض وأخبار، حتى 4 رسائل في الشهر."),
    },
    ORDERS: {
        "es": ("Estado de tus pedidos", "Dónde está tu café y cuándo llega."),
        "fr": ("Suivi de commande", "Où est votre café, et quand il arrive."),
        "de": ("Bestellstatus", "Wo Ihr Kaffee ist und wann er ankommt."),
        "ar": ("تحديثات الطلبات", "أين قهوتك ومتى تصل."),
    },
    NEWS: {
        "es": ("Carta de Harbor", "Una carta al mes: fincas, recetas, eventos."),
        "fr": ("La lettre de Harbor", "Une lettre par mois : fermes, recettes, événements."),
        "de": ("Harbor-Brief", "Ein Brief im Monat: Farmen, Rezepte, Termine."),
        "ar": ("رسالة هاربر", "رسالة واحدة في الشهر: مزارع ووصفات وفعاليات."),
    },
}


def subscriptions() -> list[Subscription]:
    sms, email, opt_in = MessageType.SMS, MessageType.EMAIL, ConsentType.OPT_IN
    return [
        _live(DEALS, "Deals and new roasts", "Offers and small-batch news, up to 4 texts a month.", sms, opt_in),
        _live(
            ORDERS, "Order updates", "Where your coffee is, and when it arrives.", sms, ConsentType.OPT_OUT
        ).model_copy(update={"purpose": Purpose.INFORMATIONAL}),
        _live(NEWS, "Harbor letter", "One letter a month: farms, recipes, events.", email, opt_in),
    ]


def _live(id: str, name: str, description: str, message_type: MessageType, consent_type: ConsentType) -> Subscription:
    time = now()
    return Subscription(
        id=id,
        name=name,
        description=description,
        message_type=message_type,
        consent_type=consent_type,
        state=SubscriptionState.LIVE,
        translations={locale: Translation(name=n, description=d) for locale, (n, d) in TRANSLATIONS[id].items()},
        created_at=time,
        updated_at=time,
    )


def keyword_program(url: str) -> KeywordProgramVersion:
    """People in the shop text JOIN."""
    time, agreement = now(), "By pressing the button you agree to get"
    program = KeywordProgram(
        id="join",
        subscription=DEALS,
        place="Poster at the counter",
        title="Text JOIN to get 10% off",
        legal_text=LEGAL.format(url=url).replace(agreement, "By texting JOIN you agree to get"),
        created_at=time,
        updated_at=time,
    )
    place = f"{program.id}:{1:010d}"
    return KeywordProgramVersion(
        id=place, keyword=program.id, seq=1, act="created", by="", by_name="", at=time, after=program, key=place
    )


FLOW = "f10af10af10af10af10af10a"


def greeting(url: str) -> FlowDocument:
    return FlowDocument(name="Discount for a sign-up", triggers=(MessengerOpened(),), steps=_steps(url))


def _steps(url: str) -> tuple[Step, ...]:
    return (
        Say(id="hello", text="Hi, welcome to Harbor Coffee! Want first pick of the small-batch roasts?"),
        OptInForm(
            id="form",
            subscription=DEALS,
            title=TITLE,
            legal_text=LEGAL.format(url=url),
            translations={code: FormWords(title=t, legal_text=x.format(url=url)) for code, (t, x) in FORM.items()},
        ),
        Say(id="thanks", text="Thank you! Your code HARBOR10 takes 10% off your next bag. Ask us anything here."),
        End(id="end"),
    )


PASSWORD = TOKEN = "demo"  # noqa: S105 (known to everybody, and good on the same machine alone)
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""The password is public, so a cheap hash is enough."""


def teammates() -> list[Teammate]:
    return [
        _teammate("ada0ada0ada0ada0ada0ada0", "Ada", TeammateRole.ADMIN),
        _teammate("be00be00be00be00be00be00", "Ben", TeammateRole.AGENT),
    ]


def _teammate(id: str, name: str, role: TeammateRole) -> Teammate:
    time = now()
    return Teammate(
        id=id,
        email=f"{name.lower()}@example.com",
        name=name,
        role=role,
        password_hash=CHEAP.hash(PASSWORD),
        is_demo=True,
        created_at=time,
        updated_at=time,
    )


def token(teammate: Teammate) -> ApiToken:
    return ApiToken(id=hashed(TOKEN), name="Demo", teammate=teammate.id, is_demo=True, created_at=now())


async def make_demo(store: Store, url: str) -> None:
    """Fills an empty database; existing data is left alone."""
    await store.workspaces.keep(workspace(url))
    for subscription in subscriptions():
        await store.subscriptions.keep(subscription)
    with suppress(Duplicate):
        await store.keyword_programs.save(keyword_program(url))
    await create(store, greeting(url), id=FLOW)
    ada, ben = teammates()
    for teammate in (ada, ben):
        await store.teammates.keep(teammate)
    await store.api_tokens.keep(token(ada))
