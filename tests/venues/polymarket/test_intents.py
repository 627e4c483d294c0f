"""One order for one client order id, though the venue knows no ids of ours."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import attrs
import msgspec
import pytest

from tests.venues.polymarket.keys import SECRET_KEY
from tests.venues.polymarket.scene import Scene, answer, lost, unheard
from unified_exchanges import exchange
from unified_exchanges.errors import (
    DuplicateOrderId,
    ExchangeError,
    InvalidOrder,
    OrderNotFound,
    OrderUnknown,
    UnresolvedOrders,
)
from unified_exchanges.journal import journal_at
from unified_exchanges.models import (
    Account,
    Intent,
    IntentState,
    OrderStatus,
)
from unified_exchanges.testing.conformance.ground import Trader
from unified_exchanges.venues.polymarket.identities import Identity
from unified_exchanges.venues.polymarket.venue import PolymarketVenue


@pytest.fixture(params=["blocking", "async"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(request.param)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.db"


def shut(*traders: Trader) -> None:
    for x in traders:
        x.do(x.exchange.aclose if x.is_async else x.exchange.close)


def salts(scene: Scene, *traders: Trader) -> list[int]:
    bodies = [msgspec.json.decode(r.body) for t in traders for r in t.writes if r.body]
    return [body["order"]["salt"] for body in bodies if "order" in body]


# -- in one object ---------------------------------------------------------------------


def test_fault_07_orders_that_say_the_same_under_two_ids_are_two(scene: Scene) -> None:
    first, second = (scene.trader.rest(scene.market) for _ in range(2))
    assert first.order_id != second.order_id
    assert len(scene.trader.fetch_open_orders()) == 2


def test_fault_03_an_unknown_order_sent_again_is_the_same_order(scene: Scene) -> None:
    scene.always(unheard)
    with pytest.raises(OrderUnknown) as caught:
        scene.trader.rest(scene.market)
    key = caught.value.client_order_id
    scene.relieve()
    order = scene.trader.rest(scene.market, client_order_id=key)
    assert order.is_open
    assert len(set(salts(scene, scene.trader))) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"size": 20},
        {"price": "0.002"},
        {"outcome": "no"},
        {"post_only": True},
        {"time_in_force": "ioc", "price": "0.3"},
    ],
    ids=str,
)
def test_fault_07_an_id_stands_for_one_set_of_terms(
    scene: Scene, other: dict[str, Any]
) -> None:
    scene.trader.rest(scene.market, 10, client_order_id="mine")
    with pytest.raises(DuplicateOrderId, match="Use a new id"):
        scene.trader.rest(scene.market, **{"size": 10, **other}, client_order_id="mine")
    assert len(scene.trader.writes) == 1


def test_an_id_whose_order_was_refused_stands_for_nothing(scene: Scene) -> None:
    scene.then(answer(400, {"error": "Invalid order payload"}))
    with pytest.raises(InvalidOrder):
        scene.trader.rest(scene.market, 10, client_order_id="mine")
    assert scene.trader.rest(scene.market, 20, client_order_id="mine").size == 20
    assert len(set(salts(scene, scene.trader))) == 2


def test_an_order_is_found_by_our_id_while_nobody_knows_of_it(scene: Scene) -> None:
    scene.always(lost)
    scene.trader.suffer("503", 1000, reads=True, writes=False)
    trader = scene.trader
    terms = scene.market.market_id, "yes", "buy", "0.001", 10
    trader.relieve()
    trader.preview_order(*terms)
    trader.suffer("503", 1000, reads=True, writes=False)
    with pytest.raises(OrderUnknown):
        trader.create_order(*terms, client_order_id="mine")
    trader.relieve()
    assert trader.fetch_order(client_order_id="mine").is_open


def test_one_that_never_arrived_is_not_found_by_our_id(scene: Scene) -> None:
    scene.always(unheard)
    with pytest.raises(OrderUnknown):
        scene.trader.rest(scene.market, client_order_id="mine")
    with pytest.raises(OrderNotFound):
        scene.trader.fetch_order(client_order_id="mine")
    with pytest.raises(OrderNotFound, match="knows no ids of ours"):
        scene.trader.fetch_order(client_order_id="never")


def test_an_order_that_only_its_fills_tell_of_is_put_together_from_them(
    scene: Scene,
) -> None:
    # In 2026-07 the venue told of open orders only.
    serve = scene.ground.venue.handle

    def forgetful(request: Any) -> Any:
        if "/data/order/" in request.url:
            return answer(404, {"error": "Order not found"})(request, lambda: None)  # type: ignore[arg-type, return-value]
        return serve(request)

    scene.ground.venue.handle = forgetful  # type: ignore[method-assign]
    scene.then(lost)
    order = scene.trader.lift(scene.market, 10, client_order_id="mine")
    assert (order.status, order.filled, order.client_order_id) == (
        OrderStatus.CLOSED,
        10,
        "mine",
    )
    assert order.average_price is not None


def test_one_that_rests_with_fills_is_open_by_the_list_of_open_orders(
    scene: Scene,
) -> None:
    serve = scene.ground.venue.handle

    def forgetful(request: Any) -> Any:
        if "/data/order/" in request.url:
            return answer(404, {"error": "Order not found"})(request, lambda: None)  # type: ignore[arg-type, return-value]
        return serve(request)

    scene.ground.venue.handle = forgetful  # type: ignore[method-assign]
    best = scene.trader.book(scene.market).ask
    assert best is not None
    scene.then(lost)
    order = scene.trader.lift(
        scene.market, best.size + 10, price=best.price, time_in_force="gtc"
    )
    assert (order.is_open, order.filled) == (True, best.size)


# -- across processes ------------------------------------------------------------------


def test_fault_12_the_journal_has_what_makes_the_order_this_one(
    scene: Scene, path: Path
) -> None:
    scene.always(unheard)
    first = scene.another(journal=path)
    with pytest.raises(OrderUnknown):
        first.rest(scene.market, client_order_id="mine")
    (left,) = first.unresolved_intents()
    assert left.order_id is not None
    assert {"salt", "timestamp"} <= set(left.params)
    shut(first)
    scene.relieve()
    scene.ground.clock.advance(5)
    again = scene.another(journal=path, rng=Random(99))
    order = again.rest(scene.market, client_order_id="mine")
    assert order.order_id == left.order_id
    assert again.unresolved_intents() == []
    assert len(set(salts(scene, first, again))) == 1
    shut(again)


def test_fault_12_other_terms_under_an_id_of_another_process_are_refused(
    scene: Scene, path: Path
) -> None:
    first, second = (scene.another(journal=path) for _ in range(2))
    first.rest(scene.market, 10, client_order_id="mine")
    with pytest.raises(DuplicateOrderId):
        second.rest(scene.market, 20, client_order_id="mine")
    assert second.writes == []
    same = second.rest(scene.market, 10, client_order_id="mine")
    assert (same.order_id, second.writes) == (
        first.fetch_open_orders()[0].order_id,
        [],
    )
    shut(first, second)


def test_fault_12_an_order_of_another_process_is_found_by_our_id(
    scene: Scene, path: Path
) -> None:
    first = scene.another(journal=path)
    order = first.rest(scene.market, client_order_id="mine")
    second = scene.another(journal=path)
    found = second.fetch_order(client_order_id="mine")
    assert (found.order_id, found.client_order_id) == (order.order_id, "mine")
    shut(first, second)


def begun_elsewhere(scene: Scene, path: Path, **more: Any) -> Intent:
    """What another process writes down at the moment that ours does."""
    elsewhere = scene.another(journal=path, rng=Random(3))
    scene.always(unheard)
    with pytest.raises(OrderUnknown):
        elsewhere.rest(scene.market, **more, client_order_id="mine")
    scene.relieve()
    (left,) = elsewhere.unresolved_intents()
    shut(elsewhere)
    return left  # type: ignore[no-any-return]


def raced(scene: Scene, path: Path, intent: Intent) -> Trader:
    """An object whose journal gets that intent after it was asked for the id."""
    trader = scene.another(journal=path, rng=Random(4))
    venue = trader.exchange.venue
    known_of = venue.known_of

    def blind(key: str) -> Any:
        yield from known_of(key)
        journal = journal_at(path)
        journal.note([attrs.evolve(intent, state=IntentState.PENDING, detail="")])
        journal.close()
        return None

    venue.known_of = blind
    venue.is_cleared = True
    return trader


def test_fault_12_two_processes_that_begin_at_once_sign_the_same_order(
    scene: Scene, path: Path, tmp_path: Path
) -> None:
    theirs = begun_elsewhere(scene, tmp_path / "theirs.db", size=10)
    trader = raced(scene, path, theirs)
    scene.always(unheard)
    with pytest.raises(OrderUnknown):
        trader.rest(scene.market, 10, client_order_id="mine")
    (left,) = trader.unresolved_intents()
    assert left.order_id == theirs.order_id
    assert set(salts(scene, trader)) == {theirs.params["salt"]}
    scene.relieve()
    order = trader.rest(scene.market, 10, client_order_id="mine")
    assert order.order_id == theirs.order_id
    shut(trader)


def test_fault_12_nor_does_one_that_says_something_else_leave(
    scene: Scene, path: Path, tmp_path: Path
) -> None:
    theirs = begun_elsewhere(scene, tmp_path / "theirs.db", size=10)
    trader = raced(scene, path, theirs)
    with pytest.raises(DuplicateOrderId):
        trader.rest(scene.market, 20, client_order_id="mine")
    assert trader.writes == []
    (left,) = trader.unresolved_intents()
    assert (left.order_id, left.size) == (theirs.order_id, 10)
    shut(trader)


def test_fault_12_after_a_crash_what_arrived_is_found_and_what_did_not_is_absent(
    scene: Scene, path: Path
) -> None:
    first = scene.another(journal=path)
    venue = first.exchange.venue
    terms = scene.market.market_id, "yes", "buy", "0.001", 10
    first.preview_order(*terms)
    for name, turn in (("there", lost), ("gone", unheard)):
        scene.always(turn)
        first.suffer("503", 1000, reads=True, writes=False)
        with pytest.raises(OrderUnknown):
            first.create_order(*terms, client_order_id=name)
        scene.relieve()
        first.relieve()
    assert len(first.unresolved_intents()) == 2
    shut(first)
    again = scene.another(journal=path)
    with pytest.raises(UnresolvedOrders):
        again.rest(scene.market, 20)
    report = again.reconcile()
    # What was there was found when the first order was asked for.
    assert again.fetch_order(client_order_id="there").is_open
    assert [x.client_order_id for x in report.absent] == ["gone"]
    assert again.rest(scene.market, 20).is_open
    assert venue.account == again.exchange.venue.account
    shut(again)


def test_an_intent_without_a_hash_is_never_called_absent(scene: Scene) -> None:
    venue = scene.trader.exchange.venue
    scene.always(unheard)
    with pytest.raises(OrderUnknown):
        scene.trader.rest(scene.market, client_order_id="mine")
    (left,) = scene.trader.unresolved_intents()
    nameless = attrs.evolve(left, order_id=None)
    flow = venue.find_orders(left.market_id, [nameless])
    with pytest.raises(ExchangeError, match="hash"):
        next(flow)
    assert Identity.kept(nameless) is None
    assert Identity.kept(attrs.evolve(left, params={})) is None


# -- whose orders they are -------------------------------------------------------------


def test_an_account_is_that_of_its_wallet_by_whatever_address_of_real_money() -> None:
    def account(environment: str, key: str = SECRET_KEY) -> Account:
        made = exchange("polymarket", environment=environment, private_key=key)
        assert isinstance(made.venue, PolymarketVenue)
        return made.venue.account

    known = account("production")
    assert known.environment == "production"
    assert account("https://clob.polymarket.com") == known
    assert account("https://gateway.example/polymarket") == known
    # What only plays is no part of it, wherever it is.
    assert account("local").environment == "local"
    assert account("http://127.0.0.1:4444").environment == "http://127.0.0.1:4444"
    assert account("production", "0x" + "7" * 64) != known
