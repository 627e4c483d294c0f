"""The loss of a day where positions are told late, and at what they could be sold for."""

from __future__ import annotations

import re
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.venues.polymarket.scene import Scene
from tests.venues.polymarket.simulated.trader import Trader
from unified_exchanges import GuardPolicy, GuardTripped
from unified_exchanges.flow import Request, Response
from unified_exchanges.money import text
from unified_exchanges.policy import LimitPolicy

D = Decimal
FREE = LimitPolicy(enabled=False, discover=False)
LATE = 45
"""Seconds after which positions surely show a fill."""


class Stage(Scene):
    """Our account, and somebody who moves the market."""

    def __init__(self, flavour: str) -> None:
        super().__init__(flavour)
        self.venue.settings.data_lag = 20
        wallet = self.venue.add_account(0xA5)
        self.them = Trader(
            self.venue, self.ground.clock, 0xA5, wallet, self.venue.add_key(wallet)
        )
        self.label = self.market.outcomes[0].label

    def guarded(self, limit: str = "20", path: Path | None = None) -> Any:
        policy = GuardPolicy(max_daily_loss=D(limit), account_age=0, price_collar=None)
        more = {} if path is None else {"journal": path}
        return self.another(guards=policy, limits=FREE, **more)

    def bid(self, client: Any) -> Any:
        low = self.market.grid.lowest
        return client.create_order(self.market.market_id, self.label, "buy", low, 10)

    def buy(self, client: Any, size: int = 100) -> Any:
        ask = self.trader.fetch_order_book(self.market.market_id).ask.price
        bought = client.create_order(
            self.market.market_id, self.label, "buy", ask, size, time_in_force="ioc"
        )
        assert bought.filled == size
        return bought

    def sell(self, client: Any, size: int) -> Any:
        bid = self.trader.fetch_order_book(self.market.market_id).bid.price
        sold = client.create_order(
            self.market.market_id, self.label, "sell", bid, size, time_in_force="ioc"
        )
        assert sold.filled == size
        return sold

    def deepen(self) -> None:
        """Somebody quotes much at the best prices."""
        book = self.trader.fetch_order_book(self.market.market_id)
        self.venue.split(self.them.wallet, self.listed(), D(5000))
        self.them.place(self.listed(), "SELL", str(book.ask.price), "5000")
        self.them.place(self.listed(), "BUY", str(book.bid.price), "5000")

    def crash(self, bid: str | None = "0.01") -> None:
        """Somebody takes all bids, and bids little or nothing."""
        self.venue.split(self.them.wallet, self.listed(), D(5000))
        self.them.place(self.listed(), "SELL", "0.001", "5000")
        if bid is not None:
            self.them.ask("DELETE", "/cancel-all")
            self.them.place(self.listed(), "BUY", bid, "500")


@pytest.fixture
def stage(flavour: str) -> Stage:
    return Stage(flavour)


def refused(act: Any) -> str:
    with pytest.raises(GuardTripped) as caught:
        act()
    assert caught.value.guard == "max_daily_loss"
    return str(caught.value)


def left_in(told: str) -> int:
    return int(told.split("Try again in ")[1].split(" s", maxsplit=1)[0])


def sent_since(client: Any, mark: int) -> list[Request]:
    found: list[Request] = client.transport.requests[mark:]
    return found


def days(path: Path) -> list[Decimal]:
    if not path.exists():
        return []
    with sqlite3.connect(path) as file:
        return [D(x) for (x,) in file.execute("SELECT equity FROM days")]


def test_what_is_held_counts_for_what_it_could_be_sold_for(stage: Stage) -> None:
    client = stage.guarded()
    stage.buy(client)
    stage.advance(LATE)
    stage.bid(client)
    stage.crash()
    told = refused(lambda: stage.bid(client))
    assert "dollars were lost" in told


def test_fault_28_a_fill_that_positions_lack_yet_is_no_loss(stage: Stage) -> None:
    client = stage.guarded()
    stage.buy(client)
    for seconds in (0, 1, 10, 10, 10, 10, 10, 60):
        stage.advance(seconds)
        stage.bid(client)


def test_fault_28_a_crash_shows_before_positions_show_what_was_bought(
    stage: Stage,
) -> None:
    client = stage.guarded()
    stage.buy(client)
    stage.crash()
    assert client.fetch_positions() == []
    assert "dollars were lost" in refused(lambda: stage.bid(client))


def test_what_is_lost_in_trades_shows_at_once(stage: Stage) -> None:
    client = stage.guarded("1")
    stage.venue.settings.data_lag = 0
    begun = client.fetch_balance().total
    stage.bid(client)
    lost, rounds = D(0), 0
    while lost < 1:
        assert rounds < 10
        stage.buy(client, 10)
        stage.sell(client, 10)
        stage.advance(1)
        lost, rounds = begun - client.fetch_balance().total, rounds + 1
    assert rounds > 1
    refused(lambda: stage.bid(client))


