"""Orders from the command line: what is sent, what is asked first, what is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from unified_exchanges.cli.practice import Practice
from unified_exchanges.venues.kalshi.description import FACTS

from .conftest import Command, invoke


def test_an_order_rests_and_is_listed_and_cancelled(cli: Command, market: str) -> None:
    placed = cli("order", market, "yes", "buy", "0.01", "5", "--json").document
    assert (placed["status"], placed["size"]) == ("open", "5")
    assert [o["order_id"] for o in cli("orders", "--json").lines] == [
        placed["order_id"]
    ]
    gone = cli("cancel", placed["order_id"])
    assert (gone.code, "canceled" in gone.out) == (0, True)
    assert cli("orders").err == "no open orders\n"


def test_an_order_that_fills_shows_the_price_it_got(cli: Command, market: str) -> None:
    done = cli("order", market, "yes", "buy", "0.99", "2", "--tif", "ioc")
    assert done.code == 0
    assert f"buy 2 yes @ 0.99 of {market}: closed, 2 filled at 0." in done.out
    assert cli("fills", "--json").document["market_id"] == market
    assert market in cli("positions").out


def test_the_word_market_takes_what_is_offered_within_a_bound(
    cli: Command, market: str
) -> None:
    words = ("order", market, "no", "buy", "market", "2", "--json")
    done = cli(*words, "--max-slippage", "0.05")
    assert done.document["filled"] == "2"


def test_a_market_order_takes_a_worst_price(cli: Command, market: str) -> None:
    done = cli("order", market, "yes", "buy", "0.99", "1", "--market", "--json")
    assert (done.document["time_in_force"], done.document["filled"]) == ("ioc", "1")


def test_a_market_order_without_a_bound_is_refused(cli: Command, market: str) -> None:
    assert cli("order", market, "yes", "buy", "market", "1").code == 2


def test_an_order_expires_after_a_span(cli: Command, market: str) -> None:
    words = ("order", market, "yes", "buy", "0.01", "1", "--expires", "2h", "--json")
    expires = datetime.fromisoformat(cli(*words).document["expires_at"])
    assert 1.9 < (expires - datetime.now(UTC)).total_seconds() / 3600 <= 2


def test_an_order_is_found_by_its_client_order_id(cli: Command, market: str) -> None:
    mine = ("order", market, "yes", "buy", "0.01", "1", "--client-order-id", "mine")
    assert cli(*mine).code == 0
    found = cli("orders", "--client-id", "mine", "--json").document
    assert (found["client_order_id"], found["market_id"]) == ("mine", market)


def test_a_dry_run_shows_the_request_and_its_cost_and_sends_nothing(
    cli: Command, market: str, place: Practice
) -> None:
    words = ("order", market, "yes", "buy", "0.01", "5", "--dry-run")
    shown = cli(*words)
    assert shown.code == 0
    assert f"POST {place.url}" in shown.out
    assert '"price": "0.0100"' in shown.out
    assert "Cost up to 0.05 and a fee up to " in shown.out
    assert place.api_key not in shown.out
    assert shown.out.count("REDACTED") == 3

    told = cli(*words, "--json").document
    assert told["cost"] == "0.05"
    assert json.loads(told["body"])["ticker"] == market
    assert set(told["headers"].values()) == {"REDACTED", "application/json"}
    assert cli("orders", "--all", "--json").lines == []


def test_cancelling_all_tells_how_many_and_that_none_is_left(
    cli: Command, market: str
) -> None:
    for _ in range(3):
        cli("order", market, "yes", "buy", "0.01", "1")
    done = cli("cancel", "--all", "--market", market)
    assert (done.code, done.out) == (0, "3 cancelled, 0 still open\n")
    assert cli("cancel", "--all", "--json").document["is_complete"] is True


def test_several_orders_are_cancelled_by_id(cli: Command, market: str) -> None:
    order = ("order", market, "yes", "buy", "0.01", "1", "--json")
    ids = [cli(*order).document["order_id"] for _ in range(2)]
    done = cli("cancel", *ids, "--json")
    assert done.code == 0
    assert [line["order"]["status"] for line in done.lines] == ["canceled"] * 2


def test_cancelling_in_part_has_a_code_of_its_own(cli: Command, market: str) -> None:
    order = ("order", market, "yes", "buy", "0.01", "1", "--json")
    known = cli(*order).document["order_id"]
    unknown = "00000000-0000-4000-8000-000000000000"
    done = cli("cancel", known, unknown)
    assert done.code == 8
    assert f"✗ {unknown}" in done.out
    assert cli("cancel", unknown, unknown[:-1] + "1").code == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "name the orders to cancel, or say --all"),
        (("x", "--all"), "--all cancels every open order: leave it out"),
    ],
)
def test_cancel_wants_either_ids_or_all(
    look: Command, words: tuple[str, ...], told: str
) -> None:
    done = look("cancel", *words)
    assert done.code == 2
    assert told in done.err


# -- real money ------------------------------------------------------------------------


@pytest.fixture
def real(place: Practice, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A venue whose money counts as real."""
    there = attrs.evolve(FACTS.environments["production"], rest=place.url)
    monkeypatch.setitem(FACTS.environments, "production", there)
    env = {**place.exports, "UNIFIED_EXCHANGES_ENVIRONMENT": "production"}
    return lambda *words, typed="": invoke(*words, env=env, typed=typed)


