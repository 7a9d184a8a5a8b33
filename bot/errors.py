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
    message: ClassVar[str] = _("Something went wrong on our end. Try again.")

    def __init__(self, message: str | None = None, **values: str) -> None:
        self.text = message or self.message
        self.values = values
        super().__init__(self.text % values if values else self.text)


class StoreUnavailable(SaysoError):
    """The database did not respond in time: the request may not be saved, and is safe to retry."""

    code = "service_unavailable"
    message = _("Couldn't save. Try again in a moment.")


class CheckpointKeyMissing(SaysoError):
    """The checkpoints of the ledger are signed with a key that this process doesn't have."""

    code = "checkpoint_key_missing"
    message = _("The newest checkpoint is signed with another key. Set SAYSO_CHECKPOINT_KEY here, too.")


class NotFound(SaysoError):
    """It does not exist, or not for this person: a stranger can't tell the difference."""

    code = "not_found"
    message = _("We couldn't find that.")


class Unauthorized(SaysoError):
    """No token, an invalid one, or an expired one."""

    code = "unauthorized"
    message = _("Reopen the chat to continue.")


class SignedOut(Unauthorized):
    """A teammate page without a session."""

    message = _("You're signed out. Sign in and try again.")


class TokenRefused(Unauthorized):
    """An unknown, revoked or expired API token."""

    message = _("Invalid access token.")


class Forbidden(SaysoError):
    """A signed-in teammate without permission."""

    code = "action_forbidden"
    message = _("Only admins can do this. Ask an admin for help.")


class ScopeMissing(Forbidden):
    """An API token without this scope, or whose teammate lost it."""

    code = "token_scope_missing"
    message = _('This access token requires the "%(scope)s" scope.')

    def __init__(self, scope: str) -> None:
        self.scope = scope
        super().__init__(scope=scope)


class NotFromHere(Forbidden):
    """A form without a valid CSRF token."""

    message = _("This page expired, so nothing was saved. Reload it and try again.")


class TooManyTries(SaysoError):
    """Too many attempts. `seconds`: how long to wait."""

    code = "rate_limit_exceeded"
    message = _("Too many attempts. Try again in %(minutes)s min.")

    def __init__(self, seconds: float) -> None:
        self.seconds = math.ceil(seconds)
        super().__init__(minutes=str(math.ceil(seconds / 60)))


class TooManyConnections(SaysoError):
    """The limit of live connections of a process, an address or a visitor."""

    code = "too_many_connections"
    message = _("Too many open chats. Close some tabs and try again.")


class Invalid(SaysoError):
    """The input is unusable; the message says how to fix it."""

    code = "parameter_invalid"


class KeyReused(Invalid):
    """An `Idempotency-Key` that belongs to another request."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key belongs to another request. Use a new key for each request.")


class SearchInvalid(Invalid):
    """A search by a program that can't be understood."""


class FilterTooBroad(Invalid):
    """Finding the matches takes too long."""

    code = "filter_too_broad"
    message = _(
        "This filter takes too long with this many contacts. "
        "Add a condition that fewer contacts match, like a tag, or sort by date created."
    )


class FormWrong(Invalid):
    """Invalid form fields with their messages; `""` is the form as a whole."""

    message = _("Nothing was saved. Fix the highlighted fields and try again.")

    def __init__(self, faults: Mapping[str, str], **values: str) -> None:
        self.faults = dict(faults)
        super().__init__(**values)


class WordingIncomplete(FormWrong):
    """A form's legal text is incomplete, and the teammate has not confirmed that, or isn't allowed to (`is_blocked`).

    `missing`: names by code, gettext ids.
    """

    code = "wording_incomplete"

    def __init__(self, missing: Mapping[str, str], *, is_blocked: bool) -> None:
        self.missing, self.is_blocked = dict(missing), is_blocked
        told = _("The legal text is incomplete. Add what's missing, or confirm to use it anyway.")
        blocked = _("The legal text is incomplete. Add what's missing, or ask an admin to insert the form.")
        super().__init__({"legal_text": blocked if is_blocked else told})


class NameTaken(FormWrong):
    """Names are unique among subscriptions that are not archived."""

    def __init__(self) -> None:
        super().__init__({"name": _("A subscription with this name already exists. Choose another name.")})


class SiteRefused(Invalid):
    message = _("%(site)s isn't a site. Enter addresses like https://shop.example.com, without a path.")


class TooManySites(Invalid):
    message = _("Too many sites. Enter up to %(most)s.")


