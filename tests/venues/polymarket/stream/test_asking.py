"""What is asked of the market channel, when, and in which words."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import attrs
import pytest

from unified_exchanges.errors import BadRequest, NotSupported
from unified_exchanges.models import Gap, OrderBook, Subject
from unified_exchanges.streams.protocol import BookWanted, Refused, Unheard

from .desk import NO, OTHER, T0, YES, A, B, MarketDesk, book, outcomes

FIRST = {"type": "market", "custom_feature_enabled": True}
REST = OrderBook(
    venue="polymarket",
    market_id=A,
    outcome="yes",
    bids=(),
    asks=(),
    timestamp=datetime.fromtimestamp(T0 / 1000, UTC),
)
MORE = {"operation": "subscribe", "custom_feature_enabled": True}


def test_the_first_frame_names_the_tokens_and_the_features() -> None:
    desk = MarketDesk().follow()
    first, ping = desk.connect()
    assert (json.loads(first), ping) == ({"assets_ids": [YES], **FIRST}, "PING")


def test_the_pong_of_an_earlier_ping_is_no_answer() -> None:
    desk = MarketDesk().follow()
    desk.connect()
    desk.follow(A, outcome="no")
    desk.sent()
    states = [desk.stream.is_settled]
    for _ in range(2):
        desk.tell("PONG")
        states.append(desk.stream.is_settled)
    assert states == [False, False, True]


def test_a_pong_that_was_lost_is_waited_for_no_longer_than_to_the_next() -> None:
    desk = MarketDesk().follow()
    desk.connect()
    desk.tell(book())
    desk.pass_time(10)
    assert desk.sent() == ["PING"]
    desk.tell("PONG")
    assert desk.stream.is_settled


def test_nothing_is_sent_without_a_wish() -> None:
    assert MarketDesk().connect() == []


def test_a_ping_is_sent_every_ten_seconds_and_a_pong_is_no_message() -> None:
    desk = MarketDesk().follow()
    desk.connect()
    desk.clock.advance(9.9)
    early = desk.sent()
    desk.clock.advance(0.1)
    assert (early, desk.sent(), desk.tell("PONG", b"PONG")) == ([], ["PING"], [])
    assert desk.stream.health().malformed_messages == 0


def test_who_comes_later_is_added() -> None:
    desk = MarketDesk().follow()
    desk.connect()
    desk.follow(A, outcome="no")
    assert desk.asked() == [{"assets_ids": [NO], **MORE}]


def test_an_outcome_is_named_by_label_or_token_in_any_case() -> None:
    desk = MarketDesk().follow(A, outcome="NO")
    desk.follow(A, outcome=NO)
    first, _ = desk.connect()
    assert json.loads(first)["assets_ids"] == [NO]


def test_what_several_follow_is_asked_for_once_and_given_up_by_the_last() -> None:
    desk = MarketDesk().follow().follow()
    desk.connect()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    between = desk.asked()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    gone = [{"operation": "unsubscribe", "assets_ids": [YES]}]
    assert (between, desk.asked()) == ([], gone)


def test_taking_back_too_often_does_no_harm() -> None:
    desk = MarketDesk().follow()
    for _ in range(2):
        desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    desk.stream.unfollow(Subject.MARKET_STATUS, None)
    assert desk.connect() == []


def test_a_token_that_is_followed_again_at_once_is_begun_anew() -> None:
    desk = MarketDesk().follow()
    desk.connect()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    desk.follow()
    assert desk.asked() == [
        {"operation": "unsubscribe", "assets_ids": [YES]},
        {"assets_ids": [YES], **MORE},
    ]


def test_a_book_of_a_token_whose_quotes_are_followed_is_asked_for_anew() -> None:
    desk = MarketDesk().follow(subject=Subject.TICKER)
    desk.connect()
    desk.follow()
    # Asking once more for what is subscribed brings nothing.
    assert [x["operation"] for x in desk.asked()] == ["unsubscribe", "subscribe"]


def test_trades_without_an_outcome_are_those_of_both() -> None:
    desk = MarketDesk().follow(subject=Subject.TRADES)
    first, _ = desk.connect()
    assert json.loads(first)["assets_ids"] == [YES, NO]


def test_of_two_subjects_the_last_takes_the_token_along() -> None:
    desk = MarketDesk().follow().follow(subject=Subject.MARKET_STATUS)
    desk.stream.tap([YES])
    desk.stream.tap([YES])
    desk.connect()
    for subject in (Subject.ORDER_BOOK, Subject.MARKET_STATUS):
        desk.stream.unfollow(subject, [A])
    desk.stream.untap([YES])
    between = desk.asked()
    desk.stream.untap([YES])
    gone = [{"operation": "unsubscribe", "assets_ids": [YES]}]
    assert (between, desk.asked()) == ([], gone)


def test_a_book_lives_as_long_as_one_name_of_it_is_followed() -> None:
    desk = MarketDesk().follow().follow(A, outcome="yes").live()
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    assert (desk.asked(), desk.book("yes").stale) == ([], False)


def test_quotes_that_nobody_follows_are_given_up() -> None:
    desk = MarketDesk().follow(subject=Subject.TICKER)
    desk.connect()
    desk.stream.unfollow(Subject.TICKER, [A])
    assert [x["operation"] for x in desk.asked()] == ["unsubscribe"]


def test_many_tokens_go_in_several_frames() -> None:
    desk = MarketDesk()
    desk.stream.tap([str(x) for x in range(1, 451)])
    frames = [json.loads(x) for x in desk.connect()[:-1]]
    assert [len(x["assets_ids"]) for x in frames] == [200, 200, 50]
    assert ["type" in x for x in frames] == [True, False, False]


def test_all_is_asked_for_again_on_a_new_connection() -> None:
    desk = MarketDesk().follow().live()
    [gap] = desk.stream.connection_lost("the line broke")
    assert isinstance(gap, Gap)
    assert gap.subject is None
    first, _ = desk.connect()
    assert (json.loads(first)["assets_ids"], desk.is_live) == ([YES], False)
    desk.tell(book(at=-5))
    assert desk.is_live


def test_a_connection_that_nobody_needs_is_lost_without_a_word() -> None:
    desk = MarketDesk()
    early = list(desk.stream.connection_lost("early"))
    desk.connect()
    assert (early, list(desk.stream.connection_lost("late"))) == ([], [])


def test_the_lives_of_all_markets_need_no_token() -> None:
    desk = MarketDesk()
    desk.stream.follow(Subject.MARKET_STATUS, None)
    first, _ = desk.connect()
    assert json.loads(first) == {"assets_ids": [], **FIRST}


@pytest.mark.parametrize("subject", [Subject.TICKER, Subject.TRADES])
def test_quotes_of_all_markets_are_not_to_be_had(subject: Subject) -> None:
    with pytest.raises(NotSupported, match="name them in market_ids"):
        MarketDesk().stream.follow(subject, None)


def test_an_outcome_that_a_known_market_does_not_have_is_refused_at_once() -> None:
    desk = MarketDesk()
    with pytest.raises(BadRequest, match="has no outcome 'maybe'"):
        desk.follow(A, outcome="maybe")
    assert desk.connect() == []


# -- markets that are not known yet ----------------------------------------------------


def test_a_market_that_is_not_known_is_asked_about_and_followed_once_it_is() -> None:
    desk = MarketDesk().follow(B)
    assert desk.connect() == []
    [asked] = desk.stream.poll()
    assert isinstance(asked, Unheard)
    assert asked.market_ids == {B}
    again = list(desk.stream.poll())
    desk.memory.learn_market(B, outcomes(OTHER, "444"))
    assert (again, desk.asked()) == ([], [{"assets_ids": [OTHER], **FIRST}])


def test_what_stays_unknown_is_asked_about_again_in_a_while() -> None:
    desk = MarketDesk().follow(B)
    desk.connect()
    told = desk.pass_time(12)
    assert [type(x) for x in told] == [Unheard, Unheard]
    assert not desk.stream.is_settled


def test_what_was_never_known_is_given_up_without_a_word() -> None:
    desk = MarketDesk().follow(B)
    desk.stream.unfollow(Subject.ORDER_BOOK, [B])
    assert (desk.connect(), list(desk.stream.poll())) == ([], [])


def test_an_outcome_that_turns_out_not_to_exist_is_refused_to_who_wished_it() -> None:
    desk = MarketDesk().follow(B, outcome="maybe").follow(B)
    desk.connect()
    desk.memory.learn_market(B, outcomes(OTHER, "444"))
    asked = desk.asked()
    [refused] = desk.stream.poll()
    assert isinstance(refused, Refused)
    assert (refused.subject, refused.outcome) == (Subject.ORDER_BOOK, "maybe")
    assert refused.market_ids == {B}
    assert asked == [{"assets_ids": [OTHER], **FIRST}]


# -- books that do not come ------------------------------------------------------------


def test_a_book_that_does_not_come_in_five_seconds_is_wanted_of_rest() -> None:
    desk = MarketDesk().follow()
    desk.connect()
    early = desk.pass_time(4)
    [wanted] = desk.pass_time(1)
    assert early == []
    assert isinstance(wanted, BookWanted)
    assert (wanted.market_id, wanted.outcome) == (A, "yes")
    assert [x["operation"] for x in desk.asked()] == ["unsubscribe", "subscribe"]


def test_it_is_asked_for_ever_less_often() -> None:
    desk = MarketDesk().follow()
    desk.connect()
    count = []
    for _ in range(120):
        count += desk.pass_time(1)
        desk.sent()
    assert len(count) == 4


def test_a_token_of_an_unknown_market_has_no_rest() -> None:
    desk = MarketDesk()
    desk.stream.tap([OTHER])
    desk.connect()
    assert desk.pass_time(5) == []


def test_silence_breaks_the_connection() -> None:
    desk = MarketDesk().follow().live()
    before = desk.book()
    desk.clock.advance(28.1)
    assert before.stale
    assert list(desk.stream.poll()) == []
    assert desk.stream.broken == "nothing was heard for 28 s, not even a PONG"


def test_the_next_look_is_never_later_than_what_is_due() -> None:
    desk = MarketDesk().follow()
    desk.connect()
    awaited = desk.stream.next_poll()
    desk.tell(book())
    assert (awaited, desk.stream.next_poll()) == (5.0, 10.0)
    desk.stream.unfollow(Subject.ORDER_BOOK, [A])
    assert desk.stream.next_poll() == 0.0


# -- health ----------------------------------------------------------------------------


def test_the_state_says_what_is_missing() -> None:
    desk = MarketDesk().follow()
    states = [desk.stream.health().state]
    desk.connect()
    states.append(desk.stream.health().state)
    desk.tell(book())
    states.append(desk.stream.health().state)
    desk.tell("PONG")
    states.append(desk.stream.health().state)
    list(desk.stream.doubt(A, "it differs"))
    desk.pass_time(11)
    states.append(desk.stream.health().state)
    assert states == ["connecting"] * 3 + ["live", "degraded"]


def test_health_counts() -> None:
    desk = MarketDesk().follow().live()
    health = desk.stream.health()
    assert (health.messages, health.connections, health.subscriptions) == (2, 1, 1)
    assert (health.stale_books, health.silence_ms) == (0, 0.0)


def test_more_tokens_than_get_first_books_are_told_of_and_read_over_rest() -> None:
    desk = MarketDesk()
    names = [f"0x{number:064x}" for number in range(501)]
    for number, name in enumerate(names):
        desk.memory.learn_market(name, outcomes(str(1000 + number), str(9000 + number)))
    desk.follow(*names[:500])
    desk.connect()
    desk.tell("PONG")
    assert desk.stream.health().last_error == ""
    desk.follow(names[500])
    assert desk.asked()
    assert (
        "501 tokens are followed on one connection" in desk.stream.health().last_error
    )
    for _ in range(6):
        desk.clock.advance(1)
        wanted = [x for x in desk.stream.poll() if isinstance(x, BookWanted)]
        if wanted:
            break
    assert {x.market_id for x in wanted} == set(names)


def test_a_book_of_rest_is_not_asked_for_again_where_none_is_to_be_expected() -> None:
    desk = MarketDesk()
    names = [f"0x{number:064x}" for number in range(501)]
    for number, name in enumerate(names):
        desk.memory.learn_market(name, outcomes(str(1000 + number), str(9000 + number)))
    desk.follow(*names)
    desk.connect()
    desk.tell("PONG")
    desk.pass_time(6)
    desk.sent()
    for name in names:
        list(desk.stream.load(attrs.evolve(REST, market_id=name)))
    assert desk.stream.health().stale_books == 0
    desk.pass_time(120)
    assert desk.asked() == []
    assert not desk.stream.broken
