"""What is remembered between calls, and that it stays within bounds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import attrs
import pytest

from tests.venues.kalshi.answers import read
from unified_exchanges.venue.keys import SentKeys
from unified_exchanges.venues.kalshi import memory
from unified_exchanges.venues.kalshi.memory import Memory

ORDER = read("order")
MARKET = read("market")


def test_an_order_s_shard_and_subaccount_are_remembered() -> None:
    mind = Memory()
    mind.learn_order(attrs.evolve(ORDER, shard=3), 7)
    route = mind.route(ORDER.order_id)
    assert route is not None
    assert (route.shard, route.subaccount) == (3, 7)
    assert (route.market_id, route.client_order_id) == (
        ORDER.market_id,
        ORDER.client_order_id,
    )


def test_an_order_is_remembered_in_yes_terms() -> None:
    mind = Memory()
    mind.learn_order(ORDER.in_terms_of("no"))
    seen = mind.order(ORDER.order_id)
    assert seen is not None
    assert (seen.outcome, seen.price) == ("yes", ORDER.in_terms_of("yes").price)


def test_what_was_never_seen_is_not_remembered() -> None:
    mind = Memory()
    assert (mind.route("o9"), mind.order("o9"), mind.rules("M9")) == (None, None, None)


def test_rules_are_those_that_the_market_showed() -> None:
    mind = Memory()
    mind.learn_markets([MARKET], 5.0)
    rules = mind.rules(MARKET.market_id)
    assert rules is not None
    assert (rules.grid, rules.status, rules.shard, rules.seen_at) == (
        MARKET.grid,
        MARKET.status,
        MARKET.shard,
        5.0,
    )
    assert (rules.lot, rules.minimum_size) == (MARKET.lot, MARKET.minimum_size)


def test_later_rules_take_the_place_of_earlier_ones() -> None:
    mind = Memory()
    mind.learn_markets([MARKET], 5.0)
    mind.learn_markets([attrs.evolve(MARKET, lot=Decimal(1))], 6.0)
    rules = mind.rules(MARKET.market_id)
    assert rules is not None
    assert (rules.lot, rules.seen_at) == (1, 6.0)


def test_rules_are_forgotten_when_asked() -> None:
    mind = Memory()
    mind.learn_markets([MARKET], 5.0)
    mind.forget_rules(MARKET.market_id)
    mind.forget_rules("never seen")
    assert mind.rules(MARKET.market_id) is None


@pytest.mark.parametrize("name", ["_MOST_MARKETS", "_MOST_SNAPSHOTS"])
def test_the_oldest_goes_when_there_is_too_much(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, name, 3)
    mind = Memory()
    for number in range(5):
        mind.learn_markets([attrs.evolve(MARKET, market_id=f"m{number}")], 1.0)
        mind.learn_order(attrs.evolve(ORDER, order_id=f"o{number}"))
    look = mind.rules if name == "_MOST_MARKETS" else mind.order
    names = [f"{'m' if name == '_MOST_MARKETS' else 'o'}{n}" for n in range(5)]
    assert [look(one) is not None for one in names] == [False] * 2 + [True] * 3


def test_fault_13_a_key_is_claimed_by_one_thread() -> None:
    keys = SentKeys()
    with ThreadPoolExecutor(8) as pool:
        claims = list(
            pool.map(lambda _: keys.begin("intent", None, object()), range(100))
        )
    assert claims.count(True) == 1


def test_a_key_given_back_may_be_claimed_again() -> None:
    keys = SentKeys()
    assert keys.begin("intent", None, object())
    assert not keys.begin("intent", None, object())
    keys.forget("intent")
    keys.forget("never claimed")
    assert keys.begin("intent", None, object())


def test_fault_47_a_released_key_may_leave_again_once_and_keeps_its_kind() -> None:
    keys = SentKeys()
    keys.release("never")
    keys.begin("a", "post_only", object())
    keys.release("a")
    assert [keys.begin("a", "gtc", object()), keys.begin("a", "gtc", object())] == [
        True,
        False,
    ]
    assert (keys.kind("a"), keys.kind("never")) == ("post_only", None)


def test_a_forgotten_key_is_new_again() -> None:
    keys = SentKeys()
    keys.begin("a", "post_only", object())
    keys.release("a")
    keys.forget("a")
    assert [keys.begin("a", "gtc", object()), keys.begin("a", "gtc", object())] == [
        True,
        False,
    ]
    assert keys.kind("a") == "gtc"
