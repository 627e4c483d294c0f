"""The gate before the first byte: what is read for it, and what it refuses."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest

from tests.tracking.stage import FREE, MARKET, ONCE, Quiet, Stage
from tests.venues.kalshi.ground import Machine
from tests.watching.face import DRIVERS, Scene, soon
from tests.watching.face import MARKET as LISTED
from unified_exchanges.errors import (
    BadRequest,
    GuardTripped,
    OrderUnknown,
    RateLimitExceeded,
    ReadOnly,
)
from unified_exchanges.flow import Flow, Request, Response
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.models import Balance, OrderRequest
from unified_exchanges.shells.aio import AsyncExchange
from unified_exchanges.shells.blocking import Exchange
from unified_exchanges.simulator.orders import Owner, Ticket

D = Decimal
DAY = 86_400
POSITIONS = "/portfolio/positions"
BALANCE = "/portfolio/balance"
OPEN = "/portfolio/orders"


@pytest.fixture(params=["blocking", "async"])
def stage(request: pytest.FixtureRequest) -> Stage:
    return Stage(request.param)


def guarded(stage: Stage, *, more: dict[str, Any] | None = None, **policy: Any) -> Any:
    flavour = "async" if stage.client.is_async else "blocking"
    settings = {"limits": FREE, "retry": ONCE, **(more or {})}
    return stage.ground.trader(flavour, guards=GuardPolicy(**policy), **settings)


def bid(client: Any, size: int, **more: Any) -> Any:
    return client.create_order(MARKET, "yes", "buy", "0.01", size, **more)


def refused(act: Any, guard: str) -> str:
    with pytest.raises(GuardTripped) as caught:
        act()
    assert caught.value.guard == guard
    assert caught.value.venue == "kalshi"
    return str(caught.value)


def reads(client: Any, path: str) -> int:
    return len([x for x in client.transport.requests if x.url.endswith(path)])


# -- exposure --------------------------------------------------------------------------


def test_a_refusal_says_all_that_is_needed(stage: Stage) -> None:
    client = guarded(stage, max_market_exposure=D("0.50"))
    bid(client, 30)
    told = refused(lambda: bid(client, 21), "max_market_exposure")
    assert told == (
        "kalshi: buy 21 yes of KXGDPVALUE-27FEB-V at 0.01 would put 0.51 dollars at risk "
        "in KXGDPVALUE-27FEB-V, above the cap of 0.5; 0.3 are at risk without it. Nothing "
        "was sent; cancels, and orders that only close, go on. If it is meant, make the "
        "exchange with guards=GuardPolicy(max_market_exposure=...)"
    )


def test_by_default_nothing_is_read_for_a_guard(stage: Stage) -> None:
    client = guarded(stage)
    bid(client, 5)
    paths = {x.url.rpartition("/trade-api/v2")[2] for x in client.transport.requests}
    assert paths & {POSITIONS, BALANCE, OPEN} == set()


def test_before_a_refusal_the_position_is_read_but_not_again_and_again(
    stage: Stage,
) -> None:
    client = guarded(stage, max_exposure=D("0.10"))
    for _ in range(3):
        refused(lambda: bid(client, 11), "max_exposure")
    assert reads(client, POSITIONS) == 1
    stage.clock.advance(2)
    refused(lambda: bid(client, 11), "max_exposure")
    assert reads(client, POSITIONS) == 2


def test_fault_25_a_position_that_cannot_be_read_is_no_reason_to_open(
    stage: Stage,
) -> None:
    client = guarded(stage, max_exposure=D("0.10"))
    stage.fault("answer", method="GET", path=POSITIONS, count=None)
    told = refused(lambda: bid(client, 11), "max_exposure")
    assert "whether it only closes what is held could not be read" in told
    bid(client, 10)


def test_both_caps_off_let_all_pass(stage: Stage) -> None:
    client = guarded(stage, max_exposure=None, max_market_exposure=None)
    assert bid(client, 50).is_open


def test_fault_21_an_edit_whose_answer_is_lost_counts_as_both(stage: Stage) -> None:
    client = guarded(stage, max_exposure=D("0.50"))
    placed = bid(client, 10)
    stage.fault("drop", method="POST", path="/amend", commits=False, count=None)
    stage.fault("answer", method="GET", path=OPEN, nth=2, count=None)
    with pytest.raises(Exception, match="may or may not take effect"):
        client.edit_order(placed.order_id, size=45)
    stage.ground.requests.clear()
    refused(lambda: bid(client, 6), "max_exposure")
    bid(client, 5)


def test_the_same_order_again_after_a_lost_answer_is_no_more_exposure(
    stage: Stage,
) -> None:
    client = guarded(stage, max_exposure=D("0.50"))
    client.load_markets()
    stage.fault("drop", method="POST", commits=False, count=None)
    stage.fault("answer", method="GET", count=None)
    with pytest.raises(OrderUnknown):
        bid(client, 50, client_order_id="mine")
    stage.ground.requests.clear()
    assert bid(client, 50, client_order_id="mine").is_open
    assert len(stage.elsewhere.fetch_open_orders()) == 1


def test_fault_20_a_batch_sends_what_may_go(stage: Stage) -> None:
    client = guarded(stage, max_exposure=D("0.50"), allowed_markets=MARKET)
    bought = stage.buy("4").price
    wanted = [
        ("buy", "0.01", 40, MARKET),
        ("buy", "0.01", 20, MARKET),
        ("buy", "0.01", 1, "KXGDPVALUE-27FEB-OTHER"),
        ("sell", bought, 4, MARKET),
        ("buy", "0.01", 10, MARKET),
    ]
    results = client.create_orders(
        [
            OrderRequest(market_id=name, outcome="yes", side=side, price=at, size=size)
            for side, at, size, name in wanted
        ]
    )
    errors = [None if x.error is None else x.error.guard for x in results]
    assert errors[1:4] == ["max_exposure", "allowed_markets", None]
    assert len(stage.elsewhere.fetch_open_orders()) == errors.count(None)


def test_a_batch_of_which_nothing_may_go_is_not_sent(stage: Stage) -> None:
    client = guarded(stage, max_exposure=D("0.01"))
    wanted = OrderRequest(
        market_id=MARKET, outcome="yes", side="buy", price="0.02", size=1
    )
    results = client.create_orders([wanted, wanted])
    assert [x.error.guard for x in results] == ["max_exposure"] * 2
    assert client.writes == []


def test_a_sale_in_another_subaccount_closes_nothing_here(stage: Stage) -> None:
    client = guarded(stage, max_exposure=D("0.50"))
    stage.buy("9")
    sale = MARKET, "yes", "sell", "0.05", 5
    refused(
        lambda: client.create_order(*sale, params={"subaccount": 3}), "max_exposure"
    )
    assert client.create_order(*sale, time_in_force="ioc").filled == 5


def test_close_position_and_reads_are_not_stopped_by_an_exposure_above_the_cap(
    stage: Stage,
) -> None:
    stage.buy("9")
    client = guarded(stage, max_exposure=D("0.01"), account_age=0)
    refused(lambda: bid(client, 1, post_only=True), "max_exposure")
    assert client.close_position(MARKET, price="0.01").filled == 9
    assert client.exchange.exposure().total == 0


# -- an account that must be known -----------------------------------------------------


def test_the_account_is_read_again_only_when_that_is_due(stage: Stage) -> None:
    client = guarded(stage, account_age=5)
    for _ in range(3):
        bid(client, 1)
    assert (reads(client, POSITIONS), reads(client, BALANCE)) == (1, 0)
    assert client.exchange.exposure().read_at is not None
    stage.clock.advance(5)
    bid(client, 1)
    assert reads(client, POSITIONS) == 2


def test_fault_28_an_account_is_read_once_reads_show_the_orders_of_late(
    stage: Stage,
) -> None:
    stage.ground.kalshi.read_lag = 0.5
    bid(stage.elsewhere, 45)
    client = guarded(stage, account_age=5, max_exposure=D("0.50"))
    refused(lambda: bid(client, 6), "max_exposure")


@pytest.mark.parametrize("path", [POSITIONS, OPEN, "/user_data_timestamp"])
def test_fault_25_an_account_that_cannot_be_read_refuses_orders(
    stage: Stage, path: str
) -> None:
    client = guarded(stage, account_age=5)
    placed = bid(client, 1)
    stage.clock.advance(5)
    stage.fault("answer", method="GET", path=path, count=None)
    told = refused(lambda: bid(client, 1), "account_age")
    assert "is older than 5 s" in told
    stage.ground.requests.clear()
    assert not client.cancel_order(placed.order_id).is_open


# -- the loss of a day -----------------------------------------------------------------


def loser(stage: Stage, path: Path | None = None, **policy: Any) -> Any:
    more = {} if path is None else {"journal": path}
    return guarded(
        stage, more=more, max_daily_loss=D("0.01"), price_collar=None, **policy
    )


def lose(stage: Stage) -> None:
    """Pay the spread and fees, in an order that is not ours."""
    bought = stage.buy("9")
    stage.clock.advance(20)
    stage.client.create_order(MARKET, "yes", "sell", "0.01", 9, time_in_force="ioc")
    assert bought.filled == 9
    stage.clock.advance(100)


def test_resting_orders_are_no_loss(stage: Stage) -> None:
    client = loser(stage, account_age=0)
    for _ in range(3):
        bid(client, 100)


def test_equity_is_looked_at_once_a_minute_unless_said_otherwise(stage: Stage) -> None:
    client = loser(stage)
    bid(client, 1)
    bid(client, 1)
    assert reads(client, BALANCE) == 1
    stage.clock.advance(61)
    bid(client, 1)
    assert reads(client, BALANCE) == 2


def crash(stage: Stage) -> None:
    """Whoever quotes takes all back, and nothing trades."""
    engine = stage.ground.kalshi.engine
    for role in ("maker", "crowd"):
        owner = Owner(f"flow:{role}:{MARKET}")
        for order in engine.orders(owner.account_id, status="resting"):
            engine.cancel(order.order_id, owner=owner)


def offer(stage: Stage, outcome: str) -> None:
    """Somebody bids a cent for an outcome."""
    side: Literal["bid", "ask"] = "bid" if outcome == "yes" else "ask"
    ticket = Ticket(
        owner=Owner(f"flow:maker:{MARKET}"),
        market_id=MARKET,
        side=side,
        price=D("0.01") if side == "bid" else D("0.99"),
        size=D(50),
    )
    stage.ground.kalshi.engine.place(ticket)


@pytest.mark.parametrize("outcome", ["yes", "no"])
def test_what_is_held_counts_for_no_more_than_it_could_be_sold_for(
    stage: Stage, outcome: str
) -> None:
    client = guarded(stage, max_daily_loss=D(2), account_age=0, price_collar=None)
    book = stage.client.fetch_order_book(MARKET, outcome=outcome)
    stage.client.create_order(
        MARKET, outcome, "buy", book.ask.price, 10, time_in_force="ioc"
    )
    stage.clock.advance(20)
    client.create_order(MARKET, outcome, "buy", "0.01", 1)
    crash(stage)
    offer(stage, outcome)
    # No trade has shown it: the venue's own sum goes by the last one.
    assert stage.client.fetch_balance().position_value > 10 * D("0.2")
    told = refused(
        lambda: client.create_order(MARKET, outcome, "buy", "0.01", 1), "max_daily_loss"
    )
    assert "dollars were lost" in told


def test_what_nobody_bids_for_is_worth_what_the_venue_tells(stage: Stage) -> None:
    client = guarded(stage, max_daily_loss=D(2), account_age=0, price_collar=None)
    stage.buy("10")
    stage.clock.advance(20)
    client.cancel_order(bid(client, 1).order_id)
    crash(stage)
    assert stage.client.fetch_order_book(MARKET).bid is None
    assert stage.client.fetch_positions()[0].mark_price is None
    assert bid(client, 1).is_open


def test_fault_28_what_is_sold_while_the_account_is_read_is_no_loss(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = guarded(stage, max_daily_loss=D(2), account_age=0, price_collar=None)
    stage.buy("10")
    stage.clock.advance(20)
    bid(client, 1)
    serve, sold = stage.ground.handle, []

    def handle(request: Request) -> Response:
        response = serve(request)
        if request.url.endswith(BALANCE) and not sold:
            # Cash lacks it, and positions that are read next have it.
            sold.append(1)
            best = stage.elsewhere.fetch_order_book(MARKET).bid.price
            terms = (MARKET, "yes", "sell", best, 10)
            stage.elsewhere.create_order(*terms, time_in_force="ioc")
        return response

    monkeypatch.setattr(stage.ground, "handle", handle)
    assert bid(client, 1).is_open
    assert sold
    assert stage.client.fetch_positions() == []


def test_fault_28_what_is_bought_while_the_account_is_read_is_no_loss(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = guarded(stage, max_daily_loss=D(2), account_age=0, price_collar=None)
    stage.buy("10")
    stage.clock.advance(20)
    bid(client, 1)
    serve, bought = stage.ground.handle, []

    def handle(request: Request) -> Response:
        if request.url.endswith(BALANCE) and not bought:
            # Cash has it, and positions that were read before lack it.
            bought.append(1)
            best = stage.elsewhere.fetch_order_book(MARKET).ask.price
            terms = (MARKET, "yes", "buy", best, 10)
            stage.elsewhere.create_order(*terms, time_in_force="ioc")
        return serve(request)

    monkeypatch.setattr(stage.ground, "handle", handle)
    assert bid(client, 1).is_open
    assert bought


def test_a_look_reads_the_quotes_of_all_that_is_held_in_one_request(
    stage: Stage,
) -> None:
    for market_id in (MARKET, "KXRAINSEA-26NOV25-R", "KXTOPALBUM-26NOV-BLUE0"):
        best = stage.elsewhere.fetch_order_book(market_id).ask.price
        stage.elsewhere.create_order(market_id, "yes", "buy", best, 5)
    stage.clock.advance(20)
    client = guarded(stage, max_daily_loss=D(100))
    for _ in range(65 * 5):
        bid(client, 1)
        stage.clock.advance(0.2)
    # Two looks, a minute apart.
    paths = ("/user_data_timestamp", "/portfolio/orders", BALANCE, "/markets")
    assert [reads(client, path) for path in paths] == [2, 2, 2, 2]
    assert reads(client, "/portfolio/positions") == 4
    looked = [x for x in client.transport.requests if x.is_read]
    assert len(looked) == 12 + reads(client, f"/markets/{MARKET}")


def test_a_loss_holds_for_the_rest_of_the_day(stage: Stage) -> None:
    client = loser(stage)
    placed = bid(client, 1)
    lose(stage)
    told = refused(lambda: bid(client, 1), "max_daily_loss")
    assert "(UTC): equity was " in told
    refused(lambda: client.edit_order(placed.order_id, size=5), "max_daily_loss")
    assert client.edit_order(placed.order_id, size=D("0.5")).is_open
    assert not client.cancel_order(placed.order_id).is_open
    stage.clock.advance(DAY)
    assert bid(client, 1).is_open


@pytest.mark.parametrize("journaled", [False, True])
@pytest.mark.parametrize("step", [-DAY, DAY])
def test_fault_44_a_clock_that_is_set_begins_no_new_day(
    stage: Stage, tmp_path: Path, step: int, *, journaled: bool
) -> None:
    stage.ground.own = own = Machine(stage.clock)
    client = loser(stage, tmp_path / "orders.db" if journaled else None)
    bid(client, 1)
    lose(stage)
    refused(lambda: bid(client, 1), "max_daily_loss")
    own.ahead = step
    refused(lambda: bid(client, 1), "max_daily_loss")
    own.ahead = 0
    stage.clock.advance(DAY)
    assert bid(client, 1).is_open


def test_the_first_equity_of_the_day_survives_a_restart(
    stage: Stage, tmp_path: Path
) -> None:
    path = tmp_path / "orders.db"
    first = loser(stage, path)
    bid(first, 1)
    first.do(first.exchange.aclose if first.is_async else first.exchange.close)
    lose(stage)
    again = loser(stage, path)
    refused(lambda: bid(again, 1), "max_daily_loss")
    forgetful = loser(stage)
    assert bid(forgetful, 1).is_open
    rows = sqlite3.connect(path).execute("SELECT venue, day FROM days").fetchall()
    assert len(rows) == 1


def test_a_subaccount_has_a_day_of_its_own(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    bid(loser(stage, path), 1)
    options = {"options": {"subaccount": 0}, "journal": path}
    bid(guarded(stage, more=options, max_daily_loss=D(1)), 1)
    rows = sqlite3.connect(path).execute("SELECT account FROM days").fetchall()
    assert len({x for (x,) in rows}) == 2


def test_a_journal_that_cannot_keep_the_day_refuses_orders(
    stage: Stage, tmp_path: Path
) -> None:
    path = tmp_path / "orders.db"
    client = loser(stage, path)
    bid(client, 1)
    with sqlite3.connect(path) as file:
        file.execute("UPDATE days SET equity = 'plenty'")
    stage.clock.advance(100)
    told = refused(lambda: bid(client, 1), "account_age")
    assert "the journal" in told


def test_a_dry_run_leaves_the_day_of_the_journal_alone(
    stage: Stage, tmp_path: Path
) -> None:
    path = tmp_path / "orders.db"
    more = {"journal": path, "dry_run": True}
    client = guarded(stage, more=more, max_daily_loss=D("0.01"), account_age=0)
    # What is only rehearsed holds no cash back.
    for _ in range(3):
        bid(client, 100)
    stage.bid("100")
    bid(client, 100)
    lose(stage)
    refused(lambda: bid(client, 1), "max_daily_loss")
    assert not path.exists()


# -- the collar ------------------------------------------------------------------------


def test_an_edit_is_held_against_the_book_too(stage: Stage) -> None:
    client = guarded(stage, price_collar=D("0.05"), without_book="fetch")
    placed = bid(client, 1)
    told = refused(
        lambda: client.edit_order(placed.order_id, outcome="no", price="0.01"),
        "price_collar",
    )
    assert f"change of order {placed.order_id} to sell 1 no" in told


def test_fault_23_the_order_that_a_refused_edit_has_read_is_tracked(
    stage: Stage,
) -> None:
    placed = stage.bid("5")
    client = guarded(stage, price_collar=D("0.05"), without_book="fetch")
    far = {"outcome": "yes", "price": "0.99"}
    refused(lambda: client.edit_order(placed.order_id, **far), "price_collar")
    found = client.exchange.orders.find(order_id=placed.order_id)
    assert (found.state, found.order.remaining, found.is_external) == ("open", 5, True)
    assert client.exchange.exposure().total == D("0.05")


def test_a_book_that_cannot_be_read_refuses(stage: Stage) -> None:
    client = guarded(stage, price_collar=D("0.05"), without_book="fetch")
    stage.fault("answer", method="GET", path="/orderbook", count=None)
    assert "could not be read" in refused(lambda: bid(client, 1), "price_collar")


@pytest.fixture
def scene() -> Iterator[Scene]:
    with Scene() as scene:
        yield scene


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_book_that_is_watched_judges_as_long_as_it_is_live(
    scene: Scene, driver: str
) -> None:
    policy = GuardPolicy(price_collar=D("0.05"), without_book="refuse")
    face = scene.face(driver, guards=policy)
    terms = LISTED, "no", "sell", "0.01", 1
    with pytest.raises(GuardTripped, match="none is watched that is live"):
        face.call("create_order", *terms)
    watch = face.watch("order_book", LISTED)
    book = watch.next()
    with pytest.raises(GuardTripped, match=r"worse than the best ask of .* s old\)"):
        face.call("create_order", *terms)
    good = LISTED, "yes", "buy", book.ask.price, 1
    assert face.call("create_order", *good).filled == 1
    # The one before it went stale when the fill changed the book.
    book = watch.next()
    scene.go_down()
    assert soon(lambda: face.do(lambda: book.stale))
    with pytest.raises(GuardTripped, match="none is watched that is live"):
        face.call("create_order", *good)


# -- markets, and no writes at all ------------------------------------------------------


def test_an_edit_elsewhere_is_refused_once_its_market_is_known(stage: Stage) -> None:
    placed = stage.bid("5")
    client = guarded(stage, allowed_markets=["A*"])
    for _ in range(2):
        # Read for the first, remembered for the second.
        refused(lambda: client.edit_order(placed.order_id, size=3), "allowed_markets")
    assert (client.writes, reads(client, placed.order_id)) == ([], 1)


def test_a_position_elsewhere_is_not_closed(stage: Stage) -> None:
    client = guarded(stage, allowed_markets=["A*"])
    refused(lambda: client.close_position(MARKET, price="0.01"), "allowed_markets")
    assert client.transport.requests == []


@pytest.mark.parametrize("dry_run", [False, True])
def test_read_only_holds_for_raw_requests_and_dry_runs(
    stage: Stage, dry_run: bool
) -> None:
    client = guarded(stage, more={"dry_run": dry_run}, read_only=True)
    for act in (
        lambda: client.request("POST", OPEN, body={}),
        lambda: client.create_orders([OrderRequest(**TERMS)]),
        lambda: client.close_position(MARKET, price="0.01"),
        lambda: client.cancel_orders(["x"]),
    ):
        with pytest.raises(ReadOnly, match=r"GuardPolicy\(read_only=True\)"):
            act()
    assert client.writes == []
    assert client.preview_order(MARKET, "yes", "buy", "0.01", 1).cost == D("0.01")


TERMS: dict[str, Any] = {
    "market_id": MARKET,
    "outcome": "yes",
    "side": "buy",
    "price": "0.01",
    "size": 1,
}


def test_guards_are_a_policy_or_nothing(stage: Stage) -> None:
    with pytest.raises(BadRequest, match="guards must be a GuardPolicy"):
        stage.ground.trader("blocking", guards=5)


# -- how many leave --------------------------------------------------------------------


def test_fault_14_edits_that_are_sent_count_among_the_orders(stage: Stage) -> None:
    client = guarded(stage, max_orders=3, seconds=10)
    placed = bid(client, 5)
    for size in (6, 7):
        client.edit_order(placed.order_id, size=size)
    # What only takes off is not theirs to stop, nor counted.
    for size in (6, 5, 4):
        client.edit_order(placed.order_id, size=size)
    sent = len(client.writes)
    for act in (
        lambda: client.edit_order(placed.order_id, size=5),
        lambda: client.edit_order(placed.order_id, outcome="yes", price="0.02", size=3),
        lambda: client.edit_order(placed.order_id, expires_at=in_an_hour(stage)),
        lambda: bid(client, 1),
    ):
        with pytest.raises(RateLimitExceeded, match="more than 3 orders within 10 s"):
            act()
    assert len(client.writes) == sent
    stage.clock.advance(11)
    assert client.edit_order(placed.order_id, size=5).size == 5


def test_fault_14_an_edit_of_what_surely_closes_is_not_counted(stage: Stage) -> None:
    client = guarded(stage, max_orders=1, seconds=10)
    stage.buy("9")
    client.fetch_positions(market_id=MARKET)
    sale = client.create_order(MARKET, "yes", "sell", "0.99", 4)
    assert client.edit_order(sale.order_id, size=9).size == 9
    bid(client, 1)
    assert client.edit_order(sale.order_id, size=8).size == 8
    assert client.edit_order(sale.order_id, size=9).size == 9
    with pytest.raises(RateLimitExceeded):
        client.edit_order(sale.order_id, size=10)


def in_an_hour(stage: Stage) -> datetime:
    return datetime.fromtimestamp(stage.clock.now() + 3600, UTC)


class Worthless(Quiet):
    """A venue that does not tell what positions are worth."""

    def fetch_balance(self, **what: Any) -> Flow[Balance]:
        told = yield from super().fetch_balance(**what)
        return attrs.evolve(told, position_value=None)


class _Blocking(Exchange):
    venue_type = Worthless


class _Async(AsyncExchange):
    venue_type = Worthless


def test_where_the_worth_of_positions_is_not_told_they_are_worth_their_marks(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(flavour: str, **settings: Any) -> Any:
        return (_Async if flavour == "async" else _Blocking)(**settings)

    monkeypatch.setattr(stage.ground, "exchange", make)
    first = stage.buy("20")
    fee = sum(x.fee for x in stage.client.fetch_fills(order_id=first.order_id))
    stage.clock.advance(100)
    book = stage.client.fetch_order_book(MARKET)
    assert book.ask.price == first.average_price
    spread = 20 * (book.ask.price - book.bid.price)
    client = guarded(stage, max_daily_loss=fee + spread / 2, account_age=0)
    bid(client, 1)
    client.create_order(MARKET, "yes", "buy", book.ask.price, 20)
    # What it cost is still there, but for the fee; what it may be sold for is not.
    refused(lambda: bid(client, 1), "max_daily_loss")
