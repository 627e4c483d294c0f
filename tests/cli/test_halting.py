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
    journal = kept(tmp_path)
    assert cli("halt", "fat finger", *journal).code == 0
    lifted = cli("resume", "looked", *journal)
    assert (lifted.code, "(fat finger)" in lifted.out) == (0, True)
    again = cli("resume", "looked", *journal)
    assert (again.code, again.out) == (0, "nothing was halted\n")


def test_resume_needs_a_journal(cli: Command) -> None:
    assert cli("resume", "looked").code == 2


def test_fault_24_resume_refuses_a_journal_that_is_not_there(
    cli: Command, tmp_path: Path
) -> None:
    done = cli("resume", "looked", "--journal", str(tmp_path / "typo.db"))
    assert done.code == 2
    assert "does not exist" in " ".join(done.err.split())
    assert list(tmp_path.iterdir()) == []


def test_fault_24_a_halt_says_that_it_made_its_journal_and_cancels(
    cli: Command, market: str, tmp_path: Path
) -> None:
    cli("order", market, "yes", "buy", "0.01", "5")
    typo = ("--journal", str(tmp_path / "typo.db"))
    done = cli("halt", "fat finger", *typo, "--json")
    assert done.code == 8
    assert "NO JOURNAL WAS AT" in done.err
    told = done.document
    assert (len(told["canceled"]), told["is_complete"]) == (1, True)
    assert told["is_journal_new"] is True
    again = cli("halt", "fat finger", *typo, "--json")
    assert (again.code, again.document["is_journal_new"]) == (0, False)
    assert "NO JOURNAL" not in again.err


def test_a_journal_that_cannot_be_made_is_not_told_as_new(
    cli: Command, tmp_path: Path
) -> None:
    nowhere = ("--journal", str(tmp_path / "no" / "orders.db"))
    done = cli("halt", "fat finger", *nowhere)
    assert (done.code, "NO JOURNAL" in done.err) == (8, False)


def test_fault_24_an_order_heeds_the_halt_of_a_journal(
    cli: Command, market: str, tmp_path: Path
) -> None:
    terms = ("order", market, "yes", "buy", "0.01", "5")
    journal = kept(tmp_path)
    cli("halt", "fat finger", *journal)
    refused = cli(*terms, *journal)
    assert refused.code == 1
    assert "(fat finger)" in " ".join(refused.err.split())
    assert cli("orders").err == "no open orders\n"
    cli("resume", "looked", *journal)
    assert cli(*terms, *journal, "--json").document["status"] == "open"


def test_an_order_refuses_a_journal_that_is_not_there(
    cli: Command, market: str, tmp_path: Path
) -> None:
    typo = ("--journal", str(tmp_path / "typo.db"))
    assert cli("order", market, "yes", "buy", "0.01", "5", *typo).code == 2
    assert cli("orders").err == "no open orders\n"


def kept(folder: Path) -> tuple[str, str]:
    """The option for a journal that is there: an empty file becomes one."""
    path = folder / "orders.db"
    path.touch()
    return "--journal", str(path)
