"""How the database answers: what it is asked for, how long it may take, and what its failures are called here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import (
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    WriteConcernError,
    WTimeoutError,
)
from pymongo.write_concern import WriteConcern

from bot.errors import StoreUnavailable

DURABLE = WriteConcern(w="majority", j=True, wtimeout=5000)
"""Law 3: acknowledged is durable."""

READ_MS = 5000
"""No query that a page waits for may take longer, in milliseconds."""


class Duplicate(Exception):
    """A document with this id, or this unique value, is there already."""


@contextmanager
def database_errors() -> Iterator[None]:
    """Turns each way in which the database can fail to answer into one error that the faces know."""
    try:
        yield
    except DuplicateKeyError as error:
        raise Duplicate from error
    except (ConnectionFailure, NetworkTimeout, ExecutionTimeout, WTimeoutError, WriteConcernError) as error:
        raise StoreUnavailable from error
    except OperationFailure as error:
        # A server that shuts down or steps aside says so in the reply, under a label or with these codes.
        if error.has_error_label("RetryableWriteError") or error.code in {91, 189, 11600, 11602, 10107, 13435, 64}:
            raise StoreUnavailable from error
        raise
