"""Whatever a stream loses, repeats and reorders: each news is told once, forward only."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges.models import Fill, Order, OrderStatus
from unified_exchanges.watching import known as module
from unified_exchanges.watching.account import Account

from .samples import fill, moment, order, position

CANCELED = OrderStatus.CANCELED


def states(account: Account, *told: Order, at: float = 0.0) -> list[Order]:
    """What is news of these, as the stream tells them one after another."""
    news = [account.order(each, at=at) for each in told]
    return [each for each in news if each is not None]


# -- orders ----------------------------------------------------------------------------


def test_an_order_nobody_knew_is_adopted() -> None:
    account, told = Account(), order(filled=3)
    assert states(account, told) == [told]
    assert account.open_orders == [told]
    assert account.find("o1") is told


def test_equal_states_are_told_once() -> None:
    account = Account()
    assert len(states(account, order(), order(), order())) == 1


def test_what_was_filled_never_falls() -> None:
    account = Account()
    news = states(account, order(filled=5, at=1), order(filled=2, at=2))
    assert [each.filled for each in news] == [5]


def test_what_has_ended_never_opens_again() -> None:
    account = Account()
    ended = order(filled=3, status=CANCELED, at=1)
    assert states(account, ended, order(filled=3, at=9)) == [ended]
    assert account.open_orders == []
    assert account.find("o1") is ended


def test_what_fills_after_its_end_was_told_is_told_once_more() -> None:
    account = Account()
    early = order(filled=3, status=CANCELED)
    late = order(filled=5, status=CANCELED)
    assert states(account, early, late, early, late) == [early, late]


def test_an_end_by_a_word_nobody_knows_is_told_again_in_one_that_is_known() -> None:
    account = Account()
    strange = order(filled=10, status=OrderStatus.UNKNOWN)
    plain = order(filled=10)
    assert states(account, strange, strange, plain, strange, plain) == [strange, plain]


def test_fault_18_a_cancel_and_a_fill_end_alike_in_either_order() -> None:
    filled = order(filled=4, at=1)
    ended = order(filled=4, status=CANCELED, at=2)
    one, other = Account(), Account()
    assert states(one, order(), filled, ended)[-1] == ended
    assert states(other, order(), ended, filled)[-1] == ended
    assert one.find("o1") == other.find("o1")


def test_of_two_changes_without_a_fill_the_later_is_the_newer() -> None:
    first = order(price=Decimal("0.40"), at=1)
    later = order(price=Decimal("0.45"), at=2)
    account = Account()
    assert states(account, later, first) == [later]


def test_in_one_millisecond_the_order_of_the_stream_counts_and_repeats_do_not() -> None:
    prices = [order(price=Decimal(p), at=1.0) for p in ("0.40", "0.41", "0.42")]
    account = Account()
    assert states(account, *prices, prices[0], prices[1]) == prices


def test_a_change_without_a_time_counts_as_it_comes() -> None:
    account = Account()
    news = states(
        account, order(at=None), order(at=None, price=Decimal("0.30")), order(at=None)
    )
    assert [str(each.price) for each in news] == ["0.40", "0.30"]


def test_the_time_of_its_making_stands_in_for_that_of_its_change() -> None:
    account = Account()
    made = order(at=None, created_at=moment(1))
    changed = order(at=2, price=Decimal("0.30"))
    assert states(account, changed, made) == [changed]


def test_a_read_that_lags_does_not_undo_what_the_stream_told() -> None:
    account = Account()
    old, new = order(price=Decimal("0.40"), at=1), order(price=Decimal("0.41"), at=1)
    account.order(old, at=10.0)
    assert account.order(new, at=10.0) is new
    assert account.order(old, at=10.4, read_at=10.2) is None
    other = order(price=Decimal("0.42"), at=1)
    assert account.order(other, at=10.4, read_at=10.2) is None
    assert account.order(other, at=30.0, read_at=29.0) is other


def test_ended_orders_are_remembered_up_to_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_MOST_ENDED", 3)
    account = Account()
    for number in range(10):
        account.order(order(f"o{number}", filled=10), at=0.0)
    known = [n for n in range(10) if account.find(f"o{n}") is not None]
    assert known == [7, 8, 9]


def test_orders_are_forgotten_where_nobody_follows_them() -> None:
    account = Account()
    states(account, order("o1"), order("o2", filled=10))
    account.fill(fill(order_id="o3"))
    account.forget_orders()
    assert (account.open_orders, account.find("o2")) == ([], None)
    assert account.strangers == frozenset()


# -- fills -----------------------------------------------------------------------------


def test_fault_22_a_fill_told_by_stream_and_read_counts_once() -> None:
    account, told = Account(), fill()
    assert account.fill(told) is told
    assert account.fill(fill()) is None


def test_a_trade_between_two_of_our_orders_is_two_fills() -> None:
    account = Account()
    assert account.fill(fill("t1", "o1")) is not None
    assert account.fill(fill("t1", "o2")) is not None


def test_a_fill_without_a_trade_counts_by_its_own_id() -> None:
    account = Account()
    assert account.fill(fill("f1", trade_id=None)) is not None
    assert account.fill(fill("f1")) is None


def test_fault_23_a_fill_of_an_unknown_order_is_told_and_the_order_looked_for() -> None:
    account = Account()
    assert account.fill(fill(order_id="x")) is not None
    assert account.strangers == {"x"}
    account.order(order("x", filled=1), at=0.0)
    assert account.strangers == frozenset()


def test_a_fill_gets_our_id_of_its_order() -> None:
    account = Account()
    account.order(order("o1"), at=0.0)
    account.order(order("o2", client_order_id=None), at=0.0)
    named = account.fill(fill("t1", "o1"))
    kept = account.fill(fill("t2", "o1", client_order_id="mine"))
    unnamed = account.fill(fill("t3", "o2"))
    assert [x and x.client_order_id for x in (named, kept, unnamed)] == [
        "c-o1",
        "mine",
        None,
    ]


def test_fills_older_than_a_complete_read_are_no_news() -> None:
    account = Account()
    for number in range(5):
        account.fill(fill(f"t{number}", at=number))
    account.fills_complete(moment(3))
    account.fills_complete(moment(2))
    assert len(account._fills) == 2
    assert account.fill(fill("t1", at=1)) is None
    assert account.fill(fill("t4", at=4)) is None
    assert account.fill(fill("t9", at=3)) is not None


def test_fills_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_FILLS", 3)
    account = Account()
    for number in range(10):
        account.fill(fill(f"t{number}"))
    assert len(account._fills) == 3


def test_fills_are_forgotten_where_nobody_follows_them() -> None:
    account = Account()
    account.fill(fill(at=1))
    account.fills_complete(moment(5))
    account.forget_fills()
    assert account.fill(fill(at=1)) is not None


# -- positions -------------------------------------------------------------------------


def test_a_position_is_told_where_it_differs() -> None:
    account = Account()
    news = [account.position(position(size=n), at=0.0) for n in (5, 5, 7, 7, 0)]
    assert [None if x is None else int(x.size) for x in news] == [5, None, 7, None, 0]
    assert account.positions == []


def test_of_what_was_never_held_a_read_tells_nothing() -> None:
    account = Account()
    assert account.position(position(size=0), at=1.0, read_at=1.0) is None


def test_a_read_does_not_undo_what_the_stream_told_a_moment_ago() -> None:
    account = Account()
    account.position(position(size=5), at=100.0)
    assert account.position(position(size=3), at=101.0, read_at=100.5) is None
    later = account.position(position(size=3), at=120.0, read_at=119.0)
    assert later is not None
    again = account.position(position(size=4), at=121.0, read_at=120.5)
    assert again is not None


def test_a_position_is_of_a_market_whatever_shard_the_stream_names() -> None:
    account = Account()
    account.position(position(shard=3, event_id="E"), at=0.0, read_at=0.0)
    told = account.position(position(size=7), at=50.0)
    assert told is not None
    assert (told.shard, told.event_id) == (3, "E")
    read = [position(size=7, shard=3)]
    assert list(account.absent_positions(read, read_at=90.0)) == []
    assert len(account.positions) == 1


def test_what_is_held_no_more_is_told_as_nothing_once() -> None:
    account = Account()
    account.position(position("A", 5), at=0.0, read_at=0.0)
    account.position(position("B", 5), at=0.0, read_at=0.0)
    account.position(position("C", 5), at=50.0)
    told = [position("A", 5)]
    gone = list(account.absent_positions(told, read_at=50.0))
    assert [(x.market_id, x.size, x.cost) for x in gone] == [("B", 0, 0)]
    assert list(account.absent_positions(told, read_at=51.0)) == []
    assert [x.market_id for x in account.positions] == ["A", "C"]
    account.forget_positions()
    assert account.positions == []


def test_where_outcomes_do_not_net_each_has_a_position_of_its_own() -> None:
    account = Account(nets=False)
    yes, no = position(outcome="yes"), position(outcome="no", size=3)
    assert account.position(yes, at=0.0, read_at=0.0) == yes
    assert account.position(no, at=0.0, read_at=0.0) == no
    assert account.position(yes, at=50.0, read_at=50.0) is None
    assert account.positions == [yes, no]
    gone = list(account.absent_positions([no], read_at=50.0))
    assert [(x.outcome, x.size) for x in gone] == [("yes", 0)]
    assert account.positions == [no]


def test_where_they_net_a_market_has_one() -> None:
    account = Account()
    account.position(position(outcome="yes"), at=0.0)
    turned = position(outcome="no", size=3)
    assert account.position(turned, at=1.0) == turned
    assert account.positions == [turned]


# -- any order of things ---------------------------------------------------------------


@attrs.frozen
class Truth:
    """What really happened: orders through their states, and the fills."""

    histories: list[list[Order]]
    fills: list[Fill]


@st.composite
def truths(draw: st.DrawFn) -> Truth:
    histories, fills, clock = [], [], 0
    for number in range(draw(st.integers(1, 4))):
        name, done, price = f"o{number}", 0, 40
        history = [order(name, price=Decimal("0.40"), at=clock)]
        for step in draw(
            st.lists(st.sampled_from(["fill", "amend", "end"]), max_size=6)
        ):
            clock += draw(st.integers(1, 3))
            last = history[-1]
            if step == "fill" and done < 10:
                done += 1
                fills.append(fill(f"t{len(fills)}", name, at=clock))
                history.append(order(name, filled=done, price=last.price, at=clock))
            elif step == "amend":
                price += 1
                changed = Decimal(price) / 100
                history.append(order(name, filled=done, price=changed, at=clock))
            elif step == "end":
                ended = {"price": last.price, "status": CANCELED, "at": clock}
                history.append(order(name, filled=done, **ended))
                break
        histories.append(history)
    return Truth(histories, fills)


@given(truths(), st.integers(0, 2**32), st.booleans())
def test_fault_22_any_loss_repetition_and_order_tells_each_fill_once_and_every_end(
    truth: Truth, seed: int, lossy: bool
) -> None:
    rng = Random(seed)
    account = Account()
    frames: list[Order | Fill] = [x for h in truth.histories for x in h]
    frames += truth.fills
    chance = 0.5 if lossy else 0.0
    heard = [x for x in frames if rng.random() >= chance]
    heard += [x for x in heard if rng.random() < 0.3]
    rng.shuffle(heard)
    orders: list[Order] = []
    fills: list[Fill] = []

    def take(event: Order | Fill, at: float, read_at: float | None = None) -> None:
        if isinstance(event, Fill):
            new = account.fill(event)
            fills.extend([] if new is None else [new])
        else:
            news = account.order(event, at=at, read_at=read_at)
            orders.extend([] if news is None else [news])

    for number, event in enumerate(heard):
        at = number / 10
        if rng.random() < 0.2:
            # A read that lags: some order as it once was.
            past = rng.choice(truth.histories)
            take(rng.choice(past), at, read_at=at - 0.1)
        take(event, at)
    for history in truth.histories:
        take(history[-1], 1_000.0, read_at=999.0)
    for each in truth.fills:
        take(each, 1_000.0)

    assert Counter(x.fill_id for x in fills) == Counter(x.fill_id for x in truth.fills)
    for history in truth.histories:
        mine = [x for x in orders if x.order_id == history[0].order_id]
        assert mine[-1] == history[-1]
        assert [x.filled for x in mine] == sorted(x.filled for x in mine)
        assert [x.is_open for x in mine] == sorted(
            (x.is_open for x in mine), reverse=True
        )
        assert len({(x.price, x.filled, x.status) for x in mine}) == len(mine)
