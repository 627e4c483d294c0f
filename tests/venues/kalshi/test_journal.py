"""What Kalshi writes of an order before it leaves and after, and what it finds out later."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.venues.kalshi.desk import FRESHNESS, KEY, desk, market, order, orders
from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges.errors import (
    AuthenticationError,
    ConnectionLost,
    DuplicateOrderId,
    InsufficientFunds,
    InvalidOrder,
    JournalError,
    OrderUnknown,
    RateLimitExceeded,
    UnifiedExchangesError,
    UnresolvedOrders,
)
from unified_exchanges.flow import Note, Recall, Request, Response
from unified_exchanges.guards import GuardPolicy
from unified_exchanges.journal import MemoryJournal
from unified_exchanges.models import Intent, IntentState, Market, OrderRequest, Side
from unified_exchanges.policy import LimitPolicy, RetryPolicy
from unified_exchanges.testing.conformance import Trader
from unified_exchanges.venues.kalshi.venue import KalshiVenue

ONCE = RetryPolicy(attempts=1)
FREE = LimitPolicy(enabled=False, discover=False)
FLAVOURS = ("blocking", "async")


class Told:
    """A journal that tells what it was told, beside what was sent."""

    is_blocking = False

    def __init__(self, history: list[str]) -> None:
        self.inner = MemoryJournal()
        self.history = history
        self.fails: str | None = None

    def note(self, entries: Any) -> tuple[Intent, ...]:
        told = " ".join(f"{x.client_order_id}:{x.state}" for x in entries)
        if self.fails in {str(x.state) for x in entries}:
            self.history.append(f"failed {told}")
            raise JournalError("the journal could not be written: disk full")
        self.history.append(told)
        return self.inner.note(entries)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@attrs.define
class Scene:
    """A trader whose journal and requests are told in one line of history."""

    trader: Trader
    history: list[str]
    journal: Told
    market: Market

    @property
    def venue(self) -> KalshiVenue:
        found: KalshiVenue = self.trader.exchange.venue
        return found

    def states(self) -> dict[str, str]:
        everything = {**self.journal.inner._ended, **self.journal.inner._open}
        return {key: str(x.state) for (_, key), x in everything.items()}

    def request(self, key: str, **fields: Any) -> OrderRequest:
        return OrderRequest(
            **{
                "market_id": self.market.market_id,
                "outcome": "yes",
                "side": "buy",
                "price": self.market.grid.lowest,
                "size": 1,
                "client_order_id": key,
                **fields,
            }
        )


@pytest.fixture(params=FLAVOURS)
def scene(request: pytest.FixtureRequest) -> Scene:
    ground = KalshiGround(enforce_limits=False)
    ground.clock.advance(60)
    trader = ground.trader(request.param, limits=FREE)
    history: list[str] = []
    journal = kept_by(trader, history)
    serve = ground.venue.handle

    def told(request: Request) -> Response:
        if request.method != "GET":
            history.append(request.method)
        return serve(request)

    ground.venue.handle = told  # type: ignore[method-assign]
    return Scene(trader, history, journal, trader.quoted_market())


def kept_by(trader: Trader, history: list[str]) -> Told:
    """Let a journal keep what a trader does, as if it were in a file."""
    journal = Told(history)
    trader.exchange._driver._journal = journal
    venue = trader.exchange.venue
    venue.settings = attrs.evolve(venue.settings, is_journaled=True)
    return journal


def told(act: Callable[[], Any]) -> UnifiedExchangesError:
    with pytest.raises(UnifiedExchangesError) as caught:
        act()
    return caught.value


# -- what is written when --------------------------------------------------------------


def test_fault_12_an_order_is_written_before_it_leaves_and_after_its_answer(
    scene: Scene,
) -> None:
    scene.trader.rest(scene.market, client_order_id="a")
    assert scene.history == ["a:pending", "POST", "a:placed"]


def test_what_is_written_is_the_order_as_it_is_sent(scene: Scene) -> None:
    expires = datetime.fromtimestamp(int(scene.trader.ground.clock.now()) + 500, UTC)
    scene.trader.suffer("lost before", 1000)
    told(
        lambda: scene.trader.rest(
            scene.market,
            "2.5",
            outcome="no",
            price="0.02",
            post_only=True,
            expires_at=expires,
            client_order_id="a",
            params={"subaccount": 0},
        )
    )
    (left,) = scene.trader.unresolved_intents()
    now = scene.trader.ground.clock.now()
    assert left.market_id == scene.market.market_id
    assert (left.outcome, str(left.side), left.price) == ("no", "buy", Decimal("0.02"))
    assert (left.size, str(left.time_in_force)) == (Decimal("2.5"), "gtc")
    assert left.expires_at == expires
    assert left.params == {"subaccount": 0, "post_only": True}
    # The venue's clock is known to a second.
    assert 40 <= left.lasts <= 41
    assert left.is_venue_time
    assert left.written_at.timestamp() <= now
    assert left.state is IntentState.UNKNOWN
    assert "the answer was lost" in left.detail
    assert left.to_dict()["price"] == "0.02"


def test_the_words_of_a_reduce_only_order_and_its_options_are_written(
    scene: Scene,
) -> None:
    venue = scene.trader.ground.trader(
        "async" if scene.trader.is_async else "blocking",
        limits=FREE,
        options={"subaccount": 0},
    )
    venue.suffer("lost before", 1000)
    told(lambda: venue.rest(scene.market, time_in_force="ioc", reduce_only=True))
    (left,) = venue.unresolved_intents()
    assert left.params == {"subaccount": 0, "reduce_only": True}


def test_fault_48_whose_order_it_is_says_no_key(scene: Scene) -> None:
    ground = scene.trader.ground
    assert isinstance(ground, KalshiGround)
    account = scene.venue.account
    assert (account.venue, account.environment) == ("kalshi", "")
    assert len(account.fingerprint) == 16
    assert account.fingerprint not in ground.key.key_id
    other = ground.trader("blocking", api_key="11111111-0000-4000-8000-000000000001")
    assert other.exchange.venue.account.fingerprint != account.fingerprint


@pytest.mark.parametrize(
    "address",
    [
        "production",
        "https://external-api.demo.kalshi.co/trade-api/v2",
        "https://gateway.example/kalshi/trade-api/v2",
        "http://127.0.0.1:4444/trade-api/v2",
    ],
)
def test_an_account_is_that_of_its_key_by_whatever_address(address: str) -> None:
    from unified_exchanges import exchange

    def made(environment: str, key: str) -> KalshiVenue:
        pem = KEY.private_pem
        one = exchange("kalshi", environment=environment, api_key=key, private_key=pem)
        assert isinstance(one.venue, KalshiVenue)
        return one.venue

    key = "00000000-0000-4000-8000-000000000001"
    assert made(address, key).account == made("demo", key).account
    assert made(address, key).purse == made("demo", key).purse
    assert made(address, key[::-1]).account != made("demo", key).account


# -- how orders end --------------------------------------------------------------------


def test_fault_14_what_a_local_check_refuses_is_not_written(scene: Scene) -> None:
    wrong: list[dict[str, Any]] = [
        {"price": "0.0001"},
        {"size": 0},
        {"side": "hold"},
        {"outcome": "maybe"},
    ]
    for fields in wrong:
        told(lambda fields=fields: scene.trader.rest(scene.market, **fields))
    assert scene.history == []


def test_fault_14_what_a_guard_refuses_is_not_written() -> None:
    ground = KalshiGround(enforce_limits=False)
    trader = ground.trader(
        "blocking", limits=FREE, guards=GuardPolicy(max_orders=1, seconds=60.0)
    )
    history: list[str] = []
    kept_by(trader, history)
    market = trader.quoted_market()
    trader.rest(market, client_order_id="a")
    assert isinstance(told(lambda: trader.rest(market)), RateLimitExceeded)
    batch = [
        OrderRequest(
            market_id=market.market_id,
            outcome="yes",
            side="buy",
            price="0.01",
            size=1,
        )
    ]
    (result,) = trader.create_orders(batch)
    assert isinstance(result.error, RateLimitExceeded)
    assert history == ["a:pending", "a:placed"]


def test_fault_09_what_the_venue_refuses_is_refused(scene: Scene) -> None:
    error = told(
        lambda: scene.trader.rest(
            scene.market,
            size="90000",
            price=scene.market.grid.highest,
            time_in_force="gtc",
            client_order_id="a",
        )
    )
    assert isinstance(error, InsufficientFunds)
    assert scene.history == ["a:pending", "POST", "a:refused"]


def test_fault_01_what_never_left_is_refused(scene: Scene) -> None:
    scene.trader.suffer("refused", 1000)
    assert isinstance(
        told(lambda: scene.trader.rest(scene.market, client_order_id="a")),
        ConnectionLost,
    )
    assert scene.states() == {"a": "refused"}


@pytest.mark.parametrize("kind", ["lost after", "timeout", "503", "cut"])
def test_fault_02_a_lost_answer_that_was_resolved_is_placed(
    scene: Scene, kind: Any
) -> None:
    scene.trader.suffer(kind)
    scene.trader.rest(scene.market, client_order_id="a")
    assert scene.states() == {"a": "placed"}
    assert scene.history[0] == "a:pending"
    assert scene.history.count("a:pending") == 1


@pytest.mark.parametrize("kind", ["cut", "html"])
def test_fault_08_a_body_that_never_can_be_read_is_found_and_placed(
    scene: Scene, kind: Any
) -> None:
    scene.trader.suffer(kind, 1000)
    scene.trader.rest(scene.market, client_order_id="a")
    assert scene.states() == {"a": "placed"}


def test_fault_03_an_order_that_was_not_found_is_unknown(scene: Scene) -> None:
    scene.trader.suffer("lost before", 1000)
    assert isinstance(
        told(lambda: scene.trader.rest(scene.market, client_order_id="a")),
        OrderUnknown,
    )
    assert scene.states() == {"a": "unknown"}


def test_fault_07_the_same_order_again_stays_placed(scene: Scene) -> None:
    first = scene.trader.rest(scene.market, client_order_id="a")
    again = scene.trader.rest(scene.market, client_order_id="a")
    assert again.order_id == first.order_id
    assert scene.states() == {"a": "placed"}


def test_fault_07_other_terms_leave_the_id_with_its_order(scene: Scene) -> None:
    first = scene.trader.rest(scene.market, "5", client_order_id="a")
    flavour = "async" if scene.trader.is_async else "blocking"
    other = scene.trader.ground.trader(flavour, limits=FREE)
    journal = kept_by(other, [])
    error = told(lambda: other.rest(scene.market, "6", client_order_id="a"))
    assert isinstance(error, DuplicateOrderId)
    (kept,) = journal.inner._ended.values()
    assert (kept.state, kept.order_id) == (IntentState.PLACED, first.order_id)
    assert other.unresolved_intents() == []


def test_what_closes_a_position_is_written_too(scene: Scene) -> None:
    scene.trader.lift(scene.market, "2", client_order_id="a")
    scene.trader.close_position(
        scene.market.market_id, max_slippage="0.5", client_order_id="b"
    )
    assert scene.states() == {"a": "placed", "b": "placed"}


# -- batches ---------------------------------------------------------------------------


def test_fault_20_a_batch_is_written_at_once(scene: Scene) -> None:
    scene.trader.create_orders([scene.request(x) for x in "abc"])
    assert scene.history == [
        "a:pending b:pending c:pending",
        "POST",
        "a:placed b:placed c:placed",
    ]


def test_fault_20_each_of_a_batch_ends_as_it_does(scene: Scene) -> None:
    scene.trader.create_orders(
        [
            scene.request("a"),
            scene.request("b", price="0.0001"),
            scene.request("c", size="90000", price=scene.market.grid.highest),
        ]
    )
    assert scene.history[0] == "a:pending c:pending"
    assert scene.states() == {"a": "placed", "c": "refused"}


@pytest.mark.parametrize("kind", ["lost after", "503", "cut"])
def test_fault_20_a_batch_whose_answer_is_lost_is_placed(
    scene: Scene, kind: Any
) -> None:
    scene.trader.suffer(kind)
    scene.trader.create_orders([scene.request(x) for x in "abc"])
    assert scene.states() == dict.fromkeys("abc", "placed")


def test_fault_20_a_batch_that_never_arrives_is_unknown(scene: Scene) -> None:
    scene.trader.suffer("lost before", 1000)
    scene.trader.create_orders([scene.request(x) for x in "abc"])
    assert scene.states() == dict.fromkeys("abc", "unknown")


def test_a_batch_that_is_refused_as_a_whole_is_refused(scene: Scene) -> None:
    scene.trader.suffer("429")
    scene.trader.create_orders([scene.request(x) for x in "ab"])
    assert scene.states() == dict.fromkeys("ab", "refused")


def test_a_batch_of_nothing_asks_nothing(scene: Scene) -> None:
    assert scene.trader.create_orders([]) == []
    assert scene.history == []


def test_a_batch_that_cannot_be_written_is_not_sent(scene: Scene) -> None:
    scene.journal.fails = "pending"
    results = scene.trader.create_orders([scene.request(x) for x in "ab"])
    assert [type(r.error) for r in results] == [JournalError] * 2
    assert "POST" not in scene.history
    scene.journal.fails = None
    results = scene.trader.create_orders([scene.request(x) for x in "ab"])
    assert [r.error for r in results] == [None, None]


# -- when the journal fails ------------------------------------------------------------


def test_fault_12_what_cannot_be_written_is_not_sent(scene: Scene) -> None:
    scene.journal.fails = "pending"
    error = told(lambda: scene.trader.rest(scene.market, client_order_id="a"))
    assert isinstance(error, JournalError)
    assert (error.venue, error.client_order_id) == ("kalshi", "a")
    assert "was not sent" in str(error)
    assert not error.maybe_executed
    assert "POST" not in scene.history
    scene.journal.fails = None
    assert scene.trader.rest(scene.market, client_order_id="a").is_open


def test_an_outcome_that_cannot_be_written_is_told_all_the_same(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.journal.fails = "placed"
    with caplog.at_level(logging.ERROR, "unified_exchanges"):
        order = scene.trader.rest(scene.market, client_order_id="a")
    assert order.is_open
    assert "what became of orders (a placed) was not kept" in caplog.text
    scene.journal.fails = None
    assert [x.client_order_id for x in scene.trader.unresolved_intents()] == ["a"]
    assert [o.order_id for o in scene.trader.reconcile().found] == [order.order_id]
    assert scene.trader.unresolved_intents() == []


def test_a_journal_that_cannot_be_read_lets_no_order_out(
    tmp_path: Path,
) -> None:
    (tmp_path / "orders.db").write_bytes(b"no database" * 1000)
    for flavour in FLAVOURS:
        trader = KalshiGround().trader(flavour, journal=tmp_path / "orders.db")
        market = trader.quoted_market()
        assert isinstance(told(lambda t=trader, m=market: t.rest(m)), JournalError)
        assert trader.writes == []


# -- interrupts ------------------------------------------------------------------------


async def test_fault_47_a_task_cancelled_under_way_leaves_its_intent_pending(
    tmp_path: Path,
) -> None:
    ground = KalshiGround(enforce_limits=False)
    trader = ground.trader("async", limits=FREE, journal=tmp_path / "orders.db")
    ex = trader.exchange
    found = (await ex.fetch_markets(limit=1))[0].market_id
    sent = asyncio.Event()

    async def never(request: Request) -> Response:
        sent.set()
        await asyncio.Event().wait()
        raise AssertionError

    send, trader.transport.send = trader.transport.send, never
    ex.venue.memory.learn_markets([await _market(ex, send, found)], 0.0)
    placing = asyncio.create_task(
        ex.create_order(found, "yes", "buy", "0.01", 1, client_order_id="a")
    )
    await sent.wait()
    placing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await placing
    (left,) = await ex.unresolved_intents()
    assert (left.client_order_id, left.state) == ("a", IntentState.PENDING)
    trader.transport.send = send
    report = await ex.reconcile()
    assert [x.client_order_id for x in report.absent] == ["a"]
    await ex.aclose()


async def _market(ex: Any, send: Any, market_id: str) -> Market:
    """The market's rules, learnt before the line went dead."""
    dead, ex._driver._transport.send = ex._driver._transport.send, send
    found: Market = await ex.fetch_market(market_id)
    ex._driver._transport.send = dead
    return found


