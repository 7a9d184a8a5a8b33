"""What people text, and what it means: the table, for lawyers as well as for the code. Pure data.

Each row is a list of phrases in one language with the reason they are there. `(a|b)` is a choice, `[a]` may be missing.
Case, punctuation, accents and courtesies ("please", "thanks", "- Sent from my phone") don't count, so they are not in
the rows. A phrase means what its row says only if it is the entire text. `0` is any number.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Keyword(StrEnum):
    STOP = "stop"
    START = "start"
    HELP = "help"
    YES = "yes"
    NO = "no"
    PAUSE = "pause"
    FEWER = "fewer"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Row:
    keyword: Keyword
    language: str
    basis: str
    phrases: tuple[str, ...]


FCC = "47 CFR 64.1200(a)(10): a revocation by itself"
TWILIO = "Twilio, default keywords"
INTERCOM = "Intercom, automated keyword responses"
TRANSLATED = "the same in another language"
REASONABLE = "47 CFR 64.1200(a)(10): a reasonable person understands it as a revocation; CTIA 5.1.3"
ANSWER = "answers the question of a double opt-in"
WISH = "a person's own wish, which only holds texts back"
CTIA = "CTIA 5.1.1 and 5.1.3: answered for anyone"

_TEXTS = "(texts|text messages|messages|msgs|msg|sms|txts|text)"
_TEXTING = "(texting|txting|textin|textng|texing|messaging|messagin|msging|messageing|smsing)"
_ME = "(me|us|this number|my number|this phone|my phone|my cell)"
_DO_NOT = "(do not|don t|dont|dnt)"
_YOUR_LIST = "(your|ur|the|this|all) (list|lists|text list|mailing list|contacts|contact list|database|system)"
_THINGS = "(stuff|this stuff|things|anything|spam|junk|crap|shit|ads|offers|coupons|deals|promos|promotions|alerts)"
_MENSAJES = "(mensajes|mensajes de texto|textos|sms|promociones|publicidad)"
_MESSAGES = "(sms|messages|textos)"
_TIMES = "day|days|week|weeks|month|months"
_NACHRICHTEN = "(sms|nachrichten|textnachrichten|werbung|mitteilungen)"

ROWS: tuple[Row, ...] = (
    Row(Keyword.STOP, "en", FCC, ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe")),
    Row(Keyword.STOP, "en", TWILIO, ("stopall", "stop all", "optout")),
    Row(Keyword.STOP, "en", INTERCOM, ("exit",)),
    Row(
        Keyword.STOP,
        "en",
        REASONABLE,
        (
            f"stop ({_TEXTING}|contacting|spamming|bothering|harassing) [{_ME}]",
            f"stop sending [me|us] [all|any|these|those|your|ur|more] {_TEXTS} [to me|to this number|to my phone]",
            "stop sending [me|us] (this|these|those|them) [to me]",
            f"stop sending [me|us] {_THINGS}",
            f"stop [all|the|these|those|your|any|with the|with these] {_TEXTS} [to me|to this number]",
            "stop [all|the|these|your] (alerts|text alerts|notifications|promotions|promos|marketing|spam|spamming)",
            "stops",
            "(text|txt|reply|send) stop",
            "i said [to] stop",
            "i [already] (said|texted|sent) stop",
            "i [already|have|have already] (told|asked) (you|u) to stop",
            f"(i|we) want [all] [the|these|those|your] {_TEXTS} to stop",
            f"(i|we) (want|would like|d like) to stop (getting|receiving) [all|any|these|those|your|ur] [{_TEXTS}]",
            f"(the|this|these|those|your) {_TEXTS} (need|needs|have|has) to stop",
            f"[you] {_DO_NOT} [ever] (text|txt|message|contact|sms) {_ME} [again|anymore|any more|ever again]",
            f"never [ever] (text|txt|message|contact|sms) {_ME} [again]",
            f"{_DO_NOT} send [me|us] [any|any more|anymore|more|these|those|your|ur] {_TEXTS} [again|anymore]",
            f"{_DO_NOT} send [me|us] {_TEXTS} to (this number|my number|this phone|my phone)",
            f"discontinue [all|these|those|your|the] {_TEXTS}",
            f"{_DO_NOT} send (me|us) (anything|this|these|those|them) (again|else|anymore|any more)",
            f"no more [of these|of your] {_TEXTS}",
            "no more (texting|messaging|spam|promotions|marketing|alerts)",
            f"no {_TEXTS} (anymore|any more)",
            f"unsubscribe (all|from all|from everything|{_ME}) [from {_TEXTS}]",
            f"unsubscribe [me] from [all|these|your|ur] {_TEXTS}",
            f"unsubscribe [{_ME}] from (this|it|all|everything|{_YOUR_LIST})",
            "unsub [me]",
            "opt (me|us) out [of this|of these|of all|of everything|of texts|of all texts|of messages]",
            "opt out (me|us|all|of all|of everything|of texts|of all texts|of messages)",
            "i (want|wish|would like|d like|need) to (opt out|unsubscribe|stop|be removed|cancel these texts)",
            "i (opt out|unsubscribe|revoke|am opting out)",
            "[i] (revoke|withdraw) [my] (consent|permission|opt in)",
            f"(cancel|end) [all|the|these|your|my] {_TEXTS}",
            "(cancel|end) [all|the|these|your|my] (alerts|text alerts|text subscription)",
            f"quit ({_TEXTING}|contacting|sending) [me|us] [{_TEXTS}]",
            "quit sending [me|us] (this|these|those|them)",
            f"(remove|delete) (me|us|my number|my phone number|this number) from {_YOUR_LIST}",
            f"remove from (list|{_YOUR_LIST})",
            "remove (me|us|my number|my phone number|this number)",
            "(delete|forget|lose) (my number|my phone number|this number)",
            f"(take|get) (me|us|my number|this number) off [of] {_YOUR_LIST}",
            "i (want|wish|would like|d like) [to be] (off|taken off|removed from) [of] (your|this|the) list",
            "take (me|my number|this number) off",
            "leave me alone",
            "[sorry] [you have|you have got|you ve got|you got|u have|u got|this is] [the|a] wrong "
            "(number|nbr|num|phone number|person|guy|man|woman|girl|lady)",
            "[sorry] (you are|you re|u r|ur|youre|you keep) texting [the|a] wrong (number|person)",
            f"i {_DO_NOT} want [any|any more|anymore|more|these|those|your|ur|any of your] {_TEXTS} [anymore]",
            f"i {_DO_NOT} want to (get|receive) [any|any more|these|those|your|more] {_TEXTS} [anymore]",
            f"i {_DO_NOT} wish to (get|receive) [any|any more|these|those|your|more] {_TEXTS} [anymore]",
            f"[i] no longer (want|wish) [to get|to receive] [any|these|those|your] {_TEXTS}",
            "[i] no longer (want|wish) to (get|receive) [this|these|them]",
            "i (do not|don t|dont|no longer) consent",
            "consent (revoked|withdrawn)",
            f"cease [and desist] [all] [contact|communication|communications|{_TEXTS}]",
        ),
    ),
    Row(
        Keyword.STOP,
        "es",
        TRANSLATED,
        (
            "alto",
            "parar",
            "baja",
            "cancelar",
            "anular",
            "detener",
            "revocar",
            "cancelen",
            "paren de una vez",
            "(desuscribir|desuscribirme|desuscribirse|desinscribirme|desinscribir)",
        ),
    ),
    Row(
        Keyword.STOP,
        "es",
        REASONABLE,
        (
            "(dar|darme|darse|darnos) de baja",
            "(dame|deme|denme|denos|dadme) de baja",
            "(quiero|quisiera|deseo) (darme de baja|cancelar los mensajes|dejar de recibir mensajes)",
            "me (quiero|quisiera) dar de baja",
            f"[ya] no [me] (envien|envies|envie|manden|mandes|mande) [mas] {_MENSAJES}",
            "[ya] no me (envien|envies|envie|manden|mandes|mande) (nada|mas)",
            "[ya] no me (escriban|escribas|escriba|contacten|contacte|molesten) [mas]",
            f"no mas {_MENSAJES}",
            f"ya no (quiero|deseo) [recibir] [mas|sus|estos] {_MENSAJES}",
            f"no (quiero|deseo) [recibir] [mas|sus|estos] {_MENSAJES}",
            f"(deja|deje|dejen) de (enviarme|mandarme|escribirme|enviar|mandar|molestar|molestarme) [{_MENSAJES}]",
            f"(paren|pare|para) de (enviarme|mandarme|escribirme|enviar|mandar) [{_MENSAJES}]",
            f"(parar|detener|cancelar|alto a) [los|estos] {_MENSAJES}",
            "(borrenme|borreme|borrame|quitenme|quiteme|quitame) [de (la|su|tu|esta) lista]",
            "(eliminenme|elimineme|eliminame|saquenme|saqueme|sacame) [de (la|su|tu|esta) lista]",
            "(borren|borre|quiten|eliminen|elimine) mi numero [de (la|su|esta) lista]",
            "(dejenme|dejeme|dejame) en paz",
            "[tiene|tienen|tienes|tiene el|tienen el|tienes el|este es un] numero equivocado",
            "se (equivoco|equivoca|equivocaron) de (numero|persona)",
            f"(basta de|fin de) {_MENSAJES}",
            f"no autorizo [estos|sus] {_MENSAJES}",
            "(retiro|revoco) mi consentimiento",
        ),
    ),
    Row(
        Keyword.STOP,
        "fr",
        TRANSLATED,
        (
            "arret",
            "arrete",
            "arreter",
            "arretez",
            "desabonner",
            "desabonnement",
            "desinscription",
            "desinscrire",
            "annuler",
            "stop sms",
        ),
    ),
    Row(
        Keyword.STOP,
        "fr",
        REASONABLE,
        (
            "(me|se) (desabonner|desinscrire)",
            "(desabonnez|desabonne|desinscrivez|desinscris) moi [de (la|votre|cette) liste]",
            "je (veux|souhaite|voudrais|desire) me (desabonner|desinscrire)",
            "je me (desabonne|desinscris)",
            f"(arretez|arrete) [de] [m] (envoyer|ecrire|contacter) [des|les|vos] [{_MESSAGES}]",
            f"(arretez|arrete|arreter|stop aux|stop les) [les|vos|ces|tous les] {_MESSAGES}",
            "(arretez|arrete) de (me contacter|m ecrire|m envoyer des (sms|messages|textos))",
            f"pas de {_MESSAGES}",
            f"ne m (envoyez|envoie) plus [rien|de {_MESSAGES}|vos {_MESSAGES}]",
            "ne (m ecrivez|me contactez|m ecris|me contacte) plus",
            f"je ne (veux|souhaite|desire) plus [recevoir] [de|vos|ces|de vos] {_MESSAGES}",
            f"ne plus (m envoyer|envoyer) [de|vos|de vos] [{_MESSAGES}]",
            "ne plus (me contacter|m ecrire|me deranger)",
            "me (retirer|supprimer|enlever|desinscrire|desabonner) de (la|votre|cette) liste",
            f"(arreter|arretez) de m envoyer [des|vos|ces] {_MESSAGES}",
            f"stop a [tous] [vos|ces] {_MESSAGES}",
            f"je veux plus (recevoir de|recevoir vos|de vos) {_MESSAGES}",
            f"[je souhaite|je veux] ne plus recevoir [de|vos|de vos] [{_MESSAGES}]",
            "(arretez|arrete) de me (harceler|deranger|spammer)",
            f"(arret|stop) (pub|publicite|{_MESSAGES})",
            "(retirez|enlevez|supprimez|effacez) (moi|mon numero) [de (la|votre|cette) liste]",
            "laissez moi tranquille",
            "[vous avez|vous avez le|c est un|c est le] (mauvais|faux) numero",
            "erreur de numero",
            "foutez moi la paix",
            "vous vous trompez de numero",
            "je (retire|revoque) mon consentement",
        ),
    ),
    Row(
        Keyword.STOP,
        "de",
        TRANSLATED,
        (
            "stopp",
            "stoppen",
            "abmelden",
            "abmeldung",
            "abbestellen",
            "aufhören",
            "beenden",
            "austragen",
            "widerruf",
            "widerrufen",
        ),
    ),
    Row(
        Keyword.STOP,
        "de",
        REASONABLE,
        (
            "(mich|uns) (abmelden|austragen|löschen)",
            "ich (möchte|will) mich abmelden",
            "ich melde mich ab",
            "(melden sie|meldet|melde) mich ab",
            "(tragen sie|tragt) mich aus",
            f"keine [weiteren|weitere] {_NACHRICHTEN} [mehr] [senden|schicken]",
            f"ich (möchte|will|wünsche) keine [weiteren] {_NACHRICHTEN} [mehr] [erhalten|bekommen|empfangen]",
            "(hör|hört|hören sie) auf [damit] [mir zu schreiben|mir zu simsen]",
            "(schreib|schreibt|schreiben sie) mir nicht mehr",
            "[mich] nicht mehr (schreiben|anschreiben|kontaktieren|belästigen|simsen)",
            "(kontaktieren sie|kontaktiert|kontaktiere) mich nicht mehr",
            f"(schickt|schick|schicken sie|sendet|senden sie) mir keine {_NACHRICHTEN} mehr",
            f"(stoppt|stoppen sie|stopp) [die|diese|alle|eure|ihre] {_NACHRICHTEN}",
            "(nehmt|nehmen sie|streicht|streichen sie|löscht|löschen sie) mich (von|aus) "
            "(der liste|eurer liste|ihrer liste|dieser liste|dem verteiler|ihrem verteiler|eurem verteiler)",
            "[mich] aus (dem|ihrem|eurem) verteiler [nehmen|löschen|streichen|austragen|entfernen]",
            "(streicht|streichen sie) (mich|meine nummer)",
            "ich (möchte|will) nicht mehr kontaktiert werden",
            "aufhören mir zu schreiben",
            "(löscht|löschen sie|lösch) (mich|meine nummer)",
            "meine nummer löschen",
            "(lasst|lassen sie|lass) mich in ruhe",
            "[sie haben die|ihr habt die|du hast die|das ist die] falsche nummer",
            "falsch verbunden",
            "(newsletter|sms newsletter|sms) abbestellen",
            "ich widerrufe [meine] einwilligung",
            "[meine] einwilligung (widerrufen|zurückziehen)",
            "ich widerrufe",
        ),
    ),
    Row(
        Keyword.STOP,
        "ar",
        TRANSLATED,
        ("توقف", "إيقاف", "إلغاء", "إلغاء الاشتراك", "أوقف", "أوقفوا", "توقفوا", "قف", "انسحاب", "ستوب"),
    ),
    Row(
        Keyword.STOP,
        "ar",
        REASONABLE,
        (
            "(أوقف|أوقفوا|إيقاف|توقف عن|توقفوا عن) [إرسال] (الرسائل|هذه الرسائل|رسائلكم)",
            "(توقفوا|توقف) عن (مراسلتي|الإرسال|إزعاجي)",
            "(ألغ|ألغي|ألغوا|أريد إلغاء|إلغاء) (اشتراكي|الاشتراك)",
            "لا (ترسل|ترسلوا) [لي|إلي] [المزيد|المزيد من|أي] [رسائل|الرسائل]",
            "لا (تراسلني|تراسلوني) [مرة أخرى|بعد الآن]",
            "لا (ترسل|ترسلوا) [لي|إلي] شيئا",
            "(كفى|بلا) رسائل",
            "لا أريد [المزيد من|أي|هذه|استلام|استقبال|تلقي] (رسائل|الرسائل|رسائلكم)",
            "(ما|لا) (أبي|أبغى|ابغي) رسائل",
            "مش (عايز|عاوز|عايزة) رسائل",
            "(احذف|احذفوا|امسحوا) رقمي [من القائمة]",
            "(احذفوني|أزيلوني|شيلوني) [من القائمة]",
            "اتركوني وشأني",
            "(رقم|الرقم|هذا الرقم) (خاطئ|خطأ|غلط)",
            "أسحب موافقتي",
        ),
    ),
    Row(Keyword.START, "en", TWILIO, ("start", "unstop")),
    Row(Keyword.START, "en", INTERCOM, ("restart", "resubscribe", "subscribe")),
    Row(Keyword.HELP, "en", CTIA, ("help", "info", "(text|reply|send) help")),
    Row(Keyword.HELP, "es", TRANSLATED, ("ayuda", "informacion")),
    Row(Keyword.HELP, "fr", TRANSLATED, ("aide",)),
    Row(Keyword.HELP, "de", TRANSLATED, ("hilfe",)),
    Row(Keyword.HELP, "ar", TRANSLATED, ("مساعدة",)),
    Row(
        Keyword.YES,
        "en",
        ANSWER,
        (
            "(yes|y|yep|yup|yeah)",
            "(yes|yeah) i (do|agree|confirm|consent|want|want to|want it|want them|want texts|want the texts)",
            "[yes] (confirm|confirmed)",
            "yes sign me up",
            "i (agree|confirm)",
            "(text|reply) yes",
        ),
    ),
    Row(Keyword.YES, "es", ANSWER, ("si", "[si] (quiero|acepto|confirmo)", "claro que si")),
    Row(Keyword.YES, "fr", ANSWER, ("oui", "[oui] (je veux|je confirme|j accepte)", "[oui] d accord")),
    Row(Keyword.YES, "de", ANSWER, ("ja", "ja (gerne|ich will|ich stimme zu)", "[ja] (einverstanden|ich bestätige)")),
    Row(Keyword.YES, "ar", ANSWER, ("نعم", "[نعم] أوافق")),
    Row(
        Keyword.NO,
        "en",
        ANSWER,
        (
            "no",
            "n",
            "nope",
            "nah",
            "no i (do not|don t|dont)",
            "[no] not me",
            "[no] (no way|never|not now)",
            "[no] (it was not|it wasn t|wasn t) me",
            "[no] i (did not|didn t) (sign up|ask for this|ask for that)",
        ),
    ),
    Row(Keyword.NO, "es", ANSWER, ("no quiero", "no acepto", "[no] nunca", "[no] no fui yo")),
    Row(Keyword.NO, "fr", ANSWER, ("non", "non je ne veux pas", "[non] jamais", "[non] ce n est pas moi")),
    Row(
        Keyword.NO,
        "de",
        ANSWER,
        ("nein", "nein ich will nicht", "[nein] niemals", "[nein] ich war das nicht", "lieber nicht"),
    ),
    Row(Keyword.NO, "ar", ANSWER, ("لا", "لا أريد", "لا أوافق")),
    Row(
        Keyword.PAUSE,
        "en",
        WISH,
        (
            f"(pause|snooze) [all|the|my|your] [{_TEXTS}]",
            f"pause [texts|messages] [for] (0|a|one|two|three) [{_TIMES}]",
            f"hold (texts|messages) for (0|a|one|two|three) ({_TIMES})",
        ),
    ),
    Row(
        Keyword.PAUSE,
        "es",
        WISH,
        (
            f"(pausa|pausar|pausen) [los] [{_MENSAJES}]",
            "(pausa|pausar|pausen) [por|durante|de] (0|un|una|dos|tres) [dia|dias|semana|semanas|mes|meses]",
        ),
    ),
    Row(
        Keyword.PAUSE,
        "fr",
        WISH,
        (
            f"(pause|suspendre|suspendez) [les|vos] [{_MESSAGES}]",
            "pause [pour|pendant|d|de] (0|un|une|deux|trois) [jour|jours|semaine|semaines|mois]",
        ),
    ),
    Row(
        Keyword.PAUSE,
        "de",
        WISH,
        (
            f"[{_NACHRICHTEN}] pausieren",
            "pause [für] (0|ein|eine|einen|zwei|drei) [tag|tage|woche|wochen|monat|monate]",
        ),
    ),
    Row(Keyword.PAUSE, "ar", WISH, ("إيقاف مؤقت [لمدة] [0] [يوم|أيام|أسبوع|أسابيع|شهر|أشهر]",)),
    Row(
        Keyword.FEWER,
        "en",
        WISH,
        (
            f"(fewer|less) [{_TEXTS}]",
            f"send [me|us] (fewer|less) {_TEXTS}",
            "text [me|us] less [often]",
            "[only] (weekly|monthly|once (a|per) week|once (a|per) month) [only]",
            "[only|at most] one text (a|per) (week|month)",
        ),
    ),
    Row(Keyword.FEWER, "es", WISH, (f"menos [{_MENSAJES}]", "[solo] una vez por (semana|mes)")),
    Row(Keyword.FEWER, "fr", WISH, (f"moins [de {_MESSAGES}]", "[seulement] une fois par (semaine|mois)")),
    Row(Keyword.FEWER, "de", WISH, (f"weniger [{_NACHRICHTEN}]", "[nur] einmal (pro|in der|im) (woche|monat)")),
    Row(Keyword.FEWER, "ar", WISH, ("رسائل أقل", "عدد أقل [من الرسائل]")),
    Row(Keyword.RESUME, "en", WISH, (f"(resume|unpause) [all|the|my|your] [{_TEXTS}]",)),
    Row(Keyword.RESUME, "es", WISH, (f"(reanudar|reanuda|reanuden) [los] [{_MENSAJES}]",)),
    Row(Keyword.RESUME, "fr", WISH, (f"(reprendre|reprenez|reprends) [les|vos] [{_MESSAGES}]",)),
    Row(Keyword.RESUME, "de", WISH, (f"[{_NACHRICHTEN}] fortsetzen", "fortfahren")),
    Row(Keyword.RESUME, "ar", WISH, ("استئناف [الرسائل]",)),
)

UNITS = {
    **dict.fromkeys(("day", "days", "dia", "dias", "jour", "jours", "tag", "tage", "يوم", "ايام"), 1),
    **dict.fromkeys(
        (
            "week", "weeks", "weekly", "semana", "semanas", "semaine", "semaines", "woche", "wochen", "اسبوع", "اسابيع",
        ),
        7,
    ),
    **dict.fromkeys(
        ("month", "months", "monthly", "mes", "meses", "mois", "monat", "monate", "شهر", "اشهر"), 30
    ),
}  # fmt: skip
"""Days of the units that a pause may name."""
MONTHS = frozenset(word for word, days in UNITS.items() if days == 30)
NUMBER_WORDS = {
    **dict.fromkeys(("a", "one", "un", "una", "une", "ein", "eine", "einen"), 1),
    **dict.fromkeys(("two", "dos", "deux", "zwei"), 2),
    **dict.fromkeys(("three", "tres", "trois", "drei"), 3),
}

LIKELY: tuple[Row, ...] = (
    Row(
        Keyword.STOP,
        "en",
        REASONABLE,
        (
            "stop (it|[all of] this|[all of] that|everything|me)",
            "(stahp|staph)",
            "(make|please make) it stop",
            "you (need|have) to stop",
            "(i|we) want (it|this|that|these|those|them) to stop",
            "(it|this|that|these|those|they) (must|need to|needs to|have to|has to) stop",
            f"{_DO_NOT} send (me|us) (anything|it|this|that|these|those|them)",
            f"{_DO_NOT} send (anything|it|this|that|these|those|them) (again|else|anymore|any more)",
            f"{_DO_NOT} send (me|us) [a|any|another|any more|more|the|this|that|your] message [again|anymore|any more]",
            f"{_DO_NOT} send [me|us] another (text|text message|msg|sms|txt)",
            "stop sending [me|us] [a|any|the|this|that|these|your] message",
            "(stop|cancel|end|no|no more) [all] [the|this|these|your] message",
            "[you have|you ve got|you got|u have|u got|this is] [the|a] wrong phone",
            "[you have|you ve got|you got|u have|u got|this is] [the|an] incorrect [phone] number",
            "(cancel|end|quit) all",
            f"(take|get) (me|us|my number|this number) (of|out of) {_YOUR_LIST}",
            "enough [already]",
            "no more",
            "go away",
            "(not|no longer) interested [in this|in your messages]",
            "i (am|m) (not|no longer) interested",
            "(cancel|end|stop|quit) [my|the|this] (subscription|membership|account)",
            "delete me",
            "(this|that) is spam",
            "spam",
            "(fuck|piss|f) off",
            "(shut up|stfu|fuck you|screw you|go to hell|knock it off|cut it out|give it a rest)",
            "stop (these|those)",
            "[this is] not (my|the right) number",
            "[this|it] (isn t|isnt) my number",
            "[this is] not the right person",
            "[there is] no one here by that name",
            "(delete|remove) my (info|information|data|name)",
            "(enough is enough|that s enough|i ve had enough|i have had enough)",
            "[this is|that s|it s|you are] annoying",
            f"[way] too many {_TEXTS}",
            "(you|u) text too much",
            "how did (you|u) get my number",
            "who gave (you|u) my number",
            "(remove|delete|leave|halt|block|out|finish|terminate|discontinue|decline|deactivate|withdraw)",
            "(unenroll|unregister) [me]",
            "(dnc|dnd|blocked|reported)",
            "remove (number|phone|my phone|this phone)",
            f"no {_TEXTS}",
            "no (texting|spam|marketing|ads)",
            "i want out",
            "get me out [of this]",
            "stop to (end|quit|stop|cancel|opt out|unsubscribe|0)",
            "(stop2end|stop2quit|stop2stop)",
            "(he|she|the owner|this person|the owner of this number) (died|is dead|has died|passed away|is deceased)",
            "(qiut|quti|uqit|quitt|edn)",
            "i quit",
            "don t want it",
            "no stop",
            "noentry",
            "(can|could|would|will) (you|u|ya) (not|stop|quit) [it|this|that|me]",
            "(can|could|would|will) (you|u|ya) not (text|txt|message|contact) [me|us] [again|anymore|any more]",
            "(can|could|would|will) (you|u|ya) stop (this|the) nonsense",
            "stop (this|the) nonsense",
            "[i am|i m] [so] (sick|tired) of [all] (this|these|it)",
            f"i (am|m) [so] (sick|tired) of [all] (these|those|your|the) {_TEXTS}",
            f"enough of (this|these|your) [{_TEXTS}]",
            "i (do not|don t|dont) want (this|these|them|those) [anymore|any more]",
            "(do not|don t|dont) contact",
            "leave us alone",
            "quit it",
            "block me",
            "get me off",
            "i [have] never (signed|signd) up [for (this|these|that)]",
            "[i] (did not|didn t|didnt) sign up for (this|these|that)",
            "[i] didnt sign up",
            "did not sign up",
            "[i] (did not|didn t|didnt|never) (subscribe|subscribed|opt in|opted in) [to this|to these]",
            "[i] (didnt|never) (ask|asked) for (this|these|those|that|it|them)",
            "[i] (did not|didn t) ask for (these|those|it|them)",
            "(did not|didn t) ask for (this|that)",
            "why (do|are) (you|u) [keep|still] texting me",
            "(how|what) do i [have to] [need to] [do to] stop (this|these|it|them)",
            "how to stop [this|these|it|them|these texts]",
            "(do not|don t|dont) call [me|us|this number] [again|anymore]",
        ),
    ),
    Row(
        Keyword.STOP,
        "es",
        REASONABLE,
        (
            "(para|pare|paren|pares)",
            "[ya] basta [ya]",
            "no [me] interesa",
            "no quiero mas",
            "no (molestar|molesten|moleste)",
            "no (envien|envies|manden|mandes) mas",
            "(cancelar|anular) suscripcion",
            "ya no",
            "no mas",
            "(cancelar|anular|cancelen|cancele|cancela|anulen|anule|anula) (la|mi) (suscripcion|cuenta)",
            "no (puedo|logro|se como|encuentro como) (cancelar|anular) [la|mi|esta] suscripcion",
            "(salir|borrar|eliminar|quitar|fuera)",
            "cancelame",
            "quiero cancelar [la|mi] [suscripcion]",
            "bloquear",
            "[este] no es mi numero",
            "(esta|estas) equivocado",
        ),
    ),
    Row(
        Keyword.STOP,
        "fr",
        REASONABLE,
        (
            f"plus de {_MESSAGES}",
            "ca suffit",
            "assez",
            "[je ne suis] (pas|plus) (interesse|interessee)",
            "c est (du harcelement|un spam|du spam)",
            "(pouvez vous|peux tu|pourriez vous) (arreter|stopper)",
            "(ca|cela) ne m interesse (pas|plus)",
            "resilier",
            "(annuler|resilier) (mon|l) (abonnement|compte)",
            "(sortir|quitter|supprimer|effacer|fin)",
            "ce n est pas mon numero",
        ),
    ),
    Row(
        Keyword.STOP,
        "de",
        REASONABLE,
        (
            "kein interesse [mehr]",
            "ich kündige",
            "kein bedarf",
            "ich will [das] nicht mehr",
            "(können sie|könnt ihr|kannst du) aufhören",
            "(lassen sie|lasst|lass) das",
            "[es|das] (reicht|reicht s)",
            "das ist (spam|belästigung)",
            "das bin ich nicht",
            "(löscht|löschen sie|lösch) meine daten",
            "(genug|schluss) [damit|jetzt]",
            "(kündigen|stornieren|löschen|ende|raus|weg|ruhe)",
            "(abo|vertrag|konto) (kündigen|löschen)",
            "das ist nicht meine nummer",
        ),
    ),
    Row(
        Keyword.STOP,
        "ar",
        REASONABLE,
        (
            "كفى",
            "كفاية",
            "خلاص",
            "بس",
            "وقف",
            "[أنا] غير مهتم",
            "[أنا] لست مهتما",
            "لا أريد (هذا|المزيد)",
            "(مزعج|مزعجين|مزعجون)",
            "إزعاج",
            "دعوني [وشأني]",
            "اتركوني",
            "لا تتصلوا [بي]",
            "هذا ليس رقمي",
            "خروج",
            "حذف",
        ),
    ),
)
"""Likely a revocation, but it may be about something else: a teammate decides, within the time that the law gives."""

COURTESIES = (
    "please", "pls", "plz", "plse", "thanks", "thank you", "thankyou", "thx", "ty", "now", "right now", "right away",
    "immediately", "at once", "asap", "ok", "okay", "hi", "hello", "hey", "kindly", "just", "sir", "guys", "re", "fwd",
    "aw", "sorry", "already", "and",
    "por favor", "porfavor", "porfa", "gracias", "muchas gracias", "ahora", "hola", "inmediatamente",
    "s il vous plait", "s il te plait", "svp", "stp", "merci", "merci beaucoup", "maintenant", "bonjour",
    "immediatement", "veuillez",
    "bitte", "danke", "vielen dank", "sofort", "jetzt", "hallo", "und",
    "من فضلك", "من فضلكم", "لو سمحت", "لو سمحتم", "رجاء", "الرجاء", "أرجوك", "أرجوكم", "شكرا", "الآن", "فورا", "مرحبا",
)  # fmt: skip
"""Words around a phrase that change nothing."""

REFUSALS = ("no thanks", "no thank you", "no gracias", "non merci", "nein danke")
"""Beside a phrase that is likely a revocation, they change nothing."""
LEADS = (
    "can", "could", "would", "will", "i want", "i need", "i would like", "i d like", "i told", "i asked",
    "i already told", "i already asked", "i have asked", "i ve asked", "i have told", "i ve told", "ive asked",
    "ive told", "i have already asked", "i ve already asked", "ive already asked", "i have already told",
    "i ve already told", "ive already told", "i keep asking", "i keep telling",
)  # fmt: skip
"""With "you", "you to" or "u", they begin a request: "can you stop texting me" is as certain as "stop texting me"."""
EXCLAMATIONS = (
    "omg", "ffs", "wtf", "for the last time", "for the love of god", "once again", "again",
    "you need to", "you have to", "you must", "u need to", "u have to", "u must",
    "pouvez vous", "pourriez vous", "peux tu", "merci de", "veuillez",
    "können sie", "könnt ihr", "kannst du", "pueden", "puede", "puedes", "hagan el favor de",
)  # fmt: skip
"""They may also come before one."""

UNASKED = ("sign up", "ask for this", "ask for that")
"""How a NO ends that is likely a revocation if nothing was asked: "I didn't sign up"."""

EXPLETIVES = (
    "fucking", "fuckin", "effing", "damn", "goddamn", "bloody", "freaking", "the hell", "the fuck", "the heck",
)  # fmt: skip
"""Words within a phrase that change nothing."""

SIGNATURES = (
    "sent from", "sent via", "best regards", "kind regards", "regards", "sincerely",
    "enviado desde", "enviado con", "saludos", "envoye depuis", "envoye a partir de", "cordialement",
    "gesendet von", "mit freundlichen grüßen", "viele grüße",
)  # fmt: skip
"""Where a signature begins after a line break or a dash; at most `SIGNATURE_WORDS` more words follow."""
PHONE_SIGNATURES = (
    "sent from my", "get outlook for", "enviado desde mi", "envoye de mon", "envoye depuis mon",
    "envoye a partir de mon", "gesendet von mein", "gesendet von meinem", "von meinem iphone gesendet", "أرسلت من",
    "مرسل من",
)  # fmt: skip
"""Where one begins anywhere."""
SIGNATURE_WORDS = 6

SYMBOLS = {"🛑": "stop", "⛔": "noentry", "🚫": "noentry", "❌": "noentry", "🖕": "noentry"}
"""What each emoji means. The stop sign is a STOP; the others are only likely to be one."""

TYPOS_OF = ("stop", "stopall", "unsubscribe", "cancel", "revoke", "optout", "desabonner")
"""Words that are recognized with one letter wrong, missing, added or swapped, if they are the entire text."""
TYPOS_IN_TWO = ("unsubscribe", "optout")
"""The same, if a space divides them: "opt our"."""
NOT_TYPOS = frozenset(
    (
        "shop", "step", "stoop", "stomp", "strop", "slop", "atop", "stow", "swop", "stor", "store", "stoap", "estop",
        "ancel", "cancer", "chancel", "evoke", "invoke", "revote", "revised", "provoke", "desabonne", "anmelden",
    )
)  # fmt: skip
"""Other words at that distance."""

NEGATIONS = (
    "don t", "dont", "not", "never", "can t", "cant", "cannot", "won t", "wont", "without", "didn t", "didnt",
    "doesn t", "doesnt", "never get", "no need to", "no quiero", "nunca", "jamas", "sin",
    "pas", "pas me", "pas nous", "jamais", "jamais me", "nicht", "nie", "لا", "لم", "لن",
)  # fmt: skip
"""Before a sign, they turn it around: "don't stop texting me"."""
CARRY_NEGATIONS = (
    "a", "an", "the", "please", "pls", "plz", "just", "ever", "even", "you ever", "you dare", "dare", "be", "been",
    "let it", "let them", "let me", "take me", "take us", "take my number", "get me", "get us", "planning on",
    "thinking of", "thinking about", "think of", "think about", "por favor", "svp", "envie de me", "besoin de me",
    "bitte", "mich", "uns", "vom newsletter", "من فضلك", "أريد", "أرغب في", "أنوي",
)  # fmt: skip
"""Between a negation and a sign, only these and "… to" leave it turned around: "I don't want to unsubscribe". Others
take the negation for themselves: "I don't have a car, remove me"."""
PRONOUNS = ("you", "u", "it", "them", "him", "her", "me", "us", "anyone", "anybody")
"""They may come before that "to": "I don't want you to"."""
ACCUSED = ("you", "u", "ya", "yall")
"""A negation after these (and `ACCUSING` words) or after "why" is a complaint: "you won't stop texting me"."""
ACCUSING = (
    "all", "guys", "people", "still", "just", "simply", "have", "ve", "had", "did", "do", "would", "will", "are", "re",
    "could",
)  # fmt: skip
NOT_ACCUSED = (
    "thank", "love", "hope", "hoping", "glad", "happy", "sure", "promise", "told", "asked", "tell", "ask", "beg", "can",
    "could", "would", "will", "to", "with", "for", "miss",
)  # fmt: skip
"""Not if these come before "you": "I hope you never stop texting me"."""
DENIED_THEMSELVES = (
    "know", "ask", "asked", "sign", "signed", "care", "see", "find", "understand", "consent", "agree", "work", "works",
    "live", "remember", "sais", "trouve", "comprends", "weiss", "finde", "verstehe",
)  # fmt: skip
"""Verbs that take the negation for themselves even before "to": "I didn't agree to harassing texts"."""
INABILITY = (
    "can t", "cant", "cannot", "couldn t", "won t let me", "doesn t let me", "not let me", "not able", "arrive pas",
    "peux pas", "kann",
)  # fmt: skip
WISHED = (
    "unsubscribe", "optout", "opt out", "desabonner", "desinscrire", "abmelden", "abbestellen", "austragen",
)  # fmt: skip
"""Signs that name what a person wants but can't do: "I can't unsubscribe"."""

