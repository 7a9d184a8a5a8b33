"""Who is at the other end: what a site only claims is not believed (law 11)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable

import jwt
import pytest
from itsdangerous import TimestampSigner

from bot.app import Bot
from bot.chat.visitors import Arrival, Claim, Visitors
from bot.consent.verify import verify
from bot.contacts.identity import is_proven
from bot.errors import Invalid, Unauthorized
from bot.model.contact import ConsentState, Contact, Role
from bot.model.conversation import Text
from bot.model.event import Action, ChatOpening
from tests.people import ANOTHER, NUMBER, answered, change

MakeContact = Callable[..., Awaitable[Contact]]


async def _signed(bot: Bot, user_id: str) -> str:
    secret = (await bot.workspace()).identity_secrets[0].secret
    return hmac.new(secret.encode(), user_id.encode(), hashlib.sha256).hexdigest()


async def _proven(bot: Bot, user_id: str, **values: str) -> Claim:
    return Claim(user_id=user_id, user_hash=await _signed(bot, user_id), **values)


class TestToken:
    async def test_it_stands_for_its_contact(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact()
        known = await bot.visitors.known(bot.visitors.token(ada.id))
        assert (known.contact.id, known.contact.is_stored, known.opening) == (ada.id, True, None)

    async def test_it_holds_what_stores_a_newcomer(self, bot: Bot) -> None:
        claim = Claim(locale="es", page="https://shop.example/", time_zone="Europe/Madrid")
        contact = await bot.visitors.enter(None, claim, await bot.workspace())
        opening = ChatOpening(conversation="c" * 24, at=contact.created_at, locale="es", time_zone="Europe/Madrid")
        token = bot.visitors.token(contact.id, Arrival.of(contact, opening))
        for visitor in (await bot.visitors.known(token), await bot.visitors.claimed(token)):
            assert (visitor.contact, visitor.opening) == (contact, opening)
        assert len(token) < 500

    async def test_nobody_moves_a_chat_into_another_token(self, bot: Bot) -> None:
        contact = await bot.visitors.enter(None, Claim(), await bot.workspace())
        opening = ChatOpening(conversation="c" * 24, at=contact.created_at)
        token = bot.visitors.token(contact.id, Arrival.of(contact, opening))
        mine, stolen = token.split("~"), bot.visitors.token("d" * 24).split(".")
        for forged in (f"{'d' * 24}~{mine[1]}", ".".join([f"{stolen[0]}~{mine[1].split('.')[0]}", *stolen[1:]])):
            with pytest.raises(Unauthorized):
                await bot.visitors.known(forged)

    async def test_one_that_we_did_not_sign_is_refused(self, bot: Bot, make_contact: MakeContact) -> None:
        ada = await make_contact()
        good = bot.visitors.token(ada.id)
        foreign = TimestampSigner("x" * 40, salt="visitor", digest_method=hashlib.sha256).sign(ada.id).decode()
        other_use = TimestampSigner("k" * 40, salt="link", digest_method=hashlib.sha256).sign(ada.id).decode()
        other_one = good.replace(ada.id, (await make_contact()).id)
        for token in ("", "x", ada.id, good[:-1], good + "x", "x" + good, foreign, other_use, other_one, "é", "\x00"):
            with pytest.raises(Unauthorized):
                await bot.visitors.known(token)

    async def test_one_that_is_too_old_is_refused(
        self, bot: Bot, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada = await make_contact()
        token = bot.visitors.token(ada.id)
        days = Visitors(bot.store, bot.ledger, bot.contacts, bot.merge, secret="k" * 40, days=1)
        assert days.read(token) == ada.id
        monkeypatch.setattr("itsdangerous.timed.time.time", lambda: 4e9)
        with pytest.raises(Unauthorized):
            days.read(token)

    async def test_one_of_somebody_who_is_gone_is_refused(self, bot: Bot) -> None:
        with pytest.raises(Unauthorized):
            await bot.visitors.known(bot.visitors.token("nobody"))


class TestEnter:
    async def test_nobody_knows_a_newcomer(self, bot: Bot) -> None:
        contact = await bot.visitors.enter(None, Claim(locale="es"), await bot.workspace())
        assert (not contact.is_stored, contact.role, contact.locale, contact.phone) == (True, Role.LEAD, "es", None)
        assert await bot.store.contacts.get(contact.id) is None

    async def test_a_claim_without_a_signature_is_a_lead_who_sees_nothing_of_the_user(
        self, bot: Bot, make_contact: MakeContact
    ) -> None:
        user = await make_contact(role=Role.USER, external_id="u1", phone=NUMBER, name="Ada")
        claim = Claim(user_id="u1", name="Eve", email="ada@example.com")
        contact = await bot.visitors.enter(None, claim, await bot.workspace())
        assert not contact.is_stored
        assert contact.id != user.id
        assert (contact.external_id, contact.phone, contact.name, contact.email) == (None, None, None, None)

    @pytest.mark.parametrize("signature", ["", "x", "0" * 64, "é" * 64])
    async def test_a_wrong_signature_is_refused(self, bot: Bot, make_contact: MakeContact, signature: str) -> None:
        await make_contact(role=Role.USER, external_id="u1", phone=NUMBER)
        with pytest.raises(Invalid):
            await bot.visitors.enter(None, Claim(user_id="u1", user_hash=signature), await bot.workspace())

    async def test_the_signature_of_one_user_does_not_prove_another(self, bot: Bot) -> None:
        claim = Claim(user_id="u1", user_hash=await _signed(bot, "u2"))
        with pytest.raises(Invalid):
            await bot.visitors.enter(None, claim, await bot.workspace())

    async def test_a_proven_user_is_that_user_whatever_token_they_bring(
        self, bot: Bot, make_contact: MakeContact
    ) -> None:
        user, lead = await make_contact(role=Role.USER, external_id="u1"), await make_contact()
        for token in (None, bot.visitors.token(lead.id), bot.visitors.token(user.id), "rubbish"):
            contact = await bot.visitors.enter(token, await _proven(bot, "u1"), await bot.workspace())
            assert (contact.id, contact.is_stored) == (user.id, True)

    async def test_a_lead_who_signs_in_becomes_that_user_and_keeps_who_they_are(
        self, bot: Bot, make_contact: MakeContact
    ) -> None:
        lead = await make_contact(phone=NUMBER)
        claim = await _proven(bot, "u1", name="Ada", email="ada@example.com")
        contact = await bot.visitors.enter(bot.visitors.token(lead.id), claim, await bot.workspace())
        assert (contact.id, contact.is_stored) == (lead.id, True)
        stored = await bot.store.contacts.get(lead.id)
        assert stored
        assert (stored.role, stored.external_id, stored.name, stored.phone) == (Role.USER, "u1", "Ada", NUMBER)

    async def test_a_second_user_at_the_same_device_is_not_the_first(self, bot: Bot, make_contact: MakeContact) -> None:
        first = await make_contact(role=Role.USER, external_id="u1", phone=NUMBER)
        token = bot.visitors.token(first.id)
        contact = await bot.visitors.enter(token, await _proven(bot, "u2"), await bot.workspace())
        assert not contact.is_stored
        assert (contact.id != first.id, contact.external_id, contact.phone) == (True, "u2", None)

    async def test_they_are_spoken_to_in_the_language_of_today(self, bot: Bot, make_contact: MakeContact) -> None:
        lead = await make_contact(locale="en")
        token = bot.visitors.token(lead.id)
        contact = await bot.visitors.enter(token, Claim(locale="es"), await bot.workspace())
        stored = await bot.store.contacts.get(lead.id)
        assert stored
        assert (contact.locale, stored.locale) == ("es", "es")

    async def test_one_that_comes_back_is_known(self, bot: Bot, make_contact: MakeContact) -> None:
        lead = await make_contact()
        contact = await bot.visitors.enter(bot.visitors.token(lead.id), Claim(), await bot.workspace())
        assert (contact.id, contact.is_stored) == (lead.id, True)


class TestSignedToken:
    """`user_jwt`: a JSON Web Token that the site signed."""

    async def test_it_makes_a_user_with_what_it_says(self, bot: Bot) -> None:
        claim = Claim(user_jwt=await _token(bot), name="Eve", email="eve@example.com", user_id="u2")
        contact = await bot.visitors.enter(None, claim, await bot.workspace())
        assert (contact.external_id, contact.name, contact.email) == ("u1", "Ada", "ada@example.com")
        stored = await bot.visitors.store(contact)
        assert (stored.email, stored.is_unverified("name"), stored.is_unverified("email")) == (
            "ada@example.com", False, False,
        )  # fmt: skip

    async def test_a_hash_vouches_for_no_name_and_no_email(self, bot: Bot) -> None:
        claim = await _proven(bot, "u1", name="Eve", email="eve@example.com")
        contact = await bot.visitors.enter(None, claim, await bot.workspace())
        opening = ChatOpening(conversation="c" * 24, at=contact.created_at)
        known = await bot.visitors.known(bot.visitors.token(contact.id, Arrival.of(contact, opening)))
        stored = await bot.visitors.store(known.contact)
        assert (stored.name, stored.is_unverified("name")) == ("Eve", True)
        assert (stored.email, stored.is_unverified("email")) == ("eve@example.com", True)

    async def test_an_expired_one_signs_nobody_in(self, bot: Bot, make_contact: MakeContact) -> None:
        await make_contact(role=Role.USER, external_id="u1", phone=NUMBER)
        lead, other = await make_contact(), await make_contact(role=Role.USER, external_id="u2")
        expired = Claim(user_jwt=await _token(bot, exp=time.time() - 3600))
        for token in (None, bot.visitors.token(lead.id), bot.visitors.token(other.id)):
            with pytest.raises(Invalid, match="expired"):
                await bot.visitors.enter(token, expired, await bot.workspace())

    async def test_whoever_is_signed_in_stays_so_when_it_expires(self, bot: Bot, make_contact: MakeContact) -> None:
        user = await make_contact(role=Role.USER, external_id="u1")
        expired = Claim(user_jwt=await _token(bot, exp=time.time() - 3600))
        contact = await bot.visitors.enter(bot.visitors.token(user.id), expired, await bot.workspace())
        assert contact.id == user.id

    async def test_so_does_one_who_has_only_opened_the_chat(self, bot: Bot) -> None:
        contact = await bot.visitors.enter(None, Claim(user_jwt=await _token(bot)), await bot.workspace())
        opening = ChatOpening(conversation="c" * 24, at=contact.created_at)
        token = bot.visitors.token(contact.id, Arrival.of(contact, opening))
        expired = Claim(user_jwt=await _token(bot, exp=time.time() - 3600))
        again = await bot.visitors.enter(token, expired, await bot.workspace())
        assert (again.id, again.external_id, again.is_stored) == (contact.id, "u1", False)


async def _token(bot: Bot, **claims: object) -> str:
    secret = (await bot.workspace()).identity_secrets[0].secret
    ada = {"user_id": "u1", "name": "Ada", "email": "ada@example.com"}
    return jwt.encode({**ada, **claims}, secret, algorithm="HS256")


def test_a_signature_is_the_hex_hmac_of_the_user_id() -> None:
    # printf 'u1' | openssl dgst -sha256 -hmac 'secret'
    right = hmac.digest(b"secret", b"u1", "sha256").hex()
    assert is_proven("u1", right, "secret")
    assert is_proven("u1", f" {right.upper()} ", "secret")
    assert not is_proven("u1", right[:-1], "secret")
    assert not is_proven("u1", right, "other")
    assert not is_proven("", right, "secret")


class TestOtherClaims:
    async def test_a_new_user_is_the_same_contact_in_every_tab(self, bot: Bot) -> None:
        claim, workspace = await _proven(bot, "new"), await bot.workspace()
        one, two = [await bot.visitors.enter(None, claim, workspace) for _ in range(2)]
        other = await bot.visitors.enter(None, await _proven(bot, "newer"), workspace)
        assert (one.id == two.id, one.id == other.id, one.is_stored) == (True, False, False)

    async def test_a_visitor_who_did_nothing_yet_stays_who_they_are(self, bot: Bot) -> None:
        opened = await bot.open_messenger(None, Claim(), None)
        again = await bot.visitors.enter(opened.token, Claim(locale="de"), await bot.workspace())
        assert (again.id, again.locale, again.is_stored) == (opened.contact.id, "de", False)

    async def test_who_signed_out_is_not_the_user_of_their_token_any_more(
        self, bot: Bot, make_contact: MakeContact
    ) -> None:
        ada = await make_contact(role=Role.USER, external_id="ada", phone=NUMBER)
        for claim in (Claim(), Claim(user_id="ben"), Claim(user_id="ben", user_hash=None)):
            found = await bot.visitors.enter(bot.visitors.token(ada.id), claim, await bot.workspace())
            assert (not found.is_stored, found.phone, found.id == ada.id) == (True, None, False)

    async def test_a_known_user_keeps_what_they_wrote_and_said_before_they_signed_in(
        self, bot: Bot, make_contact: MakeContact
    ) -> None:
        """On another device they are a visitor until they sign in. Both chains stay whole."""
        user, lead = await make_contact(role=Role.USER, external_id="u1"), await make_contact()
        submitted = await answered(bot, lead)
        chat = await bot.conversations.of_contact(submitted.part.conversation, lead.id)
        await bot.conversations.say(chat, "Do you ship to Canada?", "k")
        token, claim = bot.visitors.token(lead.id), await _proven(bot, "u1")
        tabs = [bot.visitors.enter(token, claim, await bot.workspace()) for _ in range(3)]
        assert {contact.id for contact in await asyncio.gather(*tabs)} == {user.id}
        kept = await bot.ledger.contact(user.id)
        assert kept
        assert (kept.phone, kept.consents[0].state) == (NUMBER, ConsentState.OPTED_IN)
        opened = await bot.messenger.open(token, claim, submitted.part.conversation)
        assert (opened.contact.id, opened.conversation) == (user.id, submitted.part.conversation)
        assert "Do you ship to Canada?" in [p.content.text for p in opened.parts if isinstance(p.content, Text)]
        with pytest.raises(Unauthorized):
            await bot.visitors.known(token)
        assert (await verify(bot.store, repair=False)).is_whole

    @pytest.mark.parametrize("who_said_no", ["user", "lead"])
    async def test_the_stricter_consent_stays(self, bot: Bot, make_contact: MakeContact, who_said_no: str) -> None:
        user = await make_contact(role=Role.USER, external_id="u1", phone=NUMBER)
        lead = await make_contact(phone=NUMBER)
        yes, no = (lead, user) if who_said_no == "user" else (user, lead)
        await bot.ledger.record(change(no.id, "no", Action.OPT_OUT))
        await bot.ledger.record(change(yes.id, "yes"))
        token = bot.visitors.token(lead.id)
        found = await bot.visitors.enter(token, await _proven(bot, "u1"), await bot.workspace())
        assert (found.id, found.consents[0].state) == (user.id, ConsentState.OPTED_OUT)

    async def test_a_yes_stays_only_with_its_number(self, bot: Bot, make_contact: MakeContact) -> None:
        await make_contact(role=Role.USER, external_id="u1", phone=ANOTHER)
        lead = await make_contact()
        await bot.ledger.record(change(lead.id, "yes"))
        token = bot.visitors.token(lead.id)
        found = await bot.visitors.enter(token, await _proven(bot, "u1"), await bot.workspace())
        assert (found.phone, found.consents) == (ANOTHER, ())

    async def test_without_proof_or_for_another_users_token_nothing_is_joined(
        self, bot: Bot, make_contact: MakeContact
    ) -> None:
        await make_contact(role=Role.USER, external_id="u1")
        lead, other = await make_contact(phone=NUMBER), await make_contact(role=Role.USER, external_id="u2")
        workspace, proven = await bot.workspace(), await _proven(bot, "u1")
        found = await bot.visitors.enter(bot.visitors.token(lead.id), Claim(user_id="u1"), workspace)
        assert found.id == lead.id
        found = await bot.visitors.enter(bot.visitors.token(other.id), proven, workspace)
        assert found.external_id == "u1"
        for contact in (lead, other):
            fresh = await bot.ledger.contact(contact.id)
            assert fresh
            assert not fresh.is_gone

    async def test_of_two_proofs_on_one_lead_each_gets_their_own_contact(
        self, bot: Bot, make_contact: MakeContact
    ) -> None:
        lead = await make_contact()
        token, workspace = bot.visitors.token(lead.id), await bot.workspace()
        claims = [await _proven(bot, user) for user in ("ada", "ben")]
        found = await asyncio.gather(*(bot.visitors.enter(token, claim, workspace) for claim in claims))
        assert [contact.external_id for contact in found] == ["ada", "ben"]
        assert len({contact.id for contact in found}) == 2
        stored = await bot.store.contacts.get(lead.id)
        assert stored
        assert stored.external_id in {"ada", "ben"}

    async def test_an_email_that_is_none_is_not_kept(self, bot: Bot) -> None:
        claim = await _proven(bot, "ada", email="not an address", name="Ada")
        found = await bot.visitors.enter(None, claim, await bot.workspace())
        assert (found.email, found.name) == (None, "Ada")

    async def test_a_token_of_a_machine_whose_clock_is_ahead_is_good(
        self, bot: Bot, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada, real = await make_contact(), time.time
        with monkeypatch.context() as patch:
            patch.setattr("itsdangerous.timed.time.time", lambda: real() + 60)
            token = bot.visitors.token(ada.id)
        assert bot.visitors.read(token) == ada.id