def test_fault_47_who_is_interrupted_while_it_is_written_may_send_it_later(
    scene: Scene,
) -> None:
    request = scene.request("a")
    flow = scene.venue.create_order(request)
    step = next(flow)
    while not isinstance(step, Note):
        answer: Any = () if isinstance(step, Recall) else None
        if isinstance(step, Request):
            answer = scene.trader.ground.venue.handle(step)
        step = flow.send(answer)
    flow.close()
    assert not scene.venue.is_own("a")
    assert scene.trader.rest(scene.market, client_order_id="a").is_open


# -- without a file --------------------------------------------------------------------


@pytest.fixture(params=FLAVOURS)
def plain(request: pytest.FixtureRequest) -> Trader:
    return KalshiGround(enforce_limits=False).trader(request.param, limits=FREE)


def open_ids(trader: Trader) -> list[tuple[str, str]]:
    return [(x.client_order_id, str(x.state)) for x in trader.unresolved_intents()]


def test_without_a_file_what_ended_is_forgotten(plain: Trader) -> None:
    market = plain.quoted_market()
    plain.rest(market)
    told(lambda: plain.rest(market, "90000", price=market.grid.highest))
    batch = [request_for(market, x) for x in "ab"]
    plain.create_orders(batch)
    assert open_ids(plain) == []


