"""Frames that were recorded have no field that ours have not."""

from __future__ import annotations

import json

import pytest

from tests.recorded import need_examples

from .contract import stream_contract
from .listener import NaiveBooks

RECORDED = (
    "orderbook_default_pricing.jsonl",
    "orderbook_use_yes_price.jsonl",
    "orderbook_stream_prod_2026-08-07.jsonl",
)


def recorded(name):
    lines = (need_examples() / "ws" / name).read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("name", RECORDED)
def test_what_was_recorded_fits_the_contract(name) -> None:
    contract = stream_contract()
    for frame in recorded(name):
        contract.check(frame)


@pytest.mark.parametrize("name", RECORDED)
def test_no_recorded_field_is_missing_here(name, listener, ada, market) -> None:
    listener_frames = listener.subscribe(
        "orderbook_delta", market_ticker=market["ticker"]
    )
    ada.rest(market)
    listener_frames += listener.frames()
    listener_frames += listener.subscribe("orderbook_delta", market_ticker="X")
    ours = {frame["type"]: frame for frame in listener_frames}
    for frame in recorded(name):
        mine = ours[frame["type"]]
        assert frame.keys() <= mine.keys()
        assert frame["msg"].keys() <= mine["msg"].keys()


def test_a_naive_book_follows_what_was_recorded() -> None:
    books = NaiveBooks()
    for frame in recorded(RECORDED[-1]):
        if "book" in frame["type"]:
            books.hear(frame)
    assert len(books.sides) == 12
