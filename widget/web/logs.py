"""Logging as JSON or text, with request ids and without phone numbers, tokens or query strings."""

from __future__ import annotations

import logging
import re
import sys

from pythonjsonlogger.json import JsonFormatter

from widget.web.http import request_id

SECRET = re.compile(r"\+?\d[\d\s().-]{7,}\d|[\w-]{16,}\.[\w-]{6}\.[\w-]{27,}|(?<=/p/)[\w-]{8,}")
"""Matches phone numbers, visitor tokens and preference-link tokens."""
EXCEPTIONS = logging.Formatter()
EXTRAS = ("status", "ms", "delivery", "code", "engine", "port")


class Guard(logging.Filter):
    """Adds the request id, and masks secrets in messages and tracebacks."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        if isinstance(record.msg, str) and SECRET.search(record.getMessage()):
            record.msg, record.args = SECRET.sub("•••", record.getMessage()), ()
        if record.exc_info:
            record.exc_text = SECRET.sub("•••", EXCEPTIONS.formatException(record.exc_info))
            record.exc_info = None
        return True


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        extras = "".join(f" {name}={getattr(record, name)}" for name in EXTRAS if hasattr(record, name))
        return super().format(record) + extras


def set_up_logs(form: str, level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Guard())
    if form == "json":
        fields = "%(asctime)s %(levelname)s %(name)s %(message)s %(request_id)s"
        renamed = {"asctime": "time", "levelname": "level", "name": "logger"}
        handler.setFormatter(JsonFormatter(fields, rename_fields=renamed))
    else:
        handler.setFormatter(TextFormatter("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S"))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in ("pymongo", "asyncio", "aiohttp.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # For requests that are not HTTP, aiohttp would log the raw bytes, ten lines each.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
