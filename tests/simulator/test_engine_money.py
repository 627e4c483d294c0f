from __future__ import annotations

from decimal import localcontext

import pytest

from unified_exchanges.simulator.orders import Owner

from .scene import QuadraticFees, Scene, d, refused

ANN, BOB = Owner("ann"), Owner("bob")


@pytest.fixture
def scene() -> Scene:
    return Scene()


def balance(scene: Scene) -> bool:
    books = scene.engine.books()
    return books.cash + books.fees + books.locked == books.deposited


def test_a_resting_bid_reserves_its_price(scene):
    scene.bid("ann", "0.30", 10)
    assert scene.engine.cash(ANN).reserved == d(3)


def test_a_resting_ask_reserves_the_complement(scene):
    scene.ask("ann", "0.30", 10)
    assert scene.engine.cash(ANN).reserved == d(7)


def test_an_ask_that_sells_what_is_owned_reserves_nothing(scene):
    scene.ask("bob", "0.40", 10)
    scene.bid("ann", "0.40", 10)
    scene.ask("ann", "0.60", 10)
    assert scene.engine.cash(ANN).reserved == d(0)


def test_only_the_part_beyond_the_position_is_reserved(scene):
    scene.ask("bob", "0.40", 10)
    scene.bid("ann", "0.40", 10)
    scene.ask("ann", "0.60", 15)
    assert scene.engine.cash(ANN).reserved == d(2)


def test_a_bid_that_reduces_a_no_position_reserves_nothing(scene):
    scene.bid("bob", "0.40", 10)
    scene.ask("ann", "0.40", 10)
    scene.bid("ann", "0.30", 10)
    assert scene.engine.cash(ANN).reserved == d(0)


def test_an_order_beyond_the_available_cash_is_refused(scene):
    scene.bid("ann", "0.50", 1000)
    assert refused(scene.bid, "ann", "0.50", "1000.01") == "insufficient_balance"


def test_an_order_of_exactly_the_available_cash_is_accepted(scene):
    assert scene.bid("ann", "0.50", 2000).status == "resting"


def test_an_order_whose_fee_cannot_be_paid_is_refused_without_effect():
    scene = Scene(fees=QuadraticFees())
    scene.ask("bob", "0.50", 1900)
    code = refused(scene.bid, "ann", "0.50", 1990)
    got = (code, scene.available("ann"), scene.book("ask"), scene.engine.fills("bob"))
    assert got == ("insufficient_balance", d(1000), [("0.50", "1900")], [])


def test_a_resting_order_whose_fee_cannot_be_paid_is_cancelled():
    scene = Scene(fees=QuadraticFees())
    maker = scene.bid("ann", "0.50", 2000)
    taker = scene.ask("bob", "0.50", 10)
    assert (scene.now(maker).reason, taker.filled) == ("margin", d(0))


def test_a_seller_may_pay_the_fee_from_the_proceeds():
    scene = Scene(fees=QuadraticFees())
    scene.open("cid", "4.38")
    scene.ask("bob", "0.42", 10)
    scene.bid("cid", "0.42", 10)
    scene.ask("cid", "0.60", 10)
    scene.bid("bob", "0.60", 10)
    assert scene.position("cid") == d(0)


def test_selling_what_covers_a_resting_ask_needs_collateral_for_it(scene):
    scene.open("cid", "4.00")
    scene.ask("bob", "0.40", 10)
    scene.bid("cid", "0.40", 10)
    scene.ask("cid", "0.60", 10)
    scene.bid("bob", "0.35", 10)
    assert refused(scene.ask, "cid", "0.35", 10) == "insufficient_balance"


def test_buying_yes_against_a_no_position_frees_a_dollar_per_pair(scene):
    scene.bid("bob", "0.40", 10)
    scene.ask("ann", "0.40", 10)
    scene.ask("bob", "0.30", 10)
    scene.bid("ann", "0.30", 10)
    assert scene.engine.cash(ANN).total == d(1001)
    assert (scene.position("ann"), scene.position("bob")) == (d(0), d(0))


def test_a_trade_through_zero_closes_and_opens(scene):
    scene.ask("bob", "0.40", 10)
    scene.bid("ann", "0.40", 10)
    scene.bid("bob", "0.50", 15)
    scene.ask("ann", "0.50", 15)
    position = scene.engine.positions("ann")[0]
    got = (position.size, position.cost, position.realized)
    assert got == (d(-5), d("2.50"), d("1.00"))


def test_the_average_cost_weighs_the_fills(scene):
    scene.ask("bob", "0.40", 10)
    scene.ask("bob", "0.60", 30)
    scene.bid("ann", "0.60", 40)
    position = scene.engine.positions("ann")[0]
    assert (position.cost, position.average_price) == (d(22), d("0.55"))


def test_a_part_sold_takes_its_average_cost_and_the_rest_keeps_the_remainder(scene):
    scene.ask("bob", "0.10", 1)
    scene.ask("bob", "0.20", 2)
    scene.bid("ann", "0.20", 3)
    scene.bid("bob", "0.30", 1)
    scene.ask("ann", "0.30", 1)
    position = scene.engine.positions("ann")[0]
    assert (position.cost, position.realized) == (d("0.333333"), d("0.133333"))


def test_profit_cash_and_cost_always_agree(scene):
    scene.ask("bob", "0.10", 1)
    scene.ask("bob", "0.20", 2)
    scene.bid("ann", "0.20", 3)
    scene.bid("bob", "0.30", 1)
    scene.ask("ann", "0.30", 1)
    position = scene.engine.positions("ann")[0]
    cash = scene.engine.cash(ANN).total
    assert cash == 1000 + position.realized - position.cost


