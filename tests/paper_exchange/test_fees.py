"""What a fill on paper pays: the fees of its moment, not those of the first order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from tests.paper_exchange.ground import KalshiPaper
from unified_exchanges import BUY
from unified_exchanges.models import Fill, Level, Market
from unified_exchanges.research import to_frame
from unified_exchanges.venues.kalshi.simulated.tariff import Terms

FLAVOURS = ["blocking", "async"]
HOUR = 3_600


@pytest.fixture
def ground() -> KalshiPaper:
    return KalshiPaper()


@pytest.fixture(params=FLAVOURS)
def trader(request: pytest.FixtureRequest, ground: KalshiPaper) -> Any:
    return ground.trader(request.param)


def _charged(trader: Any, fill: Fill, *, maker: bool = False) -> Decimal:
    """What the source takes of such a fill now."""
    rule = trader.do(lambda: trader.exchange.fetch_fee_rule(fill.market_id))
    found: Decimal = rule.fee("yes", BUY, fill.price, fill.size, maker=maker)
    return found


def _change(ground: KalshiPaper, market: Market, kind: str, factor: str) -> None:
    """Announce a change for an hour from now."""
    in_an_hour = int((ground.clock.now() + HOUR) * 1_000_000)
    terms = Terms(kind, Decimal(factor))
    ground.kalshi.change_fees(market.event_id, terms, time_us=in_an_hour)


def _waive(ground: KalshiPaper, market: Market) -> None:
    """Let nothing be charged for an hour."""
    until = int((ground.clock.now() + HOUR) * 1_000_000)
    ground.kalshi.change_metadata(market.market_id, waiver_us=until)


def _reach(trader: Any, market: Market) -> None:
    """Tell, as a stream would, of a book whose offers reach the lowest price."""
    book = trader.book(market)
    offers = (Level(market.grid.lowest, Decimal(500)),)
    trader.exchange.venue.hear(attrs.evolve(book, bids=(), asks=offers))


def test_what_a_market_charges_is_a_table_and_told_in_words(trader: Any) -> None:
    market = trader.quoted_market()
    rule = trader.do(lambda: trader.exchange.fetch_fee_rule(market.market_id))
    assert list(to_frame(rule)["fee_type"]) == ["quadratic"]
    assert str(rule).startswith("quadratic × 1: takers 0.07 × contracts × price")


def test_an_order_pays_the_fees_of_its_own_hour(
    trader: Any, ground: KalshiPaper
) -> None:
    market = trader.quoted_market()
    trader.lift(market)
    _change(ground, market, "quadratic", "3")
    ground.clock.advance(HOUR + 1)
    trader.lift(market)
    after, before = trader.fetch_fills()
    assert after.fee == _charged(trader, after)
    assert after.fee > 2 * before.fee


def test_the_end_of_a_waiver_is_the_end_of_fills_without_fees(
    trader: Any, ground: KalshiPaper
) -> None:
    market = trader.quoted_market()
    _waive(ground, market)
    trader.lift(market)
    ground.clock.advance(HOUR + 1)
    trader.lift(market)
    after, before = trader.fetch_fills()
    assert before.fee == 0
    assert after.fee == _charged(trader, after) > 0


def test_an_order_at_rest_pays_what_was_announced_for_the_hour_of_its_fill(
    trader: Any, ground: KalshiPaper
) -> None:
    market = trader.quoted_market()
    _change(ground, market, "quadratic_with_maker_fees", "3")
    trader.rest(market, 100)
    ground.clock.advance(HOUR + 1)
    _reach(trader, market)
    [fill] = trader.fetch_fills()
    assert fill.fee == _charged(trader, fill, maker=True) > 0


def test_an_order_at_rest_pays_what_was_changed_while_the_account_was_asked(
    trader: Any, ground: KalshiPaper
) -> None:
    market = trader.quoted_market()
    trader.rest(market, 100)
    _change(ground, market, "quadratic_with_maker_fees", "3")
    ground.clock.advance(HOUR + 1)
    held_back = trader.fetch_balance()
    _reach(trader, market)
    [fill] = trader.fetch_fills()
    assert fill.fee == _charged(trader, fill, maker=True) > 0
    assert held_back.total - held_back.available == fill.size * fill.price + fill.fee