def test_real_money_needs_live(real: Command, market: str) -> None:
    done = real("order", market, "yes", "buy", "0.01", "1")
    assert done.code == 2
    assert "ReadOnly" in done.err
    assert "→ add --live" in done.err


def test_real_money_is_confirmed(real: Command, market: str) -> None:
    words = ("order", market, "yes", "buy", "0.01", "5", "--live")
    done = real(*words, typed="y\n")
    assert done.code == 0
    assert "REAL MONEY on Kalshi, production: buy 5 yes at 0.01" in done.err
    assert "cost up to 0.05" in done.err
    assert len(real("orders", "--json").lines) == 1


def test_a_declined_order_is_not_sent(real: Command, market: str) -> None:
    done = real("order", market, "yes", "buy", "0.01", "5", "--live", typed="\n")
    assert (done.code, done.out) == (1, "")
    assert "not sent" in done.err
    assert real("orders", "--json").lines == []


def test_real_money_is_not_spent_when_nobody_is_there(
    real: Command, market: str
) -> None:
    done = real("order", market, "yes", "buy", "0.01", "5", "--live")
    assert done.code == 2
    assert "nobody confirmed" in done.err
    assert real("orders", "--json").lines == []


def test_yes_sends_unasked(real: Command, market: str) -> None:
    done = real("order", market, "yes", "buy", "0.01", "5", "--live", "--yes")
    assert (done.code, done.err) == (0, "")


def test_a_market_order_is_confirmed_as_such(real: Command, market: str) -> None:
    words = ("order", market, "yes", "buy", "market", "1", "--max-slippage", "0.05")
    assert "buy 1 yes at " in real(*words, "--live", typed="n\n").err


def test_an_order_on_paper_is_in_its_file_and_not_at_the_venue(
    cli: Command, market: str, tmp_path: Path
) -> None:
    file = ("--paper", str(tmp_path / "paper.db"), "--json")
    placed = cli("order", market, "yes", "buy", "0.01", "5", *file).document
    assert placed["status"] == "open"
    [kept] = cli("orders", *file).lines
    assert kept["order_id"] == placed["order_id"]
    assert cli("orders").err == "no open orders\n"
    done = cli("order", market, "yes", "buy", "0.99", "2", "--tif", "ioc", *file)
    assert done.document["filled"] == "2"
    assert cli("positions", *file).document["size"] == "2"
    assert cli("cancel", placed["order_id"], *file).document["status"] == "canceled"
    assert cli("fills", "--json").lines == []
