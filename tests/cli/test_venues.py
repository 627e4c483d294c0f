"""Every command on every venue: the same words, tables that fit, ids that can be copied."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from rich.cells import cell_len

from unified_exchanges import exchange, exchanges
from unified_exchanges.cli.practice import Practice, practice

from .conftest import Command, Run, at, invoke

LISTINGS = {
    "markets": ("market_id", "title", "bid", "ask", "outcome", "closes_at"),
    "events": ("event_id", "title", "markets"),
    "orders --ended": ("order_id", "client_order_id", "status"),
    "fills": ("fill_id", "price", "size", "fee"),
    "positions": ("market_id", "outcome", "size", "cost"),
}
STRANGE = "00000000-0000-4000-8000-000000000000"
IN_A_MARKET = ("book", "prices", "trades", "watch")


@pytest.fixture(scope="module", params=exchanges)
def place(request: pytest.FixtureRequest) -> Iterator[Practice]:
    """Each simulated venue, with an account that has a past."""
    with practice(request.param, seed=7, history=True) as opened:
        yield opened


@pytest.fixture
def run(place: Practice) -> Command:
    """Run a command there."""
    return at(place)


@pytest.fixture
def market(run: Command) -> Any:
    """A market with quotes on both sides, away from the ends."""
    found = run("markets", "--json", "--all").lines
    return next(m for m in found if m["bid"] and "0.2" < m["bid"] < "0.8")


@pytest.mark.parametrize("command", LISTINGS)
def test_a_listing_is_json_for_programs_and_fits_for_people(
    run: Command, command: str
) -> None:
    lines = run(*command.split(), "--json").lines
    assert lines
    for line in lines:
        assert set(LISTINGS[command]) <= set(line)
    shown = run(*command.split(), columns=80).out
    assert max(cell_len(line) for line in shown.splitlines()) <= 80
    ids = {line.get("market_id", line.get("event_id")) for line in lines}
    assert [name for name in ids if name not in shown] == []


def test_tags_are_json_for_programs_and_fit_for_people(run: Command) -> None:
    lines = run("tags", "--json").lines
    assert {"tag_id", "label", "categories"} <= set(lines[0])
    shown = run("tags", columns=80).out
    assert max(cell_len(line) for line in shown.splitlines()) <= 80
    assert [x["tag_id"] for x in lines if x["tag_id"] not in shown] == []


def test_events_and_markets_are_listed_by_a_tag(run: Command) -> None:
    every = run("events", "--all", "--json").lines
    tags = [x["tag_id"] for x in run("tags", "--json").lines]
    listed = [run("events", "--tag", x, "--all", "--json").lines for x in tags]
    assert any(0 < len(found) < len(every) for found in listed)
    tag = next(x for x, found in zip(tags, listed, strict=True) if found)
    assert run("markets", "--tag", tag, "--json").lines
    assert run("markets", "--tag", "no such tag").code == 2


def test_events_are_searched_where_the_venue_has_it(
    run: Command, place: Practice
) -> None:
    title = run("events", "-n", "1", "--json").document["title"]
    found = run("events", "--search", title.split()[-1].strip("?"), "--json")
    if not exchange(place.venue, environment="local").has["search_events"]:
        assert (found.code, found.error["error"]) == (2, "NotSupported")
        return
    assert title in [x["title"] for x in found.lines]


def test_activity_is_listed_where_the_venue_tells_it(
    run: Command, place: Practice
) -> None:
    told = run("activity", "--all", "--json")
    if not exchange(place.venue, environment="local").has["fetch_activity"]:
        assert (told.code, told.error["error"]) == (2, "NotSupported"), told.err
        return
    assert {"trade", "redemption", "deposit"} <= {x["kind"] for x in told.lines}
    shown = run("activity", columns=80).out
    assert max(cell_len(line) for line in shown.splitlines()) <= 80


def test_a_market_is_shown_with_its_title_however_long_its_id_is(
    run: Command, market: Any
) -> None:
    shown = run("markets", "--all", columns=80).out
    assert market["title"][:10] in shown


def test_a_title_says_no_outcome_that_stands_beside_it(run: Command) -> None:
    shown = run("markets", "--all", columns=200).out
    assert " Yes · " not in shown
    assert ": Yes · " not in shown


def test_status_and_balance_are_told(run: Command, place: Practice) -> None:
    assert f"{place.name} {place.url}, play money" in run("status").out
    assert "free" in run("balance").out


@pytest.mark.parametrize("command", IN_A_MARKET)
def test_a_market_is_looked_at_in_terms_of_each_outcome(
    run: Command, market: Any, command: str
) -> None:
    for outcome in market["outcomes"]:
        words = [command, market["market_id"], "--outcome", outcome["label"]]
        words += ["--for", "0.5"] if command == "watch" else []
        done = run(*words, columns=80)
        assert done.code == 0
        shown = (done.out or done.err).splitlines()
        assert max(map(cell_len, shown)) <= 80


def test_prices_are_listed_newest_first_as_far_apart_as_asked(
    run: Command, place: Practice
) -> None:
    # Not one that was traded by another test just now: its first hour is not over.
    traded = run("trades", "-n", "50", "--json").lines[-1]["market_id"]
    words = ("prices", traded, "--json")
    hours = run(*words, "--all", "--since", "5d").lines
    times = [x["timestamp"] for x in hours]
    assert times == sorted(times, reverse=True)
    assert {"market_id", "outcome", "price", "resolution"} <= set(hours[0])
    last = run(*words, "--every", "12h", "-n", "1")
    assert len(last.lines) == 1
    for wrong in ("10s", "2d", "1", "soon"):
        assert run(*words, "--every", wrong).code == 2


def bought(run: Command, market: Any, *more: str) -> Run:
    words = (market["market_id"], market["outcomes"][0]["label"], "buy", *more)
    return run("order", *words, columns=80)


def test_an_order_rests_and_is_listed_and_cancelled(run: Command, market: Any) -> None:
    placed = bought(run, market, "0.01", "10", "--json").document
    listed = run("orders", columns=80).out
    assert (placed["order_id"] in listed, market["market_id"] in listed) == (True, True)
    gone = run("cancel", placed["order_id"], columns=80)
    assert (gone.code, "canceled" in gone.out) == (0, True)
    assert market["market_id"] in gone.out
    assert run("orders").err == "no open orders\n"


def test_an_order_that_takes_is_told_in_lines_that_fit(
    run: Command, market: Any
) -> None:
    done = bought(run, market, market["ask"], "10", "--tif", "ioc")
    assert (done.code, "closed, 10 filled at 0." in done.out) == (0, True)
    assert market["market_id"] in done.out
    before, after = (run("positions", "--json").lines for _ in range(2))
    assert Decimal(before[0]["size"]) == Decimal(after[0]["size"])


def test_what_is_wrong_is_told_by_the_exit_code(run: Command, market: Any) -> None:
    assert bought(run, market, "0.0111111", "10").code == 2
    assert bought(run, market, "29", "10").code == 2
    assert run("book", "NO-SUCH-MARKET").code == 3


def test_everything_stops(run: Command, market: Any) -> None:
    bought(run, market, "0.01", "10")
    assert run("halt", "a test").code == 0
    assert run("orders").err == "no open orders\n"


@pytest.mark.parametrize("venue", exchanges)
def test_the_health_of_a_simulated_venue_is_good(venue: str) -> None:
    done = invoke("health", "--simulate", "--venue", venue, "--for", "0.5")
    assert (done.code, done.err) == (0, "")


def test_a_key_is_named_beside_what_the_environment_holds(
    run: Command, place: Practice
) -> None:
    assert run("balance", "--api-key", place.api_key).code == 0
    assert run("balance", "--api-key", STRANGE).code == 4
