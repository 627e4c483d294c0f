"""Frames that were recorded or documented, replayed through the protocol object."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.recorded import need_examples
from unified_exchanges.clock import VirtualClock
from unified_exchanges.models import Gap, Subject
from unified_exchanges.venues.kalshi.stream import BookDelta, BookSnapshot, KalshiStream
from unified_exchanges.venues.kalshi.stream.channels import CHANNELS

from .desk import levels

ONE = Decimal(1)

Naive = dict[str, dict[str, dict[Decimal, Decimal]]]


def frames_of(name: str) -> list[dict[str, Any]]:
    text = (need_examples() / "ws" / name).read_text()
    return [json.loads(line) for line in text.splitlines()]


def in_yes_prices(frame: dict[str, Any]) -> dict[str, Any]:
    """A frame that was recorded without ``use_yes_price``, as it would be with it."""
    msg = dict(frame["msg"])
    if "no_dollars_fp" in msg:
        rows = msg["no_dollars_fp"]
        msg["no_dollars_fp"] = [[str(ONE - Decimal(p)), n] for p, n in rows]
    if msg.get("side") == "no":
        msg["price_dollars"] = str(ONE - Decimal(msg["price_dollars"]))
    return frame | {"msg": msg}


def naive_books(frames: list[dict[str, Any]]) -> Naive:
    """The books as anybody would add them up; every level must stay above nothing."""
    books: Naive = {}
    for frame in frames:
        msg = frame["msg"]
        if frame["type"] == "orderbook_snapshot":
            books[msg["market_ticker"]] = {
                side: {
                    Decimal(p): Decimal(n) for p, n in msg.get(f"{side}_dollars_fp", ())
                }
                for side in ("yes", "no")
            }
        elif frame["type"] == "orderbook_delta":
            rows = books[msg["market_ticker"]][msg["side"]]
            price = Decimal(msg["price_dollars"])
            rows[price] = rows.get(price, Decimal(0)) + Decimal(msg["delta_fp"])
            assert rows[price] >= 0, frame
            if not rows[price]:
                del rows[price]
    return books


def replay(frames: list[dict[str, Any]]) -> tuple[KalshiStream, list[Any]]:
    """A stream that follows all markets of a recording, and the events that it told."""
    markets = {x["msg"]["market_ticker"] for x in frames if "seq" in x and is_data(x)}
    stream = KalshiStream(clock=VirtualClock())
    stream.follow(Subject.ORDER_BOOK, sorted(markets))
    stream.connection_made()
    [command] = map(json.loads, stream.data_to_send())
    events: list[Any] = []
    for frame in frames:
        told = dict(frame)
        if told["type"] == "subscribed":
            told["id"] = command["id"]
        elif "id" in told:
            told["id"] += 1_000  # it answers a command of the recorder, not of ours
        events += stream.receive(json.dumps(told))
    return stream, events


def is_data(frame: dict[str, Any]) -> bool:
    return frame["type"].startswith("orderbook_")


@pytest.fixture
def recording() -> list[dict[str, Any]]:
    frames = frames_of("orderbook_stream_prod_2026-08-07.jsonl")
    return [in_yes_prices(frame) for frame in frames]


def test_every_number_of_the_recorded_stream_is_accounted_for(
    recording: list[dict[str, Any]],
) -> None:
    stream, events = replay(recording)
    numbers = [x["seq"] for x in recording if is_data(x)]
    assert [x.sequence for x in events] == numbers
    health = stream.health()
    assert (health.gaps, health.duplicates, health.malformed_messages) == (0, 0, 0)
    assert (health.unknown_messages, health.unknown_fields) == (0, ())
    assert health.messages == len(recording)
    assert health.stale_books == 0


def test_no_level_of_the_recorded_stream_falls_below_nothing(
    recording: list[dict[str, Any]],
) -> None:
    _, events = replay(recording)
    deltas = [x for x in events if isinstance(x, BookDelta)]
    assert len(deltas) == sum(x["type"] == "orderbook_delta" for x in recording)
    assert all(x.size >= 0 for x in deltas)


def test_the_recorded_books_end_as_a_naive_recomputation_has_them(
    recording: list[dict[str, Any]],
) -> None:
    stream, _ = replay(recording)
    expected = naive_books(recording)
    found = {market: stream.order_book(market) for market in expected}
    assert {m: levels(book) for m, book in found.items() if book} == expected
    assert [book.stale for book in found.values() if book] == [False] * len(expected)


def test_a_frame_lost_from_the_recorded_stream_is_noticed_wherever_it_was(
    recording: list[dict[str, Any]],
) -> None:
    first = next(i for i, x in enumerate(recording) if x.get("seq") == 2)
    for lost in range(first, len(recording) - 1):
        _, events = replay([*recording[:lost], *recording[lost + 1 :]])
        assert sum(isinstance(x, Gap) for x in events) == 1


@pytest.mark.parametrize(
    "name", ["orderbook_use_yes_price.jsonl", "orderbook_default_pricing.jsonl"]
)
def test_the_recorded_prices_of_both_kinds_give_the_same_kind_of_book(
    name: str,
) -> None:
    frames = frames_of(name)
    if "default" in name:
        frames = [in_yes_prices(x) if is_data(x) else x for x in frames]
    frames = [x for x in frames if x["msg"].get("channel") != "trade"]
    stream, events = replay(frames)
    expected = naive_books(frames)
    [(market, book)] = expected.items()
    found = stream.order_book(market)
    assert found is not None
    assert levels(found) == book
    assert not any(isinstance(x, Gap) for x in events)


def test_no_prices_that_were_told_in_no_money_are_ever_taken_for_yes_prices() -> None:
    """Were the flag ignored one day, books would be stale, not wrong."""
    frames = frames_of("orderbook_stream_prod_2026-08-07.jsonl")
    stream, events = replay(frames)
    assert not any(isinstance(x, BookSnapshot) for x in events)
    assert stream.health().stale_books > 0


# -- the documentation's examples ------------------------------------------------------

LATER = {
    # Its examples are older than its schemas, which have these.
    "fill": {"outcome_side": "yes", "book_side": "bid", "fee_cost": "0.10"},
    "trade": {"taker_outcome_side": "no", "taker_book_side": "ask"},
    "userOrder": {
        "outcome_side": "yes",
        "book_side": "bid",
        "taker_fees_dollars": "0.0000",
        "maker_fees_dollars": "0.0000",
    },
}


def documented() -> list[tuple[str, dict[str, Any]]]:
    examples = json.loads(
        (need_examples() / "ws" / "documented_messages.json").read_text()
    )
    return [
        (name, message)
        for name, messages in examples.items()
        for message in messages
        if isinstance(message, dict) and "type" in message
    ]


def test_every_documented_message_is_read() -> None:
    clock = VirtualClock()
    stream = KalshiStream(clock=clock)
    for name, channel in CHANNELS.items():
        stream.subscribe(name, ["FED-23DEC-T3.00"] if channel.needs_markets else None)
    stream.connection_made()
    sids: dict[str, int] = {}
    while sent := stream.data_to_send():
        for command in map(json.loads, sent):
            [channel] = command["params"]["channels"]
            sid = sids[channel] = 100 + len(sids)
            told = {"channel": channel, "sid": sid}
            stream.receive(
                json.dumps({"type": "subscribed", "id": command["id"], "msg": told})
            )
    seqs = dict.fromkeys(sids, 0)
    read: dict[str, set[str]] = {}
    for name, message in documented():
        channel = next(
            (x.name for x in CHANNELS.values() if message["type"] in x.types), ""
        )
        if channel in sids:
            seqs[channel] += 1
            message |= {"sid": sids[channel], "seq": seqs[channel]}
            message["msg"] |= LATER.get(name, {})
        kinds = {type(x).__name__ for x in stream.receive(json.dumps(message))}
        read.setdefault(name, set()).update(kinds)
    health = stream.health()
    assert (health.malformed_messages, health.unknown_fields) == (0, ())
    assert health.unknown_messages == 0
    told = {name for name, kinds in read.items() if kinds}
    silent = {
        "subscribedResponse",
        "unsubscribedResponse",
        "okResponse",
        "listSubscriptionsResponse",
        "errorResponse",
    }
    assert told == set(read) - silent
    assert read["cfbenchmarksValue"] == {"CfBenchmarksValue"}
    assert read["pythValue"] == {"PythValue"}
    assert read["orderbookDelta"] == {"Gap"}, "the example takes what is not there"
