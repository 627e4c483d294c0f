"""What other venues call their markets is known to no market of Kalshi's, unasked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.venues.kalshi.ground import KalshiGround
from unified_exchanges.errors import (
    BadRequest,
    EventNotFound,
    InvalidOrder,
    MarketNotFound,
    OrderNotFound,
)
from unified_exchanges.testing.conformance.ground import Trader

CONDITION = "0x" + "5f4dcc3b5aa765d6" * 4
TOKEN = "7132104567925221259462638553270691275033272857194253228963137931245558399256"
TOLD = "that is another venue's id; Kalshi's are letters, digits and dashes"


@pytest.fixture(params=["blocking", "async"])
def trader(request: pytest.FixtureRequest) -> Trader:
    return KalshiGround().trader(request.param)


CALLS: list[tuple[type[Exception], Callable[[Any, str], Any]]] = [
    (MarketNotFound, lambda kalshi, id_: kalshi.fetch_market(id_)),
    (MarketNotFound, lambda kalshi, id_: kalshi.fetch_order_book(id_)),
    (MarketNotFound, lambda kalshi, id_: kalshi.fetch_order_books([id_])),
    (MarketNotFound, lambda kalshi, id_: kalshi.fetch_ticker(id_)),
    (MarketNotFound, lambda kalshi, id_: kalshi.fetch_trades(id_)),
    (MarketNotFound, lambda kalshi, id_: kalshi.fetch_ohlcv(id_, "1h")),
    (MarketNotFound, lambda kalshi, id_: kalshi.fetch_fills(market_id=id_)),
    (MarketNotFound, lambda kalshi, id_: kalshi.cancel_all_orders(market_id=id_)),
    (
        MarketNotFound,
        lambda kalshi, id_: kalshi.create_order(id_, "yes", "buy", "0.5", 5),
    ),
    (EventNotFound, lambda kalshi, id_: kalshi.fetch_event(id_)),
    (OrderNotFound, lambda kalshi, id_: kalshi.fetch_order(id_)),
    (OrderNotFound, lambda kalshi, id_: kalshi.cancel_order(id_)),
]


@pytest.mark.parametrize(("kind", "call"), CALLS)
@pytest.mark.parametrize("id_", [CONDITION, CONDITION.upper().replace("X", "x"), TOKEN])
def test_a_condition_or_a_token_of_polymarket_is_not_asked_for(
    trader: Trader, kind: type[Exception], call: Callable[[Any, str], Any], id_: str
) -> None:
    with pytest.raises(kind, match=TOLD) as caught:
        call(trader, id_)
    assert type(caught.value) is kind
    assert trader.transport.requests == []


def test_a_token_of_polymarket_is_no_outcome(trader: Trader) -> None:
    market = trader.quoted_market()
    with pytest.raises(
        InvalidOrder, match=f"has no outcome '{TOKEN}'; it has: yes, no"
    ):
        trader.create_order(market.market_id, TOKEN, "buy", market.grid.lowest, 5)
    assert trader.writes == []


def test_an_outcome_itself_is_told_to_be_named_by_its_label(trader: Trader) -> None:
    market = trader.quoted_market()
    yes: Any = market.outcomes[0]
    with pytest.raises(InvalidOrder, match="pass its label, 'yes'"):
        trader.create_order(market.market_id, yes, "buy", market.grid.lowest, 5)
    with pytest.raises(BadRequest, match="pass its label, 'yes'"):
        trader.fetch_order_book(market.market_id, outcome=yes)
    assert trader.writes == []


@pytest.mark.parametrize("ticker", ["0X-26", "12345", "KXBTC-26NOV2110-B95000", "0xyz"])
def test_what_might_be_a_ticker_is_asked_for(trader: Trader, ticker: str) -> None:
    with pytest.raises(MarketNotFound, match="neither live nor archived"):
        trader.fetch_market(ticker)
    assert trader.transport.requests != []
