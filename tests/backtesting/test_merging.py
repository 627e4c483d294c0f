"""Recordings that overlap: every book, trade and gap of a market counts once."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unified_exchanges import (
    BUY,
    SELL,
    Gap,
    MarketChange,
    MarketStatus,
    OrderBook,
    PriceGrid,
    Trade,
    exchange,
)
from unified_exchanges.backtesting import Merged, backtest, merged, recorded
from unified_exchanges.models import Subject
from unified_exchanges.paper import PaperEvent, at
from unified_exchanges.recording import Recorder
from unified_exchanges.strategies import Desk, Strategy, contract_of

from ..paper.scene import SECOND, START, book, change, contract, trade
from ..recording.sessions import VENUES, in_force, stage

Told = list[tuple[int, PaperEvent]]


def when(seconds: float) -> int:
    return START + int(seconds * SECOND)


def stream(*events: tuple[float, PaperEvent]) -> Told:
    return [(when(second), event) for second, event in events]


def later(told: Told, seconds: float = 0.001) -> Told:
    """The same, as another recorder receives it."""
    return [(moment + int(seconds * SECOND), event) for moment, event in told]


def sold(name: str, size: str = "60") -> Trade:
    return attrs.evolve(trade("0.40", size, SELL), trade_id=name)


def lost(*names: str, second: float = 0) -> Gap:
    return Gap(subject=None, market_ids=names, reason="lost", at=at(when(second)))


def seconds(made: Merged) -> list[float]:
    return [(moment - START) / SECOND for moment, _ in made]


A = book("50@0.40", "100@0.50")
B = book("60@0.40", "100@0.50")
STOOD = attrs.evolve(A, timestamp=at(when(-1)))
"""A book that is known by the venue's time, whoever tells it."""


class Bidding(Strategy):
    """Rests one bid behind fifty others."""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if not desk.decisions:
            desk.place(book.market_id, "yes", "buy", "0.40", 100)


def test_a_trade_of_two_overlapping_recordings_fills_once() -> None:
    told = stream((0, A), (1, A), (2, sold("a")), (4, A))
    once = backtest(Bidding(), told, contracts=[contract()])
    twice = backtest(Bidding(), merged(told, later(told)), contracts=[contract()])
    assert [x.size for x in once.fills] == [x.size for x in twice.fills] == [10]
    assert (once.events, twice.events) == (4, 5)  # from the end on there is a gap
    assert (once.repeated, twice.repeated) == (0, 4)


def test_a_trade_that_the_other_told_first_is_told_at_once() -> None:
    slow = stream((0, STOOD), (3, sold("a")))
    quick = stream((1, STOOD), (2, sold("a")), (5, sold("b")))
    assert seconds(merged(slow, quick)) == [0, 2, 5]


def test_two_trades_of_one_name_in_one_recording_are_two() -> None:
    told = stream((0, A), (1, sold("a")), (1, sold("a")), (2, A))
    assert [x for _, x in merged(told, later(told))][:4] == [x for _, x in told]
    assert seconds(merged(told, stream((1.5, sold("a"))))) == [0, 1, 1, 2]


def test_of_the_books_of_a_market_one_recording_is_followed() -> None:
    first = stream((0, A), (2, B), (4, A))
    # It hears of each change only after the next: an older book is no news.
    second = stream((1, A), (3, A), (5, B), (7, A))
    made = merged(first, second)
    # Nor is it followed from the end on: it may be that of before.
    assert seconds(made) == [0, 2, 4, 4, 7]
    assert made.repeated == 3


def test_other_markets_and_outcomes_are_followed_for_themselves() -> None:
    first = stream((0, A), (2, A))
    second = stream((1, book(market_id="SNOW")), (1.5, A.complement("no")))
    assert seconds(merged(first, second)) == [0, 1, 1.5, 1.5, 1.5, 2]
    ended = [(1.5, ("SNOW",), None), (1.5, ("RAIN",), "no")]
    assert gaps(merged(first, second)) == ended


def test_after_a_gap_who_tells_the_next_book_is_followed() -> None:
    first = stream((0, A), (2, lost("RAIN")), (6, A))
    second = stream((1, A), (3, B), (5, B), (7, B))
    made = merged(first, second)
    assert seconds(made) == [0, 2, 3, 5, 7]


def test_a_gap_of_one_who_is_not_followed_is_none() -> None:
    first = stream((0, A), (4, A))
    second = stream((1, A), (2, lost("RAIN")), (3, lost()), (3.5, A))
    assert seconds(merged(first, second)) == [0, 4]


def test_of_a_gap_the_markets_are_told_for_which_it_is_followed() -> None:
    snow = book(market_id="SNOW")
    first = stream((0, A), (4, A), (5, snow))
    second = stream((1, snow), (2, lost("RAIN", "SNOW")), (3, lost()))
    told = [x for _, x in merged(first, second)]
    assert told == [A, snow, lost("SNOW"), A, snow]


def lost_of(subject: Subject, *names: str, second: float = 0) -> Gap:
    return attrs.evolve(lost(*names, second=second), subject=subject)


NOT_OF_BOOKS = [Subject.TRADES, Subject.MARKET_STATUS]


