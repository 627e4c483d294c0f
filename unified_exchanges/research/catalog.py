"""Which recordings the tables below a folder are of, and how they get there whole.

Each table has a folder for each recording, ``recording=001-day.jsonl``: a number, which is
the place of the recording among them, and its name.  That in ``manifests`` is the last to
come and the first to go: with it the recording is, and what has none is half of one.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote, unquote

import attrs

from ..errors import BadRequest
from ..recording import DamagedRecording
from .staging import STAGE, check_free, is_busy, is_left, staged

__all__ = ["MANIFESTS", "SEVERAL", "Recorded", "placing", "recorded_in"]

_log = logging.getLogger(__name__)

_PREFIX: Final = "recording="
MANIFESTS: Final = "manifests"

SEVERAL: Final = "*"
"""The market of what concerns several, or all; arrow reads no folder of only nulls."""


@attrs.frozen(order=True)
class Recorded:
    """A recording of which there are tables.

    >>> Recorded(7, "day 1.jsonl").folder
    'recording=007-day%201.jsonl'
    >>> Recorded.of("recording=007-day%201.jsonl").name
    'day 1.jsonl'
    """

    number: int
    name: str

    @classmethod
    def of(cls, folder: str) -> Self:
        """The one whose folder is called so; raises ValueError where none is."""
        number, _, name = folder.removeprefix(_PREFIX).partition("-")
        found = cls(int(number), unquote(name))
        if found.folder != folder:
            raise ValueError(folder)
        return found

    @property
    def folder(self) -> str:
        """How its folder in each table is called."""
        return f"{_PREFIX}{self.number:03}-{quote(self.name, safe='')}"


def recorded_in(path: Path) -> list[Recorded]:
    """The recordings of tables, in the order in which they were given to `convert`.

    Raises `BadRequest` where there are no tables, and `DamagedRecording` where folders are
    there that `convert` did not make, or not all of those that it makes.
    """
    found = _recorded(path, MANIFESTS)
    halves = [] if is_busy(path) else _halves(path, found)
    if not found:
        for above in path.absolute().parents:
            if _recorded(above, MANIFESTS):
                raise BadRequest(
                    f"{path} is only a part of the tables: give the folder above, {above}"
                )
        if is_left(path):
            raise BadRequest(
                f"{path} has only what a `convert` that was killed left: convert the "
                f"recordings again, with --add, or delete {path / STAGE}"
            )
        if halves or any(path.glob("*/venue=*")):
            raise BadRequest(
                f"the tables in {path} are of an earlier version, or of a `convert` that was "
                "killed: convert the recordings again, to a new folder"
            )
        raise BadRequest(
            f"{path} has no tables of books or trades: `convert` makes them"
        )
    if halves:
        raise DamagedRecording(
            f"{path} has only a part of the tables of {halves[0].name}, as `convert` was "
            f"killed or {path / MANIFESTS / halves[0].folder} deleted: convert it again, with "
            "--add, or delete its folders in all tables"
        )
    return found


def _recorded(path: Path, table: str) -> list[Recorded]:
    return sorted({_at(folder) for folder in path.glob(f"{table}/{_PREFIX}*")})


def _at(folder: Path) -> Recorded:
    try:
        return Recorded.of(folder.name)
    except ValueError as error:
        raise DamagedRecording(
            f"{folder} is not one that `convert` made, whose folders are called as "
            f"{Recorded(1, 'day.jsonl').folder}: give it back its name, or move it out of "
            "the tables"
        ) from error


def _halves(path: Path, whole: list[Recorded]) -> list[Recorded]:
    """Those of which there are tables, and not all."""
    return [each for each in _recorded(path, "*") if each not in whole]


@contextmanager
def placing(
    path: Path, names: Iterable[str], *, add: bool
) -> Generator[tuple[Path, list[Recorded]], None, None]:
    """Give a folder to write tables of these recordings to, and what they will be there.

    When all is written they come below ``path``; if anything is raised, nothing does.
    Raises `BadRequest` where they cannot come there.
    """
    _check(path, add=add)
    is_new = not path.exists()
    path.mkdir(parents=True, exist_ok=True)
    try:
        with staged(path) as stage:
            yield from _placing(path, stage, list(names))
    finally:
        if is_new:
            _sweep(path)


def _placing(
    path: Path, stage: Path, names: list[str]
) -> Generator[tuple[Path, list[Recorded]], None, None]:
    placed: list[Path] = []
    try:
        _clear(path)
        found = _numbered(path, names)
        yield stage, found
        for each in found:
            _place(stage, path, each.folder, placed)
    except BaseException:
        # First what makes it one.
        for folder in reversed(placed):
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _clear(path: Path) -> None:
    """Take out what a `convert` that was killed left of a recording."""
    for each in _halves(path, _recorded(path, MANIFESTS)):
        _log.warning(
            "%s has only a part of the tables of %s: taken out", path, each.name
        )
        for folder in path.glob(f"*/{each.folder}"):
            shutil.rmtree(folder)


def _sweep(path: Path) -> None:
    """Leave no folders in which nothing is."""
    for folder in (*path.iterdir(), path):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _check(path: Path, *, add: bool) -> None:
    if path.is_file():
        raise BadRequest(f"{path} is a file: tables are written below a folder")
    if not path.exists():
        return
    check_free(path)
    was_killed = is_left(path)
    if all(was_killed and _is_nothing(x) for x in path.iterdir()):
        return
    if not add:
        raise BadRequest(
            f"{path} is not empty, and is not written over: name another folder, or add "
            "to the tables that are there, with `--add` or `add=True`"
        )
    has_halves = was_killed and _halves(path, [])
    if not has_halves and not _recorded(path, MANIFESTS):
        recorded_in(path)  # says what there is instead


def _is_nothing(left: Path) -> bool:
    """Whether it is of no table that a `convert` which was killed left it."""
    return left.name == STAGE or (left.is_dir() and not any(left.iterdir()))


def _numbered(path: Path, names: list[str]) -> list[Recorded]:
    """What comes after those that are there, each with a name of its own."""
    there = _recorded(path, "*")
    taken = {each.name: f"in {path} already" for each in there}
    first = max((each.number for each in there), default=0) + 1
    for name in names:
        if name in taken:
            raise BadRequest(
                f"a recording {name} is {taken[name]}, and tables tell recordings apart by "
                "their names: rename one"
            )
        taken[name] = "given twice"
    return [Recorded(number, name) for number, name in enumerate(names, first)]


def _place(stage: Path, path: Path, folder: str, placed: list[Path]) -> None:
    tables = sorted(x.parent.name for x in stage.glob(f"*/{folder}"))
    for table in (*(x for x in tables if x != MANIFESTS), MANIFESTS):
        to = path / table / folder
        to.parent.mkdir(exist_ok=True)
        placed.append(to)
        (stage / table / folder).rename(to)
