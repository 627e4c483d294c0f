"""Exports run in the real nautilus_trader: it shows the book that our replay shows."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from unified_exchanges import BadRequest
from unified_exchanges.exporting import (
    NautilusData,
    to_nautilus,
    to_nautilus_catalog,
)
from unified_exchanges.grid import PriceGrid
from unified_exchanges.models import MarketStatus, OrderBook, Side, Trade
from unified_exchanges.paper import nanoseconds

from ..guards import ROOT
from ..recording.sessions import VENUES
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

# It wants an older pandas than the rest is tested with: `tox -e nautilus` has it.
pytest.importorskip("nautilus_trader")

from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import OrderBookDelta, OrderBookDeltas, TradeTick
from nautilus_trader.model.enums import (
    AccountType,
    AggressorSide,
    BookType,
    OmsType,
    OrderSide,
)
from nautilus_trader.model.objects import Money
from nautilus_trader.persistence.catalog import ParquetDataCatalog
from nautilus_trader.trading.strategy import Strategy

pytestmark = pytest.mark.filterwarnings("ignore")

Top = tuple[Decimal | None, ...]


class Watching(Strategy):  # type: ignore[misc]
    """Notes the top of the book after each moment, and buys once, if it is told to."""

    def __init__(self, instrument: Any, size: str | None) -> None:
        super().__init__()
        self.instrument = instrument
        self.size = size
        self.tops: dict[int, Top] = {}
        self.ticks: list[Any] = []
        self.fills: list[tuple[Decimal, Decimal]] = []
        self.levels: dict[int, tuple[Any, Any]] = {}

    def on_start(self) -> None:
        name = self.instrument.id
        self.subscribe_order_book_deltas(name, BookType.L2_MBP)
        self.subscribe_trade_ticks(name)

    def on_order_book_deltas(self, deltas: Any) -> None:
        shown = self.cache.order_book(self.instrument.id)
        found = (
            shown.best_bid_price(),
            shown.best_bid_size(),
            shown.best_ask_price(),
            shown.best_ask_size(),
        )
        self.tops[deltas.ts_init] = tuple(x and x.as_decimal() for x in found)
        self.levels[deltas.ts_init] = tuple(
            [(x.price.as_decimal(), Decimal(str(x.size()))) for x in side]
            for side in (shown.bids(), shown.asks())
        )
        if self.size is not None and found[2] is not None:
            size = self.instrument.make_qty(Decimal(self.size))
            self.size = None
            self.submit_order(
                self.order_factory.market(self.instrument.id, OrderSide.BUY, size)
            )

    def on_trade_tick(self, tick: Any) -> None:
        self.ticks.append(tick)

    def on_order_filled(self, event: Any) -> None:
        self.fills.append((event.last_px.as_decimal(), event.last_qty.as_decimal()))


def ran(instrument: Any, events: Any, size: str | None = None) -> Watching:
    quiet = BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True))
    engine = BacktestEngine(config=quiet)
    engine.add_venue(
        venue=instrument.id.venue,
        oms_type=OmsType.NETTING,
        account_type=AccountType.CASH,
        base_currency=USD,
        starting_balances=[Money(10_000, USD)],
        book_type=BookType.L2_MBP,
    )
    engine.add_instrument(instrument)
    engine.add_data(list(events))
    watching = Watching(instrument, size)
    engine.add_strategy(watching)
    engine.run()
    engine.dispose()
    return watching


def exported(events: list[Any], **how: Any) -> NautilusData:
    return to_nautilus(events, how.get("market", market()))


def run_of(made: NautilusData) -> Watching:
    return ran(made.instrument, made.events)


@pytest.fixture(scope="module", params=VENUES)
def session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Recorded:
    return recorded_on(request.param, tmp_path_factory.mktemp("r") / "session.jsonl")


def seen(session: Recorded, kind: Any) -> list[tuple[int, Any]]:
    """What our own replay tells of the first outcome."""
    return [
        (moment, event) for moment, event in session.seen() if isinstance(event, kind)
    ]


def top(shown: OrderBook) -> Top:
    bid, ask = shown.bid, shown.ask
    return (
        bid and bid.price,
        bid and bid.size,
        ask and ask.price,
        ask and ask.size,
    )


SIDES = {Side.BUY: AggressorSide.BUYER, Side.SELL: AggressorSide.SELLER}


def test_nautilus_shows_the_books_and_trades_of_our_replay(session: Recorded) -> None:
    watching = run_of(to_nautilus(session.path, session.market))
    books = {moment: top(event) for moment, event in seen(session, OrderBook)}
    # A book that was told again unchanged is no change there.
    assert len(set(watching.tops.values())) > 6
    assert watching.tops.items() <= books.items()
    last: Top | None = None
    for moment, shown in books.items():
        last = watching.tops.get(moment, last)
        assert last == shown
    moment, whole = seen(session, OrderBook)[-1]
    assert watching.levels[moment] == tuple(
        [(x.price, x.size) for x in side] for side in (whole.bids, whole.asks)
    )
    trades = seen(session, Trade)
    assert len(trades) >= 6
    assert [
        (x.ts_init, x.price.as_decimal(), x.size.as_decimal(), x.aggressor_side)
        for x in watching.ticks
    ] == [(at, x.price, x.size, SIDES[x.taker_side]) for at, x in trades]
    # Each once, whichever outcome was taken, though both were followed.
    assert {x.aggressor_side for x in watching.ticks} == set(SIDES.values())
    assert sum(x.size.as_decimal() for x in watching.ticks) == session.bought


def test_an_order_in_nautilus_takes_what_the_recording_displays(
    session: Recorded,
) -> None:
    made = to_nautilus(session.path, session.market)
    [(_, shown), *_] = seen(session, OrderBook)
    assert ran(made.instrument, made.events, "7").fills == [
        (shown.ask.price, Decimal(7))
    ]


def test_a_catalog_gives_the_same_run(session: Recorded, tmp_path: Path) -> None:
    made = to_nautilus_catalog(session.path, session.market, tmp_path / "catalog")
    catalog = ParquetDataCatalog(str(tmp_path / "catalog"))
    [instrument] = catalog.instruments()
    name = instrument.id.value
    deltas = catalog.order_book_deltas(instrument_ids=[name])
    ticks = catalog.trade_ticks(instrument_ids=[name])
    assert len(deltas) == sum(
        len(x.deltas) for x in made.events if isinstance(x, OrderBookDeltas)
    )
    assert all(isinstance(x, OrderBookDelta) for x in deltas)
    stored = ran(instrument, [*OrderBookDeltas.batch(deltas), *ticks])
    fresh = run_of(made)
    assert stored.tops == fresh.tops
    assert list(map(str, stored.ticks)) == list(map(str, fresh.ticks))
    with pytest.raises(BadRequest, match="not written over"):
        to_nautilus_catalog(session.path, session.market, tmp_path / "catalog")


def test_the_instrument_is_the_first_outcome(session: Recorded) -> None:
    told = session.market
    made = to_nautilus(session.path, told).instrument
    assert str(made.id) == f"{told.market_id}.{told.venue.upper()}"
    assert made.outcome == told.outcomes[0].label
    assert made.price_increment.as_decimal() == min(x.step for x in told.grid.bands)
    assert made.size_increment.as_decimal() == told.lot
    assert (made.maker_fee, made.taker_fee) == (0, 0)
    assert made.expiration_ns == nanoseconds(told.expires_at or told.closes_at)


FIRST = ("b 0.40 10", "a 0.60 5.25")
BOTH = tuple(map(Decimal, ("0.4", "10", "0.6", "5.25")))
EMPTY = (None, None, None, None)


def tops_of(events: list[Any]) -> dict[int, Top]:
    found = run_of(exported(events)).tops
    return {(moment - BEGIN) // MILLI: top for moment, top in found.items()}


def test_the_book_is_empty_from_a_gap_to_the_next_whole_one() -> None:
    assert tops_of([book(*FIRST), gap(1), book(*FIRST, n=2)]) == {
        0: BOTH,
        1: EMPTY,
        2: BOTH,
    }


def test_nothing_is_displayed_while_nothing_trades() -> None:
    events = [
        book(*FIRST),
        change(1, MarketStatus.PAUSED),
        change(2, MarketStatus.OPEN),
        change(3, MarketStatus.CLOSED),
        change(4, MarketStatus.SETTLED, value="1"),
    ]
    assert tops_of(events) == {0: BOTH, 1: EMPTY, 2: BOTH, 3: EMPTY}
    assert exported(events).settlement_value == 1
    assert exported(events[:4]).settlement_value is None


def test_prices_have_the_places_of_the_finest_tick() -> None:
    events = [book(*FIRST), change(1, grid="0.001"), book("b 0.401 10", n=2)]
    made = exported(events)
    assert str(made.instrument.price_increment) == "0.001"
    assert str(made.events[0].deltas[1].order.price) == "0.400"
    assert tops_of(events)[2] == (Decimal("0.401"), Decimal(10), None, None)


def test_prices_of_steps_that_do_not_divide_each_other_have_one_increment() -> None:
    grid = PriceGrid.of("0 0.10 0.002", "0.10 0.90 0.005", "0.90 1 0.002")
    events = [book("b 0.405 10"), book("a 0.902 2", n=1)]
    made = exported(events, market=market(grid=grid))
    assert str(made.instrument.price_increment) == "0.001"
    assert str(made.events[0].deltas[1].order.price) == "0.405"


def test_sizes_have_the_places_that_they_need() -> None:
    events = [book("b 0.40 219.217767", "a 0.60 0.004")]
    assert str(exported(events).instrument.size_increment) == "0.000001"
    assert tops_of(events)[0][1::2] == (Decimal("219.217767"), Decimal("0.004"))


def test_times_are_the_venues_and_that_of_the_receipt() -> None:
    made = exported([book(*FIRST, late=5), trade("0.60", "1", None, n=9, late=2)])
    shown, tick = made.events
    assert (shown.ts_event, shown.ts_init) == (BEGIN - 5 * MILLI, BEGIN)
    assert (tick.ts_event, tick.ts_init) == (BEGIN + 7 * MILLI, BEGIN + 9 * MILLI)
    assert tick.aggressor_side == AggressorSide.NO_AGGRESSOR


def test_long_trade_ids_keep_their_end() -> None:
    moment, told = trade("0.60", "1", Side.BUY)
    long = attrs.evolve(told, trade_id="0x" + "ab" * 31 + "c")
    [tick] = [x for x in exported([(moment, long)]).events if isinstance(x, TradeTick)]
    assert str(tick.trade_id) == long.trade_id[-36:]


@pytest.mark.parametrize(
    ("levels", "why"),
    [
        ("b 0.405 10", r"price 0\.405 of M is not a multiple of 0\.01"),
        (
            "b 0.40 900719925474099300000",
            "nautilus_trader cannot hold the size .* of M",
        ),
    ],
)
def test_what_cannot_be_held_exactly_is_refused(levels: str, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        exported([book(levels)])


def test_data_without_the_market_are_refused() -> None:
    with pytest.raises(BadRequest, match="tell nothing of M"):
        exported([book(*FIRST, outcome="no")])


def test_the_example_of_the_page_runs(
    session: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "exporting.md").read_text()
    [code] = re.findall(r"^```py\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(session.path.parent)
    session.path.with_name("day.jsonl").write_bytes(session.path.read_bytes())
    names: dict[str, Any] = {"market": session.market}
    exec(code, names)  # noqa: S102 - it is our own
    assert names["engine"].iteration == len(names["made"].events)