@pytest.mark.parametrize("subject", NOT_OF_BOOKS)
def test_after_a_gap_of_trades_or_statuses_the_same_is_followed_for_the_book(
    subject: Subject,
) -> None:
    first = stream((0, A), (2, lost_of(subject)), (6, A))
    second = stream((1, A), (3, B), (5, B), (5.5, lost_of(subject)))
    made = merged(first, second)
    assert seconds(made) == [0, 2, 6]
    # What it knew is known on, too: it goes on where the first ends.
    second = stream((1, STOOD), (2, lost_of(subject)), (7, A))
    assert seconds(merged(stream((0, STOOD), (3, sold("a"))), second)) == [0, 3, 7]


@pytest.mark.parametrize("subject", NOT_OF_BOOKS)
def test_such_a_gap_is_told_of_the_markets_for_which_no_other_is_followed(
    subject: Subject,
) -> None:
    snow = book(market_id="SNOW")
    gaps = [lost_of(subject, second=n) for n in (2, 3, 5)]
    unknown = lost_of(Subject.ORDER_BOOK, "SNOW", second=2.5)
    first = stream((0, A), (4, A), (5, gaps[2]), (7, A))
    # Also where its own book is not known: nobody else tells of its trades.
    second = stream((1, snow), (2, gaps[0]), (2.5, unknown), (3, gaps[1]), (7, snow))
    snows = [attrs.evolve(x, market_ids=("SNOW",)) for x in gaps[:2]]
    told = [x for _, x in merged(first, second)]
    assert told == [A, snow, snows[0], unknown, snows[1], A, gaps[2], A, snow]


@pytest.mark.parametrize("names", [(), ("RAIN",)])
def test_a_gap_before_any_book_is_told_once(names: tuple[str, ...]) -> None:
    told = stream((0, lost(*names)), (1, lost(*names)), (2, A))
    assert list(merged(told, told)) == told


def test_a_change_of_a_market_is_told_once() -> None:
    paused, opened = change(MarketStatus.PAUSED), change(MarketStatus.OPEN)
    told = stream((0, STOOD), (1, paused), (2, opened), (3, paused), (4, opened))
    whole = [*told, *stream((7, sold("a")))]
    assert seconds(merged(whole, later(whole, 0.1))) == [0, 1, 2, 3, 4, 7]
    # Also the last, which the other tells once the first recording has ended.  Until then
    # its pause may be a newer one.
    made = merged(told, later(told, 0.1))
    assert seconds(made) == [0, 1, 2, 3, 4, 4, 4.1]
    # It may do the same again once the first recording has ended.
    more = stream((0, STOOD), (5, paused), (6, opened))
    assert seconds(merged(told, more)) == [0, 1, 2, 3, 4, 5, 6]


def test_a_recording_that_takes_over_goes_on_where_the_first_ends() -> None:
    whole = stream(*((n, (A, B)[n % 2]) for n in range(10)))
    assert list(merged(whole[:7], later(whole[4:], 0.1)))[:7] == whole[:7]
    assert list(merged(whole[:7], whole[4:])) == whole


def gaps(made: Merged) -> list[tuple[float, tuple[str, ...], str | None]]:
    return [
        ((moment - START) / SECOND, gap.market_ids, gap.outcome)
        for moment, gap in made
        if isinstance(gap, Gap)
    ]


SNOW = book(market_id="SNOW")


def test_between_a_recording_and_the_next_there_is_a_gap() -> None:
    first, later = stream((0, A), (1, SNOW), (2, A)), stream((5, A), (6, SNOW), (7, A))
    made = merged(first, later)
    assert seconds(made) == [0, 1, 2, 2, 5, 6, 7]
    assert gaps(merged(first, later)) == [(2, ("RAIN", "SNOW"), None)]
    # Of the last there is none, and of one that is alone neither.
    assert gaps(merged(later, first)) == [(2, ("RAIN", "SNOW"), None)]
    assert gaps(merged(first)) == gaps(merged(first, [])) == []


def test_a_recording_that_ends_is_a_gap_of_what_no_other_knows() -> None:
    first = stream((0, STOOD), (1, SNOW), (2, sold("b")))
    # What it told last stands, by the venue's time.
    other = stream((0.5, STOOD), (1.5, sold("a")), (9, SNOW))
    assert gaps(merged(first, other)) == [(2, ("SNOW",), None)]
    third = stream((10, A), (11, SNOW))
    assert gaps(merged(first, other, third)) == [
        (2, ("SNOW",), None),
        (9, ("RAIN", "SNOW"), None),
    ]


def test_one_that_has_a_gap_itself_knows_no_more() -> None:
    first = stream((0, A), (4, A))
    other = stream((1, A), (2, lost("RAIN")), (9, A))
    assert gaps(merged(first, other)) == [(4, ("RAIN",), None)]
    # It is followed after the end of the first: its gap is told.
    first = stream((0, STOOD), (4, sold("a")))
    other = stream((1, STOOD), (5, lost("RAIN")), (9, A))
    assert gaps(merged(first, other)) == [(5, ("RAIN",), None)]
    assert seconds(merged(first, other)) == [0, 4, 5, 9]


def test_what_comes_at_the_moment_of_an_end_comes_before_it() -> None:
    first, later = stream((0, A), (2, A)), stream((2, A), (3, B))
    assert [x for _, x in merged(first, later)] == [A, A, B]
    assert gaps(merged(later, first)) == []


def test_of_an_outcome_that_another_recording_goes_on_to_tell_there_is_no_gap() -> None:
    no = A.complement("no")
    first, other = stream((0, A), (2, A)), stream((1, no), (3, no))
    assert gaps(merged(first, other)) == [(2, ("RAIN",), "yes")]


