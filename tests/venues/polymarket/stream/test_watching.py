"""``watch_*`` against the simulated Polymarket on real sockets, in both flavours."""

from __future__ import annotations

import logging
import time
from decimal import Decimal
from typing import Any

import pytest

import unified_exchanges as ux
from tests.watching.face import Face, soon
from unified_exchanges.simulator.faults import Fault, StreamFault, unavailable

from .scene import Scene

D = Decimal
DOWN = unavailable(path="/gamma/", count=None)


def size_at(book: Any, price: str) -> Decimal:
    return sum((x.size for x in book.bids if x.price == D(price)), D(0))


def levels(book: Any) -> tuple[list[Any], list[Any]]:
    sides = (book.bids, book.asks)
    one, other = ([(x.price, x.size) for x in side] for side in sides)
    return one, other


# -- markets ---------------------------------------------------------------------------


def test_a_book_comes_at_once_without_a_key_and_whenever_it_changes(
    scene: Scene, driver: str
) -> None:
    public = scene.face(
        driver, private_key=None, api_key=None, secret=None, password=None, options={}
    )
    watch = public.watch("order_book", scene.market)
    first = watch.next()
    truth = public.call("fetch_order_book", scene.market)
    assert (levels(first), first.outcome) == (levels(truth), truth.outcome)
    assert (first.stale, first.grid is not None) == (False, True)
    scene.bid("7")
    changed = watch.until(lambda x: size_at(x, "0.01") == 7)[-1]
    assert changed.timestamp > first.timestamp


def test_each_outcome_has_its_book(scene: Scene, face: Face) -> None:
    both = [face.watch("order_book", scene.market, outcome=x) for x in (None, "NO")]
    yes, no = (x.next() for x in both)
    assert (yes.outcome, no.outcome) == ("yes", "no")
    mirrored = yes.complement("no")
    assert levels(no) == levels(mirrored)
    scene.bid("7", index=1)
    assert both[1].until(lambda x: size_at(x, "0.01") == 7)
    told = both[0].until(lambda x: x.asks[-1].price == D("0.99"))[-1]
    assert told.outcome == "yes"


def test_many_markets_come_in_one_watch(scene: Scene, face: Face) -> None:
    names = [scene.market, scene.other.condition_id]
    assert {x.market_id for x in face.watch("order_book", names).take(2)} == set(names)


def test_a_market_that_does_not_exist_is_told_within_seconds(
    scene: Scene, face: Face
) -> None:
    watch = face.watch("order_book", [scene.market, "0x" + "9" * 64])
    with pytest.raises(ux.MarketNotFound, match="0x9999"):
        watch.until(lambda _: False)


def test_an_outcome_that_a_market_does_not_have_is_told(
    scene: Scene, face: Face
) -> None:
    watch = face.watch("order_book", scene.market, outcome="maybe")
    right = face.watch("order_book", scene.market, outcome="no")
    with pytest.raises(ux.BadRequest, match="has no outcome 'maybe'"):
        watch.next()
    assert right.next().outcome == "no"
    # Once the market is known, at once.
    with pytest.raises(ux.BadRequest, match="has no outcome 'perhaps'"):
        face.watch("ticker", scene.market, outcome="perhaps")


def test_quotes_and_trades_are_followed(scene: Scene, face: Face) -> None:
    quotes = face.watch("ticker", scene.market)
    trades = face.watch("trades", scene.market)
    first = quotes.next()
    assert (first.market_id, first.outcome) == (scene.market, "yes")
    assert soon(lambda: len(scene.venue.sessions) == 1)
    face.watch("order_book", scene.market, outcome="no").next()
    whole = str(first.ask_size)
    scene.buy(whole)
    scene.buy("7", index=1)
    told = trades.take(2)
    assert [(x.outcome, x.size, x.taker_side) for x in told] == [
        ("yes", D(whole), "buy"),
        ("no", 7, "buy"),
    ]
    assert quotes.next().ask > first.ask


