"""Our orders as the CLOB tells them, and what is put together of those it does not list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

from tests.venues.polymarket.desk import (
    NOW,
    SECONDS,
    Desk,
    Turns,
    body,
    catalog,
    condition,
    desk,
    event,
    market,
    order,
    order_id,
    page,
    token,
    trade,
)
from tests.venues.polymarket.scene import Scene
from unified_exchanges import (
    BUY,
    SELL,
    ArgumentsRequired,
    AuthenticationError,
    BadRequest,
    EventNotFound,
    MarketNotFound,
    OrderNotFound,
    OrderStatus,
    TimeInForce,
    VenueSchemaError,
)
from unified_exchanges.grid import PriceGrid

D = Decimal
ORDERS = "/clob/data/orders"
TRADES = "/clob/data/trades"
LISTING = "/gamma/markets/keyset"


def told_by(flavour: str = "blocking", /, **more: Any) -> Desk:
    """A desk with two markets, an open order and no trades, unless said otherwise."""
    answers = {
        LISTING: catalog(market(1), market(2)),
        ORDERS: page(order(1)),
        TRADES: page(),
    }
    return desk(
        flavour, answers | {f"/{x.replace('__', '/')}": y for x, y in more.items()}
    )


def one(number: int) -> str:
    return f"clob__data__order__{order_id(number)}"


# -- one order -------------------------------------------------------------------------


def test_an_order_is_read_exactly(flavour: str) -> None:
    told = told_by(flavour, **{one(1): order(1)})
    found = told("fetch_order", order_id(1))
    assert (found.order_id, found.client_order_id) == (order_id(1), None)
    assert (found.market_id, found.outcome, found.side) == (condition(1), "yes", BUY)
    assert (found.price, found.size) == (D("0.52"), D(10))
    assert (found.filled, found.remaining) == (D(4), D(6))
    assert (found.status, found.time_in_force) == (OrderStatus.OPEN, TimeInForce.GTC)
    assert found.created_at == NOW - timedelta(seconds=600)
    assert (found.expires_at, found.average_price, found.fee) == (None, None, None)
    assert found.raw["associate_trades"] == ["t1"]


@pytest.mark.parametrize(
    ("word", "status", "remaining"),
    [
        ("LIVE", "open", 6),
        ("ORDER_STATUS_LIVE", "open", 6),
        ("DELAYED", "open", 6),
        ("UNMATCHED", "unknown", 6),
        ("SOMETHING_NEW", "unknown", 6),
        ("MATCHED", "closed", 0),
        ("ORDER_STATUS_MATCHED", "closed", 0),
        ("INVALID", "rejected", 0),
        ("CANCELED", "canceled", 0),
        ("ORDER_STATUS_CANCELED_MARKET_RESOLVED", "canceled", 0),
        ("CANCELED_NOT_ENOUGH_BALANCE", "canceled", 0),
        ("CANCELED_EXPIRED_ORDER", "expired", 0),
        ("CANCELED_order couldn't be fully filled. FOK orders are …", "canceled", 0),
    ],
)
def test_words_become_a_status(word: str, status: str, remaining: int) -> None:
    told = told_by(**{one(1): order(1, status=word)})
    found = told("fetch_order", order_id(1))
    assert (str(found.status), found.remaining) == (status, D(remaining))


@pytest.mark.parametrize(
    ("word", "lasting"),
    [("GTC", "gtc"), ("GTD", "gtc"), ("FOK", "fok"), ("FAK", "ioc"), ("NEW", None)],
)
def test_words_become_a_time_in_force(word: str, lasting: str | None) -> None:
    told = told_by(**{one(1): order(1, order_type=word)})
    found = told("fetch_order", order_id(1)).time_in_force
    assert (None if found is None else str(found)) == lasting


def test_an_order_ends_a_minute_before_its_expiration() -> None:
    told = told_by(**{one(1): order(1, expiration=str(SECONDS + 240))})
    assert told("fetch_order", order_id(1)).expires_at == NOW + timedelta(seconds=180)


def test_empty_texts_are_nothing() -> None:
    row = order(1, size_matched="", created_at="", expiration="", status="CANCELED")
    found = told_by(**{one(1): row})("fetch_order", order_id(1))
    assert (found.filled, found.created_at, found.expires_at) == (0, None, None)


@pytest.mark.parametrize("form", [int, str])
def test_times_are_in_seconds_or_in_milliseconds(flavour: str, form: Any) -> None:
    rows = [
        order(1, created_at=form(SECONDS - 600), expiration=str(SECONDS + 240)),
        order(
            2,
            created_at=form(SECONDS * 1000 - 599_877),
            expiration=str(SECONDS * 1000 + 240_000),
        ),
    ]
    told = told_by(
        flavour,
        clob__data__orders=page(*rows),
        clob__data__trades=page(trade("t1", match_time=form(SECONDS * 1000 - 300_000))),
    )
    first, second = told("fetch_open_orders")
    assert first.created_at == NOW - timedelta(seconds=600)
    assert second.created_at == NOW - timedelta(milliseconds=599_877)
    assert first.expires_at == second.expires_at == NOW + timedelta(seconds=180)
    (fill,) = told("fetch_fills")
    assert fill.created_at == NOW - timedelta(seconds=300)


def test_whoever_never_lets_an_order_expire_says_so_in_seconds_too() -> None:
    told = told_by(**{one(1): order(1, expiration="253402300799")})
    found = told("fetch_order", order_id(1)).expires_at
    assert found == datetime(9999, 12, 31, 23, 58, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"side": "HOLD"}, "side"),
        ({"price": "1.2"}, "price"),
        ({"price": ""}, "price"),
        ({"original_size": "-1"}, "original_size"),
        ({"size_matched": "-1"}, "size_matched"),
        ({"id": "x"}, "id"),
        ({"market": ""}, "market"),
        ({"asset_id": "0x1"}, "asset_id"),
        ({"created_at": "soon"}, "created_at"),
        ({"created_at": SECONDS * 10**6}, "created_at"),
        ({"expiration": "-5"}, "expiration"),
        ({"status": None}, "status"),
    ],
)
def test_an_order_is_not_guessed(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(VenueSchemaError) as caught:
        told_by(**{one(1): order(1, **fields)})("fetch_order", order_id(1))
    assert caught.value.field == field


_MORE: dict[str, Any] = {
    "status": "MATCHED",
    "original_size": "100",
    "size_matched": "125",
}


def test_an_order_that_brought_more_than_it_named_is_as_large_as_that(
    flavour: str,
) -> None:
    told = told_by(
        flavour,
        **{one(1): order(1, **_MORE)},
        clob__data__orders=page(order(1, **_MORE), order(2)),
        clob__data__trades=page(trade("t1", size="125", price="0.4")),
    )
    found = told("fetch_order", order_id(1))
    assert (found.size, found.filled, found.remaining) == (D(125), D(125), D(0))
    assert (str(found.status), found.average_price) == ("closed", D("0.4"))
    assert found.raw["original_size"] == "100"
    assert [x.size for x in told("fetch_open_orders")] == [D(125), D(10)]


def test_fills_make_the_average_price_and_the_fee(flavour: str) -> None:
    rows = [
        trade("t2", size="1.5", price="0.50"),
        trade("t1", size="2.5", price="0.52"),
        trade("other", taker_order_id=order_id(8)),
    ]
    told = told_by(flavour, **{one(1): order(1), "clob__data__trades": page(*rows)})
    found = told("fetch_order", order_id(1))
    assert found.average_price == D("2.05") / D(4)
    assert found.fee == D("0.01875") + D("0.03120")
    assert told.queries(TRADES) == [
        {"market": condition(1), "after": str(SECONDS - 601)}
    ]


def test_fills_that_lag_leave_the_order_as_it_was_told() -> None:
    told = told_by(
        **{one(1): order(1), "clob__data__trades": page(trade("t1", size="1"))}
    )
    found = told("fetch_order", order_id(1))
    assert (found.average_price, found.fee) == (None, None)


@pytest.mark.parametrize(
    "answer", [body(None), body({"error": "order not found"}, 404)]
)
def test_an_order_that_nobody_knows_is_a_typed_error(answer: Any, flavour: str) -> None:
    told = told_by(flavour, **{one(1): answer})
    with pytest.raises(OrderNotFound, match="the venue tells nothing else"):
        told("fetch_order", order_id(1))


def test_an_order_of_another_market_is_not_found() -> None:
    told = told_by(**{one(1): order(1)})
    with pytest.raises(OrderNotFound):
        told("fetch_order", order_id(1), market_id=condition(2))


@pytest.mark.parametrize("outcome", ["yes", "YES", token(1)])
def test_an_order_is_told_of_its_own_outcome(outcome: str) -> None:
    told = told_by(**{one(1): order(1)})
    assert told("fetch_order", order_id(1), outcome=outcome).outcome == "yes"


def test_an_order_cannot_be_told_of_the_other_outcome() -> None:
    told = told_by(**{one(1): order(1)})
    with pytest.raises(BadRequest, match="each outcome has its own book"):
        told("fetch_order", order_id(1), outcome="no")


@pytest.mark.parametrize(
    "fields", [{}, {"order_id": order_id(1), "client_order_id": "a"}]
)
def test_an_order_is_named_once(fields: dict[str, Any]) -> None:
    with pytest.raises(ArgumentsRequired):
        told_by()("fetch_order", **fields)


def test_what_cannot_be_a_hash_is_no_order_and_nothing_is_asked() -> None:
    told = told_by()
    with pytest.raises(OrderNotFound, match="are hashes"):
        told("fetch_order", "00000000-1c57-4a7e-9f57-000000000000")
    assert told.asked == []


def test_our_own_id_is_known_here_only(flavour: str) -> None:
    told = told_by(flavour, **{one(1): order(1)})
    told.venue.memory.name_order(order_id(1), "mine")
    assert told("fetch_order", client_order_id="mine").client_order_id == "mine"
    with pytest.raises(OrderNotFound, match="knows no ids of ours") as caught:
        told("fetch_order", client_order_id="yours")
    assert caught.value.client_order_id == "yours"


def test_without_a_key_there_are_no_orders(flavour: str) -> None:
    told = desk(flavour, keyed=False)
    with pytest.raises(AuthenticationError, match="POLYMARKET_PRIVATE_KEY_PATH"):
        told("fetch_order", order_id(1))
    assert told.asked == []


@pytest.mark.parametrize(
    ("filled", "status", "left"), [("6", "closed", 0), ("2", "canceled", 0)]
)
def test_an_order_that_is_told_no_more_ended_by_its_fills(
    filled: str, status: str, left: int, flavour: str
) -> None:
    told = told_by(flavour)
    told("fetch_open_orders")
    told.answers[ORDERS] = page()
    told.answers[TRADES] = page(
        trade("t1", size="4"),
        trade("t2", size=filled),
        trade("t3", size="1", status="FAILED"),
    )
    told("fetch_order", order_id(1))
    told.clock.advance(30)
    found = told("fetch_order", order_id(1))
    assert (str(found.status), found.remaining) == (status, D(left))
    assert found.is_inferred is (status == "canceled")
    assert found.filled == D(4) + D(filled) + 1
    assert found.filled - found.failed == D(4) + D(filled)
    assert told("fetch_order", order_id(1)) == found


@pytest.mark.parametrize(
    ("fills", "filled", "status"),
    [(["1"], "3", "open"), (["8", "5"], "13", "closed")],
)
def test_fills_of_what_is_told_no_more_take_nothing_back_and_leave_nothing_out(
    fills: list[str], filled: str, status: str, flavour: str
) -> None:
    # Trades may lag behind the order, or bring more than it names.
    told = told_by(flavour, clob__data__orders=page(order(1, size_matched="3")))
    told("fetch_open_orders")
    told.answers[ORDERS] = page()
    told.answers[TRADES] = page(
        *(trade(f"t{n}", size=size) for n, size in enumerate(fills))
    )
    found = told.run(told.venue.read_order(order_id(1)))
    assert (found.filled, str(found.status)) == (D(filled), status)


def test_an_order_asked_for_on_another_market_is_not_concluded(flavour: str) -> None:
    told = told_by(flavour)
    told("fetch_open_orders")
    with pytest.raises(OrderNotFound):
        told("fetch_order", order_id(1), market_id=condition(2))
    assert told.venue.memory.order(order_id(1)).is_open
    assert told.queries(TRADES) == []


def test_what_was_seen_ended_stays_so() -> None:
    told = told_by(
        **{one(1): Turns(order(1, status="CANCELED", size_matched=""), body(None))}
    )
    first = told("fetch_order", order_id(1))
    assert told("fetch_order", order_id(1)) == first


# -- lists -----------------------------------------------------------------------------


def test_open_orders_are_followed_from_page_to_page(flavour: str) -> None:
    pages = Turns(
        page(order(1), cursor="MTAw"), page(order(2), order(1), cursor="LTE=")
    )
    told = told_by(flavour, clob__data__orders=pages)
    found = told("fetch_open_orders")
    assert [x.order_id for x in found] == [order_id(1), order_id(2)]
    assert told.queries(ORDERS) == [{}, {"next_cursor": "MTAw"}]


@pytest.mark.parametrize("cursor", ["", None])
def test_no_cursor_is_the_end_too(cursor: str | None) -> None:
    told = told_by(clob__data__orders={"data": [order(1)], "next_cursor": cursor})
    assert len(told("fetch_open_orders")) == 1


def test_open_orders_of_a_market_and_of_an_outcome(flavour: str) -> None:
    told = told_by(flavour)
    told("fetch_open_orders", market_id=condition(1))
    told("fetch_open_orders", market_id=condition(1), outcome="no")
    assert told.queries(ORDERS) == [
        {"market": condition(1)},
        {"asset_id": token(1, 1), "market": condition(1)},
    ]


def test_open_orders_of_an_event_are_sifted(flavour: str) -> None:
    told = told_by(
        flavour,
        gamma__events__77=event(77, market(1), market(3)),
        clob__data__orders=page(order(1), order(2, market=condition(2))),
    )
    found = told("fetch_open_orders", event_id="77")
    assert [x.order_id for x in found] == [order_id(1)]
    assert told("fetch_open_orders", event_id="77", market_id=condition(2)) == []


def test_what_does_not_exist_has_no_orders(flavour: str) -> None:
    told = told_by(flavour)
    with pytest.raises(MarketNotFound):
        told("fetch_open_orders", market_id=condition(9))
    with pytest.raises(EventNotFound):
        told("fetch_open_orders", event_id="99")


@pytest.mark.parametrize(
    ("method", "fields", "match"),
    [
        ("fetch_open_orders", {"outcome": "yes"}, "give market_id too"),
        ("fetch_open_orders", {"params": {"owner": "x"}}, "not known here"),
        ("fetch_open_orders", {"limit": 0}, "limit"),
        ("fetch_orders", {"params": {"market": "x"}}, "use the method's arguments"),
        (
            "fetch_closed_orders",
            {"since": NOW, "until": NOW - timedelta(1)},
            "after until",
        ),
    ],
)
def test_what_would_be_ignored_is_refused_unsent(
    method: str, fields: dict[str, Any], match: str
) -> None:
    told = told_by()
    with pytest.raises(BadRequest, match=match):
        told(method, **fields)
    assert told.asked == []


def closed(number: int, **fields: Any) -> dict[str, Any]:
    return order(
        number,
        status="MATCHED",
        size_matched="10",
        created_at=SECONDS - 100 * number,
        **fields,
    )


def test_orders_that_filled_are_looked_up_by_their_id(flavour: str) -> None:
    rows = [
        trade("t3", taker_order_id=order_id(3)),
        trade("t2", taker_order_id=order_id(2), market=condition(2)),
        trade("t1"),
    ]
    told = told_by(
        flavour,
        clob__data__trades=lambda asked: page(
            *(x for x in rows if asked.get("market") in (None, x["market"]))
        ),
        **{one(2): closed(2, market=condition(2)), one(3): closed(3)},
    )
    found = told("fetch_orders")
    assert [x.order_id for x in found] == [order_id(n) for n in (2, 3, 1)]
    closed_only = told("fetch_closed_orders", market_id=condition(1))
    assert [x.order_id for x in closed_only] == [order_id(3)]
    assert told.queries(TRADES)[-1] == {"market": condition(1)}


def test_orders_of_a_span(flavour: str) -> None:
    rows = [trade(f"t{n}", taker_order_id=order_id(n)) for n in (2, 3, 4)]
    told = told_by(
        flavour,
        clob__data__trades=page(*rows),
        **{one(n): closed(n) for n in (2, 3, 4)},
    )
    found = told(
        "fetch_orders",
        since=NOW - timedelta(seconds=300),
        until=NOW - timedelta(seconds=250),
    )
    assert [x.order_id for x in found] == [order_id(3)]
    assert told.queries(TRADES) == [{"after": str(SECONDS - 301)}]


def test_orders_of_an_outcome(flavour: str) -> None:
    rows = [
        trade("t2", taker_order_id=order_id(2)),
        trade("t3", taker_order_id=order_id(3)),
    ]
    told = told_by(
        flavour,
        clob__data__orders=page(),
        clob__data__trades=page(*rows),
        **{one(2): closed(2, outcome="No", asset_id=token(1, 1)), one(3): closed(3)},
    )
    found = told("fetch_orders", market_id=condition(1), outcome="no")
    assert [x.order_id for x in found] == [order_id(2)]


def test_an_order_that_filled_and_is_told_no_more_is_left_out_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = told_by(clob__data__trades=page(trade("t2", taker_order_id=order_id(2))))
    assert [x.order_id for x in told("fetch_orders")] == [order_id(1)]
    assert order_id(2) in caplog.text


def test_what_this_object_saw_is_listed_though_it_never_filled(flavour: str) -> None:
    gone = order(1, status="CANCELED", size_matched="", created_at=None)
    told = told_by(flavour, **{one(1): gone})
    told("fetch_open_orders")
    told.answers[ORDERS] = page()
    found = told("fetch_closed_orders")
    assert [(x.order_id, str(x.status)) for x in found] == [(order_id(1), "canceled")]


def counted(scene: Scene, name: str, **arguments: Any) -> tuple[list[Any], int]:
    """What a listing gives, and how many requests that took."""
    before = len(scene.trader.transport.requests)
    found = getattr(scene.trader, name)(**arguments)
    return found, len(scene.trader.transport.requests) - before


def test_what_is_known_to_have_ended_costs_no_request(flavour: str) -> None:
    scene = Scene(flavour)
    ids = []
    for _ in range(20):
        ids.append(scene.trader.rest(scene.market).order_id)
        scene.advance(1)
        scene.trader.cancel_order(ids[-1])
    bought = scene.trader.lift(scene.market, 10)
    scene.advance(3600)
    for name in ("fetch_orders", "fetch_closed_orders"):
        # The open orders, and the trades.
        found, requests = counted(scene, name)
        assert [x.order_id for x in found] == [bought.order_id, *reversed(ids)]
        assert {x.is_open for x in found} == {False}
        assert requests == 2
        found, requests = counted(scene, name, limit=1)
        assert ([x.order_id for x in found], requests) == ([bought.order_id], 2)
        soon = scene.trader.exchange.venue.venue_now() - timedelta(minutes=1)
        assert counted(scene, name, since=soon, limit=5) == ([], 2)


def test_an_order_whose_trades_are_not_settled_is_asked_for(flavour: str) -> None:
    scene = Scene(flavour)
    scene.venue.settings.mined = scene.venue.settings.confirmed = 600
    bought = scene.trader.lift(scene.market, 10)
    found, requests = counted(scene, "fetch_orders")
    assert ([x.order_id for x in found], requests) == ([bought.order_id], 3)
    scene.advance(700)
    assert counted(scene, "fetch_orders")[1] == 2


def test_what_was_seen_open_is_asked_for_unless_it_is_of_another_time(
    flavour: str,
) -> None:
    gone = order(1, status="CANCELED", size_matched="")
    told = told_by(flavour, **{one(1): gone})
    told("fetch_open_orders")
    told.answers[ORDERS] = page()
    assert told("fetch_orders", since=NOW - timedelta(seconds=60)) == []
    assert told.asked.count(f"GET /clob/data/order/{order_id(1)}") == 0
    found = told("fetch_orders", since=NOW - timedelta(seconds=600))
    assert [str(x.status) for x in found] == ["canceled"]
    assert told("fetch_orders") == found
    assert told.asked.count(f"GET /clob/data/order/{order_id(1)}") == 1


@pytest.mark.parametrize(("limit", "asked"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)])
def test_orders_are_read_newest_first_and_no_more_than_are_wanted(
    flavour: str, limit: int, asked: int
) -> None:
    rows = [
        trade(
            f"t{n}",
            taker_order_id=order_id(n),
            match_time=str(SECONDS - 100 * n),
            size="10",
        )
        for n in (4, 2, 5, 3, 9)
    ]
    told = told_by(
        flavour,
        clob__data__orders=page(),
        clob__data__trades=page(*rows),
        **{one(n): closed(n) for n in (2, 3, 4, 5, 9)},
    )
    found = told("fetch_orders", limit=limit)
    newest = [order_id(n) for n in (2, 3, 4, 5, 9)]
    assert [x.order_id for x in found] == newest[:limit]
    assert len([x for x in told.asked if "/data/order/" in x]) == asked
    # What those reads told is not asked for again.
    assert [x.order_id for x in told("fetch_orders")] == newest
    assert len([x for x in told.asked if "/data/order/" in x]) == 5


def test_what_rested_long_before_it_filled_stands_by_when_it_was_made(
    flavour: str,
) -> None:
    rows = [
        trade("t2", taker_order_id=order_id(2), match_time=str(SECONDS - 10)),
        trade("t3", taker_order_id=order_id(3), match_time=str(SECONDS - 240)),
    ]
    old = closed(2) | {"created_at": SECONDS - 9000}
    told = told_by(
        flavour,
        clob__data__trades=page(*rows),
        **{one(2): old, one(3): closed(3) | {"created_at": SECONDS - 250}},
    )
    found = told("fetch_orders")
    # Order 1 is open.
    assert [x.order_id for x in found] == [order_id(n) for n in (3, 1, 2)]


def test_an_order_that_opened_meanwhile_is_not_closed() -> None:
    told = told_by(
        clob__data__orders=page(),
        clob__data__trades=page(trade("t1")),
        **{one(1): order(1)},
    )
    assert told("fetch_closed_orders") == []
    assert len(told("fetch_orders")) == 1


def test_a_sale_is_a_sale() -> None:
    told = told_by(clob__data__orders=page(order(1, side="SELL", outcome="Chiefs")))
    (found,) = told("fetch_open_orders")
    assert (found.side, found.outcome) == (SELL, "Chiefs")


def small(monkeypatch: pytest.MonkeyPatch, *, orders: int, names: int = 6) -> None:
    """Let objects remember little."""
    home = "unified_exchanges.venues.polymarket.memory"
    monkeypatch.setattr(f"{home}._MOST_ORDERS", orders)
    monkeypatch.setattr(f"{home}._MOST_NAMES", names)
    monkeypatch.setattr(f"{home}._MOST_MARKETS", 2)


def test_memory_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch, orders=2, names=2)
    told = told_by(**{one(1): order(1)})
    memory = told.venue.memory
    found = told("fetch_order", order_id(1))
    for number in (2, 3):
        memory.learn_order(attrs.evolve(found, order_id=order_id(number)))
        memory.name_order(order_id(number), str(number))
    memory.name_order(order_id(4), "4")
    assert [x.order_id for x in memory.orders()] == [order_id(2), order_id(3)]
    assert (memory.client_id(order_id(2)), memory.client_id(order_id(4))) == (None, "4")
    for number in (5, 6, 7):
        memory.learn_market(condition(number), ())
    assert [memory.market(condition(n)) is None for n in (5, 6, 7)] == [
        True,
        True,
        False,
    ]


def test_a_resting_order_keeps_its_name_however_many_come_and_go(
    monkeypatch: pytest.MonkeyPatch, flavour: str
) -> None:
    small(monkeypatch, orders=4)
    scene = Scene(flavour)
    resting = scene.trader.rest(scene.market, client_order_id="resting")
    for _ in range(10):
        other = scene.trader.rest(scene.market)
        scene.trader.cancel_order(other.order_id)
        scene.advance(1)
    found = scene.trader.fetch_order(client_order_id="resting")
    assert (found.order_id, found.is_open) == (resting.order_id, True)
    assert found.client_order_id == "resting"
    named = [x.client_order_id for x in scene.trader.fetch_open_orders()]
    assert named == ["resting"]
    # Those that ended are forgotten first, and what is remembered is no more than it was.
    memory = scene.trader.exchange.venue.memory
    assert len(memory.orders()) == 4
    assert memory.order(resting.order_id) is not None


def test_a_name_of_one_that_ended_gives_way_before_that_of_one_that_rests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small(monkeypatch, orders=4, names=3)
    told = told_by(**{one(1): order(1)})
    memory = told.venue.memory
    found = told("fetch_order", order_id(1))
    memory.name_order(order_id(1), "1")
    gone = attrs.evolve(found, order_id=order_id(2), status=OrderStatus.CANCELED)
    memory.name_order(order_id(2), "2")
    memory.learn_order(gone)
    for number in (3, 4):
        memory.name_order(order_id(number), str(number))
    names = [memory.client_id(order_id(n)) for n in (1, 2, 3, 4)]
    assert names == ["1", None, "3", "4"]
    # It has ended too, and is the oldest again.
    memory.learn_order(attrs.evolve(found, status=OrderStatus.CANCELED))
    memory.name_order(order_id(5), "5")
    memory.name_order(order_id(6), "6")
    names = [memory.client_id(order_id(n)) for n in (1, 3, 4, 5, 6)]
    assert names == [None, None, "4", "5", "6"]


def test_what_is_remembered_again_takes_no_place_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small(monkeypatch, orders=2, names=2)
    memory = told_by().venue.memory
    grid = PriceGrid.of("0.01")
    for number in (1, 2, 2, 1):
        memory.name_order(order_id(number), str(number))
        memory.learn_canceled([order_id(number)])
        memory.learn_grid(condition(number), grid)
        assert memory.missing_since(order_id(number), 10.0 + number) == 10 + number
    assert [memory.client_id(order_id(n)) for n in (1, 2)] == ["1", "2"]
    assert [memory.was_canceled(order_id(n)) for n in (1, 2)] == [True, True]
    assert [memory.grid(condition(n)) for n in (1, 2)] == [grid, grid]
    assert [memory.missing_since(order_id(n), 99.0) for n in (1, 2)] == [11, 12]
    # What was remembered last stays.
    memory.learn_canceled([order_id(2)])
    memory.learn_canceled([order_id(3)])
    assert [memory.was_canceled(order_id(n)) for n in (1, 2, 3)] == [False, True, True]
