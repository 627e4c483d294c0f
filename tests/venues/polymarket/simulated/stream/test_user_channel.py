"""The user channel: a member's orders and trades as they go on."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ..trader import Trader
from .conftest import credentials
from .listener import Listener


def told(listener: Listener) -> list[tuple[str, ...]]:
    """What came, in short."""
    return [
        (e["type"], e["status"], e["size_matched"])
        if e["event_type"] == "order"
        else (e["event_type"], e["status"], e["size"])
        for e in listener.hear()
    ]


def test_nothing_comes_at_first(ada: Trader, fed, user) -> None:
    ada.placed(fed, "BUY", "0.4", "10")
    assert user(ada).frames() == []


def test_an_order_is_placed_filled_and_cancelled(
    polymarket, ada: Trader, bob: Trader, fed, user
) -> None:
    polymarket.change_tick(fed, "0.001")
    listener = user(bob)
    bob.placed(fed, "BUY", "0.445", "20", index=1)
    ada.placed(fed, "BUY", "0.555", "5")
    bob.ask("DELETE", "/cancel-all")
    assert told(listener) == [
        ("PLACEMENT", "LIVE", "0"),
        ("UPDATE", "LIVE", "5"),
        ("trade", "MATCHED", "5"),
        ("CANCELLATION", "CANCELED", "5"),
    ]


def test_a_maker_finds_its_part_among_the_makers(
    polymarket, ada: Trader, bob: Trader, fed, user
) -> None:
    polymarket.change_tick(fed, "0.001")
    bob.placed(fed, "BUY", "0.445", "20", index=1)
    maker, taker = user(bob), user(ada)
    ada.placed(fed, "BUY", "0.6", "5")
    trade = maker.hear()[-1]
    assert (trade["side"], trade["outcome"], trade["price"]) == ("BUY", "Yes", "0.555")
    assert (trade["trader_side"], trade["trade_owner"]) == ("MAKER", bob.key.key_id)
    [own] = [m for m in trade["maker_orders"] if m["owner"] == bob.key.key_id]
    assert (own["outcome"], own["outcome_index"], own["price"]) == ("No", 1, "0.445")
    mine = taker.hear()[-1]
    assert (mine["trader_side"], mine["trade_owner"]) == ("TAKER", ada.key.key_id)
    assert (mine["id"], mine["transaction_hash"]) == (trade["id"], None)


def test_a_trade_is_told_at_each_step_of_its_settlement(
    polymarket, ada: Trader, fed, user, clock
) -> None:
    listener = user(ada)
    polymarket.settler.fail()
    ada.placed(fed, "BUY", "0.56", "10")
    ada.placed(fed, "BUY", "0.56", "5")
    clock.advance(10)
    polymarket.advance()
    trades = [e for e in listener.hear() if e["event_type"] == "trade"]
    steps: dict[str, list[str]] = {}
    for trade in trades:
        steps.setdefault(trade["id"], []).append(trade["status"])
    assert list(steps.values()) == [
        ["MATCHED", "RETRYING", "FAILED"],
        ["MATCHED", "MINED", "CONFIRMED"],
    ]
    assert trades[-1]["transaction_hash"].startswith("0x")


def test_a_killed_order_is_told_with_empty_fields(ada: Trader, fed, user) -> None:
    listener = user(ada)
    ada.place(fed, "BUY", "0.56", "9000", order_type="FOK")
    [event] = listener.hear()
    assert (event["type"], event["order_type"]) == ("CANCELLATION", "FOK")
    assert (event["size_matched"], event["created_at"], event["outcome"]) == ("",) * 3
    assert event["associate_trades"] == []
    assert event["status"] == (
        "CANCELED_order couldn't be fully filled. FOK orders are fully filled or killed."
    )


def test_times_are_seconds_and_milliseconds_mixed(
    ada: Trader, fed, user, clock
) -> None:
    listener = user(ada)
    expiration = int(clock.now()) + 180
    ada.placed(fed, "BUY", "0.4", "10", order_type="GTD", expiration=expiration)
    clock.advance(120)
    ada.get("/data/orders")
    placed, ended = listener.hear()
    assert ended["status"] == "CANCELED_EXPIRED_ORDER"
    assert ended["created_at"] == placed["created_at"] + "000"
    assert placed["associate_trades"] is None


def test_a_delayed_order_is_told_when_it_trades(ada: Trader, user, clock) -> None:
    game = ada.market("nba-gsw-lal")
    listener = user(ada)
    ada.placed(game, "BUY", ada.best(game, "ask"), "10")
    assert listener.frames() == []
    clock.advance(3)
    ada.get("/data/orders")
    assert [kind for kind, *_ in told(listener)] == ["PLACEMENT", "UPDATE", "trade"]


def test_a_delayed_order_that_fails_is_told_as_cancelled(
    polymarket, ada: Trader, user, clock
) -> None:
    game = ada.market("nba-gsw-lal")
    listener = user(ada)
    ada.placed(game, "BUY", ada.best(game, "ask"), "10")
    polymarket.engine.determine(game.condition_id, Decimal(1))
    clock.advance(3)
    polymarket.advance()
    [event] = listener.hear()
    assert (event["type"], event["size_matched"]) == ("CANCELLATION", "0")


def test_others_are_not_told(ada: Trader, bob: Trader, fed, user) -> None:
    listener = user(bob)
    ada.placed(fed, "BUY", "0.4", "10")
    ada.placed(fed, "BUY", "0.56", "10")
    assert listener.frames() == []


def test_markets_are_followed_and_left(ada: Trader, fed, user) -> None:
    other = ada.market("ceasefire-in-freedonia-by-the-end-of-the-year")
    listener = user(ada, markets=[fed.condition_id])

    def heard() -> set[str]:
        ada.placed(fed, "BUY", "0.4", "10")
        ada.placed(other, "BUY", "0.15", "10")
        return {event["market"] for event in listener.hear()}

    assert heard() == {fed.condition_id}
    listener.say(operation="subscribe", markets=[other.condition_id])
    assert heard() == {fed.condition_id, other.condition_id}
    listener.say(operation="unsubscribe", markets=[fed.condition_id])
    assert heard() == {other.condition_id}


def test_who_follows_everything_goes_on_doing_so(ada: Trader, fed, user) -> None:
    listener = user(ada)
    listener.say(operation="subscribe", markets=["0x1"])
    listener.say(operation="unsubscribe", markets=[fed.condition_id])
    listener.say(operation="dance")
    ada.placed(fed, "BUY", "0.4", "10")
    assert len(listener.frames()) == 1


@pytest.mark.parametrize(
    "changes", [{"apiKey": "x"}, {"secret": "x"}, {"passphrase": "x"}]
)
def test_wrong_credentials_end_the_connection(polymarket, ada: Trader, changes) -> None:
    listener = Listener(polymarket, "/ws/user")
    listener.say(auth=credentials(ada) | changes, type="user")
    assert (listener.frames(), listener.session.closing) == ([], 1008)
    silent = Listener(polymarket, "/ws/user")
    silent.say(auth=None, type="user")
    assert silent.session.closing == 1008


def test_before_signing_in_nothing_is_told(polymarket, ada: Trader, fed) -> None:
    listener = Listener(polymarket, "/ws/user")
    ada.placed(fed, "BUY", "0.56", "10")
    ada.placed(fed, "BUY", "0.4", "10")
    assert listener.frames() == []
