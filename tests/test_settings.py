"""One constructor for every venue, and environments that cannot be mistaken."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from tests.toy import FACTS
from unified_exchanges import exchange
from unified_exchanges.errors import BadRequest
from unified_exchanges.settings import Settings, resolve_environment
from unified_exchanges.venues.kalshi import description as kalshi

KNOWN = FACTS.environments


def test_a_known_name_is_its_environment() -> None:
    assert resolve_environment("demo", KNOWN).rest == "https://demo.toy.test/api"


@pytest.mark.parametrize(
    ("url", "real"),
    [
        ("http://127.0.0.1:8790/api", False),
        ("http://localhost:1", False),
        ("http://[::1]:1", False),
        ("https://demo.toy.test/other", False),
        ("https://toy.test/api", True),
        ("https://elsewhere.test", True),
    ],
)
def test_a_url_is_real_money_unless_it_is_local_or_known_to_play(
    url: str, *, real: bool
) -> None:
    assert resolve_environment(url, KNOWN).is_real_money is real


@pytest.mark.parametrize(
    "name",
    [
        "prod",
        "",
        "ftp://x",
        "https://",
        "http://toy.test",
        "https://u:p@toy.test",
        "https://toy.test/?q=1",
        "https://toy.test/#x",
    ],
)
def test_an_environment_that_is_neither_is_refused(name: str) -> None:
    with pytest.raises(BadRequest):
        resolve_environment(name, KNOWN)


def test_an_environment_that_came_out_empty_is_not_production() -> None:
    with pytest.raises(BadRequest, match="environment must be a name or a base URL"):
        exchange("kalshi", environment=None)  # type: ignore[arg-type]


def test_an_unknown_environment_is_told_with_its_venue() -> None:
    with pytest.raises(BadRequest) as told:
        exchange("kalshi", environment="prod")
    assert told.value.venue == "kalshi"


def test_a_fork_does_not_draw_the_ids_that_its_parent_draws() -> None:
    script = (
        "import os; from unified_exchanges.settings import Settings; rng = Settings().rng;"
        "child = os.fork(); os.write(1, b'%d\\n' % rng.getrandbits(128));"
        "child and os.waitpid(child, 0)"
    )
    drawn = subprocess.check_output([sys.executable, "-c", script], text=True).split()
    assert len(set(drawn)) == 2


def test_a_trailing_slash_is_dropped_because_it_would_not_survive_signing() -> None:
    assert (
        resolve_environment("https://toy.test/api/", KNOWN).rest
        == "https://toy.test/api"
    )


@pytest.mark.parametrize("timeout", [0, -1.0])
def test_a_timeout_is_above_nought(timeout: float) -> None:
    with pytest.raises(BadRequest, match="timeout"):
        Settings(timeout=timeout)


def test_fault_48_the_repr_of_settings_has_no_secret() -> None:
    settings = Settings(
        api_key="canary-id",
        secret="canary-hush",
        private_key="canary-pem",
        password="canary-word",
    )
    assert "canary" not in repr(settings)


WRONG: dict[str, list[Any]] = {
    "timeout": ["5", None, True, float("nan"), float("inf")],
    "live": ["false", "true", 1, 0],
    "retry": [3, {}],
    "limits": ["none", (10, 10)],
    "environment": [1, None],
    "options": ["subaccount", [("subaccount", 1)]],
    "password": [b"word"],
    "secret": [b"word"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in WRONG for value in WRONG[name]]
)
def test_a_setting_of_another_type_is_refused(name: str, value: Any) -> None:
    with pytest.raises(BadRequest, match=name):
        Settings(**{name: value})


def test_fault_48_a_password_of_another_type_is_not_shown() -> None:
    password: Any = b"canary"
    with pytest.raises(BadRequest) as caught:
        Settings(password=password)
    assert "canary" not in str(caught.value)


KALSHI = kalshi.FACTS.environments


@pytest.mark.parametrize(
    ("host", "real"),
    [
        ("external-api.kalshi.com", True),
        ("api.elections.kalshi.com", True),
        ("external-api.demo.kalshi.co", False),
        ("demo-api.kalshi.co", False),
    ],
)
def test_every_documented_host_of_kalshi_is_known(host: str, *, real: bool) -> None:
    found = resolve_environment(f"https://{host}/trade-api/v2", KALSHI)
    assert found.is_real_money is real


def test_a_retired_host_is_refused_with_the_right_one() -> None:
    url = "https://trading-api.kalshi.com/trade-api/v2"
    with pytest.raises(BadRequest, match=r"retired.*external-api\.kalshi\.com"):
        resolve_environment(url, KALSHI)