def test_a_ticker_beside_a_book_comes_though_nothing_moves(
    scene: Scene, face: Face
) -> None:
    books = face.watch("order_book", scene.market)
    book = books.next()
    told = face.watch("ticker", scene.market).next()
    assert books.is_quiet(0)
    assert (told.bid, told.ask) == (book.bid.price, book.ask.price)
    assert (told.bid_size, told.ask_size) == (book.bid.size, book.ask.size)


def test_a_grid_that_moves_is_told_and_known_by_the_book(
    scene: Scene, face: Face
) -> None:
    watch = face.watch("market_status", scene.market)
    books = face.watch("order_book", scene.market)
    before = books.next()
    with scene.server.lock:
        scene.venue.change_tick(scene.listed, "0.001")
    change = watch.next()
    assert (change.change, change.grid) == (
        "tick_size_change",
        ux.PriceGrid.of("0.001"),
    )
    after = books.until(lambda x: x.grid == change.grid)[-1]
    assert (before.grid != after.grid, before.stale) == (True, True)


def test_a_resolution_whose_frame_is_lost_is_told(driver: str) -> None:
    with Scene(tells_resolutions=False) as scene:
        face = scene.face(driver, policy={"reconcile": 0.5})
        watch = face.watch("market_status", scene.market)
        assert watch.is_quiet(2)
        with scene.server.lock:
            scene.venue.engine.determine(scene.market, D(1))
        change = watch.next()
        assert (change.change, change.status) == ("market_resolved", "settled")
        assert (change.market_id, change.result, change.value) == (
            scene.market,
            "yes",
            1,
        )
        assert watch.is_quiet(2)
        late = face.watch("market_status", scene.market).next()
        assert (late.market_id, late.value) == (scene.market, 1)


def test_a_market_that_pays_half_to_each_outcome_is_told_with_what_it_pays(
    scene: Scene, face: Face
) -> None:
    watch = face.watch("market_status", scene.market, events=True)
    assert soon(lambda: face.call("stream_health").state == "live")
    # A look at the catalog in time would tell all of it at once, before the stream: whoever
    # asked it before it was down has his answer once a later question has its own.
    scene.server.faults.add(DOWN)
    face.call("fetch_order_book", scene.market)
    with scene.server.lock:
        scene.venue.engine.determine(scene.market, D("0.5"))
    told = [watch.next()]
    scene.server.faults.clear()
    # Whatever failed meanwhile is looked up again only after seconds.
    told.append(watch.next(30))
    assert [(x.status, x.result, x.value) for x in told] == [
        ("settled", None, None),
        ("settled", "50-50", D("0.5")),
    ]
    assert face.call("stream_health").malformed_messages == 0


def test_books_that_do_not_come_are_read_over_rest() -> None:
    with Scene(most_assets=0) as scene:
        face = scene.face("blocking")
        watch = face.watch("order_book", scene.market)
        began = time.monotonic()
        book = watch.next(10)
        assert 4.5 < time.monotonic() - began < 8
        truth = face.call("fetch_order_book", scene.market)
        assert levels(book) == levels(truth)
        scene.bid("7")
        assert watch.until(lambda x: size_at(x, "0.01") == 7)


def test_many_books_that_do_not_come_are_read_together(driver: str) -> None:
    with Scene(most_assets=0) as scene:
        # Whoever reads one by one reads none.
        scene.server.faults.add(unavailable(path="/clob/book$", count=None))
        face = scene.face(driver)
        names = [scene.market, scene.other.condition_id]
        watch = face.watch("order_book", names)
        assert {watch.next(10).market_id, watch.next().market_id} == set(names)


@pytest.mark.parametrize("kind", ["duplicate", "reorder", "drop"])
def test_a_book_that_may_be_wrong_is_made_anew(kind: Any, driver: str) -> None:
    with Scene(StreamFault(kind, frame="price_change", every=3)) as scene:
        face = scene.face(driver, policy={"audit": 0.3})
        watch = face.watch("order_book", scene.market)
        watch.next()
        for size in range(5, 20):
            scene.bid(str(size))
        truth = face.call("fetch_order_book", scene.market)
        assert watch.until(lambda x: levels(x) == levels(truth))