def request_for(market: Market, key: str) -> OrderRequest:
    return OrderRequest(
        market_id=market.market_id,
        outcome="yes",
        side="buy",
        price=market.grid.lowest,
        size=1,
        client_order_id=key,
    )


def test_without_a_file_what_is_on_its_way_is_told(plain: Trader) -> None:
    market = plain.quoted_market()
    serve = plain.ground.venue.handle
    seen: list[Any] = []

    def asked_meanwhile(request: Request) -> Response:
        if request.method != "GET":
            venue = plain.exchange.venue
            seen.extend(tell() for _, tell in venue._under_way.values())
        return serve(request)

    plain.ground.venue.handle = asked_meanwhile  # type: ignore[method-assign]
    plain.rest(market, client_order_id="a")
    assert [(x.client_order_id, str(x.state)) for x in seen] == [("a", "pending")]
    assert open_ids(plain) == []


def test_fault_08_without_a_file_an_unknown_order_is_found_out_later(
    plain: Trader,
) -> None:
    market = plain.quoted_market()
    plain.suffer("lost before", 1000)
    told(lambda: plain.rest(market, client_order_id="a"))
    plain.create_orders([request_for(market, x) for x in "bc"])
    assert open_ids(plain) == [("a", "unknown"), ("b", "unknown"), ("c", "unknown")]
    plain.ground.venue.troubles.clear()
    assert len(plain.reconcile().absent) == 3
    assert open_ids(plain) == []


