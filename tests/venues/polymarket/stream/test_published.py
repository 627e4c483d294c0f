"""Frames that the vendor publishes or somebody has recorded, where they are at hand."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import jsonschema
import pytest

from tests.recorded import need_examples, read_example
from unified_exchanges import FillState, Liquidity, Side, Subject
from unified_exchanges.models import Gap
from unified_exchanges.venues.polymarket.fees import Fees
from unified_exchanges.venues.polymarket.memory import Memory
from unified_exchanges.venues.polymarket.parse import Ours
from unified_exchanges.venues.polymarket.stream import MarketStream, UserStream, Whose

from .desk import INTRODUCTION, MarketDesk, UserDesk

D = Decimal
OURS = {
    "3e2c94ca-8124-c4c1-c7ea-be1ea21b71fe",
    "a93a3d32-74fa-dd2b-4b67-98bfa6fc5cb5",
}


def published(channel: str) -> dict[str, Any]:
    path = need_examples("polymarket").parent / f"asyncapi-{channel}.json"
    if not path.is_file():
        pytest.skip(f"no AsyncAPI document of the {channel} channel at hand")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def check(channel: str, schema: str, payload: Any) -> None:
    """Hold a message against the vendor's schema."""
    document = published(channel)
    schema_of = {
        "$ref": f"#/components/schemas/{schema}",
        "components": document["components"],
    }
    jsonschema.validate(payload, schema_of)


def tapped(*tokens: str) -> MarketDesk:
    desk = MarketDesk()
    desk.stream.tap(tokens)
    desk.connect()
    return desk


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = read_example(f"{name}.json", "polymarket")
    return found


class Recorded(Ours):
    """The keys of the recorded accounts, whichever their wallets."""

    def is_key(self, owner: str) -> bool:
        return owner in OURS


def user(*frames: dict[str, Any]) -> list[Any]:
    whose = Whose(
        ours=lambda: Recorded("", ""),
        label=lambda _market, _token: None,
        fees=lambda _market: Fees(None),
        client_id=lambda _order: None,
    )
    desk = UserDesk()
    stream = UserStream(clock=desk.clock, introduce=lambda: INTRODUCTION, whose=whose)
    for subject in (Subject.ORDERS, Subject.FILLS):
        stream.follow(subject, None)
    list(stream.connection_made())
    return [x for frame in frames for x in stream.receive(json.dumps(frame))]


# -- what we send ----------------------------------------------------------------------


def test_what_we_ask_of_markets_is_as_published() -> None:
    desk = tapped("1")
    desk.stream.tap(["2"])
    [more] = desk.asked()
    check("market", "SubscriptionRequestUpdate", more)
    desk.stream.untap(["1"])
    check("market", "SubscriptionRequestUpdate", desk.asked()[0])
    stream = MarketStream(clock=desk.clock, names=Memory())
    stream.tap(["1"])
    list(stream.connection_made())
    check("market", "SubscriptionRequest", json.loads(stream.data_to_send()[0]))


def test_what_we_say_to_the_user_channel_is_as_published() -> None:
    frame = json.loads(INTRODUCTION)
    frame["auth"]["passphrase"] = "p"
    check("user", "UserSubscriptionRequest", frame)


# -- what they send --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "message", "event"),
    [
        ("market", "book", "BookSnapshot"),
        ("market", "priceChange", None),
        ("market", "lastTradePrice", "Trade"),
        ("market", "tickSizeChange", "MarketChange"),
        ("market", "bestBidAsk", "Ticker"),
        ("market", "newMarket", "NewMarket"),
        ("market", "marketResolved", "MarketChange"),
    ],
)
def test_every_published_example_is_read(
    channel: str, message: str, event: str | None
) -> None:
    for example in published(channel)["components"]["messages"][message]["examples"]:
        payload = example["payload"]
        tokens = [str(payload.get("asset_id", "1"))]
        tokens += [x["asset_id"] for x in payload.get("price_changes", ())]
        desk = tapped(*tokens)
        told = desk.tell(payload)
        assert desk.stream.health().malformed_messages == 0
        assert desk.stream.health().unknown_fields == ()
        assert not [x for x in told if isinstance(x, Gap)]
        if event is not None:
            assert type(told[0]).__name__ == event


def test_a_recorded_book_is_read_whole() -> None:
    frame = recorded("ws_market_book_2024_capture")
    desk = tapped(frame["asset_id"])
    desk.tell(frame)
    book = desk.stream.token_book(frame["asset_id"])
    assert book is not None
    for side, told in ((book.bids, frame["bids"]), (book.asks, frame["asks"])):
        expected = {(D(x["price"]), D(x["size"])) for x in told}
        assert {(x.price, x.size) for x in side} == expected


def test_a_change_of_both_tokens_is_one_of_each() -> None:
    frame = recorded("ws_market_price_change_two_tokens")
    yes, no = (x["asset_id"] for x in frame["price_changes"])
    desk = tapped(yes, no)
    at = int(frame["timestamp"]) - 1
    for token, bids, asks in (
        (yes, [("0.5", "1")], [("0.54", "1")]),
        (no, [("0.46", "1")], [("0.5", "1")]),
    ):
        desk.tell(
            {
                "event_type": "book",
                "asset_id": token,
                "market": frame["market"],
                "bids": [{"price": p, "size": s} for p, s in bids],
                "asks": [{"price": p, "size": s} for p, s in asks],
                "timestamp": str(at),
            }
        )
    told = desk.tell(frame)
    assert [type(x).__name__ for x in told] == ["BookChange", "BookChange"]


def test_recorded_orders_are_read() -> None:
    placed, canceled, killed = user(
        recorded("ws_user_order_placement_2024_capture"),
        recorded("ws_user_order_cancel_2024_capture"),
        {
            **recorded("ws_user_order_fok_killed"),
            "id": "0x" + "7" * 64,
            "market": "0x" + "1" * 64,
        },
    )
    assert (placed.status, placed.size, placed.price) == ("open", 5, D("0.513"))
    # Cancelled where it had filled whole.
    assert (canceled.status, canceled.filled, canceled.side) == ("closed", 5, Side.SELL)
    assert (killed.status, killed.filled, killed.size) == ("canceled", 0, 12)


def test_recorded_trades_are_read() -> None:
    [taken] = user(recorded("ws_user_trade_taker_matched_2024_capture"))
    assert (taken.liquidity, taken.price, taken.size) == (
        Liquidity.TAKER,
        D("0.52"),
        5,
    )
    assert taken.state is FillState.PENDING
    [many] = user(recorded("ws_user_trade_maker_many_2024_capture"))
    assert (many.liquidity, many.price, many.size) == (Liquidity.MAKER, D("0.518"), 5)
    [other] = user(recorded("ws_user_trade_maker_complement"))
    assert (other.outcome, other.side, other.price) == ("yes", Side.BUY, D("0.513"))
    two = user(recorded("ws_user_trade_maker_two_of_ours"))
    assert [x.price for x in two] == [D("0.4"), D("0.3")]
    assert {x.state for x in two} == {FillState.FINAL}