def test_all_is_followed_again_after_a_break(driver: str) -> None:
    with Scene(StreamFault("close", frame="price_change")) as scene:
        face = scene.face(driver)
        watch = face.watch("order_book", scene.market, events=True)
        watch.next()
        scene.bid("7")
        told = watch.until(lambda x: isinstance(x, ux.Reconnected))
        assert "Gap" in {type(x).__name__ for x in told}
        assert size_at(watch.next(), "0.01") == 7


def test_nobody_is_dialled_for_when_all_have_left(scene: Scene, driver: str) -> None:
    face = scene.face(driver)
    watch = face.watch("order_book", scene.market)
    watch.next()
    watch.close()
    with scene.server.lock:
        [session] = scene.venue.sessions
        session.hang_up()
    assert not soon(lambda: face.call("stream_health").connections > 1, 1.0)
    assert face.call("stream_health").state == "idle"
    again = face.watch("order_book", scene.market, events=True)
    assert again.next().market_id == scene.market
    assert soon(lambda: face.call("stream_health").state == "live")
    assert face.call("stream_health").connections == 2


# -- the account -----------------------------------------------------------------------


def test_orders_and_fills_are_told_to_their_end(scene: Scene, face: Face) -> None:
    orders, fills = face.watch("orders"), face.watch("fills")
    assert soon(lambda: face.call("stream_health").last_reconciled_at is not None)
    resting = scene.bid("9")
    assert orders.next().order_id == resting
    scene.cancel(resting)
    ended = orders.until(lambda x: not x.is_open)[-1]
    assert (ended.status, ended.filled) == ("canceled", 0)
    taken = scene.buy("6")
    fill = fills.next()
    assert (fill.order_id, fill.size, fill.state) == (taken, 6, "pending")
    assert fill.liquidity == "taker"
    [told] = face.call("fetch_fills", order_id=taken) if face.loop is None else [fill]
    assert (told.fee, told.trade_id) == (fill.fee, fill.trade_id)
    # Mined and confirmed are no other fill.
    assert fills.is_quiet(0.6)


def test_a_fill_in_the_second_in_which_the_watch_began_is_told(
    scene: Scene, face: Face
) -> None:
    # Answers over more than a second tell the venue's clock to some hundredths.
    until = time.time() + 1.2
    while time.time() < until:
        face.call("fetch_order_book", scene.market)
        time.sleep(0.02)
    time.sleep(-(time.time() - 0.5) % 1)
    fills = face.watch("fills")
    assert soon(lambda: face.call("stream_health").last_reconciled_at is not None)
    taken = scene.buy("6")
    # The user channel tells when in whole seconds: that is before the watch began.
    assert fills.next().order_id == taken


@pytest.mark.parametrize("kind", ["silence", "half_open"])
def test_what_ended_while_the_stream_was_frozen_is_told_as_ended(
    driver: str, kind: Any
) -> None:
    with Scene() as scene:
        policy = {"silence": 1.0, "reconcile": None}
        face = scene.face(driver, policy=policy, live=True)
        orders = face.watch("orders")
        assert soon(lambda: face.call("stream_health").last_reconciled_at is not None)
        resting = scene.bid("9")
        assert orders.next().order_id == resting
        scene.server.stream_faults.add(StreamFault(kind, after=0, seconds=2.5))
        time.sleep(0.3)
        scene.cancel(resting)
        # Of these two the stream says nothing at all: by another program, and by this.
        taken = scene.buy("6")
        ours = face.call("create_order", scene.market, "yes", "buy", "0.01", 100)
        face.call("cancel_order", ours.order_id)
        left = {resting, taken, ours.order_id}
        while left:
            told = orders.next()
            left -= set() if told.is_open else {told.order_id}


