"""The hash of a stored event, and what erasing leaves of it (docs/proof.md)."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from json.encoder import encode_basestring as _json_text
from typing import Any

import orjson

from bot.model.base import iso

FIRST = "0" * 64
"""The `previous` of the first event."""
FORMAT = 2
"""The current event format. Events of format 1 have no `format` field, and their hash covers every value."""
PERSONAL = (
    "/number",
    "/email",
    "/replaced",
    "/words/act",
    "/context/page",
    "/context/ip",
    "/context/user_agent",
    "/evidence/note",
)
"""JSON Pointers of the values that the hash covers as salted commitments, so that erasing them breaks no chain."""
_PLACES = {path: (path[1:].rpartition("/")[0], path.rpartition("/")[2]) for path in PERSONAL}
"""By pointer: the name of the parent (empty: the event) and the field."""
UNHASHED = {"hash", "salts", "commitments", "signature"}


def canonical(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The input of the hash: all fields except the hash itself, times as ISO 8601 in UTC; in format 2, commitments
    instead of personal values.

    Missing fields are left out, so that a field that a later version adds changes no old hash.
    """
    plain = {name: value for name, value in raw.items() if name not in UNHASHED}
    plain["at"] = iso(raw["at"])
    if opening := raw.get("context", {}).get("opening"):
        plain["context"] = {**raw["context"], "opening": {**opening, "at": iso(opening["at"])}}
    if given_at := (raw.get("evidence") or {}).get("given_at"):
        plain["evidence"] = {**raw["evidence"], "given_at": iso(given_at)}
    if restored := raw.get("restored"):
        plain["restored"] = {**restored, "at": iso(restored["at"])}
    if until := (raw.get("pace") or {}).get("paused_until"):
        plain["pace"] = {**raw["pace"], "paused_until": iso(until)}
    return plain if raw.get("format") is None else _committed(plain, raw)


def _committed(plain: dict[str, Any], raw: Mapping[str, Any]) -> dict[str, Any]:
    commitments = dict(raw.get("commitments") or {})
    for path, salt in (raw.get("salts") or {}).items():
        parent, name = _PLACES[path]
        if parent and plain[parent] is raw[parent]:
            plain[parent] = dict(raw[parent])
        commitments[path] = commitment(path, (plain[parent] if parent else plain).pop(name), salt)
    plain["commitments"] = commitments
    return plain


def commitment(path: str, value: str, salt: str) -> str:
    """SHA-256 over the salt and the canonical JSON of path and value, in lower hex."""
    return sha256(bytes.fromhex(salt) + f'["{path}",{_json_text(value)}]'.encode()).hexdigest()


def erased(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The stored event without its personal values: their commitments stay, so that the hash does. The hash of an
    erased format 1 event can't be recomputed, but the next event's `previous` still names it."""
    bare: dict[str, Any] = {**raw, "commitments": dict(raw.get("commitments") or {})}
    salts = bare.pop("salts", None) or {}
    for path, (parent, name) in _PLACES.items():
        if (value := value_at(bare, path)) is None:
            continue
        if parent:
            bare[parent] = {key: v for key, v in bare[parent].items() if key != name}
        else:
            del bare[name]
        bare["commitments"][path] = commitment(path, value, salts[path]) if path in salts else ""
    return bare


def personal_in(raw: Mapping[str, Any]) -> list[str]:
    """The pointers of `PERSONAL` where it has a value."""
    return [
        path
        for path, (parent, name) in _PLACES.items()
        if (there := raw.get(parent) if parent else raw) and there.get(name) is not None
    ]


def value_at(raw: Mapping[str, Any], path: str) -> Any:
    """The personal value at a pointer of `PERSONAL`."""
    parent, name = _PLACES[path]
    return (raw.get(parent) or {}).get(name) if parent else raw.get(name)


def event_hash(raw: Mapping[str, Any]) -> str:
    """Of a stored event."""
    return sha256(_canonical_json(canonical(raw))).hexdigest()


def _canonical_json(value: Mapping[str, Any]) -> bytes:
    """RFC 8785 for the values of events: strings, integers, `true`, and ASCII field names. Tests compare it with the
    library `rfc8785`, which handles all of JSON and takes many times as long."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
