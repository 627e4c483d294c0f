"""An account on paper stays in the market in which it was begun."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.paper_exchange.ground import KalshiPaper, PolymarketPaper
from unified_exchanges import BadRequest, exchange

FLAVOURS = ["blocking", "async"]
ELSEWHERE = "http://127.0.0.1:9/trade-api/v2"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "paper.db"


def begun(path: Path, ground: Any) -> Any:
    """An account that holds something, closed again; gives its cash."""
    trader = ground.trader("blocking", path=path)
    trader.lift(trader.quoted_market())
    trader.rest(trader.quoted_market())
    cash = trader.fetch_balance().total
    trader.close()
    ground._broker = None
    return cash


def refused(path: Path, here: str, there: str) -> str:
    parts = f"{path} is in the market of {here}", f"this exchange is over {there}"
    return ".*".join(map(re.escape, parts))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_account_of_another_environment_is_refused_by_name(
    path: Path, flavour: str
) -> None:
    ground = KalshiPaper()
    cash = begun(path, ground)
    other = ground.trader(flavour, path=path, environment=ELSEWHERE)
    said = refused(path, "kalshi (demo)", f"kalshi ({ELSEWHERE})")
    with pytest.raises(BadRequest, match=said):
        other.fetch_balance()
    with pytest.raises(BadRequest, match=said):
        other.lift(other.quoted_market())
    # It does not have the file either.
    ground._broker = None
    assert ground.trader("blocking", path=path).fetch_balance().total == cash


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_account_of_another_venue_is_refused_by_name(
    path: Path, flavour: str
) -> None:
    begun(path, KalshiPaper())
    other = PolymarketPaper().trader(flavour, path=path)
    with pytest.raises(BadRequest, match=refused(path, "kalshi (demo)", "polymarket")):
        other.fetch_balance()


def test_another_address_of_the_same_environment_is_the_same_market(path: Path) -> None:
    ground = KalshiPaper()
    cash = begun(path, ground)
    demo = ground.trader("blocking").exchange.venue.source.environment.rest
    again = ground.trader("blocking", path=path, environment=f"{demo}/")
    assert again.fetch_balance().total == cash


def test_a_simulated_source_is_the_same_at_whatever_address_it_is_served(
    path: Path,
) -> None:
    addresses = set()
    for count in (1, 2):
        with exchange("paper", source="simulated", path=path) as paper:
            addresses.add(paper.venue.source.environment.rest)
            [market] = paper.fetch_markets(limit=1)
            paper.create_order(
                market.market_id, "yes", "buy", market.grid.lowest, count
            )
            assert len(paper.fetch_open_orders()) == count
    assert len(addresses) == 2


def test_a_file_that_does_not_say_whose_market_it_is_in_is_refused(path: Path) -> None:
    ground = KalshiPaper()
    begun(path, ground)
    for change, said in (
        ("UPDATE kept SET told = '{\"a\": 1}' WHERE kind = 'source'", "market of"),
        ("DELETE FROM kept WHERE kind = 'source'", "does not say whose market"),
    ):
        with closing(sqlite3.connect(path)) as file, file:
            file.execute(change)
        with pytest.raises(BadRequest, match=rf"paper\.db is no state .*{said}"):
            ground.trader("blocking", path=path).fetch_balance()