def test_without_a_file_the_same_order_again_ends_the_doubt(plain: Trader) -> None:
    market = plain.quoted_market()
    for key in "ab":
        plain.suffer("lost before", 1000)
        told(lambda key=key: plain.rest(market, "1", client_order_id=key))
        plain.ground.venue.troubles.clear()
    plain.rest(market, "1", client_order_id="a")
    assert open_ids(plain) == [("b", "unknown")]
    plain.create_orders([request_for(market, "b")])
    assert open_ids(plain) == []


def test_fault_07_without_a_file_other_terms_do_not_leave_either(plain: Trader) -> None:
    market = plain.quoted_market()
    plain.suffer("lost before", 1000)
    told(lambda: plain.rest(market, "5", client_order_id="a"))
    plain.ground.venue.troubles.clear()
    error = told(lambda: plain.rest(market, "6", client_order_id="a"))
    assert isinstance(error, DuplicateOrderId)
    assert "(size 5, not 6). Nothing was sent" in error.message
    assert plain.exchange.orders.unresolved[0].size == 5
    assert plain.rest(market, "5", client_order_id="a").size == 5
    assert open_ids(plain) == []


def test_fault_47_without_a_file_an_interrupted_order_stays_pending(
    plain: Trader,
) -> None:
    market = plain.quoted_market()
    serve = plain.ground.venue.handle

    class Interrupt(BaseException):
        pass

    def interrupted(request: Request) -> Response:
        answer = serve(request)
        if request.method == "GET":
            return answer
        raise Interrupt

    plain.ground.venue.handle = interrupted  # type: ignore[method-assign]
    with pytest.raises(Interrupt):
        plain.rest(market, client_order_id="a")
    plain.ground.venue.handle = serve  # type: ignore[method-assign]
    assert open_ids(plain) == [("a", "pending")]
    assert [o.client_order_id for o in plain.reconcile().found] == ["a"]
    assert open_ids(plain) == []


