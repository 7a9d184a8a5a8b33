"""Twilio's webhooks: whether one is genuine, and what it says."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlparse

from pydantic import BaseModel
from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, RequestValidator, add_port, remove_port

from bot.compliance.keyword_table import Keyword
from bot.config import Settings

SIGNATURE = "X-Twilio-Signature"
SIGNED_BY = "X-Twilio-Webhooks-Signature-Settings"
"""`key=…,algorithm=HMAC_SHA256`, if a shared key signed it; without this header, the account's auth token did."""
PROBE = "Probe"
"""The field of a webhook that we post ourselves, to see whether signatures arrive intact."""
MOST_VALUES = 200
"""Limit of form fields. Twilio sends about 30."""
E164 = re.compile(r"(?:[a-z]+:)?(\+[1-9][0-9]{6,14})")
"""A number, maybe with the channel before it: `rcs:+12015550123`."""
TOLL_FREE = re.compile(r"\+18(?:00|33|44|55|66|77|88)[0-9]{7}")
NETWORK_ANSWERS = {"STOP": Keyword.STOP, "START": Keyword.START, "UNSTOP": Keyword.START}
"""Texts that the toll-free network itself answers; no other answer may follow."""


class WebhookSignatures:
    """Several tokens and keys are valid at once, so that each can be replaced without losing a webhook."""

    def __init__(self, settings: Settings) -> None:
        self._tokens = settings.twilio_tokens
        self._keys = settings.twilio_keys

    def is_genuine(self, url: str, values: Sequence[tuple[str, str]], headers: Mapping[str, str]) -> bool:
        """`url`: as Twilio knows it, with its query. Twilio signs it with or without the port."""
        secrets, algorithm = self._secrets(headers.get(SIGNED_BY, ""))
        form, parsed = _Form(values), urlparse(url)
        try:
            given = headers.get(SIGNATURE, "").encode()
            matches = [
                hmac.compare_digest(
                    given, RequestValidator(secret).compute_signature(address, form, algorithm).encode()
                )
                for secret in secrets
                for address in (remove_port(parsed), add_port(parsed))
            ]
        except UnicodeEncodeError:  # bytes that are no UTF-8: Twilio sends none
            return False
        return any(matches)

    def sign(self, url: str, values: Mapping[str, str]) -> dict[str, str]:
        """The headers of a webhook to ourselves."""
        if self._tokens:
            signature = RequestValidator(self._tokens[0]).compute_signature(url, _Form(values.items()), HMAC_SHA1)
            return {SIGNATURE: signature}
        id, secret = next(iter(self._keys.items()))
        signature = RequestValidator(secret).compute_signature(url, _Form(values.items()), HMAC_SHA256)
        return {SIGNATURE: signature, SIGNED_BY: f"key={id},algorithm={HMAC_SHA256}"}

    def _secrets(self, signed_by: str) -> tuple[Iterable[str], str]:
        """None for an unknown key, or another algorithm."""
        if not signed_by:
            return self._tokens, HMAC_SHA1
        named = dict(part.strip().partition("=")[::2] for part in signed_by.split(","))
        known = self._keys.get(named.get("key", ""))
        return ([known] if known and named.get("algorithm") == HMAC_SHA256 else []), HMAC_SHA256


class _Form(dict[str, list[str]]):
    """Values by name, as the library reads them."""

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        for name, value in values:
            self.setdefault(name, []).append(value)

    def getlist(self, name: str) -> list[str]:
        return self[name]


class TwilioText(BaseModel):
    """An incoming text, as Twilio sends it: all fields are strings, and there may be others."""

    MessageSid: str
    From: str
    To: str = ""
    Body: str = ""
    NumMedia: str = "0"
    OptOutType: str = ""

    @property
    def number(self) -> str | None:
        """None: a short code, a name or another address that can't opt in or out."""
        found = E164.fullmatch(self.From)
        return found[1] if found else None

    @property
    def text(self) -> str:
        """Pictures are not supported: a sign tells that there were some."""
        return self.Body or "📎" * min(int(self.NumMedia) if self.NumMedia.isdigit() else 0, 10)

    @property
    def answered(self) -> Keyword | None:
        """The keyword that Twilio recognized and answered."""
        if self.OptOutType in {"STOP", "START", "HELP"}:
            return Keyword[self.OptOutType]
        to = E164.fullmatch(self.To)
        return NETWORK_ANSWERS.get(self.Body.strip().upper()) if to and TOLL_FREE.fullmatch(to[1]) else None


class TwilioStatus(BaseModel):
    """A status callback."""

    MessageSid: str
    MessageStatus: str
    ErrorCode: int | None = None
