"""``watch_*`` on a real socket: one table of facts for both flavours and all libraries."""

from __future__ import annotations

import gc
import time
from decimal import Decimal
from typing import Any

import pytest

import unified_exchanges as ux
from unified_exchanges.policy import RetryPolicy
from unified_exchanges.simulator.faults import StreamFault, unavailable

from .face import MARKET, OTHER, Face, Scene, soon

BOOKS = {("orderbook_delta", MARKET)}


def size_at(book: Any, price: str) -> int:
    return int(sum(x.size for x in book.bids if x.price == Decimal(price)))


# -- following -------------------------------------------------------------------------


def test_a_book_comes_at_once_and_whenever_it_changes(scene: Scene, face: Face) -> None:
    watch = face.watch("order_book", MARKET)
    first = watch.next()
    truth = scene.trader.fetch_order_book(MARKET)
    assert (first.bids, first.asks) == (truth.bids, truth.asks)
    assert (first.stale, first.sequence is not None) == (False, True)
    assert 0 <= first.age < 5
    before = size_at(first, "0.01")
    scene.bid("7")
    changed = watch.until(lambda book: size_at(book, "0.01") == before + 7)[-1]
    assert changed.sequence > first.sequence


def test_p04_the_book_of_no_is_that_of_the_venue(scene: Scene, face: Face) -> None:
    told = face.watch("order_book", MARKET, outcome="NO").next()
    truth = scene.trader.fetch_order_book(MARKET, outcome="no")
    assert (told.outcome, told.bids, told.asks) == ("no", truth.bids, truth.asks)


def test_many_markets_come_in_one_watch(face: Face) -> None:
    books = face.watch("order_book", [MARKET, OTHER]).take(2)
    assert {book.market_id for book in books} == {MARKET, OTHER}


def test_a_market_that_does_not_exist_is_told_within_seconds(face: Face) -> None:
    # It takes some, so that all are waited for together.
    watches = {
        f"KXNOPE-{subject}": face.watch(str(subject), [MARKET, f"KXNOPE-{subject}"])
        for subject in ux.Subject
    }
    for name, watch in watches.items():
        with pytest.raises(ux.MarketNotFound, match=name):
            watch.until(lambda _: False)


def test_quotes_of_all_markets_come_without_naming_any(
    scene: Scene, face: Face
) -> None:
    watch = face.watch("ticker")
    assert soon(lambda: any(x == "ticker" for x, _ in scene.subscriptions))
    scene.buy("3")
    assert watch.next().market_id == MARKET


def test_quotes_and_trades_are_followed(scene: Scene, face: Face) -> None:
    quotes = face.watch("ticker", MARKET)
    trades = face.watch("trades", MARKET, outcome="no")
    first = quotes.next()
    assert first.market_id == MARKET
    assert soon(lambda: ("trade", MARKET) in scene.subscriptions)
    bought = scene.buy("3")
    traded = trades.next()
    assert (traded.outcome, traded.size, traded.taker_side) == ("no", 3, "sell")
    assert traded.price + bought.price == 1
    assert quotes.until(lambda x: x.last_price == bought.price)


def test_a_trade_has_one_id_on_the_stream_and_in_the_listing(
    scene: Scene, face: Face
) -> None:
    trades = face.watch("trades", MARKET)
    assert trades.is_quiet()
    scene.buy("2")
    told = trades.next()
    [listed] = face.call("fetch_trades", MARKET, limit=1)
    assert (told.trade_id, told.transaction) == (listed.trade_id, None)
    assert (told.size, told.price, listed.transaction) == (2, listed.price, None)


def test_changes_of_markets_are_followed(scene: Scene, face: Face) -> None:
    watch = face.watch("market_status", MARKET)
    assert soon(lambda: len(scene.subscriptions) == 1)
    with scene.server.lock:
        scene.kalshi.engine.deactivate(MARKET)
    change = watch.next()
    assert (change.market_id, change.status) == (MARKET, "paused")


