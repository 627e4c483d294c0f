"""Recordings that overlap, of markets of which the whole truth is known."""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from unified_exchanges import Gap, MarketChange, MarketStatus, OrderBook, Trade
from unified_exchanges.backtesting import merged
from unified_exchanges.paper import PaperEvent, at

from ..paper.scene import START, book, change, trade

Told: TypeAlias = list[tuple[int, PaperEvent]]
MILLISECOND = 1_000_000
LATE = 2000
"""Milliseconds by which a recorder is late at most."""
OPEN, PAUSED = MarketStatus.OPEN, MarketStatus.PAUSED
MARKETS = ("RAIN", "SNOW")


@attrs.frozen
class Recording:
    """Who records: how late it is, from when until when, and where it misses something."""

    lags: tuple[int, ...]
    span: tuple[int, int]
    breaks: tuple[tuple[int, int, bool], ...] = ()
    """From when, for how long, and whether of the first market only."""
    is_whole: bool = False


def recordings(lag: st.SearchStrategy[int]) -> st.SearchStrategy[Recording]:
    moments = st.integers(0, 16_000)
    return st.builds(
        Recording,
        lags=st.lists(lag, min_size=1, max_size=3).map(tuple),
        span=st.tuples(moments, moments).map(lambda x: (min(x), max(x))),
        breaks=st.lists(
            st.tuples(moments, st.sampled_from([0, 1, 700, 3000]), st.booleans()),
            max_size=2,
        ).map(tuple),
        is_whole=st.sampled_from([False, False, False, True]),
    )


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 20, 300, 1100, 2500]),
        st.sampled_from(["book", "book", "trade", "flip", "flip"]),
        st.sampled_from(MARKETS),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=24,
)
ENDS = st.dictionaries(st.sampled_from(MARKETS), st.sampled_from([0, 400, 2500]))


def history(
    steps: list[tuple[int, str, str, int]], ends: dict[str, int], *, is_apart: bool
) -> Told:
    """What happens at the venue, by its clock, each numbered."""
    made: Told = []
    moment = 0
    statuses = dict.fromkeys(MARKETS, OPEN)
    for passed, kind, name, size in steps:
        moment += passed + is_apart
        event: PaperEvent
        if kind == "book":
            asks = f"{size}@0.50" if size else ""
            event = book("1@0.40", asks, market_id=name)
        elif kind == "trade":
            event = attrs.evolve(trade("0.50", "1", market_id=name))
        else:
            statuses[name] = PAUSED if statuses[name] is OPEN else OPEN
            event = attrs.evolve(change(statuses[name]), market_id=name)
        made.append((moment, _numbered(event, len(made))))
    for name, passed in ends.items():
        for status, value in ((MarketStatus.CLOSED, None), (MarketStatus.SETTLED, "1")):
            moment += passed + is_apart
            last = attrs.evolve(change(status, value), market_id=name, result="yes")
            made.append((moment, _numbered(last, len(made))))
    return made


def _numbered(event: PaperEvent, number: int) -> PaperEvent:
    if isinstance(event, OrderBook):
        return attrs.evolve(event, sequence=number)
    if isinstance(event, Trade):
        return attrs.evolve(event, trade_id=str(number))
    assert isinstance(event, MarketChange)
    return attrs.evolve(event, raw_json=str(number).encode())


def number_of(event: PaperEvent) -> int:
    if isinstance(event, OrderBook):
        assert event.sequence is not None
        return event.sequence
    if isinstance(event, Trade):
        return int(event.trade_id)
    assert isinstance(event, MarketChange)
    return int(event.raw_json)


def heard(truth: Told, by: Recording, number: int, clock: str) -> Told:
    """What a recorder receives, at moments of its own."""
    told: Told = []
    received = 0
    began, ended = (0, 10**9) if by.is_whole else by.span
    breaks = () if by.is_whole else by.breaks
    for n, (moment, event) in enumerate(truth):
        received = max(received, moment + by.lags[n % len(by.lags)])
        if began <= moment <= ended:
            nanoseconds = START + received * MILLISECOND + 1000 * number + n
            told.append((nanoseconds, _stamped(event, moment, nanoseconds, clock)))
    if by.is_whole:
        # It is there until all others are through.
        last = attrs.evolve(trade("0.50", "1", market_id="SUN"), trade_id="-1")
        told.append((START + 10**9 * MILLISECOND, last))
    for start, length, is_of_one in breaks:
        first, end = (START + x * MILLISECOND for x in (start, start + length))
        if not began <= start <= ended:
            continue
        names = MARKETS[:1] if is_of_one else ()
        told = [
            (x, event)
            for x, event in told
            if not first <= x <= end
            or isinstance(event, Gap)
            or (is_of_one and event.market_id not in names)
        ]
        lost = Gap(subject=None, market_ids=names, reason=f"{number}", at=at(first))
        told = sorted([*told, (first, lost)], key=lambda pair: pair[0])
    return told


