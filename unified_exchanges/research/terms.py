"""What a recording told of its markets and of what they charge, kept beside its tables.

It is a small recording, of what a backtest asks of each market: `exchange("replay")` reads it.
It has an end if the recording has one.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ..errors import NotRecorded, UnifiedExchangesError
from ..flow import Request, Response
from ..recording import End, Header, Rest
from ..recording.format import Dated, encode
from ..recording.line_clock import later
from ..replay_exchange import arguments, kind_of, opened
from ..replaying import ReplayTransport, Source
from ..strategies import contract_of
from .catalog import Recorded, recorded_in
from .manifest import TERMS, check_bytes, check_there, manifest_of

__all__ = ["Terms", "all_terms"]

_NAME: Final = "terms.jsonl"
_OK: Final = 200


def _terms_of(path: Path, recorded: Recorded) -> Path:
    """Where what was told of the markets of a recording is, below the folder of tables."""
    return path / TERMS / recorded.folder / _NAME


def all_terms(path: Path) -> list[Path]:
    """Those of all recordings of which there are tables.

    Raises `BadRequest` without any, and `DamagedRecording` where one is not as `convert`
    wrote it.
    """
    return [_terms(path, recorded) for recorded in recorded_in(path)]


def _terms(path: Path, recorded: Recorded) -> Path:
    manifest = manifest_of(path, recorded)
    check_there(path, recorded, manifest, TERMS)
    file = _terms_of(path, recorded)
    check_bytes(file, recorded.folder, manifest.files[TERMS][_NAME])
    return file


class Terms:
    """Collects them while a recording is read, on the disk."""

    def __init__(self, path: Path, recorded: Recorded, head: Header) -> None:
        self._path = _terms_of(path, recorded)
        self._path.parent.mkdir(parents=True)
        self._heard = self._path.with_suffix(".heard")
        self._file = self._heard.open("wb")
        self._head = head
        self._end: End | None = None
        self._file.write(encode(head))

    def note(self, line: Dated, offset: int) -> None:
        """Take note of a line; its clock stands behind by so much."""
        if isinstance(line, End):
            self._end = line
        elif isinstance(line, Rest) and (line.method, line.status) == ("GET", _OK):
            # In the time of the whole: where a clock was set the part does not tell.
            self._file.write(encode(later(line, offset) if offset else line))

    def keep(self, markets: Iterable[str]) -> dict[str, int]:
        """Keep what a backtest of these markets asks for, as far as it was recorded.

        Gives the file, and how many lines are in it.
        """
        self._file.close()
        source = opened(self._heard, {})
        with _answered(source) as ex:
            for market_id in sorted(markets):
                # What is not there, whoever asks for it is told.
                with suppress(UnifiedExchangesError):
                    contract_of(ex, market_id)
        lines: list[Dated] = [self._head, *source.answers.played]
        if self._end is not None:
            at, mono = self._end.at, self._end.mono
            lines.append(End(at, mono, lines=len(lines), withheld=0))
        # Without a time, so that it is the same each time.
        self._path.write_bytes(gzip.compress(b"".join(map(encode, lines)), mtime=0))
        self._heard.unlink()
        return {_NAME: len(lines)}

    def close(self) -> None:
        """Close the file; that of a conversion which failed is deleted with all else."""
        self._file.close()


def _answered(source: Source) -> Any:
    kind = kind_of(source, "blocking")
    how: dict[str, None] = dict.fromkeys(("options", "stream", "limits", "alerts"))
    transport = _Transport(source.answers, source.clock)
    return kind(transport=transport, **arguments(source, how))


class _Transport(ReplayTransport):
    """Passes over what is not there: to look for what is nearest takes long."""

    def send(self, request: Request) -> Response:
        if not self.answers.has(request):
            raise NotRecorded("nobody asked for it")
        return super().send(request)
