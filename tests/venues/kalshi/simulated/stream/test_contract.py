"""B5: every frame is held against a contract of our own, and that against Kalshi's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.recorded import read_example
from unified_exchanges.clock import VirtualClock
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi
from unified_exchanges.venues.kalshi.simulated.tariff import Terms
from unified_exchanges.venues.kalshi.stream import frames
from unified_exchanges.venues.kalshi.stream.channels import CHANNELS
from unified_exchanges.venues.kalshi.stream.strangers import unknown_fields

from ..trader import Trader
from .contract import LIST, SCHEMAS, StreamContract, kind_of, stream_contract
from .listener import Listener
from .published import need_published

PAYLOADS = Path(__file__).parents[2] / "payloads" / "stream" / "frames.jsonl"
FRAMES = [json.loads(line) for line in PAYLOADS.read_text().splitlines()]
KINDS = list(SCHEMAS)
RFQS = set(CHANNELS["communications"].types)
NONSENSE = [[[]]]
CONTRACT = stream_contract()


def named(told: dict[str, Any]) -> str:
    return kind_of(told)


def of(kind: str) -> list[dict[str, Any]]:
    return [told for told in FRAMES if kind_of(told) == kind]


def broken(told: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The frame without each of its fields, and with each of another type."""
    for place in (told, told["msg"]) if isinstance(told.get("msg"), dict) else (told,):
        for name in place:
            if name == "type":
                continue
            for value in (None, NONSENSE):
                copy = deepcopy(told)
                inner = copy if place is told else copy["msg"]
                if value is None:
                    del inner[name]
                else:
                    inner[name] = value
                yield f"{name} {'gone' if value is None else 'nonsense'}", copy


# -- the contract itself ---------------------------------------------------------------


def test_b5_every_kind_of_frame_that_our_client_knows_is_in_the_contract() -> None:
    told = {kind for channel in CHANNELS.values() for kind in channel.types}
    answers = {"subscribed", "unsubscribed", "ok", LIST, "error"}
    assert told | answers == set(SCHEMAS)
    assert {kind_of(frame) for frame in FRAMES} == set(SCHEMAS)


@pytest.mark.parametrize("told", FRAMES, ids=named)
def test_b5_a_documented_shape_fits_and_has_nothing_unknown(
    told: dict[str, Any],
) -> None:
    assert (CONTRACT.faults(told), CONTRACT.strangers(told)) == ([], [])


@pytest.mark.parametrize("kind", KINDS)
def test_b5_each_documented_field_is_in_some_fixture(kind: str) -> None:
    schema = SCHEMAS[kind]["properties"].get("msg", {})
    wanted = schema.get("properties", {}).keys()
    shown = [told["msg"] for told in of(kind) if isinstance(told.get("msg"), dict)]
    if kind.endswith("lifecycle_v2") or kind == "multivariate_market_lifecycle":
        shown = [x["msg"] for x in FRAMES if "lifecycle" in x["type"]]
    assert wanted <= {name for msg in shown for name in msg}


@pytest.mark.parametrize("kind", KINDS)
def test_b5_a_frame_without_a_needed_field_or_of_another_type_breaks_it(
    kind: str,
) -> None:
    schema = SCHEMAS[kind]
    inner = schema["properties"].get("msg", {})
    needed = {*schema["required"], *inner.get("required", ())}
    told = of(kind)[0]
    for what, wrong in broken(told):
        name, _, how = what.partition(" ")
        if kind_of(wrong) != kind:
            continue
        is_wrong = how == "nonsense" or name in needed
        assert bool(CONTRACT.faults(wrong)) is is_wrong, what


@pytest.mark.parametrize("kind", ["ticker", "fill", "user_order", "market_position"])
def test_b5_a_number_where_there_is_none_breaks_it(kind: str) -> None:
    assert CONTRACT.faults(of(kind)[0] | {"seq": 1})


def test_b5_a_type_that_nobody_documents_breaks_it() -> None:
    with pytest.raises(AssertionError, match="nobody documents"):
        CONTRACT.check({"type": "weather"})
    with pytest.raises(AssertionError, match="sid"):
        CONTRACT.check({"type": "unsubscribed", "seq": 1})


