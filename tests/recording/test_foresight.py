"""What an account took is told before the books and trades that show it, and dated by these."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from unified_exchanges import BUY, Trade, exchange
from unified_exchanges.paper import OwnTake
from unified_exchanges.recording import Body, Frame, Header, Opened, Recorder
from unified_exchanges.recording.foresight import Foresight, foreseen
from unified_exchanges.recording.format import FORMAT, encode
from unified_exchanges.registry import folder

from ..paper.scene import SECOND, START, D, book, trade
from .sessions import VENUES, Stage, in_force, stage

MS = 1_000_000
ROUGH = OwnTake(
    take_id="1",
    market_id="RAIN",
    outcome="yes",
    side=BUY,
    price=D("0.55"),
    size=D(30),
    earliest=START,
    latest=START + SECOND - 1,
)
EXACT = attrs.evolve(ROUGH, latest=START)


def printed(moment: int = START + 3 * MS, **more: Any) -> Trade:
    return attrs.evolve(trade("0.55", "30", moment=moment), **more)


def owns(*events: tuple[int, object]) -> list[tuple[int, int, int]]:
    """When each is told, and between when it is known to have been."""
    return [
        (moment - START, x.earliest - START, x.latest - START)
        for moment, x in foreseen(events)
        if isinstance(x, OwnTake)
    ]


def test_it_is_told_before_all_of_up_to_five_seconds() -> None:
    early, shown = (START, book()), (START + SECOND, book())
    late = (START + 5 * SECOND + 1, EXACT)
    assert [*foreseen([early, shown, late])] == [early, (shown[0], EXACT), shown]


def test_all_else_stays_in_its_order() -> None:
    events = [(START + n * SECOND // 3, book()) for n in range(40)]
    assert [*foreseen(events)] == events
    assert [*foreseen([])] == []


@pytest.mark.parametrize("later", [-2 * MS, 0, 900 * MS])
def test_what_is_told_roughly_is_dated_by_its_trade_before_or_after(later: int) -> None:
    own, told = (START + 10 * MS, ROUGH), (START + 10 * MS + later, printed())
    events = sorted([own, told], key=lambda x: x[0])
    assert owns((START, book()), *events) == [(0, 3 * MS, 3 * MS)]


def test_a_trade_in_terms_of_the_other_outcome_dates_it_as_well() -> None:
    told = printed().in_terms_of("no")
    assert owns((START, ROUGH), (START, told)) == [(0, 3 * MS, 3 * MS)]


@pytest.mark.parametrize(
    "told",
    [
        printed(size=D(31)),
        printed(price=D("0.56")),
        printed(taker_side=BUY.opposite),
        printed(taker_side=None),
        printed(market_id="SNOW"),
        printed(is_block=True),
        printed(START + SECOND),
        printed(START - MS),
    ],
)
def test_a_trade_of_other_terms_or_another_time_does_not(told: Trade) -> None:
    rough = [(0, 0, SECOND - 1)]
    assert owns((START, told), (START, ROUGH)) == rough
    assert owns((START, ROUGH), (START, told), (START + 9 * SECOND, book())) == rough


def test_one_trade_dates_one() -> None:
    twice = attrs.evolve(ROUGH, take_id="2")
    found = owns((START, ROUGH), (START, twice), (START, printed()))
    assert found == [(0, 3 * MS, 3 * MS), (0, 0, SECOND - 1)]


def test_what_no_trade_dates_is_told_later_and_still_before_its_book() -> None:
    own = (START + MS, ROUGH)
    events = [(START, book()), own, (START + 4 * SECOND, book())]
    assert next(type(x) for _, x in foreseen(events)) is OwnTake


def taken(at_: Stage, path: Path) -> str:
    with exchange(at_.venue, **at_.account) as ex, Recorder(ex, path):
        market = next(x for x in ex.fetch_markets() if x.bid and x.ask)
        name, label = market.market_id, market.outcomes[0].label
        fills, trades = ex.watch_fills(), ex.watch_trades(name)
        in_force(ex)
        lot = market.immediate_lot(market.ask)
        size = -(-20 // lot) * lot
        for _ in range(2):
            ex.create_order(name, label, "buy", market.ask, size, time_in_force="ioc")
            fills.next(timeout=30)
            trades.next(timeout=30)
        return str(name)


@pytest.mark.parametrize("venue", VENUES)
def test_a_file_that_is_read_once_more_tells_of_wanted_markets_ahead(
    venue: str, tmp_path: Path
) -> None:
    path = tmp_path / "r.jsonl"
    with stage(venue) as at_:
        name = taken(at_, path)
    decoder = folder(venue, "decoder").DECODER
    foresight = Foresight(path, decoder)
    now = 1 << 62
    found = [*foresight.take(now, lambda x: x == name)]
    assert [x.market_id for x in found] == [name, name]
    assert [x.latest - x.earliest for x in found] == [0, 0]
    assert [*foresight.take(now, lambda _: True)] == []
    foresight.close()
    closed = Foresight(path, decoder)
    closed.close()
    assert [*closed.take(now, lambda _: True)] == []
    # What is not wanted yet is told once it is, by the next order in its market.
    begun = Foresight(path, decoder)
    moment = found[0].earliest
    assert [*begun.take(moment, lambda _: False)] == []
    assert [*begun.take(moment, lambda _: True)] == found
    begun.close()


def filled(path: Path, *moments: int) -> Foresight:
    """One over a recording of an account that is told of a fill at each of these moments."""
    url = "http://127.0.0.1:1"
    head = Header(
        format=FORMAT,
        venue="kalshi",
        environment=url,
        library="1",
        rest=url,
        at=START,
        mono=0,
        flavour="blocking",
    )
    lines = [encode(head), encode(Opened(at=START, mono=0, connection=1, url=url))]
    granted = {"type": "subscribed", "id": 1, "msg": {"channel": "fill", "sid": 1}}
    frames = [(START, granted)]
    for number, moment in enumerate(moments):
        told = {
            "trade_id": f"t{number}",
            "order_id": "o1",
            "market_ticker": "RAIN",
            "is_taker": True,
            "outcome_side": "yes",
            "book_side": "bid",
            "yes_price_dollars": "0.55",
            "count_fp": "1.00",
            "fee_cost": "0.01",
            "ts_ms": (moment - MS) // MS,
        }
        frames.append((moment, {"type": "fill", "sid": 1, "msg": told}))
    lines += [
        encode(
            Frame(
                at=moment,
                mono=moment - START,
                connection=1,
                direction="in",
                body=Body.of(json.dumps(told).encode(), redacted=False),
            )
        )
        for moment, told in frames
    ]
    path.write_bytes(b"".join(lines))
    return Foresight(path, folder("kalshi", "decoder").DECODER)


def known_at(foresight: Foresight, moment: int) -> list[str | None]:
    return [x.trade_id for x in foresight.take(moment, lambda _: True)]


@pytest.mark.parametrize("quiet", [6, 90])
def test_after_a_quiet_spell_all_that_one_order_took_is_known_before_its_books(
    quiet: int, tmp_path: Path
) -> None:
    then = START + quiet * SECOND
    foresight = filled(tmp_path / "r.jsonl", then, then, then + SECOND)
    assert known_at(foresight, then - MS) == ["t0", "t1", "t2"]
    assert known_at(foresight, then + 9 * SECOND) == []
    foresight.close()


def test_nothing_is_known_a_quiet_spell_before_it_happens(tmp_path: Path) -> None:
    then = START + 90 * SECOND
    foresight = filled(tmp_path / "r.jsonl", then, then + SECOND)
    # Whoever knew it would have forgotten it by then.
    assert known_at(foresight, START + SECOND) == []
    assert known_at(foresight, then - MS) == ["t0", "t1"]
    foresight.close()


def test_of_trades_that_are_alike_its_transaction_tells_which_it_was() -> None:
    theirs = printed(START + 3 * MS, transaction="0xtheirs")
    ours = printed(START + 500 * MS, transaction="0xours")
    last = printed(START + 900 * MS, transaction="0xlast")
    own = attrs.evolve(ROUGH, transaction="0xours")
    told = [(START + 910 * MS, x) for x in (theirs, ours, last)]
    found = owns(*told, (START + 920 * MS, own))
    assert found == [(910 * MS, 500 * MS, 500 * MS)]
    # Whose it was may be told before the trade.
    found = owns((START + 905 * MS, own), *told)
    assert found == [(910 * MS, 500 * MS, 500 * MS)]
    # A match may be told before it has one: then the last of them, told just before.
    found = owns(*told, (START + 920 * MS, ROUGH))
    assert found == [(910 * MS, 900 * MS, 900 * MS)]


def test_a_step_of_its_settlement_that_tells_the_transaction_dates_it() -> None:
    theirs = printed(START + 700 * MS, transaction="0xtheirs")
    ours = printed(START + 500 * MS, transaction="0xours")
    first = attrs.evolve(ROUGH, latest=START + SECOND - 1)
    second = attrs.evolve(first, transaction="0xours")
    events = [(START + 800 * MS, first), (START + 850 * MS, second)]
    events += [(START + 900 * MS, x) for x in (theirs, ours)]  # type: ignore[list-item]
    assert [x[1:] for x in owns(*events)] == [(500 * MS, 500 * MS)]
    # Once it is known no later step finds another trade.
    events.append((START + 950 * MS, second))
    twin = printed(START + 960 * MS)
    events.append((START + 970 * MS, twin))  # type: ignore[arg-type]
    events.append((START + 980 * MS, second))
    assert len(owns(*events)) == 1


@pytest.mark.parametrize("settled", [200 * MS, 2_500 * MS])
def test_one_like_it_before_is_not_it_where_its_transaction_is_told_later(
    settled: int,
) -> None:
    theirs = printed(START + 3 * MS, transaction="0xtheirs")
    ours = printed(START + 60 * MS, transaction="0xours")
    step = attrs.evolve(ROUGH, transaction="0xours")
    found = owns(
        (START + 4 * MS, theirs),
        (START + 61 * MS, ROUGH),
        (START + 63 * MS, ours),
        (START + 61 * MS + settled, step),
        (START + 9 * SECOND, step),
    )
    assert [x[1:] for x in found] == [(60 * MS, 60 * MS)]


def test_where_it_is_never_told_it_was_the_one_told_nearest() -> None:
    trades = [(START + n * MS, printed(START + n * MS)) for n in (3, 60, 90)]
    found = owns(*trades[:2], (START + 61 * MS, ROUGH), trades[2])
    assert [x[1:] for x in found] == [(60 * MS, 60 * MS)]


@pytest.mark.parametrize("later", [5 * MS, 900 * MS])
def test_a_trade_that_is_told_just_after_it_is_nearer_than_one_of_before(
    later: int,
) -> None:
    theirs = printed(START + 3 * MS, transaction="0xtheirs")
    ours = printed(START + 60 * MS, transaction="0xours")
    events = [(START + 4 * MS, theirs), (START + 58 * MS, ROUGH)]
    events.append((START + 58 * MS + later, ours))
    nearest = 60 * MS if later < 54 * MS else 3 * MS
    assert [x[1:] for x in owns(*events)] == [(nearest, nearest)]


def test_a_step_that_tells_the_transaction_undoes_what_was_only_near() -> None:
    theirs = printed(START + 3 * MS, transaction="0xtheirs")
    ours = printed(START + 60 * MS, transaction="0xours")
    step = attrs.evolve(ROUGH, transaction="0xours")
    told = [(START + 4 * MS, ours), (START + 57 * MS, theirs)]
    events = [*told, (START + 58 * MS, ROUGH), (START + 900 * MS, step)]
    assert [x[1:] for x in owns(*events)] == [(60 * MS, 60 * MS)]


def test_what_is_told_long_after_its_trade_waits_for_no_other() -> None:
    own = (START + 4_900 * MS, ROUGH)
    events = [(START + 4 * MS, printed()), own, (START + 5_800 * MS, book())]
    assert owns(*events) == [(4 * MS, 3 * MS, 3 * MS)]


def test_a_later_step_of_one_keeps_its_place_before_what_was_heard_after_it() -> None:
    first = attrs.evolve(ROUGH, take_id="first")
    second = attrs.evolve(ROUGH, take_id="second", size=D(7))
    step = attrs.evolve(first, transaction="0xours")
    events = [
        (START, first),
        (START + 2 * SECOND, second),
        (START + 21 * SECOND // 10, step),
    ]
    told = [x.take_id for _, x in foreseen(events) if isinstance(x, OwnTake)]
    assert told == ["first", "second"]


@pytest.mark.parametrize("hours", [0.5, 2])
def test_what_no_trade_dates_is_remembered_for_an_hour(hours: float) -> None:
    later = START + int(hours * 3_600) * SECOND
    other = attrs.evolve(ROUGH, take_id="other")
    events = [(START, ROUGH), (later, other), (later + 9 * SECOND, ROUGH)]
    told = [x.take_id for _, x in foreseen(events) if isinstance(x, OwnTake)]
    assert told == ["1", "other", *["1"] * (hours > 1)]


@pytest.mark.parametrize("first", [True, False])
def test_the_trades_of_several_makers_date_it_by_its_transaction(first: bool) -> None:
    parts = [
        (
            START + (60 + n) * MS,
            printed(START + 60 * MS, size=D(size), transaction="0xours"),
        )
        for n, size in enumerate((20, 10))
    ]
    told = (START + 61 * MS, attrs.evolve(ROUGH, transaction="0xours"))
    events = sorted([*parts, told], key=lambda x: x[0])
    if first:
        events = [(START, told[1]), *parts]
    assert [x[1:] for x in owns(*events)] == [(60 * MS, 60 * MS)]
    # Of another transaction, or of more than it took, they do not.
    other = attrs.evolve(ROUGH, transaction="0xother")
    assert [x[1:] for x in owns((START, other), *parts)] == [(0, SECOND - 1)]
    less = attrs.evolve(ROUGH, transaction="0xours", size=D(9))
    assert [x[1:] for x in owns((START, less), *parts)] == [(0, SECOND - 1)]


def test_trades_of_one_transaction_that_are_all_of_it_date_it_before_it_has_one() -> (
    None
):
    sizes = (20, 10)
    events = [
        (START + (60 + n) * MS, printed(size=D(size), transaction="0xours"))
        for n, size in enumerate(sizes)
    ]
    # A trade as large that is a part of what another took is none.
    for n, size in enumerate((30, 5)):
        theirs = printed(size=D(size), transaction="0xtheirs")
        events.append((START + (62 + n) * MS, theirs))
    told: list[tuple[int, object]] = [*events, (START + 70 * MS, ROUGH)]
    [own] = [x for _, x in foreseen(told) if isinstance(x, OwnTake)]
    assert (own.earliest, own.transaction) == (START + 3 * MS, "0xours")
