"""What the stream lost is read over REST, and told once, to whom it is news."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest

from unified_exchanges.errors import (
    AuthenticationError,
    NetworkError,
    PermissionDenied,
)
from unified_exchanges.models import (
    AccountState,
    Balance,
    Gap,
    OrderStatus,
    Reconciled,
    StreamHealth,
    Subject,
)
from unified_exchanges.models.streams import IDLE
from unified_exchanges.watching.follower import Follower

from .samples import START, fill, moment, order, position
from .toy import Stage, drain

ORDERS, FILLS, POSITIONS = Subject.ORDERS, Subject.FILLS, Subject.POSITIONS
CANCELED = OrderStatus.CANCELED


@pytest.fixture
def stage() -> Stage:
    stage = Stage(audit=None)
    measure(stage)
    stage.connect()
    return stage


def settled(stage: Stage, *subjects: Subject) -> list[Follower]:
    """Followers of these who were told what there was to begin with."""
    followers = [stage.join(subject) for subject in subjects]
    stage.run()
    stage.pass_time(60)
    for follower in followers:
        drain(follower)
    return followers


def measure(stage: Stage, offset: float = 0.0) -> None:
    """An answer of the venue shows its clock."""
    now = stage.clock.now()
    date = datetime.fromtimestamp(now + offset, UTC)
    stage.venue.offset.observe(f"{date:%a, %d %b %Y %H:%M:%S} GMT", now, now)


# -- the beginning ---------------------------------------------------------------------


def test_nothing_is_read_where_nobody_follows_the_account(stage: Stage) -> None:
    stage.join(Subject.TRADES)
    stage.reconnect()
    stage.pass_time(1_000)
    assert stage.venue.asked == []


def test_open_orders_and_holdings_come_first(stage: Stage) -> None:
    orders, held = stage.join(ORDERS), stage.join(POSITIONS)
    stage.venue.state = AccountState(
        orders=(order("o1"), order("o2", filled=2), order("old", filled=10, at=-500)),
        positions=(position("A"), position("B", 0)),
    )
    assert stage.run() == 1
    assert [x.order_id for x in drain(orders)] == ["o1", "o2"]
    assert [x.market_id for x in drain(held)] == ["A"]


def test_fault_22_an_order_whose_end_was_answered_is_not_what_a_watch_begins_with(
    stage: Stage,
) -> None:
    [early] = settled(stage, ORDERS)
    stage.tell(order("o1"), order("o2"))
    # The stream is behind what somebody was answered.
    stage.feed._memory.order(order("o1", filled=10), placed=None)
    late = stage.join(ORDERS)
    stage.tell(order("o1", filled=10))
    assert [x.filled for x in drain(early)] == [0, 0, 10]
    assert [x.order_id for x in drain(late)] == ["o2"]


def test_what_is_read_comes_oldest_first_as_the_stream_would_tell_it(
    stage: Stage,
) -> None:
    orders = stage.join(ORDERS)
    stage.venue.state = AccountState(
        orders=(order("new", at=2), order("old", at=1), order("timeless", at=None))
    )
    stage.run()
    assert [x.order_id for x in drain(orders)] == ["timeless", "old", "new"]


def test_only_what_is_followed_is_read(stage: Stage) -> None:
    stage.join(FILLS)
    stage.run()
    [wanted] = stage.venue.asked
    assert wanted.subjects == {FILLS}


def test_it_is_read_when_the_venue_has_acknowledged(stage: Stage) -> None:
    stage.stream.is_answered = False
    stage.join(ORDERS)
    assert stage.calls > 0
    assert stage.run() == 0
    assert 0 < stage.feed.delay() <= 0.05
    stage.stream.is_answered = True
    assert stage.run() == 1


def test_a_stream_that_does_not_come_up_is_not_waited_for_for_ever() -> None:
    stage = Stage()
    follower = stage.join(ORDERS)
    stage.venue.state = AccountState(orders=(order(),))
    stage.pass_time(9.9)
    assert drain(follower) == []
    stage.pass_time(0.2)
    assert len(drain(follower)) == 1


def test_it_is_read_once_more_when_reads_cannot_lag_behind_the_first(
    stage: Stage,
) -> None:
    follower = stage.join(FILLS)
    stage.run()
    stage.venue.state = AccountState(fills=(fill(at=0),))
    stage.pass_time(14.9)
    assert drain(follower) == []
    stage.pass_time(0.2)
    assert len(drain(follower)) == 1
    assert len(stage.venue.asked) == 2


def test_a_second_consumer_begins_with_what_is_known(stage: Stage) -> None:
    stage.join(ORDERS)
    stage.join(POSITIONS)
    stage.venue.state = AccountState(orders=(order(),), positions=(position(),))
    stage.run()
    asked = len(stage.venue.asked)
    assert [x.order_id for x in drain(stage.join(ORDERS))] == ["o1"]
    assert [x.order_id for x in drain(stage.join(ORDERS, ["A"]))] == ["o1"]
    assert drain(stage.join(ORDERS, ["B"])) == []
    assert [x.market_id for x in drain(stage.join(POSITIONS))] == ["A"]
    assert drain(stage.join(POSITIONS, ["B"])) == []
    assert len(stage.venue.asked) == asked


def test_what_came_meanwhile_is_not_told_again_as_the_beginning(stage: Stage) -> None:
    orders, held = stage.join(ORDERS), stage.join(POSITIONS)
    stage.tell(order("o1", filled=3, at=1), position("A", 3))
    stage.venue.state = AccountState(
        orders=(order("o1", filled=3, at=1), order("o2")), positions=(position("A", 3),)
    )
    stage.run()
    assert [x.order_id for x in drain(orders)] == ["o1", "o2"]
    assert [x.market_id for x in drain(held)] == ["A"]


def test_who_joins_while_it_is_read_is_told_by_the_next_read(stage: Stage) -> None:
    stage.join(FILLS)
    stage.venue.state = AccountState(orders=(order(),))
    late = []
    stage.run(meanwhile=lambda: late.append(stage.join(ORDERS)))
    assert drain(late[0]) == []
    assert stage.feed.delay() == 0
    stage.run()
    assert len(drain(late[0])) == 1


def test_who_comes_again_while_it_is_read_waits_for_a_read_of_its_own(
    stage: Stage,
) -> None:
    first = stage.join(ORDERS)
    again = []

    def come_back() -> None:
        stage.feed.leave(first)
        again.append(stage.join(ORDERS))

    stage.venue.state = AccountState(orders=(order("before"),))
    stage.run(meanwhile=come_back)
    assert drain(again[0]) == []
    stage.venue.state = AccountState(orders=(order("after"),))
    stage.run()
    assert [x.order_id for x in drain(again[0])] == ["after"]


def test_fills_from_before_the_call_are_no_news(stage: Stage) -> None:
    stage.clock.advance(100)
    follower = stage.join(FILLS)
    stage.venue.state = AccountState(
        fills=(fill("t3", at=101), fill("t1", at=99), fill("t2", at=100))
    )
    stage.run()
    assert [x.fill_id for x in drain(follower)] == ["t2", "t3"]


def test_each_consumer_of_fills_begins_with_its_own_call(stage: Stage) -> None:
    early = stage.join(FILLS)
    stage.clock.advance(100)
    late = stage.join(FILLS)
    stage.venue.state = AccountState(fills=(fill("t1", at=50), fill("t2", at=150)))
    stage.run()
    assert [x.fill_id for x in drain(early)] == ["t1", "t2"]
    assert [x.fill_id for x in drain(late)] == ["t2"]


def test_the_clock_of_the_venue_says_what_was_before(stage: Stage) -> None:
    measure(stage, -30)
    follower = stage.join(FILLS)
    stage.tell(fill("old", at=-40), fill("new", at=-29))
    assert [x.fill_id for x in drain(follower)] == ["new"]


def test_orders_that_ended_before_the_call_are_no_news(stage: Stage) -> None:
    stage.clock.advance(100)
    follower = stage.join(ORDERS)
    stage.venue.state = AccountState(
        orders=(
            order("before", filled=10, at=99),
            order("after", filled=10, at=101),
            order("nobody knows when", filled=10, at=None),
        )
    )
    stage.run()
    assert [x.order_id for x in drain(follower)] == ["nobody knows when", "after"]


def test_the_end_of_what_was_told_to_be_open_is_news_whenever_it_was(
    stage: Stage,
) -> None:
    first = stage.join(ORDERS)
    stage.tell(order("o1"), order("o2"))
    stage.clock.advance(10)
    second = stage.join(ORDERS)
    # A frame that was on its way when the second one came.
    stage.tell(order("o1", price=Decimal("0.41"), at=1))
    stage.venue.state = AccountState(
        orders=(order("o1", filled=10, at=2), order("o2", filled=10, at=2))
    )
    stage.run()
    ends = [
        [x.order_id for x in drain(follower) if not x.is_open]
        for follower in (first, second)
    ]
    # The second one was never told of o2, which had ended before it came.
    assert ends == [["o1", "o2"], ["o1"]]


# -- who was shown an order open is told its end ---------------------------------------


def told_of(follower: Follower) -> list[tuple[str, str]]:
    return [(x.order_id, str(x.status)) for x in drain(follower)]


def test_fault_35_the_end_of_an_order_is_told_to_who_began_with_it_open(
    stage: Stage,
) -> None:
    [early] = settled(stage, ORDERS)
    stage.tell(order("o1", at=60))
    # It is canceled without a word, and only then somebody comes.
    stage.pass_time(20)
    late = stage.join(ORDERS)
    assert told_of(late) == [("o1", "open")]
    stage.venue.state = AccountState(orders=(order("o1", status=CANCELED, at=70),))
    stage.pass_time(300)
    assert told_of(late) == [("o1", "canceled")]
    assert told_of(early) == [("o1", "open"), ("o1", "canceled")]


def test_fault_25_the_end_of_an_order_is_told_to_who_read_it_open_too_late(
    stage: Stage,
) -> None:
    stage.clock.advance(100)
    follower = stage.join(ORDERS)
    # It ended before, but the read lags.
    stage.venue.state = AccountState(orders=(order("o1", at=1), order("o2", at=1)))
    stage.run()
    assert told_of(follower) == [("o1", "open"), ("o2", "open")]
    ended = order("o1", status=CANCELED, at=99), order("o2", filled=10, at=99)
    never_seen = order("o3", status=CANCELED, at=99)
    stage.venue.state = AccountState(orders=(*ended, never_seen))
    stage.pass_time(16)
    assert told_of(follower) == [("o1", "canceled"), ("o2", "closed")]


def test_an_end_without_a_time_is_told(stage: Stage) -> None:
    made = {"at": None, "created_at": START}
    stage.venue.state = AccountState(orders=(order("o1", **made),))
    stage.pass_time(100)
    follower = stage.join(ORDERS)
    stage.run()
    assert told_of(follower) == [("o1", "open")]
    ended = [order(name, status=CANCELED, **made) for name in ("o1", "o2")]
    stage.venue.state = AccountState(orders=tuple(ended))
    stage.reconnect()
    stage.run()
    # Of what it was never shown it cannot be known whether it is news: so it is told.
    assert told_of(follower) == [("o1", "canceled"), ("o2", "canceled")]


def test_what_was_shown_open_is_remembered_while_it_is_open(stage: Stage) -> None:
    one, two = stage.join(ORDERS), stage.join(ORDERS, ["A", "B"])
    stage.tell(order("o1"), order("o2", market_id="B"), order("o3"))
    assert (one.shown.keys(), two.shown.keys()) == ({"o1", "o2", "o3"},) * 2
    stage.tell(order("o1", filled=10, at=1))
    stage.feed.drop(["B"])
    assert one.shown.keys() == {"o2", "o3"}
    assert two.shown.keys() == {"o3"}


def test_who_comes_while_the_account_is_not_known_begins_with_a_read(
    stage: Stage,
) -> None:
    [early] = settled(stage, ORDERS)
    stage.tell(order("o1", at=60))
    stage.feed.handle(stage.stream.connection_lost("the line broke"))
    late = stage.join(ORDERS)
    assert told_of(late) == []
    stage.venue.state = AccountState(orders=(order("o1", status=CANCELED, at=60),))
    stage.pass_time(11)
    assert told_of(early) == [("o1", "open"), ("o1", "canceled")]
    assert told_of(late) == [("o1", "canceled")]


# -- breaks ----------------------------------------------------------------------------


def test_fault_35_after_a_reconnect_everything_lost_is_told_once(stage: Stage) -> None:
    orders, fills, held = (stage.join(s) for s in (ORDERS, FILLS, POSITIONS))
    stage.venue.state = AccountState(orders=(order("o1"), order("o2")))
    stage.run()
    for follower in (orders, fills, held):
        drain(follower)
    stage.pass_time(100)
    stage.reconnect()
    stage.venue.state = AccountState(
        orders=(
            order("o1", filled=4, at=100),
            order("o2", filled=1, status=CANCELED, at=100),
            order("o3", filled=10, at=100),
        ),
        fills=(fill("t2", "o3", at=100), fill("t1", "o1", at=99)),
        positions=(position(),),
    )
    stage.run()
    stage.pass_time(60)
    told = [(x.order_id, x.status, int(x.filled)) for x in drain(orders)]
    assert told == [("o1", "open", 4), ("o2", "canceled", 1), ("o3", "closed", 10)]
    assert [x.fill_id for x in drain(fills)] == ["t1", "t2"]
    assert len(drain(held)) == 1


def test_what_is_read_names_what_was_known_open_and_held(stage: Stage) -> None:
    for subject in (ORDERS, FILLS, POSITIONS):
        stage.join(subject)
    stage.run()
    stage.tell(order("o1"), order("o2", filled=10), position("A"), fill(order_id="x"))
    stage.pass_time(20)
    wanted = stage.venue.asked[-1]
    assert [x.order_id for x in wanted.open_orders] == ["o1"]
    assert wanted.strangers == {"x"}
    assert [x.market_id for x in wanted.held] == ["A"]


def test_reads_overlap_those_before(stage: Stage) -> None:
    stage.join(FILLS)
    stage.pass_time(400)
    starts = [(x.since - START).total_seconds() for x in stage.venue.asked]
    assert starts == pytest.approx([-60, -59.95, -44.95, 135.05], abs=0.5)


def test_a_gap_in_the_account_is_read_over_at_once(stage: Stage) -> None:
    settled(stage, FILLS)
    asked, calls = len(stage.venue.asked), stage.calls
    stage.tell(Gap(subject=FILLS, reason="malformed", at=START))
    assert stage.calls > calls
    stage.run()
    assert len(stage.venue.asked) == asked + 1


def test_a_gap_in_books_is_no_reason_to_read_the_account(stage: Stage) -> None:
    settled(stage, FILLS)
    asked = len(stage.venue.asked)
    stage.tell(Gap(subject=Subject.ORDER_BOOK, reason="lost", at=START))
    stage.run()
    assert len(stage.venue.asked) == asked


def test_it_is_read_every_so_often() -> None:
    stage = Stage(reconcile=50, audit=None)
    stage.connect()
    stage.join(FILLS)
    stage.pass_time(300)
    assert len(stage.venue.asked) == pytest.approx(2 + 285 // 50, abs=1)


def test_whoever_wants_it_often_has_the_second_read_as_soon() -> None:
    stage = Stage(reconcile=3, audit=None)
    stage.connect()
    stage.join(FILLS)
    stage.pass_time(14)
    assert len(stage.venue.asked) == 5


def test_it_can_be_left_to_breaks_alone() -> None:
    stage = Stage(reconcile=None, audit=None)
    stage.connect()
    stage.join(FILLS)
    stage.pass_time(10_000)
    assert len(stage.venue.asked) == 2


def reads_within(stage: Stage, seconds: float) -> int:
    before = len(stage.venue.asked)
    stage.pass_time(seconds)
    return len(stage.venue.asked) - before


@pytest.mark.parametrize(
    ("every", "count"), [(180.0, 10), (20.0, 15), (None, 0)], ids=str
)
def test_it_is_read_every_half_minute_while_an_order_is_open(
    every: float | None, count: int
) -> None:
    stage = Stage(reconcile=every, audit=None)
    stage.connect()
    settled(stage, ORDERS)
    stage.tell(order())
    assert reads_within(stage, 301) == count


def test_an_order_that_has_ended_is_no_reason_to_read_often(stage: Stage) -> None:
    settled(stage, ORDERS)
    stage.tell(order())
    stage.tell(order(status=CANCELED))
    # Once, as was planned while it was open.
    assert reads_within(stage, 179) == 1


def test_many_open_orders_are_read_as_often_as_was_asked_for(stage: Stage) -> None:
    settled(stage, ORDERS)
    stage.tell(*(order(f"o{number}") for number in range(101)))
    assert reads_within(stage, 179) == 1


def test_fault_23_an_order_that_filled_and_was_never_told_of_is_looked_for(
    stage: Stage,
) -> None:
    orders, fills = settled(stage, ORDERS, FILLS)
    stage.tell(fill("t1", "foreign", at=60))
    assert [x.order_id for x in drain(fills)] == ["foreign"]
    stage.venue.state = AccountState(orders=(order("foreign", filled=1, at=60),))
    stage.pass_time(1.9)
    assert drain(orders) == []
    stage.pass_time(0.2)
    assert stage.venue.asked[-1].strangers == {"foreign"}
    assert [x.order_id for x in drain(orders)] == ["foreign"]


def test_fault_23_an_order_that_fills_unknown_during_a_read_is_looked_for_after_it(
    stage: Stage,
) -> None:
    orders, _fills = settled(stage, ORDERS, FILLS)
    stage.join(POSITIONS)
    stage.run(meanwhile=lambda: stage.tell(fill("t1", "foreign", at=60)))
    stage.venue.state = AccountState(orders=(order("foreign", filled=1, at=60),))
    stage.pass_time(2.1)
    assert stage.venue.asked[-1].strangers == {"foreign"}
    assert [x.order_id for x in drain(orders)] == ["foreign"]


def test_an_order_that_ended_by_an_unknown_word_is_asked_about_once(
    stage: Stage,
) -> None:
    [orders] = settled(stage, ORDERS)
    strange = order(filled=2, status=OrderStatus.UNKNOWN, at=60)
    stage.tell(strange)
    stage.venue.state = AccountState(orders=(strange,))
    stage.pass_time(2.1)
    assert stage.venue.asked[-1].strangers == {"o1"}
    stage.venue.state = AccountState(orders=(order(filled=2, status=CANCELED, at=60),))
    stage.pass_time(200)
    assert stage.venue.asked[-1].strangers == frozenset()
    assert [str(x.status) for x in drain(orders)] == ["unknown", "canceled"]


def test_a_fill_of_an_unknown_order_waits_for_nobody_without_followers_of_orders(
    stage: Stage,
) -> None:
    settled(stage, FILLS)
    asked = len(stage.venue.asked)
    stage.tell(fill("t1", "foreign", at=60))
    stage.pass_time(5)
    assert len(stage.venue.asked) == asked


def test_reconciliations_are_told_who_asks(stage: Stage) -> None:
    follower = stage.join(FILLS, events=True)
    stage.venue.state = AccountState(
        fills=(fill(at=1),), balance=Balance(venue="toy", available=Decimal("12.50"))
    )
    stage.run()
    first, event = drain(follower)
    assert first.fill_id == "t1"
    assert isinstance(event, Reconciled)
    assert (event.orders, event.fills, event.available) == (0, 0, Decimal("12.50"))
    stage.reconnect()
    stage.venue.state = AccountState(fills=(fill(at=1), fill("t2", at=2)))
    stage.run()
    told = [x for x in drain(follower) if isinstance(x, Reconciled)]
    assert [(x.fills, x.available) for x in told] == [(1, None)]
    assert stage.feed.account.balance is None


# -- reads that fail -------------------------------------------------------------------


def test_fault_25_a_read_that_fails_changes_nothing_and_is_tried_again(
    stage: Stage,
) -> None:
    orders, held = settled(stage, ORDERS, POSITIONS)
    stage.tell(order(), position())
    drain(orders)
    drain(held)
    stage.venue.state = NetworkError("no answer")
    stage.reconnect()
    stage.pass_time(5)
    assert drain(orders) == drain(held) == []
    assert len(stage.feed.account.open_orders) == 1
    stage.venue.state = AccountState(orders=(order(filled=2, at=70),))
    stage.pass_time(10)
    assert [int(x.filled) for x in drain(orders)] == [2]


def test_tries_become_rare(stage: Stage) -> None:
    stage.venue.state = NetworkError("no answer")
    stage.join(FILLS)
    stage.pass_time(600)
    assert 10 <= len(stage.venue.asked) <= 20


def test_an_account_that_may_not_be_read_fails_those_who_wait_for_its_state(
    stage: Stage,
) -> None:
    orders, trades = stage.join(ORDERS), stage.join(Subject.TRADES)
    stage.venue.state = PermissionDenied("not with this key")
    stage.run()
    with pytest.raises(PermissionDenied):
        drain(orders)
    assert drain(trades) == []
    assert stage.stream.followed[ORDERS, None] == 0


def test_later_refusals_do_not_end_what_goes_well(stage: Stage) -> None:
    [orders] = settled(stage, ORDERS)
    stage.venue.state = AuthenticationError("for a moment")
    stage.reconnect()
    stage.run()
    stage.tell(order())
    assert len(drain(orders)) == 1


# -- reads that fail for long ----------------------------------------------------------


def health(stage: Stage, **stream: Any) -> StreamHealth:
    told = {"state": "live", **stream}
    return stage.feed.health(attrs.evolve(IDLE, **told))


def test_health_calls_a_stream_live_once_the_account_was_read(stage: Stage) -> None:
    states = [health(stage).state]
    for subject in (FILLS, ORDERS):
        stage.join(subject)
        states.append(health(stage).state)
        stage.run()
        states.append(health(stage).state)
    assert states == ["live", *["connecting", "live"] * 2]


@pytest.mark.parametrize("break_in", ["reconnect", "gap"])
def test_health_calls_a_stream_live_again_once_what_it_may_have_lost_was_read(
    stage: Stage, break_in: str
) -> None:
    settled(stage, FILLS)
    if break_in == "reconnect":
        stage.reconnect()
    else:
        stage.tell(Gap(subject=FILLS, reason="?", at=START))
    before = health(stage).state
    stage.run()
    assert (before, health(stage).state) == ("connecting", "live")
    # A read that falls due by itself follows no loss.
    stage.clock.advance(16)
    assert not stage.feed._reconciler.is_current(FILLS)
    assert health(stage).state == "live"


def test_health_says_that_a_stream_has_begun_whose_connection_has_not(
    stage: Stage,
) -> None:
    empty = health(stage, state="idle").state
    stage.join(Subject.TRADES)
    assert (empty, health(stage, state="idle").state) == ("idle", "connecting")


def test_fault_25_health_says_that_reads_fail_and_that_they_succeed_again(
    stage: Stage,
) -> None:
    settled(stage, FILLS)
    well = health(stage)
    assert (well.state, well.last_error, well.reconcile_failures) == ("live", "", 0)
    assert well.last_reconciled_at == moment(15)
    stage.venue.state = AuthenticationError("the key is not known")
    stage.pass_time(3_600)
    bad = health(stage, last_error="of last year")
    why = "orders, fills and positions could not be read: the key is not known"
    assert (bad.state, bad.last_error) == ("degraded", why)
    assert 50 <= bad.reconcile_failures <= 80
    assert bad.last_reconciled_at == moment(15)
    # What the connection itself has to say comes first.
    lost = health(stage, state="connecting", last_error="gone")
    assert (lost.state, lost.last_error) == ("connecting", "gone")
    stage.venue.state = AccountState()
    stage.pass_time(61)
    again = health(stage)
    assert (again.state, again.reconcile_failures) == ("live", bad.reconcile_failures)
    assert again.last_error == why
    assert again.last_reconciled_at is not None
    assert again.last_reconciled_at > moment(3_600)


def test_fault_25_a_read_that_is_overdue_is_told_once_and_then_its_success(
    stage: Stage,
) -> None:
    watches = [stage.join(s, events=True) for s in (ORDERS, FILLS, POSITIONS)]
    silent, trades = stage.join(ORDERS), stage.join(Subject.TRADES, events=True)
    stage.pass_time(60)
    for follower in watches:
        drain(follower)
    stage.venue.state = NetworkError("no answer")
    stage.pass_time(3_600)
    gaps = [drain(follower) for follower in watches]
    assert [[type(x) for x in found] for found in gaps] == [[Gap]] * 3
    assert [found[0].subject for found in gaps] == [ORDERS, FILLS, POSITIONS]
    reason = "orders, fills and positions could not be read: no answer"
    assert {found[0].reason for found in gaps} == {reason}
    due = moment(15 + 180)
    assert (gaps[0][0].at - due).total_seconds() == pytest.approx(30, abs=0.1)
    # Who comes now is told as well, and begins when it can be read.
    late = stage.join(FILLS, events=True)
    [gap] = drain(late)
    assert (gap.subject, gap.reason) == (FILLS, reason)
    stage.venue.state = AccountState()
    stage.pass_time(61)
    for follower in (*watches, late):
        assert {type(x) for x in drain(follower)} == {Reconciled}
    assert drain(silent) == drain(trades) == []
    stage.venue.state = NetworkError("no answer")
    stage.pass_time(300)
    assert [type(x) for x in drain(late)] == [Gap]


def test_a_read_that_never_ends_is_overdue_too(stage: Stage) -> None:
    follower = stage.join(ORDERS, events=True)
    [_never_run] = stage.feed.jobs()
    assert health(stage).state == "connecting"
    assert stage.feed.delay() == pytest.approx(30)
    stage.clock.advance(30.01)
    assert stage.feed.jobs() == []
    why = "orders, fills and positions were not read for 30 s"
    assert [x.reason for x in drain(follower)] == [why]
    assert (health(stage).state, health(stage).last_error) == ("degraded", why)
    assert stage.feed.delay() == float("inf")


def test_reads_that_nobody_needs_any_more_are_no_trouble(stage: Stage) -> None:
    [fills] = settled(stage, FILLS)
    stage.venue.state = NetworkError("no answer")
    stage.pass_time(600)
    assert health(stage).state == "degraded"
    stage.feed.leave(fills)
    assert health(stage).state == "live"
    stage.pass_time(600)
    again = stage.join(FILLS, events=True)
    assert (drain(again), health(stage).state) == ([], "connecting")


def test_who_comes_while_the_account_may_not_be_read_is_told_why(stage: Stage) -> None:
    [early] = settled(stage, ORDERS)
    stage.venue.state = AuthenticationError("the key is not known")
    stage.pass_time(300)
    late = stage.join(ORDERS)
    stage.run()
    with pytest.raises(AuthenticationError):
        drain(late)
    assert drain(early) == []


# -- what seems to live ----------------------------------------------------------------


def test_fault_33_a_stream_that_lives_and_does_not_tell_is_given_up(
    stage: Stage,
) -> None:
    [fills] = settled(stage, FILLS)
    stage.venue.state = AccountState(fills=(fill("t1", at=40),))
    stage.pass_time(200)
    assert [x.fill_id for x in drain(fills)] == ["t1"]
    assert "1 orders or fills were found over REST" in stage.stream.broken
    assert stage.feed.health(stage.stream.health()).missed == 1


def test_an_order_that_the_stream_did_not_tell_counts_too(stage: Stage) -> None:
    settled(stage, ORDERS)
    stage.venue.state = AccountState(orders=(order(at=40),))
    stage.pass_time(200)
    assert stage.stream.broken
    assert stage.feed.health(stage.stream.health()).missed == 1


def read_early(stage: Stage) -> None:
    """A read that somebody else caused finds a fill and an order of a moment ago."""
    stage.join(POSITIONS)
    stage.venue.state = AccountState(
        fills=(fill("t1", at=58),), orders=(order(filled=1, at=58),)
    )
    stage.run()


def test_what_happened_a_moment_ago_may_still_come(stage: Stage) -> None:
    fills, orders = settled(stage, FILLS, ORDERS)
    read_early(stage)
    assert len(drain(fills)) == len(drain(orders)) == 1
    stage.tell(fill("t1", at=58), order(filled=1, at=58))
    stage.pass_time(300)
    assert stage.stream.broken == ""
    assert stage.feed.health(stage.stream.health()).missed == 0


def test_fault_33_what_does_not_come_after_all_counts(stage: Stage) -> None:
    settled(stage, FILLS, ORDERS)
    read_early(stage)
    assert stage.stream.broken == ""
    stage.pass_time(20)
    assert "2 orders or fills" in stage.stream.broken
    assert stage.feed.health(stage.stream.health()).missed == 2


def test_what_is_followed_no_more_owes_nothing(stage: Stage) -> None:
    fills, _orders = settled(stage, FILLS, ORDERS)
    read_early(stage)
    stage.feed.leave(fills)
    stage.pass_time(300)
    assert stage.stream.broken == ""
    assert stage.feed.health(stage.stream.health()).missed == 0


def test_what_the_stream_says_it_lost_is_no_reason_to_break(stage: Stage) -> None:
    settled(stage, FILLS)
    stage.clock.advance(100)
    stage.tell(Gap(subject=FILLS, reason="it died", at=START))
    stage.venue.state = AccountState(fills=(fill("t1", at=100),))
    stage.pass_time(60)
    assert stage.stream.broken == ""
    assert stage.feed.health(stage.stream.health()).missed == 1


def test_what_a_connection_owes_when_it_breaks_is_missed(stage: Stage) -> None:
    settled(stage, FILLS, ORDERS)
    read_early(stage)
    assert stage.feed.health(stage.stream.health()).missed == 0
    stage.reconnect()
    assert stage.feed.health(stage.stream.health()).missed == 2
    stage.pass_time(20)
    assert stage.stream.broken == ""


def test_what_was_lost_in_a_break_counts_and_is_no_reason_to_break_again(
    stage: Stage,
) -> None:
    settled(stage, FILLS)
    stage.feed.handle(stage.stream.connection_lost("the line broke"))
    stage.clock.advance(100)
    stage.venue.state = AccountState(fills=(fill("t1", at=100),))
    stage.connect()
    stage.pass_time(60)
    assert stage.stream.broken == ""
    assert stage.feed.health(stage.stream.health()).missed == 1


def test_health_counts_reads(stage: Stage) -> None:
    settled(stage, FILLS)
    assert stage.feed.health(stage.stream.health()).reconciliations == 2


# -- a clock that is set -------------------------------------------------------------------


@pytest.mark.parametrize("step", [-3_600.0, 3_600.0])
def test_fault_44_fills_are_told_though_our_clock_is_set_while_the_account_is_read(
    stage: Stage, step: float
) -> None:
    measure(stage)
    [mine] = settled(stage, FILLS)
    stage.clock.advance(180)
    happened = stage.clock.monotonic()
    assert stage.run(meanwhile=lambda: stage.clock.step(step)) == 1
    news = fill("t9", at=happened + 5)
    stage.clock.advance(10)
    stage.tell(news)
    assert drain(mine) == [news]


def test_fault_44_after_a_set_clock_the_account_is_read_for_who_comes_then(
    stage: Stage,
) -> None:
    settled(stage, FILLS)
    reads = len(stage.venue.asked)
    stage.join(FILLS)
    assert stage.run() == 0
    stage.clock.step(10)
    stage.join(FILLS)
    assert stage.run() == 1
    assert len(stage.venue.asked) == reads + 1


def test_fault_44_who_came_before_the_clock_was_set_back_misses_nothing(
    stage: Stage,
) -> None:
    measure(stage)
    [mine] = settled(stage, FILLS)
    stage.clock.step(-3_600)
    news = fill("t9", at=stage.clock.monotonic() + 1)
    stage.tell(news)
    assert drain(mine) == [news]


@pytest.mark.parametrize("step", [0.9, 300.0])
def test_fault_44_the_first_fill_after_the_clock_was_set_forward_is_told(
    stage: Stage, step: float
) -> None:
    stage.clock.advance(100)
    measure(stage)
    stage.clock.step(step)
    mine = stage.join(FILLS)
    # The account is not read yet, so that only the stream tells.
    old, news = fill("t8", at=99), fill("t9", at=100.1)
    stage.tell(old, news)
    assert drain(mine) == [news]


def test_fault_44_after_the_clock_was_set_forward_the_account_is_read_from_the_right_time(
    stage: Stage,
) -> None:
    stage.clock.advance(100)
    measure(stage)
    stage.clock.step(300)
    mine = stage.join(FILLS)
    news = fill("t9", at=100.5)
    stage.clock.advance(1)
    stage.venue.state = AccountState(fills=(fill("t8", at=99), news))
    stage.run()
    [wanted] = stage.venue.asked
    assert abs((wanted.since - START).total_seconds() - 40) <= 1
    assert drain(mine) == [news]