def test_b5_what_is_not_documented_is_found_at_any_depth() -> None:
    told = deepcopy(of(LIST)[0]) | {"new": 1}
    told["msg"][1]["newer"] = 2
    assert (CONTRACT.strangers(told), CONTRACT.faults(told)) == (
        ["msg.newer", "new"],
        [],
    )


@pytest.mark.parametrize("told", FRAMES, ids=named)
def test_b5_our_client_reads_every_documented_shape(told: dict[str, Any]) -> None:
    text = json.dumps(told)
    read: Any = frames.decode(text)
    assert type(read).__struct_config__.tag == told["type"]
    assert list(unknown_fields(text)) == []


# -- what the simulated venue tells ----------------------------------------------------


def test_b5_every_kind_that_the_simulated_venue_has_is_told_and_fits(
    listener: Listener,
    kalshi: SimulatedKalshi,
    ada: Trader,
    clock: VirtualClock,
    market: Any,
    combo: Callable[[], Any],
) -> None:
    ticker = market["ticker"]
    told = listener.subscribe("ticker", "orderbook_delta", market_ticker=ticker)
    told += listener.subscribe("trade", "fill", "user_orders", "market_positions")
    told += listener.subscribe("order_group_updates", "communications")
    told += listener.subscribe("market_lifecycle_v2", "multivariate_market_lifecycle")
    index = listener.follow("cfbenchmarks_value", index_ids=["BRTI"])
    price = listener.follow("pyth_value", underlying_tickers=["X"])
    for sid, action in ((index, "indexlist"), (price, "underlying_list")):
        told += listener.ask("update_subscription", {"sid": sid, "action": action})
    told += listener.ask("list_subscriptions")
    told += listener.ask("subscribe", {"channels": ["weather"]})
    told += listener.subscribe("ticker", market_ticker=ticker)
    ada.take(market, count="2")
    ada.ask("POST", "/portfolio/order_groups/create", {"contracts_limit_fp": "5.00"})
    clock.advance(1)
    kalshi.tell_index("BRTI", "68000.12")
    kalshi.tell_price("X", "1.5")
    kalshi.change_fees(market["event_ticker"], Terms("flat"))
    kalshi.engine.deactivate(ticker)
    combo()
    told += listener.frames()
    told += listener.ask("unsubscribe", {"sids": [index]})
    assert {kind_of(frame) for frame in told} == set(SCHEMAS) - RFQS


# -- Kalshi's own document, where it is at hand ----------------------------------------


def sorted_words(node: Any) -> Any:
    """A schema in which the order of alternatives does not matter."""
    if isinstance(node, dict):
        return {
            name: sorted(value, key=str)
            if name in {"required", "enum"}
            else sorted_words(value)
            for name, value in node.items()
        }
    return node


@pytest.mark.parametrize("kind", KINDS)
def test_b5_our_contract_says_what_kalshis_document_says(kind: str) -> None:
    published = need_published()
    assert published.keys() == SCHEMAS.keys()
    assert sorted_words(SCHEMAS[kind]) == sorted_words(published[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_b5_what_fits_one_contract_fits_the_other(kind: str) -> None:
    theirs = StreamContract(need_published())
    for told in of(kind):
        assert theirs.faults(told) == []
        for what, wrong in broken(told):
            assert bool(theirs.faults(wrong)) is bool(CONTRACT.faults(wrong)), what


def test_b5_examples_of_kalshis_document_are_judged_alike_by_both() -> None:
    # They are older than its schemas, so that not all of them fit.
    theirs = StreamContract(need_published())
    told = [
        message
        for messages in read_example("ws/documented_messages.json").values()
        for message in (messages if isinstance(messages, list) else [messages])
        if isinstance(message, dict) and message.get("type") in SCHEMAS
    ]
    assert len(told) > len(SCHEMAS) // 2
    for message in told:
        assert bool(theirs.faults(message)) is bool(CONTRACT.faults(message))
