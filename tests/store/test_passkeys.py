"""Passkeys and whether sign-in asks for one change together, whatever happens at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.errors import LastPasskey, NotFound
from bot.model.base import new_id, now
from bot.model.teammate import By, Passkey, Teammate, TeammateRole
from bot.store import Duplicate, Store
from bot.store.passkeys import Removal
from bot.workspace.passkeys import PasskeyService
from bot.workspace.teammates import TeammateService

BY = By("x", "X")


@pytest.fixture
async def eve(store: Store) -> Teammate:
    return await TeammateService(store).add("eve@shop.example", TeammateRole.ADMIN, "lantern orchid gravel 7")


def passkey(eve: Teammate, id: str = "") -> Passkey:
    return Passkey(id=id or new_id(), teammate=eve.id, name="Key", public_key=b"", sign_count=0, created_at=now())


async def is_on(store: Store, eve: Teammate) -> bool:
    found = await store.teammates.get(eve.id)
    assert found
    assert found.has_passkey == bool(await store.passkeys.of(eve.id)), "with the factor on and no key, nobody signs in"
    return found.has_passkey


async def test_the_first_one_turns_the_factor_on_and_the_last_one_off(store: Store, eve: Teammate) -> None:
    one, two = passkey(eve), passkey(eve)
    assert [await store.passkeys.add(one), await store.passkeys.add(two)] == [True, False]
    with pytest.raises(Duplicate):
        await store.passkeys.add(one)
    assert await store.passkeys.remove(eve.id, one.id, now(), keeps_one=True) is Removal.DONE
    assert await store.passkeys.remove(eve.id, one.id, now(), keeps_one=False) is Removal.UNKNOWN
    assert await store.passkeys.remove(eve.id, two.id, now(), keeps_one=True) is Removal.IS_LAST
    assert await is_on(store, eve)
    assert await store.passkeys.remove(eve.id, two.id, now(), keeps_one=False) is Removal.DONE
    assert not await is_on(store, eve)


@pytest.mark.parametrize("is_required", [True, False])
async def test_of_the_last_two_removed_at_once_one_stays_where_it_must(
    store: Store, eve: Teammate, is_required: bool
) -> None:
    service, keys = PasskeyService(store), [passkey(eve), passkey(eve)]
    for key in keys:
        await store.passkeys.add(key)
    removals = (service.remove(eve, key.id, BY, is_required=is_required) for key in keys)
    results: list[Any] = await asyncio.gather(*removals, return_exceptions=True)
    assert sum(isinstance(result, LastPasskey) for result in results) == is_required
    assert await is_on(store, eve) == is_required


async def test_one_added_while_the_last_is_removed_keeps_the_factor_on(store: Store, eve: Teammate) -> None:
    first = passkey(eve)
    await store.passkeys.add(first)
    await asyncio.gather(
        store.passkeys.add(passkey(eve)), store.passkeys.remove(eve.id, first.id, now(), keeps_one=False)
    )
    assert await is_on(store, eve)


async def test_one_added_during_a_reset_is_gone_or_asked_for(store: Store, eve: Teammate) -> None:
    await asyncio.gather(store.passkeys.add(passkey(eve)), TeammateService(store).reset_second_factor(eve.email, BY))
    await is_on(store, eve)


async def test_a_removed_teammate_gets_none(store: Store, eve: Teammate) -> None:
    await TeammateService(store).remove(eve.email, BY, also_the_last_admin=True)
    assert await store.passkeys.add(passkey(eve)) is None
    assert not await is_on(store, eve)


async def test_nobody_removes_the_passkey_of_another(store: Store, eve: Teammate) -> None:
    other = await TeammateService(store).add("cy@shop.example", TeammateRole.ADMIN, "lantern orchid gravel 7")
    key = passkey(eve)
    await store.passkeys.add(key)
    with pytest.raises(NotFound):
        await PasskeyService(store).remove(other, key.id, BY, is_required=False)
    assert await is_on(store, eve)