class StrangeStage(Stage):
    """Markets charge by an exponent that no rule has had."""

    def _handle(self, request: Request) -> Response:
        told = super()._handle(request)
        strange = re.sub(rb'"exponent": ?1\b', b'"exponent":9', told.body)
        return attrs.evolve(told, body=strange)


def test_what_is_lost_is_not_told_while_a_fee_is_not_known(flavour: str) -> None:
    stage = StrangeStage(flavour)
    client = stage.guarded()
    stage.bid(client)
    stage.buy(client, 10)
    (fill,) = client.fetch_fills()
    assert fill.fee is None
    told = refused(lambda: stage.bid(client))
    assert f"the fee of what filled at {fill.created_at:%H:%M:%S} UTC" in told
    assert fill.market_id in told
    stage.advance(LATE)
    # Cash by itself shows what it took.
    stage.bid(client)


@pytest.mark.parametrize("settled", [True, False])
def test_fault_28_no_first_equity_is_taken_before_positions_show_all(
    stage: Stage, tmp_path: Path, *, settled: bool
) -> None:
    path = tmp_path / "orders.db"
    if not settled:
        stage.venue.settings.mined = stage.venue.settings.confirmed = 300
    stage.buy(stage.trader)
    for seconds in (0, 10, 20):
        stage.advance(seconds)
        told = refused(lambda: stage.bid(stage.guarded("5", path)))
        assert "cannot be told yet" in told
        assert "Try again in" in told
    assert days(path) == []
    stage.advance(LATE)
    if not settled:
        told = refused(lambda: stage.bid(stage.guarded("5", path)))
        assert "once it is settled" in told
        stage.advance(400)
    stage.bid(stage.guarded("5", path))
    (first,) = days(path)
    # All but the fee, and the spread.
    assert D(9990) < first < D(10_000)
    # A restart begins from the same; what was bought meanwhile is no loss of it.
    stage.buy(stage.trader, 40)
    refused(lambda: stage.bid(stage.guarded("5", path)))
    stage.advance(800)
    stage.bid(stage.guarded("5", path))
    assert days(path) == [first]


def test_the_first_equity_of_a_new_day_counts_what_positions_lack(
    stage: Stage, tmp_path: Path
) -> None:
    path = tmp_path / "orders.db"
    client = stage.guarded("20", path)
    stage.bid(client)
    stage.advance(86_400 - stage.ground.clock.now() % 86_400 - 5)
    stage.buy(client)
    stage.advance(10)
    stage.bid(client)
    # What was bought counts, but for the fee and the spread.
    assert D(9990) < days(path)[-1] < 10_000


def test_fault_28_a_split_that_positions_lack_yet_is_no_loss(stage: Stage) -> None:
    client = stage.guarded()
    stage.bid(client)
    stage.venue.split(stage.wallet, stage.listed(), D(100))
    assert client.fetch_balance().total == 9900
    for seconds in (0, 10, 15, 10, 30):
        stage.advance(seconds)
        stage.bid(client)


def test_fault_28_a_second_split_waits_as_long_as_the_first(stage: Stage) -> None:
    client = stage.guarded()
    stage.bid(client)
    stage.venue.split(stage.wallet, stage.listed(), D(100))
    # The second comes as soon as the first is believed.
    for split, seconds in (
        (0, 0),
        (0, 15),
        (200, 20),
        (0, 6),
        (0, 9),
        (0, 10),
        (0, 30),
    ):
        stage.advance(seconds)
        if split:
            stage.venue.split(stage.wallet, stage.listed(), D(split))
        stage.bid(client)


def test_fault_28_what_was_split_and_merged_is_no_gain(
    stage: Stage, tmp_path: Path
) -> None:
    path = tmp_path / "orders.db"
    client = stage.guarded("20", path)
    stage.bid(client)
    stage.advance(86_400 - stage.ground.clock.now() % 86_400 - 25)
    stage.venue.split(stage.wallet, stage.listed(), D(100))
    stage.bid(client)
    stage.advance(15)
    stage.venue.merge(stage.wallet, stage.listed(), D(100))
    stage.bid(client)
    # A new day begins while positions show the split, and cash the merge.
    stage.advance(12)
    assert len(client.fetch_positions()) == 2
    stage.bid(client)
    assert days(path) == [D(10_000), D(10_000)]