def test_who_has_ended_is_not_followed_though_it_was_the_furthest() -> None:
    first = heard(20, 2050, *OFFERED)
    ended = heard(1, 2002, *OFFERED[1:])
    third = heard(1500, 9000, OFFERED[0], *OFFERED[3:])
    assert stamps(merged(first, ended, third)) == [0, 1900, 2000, None, 2100, 4000]


def test_at_the_end_of_all_there_is_no_gap_though_a_market_has_paused() -> None:
    told = stream((0, A), (1, PAUSED))
    assert gaps(merged(told)) == gaps(merged(told, told[1:])) == []


def test_a_gap_of_one_outcome_is_none_of_the_other() -> None:
    no = A.complement("no")
    half = attrs.evolve(lost("RAIN"), outcome="no")
    first = stream((0, A), (0.5, no), (2, half), (4, A), (5, no), (9, A))
    other = stream((3, book("70@0.40")), (8, book("80@0.40")))
    assert list(merged(first, other)) == first
    # Nor does one who has it know less of the other.
    first = stream((0, STOOD), (4, sold("a")))
    other = stream((1, STOOD), (2, half), (9, A))
    assert gaps(merged(first, other)) == []


class Crossing(Strategy):
    """Buys at the ask of the last book of the first recording, a second after it."""

    subjects = ("order_book", "trades")

    def on_start(self, desk: Desk) -> None:
        desk.timer("buy", timedelta(seconds=3))

    def on_timer(self, desk: Desk, name: str) -> None:
        desk.place("RAIN", "yes", "buy", "0.50", 10)


def test_nothing_fills_between_recordings() -> None:
    first, later = stream((0, A), (2, A)), stream((5, A), (7, A))
    alone = backtest(Crossing(), [*first, *later], contracts=[contract()])
    assert [at(when(3)) for _ in alone.fills] == [x.created_at for x in alone.fills]
    report = backtest(Crossing(), merged(first, later), contracts=[contract()])
    # It rests in the gap, and meets the book that ends it.
    assert [x.created_at for x in report.fills] == [at(when(5))]


# -- recorders that are not as quick as each other -------------------------------------


def after(milliseconds: int) -> int:
    return START + milliseconds * 1_000_000


def shown(millisecond: int, bids: str, asks: str) -> OrderBook:
    return attrs.evolve(book(bids, asks), timestamp=at(after(millisecond)))


def heard(late: int, until: int, *shown_at: tuple[int, PaperEvent]) -> Told:
    """What a recorder hears so many milliseconds after the venue, until it ends."""
    told = [(after(moment + late), event) for moment, event in shown_at]
    return [pair for pair in told if pair[0] <= after(until)]


OFFERED = tuple(
    (moment, shown(moment, bids, asks))
    for moment, bids, asks in (
        (0, "9@0.40", "50@0.50"),
        (1900, "8@0.40", "50@0.45 5@0.60"),
        (2000, "9@0.40", "50@0.50 5@0.60"),
        (2100, "9@0.41", "6@0.60"),
        (4000, "9@0.41", "7@0.60"),
    )
)


def stamps(made: Merged) -> list[int | None]:
    """The times of the books that are told, by the venue; None is something else."""
    return [
        round((event.timestamp.timestamp() - START / SECOND) * 1000)
        if isinstance(event, OrderBook) and event.timestamp
        else None
        for _, event in made
    ]


class Taking(Strategy):
    """Takes whatever is offered at 0.50 or less."""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if book.ask and book.ask.price <= Decimal("0.50"):
            desk.place("RAIN", "yes", "buy", "0.50", 50, time_in_force="ioc")


class Waiting(Strategy):
    """Bids once the offer at 0.45 is gone."""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if book.ask and book.ask.price == Decimal("0.60") and not desk.decisions:
            desk.place("RAIN", "yes", "buy", "0.46", 50)


@pytest.mark.parametrize("strategy", [Taking, Waiting])
def test_what_was_offered_before_a_slower_recording_takes_over_is_not_offered_again(
    strategy: type[Strategy],
) -> None:
    first, late = heard(20, 2200, *OFFERED), heard(500, 9000, *OFFERED)
    bought = [
        sum(x.size for x in backtest(strategy(), data, contracts=[contract()]).fills)
        for data in (first, late, merged(first, late), merged(late, first))
    ]
    assert bought[2] <= max(bought[:2])
    assert bought[3] <= max(bought[:2])


def test_until_a_slower_recording_is_as_far_there_is_a_gap() -> None:
    first, late = heard(20, 2200, *OFFERED), heard(500, 9000, *OFFERED)
    assert stamps(merged(first, late)) == [0, 1900, 2000, 2100, None, 2100, 4000]
    assert [x for x, *_ in gaps(merged(first, late))] == [2.12]


def test_where_the_slower_ends_the_quicker_goes_on_with_what_it_told_last() -> None:
    late = [*heard(500, 2000, *OFFERED), *stream((2.25, sold("a")))]
    quick = heard(20, 9000, *OFFERED[1:])
    made = merged(late, quick)
    # What it told last stands from the end on: nobody tells it again.
    assert seconds(made) == [0.5, 2.25, 2.25, 4.02]
    assert made.repeated == 2
    books = stamps(merged(late, quick))
    assert books == [0, None, 2100, 4000]  # in place of None, the trade


