"""Where intents are kept: written down before an order leaves, and until it is known.

A journal performs steps of flows.  What it is to keep it keeps durably before it returns,
or raises `JournalError`: then nothing is sent.  Texts that were saved have a name, such
as an exit's, and are none of its business.  Rules of intents that hold whatever keeps
them:

- an intent is known by its account and its client order id, so there is one for each;
- a pending one takes the place of an older one, but for one that is an order already, or
  may be one and has other terms: that stays as it is;
- that it is an order holds for good, whoever says so;
- any other end is that of the very writing it speaks of: not of a later one with the same
  id, and not of one that has ended;
- while an account is halted, none of its intents begins: that is `Halted`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from os import PathLike, fspath
from typing import Protocol, TypeAlias

from ..errors import BadRequest
from ..flow import (
    AskHalt,
    AskIntent,
    DayStart,
    JournalStep,
    Load,
    Note,
    Recall,
    Save,
)
from ..models import Account, Halt, Intent
from .memory import MemoryJournal

__all__ = ["Journal", "JournalPath", "MemoryJournal", "journal_at", "performed"]

JournalPath: TypeAlias = "str | PathLike[str]"
"""The path of a journal's file."""


class Journal(Protocol):
    """What a driver needs of a journal; usable from several threads at once."""

    @property
    def is_blocking(self) -> bool:
        """Whether its methods wait for a disk, so that an event loop must not call them."""
        ...

    def note(self, entries: Sequence[Intent]) -> tuple[Intent, ...]:
        """Keep these, all or none, before returning.

        Of those that begin, get what was known before where that is an order, or may be
        one: the first must not be sent, nor the other with other terms.  Raises
        `JournalError`, and `Halted` for what is pending of a halted account.
        """
        ...

    def recall(self, account: Account) -> tuple[Intent, ...]:
        """The unresolved intents of an account, oldest first; raises `JournalError`."""
        ...

    def find(self, account: Account, client_order_id: str) -> Intent | None:
        """What was written of an id last, None if nothing was; raises `JournalError`."""
        ...

    def keep_halt(self, account: Account, halt: Halt | None) -> None:
        """Keep that an account is halted, the first reason; with None, that it is not."""

    def halt_of(self, account: Account) -> Halt | None:
        """Why an account is halted; raises `JournalError`."""
        ...

    def save(
        self, account: Account, name: str, text: str, before: str | None
    ) -> str | None:
        """Keep a text before returning, if ``before`` is what stands; raises `JournalError`.

        None: nothing does.  What stands then, if it is another, is somebody else's.
        """
        ...

    def load(self, account: Account, name: str) -> str | None:
        """The text that was saved last under a name; raises `JournalError`."""
        ...

    def day_start(self, account: Account, day: date, equity: Decimal) -> Decimal:
        """The first equity of an account's day: this one, unless there is one already."""
        ...

    def compact(self, before: datetime) -> int:
        """Forget the resolved ones that were written before then; how many they were."""
        ...

    def close(self) -> None:
        """Release the file; closing twice is allowed."""


def performed(  # noqa: PLR0911 - one for each step
    journal: Journal, step: JournalStep
) -> tuple[Intent, ...] | Intent | Halt | Decimal | str | None:
    """What a step that is a journal's business brings."""
    if isinstance(step, Note):
        return journal.note(step.entries)
    if isinstance(step, Recall):
        return journal.recall(step.account)
    if isinstance(step, AskIntent):
        return journal.find(step.account, step.client_order_id)
    if isinstance(step, Load):
        return journal.load(step.account, step.name)
    if isinstance(step, AskHalt):
        return journal.halt_of(step.account)
    if isinstance(step, DayStart):
        return journal.day_start(step.account, step.day, step.equity)
    if isinstance(step, Save):
        return journal.save(step.account, step.name, step.text, step.before)
    journal.keep_halt(step.account, step.halt)
    return None


def journal_at(path: JournalPath | None) -> Journal:
    """The journal in a file, made when it is first needed; in memory without a path."""
    if path is None:
        return MemoryJournal()
    name: object = fspath(path) if isinstance(path, PathLike) else path
    if not isinstance(name, str) or not name.strip() or name.startswith(":"):
        message = f"journal must be the path of a file, not {name!r}"
        raise BadRequest(message)
    if name[:5].lower() == "file:":
        message = (
            f"journal must be the path of a file, not a URI such as {name!r}: give the path "
            "alone, or None for a journal in memory"
        )
        raise BadRequest(message)
    from .sqlite import SqliteJournal  # noqa: PLC0415 - loads sqlite3

    return SqliteJournal(name)