SIGNS = (
    "sick of these", "sick of your", "tired of these", "tired of your", "off this list",
    "off your list", "report you", "report spam", "reported you", "reported as spam", "blocking you",
    "blocking this number", "the fcc", "sue you", "not consent",
    "unsubscribe", "unsubscribing", "optout", "opt out", "opt me out", "opting out", "opted out", "remove me",
    "take me off", "take me of", "not removed me", "haven t removed me", "havent removed me", "never removed me",
    "not taken me off", "haven t taken me off", "havent taken me off",
    "never text me", "never contact me", "stop texts", "stop the texts", "stop these texts",
    "stop all texts", "stop your texts", "stop the messages", "stop these messages", "stop all messages",
    "stop your messages", "stop texting", "stop messaging", "stop contacting", "stop sending", "stop spamming",
    "quit texting", "wrong number", "tcpa", "do not call", "do not text", "don t text me again", "dont text me again",
    "don t message me again", "dont message me again", "harassment", "harassing",
    "no quiero mas mensajes", "darme de baja", "dar de baja", "dejen de", "numero equivocado",
    "desabonner", "desabonnez", "desinscrire", "desinscrivez", "arretez de", "mauvais numero",
    "abmelden", "abbestellen", "austragen", "widerrufe", "keine sms", "keine werbung", "falsche nummer",
    "إلغاء الاشتراك", "ألغي الاشتراك", "توقفوا عن", "أوقفوا", "رقم خاطئ",
)  # fmt: skip
"""Anywhere in a longer text, they make a revocation likely."""

