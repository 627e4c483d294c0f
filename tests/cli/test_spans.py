"""How long something lasts is written alike in every command that takes it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from unified_exchanges import BadRequest
from unified_exchanges.cli.options import lasting, spacing

from ..guards import ROOT
from .conftest import invoke

MAKER = str(ROOT / "examples" / "spread_maker.py")
NOWHERE = {"UNIFIED_EXCHANGES_ENVIRONMENT": "http://127.0.0.1:9/trade-api/v2"}


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("60", 60.0),
        ("1.5", 1.5),
        ("1.5s", 1.5),
        ("0.000001s", 0.000001),
        ("15m", 900.0),
        ("0.5h", 1800.0),
        ("7d", 604_800.0),
    ],
)
def test_a_span_is_seconds_or_has_its_unit(given: str, seconds: float) -> None:
    assert lasting(given) == seconds
    assert spacing(given, "--every") == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "given",
    [
        *(
            "0",
            "0s",
            "-1",
            "-5m",
            "",
            "s",
            ".5s",
            "1.s",
            "1e3",
            "1y",
            "1 h",
            "soon",
            "∞",
        ),
        *("٣s", "0.0000001s", "999999999999d", "9" * 5_000),
        # Of the past, and of a time at all: that is no span.
        *("2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"),
    ],
)
def test_what_is_no_span_is_refused_by_the_name_of_its_option(given: str) -> None:
    for option in ("--for", "--sample"):
        with pytest.raises(BadRequest) as refused:
            spacing(given, option)
        told = (
            f"{option} {given!r} is no span of time above 0: write seconds, as 60 or "
        )
        assert str(refused.value).startswith(told)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--for", ("watch", "M")),
        ("--for", ("health",)),
        ("--for", ("record", "kalshi", "M", "--out", "x.jsonl")),
        ("--for", ("run", MAKER, "M")),
        ("--sample", ("backtest", MAKER, "--data", MAKER)),
        ("--sample", ("sweep", MAKER, "--data", MAKER)),
        ("--every", ("prices", "M")),
    ],
)
def test_each_command_refuses_it_before_anything_is_asked(
    option: str, words: tuple[str, ...]
) -> None:
    done = invoke(*words, option, "0s", "--json", env=NOWHERE)
    assert (done.code, done.out) == (2, "")
    assert done.error["message"].startswith(f"{option} '0s' is no span of time above 0")


@pytest.mark.parametrize("option", ["--order-delay", "--event-delay"])
@pytest.mark.parametrize(
    "words", [("backtest", "--data"), ("sweep", "--data"), ("run", "--over")]
)
def test_a_delay_of_more_than_a_year_is_refused_as_it_was_typed(
    option: str, words: tuple[str, str]
) -> None:
    command, data = words
    done = invoke(command, MAKER, data, MAKER, option, "31536000001", "--json")
    assert done.code == 2
    told = " ".join(done.err.split())
    assert option in told
    assert "31536000000" in told
    assert "nanoseconds" not in told