def test_the_account_is_followed_from_its_state_on(scene: Scene, face: Face) -> None:
    scene.buy("2")
    resting = scene.bid("5")
    # Another's fill of the last second may be from after the call: dates are in seconds.
    time.sleep(1.2)
    orders = face.watch("orders")
    fills = face.watch("fills")
    held = face.watch("positions")
    assert orders.next().order_id == resting.order_id
    assert (held.next().size, fills.is_quiet()) == (2, True)
    scene.trader.cancel_order(resting.order_id)
    assert orders.next().status == "canceled"
    bought = scene.buy("4")
    fill = fills.next()
    assert (fill.order_id, fill.size) == (bought.order_id, 4)
    assert fill.client_order_id == bought.client_order_id
    ended = orders.until(lambda x: x.status == "closed")[-1]
    assert (ended.order_id, ended.filled) == (bought.order_id, 4)
    assert held.next().size == 6


def test_who_comes_later_begins_with_the_state_too(scene: Scene, face: Face) -> None:
    resting = scene.bid("5")
    face.watch("orders").next()
    assert face.watch("orders", MARKET).next().order_id == resting.order_id
    assert face.watch("orders", OTHER).is_quiet()


# -- sharing and leaving ---------------------------------------------------------------


def test_consumers_of_a_market_share_one_subscription(scene: Scene, face: Face) -> None:
    one, other = (face.watch("order_book", MARKET) for _ in range(2))
    one.next()
    other.next()
    assert face.exchange.stream_health().subscriptions == 1
    one.close()
    scene.bid()
    assert other.next()
    assert scene.subscriptions == BOOKS
    other.close()
    assert soon(lambda: scene.subscriptions == set())
    assert len(scene.kalshi.sessions) == 1


def test_breaking_out_of_the_loop_leaves(scene: Scene, face: Face) -> None:
    watch = face.watch("order_book", MARKET)
    assert len(watch.loop(1)) == 1
    assert soon(lambda: scene.subscriptions == set())
    with pytest.raises(ux.BadRequest, match="call watch_"):
        watch.next()


def test_a_watch_that_is_dropped_is_left(scene: Scene, face: Face) -> None:
    watch = face.watch("order_book", MARKET)
    watch.next()
    assert scene.subscriptions == BOOKS
    del watch
    gc.collect()
    assert soon(lambda: scene.subscriptions == set())


def test_closing_twice_and_asking_then_is_told(face: Face) -> None:
    watch = face.watch("order_book", MARKET)
    watch.next()
    watch.close()
    watch.close()
    with pytest.raises(ux.BadRequest, match="has ended"):
        watch.next()


def test_unwatching_ends_what_is_watched(scene: Scene, face: Face) -> None:
    one = face.watch("order_book", MARKET)
    both = face.watch("order_book", [MARKET, OTHER])
    quotes = face.watch("ticker", MARKET)
    both.take(2)
    one.next()
    face.call("unwatch", MARKET)
    with pytest.raises(ux.BadRequest, match="has ended"):
        one.until(lambda _: False)
    with pytest.raises(ux.BadRequest, match="has ended"):
        quotes.until(lambda _: False)
    assert soon(lambda: scene.subscriptions == {("orderbook_delta", OTHER)})
    face.call("unwatch")
    assert soon(lambda: scene.subscriptions == set())


def test_unwatching_nothing_is_fine(face: Face) -> None:
    face.call("unwatch", MARKET)
    face.call("unwatch")


# -- slow consumers --------------------------------------------------------------------


def test_fault_39_p18_a_slow_consumer_slows_nobody(scene: Scene, face: Face) -> None:
    slow = face.watch("order_book", MARKET)
    quick = face.watch("order_book", MARKET, policy="every")
    before = size_at(quick.next(), "0.01")
    slow.next()
    for _ in range(10):
        scene.bid()
    books = quick.until(lambda book: size_at(book, "0.01") == before + 10)
    assert [size_at(book, "0.01") for book in books] == [
        before + number for number in range(1, 11)
    ]
    assert size_at(slow.next(), "0.01") == before + 10
    assert slow.watch.folded == 9
    assert slow.is_quiet()
    assert face.exchange.stream_health().folded >= 9
    assert slow.watch.health().state == "live"