def test_what_cannot_be_told_yet_is_not_read_for_again_at_once(stage: Stage) -> None:
    client = stage.guarded()
    stage.buy(stage.trader)
    told = refused(lambda: stage.bid(client))
    assert told.endswith("; the account is not read again for 5 s")
    mark = len(client.transport.requests)
    stage.advance(2)
    told = refused(lambda: stage.bid(client))
    assert told.endswith("as of 2 s ago: the account is read again in 3 s")
    assert sent_since(client, mark) == []
    stage.advance(3)
    told = refused(lambda: stage.bid(client))
    assert sent_since(client, mark)
    # Not longer than it takes until it can be told.
    stage.advance(left_in(told) - 3)
    told = refused(lambda: stage.bid(client))
    left = left_in(told)
    assert left < 4
    assert told.endswith(f"; the account is not read again for {left} s")
    stage.advance(left)
    stage.bid(client)


def test_what_has_no_price_is_not_asked_for_again_at_once(stage: Stage) -> None:
    client = stage.guarded()
    stage.buy(client)
    stage.crash(bid=None)
    refused(lambda: stage.bid(client))
    mark = len(client.transport.requests)
    stage.advance(4)
    assert "is read again in 1 s" in refused(lambda: stage.bid(client))
    assert sent_since(client, mark) == []
    stage.them.ask("DELETE", "/cancel-all")
    stage.them.place(stage.listed(), "BUY", "0.30", "500")
    stage.advance(1)
    stage.bid(client)


def test_fills_that_stand_are_summed_up_once_however_long_one_trades(
    stage: Stage,
) -> None:
    stage.deepen()
    client = stage.guarded("1000")
    stage.bid(client)
    first = stage.ground.clock.now()
    for _ in range(50):
        stage.buy(client, 10)
        stage.sell(client, 10)
        stage.advance(20)
    mark = len(client.transport.requests)
    stage.bid(client)
    asked = [x for x in sent_since(client, mark) if x.url.endswith("/data/trades")]
    assert asked
    since = min(int(dict(x.query)["after"]) for x in asked)
    assert since > first + 300
    assert since >= stage.ground.clock.now() - 610


@pytest.mark.parametrize("limit", ["1", "3"])
def test_what_is_lost_in_trades_is_lost_to_the_cent_when_it_was_summed_up(
    stage: Stage, limit: str
) -> None:
    stage.deepen()
    client = stage.guarded(limit)
    stage.venue.settings.data_lag = 0
    begun = client.fetch_balance().total
    stage.bid(client)
    lost, rounds = D(0), 0
    while lost < D(limit):
        assert rounds < 40
        stage.buy(client, 10)
        stage.sell(client, 10)
        stage.advance(20)
        lost, rounds = begun - client.fetch_balance().total, rounds + 1
    assert rounds > 3
    told = refused(lambda: stage.bid(client))
    assert f"and {text(lost)} dollars were lost" in told


def test_a_fill_that_may_fail_yet_is_not_summed_up(stage: Stage) -> None:
    client = stage.guarded("20")
    stage.bid(client)
    stage.venue.settings.mined = stage.venue.settings.confirmed = 300
    stage.venue.settler.fail()
    stage.buy(client, 100)
    for _ in range(14):
        stage.advance(20)
        stage.bid(client)
    # So that no reading is sure, and what was summed up is all there is.
    stage.buy(stage.trader, 10)
    stage.advance(30)
    assert stage.trader.fetch_balance().total > 9990
    stage.crash()
    stage.bid(client)


@pytest.mark.parametrize("value", [0, 1])
def test_a_redemption_is_no_loss_but_of_what_the_market_took(
    stage: Stage, value: int
) -> None:
    client = stage.guarded("20")
    stage.buy(client)
    stage.advance(LATE)
    stage.bid(client)
    stage.venue.engine.determine(stage.market.market_id, D(value))
    stage.venue.redeem(stage.wallet, stage.listed())
    other = next(
        x
        for x in stage.trader.fetch_markets()
        if x.bid and x.ask and x.market_id != stage.market.market_id
    )
    terms = (other.market_id, other.outcomes[0].label, "buy", other.grid.lowest, 10)
    # Its row is gone after 20 s, and cash that moved is believed after 40.
    for seconds in (0, 10, 15, 5, 60):
        stage.advance(seconds)
        if value:
            client.create_order(*terms)
        else:
            assert "dollars were lost" in refused(lambda: client.create_order(*terms))


def test_fault_25_what_has_no_price_is_not_taken_for_its_cost(stage: Stage) -> None:
    client = stage.guarded()
    stage.buy(client)
    stage.crash(bid=None)
    assert stage.trader.fetch_order_book(stage.market.market_id).bid is None
    told = refused(lambda: stage.bid(client))
    assert "nobody bids for it" in told
    # Once its row is told, that tells the price at which the last one was sold.
    stage.advance(LATE)
    stage.them.ask("DELETE", "/cancel-all")
    assert client.fetch_positions()[0].mark_price is None
    stage.bid(client)