def test_without_a_file_what_was_found_out_meanwhile_is_not_told_twice(
    plain: Trader,
) -> None:
    venue = plain.exchange.venue
    assert venue.outcome("gone", OrderUnknown("lost")) == ()


# -- finding out -----------------------------------------------------------------------

MOMENT = datetime(2026, 11, 20, 10, tzinfo=UTC)


def left(at: Any, key: str, **fields: Any) -> Intent:
    """An intent of an earlier process, for a desk."""
    now = datetime.fromtimestamp(at.clock.now(), UTC)
    made = Intent(
        **{
            "account": at.kalshi.venue.account,
            "client_order_id": key,
            "market_id": "RAIN",
            "outcome": "yes",
            "side": Side.BUY,
            "price": Decimal("0.30"),
            "size": Decimal(10),
            "time_in_force": "gtc",
            "expires_at": None,
            "params": {},
            "written_at": now - timedelta(seconds=60),
            "arrives_by": now - timedelta(seconds=45),
            **fields,
        }
    )
    at.kalshi._driver._journal.note([made])
    return made


CREATE = "/portfolio/events/orders"
LIVE = "/portfolio/orders"
ARCHIVE = "/historical/orders"


def answers(*rows: Any, **more: Any) -> dict[str, Any]:
    return {
        LIVE: orders(*rows),
        ARCHIVE: orders(),
        "/markets/RAIN": {"market": market("RAIN")},
        CREATE: lambda _: Response(401, {}, b"{}"),
        **more,
    }


def test_an_order_of_an_earlier_process_is_told_in_the_terms_of_its_intent() -> None:
    at = desk(answers(order("o1", client_order_id="a")))
    left(at, "a", outcome="no")
    (found,) = at.kalshi.reconcile().found
    assert (found.order_id, found.outcome, found.price) == (
        "o1",
        "no",
        Decimal("0.70"),
    )


def test_an_archived_order_is_found() -> None:
    at = desk(answers(**{ARCHIVE: orders(order("o1", client_order_id="a"))}))
    left(at, "a")
    assert [o.order_id for o in at.kalshi.reconcile().found] == ["o1"]