def test_of_several_the_one_that_is_the_furthest_goes_on() -> None:
    first = [*heard(20, 2200, *OFFERED), *stream((2.25, sold("a")))]
    others = [heard(late, 9000, *OFFERED) for late in (400, 30, 90)]
    assert seconds(merged(first, *others))[:6] == [0.02, 1.92, 2.02, 2.12, 2.25, 4.03]


@pytest.mark.parametrize("order", [1, -1])
def test_where_all_end_at_one_moment_the_newest_book_is_told_and_no_gap(
    order: int,
) -> None:
    first = [*heard(20, 1000, *OFFERED), *stream((2.25, sold("a")))]
    others = [
        [*heard(20, until, *OFFERED[1:]), *stream((2.25, sold("a")))]
        for until in (2200, 2050)
    ]
    made = merged(*[first, *others][::order])
    assert stamps(made)[-2:] == [None, 2100]
    assert made.repeated == 1 + 3 + 2 + 3 - 3
    # Who goes on then is not as far.
    third = stream((1, A), (9, A))
    made = merged(*[first, *others, third][::order])
    assert stamps(made) == [0, None, 2100, None, None]


def test_after_a_gap_a_slower_recording_tells_nothing_older() -> None:
    first = [*heard(20, 2200, *OFFERED), *stream((2.15, lost("RAIN")), (8, A))]
    late = heard(500, 9000, *OFFERED)
    assert stamps(merged(first, late))[:7] == [0, 1900, 2000, 2100, None, 2100, 4000]


def test_after_a_gap_and_another_recording_a_slower_one_tells_nothing_older() -> None:
    slow = stream(
        *((0, shown(0, "1@0.40", "")), (1, lost("RAIN"))),
        *((4, shown(1500, "1@0.40", "")), (5, shown(4900, "1@0.40", ""))),
    )
    quick = stream((2.1, shown(2000, "1@0.40", "")), (3, sold("a")))
    assert stamps(merged(slow, quick)) == [0, None, 2000, None, None, 4900]


def test_a_book_with_the_time_of_its_receipt_may_be_two_seconds_late() -> None:
    def received(second: float, told: OrderBook) -> tuple[float, OrderBook]:
        return second, attrs.evolve(told, timestamp=at(when(second)))

    first = stream(received(0, A), received(2, A))
    other = stream(received(1, B), received(3.75, A), received(4.25, B), received(5, A))
    assert seconds(merged(first, other)) == [0, 2, 2, 4.25, 5]
    # One without any time likewise.
    bare = stream((1, B), (3.75, B), (4.25, B), (5, A))
    assert seconds(merged(stream((0, A), (2, A)), bare)) == [0, 2, 2, 4.25, 5]


def lived(millisecond: int, status: MarketStatus) -> tuple[int, PaperEvent]:
    told = attrs.evolve(change(status), timestamp=at(after(millisecond)))
    return millisecond, told


LIFE = (
    lived(1000, MarketStatus.PAUSED),
    lived(2000, MarketStatus.OPEN),
    lived(3000, MarketStatus.CLOSED),
)


def test_a_market_does_not_open_again_where_a_slower_recording_takes_over() -> None:
    first, late = heard(20, 3300, *LIFE), heard(1500, 9000, *LIFE)
    assert [x for _, x in merged(first, late)] == [x for _, x in LIFE]
    # Not either where the quicker began only after it had opened.
    first, late = heard(20, 2800, *LIFE[1:]), heard(2500, 9000, *LIFE)
    assert [x for _, x in merged(first, late)] == [LIFE[1][1], LIFE[2][1]]


def test_what_a_market_pays_is_told_by_whoever_tells_it() -> None:
    # It has a time of its own, in whole seconds.
    paid = attrs.evolve(change(MarketStatus.SETTLED, "1"), timestamp=at(when(2)))
    first = heard(20, 3300, *LIFE)
    assert list(merged(first, stream((4, paid)))) == [*first, (when(4), paid)]


SPANS = st.lists(
    st.tuples(
        st.integers(0, 3000),
        st.integers(0, 3000),
        st.sampled_from([0, 5, 40, 150, 400]),
        st.lists(st.integers(0, 5000), max_size=2),
    ),
    min_size=2,
    max_size=4,
)


@settings(max_examples=400)
@given(st.lists(st.integers(0, 5000), min_size=5, max_size=40, unique=True), SPANS)
def test_no_older_book_takes_the_place_of_a_newer_however_late_recorders_are(
    moments: list[int], spans: list[tuple[int, int, int, list[int]]]
) -> None:
    truth = [
        (moment, shown(moment, "1@0.40", f"{n % 3 + 1}@0.50"))
        for n, moment in enumerate(sorted(moments))
    ]
    streams = []
    for began, length, late, losses in spans:
        held = [x for x in truth if began <= x[0] <= began + length]
        missed = [
            (after(moment + late), lost("RAIN"))
            for moment in losses
            if began <= moment <= began + length
        ]
        told = [*heard(late, 99_999, *held), *missed]
        streams.append(sorted(told, key=lambda pair: pair[0]))
    made = list(merged(*streams))
    assert [moment for moment, _ in made] == sorted(moment for moment, _ in made)
    is_known, last = False, -1
    for moment, event in made:
        if isinstance(event, Gap):
            is_known = False
            continue
        assert isinstance(event, OrderBook)
        assert event.timestamp is not None
        stamp = round((event.timestamp.timestamp() - START / SECOND) * 1000)
        # After a gap what was told before may be told once more, and nothing older.
        assert stamp > last or (stamp == last and not is_known)
        is_known, last = True, stamp
        # And each book was heard by then.
        assert any(
            received <= moment and other == event
            for told in streams
            for received, other in told
        )


