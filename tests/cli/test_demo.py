"""The demo: one story, the same for the same seed, whose money adds up."""

from __future__ import annotations

import ast
import inspect
import re
from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.cli import demo, strategy
from unified_exchanges.cli.ledger import Ledger, reconcile

from .conftest import Run, invoke


@pytest.fixture(scope="module")
def told() -> Any:
    """What the demo tells a program."""
    done = invoke("demo", "--json")
    assert (done.code, done.err) == (0, "")
    return done.document


def step(told: Any, name: str) -> Any:
    return next(each["result"] for each in told["steps"] if each["step"] == name)


def test_the_demo_tells_its_story_and_ends_well() -> None:
    done = invoke("demo", env={"COLUMNS": "80"})
    assert (done.code, done.err) == (0, "")
    titles = re.findall(r"^ ?(\d+) (.+)$", done.out, re.MULTILINE)
    assert [int(number) for number, _ in titles] == list(range(1, 18))
    assert done.out.endswith("✓ It adds up, to the last digit.\n")


def test_the_demo_fits_eighty_columns() -> None:
    lines = invoke("demo", env={"COLUMNS": "80"}).out.splitlines()
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


def test_the_same_seed_tells_the_same_but_for_ids_and_times() -> None:
    first, second = (plain(invoke("demo", "--seed", "11")) for _ in range(2))
    assert first == second


def test_another_seed_tells_another_story() -> None:
    first, second = (plain(invoke("demo", "--seed", seed)) for seed in ("11", "12"))
    assert first != second


def plain(done: Run) -> str:
    """Output without ids, times and the port."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>", done.out)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<time>", text)
    return re.sub(r"127\.0\.0\.1:\d+", "<port>", text)


def test_a_ledger_that_does_not_add_up_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def settle(seen: dict[str, Any]) -> Ledger:
        return reconcile(
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
    function = ast.parse(inspect.getsource(strategy.trade)).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert function.end_lineno is not None
    assert function.end_lineno - function.lineno + 1 <= 30


def test_the_strategy_names_no_venue() -> None:
    assert "kalshi" not in inspect.getsource(strategy)