def test_each_subaccount_is_looked_through() -> None:
    at = desk(answers(order("o1", client_order_id="a")))
    left(at, "a", params={"subaccount": 4})
    left(at, "b")
    at.kalshi.reconcile()
    assert [x.get("subaccount") for x in at.queries(LIVE)][:2] == ["4", None]
    assert {x["ticker"] for x in at.queries(LIVE)} == {"RAIN"}


def test_what_is_found_is_not_looked_for_further() -> None:
    at = desk(answers(order("o1", client_order_id="a")))
    left(at, "a")
    at.kalshi.reconcile()
    assert ARCHIVE not in at.asked


def test_reads_are_fresh_before_anything_is_proven_absent() -> None:
    at = desk(answers())
    left(at, "a")
    assert [x.client_order_id for x in at.kalshi.reconcile().absent] == ["a"]
    assert at.asked.index(FRESHNESS) < at.asked.index(LIVE)


def test_fault_03_one_empty_listing_proves_nothing() -> None:
    shown = order("o1", client_order_id="a")
    at = desk(answers(**{LIVE: [orders(), orders(shown)]}))
    left(at, "a", arrives_by=datetime.fromtimestamp(at.clock.now() - 59.5, UTC))
    assert [o.order_id for o in at.kalshi.reconcile().found] == ["o1"]


def test_fault_03_a_listing_that_failed_is_no_look() -> None:
    shown = order("o1", client_order_id="a")
    down = ConnectionLost("no route", sent=False)
    at = desk(answers(**{LIVE: [down, orders(), orders(shown)]}), retry=ONCE)
    left(at, "a", written_at=_later(at, 0), arrives_by=_later(at, 1))
    assert [o.order_id for o in at.kalshi.reconcile().found] == ["o1"]


def test_fault_03_a_look_before_it_had_to_be_there_proves_nothing() -> None:
    shown = order("o1", client_order_id="a")
    at = desk(answers(**{LIVE: [orders(), orders(), orders(), orders(shown)]}))
    left(at, "a", written_at=_later(at, 0), arrives_by=_later(at, 0.5))
    assert [o.order_id for o in at.kalshi.reconcile().found] == ["o1"]


def test_fault_03_a_glance_that_shows_nothing_says_that_it_is_looked_for_again() -> (
    None
):
    at = desk(answers())
    venue = at.kalshi.venue
    assert isinstance(venue, KalshiVenue)
    left(at, "a")
    at.kalshi.unresolved_intents()
    at.clock.advance(16)
    looks = [at.kalshi._driver.run(venue.glance()) for _ in range(2)]
    assert [(len(x.absent), len(x.unknown)) for x in looks] == [(0, 1), (1, 0)]
    assert "looked for once more" in looks[0].unknown[0].detail


def _later(at: Any, seconds: float) -> datetime:
    return datetime.fromtimestamp(at.clock.now() + seconds, UTC)


def test_fault_03_a_stale_read_proves_nothing() -> None:
    at = desk(answers(**{FRESHNESS: {"as_of_time": "2020-01-01T00:00:00Z"}}))
    left(at, "a")
    report = at.kalshi.reconcile()
    assert not report.is_complete
    assert [x.client_order_id for x in report.unknown] == ["a"]
    assert "may not be shown yet" in report.unknown[0].detail
    (still,) = at.kalshi.unresolved_intents()
    assert still.state is IntentState.UNKNOWN


def test_fault_03_what_a_stale_read_shows_is_there() -> None:
    stale = {"as_of_time": "2020-01-01T00:00:00Z"}
    at = desk(answers(order("o1", client_order_id="a"), **{FRESHNESS: stale}))
    left(at, "a")
    assert [o.order_id for o in at.kalshi.reconcile().found] == ["o1"]


def test_a_listing_that_fails_leaves_it_unknown_and_asks_no_other_market() -> None:
    down = ConnectionLost("no route", sent=False)
    at = desk(answers(**{LIVE: down}))
    left(at, "a")
    left(at, "b", market_id="SNOW")
    report = at.kalshi.reconcile()
    assert {x.client_order_id for x in report.unknown} == {"a", "b"}
    assert {x["ticker"] for x in at.queries(LIVE)} == {"RAIN"}


def test_a_refused_listing_of_one_market_does_not_keep_others_from_being_found() -> (
    None
):
    def listed(query: dict[str, str]) -> Any:
        if query["ticker"] == "RAIN":
            return Response(403, {}, b'{"error":{"code":"forbidden"}}')
        return orders(order("o1", client_order_id="b", ticker="SNOW"))

    at = desk(answers(**{LIVE: listed}))
    left(at, "a")
    left(at, "b", market_id="SNOW")
    report = at.kalshi.reconcile()
    assert [o.client_order_id for o in report.found] == ["b"]
    assert [x.client_order_id for x in report.unknown] == ["a"]