def test_fault_39_who_wants_every_update_and_is_too_slow_is_told(
    scene: Scene, driver: str
) -> None:
    face = scene.face(driver, policy={"queue": 3})
    watch = face.watch("order_book", MARKET, policy="every")
    other = face.watch("order_book", MARKET)
    watch.next()
    for _ in range(6):
        scene.bid()
    assert soon(lambda: overflown(face))
    watch.take(3)
    with pytest.raises(ux.StreamOverflow, match="3 items behind"):
        watch.next()
    assert other.next()


def overflown(face: Face) -> bool:
    hub = face.exchange._hubs[""]
    return len(list(hub._feed._books)) == 1


# -- what goes wrong -------------------------------------------------------------------


def test_fault_36_a_refused_market_fails_alone(scene: Scene, face: Face) -> None:
    good = face.watch("order_book", MARKET)
    good.next()
    scene.frames.add(StreamFault("refuse", frame="update_subscription", code=26))
    bad = face.watch("order_book", OTHER)
    with pytest.raises(ux.UnifiedExchangesError, match="error 26"):
        bad.next()
    scene.bid()
    assert good.next()
    assert scene.subscriptions == BOOKS
    assert face.watch("order_book", OTHER).next()


@pytest.mark.parametrize("kind", ["reset", "close"])
def test_fault_35_p11_a_connection_that_breaks_comes_back_and_nothing_is_lost(
    scene: Scene, face: Face, kind: Any
) -> None:
    books = face.watch("order_book", MARKET, events=True)
    fills = face.watch("fills", events=True)
    orders = face.watch("orders")
    fills.until(lambda x: isinstance(x, ux.Reconciled))
    bought = [scene.buy()]
    fills.until(lambda x: isinstance(x, ux.Fill))
    old = books.next()
    assert not old.stale
    # What the stream would tell of the next one is lost, and then the line breaks.
    scene.frames.add(StreamFault("drop", frame="fill|user_order", count=3))
    scene.frames.add(StreamFault(kind, frame="orderbook_delta"))
    bought.append(scene.buy())
    told = fills.until(lambda x: isinstance(x, ux.Reconciled) and x.fills == 1)
    mine = [x.order_id for x in told if isinstance(x, ux.Fill)]
    assert mine == [bought[1].order_id]
    kinds = [type(x).__name__ for x in told]
    assert kinds.index("Gap") < kinds.index("Reconnected") < len(kinds) - 1
    assert old.stale
    ids = [x.order_id for x in bought]
    ends = orders.until(lambda x: x.order_id == ids[-1] and not x.is_open)
    assert [x.order_id for x in ends if not x.is_open] == ids
    books.until(lambda x: isinstance(x, ux.Reconnected))
    assert not books.until(lambda x: isinstance(x, ux.OrderBook))[-1].stale
    assert fills.is_quiet()


def test_fault_35_f06_a_venue_that_restarts_is_followed_on(
    scene: Scene, face: Face
) -> None:
    fills = face.watch("fills", events=True)
    books = face.watch("order_book", MARKET)
    books.next()
    fills.until(lambda x: isinstance(x, ux.Reconciled))
    scene.go_down()
    assert isinstance(fills.next(), ux.Gap)
    scene.come_up()
    bought = scene.buy()
    told = fills.until(lambda x: isinstance(x, ux.Fill))
    assert told[-1].order_id == bought.order_id
    assert any(isinstance(x, ux.Reconnected) for x in told)
    books.until(lambda book: not book.stale)
    # Not before the account was read again.
    assert soon(lambda: face.call("stream_health").state == "live")
    assert face.call("stream_health").connections == 2


def test_fault_31_p10_a_gap_makes_the_book_stale_until_it_is_whole_again(
    scene: Scene, face: Face
) -> None:
    watch = face.watch("order_book", MARKET, policy="every", events=True)
    old = watch.next()
    scene.frames.add(StreamFault("drop", frame="orderbook_delta"))
    scene.frames.add(StreamFault("drop", frame="orderbook_snapshot"))
    scene.bid("3")
    scene.bid("4")
    assert isinstance(watch.next(), ux.Gap)
    assert old.stale
    age = old.age
    [*_, new] = watch.until(lambda x: isinstance(x, ux.OrderBook))
    truth = scene.trader.fetch_order_book(MARKET)
    assert (new.bids, new.stale, old.stale) == (truth.bids, False, True)
    assert old.age >= age


