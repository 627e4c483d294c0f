"""Books from random order flow, whatever becomes of the frames on the way.

No frame has a number, so one that is lost and changed nothing at the top does not show: what
is proved here is that frames that are cut, doubled or change their places never leave a live
book that is wrong, and that a lost one never leaves a wrong top.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from .desk import T0, YES, A, MarketDesk, changes, levels

D = Decimal
TICKS = range(1, 20)


class Model:
    """The venue's book of one token, in ticks of five cents and hundredths of shares."""

    def __init__(self) -> None:
        self.bids: dict[int, int] = {5: 100, 7: 250}
        self.asks: dict[int, int] = {12: 300, 15: 50}
        self.moment = 0

    @property
    def best(self) -> tuple[str, str]:
        bid = max(self.bids, default=0)
        ask = min(self.asks, default=20)
        return price(bid), price(ask)

    def set(self, side: str, tick: int, size: int) -> dict[str, Any]:
        levels_of = self.bids if side == "BUY" else self.asks
        if size:
            levels_of[tick] = size
        else:
            levels_of.pop(tick, None)
        bid, ask = self.best
        return {
            "asset_id": YES,
            "price": price(tick),
            "size": text(size),
            "side": side,
            "hash": f"{self.moment}:{tick}:{size}",
            "best_bid": bid,
            "best_ask": ask,
        }

    def snapshot(self) -> dict[str, Any]:
        return {
            "event_type": "book",
            "asset_id": YES,
            "market": A,
            "bids": [
                {"price": price(x), "size": text(self.bids[x])}
                for x in sorted(self.bids)
            ],
            "asks": [
                {"price": price(x), "size": text(self.asks[x])}
                for x in sorted(self.asks, reverse=True)
            ],
            "timestamp": str(T0 + self.moment),
        }

    def expected(self) -> tuple[list[Any], list[Any]]:
        return (
            [
                (D(price(x)).normalize(), D(text(self.bids[x])).normalize())
                for x in sorted(self.bids, reverse=True)
            ],
            [
                (D(price(x)).normalize(), D(text(self.asks[x])).normalize())
                for x in sorted(self.asks)
            ],
        )


def price(tick: int) -> str:
    return f"{tick * 5 / 100:.2f}"


def text(size: int) -> str:
    return f"{size / 100:.2f}"


STEP = st.tuples(
    st.sampled_from(["BUY", "SELL"]),
    st.sampled_from(TICKS),
    st.sampled_from([0, 0, 100, 250, 999, 12_345]),
)
FLOW = st.lists(st.lists(STEP, min_size=1, max_size=3), min_size=1, max_size=25)


def frames_of(model: Model, flow: list[list[tuple[str, int, int]]]) -> list[str]:
    """What the venue sends for a flow, one frame a millisecond."""
    frames = []
    for steps in flow:
        model.moment += 1
        told = []
        for side, tick, size in steps:
            crosses = (
                size and tick >= min(model.asks, default=99)
                if side == "BUY"
                else size and tick <= max(model.bids, default=0)
            )
            if not crosses:
                told.append(model.set(side, tick, size))
        if told:
            frames.append(json.dumps(changes(*told, at=model.moment)))
    return frames


def begun() -> tuple[Model, MarketDesk]:
    model, desk = Model(), MarketDesk().follow()
    return model, desk.live(model.snapshot())


@given(flow=FLOW)
def test_a_book_is_the_venues_after_any_flow(flow: Any) -> None:
    model, desk = begun()
    for frame in frames_of(model, flow):
        desk.tell(frame)
    assert desk.is_live
    assert levels(desk.book()) == model.expected()


@given(flow=FLOW, data=st.data())
@settings(max_examples=300)
def test_no_frame_that_is_cut_doubled_or_out_of_place_leaves_a_wrong_live_book(
    flow: Any, data: Any
) -> None:
    model, desk = begun()
    frames = frames_of(model, flow)
    if frames:
        at = data.draw(st.integers(0, len(frames) - 1))
        other = data.draw(st.integers(0, len(frames) - 1))
        how = data.draw(st.sampled_from(["cut", "double", "late", "swap"]))
        if how == "cut":
            cut = data.draw(st.integers(1, len(frames[at]) - 1))
            frames[at] = frames[at][:cut]
        elif how == "double":
            frames.insert(other, frames[min(at, other)])
        elif how == "late":
            frames.insert(other, frames.pop(at))
        else:
            frames[at], frames[other] = frames[other], frames[at]
    for frame in frames:
        desk.tell(frame)
    assert not desk.is_live or levels(desk.book()) == model.expected()


@given(flow=FLOW, data=st.data())
@settings(max_examples=200)
def test_a_frame_that_is_lost_never_leaves_a_wrong_top(flow: Any, data: Any) -> None:
    model, desk = begun()
    frames = frames_of(model, flow)
    lost = data.draw(st.sets(st.integers(0, 25)))
    told = [x for at, x in enumerate(frames) if at not in lost]
    for frame in told:
        desk.tell(frame)
    if desk.is_live and told and told[-1] == frames[-1]:
        bids, asks = model.expected()
        book = desk.book()
        assert (book.bid is None, book.ask is None) == (not bids, not asks)
        assert book.bid is None or book.bid.price == bids[0][0]
        assert book.ask is None or book.ask.price == asks[0][0]


@given(flow=FLOW, more=FLOW, at=st.integers(0, 25))
def test_a_book_that_came_over_rest_goes_on_with_the_changes(
    flow: Any, more: Any, at: int
) -> None:
    model, desk = Model(), MarketDesk().follow()
    desk.connect()
    desk.overdue()
    frames = frames_of(model, flow)
    # Read after all of these had happened, and some of them come later than it.
    asked = MarketDesk().follow().live(model.snapshot()).book()
    late = frames[at:]
    for frame in frames[:at]:
        desk.tell(frame)
    list(desk.stream.load(asked))
    for frame in (*late, *frames_of(model, more)):
        desk.tell(frame)
    assert desk.is_live
    assert levels(desk.book()) == model.expected()
