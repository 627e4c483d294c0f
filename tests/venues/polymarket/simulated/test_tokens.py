"""Tokens of both outcomes, held at once; the money of the exchange is exact, always."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unified_exchanges.clock import VirtualClock
from unified_exchanges.money import total
from unified_exchanges.simulator.orders import Owner
from unified_exchanges.venues.polymarket.simulated import SimulatedPolymarket

from .trader import Trader, trader

KEYS = (0xA, 0xB, 0xC)


def check(polymarket: SimulatedPolymarket) -> None:
    """Every dollar and every token is somewhere."""
    house, engine = polymarket._house, polymarket.engine
    books = engine.books()
    assert books.cash + books.fees + books.locked == books.deposited
    for wallet in house.wallets.values():
        nets = {}
        for held in house.vault.of(wallet.name):
            assert held.size >= 0
            sign = 1 if held.index == 0 else -1
            nets[held.condition_id] = nets.get(held.condition_id, 0) + sign * held.size
        for position in engine.positions(wallet.name):
            if house.value(position.market_id) is None:
                assert position.size == nets[position.market_id]
        assert house.collateral(wallet) >= 0
    wallets = total(house.collateral(wallet) for wallet in house.wallets.values())
    names = set(house.wallets)
    others = total(
        engine.cash(Owner(name)).total
        for name in engine._floor.accounts
        if name not in names
    )
    aside = total(house.vault.aside(name) for name in names)
    assert wallets + others + aside == books.cash


def test_both_outcomes_are_held_at_once(polymarket, ada: Trader, fed) -> None:
    ada.placed(fed, "BUY", "0.56", "10")
    ada.placed(fed, "BUY", "0.45", "10", index=1)
    assert (ada.tokens(fed), ada.tokens(fed, 1)) == (10, 10)
    fees = 2 * Decimal("0.05") * 10 * Decimal("0.56") * Decimal("0.44")
    fees -= (
        Decimal("0.05")
        * 10
        * (Decimal("0.56") * Decimal("0.44") - Decimal("0.55") * Decimal("0.45"))
    )
    assert ada.cash == 10_000 - Decimal("10.1") - fees
    check(polymarket)
    polymarket.merge(ada.wallet, fed, 10)
    assert ada.cash == 10_000 - Decimal("0.1") - fees
    check(polymarket)


def test_selling_one_outcome_leaves_the_other(polymarket, ada: Trader, fed) -> None:
    polymarket.split(ada.wallet, fed, 100)
    ada.placed(fed, "SELL", "0.55", "30")
    ada.placed(fed, "SELL", "0.44", "20", index=1)
    assert (ada.tokens(fed), ada.tokens(fed, 1)) == (70, 80)
    check(polymarket)


def test_what_is_not_there_is_neither_split_nor_merged(polymarket, ada: Trader, fed):
    with pytest.raises(ValueError, match="not so much pUSD"):
        polymarket.split(ada.wallet, fed, 10_001)
    with pytest.raises(ValueError, match="not so many pairs"):
        polymarket.merge(ada.wallet, fed, 1)


def test_splitting_takes_the_money_of_open_orders(polymarket, ada: Trader, fed) -> None:
    polymarket.bring_to(ada.wallet, 10)
    kept = ada.placed(fed, "BUY", "0.1", "20")["orderID"]
    ada.placed(fed, "BUY", "0.4", "20")
    polymarket.split(ada.wallet, fed, 5)
    assert [row["id"] for row in ada.get("/data/orders")["data"]] == [kept]
    assert ada.cash == 5


@pytest.mark.parametrize(
    ("value", "paid"), [(Decimal(1), 70), (Decimal(0), 80), (Decimal("0.5"), 75)]
)
def test_a_resolved_market_pays_when_it_is_redeemed(
    polymarket, ada: Trader, fed, clock, value, paid
) -> None:
    polymarket.split(ada.wallet, fed, 100)
    ada.placed(fed, "SELL", "0.55", "30")
    ada.placed(fed, "SELL", "0.44", "20", index=1)
    before = ada.cash
    polymarket.engine.determine(fed.condition_id, value)
    assert (ada.cash, ada.tokens(fed)) == (before, 70)
    check(polymarket)
    rows = ada.read("/data/v2/positions", user=ada.wallet.address)["data"]
    assert {row["status"] for row in rows} == {"REDEEMABLE"}
    clock.advance(300)
    polymarket.advance()
    assert (ada.cash, ada.tokens(fed)) == (before + paid, 0)
    check(polymarket)


def test_a_lost_position_is_redeemable_and_worth_nothing(
    polymarket, ada: Trader, fed
) -> None:
    ada.placed(fed, "BUY", "0.56", "10")
    polymarket.engine.determine(fed.condition_id, Decimal(0))
    [row] = ada.read(
        "/data/v2/positions", user=ada.wallet.address, status="REDEEMABLE_LOST"
    )["data"]
    assert (row["status"], row["current_price"]) == ("REDEEMABLE", 0)
    polymarket.redeem(ada.wallet, fed)
    polymarket.redeem(ada.wallet, fed)
    acts = ada.read("/data/v2/activity", user=ada.wallet.address, type="REDEEM")["data"]
    assert [(act["size"], act["usdc_size"]) for act in acts] == [(10, 0)]


def test_nobody_redeems_when_nobody_is_there(polymarket, ada: Trader, fed, clock):
    polymarket.settings.redeem = None
    ada.placed(fed, "BUY", "0.56", "10")
    polymarket.engine.determine(fed.condition_id, Decimal(1))
    clock.advance(10_000)
    polymarket.advance()
    assert ada.tokens(fed) == 10


def test_a_market_that_is_not_resolved_redeems_nothing(polymarket, ada: Trader, fed):
    ada.placed(fed, "BUY", "0.56", "10")
    polymarket.redeem(ada.wallet, fed)
    assert ada.tokens(fed) == 10


def test_a_wallet_is_brought_to_an_amount(polymarket, ada: Trader) -> None:
    for amount in (50, 5, 5):
        polymarket.bring_to(ada.wallet, amount)
        assert ada.cash == amount


def test_a_wallet_may_be_anywhere(polymarket, clock) -> None:
    address = "0x1111111111111111111111111111111111111111"
    ada = trader(polymarket, clock, 0xA, address=address)
    assert ada.placed(ada.market(), "BUY", "0.4", "10")["status"] == "live"
    assert ada.wallet.address == address


def test_an_unknown_token_has_no_holder(polymarket, ada: Trader) -> None:
    with pytest.raises(LookupError, match="77"):
        polymarket.tokens(ada.wallet, "77")


Step = tuple[int, str, int, int, int]
step = st.tuples(
    st.integers(0, 2),
    st.sampled_from(["BUY", "SELL", "split", "merge", "cancel", "fail", "wait"]),
    st.integers(0, 1),
    st.integers(50, 60),
    st.integers(5, 300),
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.lists(step, max_size=25))
def test_whatever_happens_no_dollar_and_no_token_is_lost(steps: list[Step]) -> None:
    clock = VirtualClock()
    polymarket = SimulatedPolymarket(seed=7, clock=clock, enforce_limits=False)
    traders = [trader(polymarket, clock, key, kind="eoa", cash=200) for key in KEYS]
    listed = traders[0].market()
    for who, what, index, cents, size in steps:
        one = traders[who]
        price = cents if index == 0 else 100 - cents
        if what in {"BUY", "SELL"}:
            one.place(listed, what, f"0.{price}", str(size), index=index)
        elif what == "split" and one.cash >= size:
            polymarket.split(one.wallet, listed, size)
        elif what == "merge":
            pairs = min(one.tokens(listed), one.tokens(listed, 1))
            if pairs:
                polymarket.merge(one.wallet, listed, min(pairs, size))
        elif what == "cancel":
            one.ask("DELETE", "/cancel-all")
        elif what == "fail":
            polymarket.settler.fail()
        else:
            clock.advance(cents)
            polymarket.advance()
        check(polymarket)
    clock.advance(60)
    polymarket.advance()
    check(polymarket)
    polymarket.engine.determine(listed.condition_id, Decimal(1))
    check(polymarket)
    clock.advance(300)
    polymarket.advance()
    check(polymarket)
