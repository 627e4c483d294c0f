"""Where exits are written down, so that a restart knows what may be on its way."""

from __future__ import annotations

import json
import os
from os import PathLike
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from ..errors import BadRequest, UnifiedExchangesError
from .exits import ExitRecord

__all__ = ["ExitStore", "FileExits", "MemoryExits"]


class ExitStore(Protocol):
    """Keeps one record for each name; what was saved must outlive the process.

    Both are called where the exit runs, and may take the time of a write to disk.
    """

    def load(self, name: str) -> ExitRecord | None:
        """The record of an exit; None if there was never one."""
        ...

    def save(self, record: ExitRecord) -> None:
        """Write a record down; when this returns, it is there after a crash."""
        ...


class MemoryExits:
    """Exits that end with the process: for dry runs and tests."""

    def __init__(self) -> None:
        self._records: dict[str, ExitRecord] = {}

    def load(self, name: str) -> ExitRecord | None:
        """The record of an exit; None if there was never one."""
        return self._records.get(name)

    def save(self, record: ExitRecord) -> None:
        """Keep a record."""
        self._records[record.plan.name] = record


class FileExits:
    """Exits in a folder, a file for each, which is replaced whole and synced to disk."""

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._folder = Path(folder)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def load(self, name: str) -> ExitRecord | None:
        """The record of an exit; None if there was never one.

        One that cannot be read raises `BadRequest`: nothing is known of its order then.
        """
        path = self._path(name)
        try:
            return ExitRecord.from_dict(json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, UnifiedExchangesError) as error:
            message = (
                f"the record of exit {name!r} in {path} cannot be read ({error!r}): look "
                "at the account's orders before removing it"
            )
            raise BadRequest(message) from error

    def save(self, record: ExitRecord) -> None:
        """Write a record down; when this returns, it is there after a crash."""
        path = self._path(record.plan.name)
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(record.to_dict(), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        self._sync()

    def _path(self, name: str) -> Path:
        return self._folder / f"{quote(name, safe='')}.json"

    def _sync(self) -> None:
        """Make the new name of a file outlive a crash, where folders can be synced."""
        if os.name != "posix":  # pragma: no cover - Windows syncs names by itself
            return
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
