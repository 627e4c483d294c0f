"""Commands that look: tables that fit, JSON that parses, limits that are kept."""

from __future__ import annotations

from decimal import Decimal

import pytest
from rich.cells import cell_len

from unified_exchanges import exchange, exchanges
from unified_exchanges.description import METHODS
from unified_exchanges.version import VERSION

from .conftest import Command, invoke

LISTINGS = {
    "markets": ("market_id", "title", "bid", "ask", "outcome", "closes_at"),
    "events": ("event_id", "title", "markets"),
    "trades": ("trade_id", "market_id", "price", "size"),
    "orders --all": ("order_id", "client_order_id", "status"),
    "fills": ("fill_id", "price", "size", "fee"),
    "positions": ("market_id", "outcome", "size", "cost"),
}


@pytest.mark.parametrize("command", LISTINGS)
def test_a_listing_is_one_json_object_for_each_line(
    look: Command, command: str
) -> None:
    done = look(*command.split(), "--json")
    assert done.code == 0
    assert done.lines
    for line in done.lines:
        assert set(LISTINGS[command]) <= set(line)


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("command", LISTINGS)
def test_a_listing_fits_the_terminal(look: Command, command: str, columns: int) -> None:
    done = look(*command.split(), columns=columns)
    assert done.code == 0
    assert max(cell_len(line) for line in done.out.splitlines()) <= columns


@pytest.mark.parametrize("command", ["markets", "trades", "orders --all", "fills"])
def test_an_id_is_never_cut(look: Command, command: str) -> None:
    ids = {line["market_id"] for line in look(*command.split(), "--json").lines}
    shown = look(*command.split(), columns=80).out
    assert [name for name in ids if name not in shown] == []


def test_what_is_left_out_to_fit_is_told_beside_the_table(look: Command) -> None:
    done = look("markets", columns=80)
    assert "left out to fit 80 columns: " in done.err
    assert "left out" not in done.out


def test_a_pipe_gets_the_whole_width(look: Command) -> None:
    title = look("markets", "--json", "-n", "2").lines[1]["title"]
    assert title in look("markets", "-n", "2").out


def test_a_limit_is_kept_and_said(look: Command) -> None:
    done = look("markets", "--json", "--limit", "3")
    assert len(done.lines) == 3
    assert "the first 3; more with --limit or --all" in done.err


def test_nothing_is_said_where_the_limit_is_just_enough(look: Command) -> None:
    count = len(look("markets", "--json", "--all").lines)
    done = look("markets", "--json", "--limit", str(count))
    assert (len(done.lines), done.err) == (count, "")


def test_markets_are_filtered_by_event_and_series(look: Command) -> None:
    first = look("markets", "--json", "-n", "1").document
    of_event = look("markets", "--json", "--event", first["event_id"]).lines
    assert {m["event_id"] for m in of_event} == {first["event_id"]}
    of_series = look("markets", "--json", "--series", first["series_id"]).lines
    assert {m["series_id"] for m in of_series} == {first["series_id"]}


def test_markets_are_filtered_by_status(look: Command) -> None:
    done = look("markets", "--json", "--status", "settled", "-n", "3")
    assert {m["status"] for m in done.lines} == {"settled"}


def test_an_outcome_turns_the_quotes_around(look: Command) -> None:
    yes = look("markets", "--json", "-n", "1").document
    no = look("markets", "--json", "-n", "1", "--outcome", "NO").document
    assert (yes["outcome"], no["outcome"]) == ("yes", "no")
    assert Decimal(no["bid"]) == 1 - Decimal(yes["ask"])
    assert no["bid_size"] == yes["ask_size"]


def test_the_title_begins_with_what_sets_a_market_apart(look: Command) -> None:
    assert "Static Garden · Top album this week?" in look("markets").out


def test_a_book_shows_asks_over_bids(look: Command, market: str) -> None:
    book = look("book", market, "--json").document
    shown = look("book", market).out.splitlines()
    above = next(n for n, line in enumerate(shown) if "spread" in line)
    assert Decimal(shown[above - 1].split()[1]) == Decimal(book["asks"][0]["price"])
    assert Decimal(shown[above + 1].split()[1]) == Decimal(book["bids"][0]["price"])


def test_a_book_is_shown_of_either_outcome_and_to_a_depth(
    look: Command, market: str
) -> None:
    yes = look("book", market, "--json", "--depth", "2").document
    no = look("book", market, "--json", "--depth", "2", "--outcome", "no").document
    assert len(yes["bids"]) == 2
    best = Decimal(yes["bids"][0]["price"]) + Decimal(no["asks"][0]["price"])
    assert best == 1


def test_trades_are_listed_since_a_span_ago(look: Command) -> None:
    assert look("trades", "--json", "--since", "1s").lines == []
    assert look("trades", "--since", "1s").err == "no trades\n"


def test_trades_of_a_market_are_listed_however_it_is_named(
    look: Command,
) -> None:
    market = look("trades", "--json", "-n", "1").document["market_id"]
    named = look("trades", "--market", market, "--json").lines
    assert named == look("trades", market, "--json").lines
    assert {trade["market_id"] for trade in named} == {market}
    assert look("trades", market, "--market", "OTHER").code == 2


def test_a_time_without_a_zone_is_refused(look: Command) -> None:
    done = look("trades", "--since", "2026-11-21T12:00")
    assert done.code == 2
    assert "with its zone such as" in done.err


def test_the_status_is_told_with_the_health(look: Command) -> None:
    done = look("status", "--json")
    assert done.code == 0
    assert done.document["status"]["is_trading"] is True
    assert done.document["health"]["error_rate"] == 0
    assert "play money" in look("status").out


def test_a_balance_is_told_by_shard(look: Command) -> None:
    assert look("balance", "--json").document["available"] == "40000"
    shown = look("balance").out
    assert "40,000.00 USD free" in shown
    assert "0: 10,000.00" in shown


def test_venues_are_listed_and_described() -> None:
    listed = invoke("venues", "--json").lines
    assert [venue["id"] for venue in listed] == list(exchanges)
    assert "production, demo, local" in invoke("venues").out
    described = invoke("venues", "kalshi")
    assert "real money" in described.out
    assert "emulated" in described.out


@pytest.mark.parametrize("name", exchanges)
def test_a_venue_is_described_with_every_method(name: str) -> None:
    has = invoke("venues", name, "--json").document["has"]
    assert has == exchange(name, environment="local").describe().has
    assert set(METHODS) <= set(has)
    listed = {venue["id"]: venue for venue in invoke("venues", "--json").lines}
    assert listed[name]["has"] == has


@pytest.mark.parametrize("name", exchanges)
def test_what_a_venue_can_do_stands_apart_from_its_name(name: str) -> None:
    words = {
        line.split()[0] for line in invoke("venues", name).out.splitlines() if line
    }
    assert set(METHODS) <= words


def test_a_venue_that_is_not_there_is_a_bad_request() -> None:
    done = invoke("venues", "nothing")
    assert done.code == 2
    assert "there are: kalshi" in done.err


def test_the_version_is_told() -> None:
    done = invoke("--version")
    assert (done.code, done.out) == (0, f"unified-exchanges {VERSION}\n")


def test_the_help_lists_commands_and_exit_codes() -> None:
    # Lines are broken where they end.
    shown = " ".join(invoke("--help").out.split())
    for word in ("markets", "simulate", "demo", "130 stopped with Ctrl-C"):
        assert word in shown
