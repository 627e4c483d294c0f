"""What a recording tells by its shortcut is what it tells line by line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from unified_exchanges.backtesting import backtest, recorded
from unified_exchanges.models import Gap, Order, Ticker
from unified_exchanges.recording import (
    Body,
    Closed,
    DamagedRecording,
    End,
    Frame,
    read,
)
from unified_exchanges.recording.decoder import decode
from unified_exchanges.recording.format import encode
from unified_exchanges.venues.kalshi.decoder import DECODER

from ...backtesting.test_sources import Watching, kalshi_contract
from ...research.test_conversion import DELTA, HEAD, SNAPSHOT, journal

TRADE: Final = (
    '{"type":"trade","sid":2,"seq":%d,"msg":{"trade_id":"%s","market_ticker":"M",'
    '"yes_price_dollars":"0.40","no_price_dollars":"0.60","count_fp":"1.00",'
    '"taker_side":"yes","ts_ms":1795930000000}}'
)


class Shown:
    """A clock of the line at hand."""

    moment = 0

    def now(self) -> float:
        return self.moment / 10**9

    monotonic = now


def line_by_line(path: Path) -> Iterator[tuple[int, object]]:
    """The events, each line read whole and then told."""
    clock = Shown()
    decoder = DECODER(clock)
    for line in read(path):
        clock.moment = max(clock.moment, getattr(line, "at", 0))
        for event in decode(decoder, line):
            if not isinstance(event, Ticker | Order):
                yield clock.moment, event


changes = st.tuples(
    st.sampled_from(["next"] * 20 + ["again", "skip"]),
    st.sampled_from(
        ["0.40", "0.4000", "0.39", "0.41", "0.60", "0.61", "1.00", "x", ""]
    ),
    st.sampled_from(["1.00", "-1.00", "10", "-10.00", "0.005", "-3.00", "0", "y"]),
    st.sampled_from(["yes"] * 8 + ["no"] * 4 + ["maybe"]),
    st.sampled_from(["M"] * 5 + ["N"]),
    st.sampled_from(
        ["json"] * 8
        + ["text", "base64", "out", "other", "back", "snapshot", "spoilt", "closed"]
    ),
)


def told(path: Path, drawn: list[tuple[str, ...]]) -> Path:
    """A recording of one subscription, with all that may befall it."""
    path = journal(path, SNAPSHOT % 1)
    *lines, _ = path.read_bytes().splitlines(keepends=True)
    at, seq = HEAD.at + 2, 1
    for step, price, by, side, market, form in drawn:
        seq += {"next": 1, "again": 0, "skip": 2}[step]
        at += -5 if form == "back" else 1_000
        text = DELTA % (seq, by)
        text = text.replace('"0.40"', f'"{price}"').replace('"yes"', f'"{side}"')
        text = text.replace('"M"', f'"{market}"')
        if form == "snapshot":
            text = SNAPSHOT % seq
        elif form == "other":
            text = TRADE % (seq, at)
        elif form == "spoilt":
            text = text.replace('"delta_fp"', '"no_such"')
        body = Body.of(text)
        if form == "text":
            body = Body.of(text + "\n")
        elif form == "base64":
            body = Body(json=body.json, base64="eyJ0eXBlIjoidGlja2VyIn0=")
        direction = "out" if form == "out" else "in"
        lines.append(
            encode(Closed(at, at - HEAD.at, 1, "gone"))
            if form == "closed"
            else encode(Frame(at, at - HEAD.at, 1, direction, body))  # type: ignore[arg-type]
        )
    path.write_bytes(b"".join(lines))
    return path


USUAL: Final = ("next", "0.40", "1.00", "yes", "M", "json")


@example([USUAL, (*USUAL[:-1], "out"), USUAL])
@example([USUAL, (*USUAL[:-1], "base64"), USUAL])
@example([USUAL, (*USUAL[:-1], "back"), USUAL])
@settings(max_examples=150, deadline=None)
@given(st.lists(changes, max_size=40))
def test_a_shortcut_tells_what_the_lines_tell(drawn: list[tuple[str, ...]]) -> None:
    with TemporaryDirectory() as folder:
        path = told(Path(folder) / "r", drawn)
        assert [*map(repr, line_by_line(path))] == [*map(repr, recorded(path))]


def test_changes_of_a_book_go_by_the_shortcut(tmp_path: Path) -> None:
    path = journal(tmp_path / "r", SNAPSHOT % 1, DELTA % (2, "1.00"))
    _, _, snapshot, line, _ = path.read_bytes().splitlines(keepends=True)
    decoder = DECODER(Shown())
    assert decoder.shortcut(line) is None
    assert decoder.shortcut(snapshot) is None
    for told in [*read(path)][:3]:
        list(decode(decoder, told))
    found = decoder.shortcut(line)
    assert found is not None
    assert [book.sequence for book in found[2]] == [2]
    # Told once more it is no next one, and was not heard.
    assert decoder.shortcut(line) is None
    assert decoder.last(1, 1) == 2


def test_a_line_that_cannot_be_read_is_told_by_its_number(tmp_path: Path) -> None:
    path = journal(tmp_path / "r", SNAPSHOT % 1, DELTA % (2, "1.00"), DELTA % (3, "1"))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"seq":3,', b'"seq":3'))
    with pytest.raises(DamagedRecording, match="line 5 cannot be read"):
        list(recorded(path))
    path.write_bytes(whole.replace(b'"mono":3,', b'"mono":"3",'))
    with pytest.raises(DamagedRecording, match=r"line 5 cannot be read.*mono"):
        list(recorded(path))


def test_a_change_that_was_not_written_whole_is_left_out(tmp_path: Path) -> None:
    path = journal(tmp_path / "r", SNAPSHOT % 1, DELTA % (2, "1.00"), DELTA % (3, "1"))
    lines = path.read_bytes().splitlines(keepends=True)
    # Not even its end of line: more of it may have been missing.
    path.write_bytes(b"".join(lines[:5])[:-1])
    books = [event for _, event in recorded(path)]
    assert [getattr(book, "sequence", None) for book in books] == [1, 2]


def test_a_line_without_its_kind_is_none_of_those(tmp_path: Path) -> None:
    path = journal(tmp_path / "r", SNAPSHOT % 1, DELTA % (2, "1.00"))
    path.write_bytes(
        path.read_bytes().replace(
            b'"type":"orderbook_delta",', b'"was":"orderbook_delta",'
        )
    )
    _, gap = [event for _, event in recorded(path)][:2]
    assert isinstance(gap, Gap)


def test_a_report_does_not_depend_on_the_shortcut(tmp_path: Path) -> None:
    by = ["1.00", "-2.00", "-9.00", "4.00"]
    deltas = [DELTA % (n + 2, by[n % 4]) for n in range(40)]
    path = journal(tmp_path / "r", SNAPSHOT % 1, *deltas)
    with path.open("ab") as file:
        file.write(encode(End(HEAD.at + 10**9, 10**9, lines=42, withheld=0)))
    reports = []
    for data in (path, list(line_by_line(path))):
        watching = Watching()
        report = backtest(watching, data, contracts=[kalshi_contract("M")])  # type: ignore[arg-type]
        assert report.fills
        # What it was told from is told by its name, where it has one.
        sources = tuple(
            attrs.evolve(x, name=None, polled=None) for x in report.assumptions.data
        )
        taken = attrs.evolve(report.assumptions, data=sources)
        reports.append(attrs.evolve(report, assumptions=taken).to_json())
    assert reports[0] == reports[1]
