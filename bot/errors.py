"""The error tree. Each class has a stable code and the values of its message; the faces choose the HTTP status."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar


def marked(message: str) -> str:
    """Marks a message for the catalogs; it is translated later, when the reader's language is known."""
    return message


_ = marked


class SaysoError(Exception):
    """An error that can be shown to the caller. `message` is English and a gettext id, with `%(name)s` placeholders."""

    code: ClassVar[str] = "server_error"
    message: ClassVar[str] = _("Something went wrong on our side. Please try again.")

    def __init__(self, message: str | None = None, **values: str) -> None:
        self.text = message or self.message
        self.values = values
        super().__init__(self.text % values if values else self.text)


class StoreUnavailable(SaysoError):
    """The database did not respond in time: the request may not be saved, and is safe to retry."""

    code = "service_unavailable"
    message = _("Not saved. Please try again in a moment.")


class CheckpointKeyMissing(SaysoError):
    """The checkpoints of the ledger are signed with a key that this process doesn't have."""

    code = "checkpoint_key_missing"
    message = _("The newest checkpoint is signed with another key. Set SAYSO_CHECKPOINT_KEY here, too.")


class NotFound(SaysoError):
    """It does not exist, or not for this person: a stranger can't tell the difference."""

    code = "not_found"
    message = _("We can't find that.")


class Unauthorized(SaysoError):
    """No token, an invalid one, or an expired one."""

    code = "unauthorized"
    message = _("Please open the chat again.")


class SignedOut(Unauthorized):
    """A teammate page without a session."""

    message = _("You are signed out. Please sign in, then try again.")


class TokenRefused(Unauthorized):
    """An unknown, revoked or expired API token."""

    message = _("This access token is not valid.")


class Forbidden(SaysoError):
    """A signed-in teammate without permission."""

    code = "action_forbidden"
    message = _("Only an admin can do this. Please ask one of yours.")


class ScopeMissing(Forbidden):
    """An API token without this scope, or whose teammate lost it."""

    code = "token_scope_missing"
    message = _('This access token needs the scope "%(scope)s".')

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__(scope=scope)


class NotFromHere(Forbidden):
    """A form without a valid CSRF token."""

    message = _("Nothing was changed: this page was open for too long. Please load it again, then try once more.")


class TooManyTries(SaysoError):
    """Too many attempts. `seconds`: how long to wait."""

    code = "rate_limit_exceeded"
    message = _("Too many tries. Please wait %(minutes)s min, then try again.")

    def __init__(self, seconds: float) -> None:
        self.seconds = math.ceil(seconds)
        super().__init__(minutes=str(math.ceil(seconds / 60)))


class TooManyConnections(SaysoError):
    """One process, one address or one visitor holds as many live connections as it may."""

    code = "too_many_connections"
    message = _("Too many open chats. Close some tabs, then try again.")


class Invalid(SaysoError):
    """The input is unusable; the message says how to fix it."""

    code = "parameter_invalid"


class FormWrong(Invalid):
    """Invalid form fields with their messages; `""` is the form as a whole."""

    message = _("Nothing was saved. Please look at the fields that are marked.")

    def __init__(self, faults: Mapping[str, str], **values: str) -> None:
        self.faults = dict(faults)
        super().__init__(**values)


class NameTaken(FormWrong):
    """Names are unique among subscriptions that are not archived."""

    def __init__(self) -> None:
        super().__init__({"name": _("Another subscription has this name. Please choose another one.")})


class SignInRefused(Invalid):
    """The same for an unknown email and a wrong password."""

    message = _("This email and password don't belong together. Check both, then try again.")


class PasswordTooShort(Invalid):
    message = _("The password is too short: it needs at least %(least)s characters.")


class TeammateExists(Invalid):
    message = _("There is a teammate with this email already.")


class LastAdmin(Invalid):
    message = _("This is the last admin: nobody could change settings any more.")


class NumberRefused(Invalid):
    """An unusable phone number, and the kind of error (`problem`)."""

    def __init__(self, problem: str, message: str, **values: str) -> None:
        self.problem = problem
        super().__init__(message, **values)


class EmailRefused(Invalid):
    message = _("That doesn't look like an email address. It should be like name@example.com.")


class SavedNumberLocked(Invalid):
    """Law 5: a contact with a saved number signs up with that number only."""

    code = "saved_number_locked"
    message = _("You already have a saved number, so you can't sign up with another one here.")


class NumberStopped(Invalid):
    """STOP overrides everything: only the number itself can lift it."""

    code = "number_stopped"
    message = _(
        "This number asked us for no texts at all. To allow texts again, text START from it. Nobody else can do that."
    )


class TooManySignUps(Invalid):
    """A network, or a block of numbers, from which forms were sent again and again: nothing was recorded."""

    code = "too_many_sign_ups"
    message = _("There were too many sign-ups from your network. Please try again later.")


class WordsChanged(SaysoError):
    """The card or subscription was edited after it was shown: nothing is recorded until the new wording was seen."""

    code = "words_changed"
    message = _("The words on this form have changed. Please read them again, then press the button.")


class Conflict(SaysoError):
    """Another writer changed the contact since the caller read it: decide again."""

    code = "conflict"
    message = _("This was changed somewhere else at the same time. Please try again.")


class CardClosed(SaysoError):
    """The card can't be submitted: it was withdrawn, or its subscription is not live."""

    code = "card_closed"
    message = _("This form is no longer available.")


class JobConflict(Conflict):
    """The job's state does not allow this, or a conflicting job has not ended."""

    code = "job_conflict"
    message = _("This job's state has changed. Reload the page to see what you can do.")


class TooManyJobs(SaysoError):
    """The queue limit is reached."""

    code = "job_limit_reached"
    message = _("Too many jobs are waiting. Try again when some of them have finished.")
