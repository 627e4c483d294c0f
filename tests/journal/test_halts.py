"""Halts in the journal: kept for an account, heeded by what begins, lifted on purpose."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from unified_exchanges.errors import Halted, JournalError
from unified_exchanges.journal import MemoryJournal
from unified_exchanges.journal.sqlite import SqliteJournal
from unified_exchanges.models import Halt, IntentState

from .samples import ACCOUNT, ended, intent

HALT = Halt(reason="fat finger", at=datetime(2026, 11, 20, 12, 0, 0, 250, UTC))
OTHER = attrs.evolve(ACCOUNT, fingerprint="other")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.db"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    made = SqliteJournal(str(path))
    yield made
    made.close()


def test_a_halt_outlives_the_object(journal: SqliteJournal, path: Path) -> None:
    assert journal.halt_of(ACCOUNT) is None
    journal.keep_halt(ACCOUNT, HALT)
    again = SqliteJournal(str(path))
    assert again.halt_of(ACCOUNT) == HALT
    assert again.halt_of(OTHER) is None
    again.close()


def test_the_first_reason_is_kept(journal: SqliteJournal) -> None:
    journal.keep_halt(ACCOUNT, HALT)
    journal.keep_halt(ACCOUNT, attrs.evolve(HALT, reason="later"))
    assert journal.halt_of(ACCOUNT) == HALT


def test_fault_24_nothing_begins_while_its_account_is_halted(
    journal: SqliteJournal,
) -> None:
    journal.keep_halt(ACCOUNT, HALT)
    with pytest.raises(Halted, match="fat finger"):
        journal.note([intent()])
    assert journal.recall(ACCOUNT) == ()
    journal.note([intent(account=OTHER)])
    assert len(journal.recall(OTHER)) == 1
    journal.keep_halt(ACCOUNT, None)
    journal.note([intent()])
    assert len(journal.recall(ACCOUNT)) == 1


def test_what_had_begun_ends_while_its_account_is_halted(
    journal: SqliteJournal,
) -> None:
    written = intent()
    journal.note([written])
    journal.keep_halt(ACCOUNT, HALT)
    journal.note([ended(written, IntentState.PLACED)])
    assert journal.recall(ACCOUNT) == ()


def test_a_halt_that_cannot_be_read_is_a_typed_error(
    journal: SqliteJournal, path: Path
) -> None:
    journal.keep_halt(ACCOUNT, HALT)
    with sqlite3.connect(path) as other:
        other.execute("UPDATE halts SET halted_at = 'yesterday'")
    other.close()
    with pytest.raises(JournalError, match="yesterday"):
        journal.note([intent()])


def test_memory_keeps_no_halt() -> None:
    journal = MemoryJournal()
    journal.keep_halt(ACCOUNT, HALT)
    assert journal.halt_of(ACCOUNT) is None