def test_what_may_be_on_its_way_is_waited_for() -> None:
    at = desk(answers())
    begun = at.clock.now()
    now = datetime.fromtimestamp(begun, UTC)
    left(at, "a", written_at=now, arrives_by=now + timedelta(seconds=7))
    assert [x.client_order_id for x in at.kalshi.reconcile().absent] == ["a"]
    assert 7 <= at.clock.now() - begun <= 10


def test_what_arrives_late_is_found_while_it_is_waited_for() -> None:
    at = desk(
        answers(
            **{LIVE: [orders(), orders(), orders(order("o1", client_order_id="a"))]}
        )
    )
    now = datetime.fromtimestamp(at.clock.now(), UTC)
    left(at, "a", written_at=now, arrives_by=now + timedelta(seconds=60))
    assert [o.order_id for o in at.kalshi.reconcile().found] == ["o1"]
    # Once, for the venue's time: what may be on its way is not proven absent.
    assert at.asked.count(FRESHNESS) == 1


def test_what_its_own_process_ends_meanwhile_is_left_to_it() -> None:
    def listed(_: Any) -> Any:
        at.kalshi._driver._journal.note([mine.ended(IntentState.REFUSED)])
        return orders()

    at = desk(answers(**{LIVE: listed}))
    now = datetime.fromtimestamp(at.clock.now(), UTC)
    mine = left(at, "a", written_at=now, arrives_by=now + timedelta(seconds=60))
    report = at.kalshi.reconcile()
    assert (report.found, report.absent, report.unknown) == ((), (), ())


def test_fault_44_a_clock_that_was_set_back_does_not_keep_it_for_ever() -> None:
    at = desk(answers())
    begun = at.clock.monotonic()
    now = datetime.fromtimestamp(at.clock.now(), UTC) + timedelta(days=9)
    left(at, "a", written_at=now, arrives_by=now + timedelta(seconds=15))
    assert [x.client_order_id for x in at.kalshi.reconcile().absent] == ["a"]
    assert 15 <= at.clock.monotonic() - begun <= 18


def test_fault_13_what_another_process_sends_again_is_waited_for_anew() -> None:
    at = desk(answers())
    left(at, "a")
    at.kalshi.unresolved_intents()
    at.clock.advance(16)
    left(at, "a", written_at=_later(at, 0), arrives_by=_later(at, 15))
    begun = at.clock.monotonic()
    assert [x.client_order_id for x in at.kalshi.reconcile().absent] == ["a"]
    assert 15 <= at.clock.monotonic() - begun <= 18


def test_other_accounts_and_environments_are_left_alone() -> None:
    at = desk(answers())
    mine = at.kalshi.venue.account  # type: ignore[attr-defined]
    for other in (
        attrs.evolve(mine, fingerprint="0"),
        attrs.evolve(mine, environment="production"),
    ):
        left(at, "a", account=other)
    assert at.kalshi.reconcile().is_complete
    assert at.asked == []


# -- the first order -------------------------------------------------------------------


def test_fault_12_the_first_order_asks_first_and_the_second_does_not() -> None:
    at = desk(answers(order("o1", client_order_id="a")))
    left(at, "a")
    for _ in range(2):
        with pytest.raises(AuthenticationError):
            at.kalshi.create_order("RAIN", "yes", "buy", "0.30", 1)
    assert at.asked.count(LIVE) == 1
    assert at.asked.index(LIVE) < at.asked.index(CREATE)


def test_fault_12_an_order_is_not_kept_waiting_for_what_cannot_be_told_in_time() -> (
    None
):
    at = desk(answers())
    now = datetime.fromtimestamp(at.clock.now(), UTC)
    left(at, "a", written_at=now, arrives_by=now + timedelta(seconds=15))
    begun = at.clock.now()
    with pytest.raises(UnresolvedOrders) as caught:
        at.kalshi.create_order("RAIN", "yes", "buy", "0.30", 1)
    assert caught.value.client_order_ids == ("a",)
    assert "a (buy 10 yes of RAIN at 0.3): it may be on its way until" in str(
        caught.value
    )
    assert "Call reconcile()" in str(caught.value)
    assert at.clock.now() - begun < 2
    assert CREATE not in at.asked


def test_fault_12_an_order_waits_for_what_can_be_told_in_time() -> None:
    at = desk(answers())
    now = datetime.fromtimestamp(at.clock.now(), UTC)
    left(at, "a", written_at=now, arrives_by=now + timedelta(seconds=5))
    with pytest.raises(AuthenticationError):
        at.kalshi.create_order("RAIN", "yes", "buy", "0.30", 1)


