"""What a recording tells by its shortcut is what it tells line by line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import attrs
import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from unified_exchanges.backtesting import backtest, recorded
from unified_exchanges.models import Gap, Order, OrderBook, Outcome, Ticker
from unified_exchanges.models.record import Record
from unified_exchanges.paper import FREE, Contract
from unified_exchanges.recording import (
    Body,
    Closed,
    DamagedRecording,
    End,
    Frame,
    Header,
    Opened,
    Rest,
    Withheld,
    read,
)
from unified_exchanges.recording.decoder import decode
from unified_exchanges.recording.format import encode
from unified_exchanges.recording.line_clock import LineClock
from unified_exchanges.streams.health import SAMPLE
from unified_exchanges.venues.polymarket.decoder import DECODER
from unified_exchanges.venues.polymarket.memory import Memory
from unified_exchanges.venues.polymarket.stream import (
    BookChange,
    BookSnapshot,
    MarketStream,
)

from ...backtesting.test_sources import Watching
from ...paper import scene
from . import desk as venue

START: Final = 1_795_930_000 * 10**9
MOMENT: Final = 1_795_930_000_000
MARKET, YES, NO = venue.condition(1), venue.token(1), venue.token(1, 1)
HEAD: Final = Header(
    format=1,
    venue="polymarket",
    environment="test",
    library="0",
    rest="http://poly.test",
    at=START,
    mono=0,
)
LISTED: Final = {
    "event_type": "new_market",
    "market": MARKET,
    "assets_ids": [YES, NO],
    "outcomes": ["Wet", "Dry"],
    "timestamp": str(MOMENT),
}


class Tape:
    """Writes a recording of a market whose both books are the same, mirrored."""

    def __init__(self, *tokens: str, is_listed: bool = False) -> None:
        self.lines = [encode(HEAD), encode(Opened(START, 0, 1, "ws://x/ws/market"))]
        self.at = START
        self.moment = MOMENT
        self.bids = {20: "5", 700: "7.5", 710: "3"}
        self.asks = {730: "4", 740: "9.25", 990: "1"}
        if is_listed:
            self.list_market()
        self.ask_for(*tokens)
        for token in tokens:
            self.tell(self.book(token))

    def write(self, path: Path) -> Path:
        path.write_bytes(b"".join(self.lines))
        return path

    def tell(self, told: object, form: str = "json") -> None:
        text = told if isinstance(told, str) else compact(told)
        self.at += -7_000 if form == "back" else 1_000
        body = Body.of(text)
        if form == "text":
            body = Body.of(text + "\n")
        elif form == "base64":
            body = Body(json=body.json, base64="UE9ORw==")
        elif form == "redacted":
            body = Body(json=body.json, redacted=True)
        direction: Any = "out" if form == "out" else "in"
        connection = 2 if form == "elsewhere" else 1
        self.lines.append(encode(Frame(self.at, 0, connection, direction, body)))

    def list_market(self) -> None:
        page = Body.of(json.dumps(venue.markets(venue.market(1))))
        rest = Rest(self.at, 0, START, 1, "GET", "x", "/markets/keyset", 200)
        self.lines.append(encode(msgspec.structs.replace(rest, body=page)))

    def ask_for(self, *tokens: str) -> None:
        self.tell({"assets_ids": tokens, "type": "market"}, "out")

    def book(self, token: str, **more: Any) -> dict[str, Any]:
        bids, asks = self.sides(token)
        return {
            "event_type": "book",
            "asset_id": token,
            "market": MARKET,
            "bids": [{"price": dollars(x), "size": s} for x, s in bids.items()],
            "asks": [{"price": dollars(x), "size": s} for x, s in asks.items()],
            "timestamp": str(self.moment),
            **more,
        }

    def sides(self, token: str) -> tuple[dict[int, str], dict[int, str]]:
        if token == NO:
            return (
                {1000 - x: s for x, s in self.asks.items()},
                {1000 - x: s for x, s in self.bids.items()},
            )
        return self.bids, self.asks

    def set(self, is_bid: bool, price: int, size: str) -> list[dict[str, Any]]:
        """Set a level; what is told of both tokens."""
        side = self.bids if is_bid else self.asks
        if size == "0":
            side.pop(price, None)
        else:
            side[price] = size
        return [
            self.row(YES, "BUY" if is_bid else "SELL", price, size),
            self.row(NO, "SELL" if is_bid else "BUY", 1000 - price, size),
        ]

    def row(self, token: str, side: str, price: int, size: str) -> dict[str, Any]:
        bids, asks = self.sides(token)
        return {
            "asset_id": token,
            "price": dollars(price),
            "size": size,
            "side": side,
            "hash": "h",
            "best_bid": dollars(max(bids)) if bids else "0",
            "best_ask": dollars(min(asks)) if asks else "1",
        }

    def changes(self, rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        return {
            "market": MARKET,
            "price_changes": rows,
            "timestamp": str(self.moment),
            "event_type": "price_change",
            **more,
        }


def compact(told: object) -> str:
    return json.dumps(told, separators=(",", ":"))


def dollars(thousandths: int) -> str:
    text = f"{thousandths / 1000:.3f}"
    return text.removesuffix("0")


# -- three ways to hear a recording ----------------------------------------------------

Facts = tuple[Any, ...]


def facts(event: object) -> Facts:
    """All that can be seen of an event."""
    if isinstance(event, Record):
        return type(event), event.to_dict(), event.raw_json
    return type(event), repr(event)


def line_by_line(path: Path) -> Iterator[tuple[int, list[Any]]]:
    """The events of each line, each read whole and then told."""
    clock = LineClock(0, 0)
    decoder = DECODER(clock)
    for line in read(path):
        clock.moment = max(clock.moment, getattr(line, "at", 0))
        yield clock.moment, list(decode(decoder, line))


def shortened(path: Path) -> Iterator[tuple[bool, list[Any]]]:
    """The events of each line, by the shortcut where it has one."""
    clock = LineClock(0, 0)
    decoder = DECODER(clock)
    with path.open("rb") as file:
        for text, line in zip(file, read(path), strict=True):
            clock.moment = max(clock.moment, getattr(line, "at", 0))
            found = decoder.shortcut(text)
            if found is None:
                yield False, list(decode(decoder, line))
            else:
                assert found[:2] == (
                    getattr(line, "at", None),
                    getattr(line, "mono", None),
                )
                yield True, list(found[2])


def live(path: Path) -> Iterator[Facts]:
    """Levels of the books that the stream has which reads them live."""
    stream = MarketStream(clock=LineClock(0, 0), names=Memory())
    list(stream.connection_made())
    for line in read(path):
        if isinstance(line, Withheld | Closed):
            list(stream.connection_lost("x"))
            if isinstance(line, Closed):
                return
            list(stream.connection_made())
        elif isinstance(line, Frame) and line.connection == 1:
            if line.direction == "out":
                try:
                    asked = json.loads(line.body.data)
                except ValueError:
                    # Pings and pongs ask for nothing.
                    continue
                stream.tap(asked.get("assets_ids", []) if type(asked) is dict else [])
                continue
            events = list(stream.receive(line.body.data))
            for event in events:
                if isinstance(event, BookChange | BookSnapshot):
                    book = stream.token_book(event.asset_id)
                    if book is not None and not book.stale:
                        yield book.bids, book.asks, book.timestamp


def check(path: Path) -> int:
    """Hear it in each way; how many lines went by the shortcut."""
    whole = []
    for moment, events in line_by_line(path):
        whole.append((moment, [facts(x) for x in events]))
    count = 0
    short = list(shortened(path))
    for (_, expected), (is_short, events) in zip(whole, short, strict=True):
        told = [x for x in expected if not (is_short and x[0] is Ticker)]
        assert told == [facts(x) for x in events]
        count += is_short
    # Only now is any of it read: what came later must not show.
    heard = [(moment, event) for moment, event in recorded(path)]
    assert [(moment, facts(event)) for moment, event in heard] == [
        (moment, x) for moment, some in whole for x in some if x[0] not in PASSED_OVER
    ]
    books = [x for _, x in heard if isinstance(x, OrderBook)]
    assert [(x.bids, x.asks, x.timestamp) for x in books] == [*live(path)]
    return count


PASSED_OVER: Final = (Ticker, Order)


# -- whatever may come -----------------------------------------------------------------

Steps = list[tuple[str, bool, int, str, str, str]]


def row(number: int, **fields: Any) -> Callable[[dict[str, Any]], None]:
    """Tells something else of a token; None leaves a field out."""

    def edit(told: dict[str, Any]) -> None:
        one = told["price_changes"][number]
        one |= fields
        for name in [x for x, value in fields.items() if value is None]:
            del one[name]

    return edit


def rows(
    some: Callable[[list[dict[str, Any]]], list[dict[str, Any]]],
) -> Callable[[dict[str, Any]], None]:
    return lambda told: told.update(price_changes=some(told["price_changes"]))


EDITS: Final[dict[str, Callable[[dict[str, Any]], None]]] = {
    "swapped": rows(lambda x: x[::-1]),
    "yes": rows(lambda x: x[:1]),
    "no": rows(lambda x: x[1:]),
    "double": rows(lambda x: [x[0], x[0] | {"hash": "i"}]),
    "three": rows(lambda x: [*x, x[0] | {"hash": "i"}]),
    "none": rows(lambda x: x[:0]),
    "stranger": row(0, asset_id="333"),
    "wrong bid": row(0, best_bid="0.5"),
    "wrong ask": row(0, best_ask="0.8"),
    "wrong other": row(1, best_ask="0.8"),
    "silent": row(0, best_ask=None),
    "empty": row(0, best_bid=""),
    "sideless": row(1, side="HOLD"),
    "spoilt": row(1, size=5),
    "number": lambda told: told.update(timestamp=int(told["timestamp"])),
    "seconds": lambda told: told.update(timestamp=told["timestamp"][:10]),
    "far": lambda told: told.update(timestamp="123456789012345"),
    "untyped": lambda told: told.update(event_type="price_changed"),
    "unnamed": lambda told: told.pop("market"),
}

OTHERS: Final[dict[str, Callable[[Tape, dict[str, Any]], object]]] = {
    "first": lambda _, told: {"event_type": "price_change", **told},
    "listed": lambda _, told: LISTED | {"timestamp": told["timestamp"]},
    "book": lambda tape, _: tape.book(YES),
    "other book": lambda tape, _: tape.book(NO),
    "gridded": lambda tape, _: tape.book(YES, tick_size="0.001"),
    "several": lambda tape, told: [tape.book(YES), told],
    "pong": lambda _, told: told and "PONG",
    "ticked": lambda _, told: {
        "event_type": "tick_size_change",
        "asset_id": NO,
        "market": MARKET,
        "new_tick_size": "0.01",
        "timestamp": told["timestamp"],
    },
    "trade": lambda _, told: quoted("last_trade_price", told),
    "quote": lambda _, told: quoted("best_bid_ask", told),
}


def quoted(kind: str, told: dict[str, Any]) -> dict[str, Any]:
    both = {"market": MARKET, "timestamp": told["timestamp"], "event_type": kind}
    return told["price_changes"][0] | both


def recording(tape: Tape, drawn: Steps) -> Tape:
    last: object = "PONG"
    for when, is_bid, price, size, kind, form in drawn:
        tape.moment += {"next": 3, "same": 0, "late": -4}[when]
        told: Any = tape.changes(tape.set(is_bid, price, size))
        if kind in EDITS:
            EDITS[kind](told)
        if kind in OTHERS:
            told = OTHERS[kind](tape, told)
        last, told = told, (last if kind == "again" else told)
        if kind == "withheld":
            tape.lines.append(encode(Withheld(tape.at, 0, "frame", "1", ["x"], 1)))
        elif kind == "closed":
            tape.lines.append(encode(Closed(tape.at, 0, 1, "gone")))
        elif kind == "answered":
            tape.list_market()
        elif kind == "asked":
            tape.ask_for(YES, NO)
        else:
            tape.tell(told, form)
    return tape


steps = st.tuples(
    st.sampled_from(["next"] * 12 + ["same"] * 4 + ["late"]),
    st.booleans(),
    st.sampled_from([20, 690, 700, 701, 705, 710, 720, 730, 735, 740, 990]),
    st.sampled_from(["0"] * 4 + ["5", "5.0", "8.25", "0.000001"] * 2 + ["1e3", "x"]),
    st.sampled_from(
        ["both"] * 24
        + [
            *EDITS,
            *OTHERS,
            "again",
            "book",
            "other book",
            "withheld",
            "closed",
            "answered",
            "asked",
        ]
    ),
    st.sampled_from(
        ["json"] * 16 + ["text", "base64", "redacted", "out", "back", "elsewhere"]
    ),
)

USUAL: Final = ("next", True, 710, "5", "both", "json")


def unusual(kind: str = "both", form: str = "json", when: str = "next") -> Steps:
    odd = (when, True, 710, "8", kind, form)
    return [USUAL, odd, USUAL, ("same", False, 730, "0", "both", "json"), USUAL]


@example((YES,), True, unusual("number"))
@example((YES, NO), True, unusual("wrong other"))
@example((YES, NO), True, unusual("double"))
@example((YES, NO), True, unusual("sideless"))
@example((YES,), True, unusual(when="same"))
@example((YES,), True, [USUAL, *unusual("again")])
@example((YES,), True, [USUAL, ("same", False, 740, "1", "both", "json"), USUAL] * 2)
@example((YES,), False, unusual("listed"))
@example((YES, NO), False, unusual("answered"))
@example((YES, NO), True, unusual("ticked"))
@example((YES, NO), True, unusual("gridded"))
@example((YES, NO), False, unusual(form="out"))
@example((YES, NO), False, unusual(form="base64"))
@example((YES, NO), False, unusual(form="back"))
@example((YES, NO), False, unusual(form="elsewhere"))
@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([(YES,), (NO,), (YES, NO), (NO, YES)]),
    st.booleans(),
    st.lists(steps, max_size=40),
)
def test_a_shortcut_tells_what_the_lines_tell(
    tokens: tuple[str, ...], is_listed: bool, drawn: Steps
) -> None:
    with TemporaryDirectory() as folder:
        tape = recording(Tape(*tokens, is_listed=is_listed), drawn)
        check(tape.write(Path(folder) / "r"))


# -- what goes by it -------------------------------------------------------------------


def heard(*told: object, tokens: tuple[str, ...] = (YES, NO)) -> Any:
    """Somebody who has heard these frames, after the books of these tokens."""
    decoder = DECODER(LineClock(0, 0))
    tape = Tape(*tokens)
    for each in told:
        tape.tell(each)
    for text in tape.lines[1:]:
        list(decode(decoder, decoded(text)))
    return decoder


def decoded(text: bytes) -> object:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "r"
        path.write_bytes(encode(HEAD) + text)
        return [*read(path)][1]


@pytest.mark.parametrize("tokens", [(YES,), (NO,), (YES, NO)])
@pytest.mark.parametrize("is_listed", [False, True])
def test_levels_of_both_tokens_go_by_the_shortcut(
    tmp_path: Path, tokens: tuple[str, ...], is_listed: bool
) -> None:
    tape = Tape(*tokens, is_listed=is_listed)
    # Up and down, a best level that goes, one of no size, both sides, in one moment.
    for is_bid, price, size in [
        (True, 700, "9"),
        (True, 720, "1"),
        (True, 720, "0"),
        (True, 650, "0"),
        (False, 735, "2"),
        (False, 725, "2.5"),
        (False, 725, "0"),
        (False, 725, "2.5"),
    ]:
        tape.moment += 3
        tape.tell(tape.changes(tape.set(is_bid, price, size)))
    first = {"event_type": "price_change"}
    tape.tell(first | tape.changes(tape.set(True, 710, "6")))
    # The first change is told line by line where that finds out what a book is called.
    assert check(tape.write(tmp_path / "r")) == 9


def test_a_side_that_runs_empty_goes_by_the_shortcut(tmp_path: Path) -> None:
    tape = Tape(YES)
    tape.bids, tape.asks = {700: "5"}, {720: "5"}
    tape.tell(tape.book(YES))
    for is_bid, price, size in [(True, 700, "0"), (False, 720, "0"), (True, 500, "1")]:
        tape.moment += 1
        tape.tell(tape.changes(tape.set(is_bid, price, size)))
    assert check(tape.write(tmp_path / "r")) == 3


def test_many_changes_go_by_the_shortcut(tmp_path: Path) -> None:
    tape = Tape(YES, NO)
    for n in range(3 * SAMPLE):
        tape.moment += n % 3 > 0
        size = str(1 + n % 7) if n % 5 else "0"
        rows = tape.set(bool(n % 2), (600, 750)[not n % 2] + 10 * (n % 9), size)
        for row in rows:
            row["hash"] = str(n)
        tape.tell(tape.changes(rows))
    assert check(tape.write(tmp_path / "r")) >= 3 * SAMPLE - 3 - 3


def test_what_is_not_taken_was_not_heard() -> None:
    tape = Tape(YES, NO)
    decoder = heard()
    before = [decoder.book(1, x) for x in (YES, NO)]
    tape.moment += 1
    rows = tape.set(True, 720, "8")
    rows[1]["best_ask"] = "0.9"
    tape.tell(tape.changes(rows))
    assert decoder.shortcut(tape.lines[-1]) is None
    assert [decoder.book(1, x) for x in (YES, NO)] == before
    tape.tell(tape.changes(tape.set(True, 720, "8")))
    # Somebody has a book that is not stale yet: it has to be.
    assert decoder.shortcut(tape.lines[-1]) is None
    list(decode(decoder, decoded(tape.lines[-1])))
    tape.moment += 1
    tape.tell(tape.changes(tape.set(True, 720, "9")))
    found = decoder.shortcut(tape.lines[-1])
    assert found is not None
    assert len(found[2]) == 2
    # Told once more, it was told before.
    assert decoder.shortcut(tape.lines[-1]) is None


def test_a_line_of_a_sample_is_looked_through(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tape = Tape(YES)
    for n in range(SAMPLE):
        tape.moment += 1
        rows = tape.set(True, 700, str(n % 9 + 1))
        tape.tell({"strange": 1} | tape.changes(rows))
    assert (
        sum(is_short for is_short, _ in shortened(tape.write(tmp_path / "r")))
        == SAMPLE - 1
    )
    caplog.clear()
    with caplog.at_level("INFO"):
        assert len([*recorded(tape.write(tmp_path / "r"))]) == SAMPLE + 1
    assert "price_change.strange" in caplog.text


def test_a_book_that_is_kept_stays_what_it_was(tmp_path: Path) -> None:
    tape = Tape(YES)
    for size in ("6", "7", "8"):
        tape.moment += 1
        tape.tell(tape.changes(tape.set(True, 710, size)))
    books = [x for _, x in recorded(tape.write(tmp_path / "r"))]
    assert [x.bids[0].size for x in books] == [3, 6, 7, 8]  # type: ignore[union-attr]
    # As of tables, and as on Kalshi: what is told later is not known yet.
    assert not any(x.stale for x in books if isinstance(x, OrderBook))
    assert all(x.age is None for x in books if isinstance(x, OrderBook))


def test_a_book_that_is_spoilt_by_its_own_frame_is_not_told(tmp_path: Path) -> None:
    tape = Tape(YES)
    good = tape.changes(tape.set(True, 710, "6"))
    rows = tape.set(True, 710, "7")
    rows[0]["best_bid"] = "0.5"
    tape.tell([good, tape.changes(rows)])
    *_, (_, last) = recorded(tape.write(tmp_path / "r"))
    assert "its best prices are" in repr(last)
    assert check(tmp_path / "r") == 0


def test_a_line_that_cannot_be_read_is_told_by_its_number(tmp_path: Path) -> None:
    tape = Tape(YES)
    for size in ("6", "7"):
        tape.moment += 1
        tape.tell(tape.changes(tape.set(True, 710, size)))
    path = tape.write(tmp_path / "r")
    whole = path.read_bytes()
    at = b'"at":%d,' % tape.at
    for damage in (b'"at":%d' % tape.at, b'"at":"%d",' % tape.at, b""):
        assert whole.count(at) == 1
        path.write_bytes(whole.replace(at, damage))
        with pytest.raises(DamagedRecording, match="line 6 cannot be read"):
            list(recorded(path))
    kind = b'"kind":"frame",' + at
    path.write_bytes(whole.replace(kind, at))
    with pytest.raises(DamagedRecording, match="line 6 cannot be read"):
        list(recorded(path))
    path.write_bytes(whole.replace(at + b'"mono":0,', at + b'"mono":"0",'))
    with pytest.raises(DamagedRecording, match="line 6 cannot be read"):
        list(recorded(path))
    # Not even its end of line: more of it may have been missing.
    path.write_bytes(whole[:-1])
    assert len([*recorded(path)]) == 2


@pytest.mark.parametrize("is_torn", [False, True])
def test_a_change_after_the_end_is_damage(tmp_path: Path, is_torn: bool) -> None:
    tape = Tape(YES)
    tape.lines.append(encode(End(tape.at, 0, lines=len(tape.lines), withheld=0)))
    tape.moment += 1
    tape.tell(tape.changes(tape.set(True, 710, "6")))
    path = tape.write(tmp_path / "r")
    if is_torn:
        path.write_bytes(path.read_bytes()[:-9])
    told = recorded(path)
    assert isinstance(next(told)[1], OrderBook)
    with pytest.raises(DamagedRecording, match="line 6 comes after the end"):
        next(told)


@pytest.mark.parametrize("tokens", [(YES,), (YES, NO)])
def test_a_report_does_not_depend_on_the_shortcut(
    tmp_path: Path, tokens: tuple[str, ...]
) -> None:
    tape = Tape(*tokens, is_listed=True)
    for n in range(60):
        tape.moment += n % 4
        price = 730 + 10 * (n % 3)
        rows = tape.set(False, price, "0" if n % 5 == 4 else str(n % 11 + 1))
        tape.tell(tape.changes([row | {"hash": str(n)} for row in rows]))
    tape.lines.append(encode(End(tape.at, 0, lines=len(tape.lines), withheld=0)))
    path = tape.write(tmp_path / "r")
    outcomes = (Outcome("yes", YES, "Yes"), Outcome("no", NO, "No"))
    market = attrs.evolve(scene.market(MARKET), venue="polymarket", outcomes=outcomes)
    contract = Contract(market=market, fees=FREE, nets=False)
    told = [
        (moment, event)
        for moment, events in line_by_line(path)
        for event in events
        if not isinstance(event, PASSED_OVER)
    ]
    reports = []
    for data in (path, told):
        report = backtest(Watching(), data, contracts=[contract])  # type: ignore[arg-type]
        assert report.fills
        # Where it was told from is told of a recording alone.
        sources = tuple(
            attrs.evolve(x, name=None, polled=None) for x in report.assumptions.data
        )
        taken = attrs.evolve(report.assumptions, data=sources)
        reports.append(attrs.evolve(report, assumptions=taken).to_json())
    assert reports[0] == reports[1]


@pytest.mark.parametrize("tokens", [(YES,), (YES, NO)])
def test_a_change_that_comes_again_after_another_is_a_gap(
    tmp_path: Path, tokens: tuple[str, ...]
) -> None:
    tape = Tape(*tokens)
    tape.moment += 1
    first = tape.changes(tape.set(True, 700, "9"))
    for told in (first, tape.changes(tape.set(True, 700, "8")), first):
        tape.tell(told)
    path = tape.write(tmp_path / "r")
    assert check(path) == 2
    *_, (_, last) = recorded(path)
    assert "was told twice" in repr(last)


KINDS: Final = [*EDITS, *OTHERS, "both", "again", "withheld", "closed", "asked"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_listed", [False, True])
@pytest.mark.parametrize("is_bid", [False, True])
def test_whatever_comes_is_told_as_the_lines_tell_it(
    tmp_path: Path, kind: str, is_listed: bool, is_bid: bool
) -> None:
    for tokens in [(YES,), (NO,), (YES, NO)]:
        for size in ("5", "0"):
            usual = ("next", is_bid, 710 if is_bid else 730, "6", "both", "json")
            odd = ("next", is_bid, 710 if is_bid else 730, size, kind, "json")
            drawn: Steps = [usual, odd, usual, ("same", *usual[1:]), usual]
            check(
                recording(Tape(*tokens, is_listed=is_listed), drawn).write(
                    tmp_path / "r"
                )
            )


def test_an_empty_text_for_a_best_price_goes_by_the_lines(tmp_path: Path) -> None:
    tape = Tape(YES, is_listed=True)
    tape.bids = {700: "5"}
    tape.tell(tape.book(YES))
    tape.moment += 1
    rows = tape.set(True, 700, "0")
    rows[0]["best_bid"] = ""
    tape.tell(tape.changes(rows))
    assert check(tape.write(tmp_path / "r")) == 0


def test_a_book_of_another_connection_is_not_known() -> None:
    decoder, tape = heard(tokens=(YES,)), Tape(YES)
    tape.lines = [encode(Opened(tape.at, 0, 2, "wss://x/ws/market"))]
    tape.tell({"assets_ids": [YES], "type": "market"}, "out")
    tape.lines[-1] = tape.lines[-1].replace(b'"connection":1', b'"connection":2')
    # The first one tells what the token is called.
    tape.tell(tape.book(YES))
    for text in tape.lines:
        list(decode(decoder, decoded(text)))
    # As if it were the first level of an empty book.
    tape.bids, tape.asks = {}, {}
    tape.moment += 1
    tape.tell(tape.changes(tape.set(True, 700, "9")), "elsewhere")
    assert decoder.shortcut(tape.lines[-1]) is None


def test_a_change_may_be_as_one_of_an_earlier_moment(tmp_path: Path) -> None:
    tape = Tape(YES)
    told = [tape.set(True, 700, size) for size in ("9", "8", "7", "9")]
    for n, rows_told in enumerate(told):
        tape.moment += not n % 2
        tape.tell(tape.changes(rows_told))
    path = tape.write(tmp_path / "r")
    assert check(path) == 4
    assert all(isinstance(x, OrderBook) for _, x in recorded(path))


@pytest.mark.parametrize("is_bid", [False, True])
def test_a_side_that_is_not_empty_is_not_held_to_be(
    tmp_path: Path, is_bid: bool
) -> None:
    tape = Tape(YES)
    # The next best is further away than is looked for step by step.
    best = 710 if is_bid else 290
    tape.bids, tape.asks = {20: "5"}, {990: "1"}
    (tape.bids if is_bid else tape.asks)[best] = "3"
    tape.tell(tape.book(YES))
    tape.moment += 1
    told = tape.set(is_bid, best, "0")
    told[0] |= {"best_bid": "0"} if is_bid else {"best_ask": "1"}
    tape.tell(tape.changes(told))
    path = tape.write(tmp_path / "r")
    assert check(path) == 0
    *_, (_, last) = recorded(path)
    assert isinstance(last, Gap)


@pytest.mark.parametrize("is_bid", [False, True])
def test_a_book_that_is_asked_for_is_the_newest(is_bid: bool) -> None:
    decoder, tape = heard(), Tape(YES, NO)
    for token in (YES, NO):
        assert decoder.book(1, token).bids
    # The books that somebody has are stale from here on, of which the lines take care.
    tape.moment += 1
    tape.tell(tape.changes(tape.set(not is_bid, 730 if is_bid else 710, "6")))
    list(decode(decoder, decoded(tape.lines[-1])))
    tape.moment += 1
    tape.tell(tape.changes(tape.set(is_bid, 710 if is_bid else 730, "8")))
    found = decoder.shortcut(tape.lines[-1])
    for token, told in zip((YES, NO), found[2], strict=True):
        book = decoder.book(1, token)
        assert (book.bids, book.asks) == (told.bids, told.asks)


def test_a_gap_tells_the_best_prices_that_the_shortcut_left(tmp_path: Path) -> None:
    tape = Tape(YES)
    for is_bid, price in ((True, 715), (False, 725)):
        tape.moment += 1
        tape.tell(tape.changes(tape.set(is_bid, price, "6")))
    tape.moment += 1
    told = tape.set(True, 20, "1")
    told[0]["best_bid"] = "0.5"
    tape.tell(tape.changes(told))
    path = tape.write(tmp_path / "r")
    assert check(path) == 2
    *_, (_, last) = recorded(path)
    assert isinstance(last, Gap)
    assert "are 0.7150/0.7250, the venue says 0.5/0.725" in last.reason


def test_a_connection_that_tells_of_orders_has_no_shortcut() -> None:
    decoder, tape = heard(), Tape(YES)
    decoder.opened(2, "wss://x/ws/user")
    tape.moment += 1
    tape.tell(tape.changes(tape.set(True, 700, "9")), "elsewhere")
    assert decoder.shortcut(tape.lines[-1]) is None


def test_what_stands_beside_the_json_of_a_line_is_what_it_says(tmp_path: Path) -> None:
    tape = Tape(YES)
    tape.moment += 1
    told = {"event_type": "price_change"} | tape.changes(tape.set(True, 700, "9"))
    tape.tell(told, "base64")
    assert check(tape.write(tmp_path / "r")) == 0
