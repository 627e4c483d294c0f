"""What the account of a recording took is not deducted twice from who takes it again."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from typing import TypeAlias

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges import BUY, Fill, OrderBook, Trade
from unified_exchanges.money import total
from unified_exchanges.paper import OwnTake, PaperEngine, PaperEvent, at

from .scene import SECOND, START, book, engine, trade

MS = 1_000_000
NOW = START + SECOND
D = Decimal


def shown(asks: str, moment: int | None) -> OrderBook:
    made = book("100@0.50", asks)
    return made if moment is None else attrs.evolve(made, timestamp=at(moment))


def own(
    size: int = 30,
    moment: int = NOW,
    *,
    latest: int | None = None,
    price: str = "0.55",
    trade_id: str | None = None,
    take_id: str | None = None,
    transaction: str | None = None,
) -> OwnTake:
    return OwnTake(
        take_id=take_id or f"{moment}:{price}",
        market_id="RAIN",
        outcome="yes",
        side=BUY,
        price=D(price),
        size=D(size),
        earliest=moment,
        latest=moment if latest is None else latest,
        trade_id=trade_id,
        transaction=transaction,
    )


def printed(size: int, moment: int, trade_id: str = "t", price: str = "0.55") -> Trade:
    return attrs.evolve(trade(price, str(size), moment=moment), trade_id=trade_id)


def took(made: PaperEngine, size: int, price: str = "0.55") -> Decimal:
    """How much an order finds."""
    made.place(made.moment, "RAIN", "yes", "buy", price, size, time_in_force="ioc")
    made.advance(made.moment)
    return total(x.size for _, x in made.notices() if isinstance(x, Fill))


def quoted() -> PaperEngine:
    made = engine(cash="100000")
    made.receive(START, shown("100@0.55", START))
    return made


def heard(made: PaperEngine, *events: PaperEvent) -> None:
    for event in events:
        made.receive(made.moment + 1, event)


OURS = (own(), shown("70@0.55", NOW), printed(30, NOW))


@pytest.mark.parametrize("order", [*permutations(range(3))])
@pytest.mark.parametrize("is_named", [True, False])
def test_what_it_took_itself_is_gone_once_in_whatever_order_it_is_told(
    order: tuple[int, ...], *, is_named: bool
) -> None:
    made = quoted()
    assert took(made, 30) == 30
    told = (attrs.evolve(OURS[0], trade_id="t" if is_named else None), *OURS[1:])
    # As a recording is read: what was taken is known first.
    heard(made, *sorted((told[n] for n in order), key=lambda x: type(x) is not OwnTake))
    assert took(made, 999) == 70


def test_what_a_level_lost_by_it_is_whole_though_little_is_left() -> None:
    made = quoted()
    assert took(made, 80) == 80
    heard(made, own(80), shown("20@0.55", NOW))
    assert took(made, 999) == 20


def test_what_others_took_in_the_same_moment_is_gone_as_well() -> None:
    made = quoted()
    assert took(made, 30) == 30
    heard(made, own(trade_id="ours"), printed(30, NOW, "theirs"))
    assert took(made, 999) == 40
    made = quoted()
    assert took(made, 30) == 30
    heard(made, own(trade_id="ours"), printed(30, NOW, "theirs"))
    heard(made, printed(30, NOW, "ours"), shown("70@0.55", NOW))
    # That may be their trade alone.
    assert took(made, 999) == 40


def test_a_later_book_has_shown_all_of_it() -> None:
    made = quoted()
    assert took(made, 30) == 30
    heard(made, own(), shown("60@0.55", NOW + MS))
    assert took(made, 999) == 60


def test_an_earlier_book_has_not_shown_it() -> None:
    made = quoted()
    assert took(made, 30) == 30
    heard(made, own(), shown("90@0.55", NOW - MS))
    assert took(made, 999) == 60


def test_what_happened_within_a_second_goes_by_what_the_level_shows_less() -> None:
    made = quoted()
    assert took(made, 30) == 30
    heard(made, own(latest=NOW + SECOND), shown("100@0.55", NOW + MS))
    made.advance(made.moment)
    heard(made, shown("70@0.55", NOW + 2 * MS))
    assert took(made, 999) == 70


def test_it_explains_what_was_taken_up_to_its_size() -> None:
    made = quoted()
    assert took(made, 50) == 50
    heard(made, own(), printed(30, NOW), shown("70@0.55", NOW))
    assert took(made, 999) == 50


def test_what_was_not_taken_is_anothers() -> None:
    made = quoted()
    heard(made, own(), printed(30, NOW))
    assert took(made, 999) == 70
    made = quoted()
    assert took(made, 10) == 10
    # Of thirty ten are ours; of the twenty the book tells later.
    heard(made, own(), printed(30, NOW))
    assert took(made, 999) == 70


def test_of_two_trades_one_is_anothers_if_we_took_but_once() -> None:
    made = quoted()
    assert took(made, 30) == 30
    heard(made, own(trade_id="1"), own(trade_id="2", take_id="2"))
    heard(made, printed(30, NOW, "1"), printed(30, NOW, "2"))
    assert took(made, 999) == 40
    made = quoted()
    assert took(made, 60) == 60
    heard(made, own(trade_id="1"), own(trade_id="2", take_id="2"))
    heard(made, printed(30, NOW, "1"), printed(30, NOW, "2"), shown("40@0.55", NOW))
    assert took(made, 999) == 40


def test_what_the_book_showed_before_it_was_taken_explains_nothing() -> None:
    made = quoted()
    heard(made, own(), printed(30, NOW), shown("70@0.55", NOW + MS))
    assert took(made, 20) == 20
    heard(made, shown("70@0.55", NOW + 2 * MS))
    assert took(made, 999) == 50


def test_it_counts_once_however_often_it_is_told() -> None:
    made = quoted()
    assert took(made, 60) == 60
    heard(made, own(), own(), shown("70@0.55", NOW))
    assert took(made, 999) == 40


def test_without_it_what_the_book_loses_is_anothers() -> None:
    made = quoted()
    assert took(made, 30) == 30
    heard(made, printed(30, NOW), shown("70@0.55", NOW))
    assert took(made, 999) == 40


def test_its_trade_fills_nothing_of_ours_at_rest() -> None:
    made = quoted()
    assert took(made, 30) == 30
    made.place(made.moment, "RAIN", "yes", "sell", "0.54", 5)
    made.advance(made.moment)
    heard(made, own(), attrs.evolve(OURS[2], created_at=at(NOW + MS)))
    heard(made, own(10, NOW + 9 * SECOND), printed(10, NOW + 9 * SECOND))
    filled = [x for _, x in made.notices() if isinstance(x, Fill)]
    # The first is what we took ourselves; of the second twenty are left to be explained.
    assert [x.size for x in filled] == [5]


def test_untimed_books_explain_nothing() -> None:
    made = engine(cash="100000")
    made.receive(START, shown("100@0.55", None))
    assert took(made, 30) == 30
    heard(made, own(), shown("70@0.55", None))
    assert took(made, 999) == 40


# -- a true book --------------------------------------------------------------------------

Act: TypeAlias = tuple[str, int]
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["ours", "theirs", "cancel", "join"]), st.integers(1, 40)
    ),
    max_size=12,
)


@attrs.define
class Level:
    """One level of a venue at which several trade, and what is told of it.

    ``without`` is the same where the account of the recording was not there.
    """

    size: int = 100
    whole: int = 100
    told: list[list[PaperEvent]] = attrs.field(factory=list)
    without: list[list[PaperEvent]] = attrs.field(factory=list)
    ours: list[int] = attrs.field(factory=list)
    others: dict[int, int] = attrs.field(factory=dict)
    """By how much others changed it, by the act."""

    def do(self, number: int, act: Act) -> None:
        what, size = act
        moment = NOW + number * MS
        part = size if what == "join" else min(size, self.size)
        is_ours = what == "ours"
        if is_ours:
            self.ours.append(part)
        told: list[PaperEvent] = []
        without: list[PaperEvent] = []
        if part:
            change = part if what == "join" else -part
            self.size += change
            self.whole += 0 if is_ours else change
            if is_ours or what == "theirs":
                traded = printed(part, moment, str(number))
                told.append(traded)
                without += [] if is_ours else [traded]
            told.append(_book(self.size, moment))
            without += [] if is_ours else [_book(self.whole, moment)]
            if is_ours:
                told.append(own(part, moment, trade_id=str(number)))
            else:
                self.others[number] = change
        self.told.append(told)
        self.without.append(without)

    def had(self, wanted: list[int]) -> list[int]:
        """How much of it there was for who comes before each act, without the account."""
        size, found = 100, []
        for number, want in enumerate(wanted):
            found.append(min(want, size))
            size = max(0, size - found[-1] + self.others.get(number, 0))
        return found


def _book(size: int, moment: int) -> OrderBook:
    return shown(f"{size}@0.55" if size else "", moment)


def played(acts: list[Act]) -> Level:
    level = Level()
    for number, act in enumerate(acts):
        level.do(number, act)
    return level


def again(
    told: list[list[PaperEvent]], wanted: list[int], data: st.DataObject
) -> list[Decimal]:
    """How much is had of what is wanted before each act, over what is told of these."""
    made, found = quoted(), []
    takes = [[x for x in events if isinstance(x, OwnTake)] for events in told]
    if is_foreseen := data.draw(st.booleans()):
        heard(made, *(x for each in takes for x in each))
    for size, events, ours in zip(wanted, told, takes, strict=True):
        found.append(took(made, size) if size else D(0))
        rest = [x for x in events if not isinstance(x, OwnTake)]
        heard(made, *(() if is_foreseen else ours))
        # What of others is told after the book of its moment counts as still to be shown.
        heard(made, *(data.draw(st.permutations(rest)) if ours else rest))
    return found


@given(acts=ACTS, data=st.data())
def test_who_does_the_same_among_others_takes_the_same(
    acts: list[Act], data: st.DataObject
) -> None:
    level = played(acts)
    wanted = [size if what == "ours" else 0 for what, size in acts]
    found = again(level.told, wanted, data)
    ours = [x for x, (what, _) in zip(found, acts, strict=True) if what == "ours"]
    assert ours == level.ours


@given(acts=ACTS, data=st.data())
def test_who_does_otherwise_has_never_taken_more_than_without_the_recorded_account(
    acts: list[Act], data: st.DataObject
) -> None:
    level = played(acts)
    wanted = [data.draw(st.integers(0, 60)) for _ in acts]
    for number, (what, _) in enumerate(acts):
        if what == "theirs" and data.draw(st.booleans()):
            # Told of after the book, in either world: it counts as still to be shown.
            level.told[number].reverse()
            level.without[number].reverse()
    found = again(level.told, wanted, data)
    without = again(level.without, wanted, data)
    really = level.had(wanted)
    for number in range(1, len(acts) + 1):
        # Where less is told, less may be known than there was.
        at_most = max(total(without[:number]), sum(really[:number]))
        assert total(found[:number]) <= at_most


def test_what_others_traded_after_a_book_is_no_part_of_what_it_shows_less() -> None:
    """Else too little of our own is seen there, and the rest is deducted once more later."""
    made = quoted()
    assert took(made, 100) == 100
    heard(made, own(trade_id="ours"), printed(10, NOW + 2 * MS, "theirs"))
    heard(made, shown("70@0.55", NOW), shown("80@0.55", NOW + MS))
    # Ten have joined, and were taken by others.
    assert took(made, 999) == 0
    heard(made, printed(30, NOW, "ours"), shown("70@0.55", NOW + 3 * MS))
    assert took(made, 999) == 0


def test_what_a_book_shows_no_more_of_what_was_taken_is_not_explained_once_more() -> (
    None
):
    made = quoted()
    assert took(made, 97) == 97
    # Of a trade that is told after its book nobody knows whether that has shown it.
    heard(made, shown("56@0.55", NOW), printed(44, NOW, "theirs"))
    heard(made, own(32, NOW + MS, trade_id="ours"))
    heard(made, shown("24@0.55", NOW + MS), printed(32, NOW + MS, "ours"))
    heard(made, shown("18@0.55", NOW + 20 * MS))
    # Without the recorded account there were three left, and others took 50.
    assert took(made, 999) == 0


@pytest.mark.parametrize("later", [30, 300, 700, 3_000])
def test_a_late_step_of_a_settlement_explains_nothing_more(later: int) -> None:
    made, took_it = quoted(), own(take_id="f:0.55")
    assert took(made, 30) == 30
    heard(made, took_it, shown("70@0.55", NOW), printed(30, NOW))
    then = NOW + later * SECOND
    made.receive(then, shown("100@0.55", then))
    assert took(made, 100) == 100
    made.receive(then + MS, took_it)
    made.receive(then + 2 * MS, shown("100@0.55 5@0.56", then + 2 * MS))
    assert took(made, 999) == 0


@pytest.mark.parametrize("ahead", [-90, 61, 3_600])
def test_what_it_took_is_known_by_the_venue_s_time_however_the_recorder_s_is_off(
    ahead: int,
) -> None:
    made = engine(cash="100000")
    made.receive(START + ahead * SECOND, shown("100@0.55", START))
    assert took(made, 30) == 30
    heard(made, *OURS)
    assert took(made, 999) == 70


def parts(*sizes: int, transaction: str = "0xours") -> list[Trade]:
    """A trade of each maker, as a venue may tell of what one order took."""
    return [
        attrs.evolve(printed(size, NOW, f"{transaction}{n}"), transaction=transaction)
        for n, size in enumerate(sizes)
    ]


@pytest.mark.parametrize("sizes", [(30,), (20, 10), (10, 10, 10)])
@pytest.mark.parametrize("latest", [NOW, NOW + SECOND - 1])
def test_what_it_took_of_several_makers_is_printed_in_parts(
    sizes: tuple[int, ...], latest: int
) -> None:
    made = quoted()
    assert took(made, 30) == 30
    heard(made, own(latest=latest, transaction="0xours"), *parts(*sizes))
    heard(made, shown("70@0.55", NOW))
    assert took(made, 999) == 70


def test_of_parts_that_are_not_ours_all_were_others() -> None:
    made = quoted()
    assert took(made, 12) == 12
    heard(made, own(transaction="0xours"), *parts(10, 10, 10))
    # 12 of those 30 are what we took, and it would have taken 18 beside us.
    assert took(made, 999) == 70


def test_a_trade_of_another_transaction_is_none_of_them() -> None:
    made = quoted()
    assert took(made, 30) == 30
    heard(made, own(transaction="0xours"), *parts(30, transaction="0xtheirs"))
    assert took(made, 999) == 40
    heard(made, *parts(20, 10), shown("40@0.55", NOW + MS))
    assert took(made, 999) == 0
