"""Public trades whose rows are equal in all that is told: each counts, and none twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import cycle
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.venues.polymarket.desk import (
    NOW,
    OTHERS,
    SECONDS,
    WALLET,
    Turns,
    catalog,
    condition,
    desk,
    market,
    public_trade,
    told,
)
from unified_exchanges import Trade

LISTING = "/gamma/markets/keyset"
TRADES = "/data/v2/trades"
ROW = public_trade(5)
OLDER = public_trade(9)


@attrs.define
class Ledger:
    """The service over these rows, newest first, in pages of any size.

    ``overlaps`` are how many rows of the page before a page begins with.  An answer about
    one wallet is whole, or ``behind`` and has none of the rows.
    """

    rows: Sequence[dict[str, Any]]
    sizes: Iterator[int]
    overlaps: Iterator[int]
    behind: bool = False

    def __call__(self, query: dict[str, str]) -> Any:
        if "user" in query:
            return told(*(row for row in self.rows if self._is_asked(row, query)))
        start = int(query.get("cursor", "0"))
        end = start + next(self.sizes)
        if start:
            start = max(0, start - next(self.overlaps))
        more = str(end) if end < len(self.rows) else None
        return told(*self.rows[start:end], cursor=more)

    def _is_asked(self, row: dict[str, Any], query: dict[str, str]) -> bool:
        return (
            not self.behind
            and row["proxy_wallet"] == query["user"]
            and int(query["start"]) <= row["timestamp"] <= int(query["end"])
        )


def ledger(
    *rows: dict[str, Any],
    sizes: Sequence[int] = (1000,),
    overlaps: Sequence[int] = (0,),
    behind: bool = False,
) -> Ledger:
    return Ledger(rows, cycle(sizes), cycle(overlaps), behind)


def trades(found: Ledger, flavour: str = "blocking", **fields: Any) -> list[Trade]:
    answers = {LISTING: catalog(market(1)), TRADES: found}
    told: list[Trade] = desk(flavour, answers)("fetch_trades", condition(1), **fields)
    return told


def test_equal_rows_are_trades_of_their_own(flavour: str) -> None:
    first, second, third, fourth = trades(ledger(ROW, ROW, ROW, OLDER), flavour)
    assert (first.trade_id + "-2", first.trade_id + "-3") == (
        second.trade_id,
        third.trade_id,
    )
    assert fourth.trade_id not in first.trade_id
    assert len({x.transaction for x in (first, second, third)}) == 1


def test_a_candle_has_the_volume_of_both() -> None:
    rows = [public_trade(7_000), public_trade(7_000)]
    exchange = desk(answers={LISTING: catalog(market(1)), TRADES: ledger(*rows)})
    (candle,) = exchange("fetch_ohlcv", condition(1), "1h")
    assert candle.volume == Decimal(20)


@pytest.mark.parametrize("sizes", [(1,), (2,), (3,), (1, 2)])
def test_equal_rows_of_two_pages_are_trades_of_their_own(
    flavour: str, sizes: tuple[int, ...]
) -> None:
    rows = (ROW, ROW, ROW, OLDER)
    found = [x.trade_id for x in trades(ledger(*rows, sizes=sizes), flavour)]
    assert found == [x.trade_id for x in trades(ledger(*rows))]
    assert len(set(found)) == len(rows)


@pytest.mark.parametrize("overlap", [1, 2, 3])
def test_a_row_that_pages_share_is_one_trade(flavour: str, overlap: int) -> None:
    rows = [public_trade(ago) for ago in range(1, 8)]
    pages = ledger(*rows, sizes=(3,), overlaps=(overlap,))
    found = trades(pages, flavour)
    assert [x.created_at for x in found] == [
        NOW - timedelta(seconds=ago) for ago in range(1, 8)
    ]


def test_only_what_may_be_either_is_asked_about() -> None:
    rows = [ROW, ROW, OLDER]
    pages = ledger(*rows, sizes=(1, 1))
    exchange = desk(answers={TRADES: pages})
    assert len(exchange("fetch_trades")) == 3
    asked = [query for query in exchange.queries(TRADES) if "user" in query]
    assert asked == [
        {
            "user": OTHERS,
            "taker_only": "true",
            "start": str(SECONDS - 5),
            "end": str(SECONDS - 5),
            "limit": "1000",
        }
    ]


def test_an_answer_that_is_behind_takes_no_trade_away() -> None:
    assert len(trades(ledger(ROW, ROW, OLDER, sizes=(1,), behind=True))) == 3


def test_fault_26_a_page_of_one_trade_that_comes_for_ever_is_an_error() -> None:
    exchange = desk(
        answers={
            TRADES: Turns(*(told(ROW, cursor=f"c{number}") for number in range(60)))
        }
    )
    with pytest.raises(Exception, match="does not end"):
        exchange("fetch_trades")


PRICES = st.sampled_from([0.5, 0.51])
WALLETS = st.sampled_from([WALLET, OTHERS])


@st.composite
def transactions(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Trades of some transactions, newest first; many of them are equal."""
    ago, rows = 0, []
    for number in range(draw(st.integers(1, 5))):
        ago += draw(st.integers(0, 2))
        for _ in range(draw(st.integers(1, 6))):
            row = public_trade(ago, price=draw(PRICES), proxy_wallet=draw(WALLETS))
            rows.append(row | {"transaction_hash": f"0x{number:064x}"})
    return rows


@given(
    rows=transactions(),
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=9),
    overlaps=st.lists(st.integers(0, 4), min_size=1, max_size=9),
    ago=st.integers(0, 10),
    limit=st.integers(1, 30),
)
def test_of_pages_of_any_size_that_may_overlap_the_volume_is_the_truth(
    rows: list[dict[str, Any]],
    sizes: list[int],
    overlaps: list[int],
    ago: int,
    limit: int,
) -> None:
    def paged() -> Ledger:
        return ledger(*rows, sizes=sizes, overlaps=overlaps)

    whole = trades(ledger(*rows))
    found = trades(paged())
    assert sum(x.size for x in found) == 10 * len(rows)
    assert {x.trade_id for x in found} == {x.trade_id for x in whole}
    assert len({x.trade_id for x in found}) == len(rows)
    prices = Counter(x.price for x in found)
    assert prices == Counter(Decimal(str(row["price"])) for row in rows)
    since = NOW - timedelta(seconds=ago)
    recent = trades(paged(), since=since)
    assert {x.trade_id for x in recent} == {
        x.trade_id for x in whole if x.created_at >= since
    }
    newest = [x.transaction for x in whole][:limit]
    assert [x.transaction for x in trades(paged(), limit=limit)] == newest