def test_fault_22_a_fill_told_twice_comes_once(scene: Scene, face: Face) -> None:
    fills = face.watch("fills")
    orders = face.watch("orders")
    assert soon(lambda: len(scene.subscriptions) == 2)
    scene.frames.add(StreamFault("duplicate", frame="fill|user_order", count=None))
    ids = [scene.buy().order_id for _ in range(3)]
    assert [x.order_id for x in fills.take(3)] == ids
    told = orders.until(lambda x: x.order_id == ids[-1] and not x.is_open)
    assert len({(x.order_id, x.status, x.filled) for x in told}) == len(told)
    assert fills.is_quiet()


def test_fault_23_a_fill_of_an_order_placed_elsewhere_is_adopted(
    scene: Scene, face: Face
) -> None:
    orders, fills = face.watch("orders"), face.watch("fills")
    assert soon(lambda: len(scene.subscriptions) == 2)
    # The stream says nothing of the order itself.
    scene.frames.add(StreamFault("drop", frame="user_order", count=None))
    bought = scene.buy("2")
    assert fills.next().order_id == bought.order_id
    found = orders.next()
    assert (found.order_id, found.status) == (bought.order_id, "closed")


def test_fault_04_a_fill_names_the_order_whose_answer_never_came(
    scene: Scene, driver: str
) -> None:
    face = scene.face(driver, retry=RetryPolicy(order_deadline=0.6, first=0.01))
    orders, fills = face.watch("orders"), face.watch("fills")
    assert soon(lambda: len(scene.subscriptions) == 2)
    ask = scene.trader.fetch_order_book(MARKET).ask.price
    # It is carried out; neither its answer nor any look-up gets through.
    scene.fault("drop", path="/portfolio/", count=None)
    with pytest.raises(ux.OrderUnknown) as lost:
        face.call("create_order", MARKET, "yes", "buy", ask, 2)
    mine = lost.value.client_order_id
    fill = fills.next()
    assert (fill.client_order_id, fill.size) == (mine, 2)
    ended = orders.until(lambda x: not x.is_open)[-1]
    assert (ended.client_order_id, ended.status) == (mine, "closed")
    assert ended.order_id == fill.order_id


def test_a_refused_key_reaches_every_consumer_and_can_be_tried_again(
    scene: Scene, driver: str
) -> None:
    scene.requests.add(unavailable(401, path="/ws/", count=None))
    face = scene.face(driver)
    watches = [face.watch("order_book", MARKET), face.watch("fills")]
    for watch in watches:
        with pytest.raises(ux.AuthenticationError):
            watch.next()
    assert face.exchange.stream_health().state == "stopped"
    scene.requests.clear()
    assert face.watch("order_book", MARKET).next()


def test_p10_a_silent_stream_makes_books_stale(scene: Scene, driver: str) -> None:
    face = scene.face(driver, policy={"silence": 0.6})
    watch = face.watch("order_book", MARKET)
    old = watch.next()
    scene.frames.add(StreamFault("half_open", frame="orderbook_delta", seconds=30))
    scene.bid("3")
    assert soon(lambda: old.stale)
    truth = scene.trader.fetch_order_book(MARKET)
    assert watch.until(lambda book: book.bids == truth.bids)


# -- misuse ----------------------------------------------------------------------------


