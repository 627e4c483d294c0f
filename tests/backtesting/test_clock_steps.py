"""A recording whose wall clock was set, by hand or by NTP, while it was made."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unified_exchanges.backtesting import backtest
from unified_exchanges.backtesting.sources import events_of
from unified_exchanges.models import OrderBook
from unified_exchanges.recording import Body, DamagedRecording, End, Frame, Opened, Rest
from unified_exchanges.recording.format import encode
from unified_exchanges.research import convert
from unified_exchanges.strategies import Desk, Strategy

from ..recording.sessions import VENUES
from ..research.test_conversion import ADDRESS, DELTA, HEAD, SNAPSHOT
from ..venues.polymarket.stream import desk as poly
from .test_tables import TOLD, Enduring, contract, kind_of, plain

SECOND = 10**9
MIDNIGHT = 1_795_996_800 * SECOND
ASKED = json.dumps({"assets_ids": [poly.YES, poly.NO]})


def recording(
    path: Path,
    told: Sequence[str],
    ats: Sequence[int],
    *,
    venue: str = "kalshi",
    every: int = SECOND,
) -> Path:
    """Messages of which each came as much later as the last, and when the wall said so.

    Before each there is a line that tells nothing, half as much earlier.
    """
    began, half = MIDNIGHT - 20 * SECOND, every // 2
    lines: list[Any] = [msgspec.structs.replace(HEAD, venue=venue, at=began)]
    lines.append(Opened(began, 0, 1, ADDRESS[venue]))
    lines.append(Frame(began, 0, 1, "out", Body.of(ASKED)))
    for n, (text, at) in enumerate(zip(told, ats, strict=True), 1):
        mono = n * every
        lines.append(
            Rest(
                at=at - half,
                mono=mono - half,
                began=at - half,
                elapsed=0,
                method="GET",
                host="http://a.test",
                path="/time",
                status=200,
            )
        )
        lines.append(Frame(at, mono, 1, "in", Body.of(text)))
    # Of the same moment, so that nothing is later than what was told.
    last = lines[-1]
    lines.append(End(last.at, last.mono, lines=len(lines), withheld=0))
    path.write_bytes(b"".join(map(encode, lines)))
    return path


def sequences(data: Path) -> list[int | None]:
    return [x.sequence for _, x in events_of(data) if isinstance(x, OrderBook)]


def over_midnight(path: Path) -> Path:
    """A minute's step back, a moment after midnight."""
    told = [SNAPSHOT % 1, *(DELTA % (n, "1.00") for n in range(2, 9))]
    ats = [MIDNIGHT + (n - 4) * SECOND for n in range(8)]
    return recording(path, told, ats[:6] + [at - 60 * SECOND for at in ats[6:]])


def test_tables_of_a_clock_that_was_set_back_over_midnight_keep_their_order(
    tmp_path: Path,
) -> None:
    path = over_midnight(tmp_path / "r.jsonl")
    convert(path, tmp_path / "tables")
    assert sequences(tmp_path / "tables") == sequences(path) == [*range(1, 9)]


@pytest.mark.parametrize("first", [SNAPSHOT % 5, DELTA % (5, "1.00")])
def test_tables_whose_days_are_not_in_the_order_of_their_lines_are_refused(
    tmp_path: Path, first: str
) -> None:
    told = [SNAPSHOT % 1, *(DELTA % (n, "1.00") for n in range(2, 5)), first]
    ats = [MIDNIGHT + (n - 4) * SECOND for n in range(5)]
    path = recording(tmp_path / "r.jsonl", told, ats)
    convert(path, tmp_path / "tables")
    [_, later] = sorted(tmp_path.glob("tables/books/*/*/*/day=*"))
    later.rename(later.with_name("day=2020-01-01"))
    with pytest.raises(DamagedRecording, match=r"convert the recording again"):
        list(events_of(tmp_path / "tables"))


class Ticking(Strategy):
    """Counts how often five seconds have passed."""

    def __init__(self) -> None:
        self.count = 0

    def on_start(self, desk: Desk) -> None:
        desk.timer("tick", timedelta(seconds=5))

    def on_timer(self, desk: Desk, name: str) -> None:
        self.count += 1
        desk.timer(name, timedelta(seconds=5))


@pytest.mark.parametrize("seconds", [0, -1, -2, -60, -86_400])
def test_timers_ring_as_often_where_the_clock_was_set_back(
    seconds: int, tmp_path: Path
) -> None:
    told = [SNAPSHOT % 1, *(DELTA % (n, "1.00") for n in range(2, 31))]
    ats = [MIDNIGHT + n * SECOND for n in range(30)]
    ats[10:] = [at + seconds * SECOND for at in ats[10:]]
    path = recording(tmp_path / "r.jsonl", told, ats)
    ticking = Ticking()
    report = backtest(ticking, path, contracts=[contract("kalshi")])
    assert ticking.count == 5
    words = f"was set back, by {-seconds:.1f} s until here"
    assert [words in x.text for x in report.notes] == [True] * (seconds < -1)
    convert(path, tmp_path / "tables")
    of_tables = backtest(Ticking(), tmp_path / "tables", contracts=[contract("kalshi")])
    assert of_tables.to_json() == report.to_json()


def test_a_clock_that_is_set_back_and_right_again_is_followed_again(
    tmp_path: Path,
) -> None:
    told = [SNAPSHOT % 1, *(DELTA % (n, "1.00") for n in range(2, 10))]
    ats = [MIDNIGHT + n * SECOND for n in range(9)]
    was = [*ats]
    ats[3:6] = [at - 60 * SECOND for at in ats[3:6]]
    path = recording(tmp_path / "r.jsonl", told, ats)
    assert [moment for moment, _ in events_of(path)] == was


def test_where_a_machine_slept_time_is_that_of_its_wall_clock(tmp_path: Path) -> None:
    told = [SNAPSHOT % 1, *(DELTA % (n, "1.00") for n in range(2, 10))]
    ats = [MIDNIGHT + n * SECOND + (n > 4) * 3_600 * SECOND for n in range(9)]
    path = recording(tmp_path / "r.jsonl", told, ats)
    assert [moment for moment, _ in events_of(path)] == ats


STEPS = st.one_of(
    st.just(0),
    st.integers(-2 * SECOND, 2 * SECOND),
    st.integers(-100 * SECOND, 100 * SECOND),
    st.sampled_from([-86_400 * SECOND, 3_600 * SECOND]),
)


@pytest.mark.parametrize("venue", VENUES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_however_a_clock_was_set_tables_give_the_report_of_the_recording_byte_by_byte(
    venue: str, data: st.DataObject
) -> None:
    told = TOLD[venue]
    steps = data.draw(st.lists(STEPS, min_size=len(told), max_size=len(told)))
    every = data.draw(st.sampled_from([SECOND // 10, 5 * SECOND]))
    ats, set_by = [], 0
    for n, step in enumerate(steps, 1):
        set_by += step
        ats.append(MIDNIGHT - 20 * SECOND + n * every + set_by)
    with TemporaryDirectory() as folder:
        path = recording(Path(folder) / "r.jsonl", told, ats, venue=venue, every=every)
        tables = Path(folder) / "tables"
        convert(path, tables)
        of_each = [
            [(moment, kind_of(event), plain(event)) for moment, event in events_of(x)]
            for x in (path, tables)
        ]
        assert of_each[1] == of_each[0]
        reports = [
            backtest(Enduring(), x, contracts=[contract(venue)]).to_json()
            for x in (path, tables)
        ]
        assert reports[1] == reports[0]
