"""`sayso teammate`: who may sign in, as an owner says it on the machine where Sayso runs."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
from collections.abc import Awaitable, Callable

import pytest

from bot.errors import SaysoError
from bot.model.teammate import TeammateRole
from bot.store import Store
from bot.workspace.teammates import TeammateService
from bot.workspace.tokens import Tokens
from tests.widget.cli.conftest import Invoke
from tests.widget.cli.test_cli import SAYSO, Ran

PASSWORD, ANOTHER = "a password of Ada's", "another password"

Teammate = Callable[..., Awaitable[Ran]]


@pytest.fixture
def teammate(invoke: Invoke) -> Teammate:
    """`await teammate("add", …, typed=…)`: the command, with a line of standard input."""

    async def run(*arguments: str, typed: str | bytes = PASSWORD + "\n") -> Ran:
        ran = await invoke("teammate", *arguments, typed=typed)
        assert PASSWORD not in ran.out + ran.err
        return ran

    return run


async def signs_in(store: Store, email: str, password: str = PASSWORD) -> bool:
    try:
        await TeammateService(store).sign_in(email, password, address="192.0.2.1", is_local=False)
    except SaysoError:
        return False
    return True


async def test_who_is_added_can_sign_in(teammate: Teammate, kept: Store) -> None:
    ran = await teammate("add", " Ada@Harbor.example ", "--role", "admin", "--name", "Ada Lovelace")
    assert (ran.code, ran.out, ran.err) == (0, "Added ada@harbor.example (admin, Ada Lovelace).\n", "")
    assert await signs_in(kept, "ada@harbor.example")
    (ada,) = await TeammateService(kept).all()
    assert (ada.role, ada.is_demo, PASSWORD in ada.password_hash) == (TeammateRole.ADMIN, False, False)
    assert ada.password_hash.startswith("$argon2id$")


async def test_without_a_name_it_is_taken_from_the_address(teammate: Teammate) -> None:
    assert (await teammate("add", "ben@harbor.example", "--role", "agent")).out == (
        "Added ben@harbor.example (agent, ben).\n"
    )


@pytest.mark.parametrize(
    ("arguments", "typed", "why"),
    [
        (("add", "no address", "--role", "agent"), PASSWORD, "email"),
        (("add", "ben@harbor.example", "--role", "agent"), "too short", "at least 10 characters"),
        (("add", "ben@harbor.example", "--role", "agent"), "", "at least 10 characters"),
        (("add", "ben@harbor.example", "--role", "agent"), b"\xff" * 12, "must be UTF-8 text"),
        (("add", "ada@harbor.example", "--role", "agent"), PASSWORD, "A teammate with this email already exists."),
        (("password", "ben@harbor.example"), PASSWORD, "No teammate has this email"),
        (("password", "ada@harbor.example"), "too short", "at least 10 characters"),
        (("remove", "ben@harbor.example"), "", "No teammate has this email"),
        (("remove", "ada@harbor.example"), "", "You can't remove the last admin"),
    ],
)
async def test_what_cannot_be_done_is_said_and_changes_nothing(
    teammate: Teammate, kept: Store, arguments: tuple[str, ...], typed: str | bytes, why: str
) -> None:
    await teammate("add", "ada@harbor.example", "--role", "admin")
    before = await TeammateService(kept).all()
    ran = await teammate(*arguments, typed=typed)
    assert (ran.code, ran.out, why in ran.err) == (1, "", True), ran
    assert await TeammateService(kept).all() == before


async def test_a_role_is_one_of_two(teammate: Teammate, kept: Store) -> None:
    for arguments in (("add", "ada@harbor.example"), ("add", "ada@harbor.example", "--role", "owner")):
        assert (await teammate(*arguments)).code == 2
    assert await TeammateService(kept).all() == []


async def test_the_list_shows_who_they_are(teammate: Teammate) -> None:
    assert "No teammates yet." in (await teammate("list")).out
    await teammate("add", "zoe@harbor.example", "--role", "agent", "--name", "Zoé")
    await teammate("add", "ada.lovelace@harbor.example", "--role", "admin", "--name", "Ada")
    assert (await teammate("list")).out.splitlines() == [
        "ada.lovelace@harbor.example  admin  Ada",
        "zoe@harbor.example           agent  Zoé",
    ]


async def test_a_new_password_replaces_the_old_one(teammate: Teammate, kept: Store) -> None:
    await teammate("add", "ada@harbor.example", "--role", "admin")
    ran = await teammate("password", "ada@harbor.example", typed=ANOTHER + "\r\n")
    assert (ran.code, "signed out everywhere" in ran.out) == (0, True)
    assert await signs_in(kept, "ada@harbor.example", ANOTHER)
    assert not await signs_in(kept, "ada@harbor.example")


async def test_who_is_removed_is_out_with_their_tokens_and_may_come_back(teammate: Teammate, kept: Store) -> None:
    await teammate("add", "ada@harbor.example", "--role", "admin")
    await teammate("add", "ben@harbor.example", "--role", "admin")
    ben = await TeammateService(kept).named("ben@harbor.example")
    token = await Tokens(kept).make(ben, "Till")
    assert (await teammate("remove", "ben@harbor.example")).out == "Removed ben@harbor.example (admin, ben).\n"
    assert not await signs_in(kept, "ben@harbor.example")
    with pytest.raises(SaysoError):
        await Tokens(kept).principal(token, is_local=True)

    assert (await teammate("add", "ben@harbor.example", "--role", "agent", typed=ANOTHER)).code == 0
    back = await TeammateService(kept).named("ben@harbor.example")
    assert (back.id, back.role) == (ben.id, TeammateRole.AGENT)
    assert await signs_in(kept, "ben@harbor.example", ANOTHER)
    with pytest.raises(SaysoError):
        await Tokens(kept).principal(token, is_local=True)


async def test_the_last_admin_goes_only_by_force(teammate: Teammate, kept: Store) -> None:
    await teammate("add", "ada@harbor.example", "--role", "admin")
    await teammate("add", "ben@harbor.example", "--role", "agent")
    assert "--force" in (await teammate("remove", "ada@harbor.example")).err
    assert (await teammate("remove", "ada@harbor.example", "--force")).code == 0
    assert [left.email for left in await TeammateService(kept).all()] == ["ben@harbor.example"]


async def test_at_a_terminal_the_password_is_typed_twice_and_never_seen(env: dict[str, str], kept: Store) -> None:
    shown = await asyncio.to_thread(
        _at_a_terminal,
        ["teammate", "add", "ada@harbor.example", "--role", "admin"],
        ["short", PASSWORD, ANOTHER, PASSWORD, PASSWORD],
        env,
    )
    assert "at least 10 characters" in shown
    assert "do not match" in shown
    assert "Added ada@harbor.example (admin, ada)." in shown
    assert PASSWORD not in shown
    assert await signs_in(kept, "ada@harbor.example")


def _at_a_terminal(arguments: list[str], lines: list[str], env: dict[str, str]) -> str:
    """What the screen shows to somebody who answers each question with one of the lines."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*SAYSO, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
    )
    os.close(theirs)
    shown, asked = "", 0
    try:
        while chunk := os.read(ours, 1000):
            shown += chunk.decode()
            if shown.count(": ") > asked + shown.count("Error: ") and asked < len(lines):
                os.write(ours, f"{lines[asked]}\n".encode())
                asked += 1
    except OSError:  # its side is closed: it ended
        pass
    finally:
        os.close(ours)
        process.kill()
        process.wait()
    return shown
