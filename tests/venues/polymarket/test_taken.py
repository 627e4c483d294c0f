"""What an account took of each level, by the trades that its recording tells."""

from __future__ import annotations

import json
from typing import Any

from unified_exchanges.clock import VirtualClock
from unified_exchanges.paper import OwnTake
from unified_exchanges.venues.polymarket.decoder import DECODER

from .stream import desk as poly

SECOND = 10**9
MATCHED = 1_725_958_681 * SECOND


def takes(*trades: dict[str, Any]) -> list[OwnTake]:
    decoder = DECODER(VirtualClock())
    assert not decoder.has_account
    decoder.opened(1, "ws://poly.test/ws/user")
    assert decoder.has_account
    frames = (json.dumps(mine(x)).encode() for x in trades)
    told = [x for frame in frames for x in decoder.told(1, "in", frame)]
    return [x for x in told if isinstance(x, OwnTake)]


def mine(trade: dict[str, Any]) -> dict[str, Any]:
    """As a recording has it: the key is not told."""
    return json.loads(json.dumps(trade).replace(poly.KEY, "REDACTED-KEY"))  # type: ignore[no-any-return]


def test_a_trade_of_several_makers_is_what_was_taken_at_each_price() -> None:
    theirs = {"owner": "o", "maker_address": "0x" + "1" * 40}
    found = takes(
        poly.user_trade(
            size="12",
            maker_orders=[
                poly.maker(price="0.52", matched_amount="3", **theirs),
                poly.maker(price="0.52", matched_amount="4", **theirs),
                # A bid for the other token.
                poly.maker(price="0.49", asset_id=poly.NO, **theirs),
            ],
        )
    )
    assert [(str(x.price), str(x.size)) for x in found] == [
        ("0.52", "7"),
        ("0.51", "5"),
    ]
    assert len({x.take_id for x in found}) == 2


def test_it_was_between_its_second_and_when_it_was_told() -> None:
    [own] = takes(poly.user_trade())
    assert (own.earliest, own.latest) == (MATCHED, MATCHED + SECOND + SECOND // 8)
    [own] = takes(poly.user_trade(timestamp="1725958681"))
    assert (own.earliest, own.latest) == (MATCHED, MATCHED + SECOND - 1)
    [own] = takes(poly.user_trade(timestamp=None))
    assert (own.earliest, own.latest) == (MATCHED, MATCHED + SECOND - 1)
    [own] = takes(poly.user_trade(match_time_nano=str(MATCHED + 5_000)))
    assert own.earliest == own.latest == MATCHED + 5_000


def test_each_step_of_its_settlement_tells_of_the_same() -> None:
    found = takes(poly.user_trade(), poly.user_trade(status="MINED"))
    assert len({x.take_id for x in found}) == 1


def test_who_rested_took_nothing() -> None:
    trade = poly.user_trade(trader_side="MAKER", maker_orders=[poly.maker()])
    assert takes(trade) == []


def test_what_cannot_be_read_is_left_to_be_anothers() -> None:
    assert takes(poly.user_trade(maker_orders=[poly.maker(owner="o", price="x")])) == []
