"""Books of the market channel: what is applied, what is held against it, what is asked anew."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from unified_exchanges import Level, OrderBook, PriceGrid, Side, Subject
from unified_exchanges.models import Gap
from unified_exchanges.streams.book import BookError
from unified_exchanges.streams.totals import TotalsBook
from unified_exchanges.venues.polymarket.parse.reading import milliseconds
from unified_exchanges.venues.polymarket.stream import BookChange, BookSnapshot

from .desk import NO, OTHER, T0, YES, A, MarketDesk, book, change, changes, levels

D = Decimal


def live(**policy: Any) -> MarketDesk:
    return MarketDesk(**policy).follow().live()


# -- what is applied -------------------------------------------------------------------


def test_a_book_comes_with_its_best_level_last_and_is_read_best_first() -> None:
    desk = MarketDesk().follow()
    desk.connect()
    bids = [("0.44", "1"), ("0.45", "2.5")]
    asks = [("0.53", "3"), ("0.520", "0.000001")]
    [told] = desk.tell([book(bids=bids, asks=asks)])
    assert isinstance(told, BookSnapshot)
    assert (told.market_id, told.outcome, told.asset_id) == (A, "yes", YES)
    assert levels(desk.book()) == (
        [(D("0.45"), D("2.5")), (D("0.44"), D(1))],
        [(D("0.52"), D("0.000001")), (D("0.53"), D(3))],
    )


def test_a_change_sets_the_total_at_its_price_and_nothing_removes_it() -> None:
    desk = live()
    desk.tell(changes(change("0.45", "7", best=("0.45", "0.52")), at=1))
    desk.tell(changes(change("0.46", "1", best=("0.46", "0.52")), at=2))
    desk.tell(changes(change("0.52", "0", "SELL", best=("0.46", "1")), at=3))
    assert levels(desk.book()) == ([(D("0.46"), D(1)), (D("0.45"), D(7))], [])
    assert desk.is_live


def test_a_change_tells_its_levels() -> None:
    [told] = live().tell(changes(change("0.46", "1", best=("0.46", "0.52"))))
    assert isinstance(told, BookChange)
    assert told.changes == ((Side.BUY, Level(D("0.46"), D(1))),)
    assert (told.own_outcome, told.timestamp) == ("yes", milliseconds(T0 + 1, "x"))


def test_an_ask_is_a_sale() -> None:
    [told] = live().tell(changes(change("0.6", "1", "SELL", best=("0.45", "0.52"))))
    assert told.changes == ((Side.SELL, Level(D("0.6"), D(1))),)


def test_a_book_takes_the_place_of_what_was() -> None:
    desk = live()
    desk.tell(book(bids=[("0.3", "1")], asks=[], at=5))
    assert levels(desk.book()) == ([(D("0.3"), D(1))], [])


def test_the_other_token_is_dropped_without_a_word() -> None:
    desk = live()
    both = changes(
        change("0.46", "1", best=("0.46", "0.52")),
        change("0.54", "1", "SELL", token=NO, best=("0.48", "0.54")),
    )
    assert (len(desk.tell(both)), desk.is_live) == (1, True)
    assert desk.tell(book(OTHER)) == []


def test_both_tokens_have_a_book_of_their_own() -> None:
    desk = MarketDesk().follow().follow(A, outcome="no")
    desk.live([book(), book(NO, [("0.48", "5")], [("0.55", "10")])])
    told = desk.tell(
        changes(
            change("0.46", "1", best=("0.46", "0.52")),
            change("0.54", "1", "SELL", token=NO, best=("0.48", "0.54")),
        )
    )
    assert [x.own_outcome for x in told] == ["yes", "no"]
    no = desk.book("no")
    assert (no.outcome, no.ask, no.stale) == ("no", Level(D("0.54"), D(1)), False)


def test_several_levels_of_one_frame_may_cross_on_the_way() -> None:
    desk = live()
    desk.tell(
        changes(
            change("0.53", "1", best=("0.53", "0.54")),
            change("0.52", "0", "SELL", best=("0.53", "0.54")),
            change("0.54", "2", "SELL", best=("0.53", "0.54")),
        )
    )
    assert desk.is_live
    assert (desk.book().bid, desk.book().ask) == (
        Level(D("0.53"), D(1)),
        Level(D("0.54"), D(2)),
    )


def test_best_prices_need_not_be_told() -> None:
    desk = live()
    desk.tell(changes(change("0.46", "1")))
    assert desk.is_live


@pytest.mark.parametrize(("bid", "ask"), [("0", "1"), ("", ""), ("1", "0")])
def test_an_empty_side_is_told_as_nought_one_or_nothing(bid: str, ask: str) -> None:
    desk = live()
    desk.tell(
        changes(
            change("0.45", "0", best=(bid, ask)),
            change("0.52", "0", "SELL", best=(bid, ask)),
        )
    )
    assert (desk.is_live, levels(desk.book())) == (True, ([], []))


def test_a_book_in_hand_is_stale_once_it_changed() -> None:
    desk = live()
    before = desk.book()
    desk.tell(changes(change("0.46", "1", best=("0.46", "0.52"))))
    assert (before.stale, desk.book().stale) == (True, False)


def test_a_book_says_its_grid_and_its_moment() -> None:
    desk = MarketDesk().follow().live(book(tick_size="0.001"))
    assert desk.book().grid == PriceGrid.of("0.001")
    assert desk.book().timestamp == milliseconds(T0, "x")


def test_changes_of_tokens_that_nobody_follows_are_nothing() -> None:
    desk = live()
    assert desk.tell(changes(change("0.4", "1", token=OTHER))) == []
    three = (
        change("0.46", "1", best=("0.46", "0.52")),
        change("0.4", "1", token=OTHER),
        change("0.44", "1", best=("0.46", "0.52")),
    )
    [told] = desk.tell(changes(*three))
    assert len(told.rows) == 2


def test_a_book_in_hand_has_an_age() -> None:
    desk = live()
    book = desk.book()
    desk.clock.advance(3)
    assert book.age == 3.0


# -- what does not fit -----------------------------------------------------------------


def spoiled(desk: MarketDesk, *frames: Any) -> Gap:
    """The one gap that frames bring, after which the book is asked for anew."""
    told = desk.tell(*frames)
    [gap] = [x for x in told if isinstance(x, Gap)]
    assert not desk.is_live
    assert (gap.subject, gap.market_ids, gap.outcome) == (
        Subject.ORDER_BOOK,
        (A,),
        "yes",
    )
    list(desk.stream.poll())
    assert [x["operation"] for x in desk.asked()] == ["unsubscribe", "subscribe"]
    return gap


def test_best_prices_that_are_others_spoil_the_book() -> None:
    gap = spoiled(live(), changes(change("0.44", "1", best=("0.46", "0.52"))))
    assert gap.reason == "its best prices are 0.4500/0.5200, the venue says 0.46/0.52"


def test_a_change_that_is_older_than_the_last_spoils_it() -> None:
    desk = live()
    desk.tell(changes(change("0.44", "1", best=("0.45", "0.52")), at=9))
    gap = spoiled(desk, changes(change("0.43", "1", best=("0.45", "0.52")), at=8))
    assert gap.reason == f"a change of {T0 + 8} came after one of {T0 + 9}"


def test_a_book_that_is_older_than_the_last_change_spoils_it() -> None:
    desk = live()
    desk.tell(changes(change("0.44", "1", best=("0.45", "0.52")), at=9))
    spoiled(desk, book(at=8))


def test_a_change_that_is_repeated_at_once_does_no_harm() -> None:
    desk = live()
    frame = changes(change("0.44", "1", best=("0.45", "0.52")))
    desk.tell(frame, frame)
    assert desk.is_live


def test_a_change_that_is_repeated_after_another_of_its_moment_spoils_it() -> None:
    desk = live()
    one = changes(change("0.44", "1", best=("0.45", "0.52"), mark="x"))
    other = changes(change("0.44", "9", best=("0.45", "0.52"), mark="y"))
    spoiled(desk, one, other, one)


def test_prices_that_cross_spoil_it() -> None:
    gap = spoiled(live(), changes(change("0.52", "1")))
    assert gap.reason == "bid 0.5200 and ask 0.5200 cross"


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (changes(change("0.44", "x", best=("0.45", "0.52"))), "size 'x'"),
        (changes(change("1.2", "1")), "price '1.2'"),
        (changes(change("0.44", "1", "HOLD")), "side 'HOLD'"),
        (changes(change("0.44", "1", best=("nan", "0.52"))), "price 'nan'"),
        (changes(change("0.44", "-1")), "size '-1'"),
        (book(bids=[("0.6", "1")], at=2), "a bid at 0.6000 crosses"),
        (book(bids=[("0.4", "1"), ("0.40", "1")], at=2), "two levels have one price"),
    ],
)
def test_what_cannot_be_applied_spoils_it(frame: Any, reason: str) -> None:
    assert spoiled(live(), frame).reason.startswith(reason)


@pytest.mark.parametrize(
    "frame",
    [
        {**changes(change("0.44", "1")), "timestamp": "soon"},
        {**changes(), "price_changes": None},
        {**book(), "bids": None},
        {**book(), "timestamp": ""},
    ],
)
def test_what_cannot_be_read_spoils_it(frame: Any) -> None:
    desk = live()
    spoiled(desk, frame)
    assert desk.stream.health().malformed_messages == 1


def test_a_frame_that_is_no_json_spoils_every_book() -> None:
    desk = live()
    [gap] = desk.tell("{")
    assert (gap.subject, gap.market_ids, desk.is_live) == (None, (), False)
    assert MarketDesk().tell("{") == []
    assert [x.subject for x in live().tell("[{")] == [None]


def test_a_bad_frame_of_a_market_that_is_not_followed_is_nothing() -> None:
    desk = live()
    assert desk.tell({**book(OTHER), "bids": None}) == []
    assert desk.is_live


def test_a_bad_change_of_no_market_spoils_every_book() -> None:
    desk = live()
    frame = {**changes(), "price_changes": None}
    del frame["market"]
    [gap] = desk.tell(frame)
    assert (gap.market_ids, desk.is_live) == ((A,), False)


def test_one_bad_object_of_a_list_leaves_the_others() -> None:
    desk = MarketDesk().follow()
    desk.connect()
    told = desk.tell([{"event_type": "book"}, book()])
    assert isinstance(told[-1], BookSnapshot)


def test_while_it_is_spoiled_nothing_is_applied_and_nothing_said() -> None:
    desk = live()
    spoiled(desk, changes(change("0.44", "1", best=("0.46", "0.52"))))
    assert desk.tell(changes(change("0.46", "1", best=("0.46", "0.52")), at=5)) == []
    assert desk.tell(book(at=4)) == []
    assert not desk.is_live
    desk.tell(book(at=5))
    assert desk.is_live


def test_troubles_in_a_row_are_asked_about_ever_less_often() -> None:
    desk = live()
    asked = []
    for at in range(1, 9):
        desk.tell(changes(change("0.44", str(at), best=("0.46", "0.52")), at=2 * at))
        asked.append(len(desk.asked()))
        desk.tell(book(at=2 * at + 1))
        desk.pass_time(1)
        desk.sent()
    assert sum(asked) < 8


def test_a_doubt_from_outside_spoils_it() -> None:
    desk = live()
    [gap] = desk.stream.doubt(A, "REST says otherwise", "YES")
    assert (gap.outcome, desk.is_live) == ("yes", False)
    assert list(desk.stream.doubt(A, "again")) == []
    assert list(desk.stream.doubt("0x" + "f" * 64, "?")) == []
    assert list(desk.stream.doubt(A, "?", "maybe")) == []
    assert list(desk.stream.doubt(A, "?", "no")) == []


# -- over REST -------------------------------------------------------------------------


def read(at: int, *, outcome: str = "yes", bid: str = "0.4") -> OrderBook:
    return OrderBook(
        venue="polymarket",
        market_id=A,
        outcome=outcome,
        bids=(Level(D(bid), D(3)),),
        asks=(Level(D("0.6"), D("0.5")),),
        timestamp=milliseconds(T0 + at, "x"),
    )


def bridged(at: int = 10) -> MarketDesk:
    desk = MarketDesk().follow()
    desk.connect()
    desk.overdue()
    [told] = desk.stream.load(read(at))
    assert isinstance(told, BookSnapshot)
    return desk


def test_a_book_may_come_over_rest() -> None:
    desk = bridged()
    assert desk.is_live
    assert levels(desk.book()) == ([(D("0.4"), D(3))], [(D("0.6"), D("0.5"))])
    assert desk.pass_time(20) == []


def test_changes_that_are_in_it_already_are_passed_over() -> None:
    desk = bridged()
    assert desk.tell(changes(change("0.4", "1", best=("0.4", "0.6")), at=9)) == []
    older = book(bids=[("0.4", "1")], asks=[("0.6", "0.5")], at=9)
    assert desk.tell(older) == []
    assert desk.book().bid == Level(D("0.4"), D(3))
    desk.tell(changes(change("0.4", "2", best=("0.4", "0.6")), at=11))
    assert desk.is_live
    assert desk.book().bid == Level(D("0.4"), D(2))
    # From there on moments do not go back.
    spoiled(desk, changes(change("0.4", "1", best=("0.4", "0.6")), at=9))


def test_it_is_of_no_use_if_something_newer_was_told() -> None:
    desk = MarketDesk().follow()
    desk.connect()
    desk.tell(changes(change("0.4", "1"), at=11))
    desk.overdue()
    assert list(desk.stream.load(read(10))) == []
    assert list(desk.stream.load(read(11)))


# -- machines whose clocks are apart -------------------------------------------------

BOTH = (("0.45", "10"), ("0.46", "3"))
"""The bids after the change that was told last."""


def behind() -> MarketDesk:
    """A book that was doubted after a change; a machine 200 ms behind tells it now."""
    desk = live()
    desk.tell(changes(change("0.46", "3", best=("0.46", "0.52")), at=1000))
    list(desk.stream.doubt(A, "REST says otherwise", "YES"))
    assert desk.tell(book(bids=BOTH, at=800)) == []
    return desk


def test_a_clock_that_is_behind_leaves_no_book_of_a_quiet_market_stale_for_ever() -> (
    None
):
    desk = behind()
    desk.overdue()
    [told] = desk.tell(book(bids=BOTH, at=800))
    assert isinstance(told, BookSnapshot)
    assert desk.is_live
    assert levels(desk.book())[0][0] == (D("0.46"), D(3))
    # What is told next by the same clock is taken.
    desk.tell(changes(change("0.46", "4", best=("0.46", "0.52")), at=900))
    assert desk.book().bid == Level(D("0.46"), D(4))


def test_a_clock_of_rest_that_is_behind_leaves_none_stale_either() -> None:
    desk = live()
    desk.tell(changes(change("0.4", "3", best=("0.45", "0.52")), at=1000))
    list(desk.stream.doubt(A, "REST says otherwise", "YES"))
    desk.overdue()
    assert list(desk.stream.load(read(800))) == []
    desk.pass_time(5)
    [told, *_] = desk.stream.load(read(800))
    assert isinstance(told, BookSnapshot)
    assert desk.is_live


def test_a_frame_that_comes_twice_at_once_is_no_second_word() -> None:
    desk = behind()
    assert desk.tell(book(bids=BOTH, at=800), book(bids=BOTH, at=800)) == []
    assert not desk.is_live


@pytest.mark.parametrize(
    "bids", [(("0.45", "10"),), (("0.45", "10"), ("0.46", "2")), ()]
)
def test_a_book_that_lacks_what_was_told_last_is_an_older_one(bids: Any) -> None:
    desk = behind()
    for _ in range(3):
        desk.overdue()
        assert desk.tell(book(bids=bids, at=800)) == []
        assert list(desk.stream.load(read(800))) == []
    assert not desk.is_live


def test_a_level_that_went_must_not_be_there() -> None:
    desk = live()
    desk.tell(changes(change("0.45", "0", best=("0", "0.52")), at=1000))
    list(desk.stream.doubt(A, "REST says otherwise", "YES"))
    for _ in range(3):
        desk.overdue()
        assert desk.tell(book(at=800)) == []
    desk.overdue()
    assert [type(x) for x in desk.tell(book(bids=(), at=800))] == [BookSnapshot]


def test_a_market_that_moved_meanwhile_has_to_be_told_again() -> None:
    desk = behind()
    desk.overdue()
    desk.tell(changes(change("0.46", "3", best=("0.46", "0.52")), at=1001))
    assert desk.tell(book(bids=BOTH, at=800)) == []
    assert not desk.is_live


def test_a_clock_that_is_ahead_is_believed_until_a_change_is_older_than_its_book() -> (
    None
):
    desk = live()
    desk.tell(changes(change("0.46", "3", best=("0.46", "0.52")), at=1000))
    list(desk.stream.doubt(A, "REST says otherwise", "YES"))
    desk.tell(book(bids=BOTH, at=1200))
    assert desk.is_live
    # Nobody can tell whether it is in the book: it is not live with that.
    [gap] = desk.tell(changes(change("0.44", "1", best=("0.46", "0.52")), at=1100))
    assert isinstance(gap, Gap)
    assert not desk.is_live
    desk.tell(book(bids=(*BOTH, ("0.44", "1")), at=1300))
    assert desk.is_live


def test_it_is_of_no_use_where_the_stream_was_faster_or_is_gone() -> None:
    desk = live()
    assert list(desk.stream.load(read(10))) == []
    list(desk.stream.connection_lost("the line broke"))
    assert list(desk.stream.load(read(10))) == []
    assert list(desk.stream.load(attrs.evolve(read(10), market_id="0x0"))) == []
    assert list(desk.stream.load(attrs.evolve(read(10), outcome="no"))) == []


def test_it_is_of_no_use_without_a_moment_or_sense() -> None:
    desk = MarketDesk().follow()
    desk.connect()
    desk.overdue()
    assert list(desk.stream.load(attrs.evolve(read(10), timestamp=None))) == []
    assert list(desk.stream.load(read(10, bid="0.7"))) == []
    assert desk.stream.order_book(A) is None


# -- reading ---------------------------------------------------------------------------


def test_there_is_no_book_before_its_snapshot_or_without_a_wish() -> None:
    desk = MarketDesk().follow(subject=Subject.TICKER)
    desk.connect()
    desk.tell(book())
    assert desk.stream.order_book(A) is None
    assert desk.stream.token_book(YES) is None
    assert desk.stream.token_book(OTHER) is None
    assert MarketDesk().follow().stream.order_book(A) is None


def test_a_tapped_token_is_named_by_itself() -> None:
    desk = MarketDesk()
    desk.stream.tap([OTHER])
    desk.connect()
    [told] = desk.tell(book(OTHER))
    found = desk.stream.token_book(OTHER)
    assert found is not None
    assert (told.own_outcome, found.outcome, found.market_id) == (OTHER, OTHER, A)
    desk.stream.untap([OTHER, "999"])
    assert desk.stream.token_book(OTHER) is None


def test_a_tapped_token_that_is_followed_too_has_its_name() -> None:
    desk = MarketDesk()
    desk.stream.tap([YES])
    desk.follow()
    desk.live()
    desk.stream.untap([YES])
    assert (desk.book().outcome, desk.is_live) == ("yes", True)


def test_who_follows_an_outcome_is_concerned_by_that() -> None:
    concerns = MarketDesk().follow().follow(A, outcome="NO").stream.concerns
    assert [
        concerns(A, "yes", None),
        concerns(A, "no", None),
        concerns(A, "no", "NO"),
        concerns(A, "yes", "NO"),
        concerns(A, None, "NO"),
        concerns("0x0", "yes", None),
    ] == [True, False, True, False, True, False]


def test_totals_are_exact_to_six_decimals_and_no_more() -> None:
    totals = TotalsBook()
    totals.set_bid("0.5", "1.000001")
    assert totals.bids == (Level(D("0.5000"), D("1.000001")),)
    with pytest.raises(BookError, match="6 decimals"):
        totals.set_bid("0.5", "1.0000001")