class Greedy(Strategy):
    """Takes all that is offered at 0.50, each time."""

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        if book.asks:
            desk.place("RAIN", "yes", "buy", "0.50", 100, time_in_force="ioc")


def taken(*streams: Told) -> Decimal:
    made = backtest(
        Greedy(), merged(*streams), contracts=[contract()], cash=Decimal(1_000_000)
    )
    return sum((x.size for x in made.fills), Decimal(0))


FULL, GONE = book("10@0.40", "100@0.50"), book("10@0.40")


@pytest.mark.parametrize("stamp", [None, at(when(-1))], ids=["no time", "one time"])
@pytest.mark.parametrize("end", [(), ((2.1, lost("RAIN")), (9, GONE))])
def test_an_equal_book_of_a_slower_recording_may_be_that_of_before(
    stamp: datetime | None, end: tuple[tuple[float, PaperEvent], ...]
) -> None:
    full, gone = (attrs.evolve(x, timestamp=stamp) for x in (FULL, GONE))
    quick = stream((0, full), (1, gone), (2, full), *end)
    slow = stream((1.5, full), (2.5, gone), (3.5, full), (4.5, gone))
    assert taken(quick) == taken(slow) == 200
    assert taken(quick, slow) <= 200
    assert taken(slow, quick) <= 200


def test_an_equal_book_is_the_one_told_where_the_time_of_the_venue_tells_it() -> None:
    before, now = shown(-2000, "1@0.40", ""), shown(-1000, "1@0.40", "5@0.50")
    quick = stream((0, before), (1, now), (2, sold("a")))
    slow = stream((0.5, before), (1.5, now), (3, shown(2500, "2@0.40", "")))
    assert gaps(merged(quick, slow)) == []
    # And so again, when a third goes on after the second.
    third = stream((1.6, now), (4, B))
    assert gaps(merged(quick, slow[:2], third)) == []


def test_after_a_gap_an_equal_book_may_be_another_of_that_moment() -> None:
    def of(second: float, told: OrderBook) -> OrderBook:
        return attrs.evolve(told, timestamp=at(when(second)))

    # What the quick one missed is that the offer was gone, and came again at once.
    full, gone = of(-1, FULL), of(-1, GONE)
    quick = stream((0, of(-2, GONE)), (1, full), (1.1, lost("RAIN")), (1.2, full))
    slow = stream((1.5, full), (2.5, gone), (3.5, full), (4.5, of(4, GONE)))
    # So nobody knows which of the two the slow one tells.
    assert seconds(merged(quick, slow)) == [0, 1, 1.1, 1.2, 1.2, 4.5]


def test_a_pause_that_was_told_is_not_told_again_by_a_slower_recording() -> None:
    quick = stream((1, PAUSED), (1.5, OPENED), (9, A))
    assert statuses(quick, later(quick, 1.4)) == [(1, "paused"), (1.5, "open")]
    # Nor where another ends, or has a gap, that was not followed.
    for end in ((1.7, A), (1.7, lost())):
        third = stream((1.6, PAUSED), end)
        told = statuses(quick, later(quick, 1.4), third)
        assert told == [(1, "paused"), (1.5, "open")]


# What a recorder is late by, in parts that no two of them share; where it begins and ends
# in what happens; and what it misses.
RECORDERS = st.lists(
    st.tuples(
        st.sampled_from([0, 5, 100, 450, 900, 1900]),
        st.integers(0, 16),
        st.integers(0, 16),
        st.sets(st.integers(0, 16), max_size=2),
    ),
    min_size=2,
    max_size=3,
)
STEPS = st.lists(
    st.tuples(st.sampled_from([0, 0, 1, 50, 300, 1000]), st.integers(0, 3)),
    min_size=4,
    max_size=16,
)


def recorders(truth: Told, spans: list[tuple[int, int, int, set[int]]]) -> list[Told]:
    """What each recorder hears of what happens at the venue."""
    streams = []
    for number, (late, *ends, missed) in enumerate(spans):
        told: Told = []
        for n, (moment, event) in enumerate(truth):
            if not min(ends) <= n <= max(ends):
                continue
            # Each receives at moments of its own.
            received = moment + late * 1_000_000 + 1000 * number + 10 * n
            told.append((received, lost("RAIN", second=n) if n in missed else event))
        streams.append(told)
    return streams


@settings(max_examples=300)
@given(STEPS, RECORDERS, st.sampled_from(["venue", "none", "receipt"]))
def test_no_more_is_taken_than_was_offered_however_books_come_and_go(
    steps: list[tuple[int, int]],
    spans: list[tuple[int, int, int, set[int]]],
    clock: str,
) -> None:
    truth: Told = []
    millisecond = 0
    for passed, size in steps:
        millisecond += passed
        offered = shown(millisecond, "1@0.40", f"{size}@0.50" if size else "")
        truth.append((after(millisecond), offered))
    streams = recorders(truth, spans)
    if clock != "venue":
        streams = [
            [
                (x, attrs.evolve(e, timestamp=at(x) if clock == "receipt" else None))
                if isinstance(e, OrderBook)
                else (x, e)
                for x, e in told
            ]
            for told in streams
        ]
    whole = recorders(truth, [(0, 0, len(truth), set())])
    assert taken(*streams) <= taken(*whole)