def test_traded_and_volume_count_every_fill(scene):
    scene.ask("bob", "0.40", 10)
    scene.bid("ann", "0.40", 10)
    position = scene.engine.positions("bob")[0]
    assert (position.traded, position.volume) == (d(6), d(10))


def test_money_is_conserved_with_fees():
    scene = Scene(fees=QuadraticFees())
    scene.ask("bob", "0.40", "10.01")
    scene.bid("ann", "0.45", "7.33")
    assert balance(scene)
    assert scene.engine.books().locked == d("7.33")


def test_the_precision_of_the_callers_decimals_does_not_matter():
    with localcontext() as context:
        context.prec = 3
        scene = Scene()
        scene.ask("bob", "0.41", "123.45")
        scene.bid("ann", "0.45", "100.01")
        scene.ask("ann", "0.10", "99.99")
        books = scene.engine.books()
    assert books.cash + books.fees + books.locked == books.deposited


def test_cash_is_kept_per_shard(scene):
    scene.list("N", shard=2)
    code = refused(scene.bid, "ann", "0.50", 1, market_id="N")
    assert code == "insufficient_balance"


def test_a_transfer_makes_cash_usable_on_another_shard(scene):
    scene.list("N", shard=2)
    scene.engine.transfer(ANN, ANN, d(5), target_shard=2)
    order = scene.bid("ann", "0.50", 10, market_id="N")
    held = scene.engine.cash(ANN, shard=2).reserved
    assert (order.status, held, scene.available("ann")) == ("resting", d(5), d(995))


def test_reserved_cash_cannot_be_moved(scene):
    scene.bid("ann", "0.50", 1000)
    code = refused(scene.engine.transfer, ANN, ANN, d("500.01"), target_shard=1)
    assert code == "insufficient_balance"


def test_reserved_cash_cannot_be_withdrawn(scene):
    scene.bid("ann", "0.50", 1000)
    assert refused(scene.engine.withdraw, ANN, d("500.01")) == "insufficient_balance"


def test_a_withdrawal_leaves_the_books_balanced(scene):
    scene.engine.withdraw(ANN, d("0.01"))
    assert balance(scene)
    assert scene.available("ann") == d("999.99")


@pytest.mark.parametrize("amount", ["0", "-1", "NaN"])
def test_an_amount_that_is_not_positive_is_refused(scene, amount):
    assert refused(scene.engine.deposit, ANN, d(amount)) == "invalid_amount"


def test_a_transfer_to_oneself_is_refused(scene):
    assert refused(scene.engine.transfer, ANN, ANN, d(1)) == "self_transfer"


def test_a_transfer_to_another_account_is_refused(scene):
    assert refused(scene.engine.transfer, ANN, BOB, d(1)) == "invalid_transfer"


def test_subaccounts_have_their_own_cash_and_positions(scene):
    other = Owner("ann", scene.engine.open_subaccount("ann"))
    scene.engine.transfer(ANN, other, d(10))
    scene.ask("bob", "0.40", 10)
    scene.bid("ann", "0.40", 10, owner=other)
    found = scene.engine.positions("ann", subaccount=other.subaccount)
    assert [position.size for position in found] == [d(10)]
    assert scene.engine.positions("ann", subaccount=0) == []
    assert scene.engine.subaccounts("ann") == [0, 1]


def test_every_purse_that_ever_held_cash_is_told(scene):
    scene.engine.transfer(ANN, ANN, d(10), target_shard=2)
    cashes = scene.engine.cashes("ann")
    assert [(c.shard, c.total) for c in cashes] == [(0, d(990)), (2, d(10))]


def test_a_refused_order_opens_no_purse(scene):
    scene.list("N", shard=2)
    refused(scene.bid, "ann", "0.50", 1, market_id="N")
    assert [cash.shard for cash in scene.engine.cashes("ann")] == [0]


@pytest.mark.parametrize(
    ("value", "ann", "bob"),
    [("1", "1006.00", "994.00"), ("0", "996.00", "1004.00"), ("0.37", "999.70", None)],
)
def test_settlement_pays_the_net_position(scene, value, ann, bob):
    scene.ask("bob", "0.40", 10)
    scene.bid("ann", "0.40", 10)
    scene.engine.determine("M", d(value))
    assert scene.available("ann") == d(ann)
    assert scene.available("bob") == d(bob or "1000.30")
    assert balance(scene)


def test_a_settlement_is_recorded_for_each_side(scene):
    scene.ask("bob", "0.40", 10)
    scene.bid("ann", "0.40", 10)
    scene.engine.determine("M", d("0.37"))
    paid = [scene.engine.settlements(who)[0] for who in ("ann", "bob")]
    got = [(s.result, s.size, s.cost, s.revenue) for s in paid]
    assert got == [
        ("scalar", d(10), d(4), d("3.7")),
        ("scalar", d(-10), d(6), d("6.3")),
    ]


def test_a_settled_position_is_flat_and_tells_its_profit(scene):
    scene.ask("bob", "0.40", 10)
    scene.bid("ann", "0.40", 10)
    scene.engine.determine("M", d(1))
    position = scene.engine.positions("ann")[0]
    got = (position.size, position.cost, position.realized, position.is_settled)
    assert got == (d(0), d(0), d(6), True)


def test_a_position_that_was_closed_before_is_paid_nothing(scene):
    scene.ask("bob", "0.40", 10)
    scene.bid("ann", "0.40", 10)
    scene.bid("bob", "0.45", 10)
    scene.ask("ann", "0.45", 10)
    scene.engine.determine("M", d(1))
    assert scene.engine.settlements("ann") == []
    assert scene.engine.positions("ann")[0].is_settled