def test_what_others_took_of_us_is_ours_at_our_terms(scene: Scene, face: Face) -> None:
    fills = face.watch("fills")
    assert soon(lambda: face.call("stream_health").last_reconciled_at is not None)
    bid = face.call("fetch_order_book", scene.market).bid
    ours = scene.place("BUY", str(bid.price), "8").body["orderID"]
    # Who buys the other outcome takes those before us, and then us.
    other = str(1 - bid.price)
    scene.place("BUY", other, str(bid.size + 6), by=scene.them, index=1)
    fill = fills.next()
    assert (fill.order_id, fill.outcome, fill.side) == (ours, "yes", "buy")
    assert (fill.price, fill.size, fill.fee) == (bid.price, 6, 0)
    assert fill.liquidity == "maker"


@pytest.mark.parametrize(
    "trouble", [Fault("stall", path="/gamma/", count=None), DOWN], ids=["slow", "down"]
)
def test_a_fill_is_told_without_its_fee_where_the_catalog_does_not_answer(
    scene: Scene, face: Face, trouble: Fault
) -> None:
    fills = face.watch("fills")
    assert soon(lambda: face.call("stream_health").last_reconciled_at is not None)
    scene.server.faults.add(trouble)
    taken = scene.buy("6")
    fill = fills.next()
    assert (fill.order_id, fill.size, fill.fee) == (taken, 6, None)
    scene.server.faults.clear()
    # That it is known by now is no other fill; the listing tells it.
    assert soon(lambda: face.call("fetch_fills", order_id=taken)[0].fee > 0)
    assert fills.is_quiet(0.6)


def test_a_fill_of_an_order_that_was_placed_here_needs_no_catalog_for_its_fee(
    scene: Scene, face: Face
) -> None:
    face.call("create_order", scene.market, "yes", "buy", "0.01", 10)
    fills = face.watch("fills")
    assert soon(lambda: face.call("stream_health").last_reconciled_at is not None)
    scene.server.faults.add(DOWN)
    ask = face.call("fetch_order_book", scene.market).ask.price
    face.call("create_order", scene.market, "yes", "buy", ask, 20)
    assert fills.next().fee > 0


def test_a_fill_that_fails_is_taken_back(scene: Scene, face: Face) -> None:
    fills = face.watch("fills")
    assert soon(lambda: face.call("stream_health").last_reconciled_at is not None)
    scene.venue.settler.fail(1)
    scene.buy("6")
    fill, back = fills.take(2)
    assert (back.trade_id, back.order_id) == (fill.trade_id, fill.order_id)
    assert (fill.size + back.size, fill.fee + back.fee) == (0, 0)
    assert (fill.is_reversal, back.is_reversal, back.state) == (False, True, "failed")
    assert fill.proceeds + back.proceeds == 0
    assert fills.is_quiet()


@pytest.mark.parametrize("fails", [False, True])
def test_fault_30_an_order_whose_state_was_lost_is_told_as_its_fills_make_it(
    driver: str, *, fails: bool
) -> None:
    lost = StreamFault("drop", frame="order", nth=2, count=1)
    with Scene(lost) as scene:
        face = scene.face(driver)
        watch = face.watch("orders")
        assert soon(lambda: face.call("stream_health").last_reconciled_at is not None)
        best = face.call("fetch_order_book", scene.market).bid
        bid = scene.place("BUY", str(best.price), "20").body["orderID"]
        watch.until(lambda x: x.order_id == bid)
        if fails:
            scene.venue.settler.fail(9, retrying=False)
        # Who buys the other outcome takes those before us, and then us.
        other, size = str(1 - best.price), str(best.size + 20)
        scene.place("BUY", other, size, by=scene.them, index=1)
        told = watch.until(lambda x: not x.is_open)
        assert [x.failed for x in told if x.failed > x.filled] == []
        found = told[-1]
        assert (found.order_id, found.filled, found.remaining) == (bid, 20, 0)
        assert found.failed == (20 if fails else 0)
        assert face.call("stream_health").missed == 0
        assert face.call("fetch_order", bid).status is found.status


def test_a_failure_that_the_stream_lost_is_found_over_rest(driver: str) -> None:
    lost = StreamFault("drop", frame="trade", nth=2, count=None)
    with Scene(lost) as scene:
        face = scene.face(driver, policy={"reconcile": 0.5})
        fills = face.watch("fills")
        assert soon(lambda: face.call("stream_health").last_reconciled_at is not None)
        scene.venue.settler.fail(1)
        scene.buy("6")
        fill, back = fills.take(2)
        assert fill.size + back.size == 0