def test_without_a_key_it_is_told_at_once(scene: Scene, driver: str) -> None:
    face = scene.face(driver, api_key=None, private_key=None)
    with pytest.raises(ux.AuthenticationError, match="needs a key"):
        face.watch("order_book", MARKET)
    assert face.exchange.stream_health().state == "idle"


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("order_book", {"policy": "all"}, ux.BadRequest, "neither 'latest' nor"),
        ("order_book", {"events": "yes"}, ux.BadRequest, "events must be True or"),
        ("fills", {"events": 1}, ux.BadRequest, "events must be True or False, not 1"),
        ("order_book", {"outcome": "maybe"}, ux.BadRequest, "maybe"),
        ("order_book", {"market_ids": None}, ux.ArgumentsRequired, "market by market"),
        ("order_book", {"market_ids": [7]}, ux.BadRequest, "7"),
        ("fills", {"market_ids": []}, ux.BadRequest, "names no market"),
        ("fills", {"market_ids": [""]}, ux.BadRequest, "market_ids"),
    ],
)
def test_what_nobody_can_follow_is_refused(
    face: Face, name: str, arguments: Any, error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        face.watch(name, **{"market_ids": MARKET, **arguments})


def test_who_waits_in_vain_is_told_how_the_stream_does(
    scene: Scene, driver: str
) -> None:
    scene.requests.add(unavailable(503, path="/ws/", count=None))
    watch = scene.face(driver).watch("fills")
    with pytest.raises(ux.RequestTimeout, match=r"The stream is .*HTTP 503"):
        watch.next(0.3)


def test_closing_the_exchange_ends_its_watches_and_bars_new_ones(
    scene: Scene, driver: str
) -> None:
    face = scene.face(driver)
    watch = face.watch("order_book", MARKET)
    watch.next()
    scene.bid()
    face.do(face.exchange.close if face.loop is None else face.exchange.aclose)
    with pytest.raises(ux.BadRequest):
        watch.until(lambda _: False)
    with pytest.raises(ux.BadRequest, match="the exchange is closed"):
        face.watch("order_book", MARKET)
    assert soon(lambda: scene.kalshi.sessions == [])


def test_an_exchange_that_watched_nothing_closes(scene: Scene, driver: str) -> None:
    face = scene.face(driver)
    assert face.exchange.stream_health().connections == 0
    face.close()


def test_a_watch_says_what_it_follows(face: Face) -> None:
    one = face.watch("order_book", MARKET)
    many = face.watch("order_book", [MARKET, OTHER, "A", "B", "C"])
    all_ = face.watch("fills")
    texts = [repr(each.watch) for each in (one, many, all_)]
    assert MARKET in texts[0]
    assert "and 2 more" in texts[1]
    assert "fills: everything" in texts[2]


def test_within_a_block_a_loop_may_be_left_and_entered_again(
    scene: Scene, face: Face
) -> None:
    watch = face.watch("order_book", MARKET, policy="every")
    enter = "__enter__" if face.loop is None else "__aenter__"
    exit_ = "__exit__" if face.loop is None else "__aexit__"
    face.do(lambda: inside(getattr(watch.watch, enter)()))
    assert len(watch.loop(1)) == 1
    scene.bid()
    scene.bid()
    assert len(watch.loop(2)) == 2
    assert scene.subscriptions == BOOKS
    face.do(lambda: getattr(watch.watch, exit_)(None, None, None))
    assert soon(lambda: scene.subscriptions == set())


def inside(entered: Any) -> Any:
    """What a block begins with, not mistaken for the next update."""
    if isinstance(entered, ux.Watch):
        return None
    return entered


# -- mistakes of ours ------------------------------------------------------------------


def test_p11_a_mistake_in_the_protocol_ends_every_watch_as_one_and_another_may_begin(
    scene: Scene, face: Face, caplog: pytest.LogCaptureFixture
) -> None:
    watches = [face.watch("order_book", MARKET), face.watch("fills")]
    watches[0].next()
    protocol: Any = face.exchange._hubs[""]._feed.protocol

    def broken() -> Any:
        raise KeyError(MARKET)

    protocol.poll = broken
    scene.bid("7")
    for watch in watches:
        with pytest.raises(ux.InternalError, match="report it") as caught:
            watch.until(lambda _: False)
        assert repr(caught.value.__cause__) == repr(KeyError(MARKET))
    assert face.call("stream_health").state == "stopped"
    assert "a mistake of this library" in caplog.text
    assert face.watch("order_book", MARKET).next().market_id == MARKET
