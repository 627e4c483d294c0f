"""What a recording tells to be missed is what the stream told, message by message."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from unified_exchanges.models import Gap, MarketChange, OrderBook, Subject, Trade
from unified_exchanges.venues.kalshi.decoder import DECODER
from unified_exchanges.venues.kalshi.stream import BookDelta, BookSnapshot

from .stream.desk import A, B, Desk
from .stream.test_misreading import TRADE

CHANNELS: Final = {
    "orderbook_delta": Subject.ORDER_BOOK,
    "trade": Subject.TRADES,
    "market_lifecycle_v2": Subject.MARKET_STATUS,
}
SPOILT: Final = {
    "orderbook_delta": ["delta_fp", "side"],
    "trade": ["yes_price_dollars", "taker_book_side"],
    "market_lifecycle_v2": ["settlement_value", "close_ts"],
}
"""Fields without which, or with another word in which, a message cannot be read."""


def facts(event: object) -> Any:
    """What two ways of reading must have in common."""
    if isinstance(event, Gap):
        return "gap", event.subject, tuple(sorted(event.market_ids)), event.reason
    if isinstance(event, OrderBook | BookDelta | BookSnapshot):
        return "book", event.market_id
    if isinstance(event, Trade):
        return "trade", event.trade_id
    return ("change", event.change) if isinstance(event, MarketChange) else None


class Recorded(Desk):
    """A desk whose messages are recorded, and read from there as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.decoder = DECODER(self.clock)
        self.connection = 0
        self.count = 0

    def connect(self) -> Recorded:
        self.connection += 1
        self.decoder.opened(self.connection, "ws://kalshi.test")
        super().connect()
        return self

    def sent(self) -> list[dict[str, Any]]:
        commands = super().sent()
        for command in commands:
            text = json.dumps(command).encode()
            assert not [*self.decoder.told(self.connection, "out", text)]
        return commands

    def hear(self, frame: dict[str, Any]) -> list[Any]:
        return self.hear_text(json.dumps(frame))

    def hear_text(self, text: str) -> list[Any]:
        live = list(self.stream.receive(text))
        read = list(self.decoder.told(self.connection, "in", text.encode()))
        told = [[x for x in map(facts, some) if x] for some in (live, read)]
        assert told[0] == told[1]
        return live

    # -- what comes -----------------------------------------------------------------

    def message(self, channel: str, market: str) -> dict[str, Any]:
        self.count += 1
        if channel == "trade":
            return TRADE | {"market_ticker": market, "trade_id": f"t{self.count}"}
        if channel == "orderbook_delta":
            return self.change(market, "yes", "0.40", "1.00")
        return {
            "event_type": "determined",
            "market_ticker": market,
            "result": "yes",
            "settlement_value": "1.0000",
            "close_ts": 1_795_200_000,
        }

    def come(self, channel: str, market: str, how: str) -> list[Any]:
        """A message comes, or does not."""
        sid, msg = self.sids[channel], self.message(channel, market)
        frame = {"type": channel, "sid": sid, "seq": self.number(channel), "msg": msg}
        if how == "missing":
            return []
        if how == "cut":
            return self.hear_text(json.dumps(frame)[:-9])
        if how == "again":
            self.hear(frame)
        return self.hear(_spoilt(frame, channel, how))


def _spoilt(frame: dict[str, Any], channel: str, how: str) -> dict[str, Any]:
    """The message as it comes; spoilt, unless it comes well."""
    lacking, other = SPOILT[channel]
    changes: dict[str, dict[str, Any]] = {
        "stripped": {lacking: None},
        "no text": {other: ["x"]},
        "strange": {lacking: "x"},
        "of no market": {"market_ticker": 7},
    }
    msg = frame["msg"] | changes.get(how, {})
    told = frame | {"msg": {k: x for k, x in msg.items() if x is not None}}
    if how == "new":
        told["type"] = "weather"
    elif how == "untyped":
        del told["type"]
    return told


HOW: Final = [
    "well",
    "missing",
    "again",
    "stripped",
    "no text",
    "strange",
    "of no market",
    "new",
    "untyped",
    "cut",
]


def followed() -> Recorded:
    desk = Recorded()
    for channel, subject in CHANNELS.items():
        markets = () if channel == "market_lifecycle_v2" else (A, B)
        desk.follow(*markets, subject=subject)
    desk.connect().run()
    return desk


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_missing_message_is_told_by_its_channel(channel: str) -> None:
    desk = followed()
    desk.come(channel, A, "well")
    assert desk.come(channel, A, "missing") == []
    gap = desk.come(channel, A, "well")[0]
    assert isinstance(gap, Gap)
    is_of_books = channel == "orderbook_delta"
    expected = CHANNELS[channel], (A, B) if is_of_books else ()
    assert (gap.subject, gap.market_ids) == expected


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_first_message_that_is_missing_is_told_as_well(channel: str) -> None:
    desk = followed()
    desk.come(channel, A, "missing")
    assert isinstance(desk.come(channel, A, "well")[0], Gap)


@pytest.mark.parametrize("how", ["no text", "strange"])
@pytest.mark.parametrize("channel", CHANNELS)
def test_an_unreadable_message_is_told_by_its_channel_and_market(
    channel: str, how: str
) -> None:
    [gap] = followed().come(channel, A, how)
    assert (gap.subject, gap.market_ids) == (CHANNELS[channel], (A,))


def test_of_what_cannot_be_read_at_all_anything_may_be_missed() -> None:
    [gap] = followed().come("trade", A, "cut")
    assert (gap.subject, gap.market_ids) == (None, ())


steps = st.tuples(
    st.sampled_from(list(CHANNELS)), st.sampled_from([A, B]), st.sampled_from(HOW)
)


@example([("orderbook_delta", A, "missing"), ("orderbook_delta", A, "well")] * 2)
@example([("orderbook_delta", A, "cut"), ("orderbook_delta", B, "well")])
@example([("trade", A, "cut"), ("orderbook_delta", B, "well"), ("trade", A, "well")])
@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(steps, st.just(("", "", "run"))), max_size=25))
def test_a_recording_tells_what_the_stream_told(
    drawn: list[tuple[str, str, str]],
) -> None:
    desk = followed()
    for channel, market, how in drawn:
        if how == "run":
            # The books that are asked for anew come.
            desk.wait(70)
            desk.run()
        else:
            desk.come(channel, market, how)