def test_positions_of_both_outcomes_are_read_after_each_fill(
    scene: Scene, face: Face
) -> None:
    held = face.watch("positions")
    assert soon(lambda: face.call("stream_health").last_reconciled_at is not None)
    scene.buy("6")
    assert [(x.outcome, x.size) for x in held.take(1)] == [("yes", 6)]
    scene.buy("7", index=1)
    told = held.until(lambda x: x.outcome == "no")
    assert told[-1].size == 7
    kept = face.call("fetch_positions")
    assert {(x.outcome, x.size) for x in kept} == {("yes", 6), ("no", 7)}


def test_the_account_needs_a_key_and_says_so(scene: Scene, driver: str) -> None:
    public = scene.face(
        driver, private_key=None, api_key=None, secret=None, password=None, options={}
    )
    with pytest.raises(ux.AuthenticationError, match="needs a key"):
        public.watch("orders")
    assert public.watch("order_book", scene.market).next()


def test_an_api_key_is_derived_where_none_was_given(scene: Scene, driver: str) -> None:
    face = scene.face(driver, api_key=None, secret=None, password=None)
    orders = face.watch("orders")
    resting = scene.bid("9")
    assert orders.next().order_id == resting


def test_a_key_that_is_wrong_is_told(scene: Scene, driver: str) -> None:
    face = scene.face(driver, api_key="00000000-0000-0000-0000-00000000dead")
    watch = face.watch("orders")
    with pytest.raises(ux.AuthenticationError):
        watch.next(18)


def test_a_secret_that_the_stream_refuses_ends_what_is_of_the_account(
    scene: Scene, driver: str
) -> None:
    face = scene.face(driver, secret="AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    book = face.watch("order_book", scene.market)
    book.next()
    orders = face.watch("orders")
    with pytest.raises(ux.AuthenticationError):
        orders.next(18)
    # What the market tells goes on.
    scene.bid("7")
    assert book.until(lambda x: size_at(x, "0.01") == 7)


def test_the_stream_is_live_again_once_the_second_socket_tells(
    scene: Scene, driver: str
) -> None:
    face = scene.face(driver, api_key=None, secret=None, password=None)
    face.watch("order_book", scene.market).next()
    assert soon(lambda: face.call("stream_health").state == "live")
    orders = face.watch("orders")
    health = face.call("stream_health")
    while health.state != "live":
        assert health.state == "connecting"
        health = face.call("stream_health")
    assert (health.connections, health.reconciliations) == (2, 1)
    with scene.server.lock:
        assert len(scene.venue.sessions) == 2
    assert orders.is_quiet(0)


def test_two_sockets_are_one_stream(scene: Scene, face: Face) -> None:
    face.watch("order_book", scene.market).next()
    face.watch("orders")
    assert soon(lambda: face.call("stream_health").connections == 2)
    assert soon(lambda: face.call("stream_health").state == "live")
    face.call("unwatch")
    face.close()
    assert soon(lambda: not scene.venue.sessions)


def test_no_secret_is_in_any_log_line(
    scene: Scene, driver: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    face = scene.face(driver)
    fills = face.watch("fills")
    assert soon(lambda: face.call("stream_health").last_reconciled_at is not None)
    scene.buy("6")
    fills.next()
    face.close()
    key = scene.us.key
    shown = "\n".join(f"{x.getMessage()} {x.args}" for x in caplog.records)
    assert all(secret not in shown for secret in (key.secret, key.passphrase))


def test_an_order_is_waited_for_by_the_stream(scene: Scene, face: Face) -> None:
    orders = face.exchange.orders
    face.do(orders.follow)
    resting = scene.bid("9")
    assert soon(lambda: any(x.order_id == resting for x in orders))
    scene.cancel(resting)
    done = face.call("wait_done", resting, 5)
    assert done.status == "canceled"
