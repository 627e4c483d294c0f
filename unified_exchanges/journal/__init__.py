"""Where intents are kept: written down before an order leaves, and until it is known.

A journal performs the steps `Note` and `Recall` of flows, and `KeepHalt` and `AskHalt`.
What it is to note it keeps durably before it returns, or raises `JournalError`: then
nothing is sent.  Rules that hold whatever keeps it:

- an intent is known by its account and its client order id, so there is one for each;
- a pending one takes the place of an older one, but for one that is an order already;
- that it is an order holds for good, whoever says so;
- any other end is that of the very writing it speaks of: not of a later one with the same
  id, and not of one that has ended;
- while an account is halted, none of its intents begins: that is `Halted`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from os import PathLike, fspath
from typing import Protocol, TypeAlias

from ..errors import BadRequest
from ..models import Account, Halt, Intent
from .memory import MemoryJournal

__all__ = ["Journal", "JournalPath", "MemoryJournal", "journal_at"]

JournalPath: TypeAlias = "str | PathLike[str]"
"""The path of a journal's file."""


class Journal(Protocol):
    """What a driver needs of a journal; usable from several threads at once."""

    @property
    def is_blocking(self) -> bool:
        """Whether its methods wait for a disk, so that an event loop must not call them."""
        ...

    def note(self, entries: Sequence[Intent]) -> None:
        """Keep these, all or none, before returning.

        Raises `JournalError`, and `Halted` for what is pending of a halted account.
        """

    def recall(self, account: Account) -> tuple[Intent, ...]:
        """The unresolved intents of an account, oldest first; raises `JournalError`."""
        ...

    def keep_halt(self, account: Account, halt: Halt | None) -> None:
        """Keep that an account is halted, the first reason; with None, that it is not."""

    def halt_of(self, account: Account) -> Halt | None:
        """Why an account is halted; raises `JournalError`."""
        ...

    def compact(self, before: datetime) -> int:
        """Forget the resolved ones that were written before then; how many they were."""
        ...

    def close(self) -> None:
        """Release the file; closing twice is allowed."""


def journal_at(path: JournalPath | None) -> Journal:
    """The journal in a file, made when it is first needed; in memory without a path."""
    if path is None:
        return MemoryJournal()
    name: object = fspath(path) if isinstance(path, PathLike) else path
    if not isinstance(name, str) or not name.strip() or name.startswith(":"):
        message = f"journal must be the path of a file, not {name!r}"
        raise BadRequest(message)
    from .sqlite import SqliteJournal  # noqa: PLC0415 - loads sqlite3

    return SqliteJournal(name)
