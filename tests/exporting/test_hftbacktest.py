"""Exports run in the real hftbacktest: it shows the book that our replay shows."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import hftbacktest as hft
import numpy as np
import pytest
from hftbacktest.data import validate_event_order

from unified_exchanges import BadRequest, exchange
from unified_exchanges.exporting import HftbacktestFile, to_hftbacktest
from unified_exchanges.grid import PriceGrid
from unified_exchanges.models import MarketStatus, OrderBook, Outcome, Side, Trade
from unified_exchanges.recording import Recorder
from unified_exchanges.research import convert
from unified_exchanges.strategies import contract_of

from ..recording.sessions import VENUES, stage
from .recordings import (
    BEGIN,
    MILLI,
    Recorded,
    book,
    change,
    gap,
    market,
    recorded_on,
    trade,
)

Top = tuple[Decimal, Decimal, Decimal, Decimal]
"""Best bid and ask with their sizes; -1 where there is none."""
NONE = Decimal(-1)


def engine(made: HftbacktestFile) -> Any:
    asset = (
        hft.BacktestAsset()
        .data(str(made.path))
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(float(made.tick_size))
        .lot_size(float(made.lot_size))
        .last_trades_capacity(1_000)
    )
    return hft.HashMapMarketDepthBacktest([asset])


def tops(made: HftbacktestFile, moments: list[int]) -> list[Top]:
    """What hftbacktest shows once each moment is over."""
    running = engine(made)
    found = []
    # The clock of the engine begins at the first event.
    running.elapse(0)
    for moment in moments:
        running.elapse(moment - running.current_timestamp)
        depth = running.depth(0)
        found.append(
            (
                _price(depth.best_bid, depth.best_bid_qty),
                _price(depth.best_bid_qty, depth.best_bid_qty),
                _price(depth.best_ask, depth.best_ask_qty),
                _price(depth.best_ask_qty, depth.best_ask_qty),
            )
        )
    running.close()
    return found


def _price(number: float, size: float) -> Decimal:
    # Its floats are ticks times the tick: the tenth place is its arithmetic.
    return NONE if not size else Decimal(repr(round(number, 9))).normalize()


def top(shown: OrderBook | None) -> Top:
    bid, ask = (shown.bid, shown.ask) if shown is not None else (None, None)
    return (
        NONE if bid is None else bid.price.normalize(),
        NONE if bid is None else bid.size.normalize(),
        NONE if ask is None else ask.price.normalize(),
        NONE if ask is None else ask.size.normalize(),
    )


@pytest.fixture(scope="module", params=VENUES)
def session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Recorded:
    return recorded_on(request.param, tmp_path_factory.mktemp("r") / "session.jsonl")


def test_hftbacktest_shows_the_book_of_our_replay_after_each_moment(
    session: Recorded, tmp_path: Path
) -> None:
    made = to_hftbacktest(session.path, session.market, tmp_path / "m.npz")
    after = {m: top(e) for m, e in session.seen() if isinstance(e, OrderBook)}
    assert len(set(after.values())) > 6
    assert tops(made, list(after)) == list(after.values())


def test_hftbacktest_shows_every_level_of_our_replay(
    session: Recorded, tmp_path: Path
) -> None:
    made = to_hftbacktest(session.path, session.market, tmp_path / "m.npz")
    moment, last = [x for x in session.seen() if isinstance(x[1], OrderBook)][-1]
    assert isinstance(last, OrderBook)
    running = engine(made)
    running.elapse(0)
    running.elapse(moment - running.current_timestamp)
    depth, ticks = running.depth(0), round(1 / made.tick_size)
    bids, asks = (
        {n * made.tick_size: size for n in range(ticks + 1) if (size := of(n))}
        for of in (depth.bid_qty_at_tick, depth.ask_qty_at_tick)
    )
    running.close()
    assert bids == {x.price: float(x.size) for x in last.bids}
    assert asks == {x.price: float(x.size) for x in last.asks}


@pytest.mark.parametrize("times", ["received", "venue"])
def test_files_of_recordings_are_in_the_order_that_hftbacktest_wants(
    session: Recorded, tmp_path: Path, times: Any
) -> None:
    made = to_hftbacktest(
        session.path, session.market, tmp_path / "m.npz", exchange_times=times
    )
    array = np.load(made.path)["data"]
    validate_event_order(array)
    assert (array["exch_ts"] <= array["local_ts"]).all()
    assert (array["exch_ts"] < array["local_ts"]).any() == (times == "venue")


def test_events_that_go_back_in_time_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="go back by 1000000 ns"):
        exported([book(*FIRST, n=1), book(*FIRST)], tmp_path)


def test_hftbacktest_is_told_each_trade_with_its_side(
    session: Recorded, tmp_path: Path
) -> None:
    made = to_hftbacktest(session.path, session.market, tmp_path / "m.npz")
    trades = [e for _, e in session.seen() if isinstance(e, Trade)]
    running = engine(made)
    running._goto_end()
    told = [
        (
            Side.BUY if int(x["ev"]) & hft.BUY_EVENT else Side.SELL,
            Decimal(repr(float(x["px"]))),
            Decimal(repr(float(x["qty"]))),
        )
        for x in running.last_trades(0)
    ]
    running.close()
    assert len(trades) >= 6
    assert made.trades == len(trades)
    assert told == [(x.taker_side, x.price, x.size) for x in trades]
    # Each once, whichever outcome was taken, though both were followed.
    assert {x.taker_side for x in trades} == set(Side)
    assert sum(size for _, _, size in told) == session.bought


def test_an_order_in_hftbacktest_takes_what_the_recording_displays(
    session: Recorded, tmp_path: Path
) -> None:
    made = to_hftbacktest(session.path, session.market, tmp_path / "m.npz")
    moment, shown = next((m, e) for m, e in session.seen() if isinstance(e, OrderBook))
    assert shown.ask is not None
    running = engine(made)
    running.elapse(0)
    running.elapse(moment + 1 - running.current_timestamp)
    price = float(shown.ask.price)
    running.submit_buy_order(0, 1, price, 3.0, hft.GTC, hft.LIMIT, True)
    order = running.orders(0).get(1)
    assert (running.position(0), order.exec_price) == (3.0, pytest.approx(price))
    running.close()


def test_who_buys_the_other_outcome_takes_the_bid_of_this_one(tmp_path: Path) -> None:
    events = [
        book(*FIRST),
        trade("0.60", "15", Side.BUY, n=9, outcome="no"),
        book("b 0.40 7", n=20),
    ]
    made = exported(events, tmp_path)
    assert made.trades == 1
    running = engine(made)
    running.elapse(MILLI)
    running.submit_buy_order(0, 1, 0.40, 8.0, hft.GTC, hft.LIMIT, True)
    running.elapse(10 * MILLI)
    # Ten were ahead of it, and fifteen were taken.
    assert running.orders(0).get(1).leaves_qty == 3.0
    running.close()


def test_a_trade_that_is_told_of_both_outcomes_is_written_once(tmp_path: Path) -> None:
    def told(outcome: str, price: str, n: int, transaction: str | None) -> Any:
        moment, made = trade(price, "5", Side.BUY, n=n, outcome=outcome)
        return moment, attrs.evolve(made, transaction=transaction)

    events = [
        book(*FIRST),
        told("no", "0.60", 1, "0x1"),
        # As whoever was taken had it: one order takes in a transaction, of one outcome.
        told("yes", "0.40", 1, "0x1"),
        # Another part of that order.
        told("no", "0.61", 1, "0x1"),
        told("yes", "0.60", 2, "0x2"),
        told("no", "0.60", 3, None),
        told("yes", "0.60", 4, None),
    ]
    array = np.load(exported(events, tmp_path).path)["data"]
    trades = array[array["ev"] & 0xFF == hft.TRADE_EVENT]
    assert [(float(x["px"]), bool(int(x["ev"]) & hft.BUY_EVENT)) for x in trades] == [
        (0.4, False),
        (0.39, False),
        (0.6, True),
        (0.4, False),
        (0.6, True),
    ]


def test_an_outcome_that_bears_its_id_is_the_same_outcome(tmp_path: Path) -> None:
    outcomes = (Outcome("yes", "71", "Rain"), Outcome("no", "72", "Dry"))
    events = [
        book(*FIRST, outcome="71"),
        trade("0.60", "1", Side.BUY, n=1, outcome="71"),
        trade("0.60", "1", Side.BUY, n=2, outcome="72"),
    ]
    made = exported(events, tmp_path, market=market(outcomes=outcomes))
    array = np.load(made.path)["data"]
    trades = array[array["ev"] & 0xFF == hft.TRADE_EVENT]
    assert [float(x) for x in trades["px"]] == [0.6, 0.4]


def test_a_trade_of_an_outcome_that_the_market_does_not_have_is_refused(
    tmp_path: Path,
) -> None:
    events = [book(*FIRST), trade("0.60", "1", Side.BUY, n=1, outcome="maybe")]
    with pytest.raises(BadRequest, match="M has no outcome 'maybe'; it has: yes, no"):
        exported(events, tmp_path)


def test_tables_give_the_file_of_their_recording(
    session: Recorded, tmp_path: Path
) -> None:
    convert(session.path, tmp_path / "tables")
    arrays = [
        np.load(to_hftbacktest(data, session.market, tmp_path / name).path)["data"]
        for data, name in (
            (session.path, "recording.npz"),
            (tmp_path / "tables", "tables.npz"),
        )
    ]
    assert arrays[0].tobytes() == arrays[1].tobytes()


@pytest.mark.parametrize("venue", VENUES)
def test_tables_of_several_recordings_give_the_file_of_their_recordings(
    venue: str, tmp_path: Path
) -> None:
    """Also where one that ends is followed by another, of other markets."""
    paths = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    with stage(venue) as at:
        with exchange(at.venue, **at.account) as ex:
            found = [x for x in ex.fetch_markets() if x.bid and x.ask][:2]
        for path, each in zip(paths, found, strict=True):
            with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
                contract_of(ex, each.market_id)
                with ex.watch_order_book(each.market_id) as books:
                    books.next(timeout=10)
    convert(paths, tmp_path / "tables")
    arrays = [
        np.load(to_hftbacktest(data, found[0], tmp_path / name).path)["data"]
        for data, name in ((paths, "r.npz"), (tmp_path / "tables", "t.npz"))
    ]
    assert arrays[0].tobytes() == arrays[1].tobytes()


def test_of_tables_only_the_files_of_the_market_are_read(
    session: Recorded, tmp_path: Path
) -> None:
    tables = tmp_path / "tables"
    convert(session.path, tables)
    [venue] = tables.glob(f"books/recording=*/venue={session.market.venue}")
    other = venue / "market=OTHER" / "day=1"
    other.mkdir(parents=True)
    (other / "part-0.parquet").write_text("nothing that can be read")
    assert to_hftbacktest(tables, session.market, tmp_path / "m.npz").trades >= 6
    with pytest.raises(BadRequest, match="of M"):
        to_hftbacktest(tables, market(), tmp_path / "n.npz")


def exported(events: list[Any], path: Path, **how: Any) -> HftbacktestFile:
    return to_hftbacktest(events, how.pop("market", market()), path / "m.npz", **how)


def shown_after(events: list[Any], path: Path, **how: Any) -> list[Top]:
    moments = list(dict.fromkeys(moment for moment, _ in events))
    return tops(exported(events, path, **how), moments)


FIRST = ("b 0.40 10", "a 0.60 5.25")
BOTH = tuple(map(Decimal, ("0.4", "1E+1", "0.6", "5.25")))
EMPTY = (NONE, NONE, NONE, NONE)


def test_the_book_is_empty_from_a_gap_to_the_next_whole_one(tmp_path: Path) -> None:
    events = [book(*FIRST), gap(1), book("b 0.30 7", "a 0.60 5.25", n=2)]
    assert shown_after(events, tmp_path) == [
        BOTH,
        EMPTY,
        tuple(map(Decimal, ("0.3", "7", "0.6", "5.25"))),
    ]


@pytest.mark.parametrize("status", ["unopened", "paused", "closed", "settled"])
def test_nothing_is_displayed_while_nothing_trades(tmp_path: Path, status: str) -> None:
    events = [
        book(*FIRST),
        change(1, MarketStatus(status)),
        book("b 0.41 10", n=2),
        change(3, MarketStatus.UNKNOWN),
    ]
    assert shown_after(events, tmp_path) == [BOTH, EMPTY, EMPTY, EMPTY]


def test_the_book_is_back_when_the_market_trades_again(tmp_path: Path) -> None:
    events = [
        book(*FIRST),
        change(1, MarketStatus.PAUSED),
        change(2, MarketStatus.OPEN),
    ]
    assert shown_after(events, tmp_path) == [BOTH, EMPTY, BOTH]


def test_a_bid_where_the_ask_was_does_not_cross_in_between(tmp_path: Path) -> None:
    events = [
        book("b 0.40 10", "a 0.42 5", "a 0.45 9"),
        book("b 0.43 8", "b 0.42 3", "a 0.45 9", n=1),
    ]
    assert shown_after(events, tmp_path)[-1] == tuple(
        map(Decimal, ("0.43", "8", "0.45", "9"))
    )


def test_the_tick_is_the_finest_that_the_market_had(tmp_path: Path) -> None:
    events = [
        book(*FIRST),
        change(1, grid="0.001"),
        book("b 0.401 10", "a 0.60 5.25", n=2),
    ]
    made = exported(events, tmp_path)
    assert made.tick_size == Decimal("0.001")
    assert tops(made, [BEGIN + 2 * MILLI])[0][0] == Decimal("0.401")


def test_tapered_grids_have_one_tick(tmp_path: Path) -> None:
    grid = PriceGrid.of("0 0.10 0.001", "0.10 0.90 0.01", "0.90 1 0.001")
    made = exported([book("b 0.001 1")], tmp_path, market=market(grid=grid))
    assert made.tick_size == Decimal("0.001")


def test_a_grid_of_which_no_step_divides_the_others_has_a_finer_tick(
    tmp_path: Path,
) -> None:
    grid = PriceGrid.of("0 0.10 0.002", "0.10 0.90 0.005", "0.90 1 0.002")
    events = [book("b 0.405 10", "a 0.408 5.25"), book("b 0.098 1", "a 0.902 2", n=1)]
    made = exported(events, tmp_path, market=market(grid=grid))
    assert made.tick_size == Decimal("0.001")
    assert [top[::2] for top in tops(made, [BEGIN, BEGIN + MILLI])] == [
        (Decimal("0.405"), Decimal("0.408")),
        (Decimal("0.098"), Decimal("0.902")),
    ]


def test_what_a_contract_pays_is_told_beside_the_file(tmp_path: Path) -> None:
    events = [book(*FIRST), change(1, MarketStatus.SETTLED, value="0")]
    assert exported(events, tmp_path).settlement_value == 0


def test_the_lot_is_as_fine_as_the_sizes_are(tmp_path: Path) -> None:
    events = [book("b 0.40 219.217767", "a 0.60 0.004")]
    made = exported(events, tmp_path)
    assert made.lot_size == Decimal("0.000001")
    [shown] = tops(made, [BEGIN])
    assert shown[1::2] == (Decimal("219.217767"), Decimal("0.004"))


def test_venue_times_are_kept_and_never_go_back(tmp_path: Path) -> None:
    events = [
        book(*FIRST, late=5),
        trade("0.60", "1", Side.BUY, n=10, late=12),
        (BEGIN + 20 * MILLI, attrs.evolve(book("b 0.40 9")[1], timestamp=None)),
    ]
    made = exported(events, tmp_path, exchange_times="venue")
    array = np.load(made.path)["data"]
    at = [(int(x["exch_ts"]) - BEGIN) // MILLI for x in array]
    received = [(int(x["local_ts"]) - BEGIN) // MILLI for x in array]
    # The trade: received 10 ms after the first book, and 12 ms old.
    assert at == [-5, -5, -5, -2, 20, 20]
    assert received == [0, 0, 0, 10, 20, 20]
    validate_event_order(array)


def test_a_venue_time_after_the_receipt_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"of M .*the clocks disagree"):
        exported([book(*FIRST, late=-1)], tmp_path, exchange_times="venue")
    assert not list(tmp_path.iterdir())


def test_trades_outside_the_book_are_left_out(tmp_path: Path) -> None:
    events = [
        book(*FIRST),
        trade("0.60", "1", Side.BUY, n=1, is_block=True),
        trade("0.60", "2", None, n=2),
    ]
    assert exported(events, tmp_path).trades == 1


@pytest.mark.parametrize(
    ("levels", "why"),
    [
        ("b 0.405 10", "price 0.405 of M is not exactly a multiple of 0.01"),
        # Its float is 9007199254740993.0 no more.
        ("b 0.40 9007199254740993", "size 9007199254740993 of M is not exactly"),
    ],
)
def test_what_a_float_would_change_is_refused(
    tmp_path: Path, levels: str, why: str
) -> None:
    with pytest.raises(BadRequest, match=why):
        exported([book(levels)], tmp_path)
    assert not list(tmp_path.iterdir())


def test_grids_one_after_another_have_a_tick_in_common(tmp_path: Path) -> None:
    events = [book(*FIRST), change(1, grid="0.04"), change(2, grid="0.025")]
    assert exported(events, tmp_path).tick_size == Decimal("0.005")


def test_a_crossed_book_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"a bid of 0\.6 and an ask of 0.6"):
        exported([book("b 0.60 1", "a 0.60 1")], tmp_path)


def test_a_book_of_the_other_outcome_is_left_out(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="tell nothing of M"):
        exported([book(*FIRST, outcome="no")], tmp_path)


def test_files_are_not_written_over_and_end_in_npz(tmp_path: Path) -> None:
    exported([book(*FIRST)], tmp_path)
    with pytest.raises(BadRequest, match="not written over"):
        exported([book(*FIRST)], tmp_path)
    with pytest.raises(BadRequest, match=r"ends in \.npz"):
        to_hftbacktest([book(*FIRST)], market(), tmp_path / "m.npy")


def test_without_hftbacktest_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "hftbacktest", None)
    with pytest.raises(ImportError, match=r"'\.\[hftbacktest\]'"):
        exported([book(*FIRST)], tmp_path)


def test_what_is_given_wrongly_is_refused_before_anything_is_read(
    tmp_path: Path,
) -> None:
    given: Any
    out = tmp_path / "m.npz"
    for given in (None, 5, "M"):
        with pytest.raises(BadRequest, match=r"^market=.*: give a Market"):
            to_hftbacktest([book(*FIRST)], given, out)
        with pytest.raises(
            BadRequest, match=r"^exchange_times=.*: give \"received\" or"
        ):
            to_hftbacktest([book(*FIRST)], market(), out, exchange_times=given)
    for given in (None, 5):
        with pytest.raises(BadRequest, match=r"^out=.*: give the path"):
            to_hftbacktest([book(*FIRST)], market(), given)
        with pytest.raises(BadRequest, match=r"^data=.*: give the path"):
            to_hftbacktest(given, market(), out)
    assert not out.exists()
