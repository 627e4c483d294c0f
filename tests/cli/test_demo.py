"""The demo: one story, the same for the same seed, whose money adds up."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import attrs
import pytest

from unified_exchanges.cli import demo
from unified_exchanges.cli import demo_strategy as strategy
from unified_exchanges.cli.ledger import Ledger, reconcile
from unified_exchanges.errors import RequestTimeout
from unified_exchanges.registry import exchanges

from .conftest import Run, invoke


@pytest.fixture(scope="module", params=exchanges)
def told(request: pytest.FixtureRequest) -> Any:
    """What the demo tells a program, on each venue."""
    done = invoke("demo", "--json", "--venue", request.param)
    assert (done.code, done.err) == (0, "")
    return done.document


def step(told: Any, name: str) -> Any:
    return next(each["result"] for each in told["steps"] if each["step"] == name)


@pytest.mark.parametrize("venue", exchanges)
def test_the_demo_tells_its_story_and_ends_well(venue: str) -> None:
    done = invoke("demo", "--venue", venue, env={"COLUMNS": "80"})
    assert (done.code, done.err) == (0, "")
    titles = re.findall(r"^ ?(\d+) (.+)$", done.out, re.MULTILINE)
    assert [int(number) for number, _ in titles] == list(range(1, 18))
    assert done.out.endswith("✓ It adds up, to the last digit.\n")


@pytest.mark.parametrize("venue", exchanges)
def test_the_demo_fits_eighty_columns(venue: str) -> None:
    done = invoke("demo", "--venue", venue, env={"COLUMNS": "80"})
    lines = done.out.splitlines()
    assert [line for line in lines if len(line) > 80] == []


def test_an_order_rests_and_another_fills(told: Any) -> None:
    assert step(told, "rest")["status"] == "open"
    assert [o["order_id"] for o in step(told, "open orders")] == [
        step(told, "rest")["order_id"]
    ]
    assert (step(told, "take")["status"], step(told, "take")["filled"]) == (
        "closed",
        "5",
    )
    assert Decimal(step(told, "fills")[0]["fee"]) > 0


def test_the_price_between_two_ticks_is_refused_with_its_neighbours(told: Any) -> None:
    refusal = step(told, "off the grid")
    assert refusal["error"] == "InvalidPrice"
    bid = step(told, "rest")["price"]
    assert bid in refusal["nearest"]
    assert len(refusal["nearest"]) == 2


def test_the_stream_tells_the_order_the_fill_and_the_book(told: Any) -> None:
    streamed, read = step(told, "fill told"), step(told, "fills")[0]
    names = ("trade_id", "price", "size", "fee", "order_id")
    assert [streamed[x] for x in names] == [read[x] for x in names]
    assert step(told, "order told")["order_id"] == step(told, "rest")["order_id"]
    assert step(told, "order told")["status"] == "canceled"
    streamed, read = step(told, "book told"), step(told, "book read")
    assert (streamed["bids"], streamed["asks"]) == (read["bids"], read["asks"])


def test_a_stream_that_told_something_else_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def settle(seen: dict[str, Any], *, nets: bool) -> Ledger:
        book = seen["book told"]
        other = attrs.evolve(book, asks=book.asks[1:])
        return demo_settle(seen | {"book told": other}, nets=nets)

    demo_settle = demo.settle
    monkeypatch.setattr(demo, "settle", settle)
    done = invoke("demo", "--json")
    checks = done.document["ledger"]["checks"]
    assert (done.code, [x["label"] for x in checks if not x["holds"]]) == (
        1,
        ["the book, read = streamed"],
    )


def test_a_stream_that_told_nothing_is_shown_and_does_not_add_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trade = strategy.trade

    def deaf(*names: str, **account: Any) -> Iterator[tuple[str, object]]:
        for name, seen in trade(*names, **account):
            yield name, None if name.endswith("told") else seen

    monkeypatch.setattr(demo, "trade", deaf)
    done = invoke("demo")
    assert (done.code, done.out.count("nothing was told")) == (1, 3)
    assert done.out.count("✗") == 4


class Silent:
    """A stream without updates, or that ends its silence in vain."""

    def __init__(self, *items: object) -> None:
        self._items = list(items)

    def next(self, timeout: float) -> object:
        if not self._items:
            raise RequestTimeout(f"no update within {timeout} s")
        return self._items.pop(0)


def test_a_strategy_takes_what_came_last_where_it_waits_in_vain() -> None:
    assert strategy.told(Silent(), lambda _: True) is None
    assert strategy.told(Silent(1, 2), lambda number: number > 2) == 2
    assert strategy.told(Silent(1, 2, 3), lambda number: number > 1) == 2


def test_nothing_is_left_open(told: Any) -> None:
    assert len(step(told, "cancel all")["canceled"]) == 1
    assert step(told, "left open") == []


def test_the_ledger_reconciles_in_what_was_told(told: Any) -> None:
    before = Decimal(step(told, "cash before")["available"])
    after = Decimal(step(told, "cash after")["available"])
    held = step(told, "positions")
    cost = sum(Decimal(p["cost"]) for p in held)
    fees = sum(Decimal(p["fees_paid"]) for p in held)
    assert before == after + cost + fees
    assert told["ledger"]["reconciles"] is True


@pytest.mark.parametrize("venue", exchanges)
def test_the_same_seed_tells_the_same_but_for_ids_and_times(venue: str) -> None:
    again = ("demo", "--venue", venue, "--seed", "11")
    first, second = (plain(invoke(*again)) for _ in range(2))
    assert first == second


def test_another_seed_tells_another_story() -> None:
    first, second = (plain(invoke("demo", "--seed", seed)) for seed in ("11", "12"))
    assert first != second


def plain(done: Run) -> str:
    """Output without ids, times and the port."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>", done.out)
    text = re.sub(r"0x[0-9a-f]{64}", "<id>", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<time>", text)
    return re.sub(r"127\.0\.0\.1:\d+", "<port>", text)


def test_a_ledger_that_does_not_add_up_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def settle(seen: dict[str, Any], *, nets: bool) -> Ledger:
        return reconcile(
            nets=nets,
            before=seen["cash before"].available,
            after=seen["cash before"].available,
            fills=seen["fills"],
            positions=seen["positions"],
            open_orders=0,
        )

    monkeypatch.setattr(demo, "settle", settle)
    done = invoke("demo")
    assert done.code == 1
    assert done.out.endswith("✗ It does not add up.\n")


def test_a_venue_that_is_not_there_is_a_bad_request() -> None:
    assert invoke("demo", "--venue", "nothing").code == 2


def test_the_strategy_is_thirty_lines_at_most() -> None:
    for function in ast.parse(inspect.getsource(strategy)).body:
        if isinstance(function, ast.FunctionDef):
            assert function.end_lineno is not None
            assert function.end_lineno - function.lineno + 1 <= 32


@pytest.mark.parametrize("venue", exchanges)
def test_the_strategy_names_no_venue(venue: str) -> None:
    assert venue not in inspect.getsource(strategy).lower()
