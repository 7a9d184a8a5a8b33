"""Settings: wrong ones stop the start, all of them named, no value told."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import Settings, WrongSettings, load_settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env` of the developer's."""
    monkeypatch.chdir(tmp_path)


def test_without_any_setting_it_starts() -> None:
    settings = load_settings()
    assert (settings.mongo_url, settings.engine, settings.port) == (None, "auto", 8080)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MONGO_URL", "postgres://db/x", "must begin with mongodb://"),
        ("DATABASE", "a b", "match"),
        ("DATABASE", "x" * 39, "match"),
        ("ENGINE", "sqlite", "mongod"),
        ("PORT", "eighty", "integer"),
        ("PORT", "65536", "65535"),
        ("PORT", "-1", "0"),
        ("PUBLIC_URL", "chat.example.com", "must be like https://chat.example.com"),
        ("SECRET_KEY", "short", "at least 32 characters"),
        ("CHECKPOINT_KEY", f"{'k' * 40} short", "at least 32 characters"),
        ("TRUSTED_PROXIES", "11", "10"),
        ("VISITOR_DAYS", "0", "1"),
        ("LINK_DAYS", "4000", "3650"),
        ("TWILIO_ACCOUNT_SID", "AC123", "match"),
        ("TWILIO_SERVICE", f"AC{'0' * 32}", "match"),
        ("TWILIO_NUMBERS", "+12015550123 hello", "match"),
        ("TWILIO_URL", "https://api.example.com", "match"),
        ("TWILIO_WEBHOOK_KEYS", "id-without-secret", "must be like id:secret"),
        ("GATEWAY", "twilio", "also needs SAYSO_PUBLIC_URL, SAYSO_TWILIO_ACCOUNT_SID, SAYSO_TWILIO_AUTH_TOKEN"),
        ("LOG", "xml", "json"),
        ("LOG_LEVEL", "loud", "debug"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SAYSO_{name}", value)
    with pytest.raises(WrongSettings) as wrong:
        load_settings()
    (fault,) = wrong.value.faults
    assert fault.startswith(f"SAYSO_{name}: ")
    assert says in fault


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PORT": "x", "LOG": "xml", "SECRET_KEY": "short", "PROT": "8080"}.items():
        monkeypatch.setenv(f"SAYSO_{name}", value)
    with pytest.raises(WrongSettings) as wrong:
        load_settings()
    assert {fault.partition(":")[0] for fault in wrong.value.faults} == {
        "SAYSO_PORT",
        "SAYSO_LOG",
        "SAYSO_SECRET_KEY",
        "SAYSO_PROT",
    }


def test_a_name_that_is_no_setting_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_MONGOURL", "mongodb://db")
    with pytest.raises(WrongSettings, match="SAYSO_MONGOURL: there is no such setting"):
        load_settings()


@pytest.mark.parametrize(("name", "secret"), [("SECRET_KEY", "hush-hush"), ("MONGO_URL", "mongo://root:hush-hush@db")])
def test_the_message_never_tells_a_value(name: str, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"SAYSO_{name}", secret)
    with pytest.raises(WrongSettings) as wrong:
        load_settings()
    assert "hush-hush" not in str(wrong.value)
    assert wrong.value.__cause__ is None
    assert wrong.value.__suppress_context__


def test_secrets_are_not_shown_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_SECRET_KEY", "hush" * 8)
    monkeypatch.setenv("SAYSO_MONGO_URL", "mongodb://root:hush@db")
    assert "hush" not in repr(load_settings())


def test_a_dot_env_file_is_read_and_the_environment_beats_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("SAYSO_PORT=9001\nSAYSO_DATABASE=shop\nUNRELATED=1\n")
    monkeypatch.setenv("SAYSO_DATABASE", "other")
    settings = load_settings()
    assert (settings.port, settings.database) == (9001, "other")


def test_a_wrong_setting_of_the_dot_env_file_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SAYSO_PORT=x\n")
    with pytest.raises(WrongSettings, match="SAYSO_PORT"):
        load_settings()


def test_an_override_beats_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_PORT", "9001")
    assert load_settings(port=9002).port == 9002


def test_the_public_address_is_kept_without_its_last_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_PUBLIC_URL", "https://chat.example.com/")
    assert load_settings().public_url == "https://chat.example.com"


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_a_name_in_the_env_file_that_is_no_setting_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("SAYSO_PROT=8081\nSAYSO_SITE=https://shop.example.com\nOTHER=1\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongSettings) as wrong:
        load_settings()
    assert wrong.value.faults == ["SAYSO_PROT: there is no such setting", "SAYSO_SITE: there is no such setting"]


@pytest.mark.parametrize("sites", ["", "https://a,https://b", "; script-src *", "shop.example.com", "https://a * "])
def test_sites_that_are_none_are_told(sites: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_SITES", sites)
    with pytest.raises(WrongSettings, match="SAYSO_SITES: must be"):
        load_settings()