class TooManySecrets(Invalid):
    """Two are valid: one has to be revoked first."""

    message = _("Two secrets are in use. Revoke one before you create another.")


class SignInRefused(Invalid):
    """The same for an unknown email and a wrong password."""

    message = _("Incorrect email or password.")


class PasswordTooShort(Invalid):
    message = _("Password must be at least %(least)s characters.")


class PasswordGuessable(Invalid):
    message = _("This password is easy to guess. Use a longer one, like a few random words.")


class LinkExpired(NotFound):
    """A link to join or to set a password that was used or revoked, or is too old."""

    message = _("This link has expired or was already used. Ask an admin for a new one.")


class PasskeyRefused(Invalid):
    message = _("That passkey didn't work. Try again, or use a recovery code.")


class SecondFactorMissing(Forbidden):
    """The workspace requires a second factor, and this teammate has none."""

    code = "second_factor_required"
    message = _("Your workspace requires a second factor. Add a passkey to continue.")


class ProofMissing(Forbidden):
    """The session is too old for a sensitive change: the password is required again."""

    code = "proof_required"
    message = _("Enter your password, then try again.")


class LastPasskey(Invalid):
    message = _("Your workspace requires a second factor. Add another passkey before you remove this one.")


class OwnSignIn(Invalid):
    """Admins can reset only other people's sign-in: resetting their own would bypass the password."""

    message = _("Change your own password and passkeys on your Sign-in page.")


class TeammateExists(Invalid):
    message = _("A teammate with this email already exists.")


class LastAdmin(Invalid):
    message = _("The last admin can't be removed or become an agent. Add another admin first.")


class NumberRefused(Invalid):
    """An unusable phone number, and the kind of error (`problem`).

    `is_country_assumed`: it was read as one of the selected country, since no country code was typed.
    """

    def __init__(self, problem: str, message: str, *, is_country_assumed: bool = False, **values: str) -> None:
        self.problem, self.is_country_assumed = problem, is_country_assumed
        super().__init__(message, **values)


class EmailRefused(Invalid):
    message = _("Enter an email address like name@example.com.")


class SavedNumberLocked(Invalid):
    """Law 5: a contact with a saved number signs up with that number only."""

    code = "saved_number_locked"
    message = _("You already have a saved number. You can't sign up with a different one here.")


class NumberStopped(Invalid):
    """STOP overrides everything: only the number itself can lift it."""

    code = "number_stopped"
    message = _("This number has opted out of all texts. To receive texts again, text START from this number.")


class Unreachable(Invalid):
    """A yes by a program for a contact without a valid number or email address."""

    code = "unreachable"

    def __init__(self, message_type: str) -> None:
        address = "phone number" if message_type == "sms" else "email address"
        super().__init__(f"This contact has no valid {address}. Add one first.")


class OwnOptOut(SaysoError):
    """An opt-out that this source may not override, or not with this evidence (`bot.consent.overrides`)."""

    code = "own_opt_out"

    def __init__(self, obstacle: str, message: str) -> None:
        self.obstacle = obstacle
        super().__init__(message)


class BoxUnticked(Invalid):
    """The form has a consent box, and it was sent without a tick."""

    code = "box_unticked"
    message = _("Check this box to sign up.")


class NotResent(Invalid):
    """A confirmation request is not texted again, and why."""

    code = "not_resent"


class TooManySignUps(Invalid):
    """A limit on the texts of forms is reached (`bot/consent/form_limits.py`): no text is sent."""

    code = "too_many_sign_ups"
    message = _("We can't text you right now. Try again later.")


class ProofNeeded(SaysoError):
    """A limit on texts of forms is near: the browser has to prove its work first (`bot/consent/proof_of_work.py`)."""

    code = "proof_needed"
    message = _("Checking that you're not a robot…")


class WordsChanged(SaysoError):
    """The card or subscription was edited after it was shown: nothing is recorded until the new wording was seen."""

    code = "words_changed"
    message = _("The wording has changed. Review it and try again.")


class Conflict(SaysoError):
    """Another writer changed the contact since the caller read it: decide again."""

    code = "conflict"
    message = _("This was just changed elsewhere. Try again.")


class ContactExists(Conflict):
    """A contact that a program creates, and that exists already."""

    def __init__(self, id: str, *, is_archived: bool) -> None:
        self.id = id
        what = "An archived contact" if is_archived else "A contact"
        super().__init__(f"{what} matching those details already exists with id={id}")


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
    message = _("Too many queued jobs. Try again when some have finished.")