def test_fault_12_who_skipped_the_look_with_an_id_left_open_looks_with_the_next() -> (
    None
):
    stale = {"as_of_time": "2020-01-01T00:00:00Z"}
    at = desk(answers(**{FRESHNESS: stale}))
    left(at, "a")
    # The same order may be sent again at once; this one is refused before it is sent.
    with pytest.raises(InvalidOrder):
        at.kalshi.create_order("RAIN", "yes", "buy", "0.3001", 10, client_order_id="a")
    assert not at.kalshi.venue.is_cleared  # type: ignore[attr-defined]
    with pytest.raises(UnresolvedOrders) as caught:
        at.kalshi.create_order("RAIN", "yes", "buy", "0.30", 1)
    assert caught.value.client_order_ids == ("a",)
    assert CREATE not in at.asked


def test_fault_07_where_an_id_may_double_the_same_order_waits_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = attrs.evolve(KalshiVenue.facts, idempotent_create="none")
    monkeypatch.setattr(KalshiVenue, "facts", facts)
    stale = {"as_of_time": "2020-01-01T00:00:00Z"}
    at = desk(answers(**{FRESHNESS: stale}))
    left(at, "a")
    with pytest.raises(UnresolvedOrders):
        at.kalshi.create_order("RAIN", "yes", "buy", "0.30", 10, client_order_id="a")
    assert CREATE not in at.asked


def test_an_order_on_another_market_ends_no_doubt() -> None:
    seen = order("o9", client_order_id="a", ticker="SNOW")
    path = "/portfolio/orders/o9"
    at = desk(answers(**{path: {"order": seen}}))
    left(at, "a")
    at.kalshi.unresolved_intents()
    assert at.kalshi.fetch_order("o9").market_id == "SNOW"
    assert [x.client_order_id for x in at.kalshi.unresolved_intents()] == ["a"]
    at.answers[path] = {"order": order("o9", client_order_id="a")}
    at.kalshi.fetch_order("o9")
    assert at.kalshi.unresolved_intents() == []


def test_an_error_names_all_and_describes_some() -> None:
    at = desk(answers(**{FRESHNESS: {"as_of_time": "2020-01-01T00:00:00Z"}}))
    for n in range(7):
        left(at, f"k{n}")
    with pytest.raises(UnresolvedOrders, match="and 2 more") as caught:
        at.kalshi.create_orders(
            [
                OrderRequest(
                    market_id="RAIN", outcome="yes", side="buy", price="0.3", size=1
                )
            ]
        )
    assert caught.value.client_order_ids == tuple(f"k{n}" for n in range(7))


def test_what_this_object_has_on_its_way_keeps_no_order_back() -> None:
    at = desk(answers())
    venue = at.kalshi.venue
    assert isinstance(venue, KalshiVenue)
    left(at, "mine")
    venue.sent.begin("mine", "gtc", object())
    with pytest.raises(AuthenticationError):
        at.kalshi.create_order("RAIN", "yes", "buy", "0.30", 1)
    assert LIVE not in at.asked


# -- both at once ----------------------------------------------------------------------


def test_fault_13_two_objects_on_one_file_place_one_order_for_one_id(
    tmp_path: Path,
) -> None:
    ground = KalshiGround(enforce_limits=False)
    ground.clock.advance(60)
    path = tmp_path / "orders.db"
    traders = [ground.trader("blocking", limits=FREE, journal=path) for _ in range(2)]
    market = traders[0].quoted_market()
    placed = [t.rest(market, client_order_id="same").order_id for t in traders]
    assert len(set(placed)) == 1
    assert [t.unresolved_intents() for t in traders] == [[], []]
    for t in traders:
        t.close()


def test_what_ended_long_ago_is_forgotten_on_demand(tmp_path: Path) -> None:
    for flavour in FLAVOURS:
        ground = KalshiGround(enforce_limits=False)
        trader = ground.trader(flavour, limits=FREE, journal=tmp_path / flavour)
        trader.rest(trader.quoted_market())
        assert trader.compact_journal() == 0
        ground.clock.advance(31 * 86_400)
        assert trader.compact_journal() == 1
        for days in (-1, 1.5):
            with pytest.raises(UnifiedExchangesError, match="whole number"):
                trader.compact_journal(days=days)
        assert trader.compact_journal(days=10**9) == 0
        trader.aclose() if flavour == "async" else trader.close()


def test_a_rare_length_of_grace_is_kept() -> None:
    trader = KalshiGround().trader(
        "blocking", retry=RetryPolicy(order_deadline=3.0, order_grace=30.0)
    )
    trader.suffer("lost before", 1000)
    told(lambda: trader.rest(trader.quoted_market()))
    (one,) = trader.unresolved_intents()
    assert 33 <= one.lasts <= 34