PAUSED, OPENED = change(MarketStatus.PAUSED), change(MarketStatus.OPEN)


def statuses(*streams: Told) -> list[tuple[float, MarketStatus | None]]:
    return [
        ((moment - START) / SECOND, event.status)
        for moment, event in merged(*streams)
        if isinstance(event, MarketChange)
    ]


@pytest.mark.parametrize("gap", [(), ((9, lost()),), ((9, lost("RAIN")),)])
def test_a_pause_that_one_recording_missed_is_told_by_the_other(
    gap: tuple[tuple[float, PaperEvent], ...],
) -> None:
    hears = stream((0, A), (1.1, PAUSED), (2.1, OPENED), (10, PAUSED), (30, A))
    missed = stream((0.5, A), (1, PAUSED), (2, OPENED), *gap, (31, A))
    told = [(1, "paused"), (2, "open"), (10, "paused")]
    assert statuses(hears, missed) == told
    assert statuses(missed, hears) == told


def test_a_market_opens_again_though_another_recording_told_an_earlier_opening() -> (
    None
):
    hears = stream(
        *((0, A), (1.1, PAUSED), (2.1, OPENED), (10, PAUSED), (12, OPENED), (30, A))
    )
    missed = stream((0.5, A), (1.2, PAUSED), (2, OPENED), (9, lost()), (31, A))
    told = [(1.1, "paused"), (2.1, "open"), (10, "paused"), (12, "open")]
    assert statuses(hears, missed) == statuses(missed, hears) == told


def test_a_pause_soon_after_another_is_told_if_who_told_that_had_a_gap() -> None:
    quick = stream((1, PAUSED), (1.3, OPENED), (1.4, lost("RAIN")), (9, A))
    whole = stream((1.1, PAUSED), (1.35, OPENED), (1.6, PAUSED), (1.9, OPENED), (9, A))
    told = [(1, "paused"), (1.3, "open"), (1.6, "paused"), (1.9, "open")]
    assert statuses(quick, whole) == statuses(whole, quick) == told
    # But a market does not open again by one that tells the past.
    quick = stream((1, OPENED), (1.3, PAUSED), (1.4, lost("RAIN")), (9, A))
    assert statuses(quick, later(quick[:2], 0.5)) == [(1, "open"), (1.3, "paused")]


@pytest.mark.parametrize("subject", [Subject.TRADES, Subject.ORDER_BOOK])
def test_who_missed_no_status_is_followed_on_for_what_a_market_does(
    subject: Subject,
) -> None:
    quick = stream((1, PAUSED), (1.3, OPENED), (1.4, lost_of(subject)), (9, A))
    slow = stream((1.5, PAUSED), (1.8, OPENED), (9, A))
    assert statuses(quick, slow) == [(1, "paused"), (1.3, "open")]


def test_a_market_opens_only_by_one_that_is_as_far() -> None:
    quick = stream((1, PAUSED), (1.1, OPENED), (1.2, PAUSED))
    slow = stream((2, PAUSED), (2.1, OPENED), (2.5, PAUSED), (3.5, OPENED), (9, A))
    told = [(1, "paused"), (1.1, "open"), (1.2, "paused"), (3.5, "open")]
    assert statuses(quick, slow) == statuses(slow, quick) == told
    # Two seconds after what was told last everybody is: what they said last holds.
    told[-1] = (3.2, "open")
    assert statuses(quick, [*slow[:2], slow[-1]]) == told


def test_a_market_pauses_if_who_is_left_has_said_so() -> None:
    slow = stream((1, PAUSED), (2, OPENED))
    quick = stream((1.5, PAUSED), (9, A))
    assert statuses(slow, quick) == [(1, "paused"), (2, "open"), (2, "paused")]
    quick.insert(1, (when(1.7), lost("SNOW")))
    assert statuses(slow, quick) == [(1, "paused"), (2, "open"), (2, "paused")]
    # One who had a gap since may have missed that it has opened.
    quick = stream((1.5, PAUSED), (1.6, lost()), (9, A))
    assert statuses(slow, quick) == [(1, "paused"), (2, "open")]
    # And of several who are as far, it is the one who says so.
    slow = stream((1, PAUSED))
    others = [stream((1.5, x), (9, A)) for x in (OPENED, PAUSED)]
    assert statuses(slow, *others) == [(1, "paused")]
    assert statuses(slow, *others[:1]) == [(1, "paused"), (3, "open")]


def test_a_pause_that_only_one_heard_that_has_ended_is_a_gap() -> None:
    slow = stream((0, A), (1, PAUSED), (2, OPENED), (2.2, A))
    third = stream((3, A), (9, A))
    # It may be the pause that was told, and no other could tell that the market has opened.
    quick = stream((1.5, PAUSED), (1.8, A))
    assert statuses(slow, quick, third) == [(1, "paused"), (2, "open")]
    assert gaps(merged(slow, quick, third)) == [(2.2, ("RAIN",), None)]
    # What comes later than any other could be is told by whoever hears it.
    quick = stream((4.25, PAUSED), (4.5, A))
    assert statuses(slow, quick, third)[2:] == [(4.25, "paused")]


