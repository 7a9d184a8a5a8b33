"""Passwords: hashed with the parameters that the library recommends today."""

from __future__ import annotations

import argon2
import pytest

from bot.workspace import passwords
from bot.workspace.passwords import Passwords


async def test_a_password_is_hashed_as_rfc_9106_recommends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "PasswordHasher", argon2.PasswordHasher)
    hash = await Passwords().hash("correct horse")
    used = argon2.extract_parameters(hash)

    assert used.type is argon2.Type.ID
    assert (used.memory_cost, used.time_cost, used.parallelism) >= (65_536, 3, 4)
    assert await Passwords().is_right(hash, "correct horse")
    assert not await Passwords().is_right(hash, "battery staple")


async def test_a_hash_with_other_parameters_is_old() -> None:
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("correct horse")

    assert Passwords().is_old(weak)
    assert not Passwords().is_old(await Passwords().hash("correct horse"))
