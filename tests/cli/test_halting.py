"""Stopping everything from the command line."""

from __future__ import annotations

from pathlib import Path

from .conftest import Command


def test_halt_cancels_and_reports(cli: Command, market: str) -> None:
    placed = cli("order", market, "yes", "buy", "0.01", "5", "--json").document
    done = cli("halt", "fat finger")
    assert done.code == 0
    assert "(fat finger): 1 canceled, 0 filled meanwhile, 0 still open" in done.out
    assert cli("orders").err == "no open orders\n"
    assert placed["status"] == "open"


def test_halt_as_json_has_the_report(cli: Command, market: str) -> None:
    cli("order", market, "yes", "buy", "0.01", "5")
    told = cli("halt", "fat finger", "--json").document
    assert (told["reason"], told["is_complete"], told["positions"]) == (
        "fat finger",
        True,
        [],
    )
    assert [order["market_id"] for order in told["canceled"]] == [market]


def test_a_halt_that_is_not_complete_has_its_own_code(cli: Command) -> None:
    done = cli("halt", "why", "--deadline", "1", "--environment", "http://127.0.0.1:9")
    assert done.code == 8
    assert "NOT COMPLETE" in done.out


def test_a_halt_in_a_journal_is_lifted_once(cli: Command, tmp_path: Path) -> None:
    journal = ("--journal", str(tmp_path / "orders.db"))
    assert cli("halt", "fat finger", *journal).code == 0
    lifted = cli("resume", "looked", *journal)
    assert (lifted.code, "(fat finger)" in lifted.out) == (0, True)
    again = cli("resume", "looked", *journal)
    assert (again.code, again.out) == (0, "nothing was halted\n")


def test_resume_needs_a_journal(cli: Command) -> None:
    assert cli("resume", "looked").code == 2