def test_a_grid_of_before_does_not_come_back() -> None:
    def moved(tick: str) -> MarketChange:
        return attrs.evolve(change(), change="grid", grid=PriceGrid.of(tick))

    fine, coarse = moved("0.001"), moved("0.01")
    quick = stream((1, coarse), (1.5, fine))
    slow = stream((2.4, coarse), (2.9, fine), (9, A))
    assert list(merged(quick, slow)) == [*quick, slow[-1]]
    quick = quick[:1]
    assert list(merged(quick, slow)) == [*quick, (when(3), fine), slow[-1]]


def result(status: MarketStatus, value: str | None = None) -> MarketChange:
    return attrs.evolve(change(status, value), result="yes")


ENDING = (result(MarketStatus.CLOSED), result(MarketStatus.SETTLED, "1"))


def test_a_market_closes_again_for_good_though_that_was_told_before() -> None:
    first = stream((1, ENDING[0]), (2, A))
    other = stream((1.5, ENDING[0]), (10, OPENED), (20, ENDING[0]), (30, ENDING[0]))
    told = [(1, "closed"), (10, "open"), (20, "closed"), (30, "closed")]
    assert statuses(first, other) == told[:3]
    assert statuses(other) == [(1.5, "closed"), *told[1:]]


def test_after_a_settlement_another_recording_adds_only_what_is_paid() -> None:
    first = stream((1, change(MarketStatus.SETTLED)), (20, A))
    paid = change(MarketStatus.CLOSED, "1")
    other = stream((1.5, ENDING[0]), (3, paid), (8, OPENED), (20, A))
    assert statuses(first, other) == [(1, "settled"), (3, "closed")]


def test_what_is_paid_is_told_once_though_it_names_no_result() -> None:
    paid = stream((1, change(MarketStatus.CLOSED, "1")), (9, A))
    assert statuses(paid, later(paid, 2.5)) == [(1, "closed")]


def test_a_settlement_is_told_at_once_and_once_whatever_it_tells() -> None:
    settled = change(MarketStatus.SETTLED)
    first = stream((1, ENDING[0]), (2, A))
    other = stream((1.5, ENDING[0]), (2.5, settled))
    looked_up = attrs.evolve(ENDING[1], timestamp=at(when(-9)))
    third = stream((1.5, SNOW), (8, settled), (9, looked_up), (99, looked_up), (99, A))
    late = [(9, "settled"), (99, "settled")]
    assert statuses(first, other, third) == [(1, "closed"), (2.5, "settled"), *late]
    assert statuses(first, third, later(third)) == [
        (1, "closed"),
        (8, "settled"),
        *late,
    ]


FLAPS = st.lists(
    st.sampled_from([0, 1, 50, 300, 1000, 1900, 2000, 4000]), max_size=16
) | st.lists(st.integers(2000, 4000), max_size=16)


@settings(max_examples=600)
@given(
    FLAPS,
    st.sampled_from([(), (0, 300), (1000, 2000), (2000, 2000)]),
    RECORDERS,
    st.integers(0, 1900),
    st.booleans(),
)
def test_each_pause_and_each_opening_is_told_whoever_missed_it(
    flaps: list[int],
    ending: tuple[int, ...],
    spans: list[tuple[int, int, int, set[int]]],
    late: int,
    is_timed: bool,
) -> None:
    steps = [*flaps, *ending]
    flips = [(PAUSED, OPENED)[n % 2] for n in range(len(flaps))]
    does = [*flips, *(ENDING if ending else ())]
    truth: Told = []
    millisecond = 0
    for n, passed in enumerate(steps):
        # Of two things in one moment of the venue nobody could say which was the last.
        millisecond += passed + is_timed
        stamp = at(after(millisecond)) if is_timed else None
        numbered = attrs.evolve(does[n], timestamp=stamp, raw_json=str(n).encode())
        truth.append((after(millisecond), numbered))
    # One hears all of it, and is there to the end.
    whole = (late, 0, len(truth), set[int]())
    streams = recorders(truth, [*spans, whole])
    streams[-1].append((after(millisecond + 9000), sold("a")))
    made = list(merged(*streams))
    assert [moment for moment, _ in made] == sorted(moment for moment, _ in made)
    told = [int(x.raw_json) for _, x in made if isinstance(x, MarketChange)]
    known = list(accumulate(told, max))
    for number, newest in zip(told, known, strict=True):
        # It does not open by what was before a pause that was told.
        if does[number].status is MarketStatus.OPEN:
            assert does[newest].status is MarketStatus.OPEN
    assert [does[n].status for n in told][-1:] == [x.status for x in does][-1:]
    # What is for good is told once, if nothing that came after it was told before.
    finals = [n for n in told if n >= len(flaps)]
    assert finals in ([*range(len(flaps), len(does))], [len(does) - 1])
    if min(steps, default=2000) >= 2000:
        # What is told again is a pause that might be another, and its end.
        assert list(dict.fromkeys(known)) == list(range(len(does)))


EVENTS = st.one_of(
    st.sampled_from(
        [
            *(A, B, book(market_id="SNOW"), A.complement("no")),
            *(sold("a"), sold("b"), change(MarketStatus.PAUSED)),
            *(change(MarketStatus.OPEN), lost(), lost("RAIN"), lost("RAIN", "SNOW")),
        ]
    )
)


