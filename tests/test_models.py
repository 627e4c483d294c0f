"""Models are frozen, exact, short in print, and say one thing in both outcomes' terms."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges import models as m
from unified_exchanges.errors import BadRequest
from unified_exchanges.grid import PriceGrid
from unified_exchanges.money import EXACT, complement

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
D = Decimal
prices = st.decimals("0.0001", "0.9999", places=4)
sizes = st.decimals("0.01", "100000", places=2)


def market(**fields: object) -> m.Market:
    return m.Market(
        **{  # type: ignore[arg-type]
            "venue": "kalshi",
            "market_id": "KX-T70",
            "event_id": "KX",
            "title": "Above 70?",
            "status": m.MarketStatus.OPEN,
            "venue_status": "active",
            "outcomes": (m.Outcome("yes", "yes", "70+"), m.Outcome("no", "no", "<70")),
            "grid": PriceGrid.of("0.01"),
            **fields,
        }
    )


def order(price: D = D("0.7"), side: m.Side = m.SELL, outcome: str = "yes") -> m.Order:
    return m.Order(
        venue="kalshi",
        order_id="o",
        client_order_id="c",
        market_id="KX-T70",
        outcome=outcome,
        side=side,
        price=price,
        size=D(10),
        filled=D(4),
        remaining=D(6),
        status=m.OrderStatus.OPEN,
        average_price=D("0.71"),
        raw_json=b'{"order_id":"o","fee_multiplier":0.1}',
    )


def fill(price: D = D("0.7"), size: D = D(10), side: m.Side = m.BUY) -> m.Fill:
    return m.Fill(
        venue="kalshi",
        fill_id="f",
        order_id="o",
        market_id="KX-T70",
        outcome="yes",
        side=side,
        price=price,
        size=size,
        fee=D("0.0175"),
        liquidity=m.Liquidity.TAKER,
        created_at=NOON,
    )


def book() -> m.OrderBook:
    return m.OrderBook(
        venue="kalshi",
        market_id="KX-T70",
        outcome="yes",
        bids=(m.Level(D("0.47"), D(3)), m.Level(D("0.46"), D(5))),
        asks=(m.Level(D("0.52"), D(2)), m.Level(D("0.55"), D(8))),
        timestamp=NOON,
    )


# -- identity --------------------------------------------------------------------------


@given(st.text(min_size=1), st.sampled_from(["yes", "no"]))
def test_p01_the_name_of_an_outcome_round_trips_whatever_the_ticker(
    market_id: str, outcome: str
) -> None:
    name = m.Instrument("kalshi", market_id, outcome)
    assert m.Instrument.parse(str(name)) == name


@pytest.mark.parametrize("name", ["", "kalshi", "kalshi:x", "::", "a::b"])
def test_a_name_that_lacks_a_part_is_refused(name: str) -> None:
    with pytest.raises(BadRequest, match="venue:market_id:outcome"):
        m.Instrument.parse(name)


def test_an_outcome_is_found_in_any_case_and_defaults_to_the_first() -> None:
    assert market().outcome("NO").label == "no"
    assert market().outcome().label == "yes"
    assert str(market().instrument("No")) == "kalshi:KX-T70:no"


def test_an_outcome_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(BadRequest, match="it has: yes, no"):
        market().outcome("maybe")


def test_a_market_with_legs_is_a_combination() -> None:
    assert market(legs=(m.Leg("E", "M", "yes"),)).is_combination
    assert not market().is_combination


# -- the other outcome -----------------------------------------------------------------


@given(prices, st.sampled_from(m.Side))
def test_p07_buying_no_at_q_is_selling_yes_at_one_minus_q(
    price: D, side: m.Side
) -> None:
    given_order = order(price, side, "no")
    seen = given_order.in_terms_of("yes")
    assert (seen.side, seen.price) == (side.opposite, complement(price))
    assert seen.in_terms_of("no") == given_order


@given(prices, sizes, st.sampled_from(m.Side))
def test_p04_a_fill_said_of_the_other_outcome_moves_the_same_contracts(
    price: D, size: D, side: m.Side
) -> None:
    one = fill(price, size, side)
    other = one.in_terms_of("no")
    assert other.in_terms_of("yes") == one
    # Selling YES for p per contract is buying NO for 1 - p, a dollar per pair apart.
    assert abs(EXACT.subtract(one.proceeds, other.proceeds)) == size


def test_p04_the_book_of_no_is_the_book_of_yes_turned_over() -> None:
    other = book().complement("no")
    assert [(x.price, x.size) for x in other.bids] == [(D("0.48"), 2), (D("0.45"), 8)]
    assert [(x.price, x.size) for x in other.asks] == [(D("0.53"), 3), (D("0.54"), 5)]
    assert other.complement("yes") == book()


def test_p04_a_trade_of_no_has_the_price_and_the_taker_of_no() -> None:
    trade = m.Trade(
        venue="kalshi",
        trade_id="t",
        market_id="KX-T70",
        outcome="yes",
        price=D("0.3"),
        size=D(2),
        taker_side=m.BUY,
        created_at=NOON,
    )
    other = trade.in_terms_of("no")
    assert (other.price, other.taker_side) == (D("0.7"), m.SELL)
    assert trade.in_terms_of("yes") is trade
    assert trade.notional == D("0.6")


def test_p04_a_trade_is_said_of_the_first_outcome_whatever_names_its_own() -> None:
    market = m.Market(
        venue="polymarket",
        market_id="0x1",
        event_id="1",
        title="Rain?",
        status=m.MarketStatus.OPEN,
        venue_status="open",
        outcomes=(m.Outcome("yes", "71", "Yes"), m.Outcome("no", "72", "No")),
        grid=PriceGrid.of("0.01"),
    )

    def seen(outcome: str, side: m.Side | None = m.BUY) -> tuple[object, ...]:
        trade = m.Trade(
            venue="polymarket",
            trade_id="t",
            market_id="0x1",
            outcome=outcome,
            price=D("0.3"),
            size=D(2),
            taker_side=side,
            created_at=NOON,
        ).in_first_terms(market)
        return trade.outcome, trade.price, trade.taker_side

    assert seen("yes") == seen("71") == ("yes", D("0.3"), m.BUY)
    assert seen("no") == seen("72") == ("yes", D("0.7"), m.SELL)
    assert seen("no", None) == ("yes", D("0.7"), None)
    with pytest.raises(BadRequest, match="has no outcome 'up'"):
        seen("up")


def test_p04_a_candle_of_no_is_high_where_yes_was_low() -> None:
    candle = m.Candle(
        venue="kalshi",
        market_id="KX-T70",
        outcome="yes",
        start=NOON,
        end=NOON,
        price=m.Ohlc(D("0.3"), D("0.5"), D("0.2"), D("0.4")),
        bid=m.Ohlc(D("0.2"), D("0.4"), D("0.1"), D("0.3")),
        ask=None,
        volume=D(7),
        open_interest=D(9),
        mean=D("0.35"),
    )
    other = candle.in_terms_of("no")
    assert other.price == m.Ohlc(D("0.7"), D("0.8"), D("0.5"), D("0.6"))
    assert other.ask == m.Ohlc(D("0.8"), D("0.9"), D("0.6"), D("0.7"))
    assert (other.bid, other.mean, other.previous) == (None, D("0.65"), None)
    assert other.in_terms_of("yes") == candle


# -- the book --------------------------------------------------------------------------


def test_the_middle_and_the_spread_are_exact() -> None:
    assert (book().mid, book().spread) == (D("0.495"), D("0.05"))


def test_a_one_sided_book_has_no_middle() -> None:
    empty = attrs.evolve(book(), asks=())
    assert (empty.mid, empty.spread, empty.ask) == (None, None, None)


def test_the_cost_of_a_size_walks_the_levels() -> None:
    assert book().cost_to_buy(D(4)) == D("2.14")
    assert book().proceeds_of_sale(D(4)) == D("1.87")
    assert book().cost_to_buy(D(11)) is None


# -- positions and settlements ---------------------------------------------------------


def position(outcome: str = "no") -> m.Position:
    return m.Position(
        venue="kalshi",
        market_id="KX-T70",
        outcome=outcome,
        size=D(10),
        cost=D("3"),
        entry_price=D("0.3"),
        realized_pnl=D(0),
        fees_paid=D(0),
    )


def test_marking_a_position_says_what_was_computed() -> None:
    marked = position().marked_at(D("0.45"))
    assert marked.unrealized_pnl == D("1.5")
    assert marked.computed == {"mark_price", "unrealized_pnl"}


def test_a_position_without_a_quote_stays_unmarked() -> None:
    assert position().marked_at(None) == position()


def test_the_exposure_of_no_is_negative_in_yes() -> None:
    assert position("no").exposure("yes") == D(-10)
    assert position("yes").exposure("yes") == D(10)


def test_fault_29_a_settlement_may_pay_any_value() -> None:
    settled = m.Settlement(
        venue="kalshi",
        market_id="KX-T70",
        event_id="KX",
        result="scalar",
        value=D("0.37"),
        payout=D("3.70"),
        holdings=(m.Holding("yes", D(10), D("5")),),
        fee=D("0.01"),
        settled_at=NOON,
    )
    assert (settled.cost, settled.profit) == (D(5), D("-1.31"))


def test_a_settlement_whose_cost_nobody_tells_has_no_profit() -> None:
    settled = m.Settlement(
        venue="polymarket",
        market_id="0x1",
        event_id=None,
        result="yes",
        value=D(1),
        payout=D(10),
        holdings=(m.Holding("yes", D(10), None), m.Holding("no", D(1), D("0.2"))),
        fee=D(0),
        settled_at=NOON,
    )
    assert (settled.cost, settled.profit) == (None, None)


def test_a_settlement_whose_fees_nobody_tells_has_no_profit() -> None:
    settled = m.Settlement(
        venue="polymarket",
        market_id="0x1",
        event_id=None,
        result="yes",
        value=D(1),
        payout=D(10),
        holdings=(m.Holding("yes", D(10), D(4)),),
        fee=None,
        settled_at=NOON,
    )
    assert (settled.cost, settled.profit) == (D(4), None)


def test_cash_is_counted_per_shard() -> None:
    shards = (m.ShardBalance(0, D(5)), m.ShardBalance(2, D(7)))
    balance = m.Balance(venue="kalshi", available=D(12), shards=shards)
    assert [balance.on_shard(n) for n in (0, 1, 2)] == [D(5), D(0), D(7)]
    assert m.Balance(venue="x", available=D(12)).on_shard(0) == D(12)


# -- records ---------------------------------------------------------------------------

RECORDS: list[m.Record] = [market(), order(), fill(), book(), position()]


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: type(r).__name__)
def test_a_record_is_frozen(record: m.Record) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        record.venue = "other"  # type: ignore[misc]


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: type(r).__name__)
def test_a_record_becomes_json(record: m.Record) -> None:
    flat = record.to_dict()
    assert json.loads(json.dumps(flat)) == flat
    assert "raw_json" not in flat


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: type(r).__name__)
def test_a_record_prints_short_and_as_html(record: m.Record) -> None:
    assert len(repr(record)) < 120
    assert record._repr_html_().startswith("<table>")


def test_html_escapes_what_the_venue_wrote() -> None:
    assert "<script>" not in market(title="<script>")._repr_html_()


def test_raw_is_exact_and_takes_no_part_in_equality() -> None:
    twin = attrs.evolve(order(), raw_json=b"{}")
    assert twin == order()
    assert order().raw == {"order_id": "o", "fee_multiplier": D("0.1")}


def test_raw_that_is_no_object_is_wrapped() -> None:
    assert attrs.evolve(order(), raw_json=b"[1]").raw == {"value": [1]}


def test_words_compare_and_print_as_text() -> None:
    assert m.BUY == "buy"
    assert f"{m.OrderStatus.OPEN}" == "open"
    assert repr(m.BUY) == "Side.BUY"


AT = datetime(2026, 11, 30, 19, 48, 49, tzinfo=UTC)
_OF: Any = {"venue": "kalshi", "market_id": "RAIN"}


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (
            m.Trade(
                **_OF,
                trade_id="1",
                outcome="yes",
                price=D("0.3920"),
                size=D("17.00"),
                taker_side=m.BUY,
                created_at=AT,
            ),
            "Trade(kalshi:RAIN buy 17 yes @ 0.392 2026-11-30 19:48:49)",
        ),
        (
            m.Ticker(**_OF, outcome="yes", bid=D("0.388"), ask=None),
            "Ticker(kalshi:RAIN:yes 0.388/– last –)",
        ),
        (
            m.Candle(
                **_OF,
                outcome="yes",
                start=AT,
                end=AT + timedelta(hours=1),
                price=m.Ohlc(*map(D, ("0.5", "0.6", "0.4", "0.55"))),
                bid=None,
                ask=None,
                volume=D(100),
            ),
            "Candle(kalshi:RAIN:yes to 2026-11-30 20:48:49 0.5/0.6/0.4/0.55 volume 100)",
        ),
        (
            m.Settlement(
                **_OF,
                event_id=None,
                result="yes",
                value=D(1),
                payout=D("20.00"),
                holdings=(m.Holding("yes", D(20), None),),
                fee=None,
                settled_at=AT,
            ),
            "Settlement(kalshi:RAIN yes: 20 yes paid 20)",
        ),
        (
            m.Status(venue="kalshi", is_active=True, is_trading=False),
            "Status(kalshi active, not trading)",
        ),
    ],
)
def test_a_line_of_a_notebook_says_what_one_looks_for(record: Any, told: str) -> None:
    assert repr(record) == told