STOP_WORDS = ("stop", "stopp", "stopall", "unsubscribe")
GLUED_WORDS = ("cancel", "end", "quit", "revoke", "exit", "optout")
"""With a courtesy but no space, likely a STOP: "cancelplease". One of `STOP_WORDS` is certain."""
SHORTEST_GLUED_COURTESY = 3
"""Letters: "requit" is no "re: quit"."""
GOES_ON = frozenset(
    (
        "by", "in", "at", "over", "off", "on", "light", "lights", "sign", "signs", "motion", "watch", "the", "this",
        "that", "it", "being", "worrying", "for", "to", "and", "me", "a", "an", "loss", "bugging", "wondering",
        "crying", "go", "shop", "here", "there", "when", "if", "gap",
    )
)  # fmt: skip
"""After a stop word that begins a text, they begin something else: "stop by the shop"."""
STOPS_IN_CAPITALS = frozenset(("and", "it", "me"))
"""Of these, those after which STOP in capitals is likely a revocation nevertheless: "STOP and go to hell"."""
COMES_BEFORE = frozenset(
    (
        "bus", "tram", "train", "truck", "next", "non", "full", "pit", "one", "last", "first", "every", "your", "the",
        "a", "my", "our", "to", "must", "will", "would", "nonstop", "short", "rest",
    )
)  # fmt: skip
"""Before a stop word that ends a text, they make it something else: "next stop"."""
SHORT = 6
"""Words: a text of that length that begins or ends with a stop word is likely a revocation."""


def expanded(pattern: str) -> list[str]:
    """All phrases of a pattern: `"stop [it|this] (now|soon)"` has six."""
    start = next((at for at, c in enumerate(pattern) if c in "(["), None)
    if start is None:
        return [" ".join(pattern.split())]
    end = _closing(pattern, start)
    choices = _choices(pattern[start + 1 : end])
    if pattern[start] == "[":
        choices = ["", *choices]
    return [phrase for choice in choices for phrase in expanded(f"{pattern[:start]} {choice} {pattern[end + 1 :]}")]


def _closing(pattern: str, start: int) -> int:
    depth = 0
    for at in range(start, len(pattern)):
        depth += (pattern[at] in "([") - (pattern[at] in ")]")
        if not depth:
            return at
    raise ValueError(pattern)


def _choices(inside: str) -> list[str]:
    """The alternatives at the top level of a group."""
    parts, depth = [""], 0
    for c in inside:
        depth += (c in "([") - (c in ")]")
        if c == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += c
    return parts