@given(st.lists(st.tuples(st.integers(0, 12), EVENTS), max_size=14))
def test_the_same_recording_twice_is_the_recording_once(
    events: list[tuple[int, PaperEvent]],
) -> None:
    told = stream(*sorted(events, key=lambda pair: pair[0]))
    made = merged(told, told)
    assert list(made) == told
    assert made.repeated == len(told)


def test_the_same_recording_twice_is_it_once_though_a_gap_comes_at_once() -> None:
    told = stream((7, PAUSED), (7, OPENED), (7, A), (7, lost()), (7.5, A))
    assert list(merged(told, told)) == told
    # What only the other heard at that moment is told.
    told = stream((7, OPENED), (7, lost()), (9, A))
    assert statuses(told, stream((7, PAUSED), (9, A))) == [(7, "open"), (7, "paused")]


def height(made: Merged) -> tuple[int, int]:
    """Bytes that are held after a half, and at the end, of what is told."""
    tracemalloc.start()
    heights = []
    for number, _ in enumerate(made, 1):
        if not number % (COUNT // 4):
            heights.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    return heights[1], heights[3]


COUNT = 8_000


def trades(late: float = 0, every: float = 1, markets: int = 1) -> Iterator[Any]:
    for n in range(COUNT):
        moment = when(every * n)
        name = f"M{n % markets}"
        told = attrs.evolve(sold(str(n), "1"), market_id=name, created_at=at(moment))
        yield moment + int(late * SECOND), told


@pytest.mark.parametrize("markets", [1, 500])
@pytest.mark.parametrize("late", [0.5, 45])
def test_what_is_remembered_of_two_recordings_is_bounded(
    late: float, markets: int
) -> None:
    made = merged(trades(markets=markets), trades(late, markets=markets))
    half, whole = height(made)
    assert made.repeated == COUNT
    assert whole < 1.2 * half


@pytest.mark.parametrize(
    "others", [(), ([],), (stream((0, A), (1, A)),), (stream((10**7, A)),)]
)
def test_nothing_is_remembered_of_what_no_other_may_repeat(others: Any) -> None:
    half, whole = height(merged(trades(), *others))
    assert whole - half < 1_000
    assert whole < 50_000


def test_what_is_left_of_a_recording_repeats_no_trade_of_the_one_that_ended() -> None:
    told = stream((0, A), (1, sold("a")), (2, sold("b")))
    made = merged(told, later(told, 1.5))
    assert [x.trade_id for _, x in made if isinstance(x, Trade)] == ["a", "b"]


def happened(name: str, second: float) -> Trade:
    return attrs.evolve(sold(name), created_at=at(when(second)))


def test_a_trade_that_is_told_much_later_counts_once() -> None:
    early = [(moment, happened(str(n), n)) for n, moment in enumerate([when(0)] * 3)]
    read = stream(*((8_000, happened(str(n), n)) for n in (0, 1, 2, 7_000)))
    first = [*early, *stream((9_000, A))]
    for streams in ((first, read), (read, first)):
        told = [x.trade_id for _, x in merged(*streams) if isinstance(x, Trade)]
        assert told == ["0", "1", "2", "7000"]
    # The same twice is it once, though it tells late, and an earlier one after a later.
    read = stream(*((8_000, happened(str(n), n)) for n in (0, 5, 3, 7_000)))
    assert list(merged(read, read)) == read


def test_the_newest_trades_are_remembered() -> None:
    told = [(n, sold(str(n), "1")) for n in range(10_050)]
    assert list(merged(told, [(moment + 10, x) for moment, x in told])) == told


def test_nothing_merged_is_nothing() -> None:
    assert list(merged()) == list(merged([], [])) == []


class Listening(Strategy):
    subjects = ("order_book", "trades")

    def __init__(self) -> None:
        self.trades: list[str] = []

    def on_trade(self, desk: Desk, trade: Trade) -> None:
        self.trades.append(trade.trade_id)


@pytest.mark.parametrize("venue", VENUES)
def test_two_recorders_of_a_market_tell_each_trade_once(
    venue: str, tmp_path: Path
) -> None:
    paths = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    with (
        stage(venue) as ground,
        exchange(ground.venue, **ground.account) as one,
        exchange(ground.venue, **ground.account) as two,
        Recorder(one, paths[0]),
        Recorder(two, paths[1]),
    ):
        market = next(x for x in one.fetch_markets() if x.bid and x.ask)
        name, first = market.market_id, market.outcomes[0].label
        made = contract_of(one, name)
        streams = [x.watch_trades(name) for x in (one, two)]
        books = [x.watch_order_book(name) for x in (one, two)]
        for x, book_stream in zip((one, two), books, strict=True):
            in_force(x)
            book_stream.next(timeout=10)
        assert market.ask is not None
        for _ in range(3):
            one.create_order(name, first, BUY, market.ask, 10, time_in_force="ioc")
            for trade_stream in streams:
                trade_stream.next(timeout=10)
    heard = []
    for data in (paths[0], paths[1], paths, [*paths, *paths]):
        listening = Listening()
        report = backtest(listening, data, contracts=[made])
        heard.append((listening.trades, report.repeated))
    (alone, _), (other, _), (both, passed), (_, often) = heard
    assert len(alone) >= 3
    assert both == alone == other
    assert passed >= len(alone)
    assert often > passed
    count = sum(1 for path in paths for _ in recorded(path))
    assert passed < count
