"""How an exchange on paper is made, and what it says of itself."""

from __future__ import annotations

import asyncio
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.paper_exchange.ground import KalshiPaper
from unified_exchanges import (
    ArgumentsRequired,
    BadRequest,
    Exchange,
    GuardPolicy,
    GuardTripped,
    NotSupported,
    Order,
    async_exchange,
    exchange,
    exchanges,
)
from unified_exchanges.description import METHODS
from unified_exchanges.paper import Delays
from unified_exchanges.testing.conformance import Trader
from unified_exchanges.venues.kalshi.venue import KalshiVenue
from unified_exchanges.venues.polymarket.venue import PolymarketVenue

MAKERS = [exchange, async_exchange]


@pytest.fixture(params=["kalshi", "simulated", "replay"])
def source(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A file that nobody comes to read."""
    path = tmp_path / "day.jsonl"
    path.touch()
    return path


@pytest.mark.parametrize("make", MAKERS)
class TestArguments:
    def test_a_source_is_needed(self, make: Any) -> None:
        with pytest.raises(ArgumentsRequired, match="needs source="):
            make("paper")

    @pytest.mark.parametrize("source", ["nowhere", "simulated:nowhere", "paper"])
    def test_a_source_that_is_none_is_named(self, make: Any, source: str) -> None:
        with pytest.raises(
            BadRequest, match="there are: kalshi, polymarket, replay, simul"
        ):
            make("paper", source=source)

    @pytest.mark.parametrize(
        "given", [{"source": "kalshi"}, {"cash": 5}, {"delays": Delays()}]
    )
    def test_what_is_for_paper_is_refused_elsewhere(
        self, make: Any, given: dict[str, Any]
    ) -> None:
        with pytest.raises(BadRequest, match="is for 'paper', not 'kalshi'"):
            make("kalshi", **given)

    @pytest.mark.parametrize("cash", ["-1", "much", True, float("nan"), [1]])
    def test_cash_is_a_sum_of_dollars(self, make: Any, cash: Any) -> None:
        with pytest.raises(BadRequest, match=rf"cash= .*{re.escape(str(cash))}"):
            make("paper", source="kalshi", cash=cash)

    @pytest.mark.parametrize("source", [5, ["kalshi"]])
    def test_a_source_is_a_text(self, make: Any, source: Any) -> None:
        with pytest.raises(BadRequest, match="source= must be one of kalshi"):
            make("paper", source=source)

    @pytest.mark.parametrize("delays", [5, 0, {"order": 1}])
    def test_delays_are_no_number(
        self, make: Any, delays: Any, source: str, recording: Path
    ) -> None:
        path = recording if source == "replay" else None
        with pytest.raises(BadRequest, match=r"delays= must be Delays\(order=…"):
            make("paper", source=source, delays=delays, path=path)

    @pytest.mark.parametrize("path", ["", " ", 5, b"paper.db"])
    def test_a_path_is_that_of_a_file(self, make: Any, path: Any, source: str) -> None:
        with pytest.raises(BadRequest, match="path= must be the path of a file"):
            make("paper", source=source, path=path)

    def test_a_folder_is_no_file(self, make: Any, tmp_path: Path) -> None:
        with pytest.raises(BadRequest, match=r"path=.* is a folder"):
            make("paper", source="kalshi", path=tmp_path)

    def test_the_folder_of_a_file_is_there(self, make: Any, tmp_path: Path) -> None:
        with pytest.raises(BadRequest, match=r"path=.* a folder that does not exist"):
            make("paper", source="kalshi", path=tmp_path / "nowhere" / "paper.db")

    @pytest.mark.parametrize("source", ["simulated", "simulated:polymarket", "replay"])
    @pytest.mark.parametrize(
        "name", ["api_key", "private_key", "secret", "password", "environment"]
    )
    def test_what_a_source_would_ignore_is_refused(
        self, make: Any, source: str, name: str, recording: Path
    ) -> None:
        path = recording if source == "replay" else None
        with pytest.raises(
            BadRequest, match=rf"source='{source}' .* leave {name}= away"
        ):
            make("paper", source=source, path=path, **{name: "demo"})

    def test_whether_there_is_a_stream_is_yes_or_no(self, make: Any) -> None:
        with pytest.raises(BadRequest, match=r"options=.*'stream' is True or False"):
            make("paper", source="kalshi", options={"stream": "no"})


class TestDescription:
    @pytest.mark.parametrize(
        ("source", "theirs"),
        [("kalshi", KalshiVenue), ("polymarket", PolymarketVenue)],
    )
    def test_it_has_what_it_does(self, source: str, theirs: Any) -> None:
        with exchange("paper", source=source, environment="local") as paper:
            has = paper.has
            facts = paper.describe()
            assert (paper.id, facts.id) == ("paper", "paper")
            assert set(METHODS) <= set(has)
            assert has["create_order"]
            assert has["edit_order"]
            assert has["watch_fills"]
            assert not has["fetch_limits"]
            assert not has["dry_run"]
            for name in ("fetch_ohlcv", "fetch_series", "watch_ticker"):
                assert has[name] == theirs.describe().has[name]
            assert facts.outcome_books == theirs.facts.outcome_books
            assert not any(x.is_real_money for x in facts.environments.values())

    def test_what_it_has_not_is_not_supported(self) -> None:
        with exchange("paper", source="kalshi", environment="local") as paper:
            for act in (paper.fetch_limits, paper.fetch_activity):
                with pytest.raises(NotSupported):
                    act()

    def test_venue_words_of_an_order_are_refused(self) -> None:
        trader = KalshiPaper().trader("blocking")
        with pytest.raises(BadRequest, match="subaccount"):
            trader.rest(trader.quoted_market(), params={"subaccount": 1})

    def test_it_is_no_venue_of_the_list(self) -> None:
        assert "paper" not in exchanges


class TestSimulatedSource:
    @pytest.mark.parametrize("source", ["simulated", "simulated:polymarket"])
    def test_a_simulated_venue_is_served_while_the_exchange_lives(
        self, source: str
    ) -> None:
        with exchange("paper", source=source, options={"stream": False}) as paper:
            assert not paper.venue.is_streaming  # type: ignore[attr-defined]
            trader = _first_order(paper)
            assert trader.filled > 0

    def test_the_same_in_an_event_loop(self) -> None:
        async def main() -> None:
            async with async_exchange("paper", source="simulated") as paper:
                assert await paper.fetch_markets(limit=1)
                assert (await paper.fetch_balance()).total == 10_000

        asyncio.run(main())


def _first_order(paper: Exchange) -> Order:
    market = next(x for x in paper.fetch_markets() if x.ask and not x.legs)
    book = paper.fetch_order_book(market.market_id)
    assert book.ask is not None
    return paper.create_order(
        market.market_id,
        market.outcomes[0].label,
        "buy",
        book.ask.price,
        10,
        time_in_force="ioc",
    )


def _spread(trader: Trader) -> list[Any]:
    """A strategy that knows nothing of where it trades."""
    market = trader.quoted_market()
    first = market.outcomes[0].label
    book = trader.book(market)
    assert book.bid is not None
    resting = trader.create_order(
        market.market_id, first, "buy", book.bid.price, 5, post_only=True
    )
    lifted = trader.lift(market)
    ended = trader.cancel_order(resting.order_id)
    [held] = trader.fetch_positions(market_id=market.market_id)
    [fill] = trader.fetch_fills(market_id=market.market_id)
    return [
        (resting.status, lifted.filled, lifted.average_price, ended.status),
        (held.outcome, held.size, held.cost, fill.price, fill.fee, fill.liquidity),
    ]


@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_a_strategy_changes_only_the_id_and_gets_the_same(flavour: str) -> None:
    from tests.venues.kalshi.ground import KalshiGround

    assert _spread(KalshiPaper().trader(flavour)) == _spread(
        KalshiGround().trader(flavour)
    )


@pytest.mark.parametrize("flavour", ["blocking", "async"])
def test_guards_and_a_journal_do_what_they_do_anywhere(
    flavour: str, tmp_path: Path
) -> None:
    trader = KalshiPaper().trader(
        flavour,
        guards=GuardPolicy(max_order_cost=Decimal(1)),
        journal=tmp_path / "journal.sqlite",
    )
    market = trader.quoted_market()
    with pytest.raises(GuardTripped):
        trader.lift(market, 9)
    order = trader.rest(market, client_order_id="mine")
    assert trader.unresolved_intents() == []
    assert trader.reconcile().unknown == ()
    again = trader.rest(market, client_order_id="mine")
    assert again.order_id == order.order_id
