"""The one error tree. Each class has a stable code and the data that its sentence needs; the faces choose the
status."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar


def marked(message: str) -> str:
    """Marks a sentence for the catalogs that is translated later, where the reader is known."""
    return message


_ = marked


class SaysoError(Exception):
    """Something that the caller can be told. `message` is an English sentence, a gettext id, with `%(name)s` places."""

    code: ClassVar[str] = "server_error"
    message: ClassVar[str] = _("Something went wrong on our side. Please try again.")

    def __init__(self, message: str | None = None, **values: str) -> None:
        self.text = message or self.message
        self.values = values
        super().__init__(self.text % values if values else self.text)


class StoreUnavailable(SaysoError):
    """The database did not answer in time: what was asked is not known to be saved, and is safe to ask again."""

    code = "service_unavailable"
    message = _("Not saved. Please try again in a moment.")


class NotFound(SaysoError):
    """No such thing, or not for this person: the two look the same to a stranger."""

    code = "not_found"
    message = _("We can't find that.")


class Unauthorized(SaysoError):
    """No token, or one that we did not sign, or one that is too old."""

    code = "unauthorized"
    message = _("Please open the chat again.")


class SignedOut(Unauthorized):
    """A teammate's page, and nobody who is signed in."""

    message = _("You are signed out. Please sign in, then try again.")


class TokenRefused(Unauthorized):
    """An API token that is unknown, revoked or expired: all alike."""

    message = _("This access token is not valid.")


class Forbidden(SaysoError):
    """Somebody who is signed in, and may not do this."""

    code = "action_forbidden"
    message = _("Only an admin can do this. Please ask one of yours.")


class ScopeMissing(Forbidden):
    """An API token that was not given this scope, or whose teammate may no longer do it."""

    code = "token_scope_missing"
    message = _('This access token needs the scope "%(scope)s".')

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__(scope=scope)


class NotFromHere(Forbidden):
    """A form that came from no page of ours, or from one that was drawn for another session."""

    message = _("Nothing was changed: this page was open for too long. Please load it again, then try once more.")


class TooManyTries(SaysoError):
    """Tried too often. `seconds`: how long to wait."""

    code = "rate_limit_exceeded"
    message = _("Too many tries. Please wait %(minutes)s min, then try again.")

    def __init__(self, seconds: float) -> None:
        self.seconds = math.ceil(seconds)
        super().__init__(minutes=str(math.ceil(seconds / 60)))


class Invalid(SaysoError):
    """The input can't be used as it is; the sentence says how to mend it."""

    code = "parameter_invalid"


class FormWrong(Invalid):
    """Fields of a form that can't be used as they are: by field, its sentence. `""` is the form as a whole."""

    message = _("Nothing was saved. Please look at the fields that are marked.")

    def __init__(self, faults: Mapping[str, str], **values: str) -> None:
        self.faults = dict(faults)
        super().__init__(**values)


class NameTaken(FormWrong):
    """Names of subscriptions are unique among those that are not archived."""

    def __init__(self) -> None:
        super().__init__({"name": _("Another subscription has this name. Please choose another one.")})


class SignInRefused(Invalid):
    """Unknown email and wrong password look the same."""

    message = _("This email and password don't belong together. Check both, then try again.")


class PasswordTooShort(Invalid):
    message = _("The password is too short: it needs at least %(least)s characters.")


class TeammateExists(Invalid):
    message = _("There is a teammate with this email already.")


class LastAdmin(Invalid):
    message = _("This is the last admin: nobody could change settings any more.")


class NumberRefused(Invalid):
    """A phone number that can't be used, with the way in which it is wrong (`problem`)."""

    def __init__(self, problem: str, message: str, **values: str) -> None:
        self.problem = problem
        super().__init__(message, **values)


class EmailRefused(Invalid):
    message = _("That doesn't look like an email address. It should be like name@example.com.")


class SavedNumberLocked(Invalid):
    """Law 5: a contact with a valid number signs up with that number and no other."""

    code = "saved_number_locked"
    message = _("You already have a saved number, so you can't sign up with another one here.")


class NumberStopped(Invalid):
    """STOP beats everything: only the number itself takes it back."""

    code = "number_stopped"
    message = _(
        "This number asked us for no texts at all. To allow texts again, text START from it. Nobody else can do that."
    )


class WordsChanged(SaysoError):
    """The card or the subscription was edited after it was shown: nothing is recorded until the new words were seen."""

    code = "words_changed"
    message = _("The words on this form have changed. Please read them again, then press the button.")


class Conflict(SaysoError):
    """Another writer changed the contact after the caller had judged it: judge again."""

    code = "conflict"
    message = _("This was changed somewhere else at the same time. Please try again.")


class CardClosed(SaysoError):
    """The card takes no answer: it was withdrawn, or its subscription is not live."""

    code = "card_closed"
    message = _("This form is no longer available.")


class JobConflict(Conflict):
    """The job's state does not allow what was asked, or another one that excludes it has not ended."""

    code = "job_conflict"
    message = _("This job's state has changed. Reload the page to see what you can do.")


class TooManyJobs(SaysoError):
    """As many wait as may."""

    code = "job_limit_reached"
    message = _("Too many jobs are waiting. Try again when some of them have finished.")
