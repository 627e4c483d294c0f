"""What the tables of a recording hold: so that rows which are gone are missed."""

from __future__ import annotations

import json
import stat
import zlib
from collections.abc import Container, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote

import attrs

from ..recording import DamagedRecording, Header
from ..recording.places import Place
from ..recording.polled import Unread
from .catalog import MANIFESTS, SEVERAL, Recorded, recorded_in

__all__ = [
    "AGAIN",
    "TERMS",
    "Manifest",
    "Written",
    "check_bytes",
    "check_there",
    "damaged",
    "is_of_machine",
    "manifest_of",
    "markets_in",
    "parts_of",
    "places_of",
    "write_manifest",
]

AGAIN: Final = (
    "delete the folders {} of all tables, and convert the recording again, with --add"
)
TERMS: Final = "terms"
"""What was told of the markets of a recording: always there, and no table."""
_NAME: Final = "manifest.json"
_CHUNK: Final = 1024 * 1024


@attrs.frozen
class Written:
    """What was written to a file: its rows, and the checksum of its bytes."""

    rows: int
    crc32: int


@attrs.frozen
class Manifest:
    """Where the recording was made, how far it goes, and what was written of it.

    ``until`` is the nanosecond of its last line, and ``is_ended`` says whether it was closed.
    ``missing`` are answers in it that could not be read, and ``spoilt`` counts the messages
    that could not for what was redacted in them, ``withheld`` the lines that are not in it.

    ``files`` has for each table the files by their place below the folder of the recording,
    ``venue=…/market=…/day=…/part-0.parquet``, and so for `TERMS`, which is no table.
    """

    venue: str
    environment: str
    until: int
    is_ended: bool
    missing: list[Unread]
    spoilt: int
    withheld: int
    files: dict[str, dict[str, Written]]

    @property
    def has_takes(self) -> bool:
        """Whether the account that was recorded took anything."""
        return any(x.rows for x in self.files.get("takes", {}).values())

    def markets(self, *tables: str) -> Iterator[str]:
        """The markets of which these tables tell, some repeatedly."""
        for table in tables:
            for file in self.files.get(table, ()):
                name = unquote(PurePosixPath(file).parts[1].removeprefix("market="))
                if name != SEVERAL:
                    yield name


def write_manifest(
    path: Path,
    recorded: Recorded,
    head: Header,
    rows: Mapping[str, Mapping[str, int]],
    *,
    until: int,
    is_ended: bool,
    missing: list[Unread],
    spoilt: int,
    withheld: int,
) -> None:
    """Write that of a recording below the folder of tables, whose files are whole."""
    files = {
        table: {
            name: Written(count, _checksum_of(path / table / recorded.folder / name))
            for name, count in counts.items()
        }
        for table, counts in rows.items()
    }
    manifest = Manifest(
        head.venue,
        head.environment,
        until,
        is_ended,
        missing,
        spoilt,
        withheld,
        files,
    )
    file = path / MANIFESTS / recorded.folder / _NAME
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(attrs.asdict(manifest), indent=1), "utf-8")


def _checksum_of(path: Path) -> int:
    """The CRC-32 of a file; raises `OSError`."""
    found = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found = zlib.crc32(chunk, found)
    return found


def manifest_of(path: Path, recorded: Recorded) -> Manifest:
    """Read that of a recording; raises `DamagedRecording`, and `OSError` as `is_of_machine`."""
    file = path / MANIFESTS / recorded.folder / _NAME
    try:
        told = json.loads(file.read_bytes())
        files = {
            table: {name: Written(**written) for name, written in names.items()}
            for table, names in told.pop("files").items()
        }
        files[TERMS]  # of an earlier version, if there are none
        missing = [Unread(**each) for each in told.pop("missing")]
        return Manifest(**told, missing=missing, files=files)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        if isinstance(error, OSError) and is_of_machine(error):
            raise
        raise DamagedRecording(
            f"{file} cannot be read ({error}): {AGAIN.format(recorded.folder)}"
        ) from error


def parts_of(
    path: Path,
    recorded: Recorded,
    manifest: Manifest,
    table: str,
    folders: Container[str] | None = None,
) -> dict[Path, list[tuple[Path, Written]]]:
    """The files of a table by the folders of their markets, day after day, and their rows.

    With ``folders`` only those of markets whose folders are called so.  Raises
    `DamagedRecording` where they are not those that `convert` wrote.
    """
    top = path / table / recorded.folder
    wanted = {top / name: x for name, x in manifest.files.get(table, {}).items()}
    there = set(top.glob("venue=*/market=*/day=*/part-*.parquet"))
    if folders is not None:
        wanted = {x: y for x, y in wanted.items() if x.parts[-3] in folders}
        there = {x for x in there if x.parts[-3] in folders}
    for file in sorted(wanted.keys() ^ there):
        if file in wanted:
            if _is_there(file):
                continue  # its folder could not be listed: whoever opens it is told why
            raise _gone(file, recorded, wanted[file])
        raise DamagedRecording(
            f"{file} is not one that `convert` wrote there; {AGAIN.format(recorded.folder)}"
        )
    found: dict[Path, list[tuple[Path, Written]]] = {}
    for file in sorted(wanted, key=lambda x: (x.parent, _number(x))):
        found.setdefault(file.parents[1], []).append((file, wanted[file]))
    return found


def check_there(
    path: Path,
    recorded: Recorded,
    manifest: Manifest,
    table: str,
    folders: Container[str] | None = None,
) -> None:
    """Raise `DamagedRecording` where a file is gone of a table that is not read."""
    for name, written in manifest.files[table].items():
        market = PurePosixPath(name).parent.parent.name
        if folders is None or not market or market in folders:
            file = path / table / recorded.folder / name
            if not _is_there(file):
                raise _gone(file, recorded, written)


def check_bytes(file: Path, folder: str, written: Written) -> None:
    """Raise `DamagedRecording` where a file is not as it was written.

    It is one of the recording whose folder is called so.  Raises `OSError`.
    """
    if _checksum_of(file) != written.crc32:
        raise damaged(file, folder, "its checksum is another")


def is_of_machine(error: OSError) -> bool:
    """Whether a file may be as it was written, and only cannot be read now.

    Too many are open, who asks may not, or the disk fails: arrow says what is wrong with a
    file itself as an `OSError` as well, of no number.
    """
    return error.errno is not None and not isinstance(error, FileNotFoundError)


def damaged(file: Path, folder: str, why: str) -> DamagedRecording:
    """What is said of a file of the recording whose folder is called so."""
    return DamagedRecording(
        f"{file} is damaged ({why}): restore it from a copy, or {AGAIN.format(folder)}"
    )


def _gone(file: Path, recorded: Recorded, written: Written) -> DamagedRecording:
    return DamagedRecording(
        f"{file} is gone, in which there were {written.rows} rows; "
        f"{AGAIN.format(recorded.folder)}"
    )


def _is_there(file: Path) -> bool:
    """Whether it is a file; raises `OSError` where nobody can tell."""
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _number(part: Path) -> int:
    """Which of the files of a day it is."""
    return int(part.stem.removeprefix("part-"))


def markets_in(path: Path) -> list[str]:
    """The markets of which tables tell books or trades; raises as `recorded_in` does."""
    manifests = [manifest_of(path, recorded) for recorded in recorded_in(path)]
    return [x for each in manifests for x in each.markets("books", "trades")]


def places_of(path: Path) -> list[Place]:
    """Where the recordings were made of which tables are; raises as `recorded_in` does."""
    found = [(each.name, manifest_of(path, each)) for each in recorded_in(path)]
    return [(name, told.venue, told.environment) for name, told in found]
