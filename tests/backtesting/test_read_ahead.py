"""Where an account was recorded it is read ahead: a report tells of what was told alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import OrderBook
from unified_exchanges.backtesting import backtest, sweep
from unified_exchanges.recording import Body, End, Frame, Opened, Rest, Withheld
from unified_exchanges.recording.format import encode
from unified_exchanges.research import convert
from unified_exchanges.strategies import Desk, Strategy

from ..recording.test_withheld import ASKED, delta, named, snapshot
from ..research.test_conversion import HEAD
from .test_sources import kalshi_contract

SECOND = 10**9
FILL = {
    "trade_id": "t1",
    "order_id": "o1",
    "market_ticker": "M",
    "is_taker": True,
    "outcome_side": "yes",
    "book_side": "bid",
    "yes_price_dollars": "0.40",
    "count_fp": "1.00",
    "fee_cost": "0.01",
    "ts_ms": (HEAD.at + 2 * SECOND) // 10**6,
}
TROUBLE = {
    "no end": "has no end",
    "withheld": "1 lines were withheld",
    "set back": "was set back",
    "unreadable": "an answer about trades cannot be read",
}
"""What is wrong with a recording, and what is said of that."""
POLLED = {"polled", "unreadable"}
"""Recordings of which no stream tells the books."""


def answer(mono: int, path: str, told: Any) -> Rest:
    return Rest(
        at=HEAD.at + mono,
        mono=mono,
        began=HEAD.at + mono,
        elapsed=0,
        method="GET",
        host="http://a.test",
        path=f"/trade-api/v2{path}",
        status=200,
        body=Body.of(json.dumps(told)),
    )


def recording(path: Path, trouble: str, *, takes: bool) -> Path:
    """A book each second, and some trouble between the fifth and the sixth."""
    lines: list[Any] = [HEAD, Opened(HEAD.at, 0, 1, "ws://venue.test")]

    def put(mono: int, told: Any) -> None:
        back = 30 * SECOND if trouble == "set back" and mono > 5 * SECOND else 0
        body = Body.of(json.dumps(told, separators=(",", ":")))
        lines.append(Frame(HEAD.at + mono - back, mono, 1, "in", body))

    put(0, named(1, "fill"))
    if trouble not in POLLED:
        lines.append(Frame(HEAD.at, 0, 1, "out", Body.of(json.dumps(ASKED))))
        put(0, named(5, "orderbook_delta", 3))
        put(0, snapshot(1))
    for number in range(1, 10):
        mono = number * SECOND
        if trouble in POLLED:
            book = {"yes_dollars": [["0.30", f"{number}.00"]], "no_dollars": []}
            told = {"orderbook_fp": book}
            lines.append(answer(mono, "/markets/M/orderbook", told))
        else:
            put(mono, delta(number + 1))
        if takes and number == 2:
            put(mono + SECOND // 2, {"type": "fill", "sid": 1, "msg": FILL})
        if number == 5:
            mono += SECOND // 2
            if trouble == "withheld":
                lines.append(Withheld(HEAD.at + mono, mono, "frame", "in", ["x"], 0))
            elif trouble == "unreadable":
                lines.append(answer(mono, "/markets/trades", {"trades": [{}]}))
    if trouble != "no end":
        last = lines[-1]
        lines.append(End(last.at, last.mono, len(lines), 0))
    path.write_bytes(b"".join(map(encode, lines)))
    return path


class Stopping(Strategy):
    """Stops after so many books."""

    def __init__(self, most: int) -> None:
        self.markets = ["M"]
        self.most = most
        self.books = 0

    def on_book(self, desk: Desk, book: OrderBook) -> None:
        self.books += 1
        if self.books == self.most:
            desk.stop()


@pytest.mark.parametrize("takes", [True, False])
@pytest.mark.parametrize("most", [4, 99])
@pytest.mark.parametrize("trouble", [*TROUBLE, "polled"])
def test_a_report_tells_of_what_was_told_and_tables_give_the_same(
    trouble: str, most: int, takes: bool, tmp_path: Path
) -> None:
    path, tables = tmp_path / "r.jsonl", tmp_path / "tables"
    recording(path, trouble, takes=takes)
    convert(path, tables)
    contracts = [kalshi_contract("M")]
    one, two = (
        backtest(Stopping(most), x, contracts=contracts) for x in (path, tables)
    )
    assert one.to_json() == two.to_json()
    said = TROUBLE.get(trouble)
    told = [x for x in one.notes if said is not None and said in x.text]
    assert len(told) == (most == 99 and said is not None)
    [data] = one.assumptions.data
    # One more is read before it is known that it has stopped.
    assert data.polled == (min(most + 1, 9) if trouble in POLLED else 0)
    for source in (path, tables):
        swept = sweep(
            Stopping, {"most": [most]}, source, contracts=contracts, workers=1
        )
        assert swept.rows[0].notes == one.notes
