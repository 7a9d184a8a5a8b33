"""What a flow names and the workspace doesn't have: pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from bot.consent.checker import check_form, lacking
from bot.consent.offers import WordingFacts
from bot.errors import marked as _
from bot.flows.faults import FlowFault
from bot.flows.nodes import Node, texts, walk
from bot.flows.rules import Surroundings, may_talk_by_text, talks_by_text
from bot.i18n import translator
from bot.model.subscription import MessageType, Subscription, SubscriptionState
from bot.model.workspace import IncompleteWording, Workspace

NO_SUBSCRIPTION = _("This subscription doesn't exist. Choose another one.")
DRAFT = _("This subscription is a draft. Put it live first, or choose another one.")
ARCHIVED = _("This subscription is archived. Choose another one.")
NO_PENDING = _("This subscription is confirmed by text. Add steps for people who are pending.")
NO_TAG = _("This tag doesn't exist. Choose another one.")
NO_ATTRIBUTE = _("This attribute doesn't exist. Choose another one.")
NO_SMS = _("Texts are sent for SMS subscriptions only. Choose another one.")
NO_HOST = _("Images from %(host)s aren't allowed. Use another host, or allow this one in Settings > Install.")
NO_EMAIL_BY_TEXT = _("By SMS, people can only sign up for SMS subscriptions. Choose another one.")
CHAT_ONLY = _(
    "Teammates can't start this flow in SMS conversations, because this form is for an email subscription. Everything "
    "else works."
)
NO_KEYWORD = _("No keyword program has this keyword. Add it in Settings > Keywords, or use another one.")
NO_LEGAL_TEXT = _("This form has no legal text. Say what people agree to.")
LACKS = _("Missing from the legal text: %(what)s.")
NO_ENDPOINT = _('No webhook endpoint is subscribed to the topic "flow.event". Add it to one in Settings > Webhooks.')
NO_SEGMENT = _("This segment doesn't exist or is archived. Choose another one.")
NO_FLOW = _("This flow doesn't exist or isn't live. Choose another one.")


def missing(nodes: Sequence[Node], raw: dict[str, Any], around: Surroundings) -> list[FlowFault]:
    """What the flow names and the workspace doesn't have."""
    found = [finding for node in walk(nodes) for finding in _missing_in(node, around)]
    for text, place in texts(raw):
        if place[-1] == "subscription" and text not in around.subscriptions:
            found.append(FlowFault(place, NO_SUBSCRIPTION))
    return [*found, *_missing_segments(raw, around), *_missing_by_text(raw, nodes, around)]


def _missing_segments(raw: dict[str, Any], around: Surroundings) -> Iterator[FlowFault]:
    triggers = raw.get("triggers")
    for i, trigger in enumerate(triggers if isinstance(triggers, list) else []):
        is_segment = isinstance(trigger, dict) and trigger.get("kind") == "segment_entered"
        if is_segment and str(trigger.get("segment")) not in around.segments:
            yield FlowFault(("triggers", i, "segment"), NO_SEGMENT)


def _missing_by_text(raw: dict[str, Any], nodes: Sequence[Node], around: Surroundings) -> Iterator[FlowFault]:
    triggers = raw.get("triggers")
    for i, trigger in enumerate(triggers if isinstance(triggers, list) else []):
        is_keyword = isinstance(trigger, dict) and trigger.get("kind") == "sms_keyword"
        if is_keyword and str(trigger.get("keyword")).strip().casefold() not in around.keywords:
            yield FlowFault(("triggers", i, "keyword"), NO_KEYWORD)
    for node in walk(nodes) if may_talk_by_text(raw) else ():
        found = around.subscriptions.get(str(node.raw.get("subscription")))
        if node.raw.get("kind") == "opt_in_form" and found and found.message_type is not MessageType.SMS:
            place, is_sure = (*node.place, "subscription"), talks_by_text(raw)
            yield FlowFault(place, NO_EMAIL_BY_TEXT if is_sure else CHAT_ONLY, is_warning=not is_sure)


def _legal_findings(node: Node, subscription: Subscription, workspace: Workspace) -> Iterator[FlowFault]:
    """What the form checker misses in the legal text, in the form's own language."""
    text = node.raw.get("legal_text", "")
    if workspace.incomplete_wording is IncompleteWording.OFF or not isinstance(text, str):
        return
    if not text.strip():
        yield FlowFault(node.place, NO_LEGAL_TEXT, is_warning=True)
        return
    facts = WordingFacts.of(
        workspace, program=subscription.name, channel=subscription.message_type, purpose=subscription.purpose
    )
    for lack in lacking(check_form(text, facts, translator("en"))):
        yield FlowFault((*node.place, "legal_text"), LACKS, {"what": lack.name}, is_warning=True)


def _missing_in(node: Node, around: Surroundings) -> Iterator[FlowFault]:
    raw, kind = node.raw, str(node.raw.get("kind"))
    subscription = around.subscriptions.get(str(raw.get("subscription")))
    if kind in {"opt_in_form", "send_sms"} and subscription and not subscription.is_live:
        is_draft = subscription.state is SubscriptionState.DRAFT
        yield FlowFault((*node.place, "subscription"), DRAFT if is_draft else ARCHIVED)
    if kind == "opt_in_form" and subscription and subscription.double_opt_in and not raw.get("pending"):
        yield FlowFault(node.place, NO_PENDING, is_warning=True)
    if kind == "opt_in_form" and subscription and around.workspace:
        yield from _legal_findings(node, subscription, around.workspace)
    yield from _missing_for_messages(node, subscription, around)
    if kind == "tag" and str(raw.get("tag")) not in around.tags:
        yield FlowFault((*node.place, "tag"), NO_TAG)
    if raw.get("attribute") and str(raw["attribute"]) not in around.attributes:
        yield FlowFault((*node.place, "attribute"), NO_ATTRIBUTE)
    if kind == "start_flow" and str(raw.get("flow")) not in around.flows:
        yield FlowFault((*node.place, "flow"), NO_FLOW)


def _missing_for_messages(node: Node, subscription: Subscription | None, around: Surroundings) -> Iterator[FlowFault]:
    kind, image = node.raw.get("kind"), node.raw.get("image")
    if kind == "send_sms" and subscription and subscription.message_type is not MessageType.SMS:
        yield FlowFault((*node.place, "subscription"), NO_SMS)
    if kind == "webhook" and not around.has_flow_endpoint:
        yield FlowFault(node.place, NO_ENDPOINT, is_warning=True)
    if isinstance(image, dict) and isinstance(image.get("url"), str):
        host = _host(image["url"])
        if host and host not in around.image_hosts:
            yield FlowFault((*node.place, "image", "url"), NO_HOST, {"host": host})


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
