"""The hub without I/O: who comes and goes, who shares, and who is told what."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from unified_exchanges.errors import MarketNotFound, NetworkError, StreamOverflow
from unified_exchanges.models import Gap, MarketChange, Subject
from unified_exchanges.streams.protocol import BookChanged, Refused
from unified_exchanges.watching.feed import Feed
from unified_exchanges.watching.mailbox import Ended
from unified_exchanges.watching.relay import Relay

from .samples import START, book, fill, order, position, ticker, trade
from .toy import Fresh, Stage, ToyStream, drain

BOOK, TICKER, TRADES = Subject.ORDER_BOOK, Subject.TICKER, Subject.TRADES
ORDERS, FILLS, POSITIONS = Subject.ORDERS, Subject.FILLS, Subject.POSITIONS
STATUS = Subject.MARKET_STATUS


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.connect()
    return stage


def change(market_id: str = "A") -> MarketChange:
    return MarketChange(venue="toy", market_id=market_id, change="activated")


# -- sharing ---------------------------------------------------------------------------


def test_consumers_of_a_market_share_one_subscription(stage: Stage) -> None:
    one = stage.join(BOOK, ["A", "B"])
    other = stage.join(BOOK, ["B"])
    stage.feed.leave(one)
    assert stage.stream.commands == ["+order_book:A", "+order_book:B", "-order_book:A"]
    stage.feed.leave(other)
    assert stage.stream.commands[-1] == "-order_book:B"


def test_leaving_twice_takes_one_subscription_back(stage: Stage) -> None:
    one, _other = stage.join(BOOK, ["A"]), stage.join(BOOK, ["A"])
    stage.feed.leave(one)
    stage.feed.leave(one)
    assert stage.stream.followed[BOOK, "A"] == 1


def test_of_an_account_everything_is_followed_whatever_the_market(stage: Stage) -> None:
    one = stage.join(FILLS, ["A"])
    two = stage.join(FILLS)
    assert stage.stream.commands == ["+fills:None"]
    stage.tell(fill("t1", market_id="A"), fill("t2", market_id="B"))
    assert [x.fill_id for x in drain(one)] == ["t1"]
    assert [x.fill_id for x in drain(two)] == ["t1", "t2"]
    stage.feed.leave(one)
    stage.feed.leave(two)
    assert stage.stream.commands[-1] == "-fills:None"


def test_a_follower_of_one_market_and_one_of_all_both_hear_of_it(stage: Stage) -> None:
    some, all_ = stage.join(TRADES, ["A"]), stage.join(TRADES)
    stage.tell(trade("t1", "A"), trade("t2", "B"))
    assert [x.trade_id for x in drain(some)] == ["t1"]
    assert [x.trade_id for x in drain(all_)] == ["t1", "t2"]


def test_a_consumer_is_woken(stage: Stage) -> None:
    wakes: list[int] = []
    stage.join(TRADES, ["A"], wake=lambda: wakes.append(1))
    stage.tell(trade())
    assert wakes == [1]


# -- books and quotes ------------------------------------------------------------------


def test_a_book_comes_first_as_it_is_and_then_as_it_changes(stage: Stage) -> None:
    stage.stream.books["A"] = first = book(bids={"0.40": 3})
    follower = stage.join(BOOK, ["A"])
    assert drain(follower) == [first]
    stage.show(second := book(bids={"0.41": 3}))
    stage.show(third := book(bids={"0.42": 3}))
    assert drain(follower) == [second, third]


def test_a_book_that_is_not_there_yet_comes_when_it_is(stage: Stage) -> None:
    follower = stage.join(BOOK, ["A"])
    assert drain(follower) == []
    stage.show(book(bids={"0.40": 3}))
    assert len(drain(follower)) == 1


def test_p10_f05_of_what_waits_at_a_break_the_latest_is_not_handed_out(
    stage: Stage,
) -> None:
    latest = stage.join(BOOK, ["A"], policy="latest", events=True)
    life = Fresh()
    stage.show(book(bids={"0.40": 3}, freshness=life))
    life.is_over = True
    stage.tell(*stage.stream.connection_lost("broken"), _Changed("A"))
    [gap] = drain(latest)
    assert gap.reason == "broken"
    stage.show(whole := book(bids={"0.50": 3}, freshness=Fresh()))
    assert drain(latest) == [whole]


def test_p10_f05_of_what_waits_at_a_break_every_state_is_told_and_says_that_it_is_stale(
    stage: Stage,
) -> None:
    every = stage.join(BOOK, ["A"], events=True)
    life = Fresh()
    for size in (3, 4):
        stage.show(book(bids={"0.40": size}, freshness=life))
    life.is_over = True
    # A change that comes while it is stale is no state of it.
    stage.tell(*stage.stream.connection_lost("broken"), _Changed("A"))
    *states, gap = drain(every)
    assert [(int(x.bid.size), x.stale) for x in states] == [(3, True), (4, True)]
    assert gap.reason == "broken"
    stage.show(whole := book(bids={"0.50": 3}, freshness=Fresh()))
    assert drain(every) == [whole]


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_p10_a_copy_of_a_book_is_a_picture(copied: Callable[[Any], Any]) -> None:
    life = Fresh()
    original = book(bids={"0.40": 3}, freshness=life)
    picture = copied(original)
    life.is_over = True
    assert picture == original
    assert (original.stale, picture.stale) == (True, False)
    assert (original.age, picture.age) == (0.0, None)
    assert original.complement("no").stale
    # Of one that was stale when it was copied, the copy is so for good.
    late = copied(original.complement("no"))
    again = copied(late)
    life.is_over = False
    assert (original.stale, late.stale, again.stale) == (False, True, True)
    assert (late.age, again.age) == (0.0, 0.0)


def test_a_book_says_in_its_flat_form_whether_it_holds() -> None:
    life = Fresh()
    streamed, read = book(freshness=life), book()
    told = streamed.to_dict()
    life.is_over = True
    later = streamed.to_dict()
    assert [(x["stale"], x["age"]) for x in (told, later)] == [
        (False, "0"),
        (True, "0"),
    ]
    assert [read.to_dict()[x] for x in ("stale", "age")] == [False, None]
    assert streamed == read


class _Changed(BookChanged):
    __slots__ = ("market_id",)

    def __init__(self, market_id: str) -> None:
        self.market_id = market_id


def test_latest_makes_one_book_of_many_changes(stage: Stage) -> None:
    follower = stage.join(BOOK, ["A", "B"], policy="latest")
    for size in range(1, 6):
        stage.show(book("A", bids={"0.40": size}))
    stage.show(book("B", bids={"0.40": 1}))
    found = drain(follower)
    assert [(x.market_id, int(x.bid.size)) for x in found] == [("A", 5), ("B", 1)]
    assert follower.mailbox.folded == 4


def test_p04_the_book_of_no_is_the_exact_complement(stage: Stage) -> None:
    yes, no = stage.join(BOOK, ["A"]), stage.join(BOOK, ["A"], outcome="no")
    told = book(bids={"0.40": 3, "0.38": 1}, asks={"0.45": 2})
    stage.show(told)
    assert drain(yes) == [told]
    assert drain(no) == [told.complement("no")]
    assert stage.stream.commands == ["+order_book:A"]


def test_p04_quotes_and_trades_of_no_are_the_exact_complement(stage: Stage) -> None:
    quotes = stage.join(TICKER, ["A"], outcome="no")
    trades = stage.join(TRADES, ["A"], outcome="no")
    stage.tell(ticker(bid="0.40", ask="0.42"), trade(price="0.41"))
    [quote], [traded] = drain(quotes), drain(trades)
    assert (str(quote.bid), str(quote.ask), quote.outcome) == ("0.58", "0.60", "no")
    assert (str(traded.price), traded.taker_side, traded.outcome) == (
        "0.59",
        "sell",
        "no",
    )


def test_a_second_consumer_of_quotes_begins_with_the_last_one(stage: Stage) -> None:
    stage.join(TICKER, ["A"])
    stage.tell(ticker(bid="0.40"))
    assert [str(x.bid) for x in drain(stage.join(TICKER, ["A", "B"]))] == ["0.40"]
    assert [str(x.bid) for x in drain(stage.join(TICKER))] == ["0.40"]


def test_quotes_of_a_connection_that_broke_are_not_handed_out(stage: Stage) -> None:
    stage.join(TICKER, ["A"])
    stage.tell(ticker())
    stage.reconnect()
    assert drain(stage.join(TICKER, ["A"])) == []


def test_quotes_are_forgotten_where_nobody_follows_them(stage: Stage) -> None:
    follower = stage.join(TICKER, ["A"])
    stage.tell(ticker())
    stage.feed.leave(follower)
    assert drain(stage.join(TICKER, ["A"])) == []


def test_changes_of_markets_are_told(stage: Stage) -> None:
    some, all_ = stage.join(STATUS, ["A"]), stage.join(STATUS)
    stage.tell(change("A"), change("B"))
    assert [x.market_id for x in drain(some)] == ["A"]
    assert [x.market_id for x in drain(all_)] == ["A", "B"]


def test_what_a_venue_tells_besides_is_passed_over(stage: Stage) -> None:
    follower = stage.join(TRADES)
    stage.tell(object(), "anything", trade())
    assert len(drain(follower)) == 1


# -- ends ------------------------------------------------------------------------------


def test_fault_36_a_refusal_fails_only_who_asked_for_it(stage: Stage) -> None:
    both = stage.join(BOOK, ["A", "X"])
    good = stage.join(BOOK, ["A"])
    trades = stage.join(TRADES, ["X"])
    del stage.stream.followed[BOOK, "X"]  # as a protocol does with what is refused
    error = MarketNotFound("no market X")
    stage.tell(Refused(subject=BOOK, market_ids=frozenset({"X"}), error=error))
    with pytest.raises(MarketNotFound, match="no market X"):
        drain(both)
    stage.show(book("A"))
    assert len(drain(good)) == 1
    assert drain(trades) == []
    assert stage.stream.followed[BOOK, "A"] == 1
    stage.feed.leave(both)
    assert stage.stream.followed[BOOK, "A"] == 1


def test_a_refusal_of_a_subject_fails_all_who_follow_it(stage: Stage) -> None:
    some, all_ = stage.join(TRADES, ["A"]), stage.join(TRADES)
    books = stage.join(BOOK, ["A"])
    stage.stream.followed.clear()
    error = MarketNotFound("no trades")
    stage.tell(Refused(subject=TRADES, market_ids=None, error=error))
    for follower in (some, all_):
        with pytest.raises(MarketNotFound):
            drain(follower)
    assert drain(books) == []


def test_a_refusal_of_a_channel_that_is_no_subject_concerns_nobody(
    stage: Stage,
) -> None:
    follower = stage.join(TRADES)
    error = MarketNotFound("no")
    stage.tell(Refused(subject=None, market_ids=None, error=error, channel="other"))
    assert drain(follower) == []


def test_a_fatal_error_reaches_everybody_and_bars_the_door(stage: Stage) -> None:
    followers = [stage.join(BOOK, ["A"]), stage.join(FILLS)]
    stage.feed.fail(NetworkError("the end"))
    for follower in followers:
        with pytest.raises(NetworkError, match="the end"):
            drain(follower)
    with pytest.raises(NetworkError, match="the end"):
        stage.join(TRADES)


def test_closing_delivers_what_waits_and_the_end(stage: Stage) -> None:
    follower = stage.join(TRADES)
    stage.tell(trade())
    stage.feed.close()
    assert follower.mailbox.take() is not None
    with pytest.raises(Ended):
        follower.mailbox.take()


def test_fault_39_who_is_too_slow_is_let_go_and_nobody_else() -> None:
    stage = Stage(queue=2)
    stage.connect()
    slow, quick = stage.join(TRADES, ["A"]), stage.join(TRADES, ["A"])
    for number in range(5):
        stage.tell(trade(f"t{number}"))
        drain(quick)
    assert [slow.mailbox.take().trade_id for _ in range(2)] == ["t0", "t1"]
    with pytest.raises(StreamOverflow):
        slow.mailbox.take()
    assert stage.stream.followed[TRADES, "A"] == 1


def test_fault_39_books_that_nobody_takes_overflow_where_every_one_counts() -> None:
    stage = Stage(queue=2)
    stage.connect()
    follower = stage.join(BOOK, ["A"])
    for _ in range(3):
        stage.show(book("A"))
    assert stage.stream.followed[BOOK, "A"] == 0
    with pytest.raises(StreamOverflow):
        drain(follower)


# -- unwatching ------------------------------------------------------------------------


def test_unwatching_a_market_narrows_some_and_ends_others(stage: Stage) -> None:
    two = stage.join(BOOK, ["A", "B"], policy="latest")
    one = stage.join(TICKER, ["A"])
    all_ = stage.join(TRADES)
    stage.show(book("A"))
    stage.feed.drop(["A", "Z"])
    stage.show(book("A"))
    stage.show(book("B"))
    assert [x.market_id for x in drain(two)] == ["B"]
    with pytest.raises(Ended):
        drain(one)
    stage.tell(trade(market_id="A"))
    assert len(drain(all_)) == 1
    assert stage.stream.followed[BOOK, "A"] == 0
    assert stage.stream.followed[BOOK, "B"] == 1


def test_unwatching_a_market_narrows_who_follows_the_account(stage: Stage) -> None:
    follower = stage.join(FILLS, ["A", "B"])
    stage.feed.drop(["A"])
    stage.tell(fill("t1", market_id="A"), fill("t2", market_id="B"))
    assert [x.fill_id for x in drain(follower)] == ["t2"]
    assert stage.stream.followed[FILLS, None] == 1


def test_unwatching_everything_ends_all(stage: Stage) -> None:
    followers = [stage.join(TRADES), stage.join(BOOK, ["A"]), stage.join(ORDERS)]
    stage.feed.drop()
    for follower in followers:
        with pytest.raises(Ended):
            drain(follower)
    assert not +stage.stream.followed


# -- the stream itself -----------------------------------------------------------------


def gap(subject: Subject | None, *market_ids: str) -> Gap:
    return Gap(subject=subject, market_ids=market_ids, reason="lost", at=START)


@pytest.mark.parametrize(
    ("event", "is_told"),
    [
        (gap(None), True),
        (gap(BOOK), True),
        (gap(BOOK, "A", "Z"), True),
        (gap(BOOK, "B"), False),
        (gap(TRADES), False),
    ],
)
def test_gaps_go_to_those_concerned_who_ask(
    stage: Stage, event: Gap, is_told: bool
) -> None:
    asks = stage.join(BOOK, ["A"], events=True)
    does_not = stage.join(BOOK, ["A"])
    stage.tell(event)
    assert drain(asks) == [event] * is_told
    assert drain(does_not) == []


def test_breaks_come_in_their_place_among_the_rest(stage: Stage) -> None:
    follower = stage.join(TRADES, events=True)
    stage.tell(trade("t1"))
    stage.reconnect()
    stage.tell(trade("t2"))
    kinds = [type(item).__name__ for item in drain(follower)]
    assert kinds == ["Trade", "Gap", "Reconnected", "Trade"]


def test_under_latest_a_book_comes_after_the_gap_that_it_mends(stage: Stage) -> None:
    follower = stage.join(BOOK, ["A", "B"], policy="latest", events=True)
    stage.show(book("A"))
    stage.show(book("B"))
    stage.tell(gap(BOOK, "A"))
    stage.show(book("A"))
    kinds = [getattr(x, "market_id", type(x).__name__) for x in drain(follower)]
    assert kinds == ["B", "Gap", "A"]
    assert follower.mailbox.folded == 1


def test_under_latest_equal_breaks_are_folded(stage: Stage) -> None:
    follower = stage.join(BOOK, ["A"], policy="latest", events=True)
    drain(follower)
    for _ in range(50):
        stage.reconnect()
    assert len(follower.mailbox) == 2
    assert follower.mailbox.folded == 98


def test_under_latest_a_break_comes_behind_what_came_before_it(stage: Stage) -> None:
    follower = stage.join(TRADES, policy="latest", events=True)
    stage.tell(gap(TRADES), trade("t1"), gap(TRADES))
    kinds = [type(item).__name__ for item in drain(follower)]
    assert (kinds, follower.mailbox.folded) == (["Trade", "Gap"], 1)


def test_fault_39_breaks_count_for_who_takes_nothing() -> None:
    stage = Stage(queue=3)
    stage.connect()
    follower = stage.join(TRADES, events=True)
    for _ in range(3):
        stage.reconnect()
    assert +stage.stream.followed == {}
    with pytest.raises(StreamOverflow):
        drain(follower)


def test_health_counts_what_was_folded_also_by_those_who_left(stage: Stage) -> None:
    one = stage.join(BOOK, ["A"], policy="latest")
    stage.join(BOOK, ["A"], policy="latest")
    for _ in range(3):
        stage.show(book("A"))
    assert stage.feed.health(stage.stream.health()).folded == 4
    stage.feed.leave(one)
    assert stage.feed.health(stage.stream.health()).folded == 4


# -- policies of the account -----------------------------------------------------------


def test_under_latest_orders_are_folded_and_fills_never(stage: Stage) -> None:
    orders = stage.join(ORDERS, policy="latest")
    fills = stage.join(FILLS, policy="latest")
    held = stage.join(POSITIONS, policy="latest")
    for number in range(1, 4):
        stage.tell(order(filled=number), fill(f"t{number}"), position(size=number))
    stage.tell(order("o2"))
    assert [(x.order_id, int(x.filled)) for x in drain(orders)] == [
        ("o1", 3),
        ("o2", 0),
    ]
    assert [x.fill_id for x in drain(fills)] == ["t1", "t2", "t3"]
    assert [int(x.size) for x in drain(held)] == [3]
    counts: list[Any] = [x.mailbox.folded for x in (orders, fills, held)]
    assert counts == [2, 0, 2]


def test_a_position_that_did_not_change_is_told_once(stage: Stage) -> None:
    follower = stage.join(POSITIONS)
    stage.tell(position(), position())
    assert len(drain(follower)) == 1


# -- between a driver and the hub ------------------------------------------------------


def test_p18_a_relay_tells_every_state_though_frames_come_at_once(stage: Stage) -> None:
    class Talking(ToyStream):
        def receive(self, frame: str | bytes) -> Iterable[Any]:
            self.books["A"] = book(bids={"0.40": int(frame)})
            return (_Changed("A"),)

    talking = Talking(clock=stage.clock)
    feed = Feed(talking, stage.venue)
    relay = Relay(talking, feed.handle)
    follower = feed.join(BOOK, ["A"], policy="every", wake=lambda: None)
    told = [relay.receive(frame) for frame in ("1", "2", "3")]
    assert told == [(), (), ()]
    assert [int(x.bid.size) for x in drain(follower)] == [1, 2, 3]


def test_a_relay_is_the_protocol_to_its_driver(stage: Stage) -> None:
    follower = stage.join(BOOK, ["A"], events=True)
    relay = Relay(stage.stream, stage.feed.handle)
    relay.follow(BOOK, ["B"])
    relay.unfollow(BOOK, ["B"])
    relay.heard()
    assert (relay.is_connected, relay.is_settled, relay.broken) == (True, True, "")
    assert relay.is_acknowledged(BOOK)
    assert (relay.next_poll(), relay.data_to_send(), relay.poll()) == (1.0, [], ())
    assert relay.order_book("A") is None
    assert relay.health() == stage.stream.health()
    assert list(relay.doubt("A", "it differs")) == []
    assert list(relay.connection_lost("gone")) == []
    assert list(relay.connection_made()) == []
    assert [type(x) for x in drain(follower)] == [Gap, Gap]
    assert stage.stream.commands[-2:] == ["+order_book:B", "-order_book:B"]
