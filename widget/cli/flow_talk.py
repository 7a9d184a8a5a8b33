"""A talk to a flow in the terminal: what it says and does, and what a visitor can do."""

from __future__ import annotations

import json
from collections.abc import Iterable

from bot.flows.effects import (
    AcceptForm,
    ChangeTag,
    Effect,
    HandOver,
    KeepAnswer,
    Notify,
    SendSms,
    SetAttribute,
    StartFlow,
    Write,
)
from bot.flows.trial import Trial
from bot.model.conversation import Card, Text
from bot.model.flow import RunStatus, Wait

HELP = """Type what a visitor would write. Commands:
  /yes      complete the form       /pending  complete it, to be confirmed by text
  /confirm  reply YES to that text  /wait     let the time pass
  /help     show this again         /quit     stop"""
WAITS = {
    Wait.PART: "for the form",
    Wait.ANSWER: "for a message",
    Wait.CONSENT: "for a change of consent",
}


def talk(trial: Trial) -> None:
    """Until the flow ends or the input does."""
    print(HELP)
    _print_effects(trial.begin())
    while trial.state.status is RunStatus.WAITING:
        print(f"({_waits(trial)})")
        line = _line()
        if line is None:
            return
        effects = _answer(trial, line)
        if isinstance(effects, str):
            print(effects)
        else:
            _print_effects(effects)
    print(f"Stopped: {trial.state.error}" if trial.state.error else "The flow has ended.")


def _answer(trial: Trial, line: str) -> tuple[Effect, ...] | str:
    """A text says why nothing happened."""
    match line.strip():
        case "":
            return "Type a message, or /help."
        case "/help":
            return HELP
        case "/yes" | "/pending" as word if trial.form:
            return trial.sign_up(is_pending=word == "/pending")
        case "/yes" | "/pending":
            return "No form is open."
        case "/confirm":
            return trial.confirm() if trial.has_pending else "Nothing has to be confirmed."
        case "/wait":
            return trial.wait() if trial.state.until else "The flow doesn't wait for a time."
        case text if text.startswith("/"):
            return f"Unknown command: {text}. /help lists the commands."
        case text:
            return trial.say(text)


def _line() -> str | None:
    """None: they stop."""
    try:
        line = input("> ")
    except EOFError:
        return None
    return None if line.strip() == "/quit" else line


def _waits(trial: Trial) -> str:
    state = trial.state
    what = [WAITS[wait] for wait in state.waits if wait in WAITS]
    until = [f"until {state.until:%Y-%m-%d %H:%M} UTC"] if state.until else []
    return f"step {state.step} waits {' or '.join([*what, *until])}"


def _print_effects(effects: Iterable[Effect]) -> None:
    for effect in effects:
        for line in _said(effect):
            print(line)


def _said(effect: Effect) -> list[str]:
    match effect:
        case Write(content=Card() as card):
            shown = [card.legal_text, card.box and f"[ ] {card.box}", f"[{card.button or 'Sign Up Now'}]"]
            lines = [line for text in shown for line in text.splitlines()]
            return [f"Bot: [form] {card.title}", *(f"  {line}" for line in lines), *_replies(card)]
        case Write(content=Text() as text):
            image = [f"  [image] {text.image.alt or text.image.url}"] if text.image else []
            links = [f"  {link.label}: {link.url}" for link in text.links or ()]
            return [f"Bot: {text.text}", *image, *links, *_replies(text)]
        case SetAttribute(key=key, value=value):
            return [f"* {key} = {value}"]
        case KeepAnswer(field=field, value=value):
            return [f"* {field} = {value}"]
        case ChangeTag(tag=tag, is_removed=is_removed):
            return [f"* tag {'-' if is_removed else '+'}{tag}"]
        case SendSms(text=text):
            return [f"* text message: {text}"]
        case Notify(event=event, values=values):
            return [f"* webhook {event} {json.dumps(values, ensure_ascii=False)}"]
        case AcceptForm():
            return ["* replied YES"]
        case HandOver(to=to):
            return [f"* handed over to {to or 'the team'}"]
        case StartFlow(flow=flow):
            return [f"* starts flow {flow}"]
    return []


def _replies(content: Text | Card) -> list[str]:
    return [f"  [{reply.label}]" for reply in content.replies or ()]