def _stamped(event: PaperEvent, moment: int, received: int, clock: str) -> PaperEvent:
    happened = START + moment * MILLISECOND
    if clock == "none":
        return event
    if isinstance(event, OrderBook):
        since = happened if clock == "venue" else received
        return attrs.evolve(event, timestamp=at(since))
    if isinstance(event, MarketChange):
        # Of the receipt it is the time at which this recorder was sent it.
        sent = happened if clock == "venue" else (happened + received) // 2
        return attrs.evolve(event, timestamp=at(sent))
    return event


def is_of(gap: Gap, market_id: str) -> bool:
    return market_id in (gap.market_ids or MARKETS)


@settings(max_examples=200)
@given(
    STEPS,
    ENDS,
    st.lists(
        recordings(st.sampled_from([0, 5, 40, 450, 900, 1900]) | st.integers(0, 1900)),
        min_size=2,
        max_size=4,
    ),
    st.sampled_from(["venue", "none", "receipt"]),
)
def test_what_recorders_tell_together_is_what_happened(
    steps: list[tuple[int, str, str, int]],
    ends: dict[str, int],
    spans: list[Recording],
    clock: str,
) -> None:
    # Of two things in one moment of the venue nobody could say which was the last.
    truth = history(steps, ends, is_apart=clock == "venue")
    streams = [heard(truth, by, n, clock) for n, by in enumerate(spans)]
    made = merged(*streams)
    told = list(made)

    assert [moment for moment, _ in told] == sorted(moment for moment, _ in told)
    own = [x for _, x in told if isinstance(x, Gap) and not x.reason.isdecimal()]
    given_count = sum(len(x) for x in streams)
    assert made.repeated == given_count - (len(told) - len(own))
    # The same recordings twice are the recordings once.
    assert list(merged(*streams, *streams)) == told

    received = {
        (moment, number_of(x))
        for each in streams
        for moment, x in each
        if not isinstance(x, Gap)
    }
    for moment, event in told:
        if not isinstance(event, Gap):
            n = number_of(event)
            assert any(by <= moment and other == n for by, other in received)

    trades = [number_of(x) for _, x in told if isinstance(x, Trade)]
    heard_of = {n for _, n in received if n < 0 or isinstance(truth[n][1], Trade)}
    assert sorted(trades) == sorted(heard_of)

    moments = sorted({moment for each in streams for moment, _ in each})
    for name in MARKETS:
        whole = any(by.is_whole for by in spans)
        _check_books(truth, told, name, moments)
        _check_changes(truth, told, name, moments, received, is_whole=whole)


def _check_books(truth: Told, told: Told, name: str, moments: list[int]) -> None:
    """No book goes back, and none is older than a recorder is late."""
    facts = [
        (moment, number_of(x))
        for moment, x in truth
        if isinstance(x, OrderBook) and x.market_id == name
    ]
    left = deque(told)
    newest, is_known = -1, False
    for now in moments:
        while left and left[0][0] <= now:
            _, event = left.popleft()
            if isinstance(event, Gap):
                is_known = is_known and not is_of(event, name)
            elif isinstance(event, OrderBook) and event.market_id == name:
                n = number_of(event)
                assert n > newest or (n == newest and not is_known)
                newest, is_known = n, True
        if is_known:
            by_now = [n for m, n in facts if m + LATE <= (now - START) // MILLISECOND]
            assert newest >= max(by_now, default=-1)


def _check_changes(
    truth: Told,
    told: Told,
    name: str,
    moments: list[int],
    received: set[tuple[int, int]],
    *,
    is_whole: bool,
) -> None:
    """It opens by nothing that is older than a pause, and settles once."""

    def status(n: int) -> MarketStatus | None:
        event = truth[n][1]
        assert isinstance(event, MarketChange)
        return event.status

    def does(event: PaperEvent) -> bool:
        return isinstance(event, MarketChange) and event.market_id == name

    facts = [n for n, (_, x) in enumerate(truth) if does(x)]
    changes = [(moment, number_of(x)) for moment, x in told if does(x)]
    newest = -1
    for _, n in changes:
        newest = max(newest, n)
        if status(n) is OPEN:
            assert status(newest) is OPEN
    finals = {n for n in facts if status(n) is MarketStatus.SETTLED}
    known = {n for _, n in received} & finals
    assert sorted(n for _, n in changes if n in finals) == sorted(known)
    if not is_whole:
        return
    if facts:
        assert status(changes[-1][1]) is status(facts[-1])
    # What lasted was told, once everybody was as far.
    for n, following in zip(facts, [*facts[1:], None], strict=False):
        since = truth[n][0] + 2 * LATE
        until = 10**9 if following is None else truth[following][0]
        now = next((x for x in moments if x >= START + since * MILLISECOND), None)
        if now is None or now >= START + until * MILLISECOND:
            continue
        last = [status(x) for moment, x in changes if moment <= now][-1:]
        assert last == [status(n)]
