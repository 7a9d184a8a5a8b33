"""Errors of the API in Intercom's `error.list` shape. Messages are English: developers read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.errors import EmailRefused, FormWrong, NumberRefused, SaysoError, TokenRefused
from bot.flows.service import FlowFaulty
from bot.i18n import translator
from widget.api.models import ErrorList, ErrorShape
from widget.web.http import request_id, sentence, status_of

MOST_FAULTS = 20
"""Errors that one answer lists."""


@dataclass(frozen=True, slots=True)
class ApiFault:
    """One kind of error that routes answer with."""

    status: int
    code: str
    message: str


UNREADABLE = ApiFault(400, "bad_request", "The body must be a JSON object in UTF-8.")
WRONG_PARAMETER = ApiFault(400, "parameter_invalid", "Unknown parameter.")
MISSING = ApiFault(400, "parameter_missing", "id is required.")
WRONG_TYPE = ApiFault(400, "type_mismatch", "Input should be a valid string.")
NO_VERSION = ApiFault(400, "intercom_version_invalid", "The requested version could not be found")
INVALID_MERGE = ApiFault(400, "invalid_merge", "Merge a lead into a user.")
KEY_INVALID = ApiFault(400, "parameter_invalid", "Idempotency-Key must be 1 to 255 printable ASCII characters.")
NO_ACCESS = ApiFault(401, "unauthorized", "Access Token Invalid")
NO_SCOPE = ApiFault(403, "token_scope_missing", 'This access token requires the "read_contacts" scope.')
NO_CONTACT = ApiFault(404, "not_found", "User Not Found")
NO_RESOURCE = ApiFault(404, "not_found", "Resource Not Found")
CONFLICT = ApiFault(409, "conflict", "This was just changed elsewhere. Try again.")
OTHER_CONSENT_TYPE = ApiFault(400, "parameter_invalid", "This subscription type has the consent type %(type)s.")
OWN_OPT_OUT = ApiFault(
    409, "own_opt_out", "This person opted out. Only written consent, dated after their opt-out, counts."
)
MERGED = ApiFault(410, "contact_merged", "This contact was merged into %(id)s.")
TOO_LARGE = ApiFault(413, "request_too_large", "The body has more than %(most)s bytes.")
REFUSED = ApiFault(422, "parameter_invalid", "This can't be done.")
FAULTY_FLOW = ApiFault(422, "flow_faulty", "Enter text.")
TOO_BROAD = ApiFault(422, "filter_too_broad", "This takes too long with this many contacts. Add a condition.")
UNREACHABLE = ApiFault(422, "unreachable", "This contact has no valid phone number. Add one first.")
STOPPED = ApiFault(422, "number_stopped", "This number has opted out of all texts.")
KEY_REUSED = ApiFault(
    422, "idempotency_key_reused", "This Idempotency-Key belongs to another request. Use a new key for each request."
)
TOO_MANY_CALLS = ApiFault(429, "rate_limit_exceeded", "Exceeded rate limit of %(limit)s in 10_seconds")
UNAVAILABLE = ApiFault(503, "service_unavailable", "Couldn't save. Try again in a moment.")

ALWAYS = (NO_VERSION, WRONG_PARAMETER, NO_ACCESS, NO_SCOPE, TOO_MANY_CALLS, UNAVAILABLE)
"""What every route can answer."""
WITH_BODY = (UNREADABLE, MISSING, WRONG_TYPE, TOO_LARGE)
WITH_KEY = (KEY_INVALID, KEY_REUSED, CONFLICT)
"""What routes that change something can answer."""


FIELDS: Mapping[type[SaysoError], str] = {NumberRefused: "phone", EmailRefused: "email"}


class ApiRefusal(SaysoError):
    """A request that the API refuses."""

    def __init__(
        self, fault: ApiFault, *, field: str | None = None, headers: Mapping[str, str] | None = None, **values: str
    ) -> None:
        self.fault, self.field, self.headers = fault, field, headers or {}
        super().__init__(fault.message, **values)


ALTERNATIVES = ("SearchTerm", "SearchGroup")
"""Models of which a field takes one: their names are no part of a field's."""
T = TypeVar("T")


def shown_once(secret: T | None) -> T:
    """A secret that was just created, for the only answer that shows it. Raises ApiRefusal (409): None is one that the
    same `Idempotency-Key` created before."""
    if secret is None:
        raise ApiRefusal(CONFLICT)
    return secret


def error_answer(error: SaysoError) -> web.Response:
    if isinstance(error, TokenRefused):
        error = ApiRefusal(NO_ACCESS)
    if isinstance(error, ApiRefusal):
        fault = error.fault
        return errors_answer(fault.status, [_shape(fault.code, str(error), error.field)], error.headers)
    say = translator("en")
    if isinstance(error, FormWrong):
        shapes = [_shape(error.code, say(text, **error.values), field or None) for field, text in error.faults.items()]
        return errors_answer(status_of(error), shapes)
    if isinstance(error, FlowFaulty):
        found = [_shape(error.code, str(fault), fault.path or None) for fault in error.faults if not fault.is_warning]
        return errors_answer(status_of(error), found)
    field = next((name for kind, name in FIELDS.items() if isinstance(error, kind)), None)
    return errors_answer(status_of(error), [_shape(error.code, sentence(error, say), field)])


def unreadable_answer(error: ValidationError) -> web.Response:
    """Says of each parameter what is wrong with it, and never repeats its value."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return errors_answer(400, [_wrong(detail) for detail in details[:MOST_FAULTS]])


def errors_answer(status: int, errors: list[ErrorShape], headers: Mapping[str, str] | None = None) -> web.Response:
    body = ErrorList(request_id=request_id.get() or None, errors=errors)
    return web.Response(
        text=body.model_dump_json(), status=status, content_type="application/json", headers=headers or {}
    )


def _shape(code: str, message: str, field: str | None) -> ErrorShape:
    return ErrorShape(code=code, message=message, field=field)


def _wrong(detail: ErrorDetails) -> ErrorShape:
    name, kind = ".".join(str(part) for part in detail["loc"] if part not in ALTERNATIVES)[:200], detail["type"]
    if kind == "extra_forbidden":
        return _shape(WRONG_PARAMETER.code, WRONG_PARAMETER.message, name or None)
    if kind in {"json_invalid", "json_type"} or not name:
        is_custom = kind == "value_error"
        return _shape(UNREADABLE.code, _told(detail) if is_custom else UNREADABLE.message, None)
    if kind == "missing":
        return _shape(MISSING.code, f"{name} is required.", name)
    is_type = kind.endswith("_type")
    return _shape(WRONG_TYPE.code if is_type else WRONG_PARAMETER.code, f"{_told(detail)}.", name)


def _told(detail: ErrorDetails) -> str:
    return detail["msg"].removeprefix("Value error, ").rstrip(".")
