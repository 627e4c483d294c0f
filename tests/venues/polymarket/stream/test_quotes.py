"""Tickers, trades and lives of markets as the market channel tells them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from unified_exchanges import (
    MarketChange,
    MarketStatus,
    PriceGrid,
    Side,
    Subject,
    Ticker,
    Trade,
)
from unified_exchanges.models import Gap
from unified_exchanges.venues.polymarket.stream import NewMarket, Unrecognised

from .desk import (
    NO,
    OTHER,
    T0,
    YES,
    A,
    B,
    MarketDesk,
    book,
    change,
    changes,
    user_order,
)

D = Decimal
CENT, MIL = PriceGrid.of("0.01"), PriceGrid.of("0.001")


def quoted(bid: str, ask: str, *, at: int = 1, token: str = YES) -> dict[str, Any]:
    return {
        "event_type": "best_bid_ask",
        "market": A,
        "asset_id": token,
        "best_bid": bid,
        "best_ask": ask,
        "spread": "0.04",
        "timestamp": str(T0 + at),
    }


def traded(price: str = "0.5", *, token: str = YES, **more: Any) -> dict[str, Any]:
    return {
        "event_type": "last_trade_price",
        "asset_id": token,
        "market": A,
        "price": price,
        "size": "219.217767",
        "fee_rate_bps": "0",
        "side": "BUY",
        "timestamp": str(T0 + 2),
        "transaction_hash": "0xabc",
        **more,
    }


def regridded(tick: str = "0.001", *, token: str = YES) -> dict[str, Any]:
    return {
        "event_type": "tick_size_change",
        "asset_id": token,
        "market": A,
        "old_tick_size": "0.01",
        "new_tick_size": tick,
        "timestamp": str(T0 + 3),
    }


def following(subject: Subject, outcome: str | None = None) -> MarketDesk:
    desk = MarketDesk().follow(A, subject=subject, outcome=outcome)
    desk.connect()
    return desk


def quotes(told: list[Any]) -> list[tuple[Decimal | None, ...]]:
    return [(x.bid, x.ask, x.last_price) for x in told if isinstance(x, Ticker)]


# -- tickers ---------------------------------------------------------------------------


def test_the_first_ticker_is_that_of_the_book() -> None:
    desk = following(Subject.TICKER)
    bids = [("0.44", "1"), ("0.45", "2")]
    [told] = desk.tell(book(bids=bids, last_trade_price="0.5"))
    assert (told.market_id, told.outcome) == (A, "yes")
    assert quotes([told]) == [(D("0.45"), D("0.52"), D("0.5"))]
    assert (told.bid_size, told.ask_size) == (D(2), D(5))


def test_who_follows_a_ticker_of_a_book_that_is_known_is_told_where_it_stands() -> None:
    desk = MarketDesk().follow().live(book(last_trade_price="0.5"))
    desk.tell(changes(change("0.46", "3", best=("0.46", "0.52"))))
    desk.follow(subject=Subject.TICKER)
    assert desk.stream.next_poll() == 0.0
    told = list(desk.stream.poll())
    assert quotes(told) == [(D("0.46"), D("0.52"), D("0.5"))]
    assert [(x.bid_size, x.ask_size) for x in told] == [(D(3), D(5))]
    # Once, and no other book is asked for.
    assert (list(desk.stream.poll()), desk.asked()) == ([], [])
    assert desk.tell(quoted("0.46", "0.52", at=2)) == []


def test_a_ticker_comes_with_the_book_where_that_is_not_known_yet() -> None:
    desk = MarketDesk().follow()
    desk.connect()
    desk.follow(subject=Subject.TICKER)
    assert list(desk.stream.poll()) == []
    assert quotes(desk.tell(book())) == [(D("0.45"), D("0.52"), None)]
    assert list(desk.stream.poll()) == []


def test_a_ticker_beside_trades_is_asked_for_with_a_book() -> None:
    desk = following(Subject.TRADES)
    desk.tell(book())
    desk.follow(subject=Subject.TICKER)
    assert [x["operation"] for x in desk.asked()] == ["unsubscribe", "subscribe"]
    assert len(quotes(desk.tell(book()))) == 1


def test_a_ticker_is_asked_for_where_its_book_is_given_up_at_once() -> None:
    desk = MarketDesk().follow().live()
    desk.follow(subject=Subject.TICKER)
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    assert list(desk.stream.poll()) == []
    assert [x["operation"] for x in desk.asked()] == ["unsubscribe", "subscribe"]
    assert len(quotes(desk.tell(book()))) == 1


def test_a_ticker_that_is_followed_anew_is_told_though_it_is_the_same() -> None:
    desk = MarketDesk().follow().follow(subject=Subject.TICKER).live()
    desk.stream.unfollow(Subject.TICKER, [A])
    desk.follow(subject=Subject.TICKER)
    assert quotes(list(desk.stream.poll())) == [(D("0.45"), D("0.52"), None)]


def test_a_ticker_that_nobody_follows_any_more_is_not_told() -> None:
    desk = MarketDesk().follow().live()
    desk.follow(subject=Subject.TICKER)
    desk.stream.unfollow(Subject.TICKER, [A])
    assert list(desk.stream.poll()) == []


def test_a_new_connection_tells_a_ticker_though_it_is_the_same() -> None:
    # Whoever came in between is told nothing that may be out of date.
    desk = following(Subject.TICKER)
    first = desk.tell(book())
    list(desk.stream.connection_lost("the line broke"))
    desk.connect()
    assert quotes(desk.tell(book(at=5))) == quotes(first)
    assert desk.tell(book(at=6)) == []


def test_a_frame_that_is_lost_has_the_ticker_told_anew() -> None:
    desk = following(Subject.TICKER)
    desk.tell(book())
    [gap] = desk.tell("{")
    assert isinstance(gap, Gap)
    desk.asked()
    desk.pass_time(5)
    assert [x["operation"] for x in desk.asked()] == ["unsubscribe", "subscribe"]
    assert len(quotes(desk.tell(book(at=9)))) == 1


def test_a_book_that_was_read_tells_its_ticker_too() -> None:
    desk = MarketDesk().follow().live().follow(subject=Subject.TICKER)
    list(desk.stream.poll())
    read = desk.book()
    list(desk.stream.doubt(A, "it differs"))
    moved = attrs.evolve(read, bids=read.bids[1:])
    desk.overdue()
    assert quotes(list(desk.stream.load(moved))) == [(None, D("0.52"), None)]


def test_tickers_come_when_the_top_or_the_last_price_moves() -> None:
    desk = following(Subject.TICKER)
    told = desk.tell(
        book(),
        quoted("0.46", "0.52"),
        quoted("0.46", "0.52"),
        changes(change("0.44", "3", best=("0.46", "0.52"))),
        changes(change("0.47", "3", best=("0.47", "0.52")), at=2),
        traded("0.5"),
        traded("0.5", transaction_hash="0xdef"),
        book(bids=[("0.47", "9")], at=4),
    )
    assert quotes(told) == [
        (D("0.45"), D("0.52"), None),
        (D("0.46"), D("0.52"), None),
        (D("0.47"), D("0.52"), None),
        (D("0.47"), D("0.52"), D("0.5")),
    ]


def test_an_empty_side_has_no_quote() -> None:
    desk = following(Subject.TICKER)
    told = desk.tell(book(bids=[], asks=[]), quoted("0", "0.52"), quoted("0.1", "1"))
    assert quotes(told) == [
        (None, None, None),
        (None, D("0.52"), None),
        (D("0.1"), None, None),
    ]


def test_a_ticker_of_another_outcome_is_not_for_who_wished_one() -> None:
    desk = following(Subject.TICKER)
    [told] = desk.tell(book())
    seen = desk.stream.seen_from
    assert (seen(told, None), seen(told, "YES"), seen(told, "no")) == (told, told, None)


def test_a_quote_that_nothing_says_is_none() -> None:
    desk = MarketDesk()
    desk.stream.tap([YES])
    desk.connect()
    [told] = desk.tell({**quoted("", "0.5"), "asset_id": YES})
    assert (told.bid, told.ask, told.last_price) == (None, D("0.5"), None)


def test_a_tapped_token_is_of_the_market_that_its_first_frame_names() -> None:
    desk = MarketDesk()
    desk.stream.tap([OTHER])
    desk.connect()
    desk.tell(changes(change("0.4", "1", token=OTHER), market=B))
    desk.pass_time(4)
    [wanted] = desk.pass_time(1)
    assert (wanted.market_id, wanted.outcome) == (B, OTHER)


def test_quotes_of_what_is_not_followed_are_nothing() -> None:
    desk = following(Subject.ORDER_BOOK)
    assert desk.tell(quoted("0.46", "0.5"), quoted("0.4", "0.5", token=OTHER)) == []


def test_a_bad_quote_is_replaced_by_the_next() -> None:
    desk = following(Subject.TICKER)
    assert desk.tell(quoted("x", "0.5"), {**quoted("0.4", "0.5"), "market": 1}) == []
    assert desk.stream.health().malformed_messages == 2


@pytest.mark.parametrize(
    "said",
    [
        book(bids=(("x", "10"),), at=1),
        changes(change("0.45", "11", best=("x", "0.52")), at=1),
        # Its own best prices show that something was missed, and are none besides.
        changes(change("0.45", "11", best=("0.3", "x")), at=1),
    ],
)
def test_a_book_that_is_spoilt_beside_its_ticker_is_told_to_be(
    said: dict[str, Any],
) -> None:
    desk = following(Subject.TICKER)
    desk.follow(A)
    desk.tell(book())
    told = desk.tell(said)
    gaps = [x for x in told if isinstance(x, Gap)]
    assert [x.subject for x in gaps] == [Subject.ORDER_BOOK]
    assert desk.stream.order_book(A).stale


def test_a_change_without_best_prices_is_no_quote() -> None:
    desk = following(Subject.TICKER)
    assert desk.tell(changes(change("0.44", "3"))) == []
    # It has no book either that could be doubted.
    assert list(desk.stream.doubt(A, "?")) == []
    assert desk.tell({**book(), "bids": None}) == []


# -- trades ----------------------------------------------------------------------------


def test_a_trade_is_told_of_the_outcome_that_its_taker_traded() -> None:
    desk = following(Subject.TRADES)
    [told] = desk.tell(traded("0.3", token=NO, side="SELL"))
    assert isinstance(told, Trade)
    assert (told.outcome, told.price, told.taker_side) == ("no", D("0.3"), Side.SELL)
    assert told.size == D("219.217767")
    seen = desk.stream.seen_from
    assert (seen(told, None), seen(told, "no"), seen(told, "yes")) == (told, told, None)


def test_a_trade_comes_once() -> None:
    desk = following(Subject.TRADES, "yes")
    again = desk.tell(traded(), traded(), traded(size="1"))
    assert len(again) == 2


@pytest.mark.parametrize(
    ("told", "known"), [("0xDeF", "0xdef"), ("", None), (None, None)]
)
def test_a_trade_tells_its_transaction_if_the_venue_does(
    told: str | None, known: str | None
) -> None:
    [trade] = following(Subject.TRADES).tell(traded(transaction_hash=told))
    assert trade.transaction == known


def test_without_a_transaction_two_that_look_the_same_are_two() -> None:
    desk = following(Subject.TRADES)
    bare = traded(transaction_hash=None)
    assert len(desk.tell(bare, bare)) == 2


def test_trades_of_what_is_not_followed_are_nothing() -> None:
    desk = following(Subject.ORDER_BOOK)
    assert desk.tell(traded(), traded(token=OTHER)) == []


def test_a_bad_trade_is_a_gap_in_trades() -> None:
    [gap] = following(Subject.TRADES).tell(traded(side="HOLD"))
    assert isinstance(gap, Gap)
    assert (gap.subject, gap.market_ids) == (Subject.TRADES, (A,))
    assert following(Subject.ORDER_BOOK).tell(traded(side="HOLD")) == []


# -- lives -----------------------------------------------------------------------------


def test_a_grid_that_moves_is_told_once_and_known_from_there() -> None:
    desk = following(Subject.MARKET_STATUS)
    [told] = desk.tell(regridded(), regridded())
    assert isinstance(told, MarketChange)
    assert (told.market_id, told.change, told.grid) == (A, "tick_size_change", MIL)
    assert desk.memory.grid(A) == MIL


def test_a_book_knows_the_grid_that_moved_while_it_trades() -> None:
    desk = MarketDesk().follow().live(book(tick_size="0.01"))
    before = desk.book()
    assert desk.tell(regridded()) == []
    assert (before.grid, before.stale) == (CENT, True)
    assert (desk.book().grid, desk.book().stale) == (MIL, False)
    desk.tell(changes(change("0.455", "1", best=("0.455", "0.52"))))
    assert desk.is_live


def test_a_grid_of_what_is_not_followed_is_known_all_the_same() -> None:
    desk = following(Subject.ORDER_BOOK)
    assert desk.tell(regridded(token=OTHER)) == []
    assert desk.memory.grid(A) == MIL


@pytest.mark.parametrize("tick", ["0", "x", "0.3", "NaN"])
def test_a_grid_that_is_none_is_a_gap_in_lives(tick: str) -> None:
    [gap] = following(Subject.MARKET_STATUS).tell(regridded(tick))
    assert isinstance(gap, Gap)
    assert gap.subject is Subject.MARKET_STATUS
    assert following(Subject.ORDER_BOOK).tell(regridded(tick)) == []


def resolved(winner: str = YES, outcome: str = "Yes") -> dict[str, Any]:
    return {
        "event_type": "market_resolved",
        "id": "7",
        "market": A,
        "assets_ids": [YES, NO],
        "winning_asset_id": winner,
        "winning_outcome": outcome,
        "timestamp": str(T0),
        "tags": ["stocks"],
    }


@pytest.mark.parametrize(
    ("winner", "outcome", "value"), [(YES, "Yes", 1), (NO, "No", 0), ("9", "?", None)]
)
def test_a_market_that_is_decided_says_what_it_pays(
    winner: str, outcome: str, value: int | None
) -> None:
    [told] = following(Subject.MARKET_STATUS).tell(resolved(winner, outcome))
    assert told.status is MarketStatus.SETTLED
    assert (told.result, told.value) == (outcome.lower(), value)


def test_what_an_unknown_market_pays_is_told_by_its_tokens() -> None:
    desk = MarketDesk()
    desk.stream.follow(Subject.MARKET_STATUS, None)
    desk.connect()
    [told] = desk.tell({**resolved(NO, "No"), "market": B})
    assert (told.market_id, told.value) == (B, 0)


def test_the_end_of_what_is_not_followed_is_nothing() -> None:
    assert following(Subject.ORDER_BOOK).tell(resolved()) == []


def listed(**more: Any) -> dict[str, Any]:
    return {
        "event_type": "new_market",
        "id": "8",
        "question": "Will it?",
        "market": B,
        "slug": "will-it",
        "assets_ids": [OTHER, "444"],
        "outcomes": ["Yes", "No"],
        "timestamp": str(T0),
        "active": True,
        "order_price_min_tick_size": "0.01",
        **more,
    }


def test_new_markets_are_told_to_who_follows_all_and_known_from_there() -> None:
    desk = MarketDesk()
    desk.stream.follow(Subject.MARKET_STATUS, None)
    desk.connect()
    market, change_ = desk.tell(listed())
    assert isinstance(market, NewMarket)
    assert (market.outcomes, market.tokens) == (("yes", "no"), (OTHER, "444"))
    assert (change_.status, change_.grid) == (MarketStatus.OPEN, CENT)
    known = desk.memory.market(B)
    assert known is not None
    assert known.outcome("no").outcome_id == "444"


def test_who_follows_some_is_not_told_of_new_ones() -> None:
    assert following(Subject.MARKET_STATUS).tell(listed()) == []


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"active": False}, MarketStatus.UNOPENED),
        ({"active": None, "order_price_min_tick_size": None}, MarketStatus.OPEN),
    ],
)
def test_a_market_may_be_listed_before_it_opens(
    more: dict[str, Any], status: MarketStatus
) -> None:
    desk = MarketDesk()
    desk.stream.follow(Subject.MARKET_STATUS, None)
    desk.connect()
    assert desk.tell(listed(**more))[1].status is status


def test_outcomes_that_do_not_fit_their_tokens_are_not_believed() -> None:
    desk = MarketDesk()
    desk.stream.tap([YES])
    desk.connect()
    desk.tell(listed(outcomes=["Yes"]))
    assert desk.memory.market(B) is None


def test_who_taps_a_token_is_told_everything() -> None:
    desk = MarketDesk()
    desk.stream.tap([YES])
    desk.connect()
    told = desk.tell(
        book(), quoted("0.46", "0.52"), traded(), regridded(), listed(), resolved()
    )
    kinds = ["BookSnapshot", "Ticker", "Trade", "MarketChange", "NewMarket"]
    kinds += ["MarketChange", "MarketChange"]
    assert [type(x).__name__ for x in told] == kinds


# -- what is not known -----------------------------------------------------------------


def test_an_unknown_type_is_passed_on_and_counted() -> None:
    desk = following(Subject.ORDER_BOOK)
    [told] = desk.tell({"event_type": "comet", "tail": 1})
    assert isinstance(told, Unrecognised)
    assert (told.kind, told.raw["tail"]) == ("comet", 1)
    assert desk.stream.health().unknown_messages == 1


def test_what_belongs_on_the_other_socket_is_nothing() -> None:
    desk = following(Subject.ORDER_BOOK)
    assert desk.tell({"event_type": "order"}) == []


def test_of_many_ever_fewer_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    desk = following(Subject.ORDER_BOOK)
    for _ in range(5):
        desk.tell({"event_type": "comet"}, {"event_type": "book"})
    logged = [x.getMessage().partition(":")[0] for x in caplog.records]
    assert logged.count("unknown message 'comet'") == 3
    assert desk.stream.health().malformed_messages == 5


def test_what_belongs_on_the_other_socket_is_nothing_though_it_can_be_read() -> None:
    desk = following(Subject.ORDER_BOOK)
    assert desk.tell(user_order(), [user_order()]) == []


def test_what_of_a_list_cannot_be_trusted_is_a_gap() -> None:
    [gap] = following(Subject.TRADES).tell([traded(side="HOLD")])
    assert gap.subject is Subject.TRADES


def test_without_a_connection_nothing_is_sent_or_due() -> None:
    desk = MarketDesk().follow()
    assert (desk.sent(), list(desk.stream.poll())) == ([], [])


def test_unknown_fields_are_found_in_samples() -> None:
    desk = following(Subject.ORDER_BOOK)
    for at in range(256):
        desk.tell(book(at=at, comet="x"))
    assert desk.stream.health().unknown_fields == ("book.comet",)


# -- out of their places ---------------------------------------------------------------


@pytest.mark.parametrize(
    "older",
    [
        quoted("0.40", "0.60", at=5),
        changes(change("0.40", "1", best=("0.40", "0.60")), at=5),
        book(bids=[("0.40", "1")], asks=[("0.60", "1")], at=5),
    ],
)
def test_fault_32_what_is_older_takes_the_place_of_no_newer_quote(older: Any) -> None:
    desk = MarketDesk().follow(subject=Subject.TICKER).live()
    [newer] = desk.tell(quoted("0.47", "0.51", at=9))
    assert (newer.bid, newer.ask) == (D("0.47"), D("0.51"))
    assert desk.tell(older) == []
    [next_one] = desk.tell(quoted("0.48", "0.51", at=9))
    assert next_one.bid == D("0.48")


def test_fault_32_an_older_trade_takes_the_place_of_no_newer_one() -> None:
    desk = MarketDesk().follow(subject=Subject.TICKER).live()
    [newer] = desk.tell(traded("0.5", timestamp=str(T0 + 9)))
    assert newer.last_price == D("0.5")
    assert desk.tell(traded("0.3", timestamp=str(T0 + 5))) == []
    assert desk.tell(book(last_trade_price="0.3", at=5)) == []


def test_another_connection_tells_quotes_from_its_own_beginning() -> None:
    desk = MarketDesk().follow(subject=Subject.TICKER).live()
    desk.tell(quoted("0.47", "0.51", at=9))
    list(desk.stream.connection_lost("gone"))
    desk.connect()
    [told] = desk.tell(book(at=3))
    assert (told.bid, told.ask) == (D("0.45"), D("0.52"))
