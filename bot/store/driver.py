"""How we use the driver: write concern, time limit, and its errors mapped to ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    WriteConcernError,
    WTimeoutError,
)
from pymongo.write_concern import WriteConcern

from bot.errors import FilterTooBroad, StoreUnavailable

DURABLE = WriteConcern(w="majority", j=True, wtimeout=5000)
"""Invariant 3: acknowledged is durable."""

READ_MS = 5000
"""Time limit of queries that a page waits for, in milliseconds."""

AWAY = {43, 64, 91, 189, 10107, 11600, 11602, 13435}
"""Codes of a server that shuts down, steps down, or was started again (43: it no longer knows our cursor)."""

NO_SESSIONS = "Sessions are not supported"
"""What the driver says while a server that was just started is not a member of its replica set yet."""


class Duplicate(Exception):
    """A document with this id or unique value exists."""


@contextmanager
def database_errors() -> Iterator[None]:
    """Maps every way in which the database can be unavailable to StoreUnavailable, and duplicate keys to Duplicate."""
    try:
        yield
    except DuplicateKeyError as error:
        raise Duplicate from error
    except (ConnectionFailure, NetworkTimeout, ExecutionTimeout, WTimeoutError, WriteConcernError) as error:
        raise StoreUnavailable from error
    except ConfigurationError as error:
        if NO_SESSIONS not in str(error):
            raise
        raise StoreUnavailable from error
    except OperationFailure as error:
        if error.has_error_label("RetryableWriteError") or error.code in AWAY:
            raise StoreUnavailable from error
        raise


@contextmanager
def in_time() -> Iterator[None]:
    """A timeout means that the filter is too broad, not that the database is unavailable."""
    try:
        with database_errors():
            yield
    except StoreUnavailable as error:
        if isinstance(error.__cause__, ExecutionTimeout):
            raise FilterTooBroad from error
        raise
