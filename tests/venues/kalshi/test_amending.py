"""Amending: what is sent for a change, and whether it happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import pytest

from tests.venues.kalshi.blotter import GONE, ONCE, ORDERS, rain, resting, sent
from tests.venues.kalshi.desk import NOW, Desk, body, desk, order, refusal
from unified_exchanges.errors import (
    ArgumentsRequired,
    BadRequest,
    ConnectionLost,
    ExchangeNotAvailable,
    InvalidOrder,
    InvalidPrice,
    InvalidSize,
    NetworkError,
    OrderNotFound,
    PermissionDenied,
    RateLimitExceeded,
    UnifiedExchangesError,
    VenueSchemaError,
)
from unified_exchanges.flow import Response
from unified_exchanges.models import OrderStatus
from unified_exchanges.policy import RetryPolicy

AMEND = f"{ORDERS}/o1/amend"
READ = "/portfolio/orders/o1"
OPEN = {"order": resting()}
CHANGED = {
    "order_id": "o1",
    "remaining_count": "7.00",
    "fill_count": "0.00",
    "ts_ms": 1_795_200_002_000,
}
SHOWN = {"order": resting(initial_count_fp="7.00", remaining_count_fp="7.00")}
NOT_FOUND = refusal(404, "not_found")
BUSY = Response(429, {}, b'{"error":"too many requests"}')
LATER = datetime(2026, 12, 24, tzinfo=UTC)
LATER_TEXT = "2026-12-24T00:00:00Z"


def amender(
    amend: Any, read: Any = OPEN, retry: RetryPolicy | None = None, **more: Any
) -> Desk:
    settings = {} if retry is None else {"retry": retry}
    return desk(rain(**{AMEND: amend, READ: read, **more}), **settings)


def told(act: Any) -> UnifiedExchangesError:
    with pytest.raises(UnifiedExchangesError) as caught:
        act()
    return caught.value


# -- what is sent ----------------------------------------------------------------------


def test_a_change_carries_all_of_the_new_terms() -> None:
    place = amender(CHANGED)
    done = place.kalshi.edit_order("o1", size=7)
    assert sent(place) == {
        "ticker": "RAIN",
        "side": "bid",
        "price": "0.3000",
        "count": "7.00",
        "exchange_index": 0,
    }
    assert (done.size, done.remaining, done.status) == (7, 7, OrderStatus.OPEN)


@pytest.mark.parametrize(
    ("outcome", "price", "wire"), [("yes", "0.31", "0.3100"), ("no", "0.60", "0.4000")]
)
def test_p07_a_price_is_for_the_outcome_that_is_named(
    outcome: str, price: str, wire: str
) -> None:
    shown = {"yes_price_dollars": wire, "no_price_dollars": None}
    place = amender({"order_id": "o1"}, [OPEN, {"order": resting(**shown)}])
    done = place.kalshi.edit_order("o1", outcome=outcome, price=price)
    assert (sent(place)["price"], sent(place)["side"]) == (wire, "bid")
    assert (done.outcome, done.price) == (outcome, Decimal(price))


def test_a_price_without_its_outcome_is_refused_unsent() -> None:
    place = amender(CHANGED)
    error = told(lambda: place.kalshi.edit_order("o1", price="0.31"))
    assert isinstance(error, ArgumentsRequired)
    assert place.asked == []


def test_nothing_to_change_is_refused_unsent() -> None:
    place = amender(CHANGED)
    assert isinstance(told(lambda: place.kalshi.edit_order("o1")), ArgumentsRequired)
    assert place.asked == []


def test_an_expiry_is_sent_in_seconds() -> None:
    shown = {"order": resting(expiration_time=LATER_TEXT)}
    place = amender({"order_id": "o1"}, [OPEN, shown])
    done = place.kalshi.edit_order("o1", expires_at=LATER)
    assert sent(place)["expiration_time"] == int(LATER.timestamp())
    assert done.expires_at == LATER


def at_the_venue(hours: int, payload: Any) -> Response:
    """An answer by a clock that is set so many hours otherwise than ours."""
    date = format_datetime(NOW + timedelta(hours=hours), usegmt=True)
    return Response(200, {"date": date}, body(payload).body)


def test_fault_44_an_expiry_is_held_against_the_venue_s_clock() -> None:
    soon = NOW - timedelta(minutes=30)
    text = soon.isoformat().replace("+00:00", "Z")
    before = at_the_venue(-1, OPEN)
    shown = at_the_venue(-1, {"order": resting(expiration_time=text)})
    place = amender(at_the_venue(-1, {"order_id": "o1"}), [before, shown])
    done = place.kalshi.edit_order("o1", expires_at=soon)
    assert (sent(place)["expiration_time"], done.expires_at) == (
        int(soon.timestamp()),
        soon,
    )


def test_fault_44_an_expiry_that_has_passed_at_the_venue_is_refused_unsent() -> None:
    place = amender(CHANGED, at_the_venue(1, OPEN))
    soon = NOW + timedelta(minutes=30)
    error = told(lambda: place.kalshi.edit_order("o1", size=7, expires_at=soon))
    assert isinstance(error, InvalidOrder)
    assert "in the past" in error.message
    assert AMEND not in place.asked


def test_an_expiry_is_taken_away_by_kalshi_s_own_word() -> None:
    before = {"order": resting(expiration_time=LATER_TEXT)}
    place = amender({"order_id": "o1"}, [before, OPEN])
    done = place.kalshi.edit_order("o1", size=10, params={"expiration_time": 0})
    assert sent(place)["expiration_time"] == 0
    assert done.expires_at is None


@pytest.mark.parametrize(
    "moment",
    [
        LATER.replace(tzinfo=None),
        LATER.replace(microsecond=5),
        "2026-12-24",
    ],
)
def test_an_expiry_that_cannot_be_is_refused_unsent(moment: Any) -> None:
    place = amender(CHANGED)
    error = told(lambda: place.kalshi.edit_order("o1", expires_at=moment))
    assert isinstance(error, InvalidOrder)
    assert place.asked == []


def test_contracts_taken_off_before_stay_off() -> None:
    decreased = {"order": resting(remaining_count_fp="6.00")}
    place = amender({"order_id": "o1"}, decreased)
    place.kalshi.edit_order("o1", outcome="yes", price="0.31")
    assert sent(place)["count"] == "6.00"


def test_the_subaccount_of_the_order_is_named() -> None:
    place = desk(rain(**{AMEND: CHANGED, READ: OPEN}), options={"subaccount": 4})
    place.kalshi.edit_order("o1", size=7)
    assert place.queries(AMEND) == [{"subaccount": "4"}]


def test_an_answer_with_fills_is_told() -> None:
    filled = {**CHANGED, "fill_count": "7.00", "remaining_count": "0.00"}
    ended = order("o1", initial_count_fp="7.00", fill_count_fp="7.00")
    done = amender(filled, [OPEN, {"order": ended}]).kalshi.edit_order("o1", size=7)
    assert (done.filled, done.status) == (7, OrderStatus.CLOSED)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"outcome": "yes", "price": "0.305"}, InvalidPrice),
        ({"size": "1.001"}, InvalidSize),
        ({"size": 0}, InvalidSize),
        ({"outcome": "maybe", "price": "0.3"}, BadRequest),
        ({"size": 5, "params": {"nonsense": 1}}, BadRequest),
    ],
)
def test_a_change_that_cannot_be_is_refused_before_the_amend(
    change: dict[str, Any], kind: type[Exception]
) -> None:
    place = amender(CHANGED)
    assert isinstance(told(lambda: place.kalshi.edit_order("o1", **change)), kind)
    assert AMEND not in place.asked


@pytest.mark.parametrize("size", ["4", "3"])
def test_a_size_that_has_filled_already_is_refused(size: str) -> None:
    partly = {"order": resting(fill_count_fp="4.00", remaining_count_fp="6.00")}
    place = amender(CHANGED, partly)
    error = told(lambda: place.kalshi.edit_order("o1", size=size))
    assert "filled already" in str(error)
    assert AMEND not in place.asked


def test_an_order_that_is_done_cannot_change() -> None:
    place = amender(CHANGED, {"order": order("o1")})
    error = told(lambda: place.kalshi.edit_order("o1", size=5))
    assert "could not be changed" in str(error)
    assert AMEND not in place.asked


def test_an_order_that_is_nowhere_is_not_found() -> None:
    place = amender(CHANGED, NOT_FOUND)
    assert isinstance(
        told(lambda: place.kalshi.edit_order("o1", size=5)), OrderNotFound
    )


def test_a_second_change_builds_on_the_first_where_reads_are_late() -> None:
    price = {"yes_price_dollars": "0.2500", "no_price_dollars": None}
    shown = resting(**price, last_update_time=LATER_TEXT)
    place = amender([{"order_id": "o1"}, CHANGED], [OPEN, OPEN, {"order": shown}, OPEN])
    place.kalshi.edit_order("o1", outcome="yes", price="0.25")
    place.kalshi.edit_order("o1", size=7)
    assert (sent(place)["price"], sent(place)["count"]) == ("0.2500", "7.00")


# -- lost answers ----------------------------------------------------------------------

LOST = [
    (ConnectionLost("gone"), NetworkError),
    (GONE, ExchangeNotAvailable),
    (Response(200, {}, b'{"order_'), VenueSchemaError),
]


@pytest.mark.parametrize(("answer", "kind"), LOST)
def test_fault_21_a_lost_answer_of_a_change_that_shows_is_a_change(
    answer: Any, kind: type[Exception]
) -> None:
    place = amender(answer, [OPEN, SHOWN], ONCE)
    assert place.kalshi.edit_order("o1", size=7).size == 7


@pytest.mark.parametrize(("answer", "kind"), LOST)
def test_fault_21_a_lost_answer_of_a_change_that_does_not_show_is_undecided(
    answer: Any, kind: type[Exception]
) -> None:
    error = told(lambda: amender(answer, OPEN, ONCE).kalshi.edit_order("o1", size=7))
    assert isinstance(error, kind)
    assert error.maybe_executed
    assert "may or may not take effect" in str(error)


def test_fault_21_before_a_change_is_sent_again_it_is_looked_for() -> None:
    place = amender([GONE, CHANGED], [OPEN, SHOWN])
    place.kalshi.edit_order("o1", size=7)
    assert place.asked.count(AMEND) == 1


def test_fault_21_a_change_that_does_not_show_is_sent_again() -> None:
    place = amender([GONE, CHANGED], OPEN)
    assert place.kalshi.edit_order("o1", size=7).size == 7
    assert place.asked.count(AMEND) == 2


@pytest.mark.parametrize("look", [GONE, NOT_FOUND])
def test_fault_21_a_change_that_cannot_be_looked_for_is_undecided(look: Any) -> None:
    place = amender(GONE, [OPEN, look], ONCE)
    assert told(lambda: place.kalshi.edit_order("o1", size=7)).maybe_executed


def test_a_404_of_a_change_says_what_the_venue_shows() -> None:
    place = amender(NOT_FOUND, [OPEN, {"order": order("o1")}])
    error = told(lambda: place.kalshi.edit_order("o1", size=7))
    assert isinstance(error, InvalidOrder)
    assert "shows it closed with 10 of 10 filled" in str(error)
    assert (error.status, error.maybe_executed) == (404, False)


def test_a_404_of_an_order_that_is_gone_is_not_found() -> None:
    place = amender(NOT_FOUND, [OPEN, NOT_FOUND])
    assert isinstance(
        told(lambda: place.kalshi.edit_order("o1", size=7)), OrderNotFound
    )


def test_a_404_after_doubt_may_be_our_own_change_that_filled() -> None:
    filled = {
        "order": order(
            "o1",
            initial_count_fp="7.00",
            fill_count_fp="7.00",
            created_time=NOW.isoformat(),
        )
    }
    place = amender([GONE, NOT_FOUND], [OPEN, OPEN, filled])
    done = place.kalshi.edit_order("o1", size=7)
    assert (done.size, done.status) == (7, OrderStatus.CLOSED)


def test_a_404_after_doubt_that_shows_nothing_of_it_stays_in_doubt() -> None:
    place = amender([GONE, NOT_FOUND], [OPEN, OPEN, {"order": order("o1")}])
    error = told(lambda: place.kalshi.edit_order("o1", size=7))
    assert isinstance(error, InvalidOrder)
    assert error.maybe_executed


def test_a_refused_change_is_refused_once() -> None:
    place = amender(refusal(403, "permission_denied"))
    error = told(lambda: place.kalshi.edit_order("o1", size=7))
    assert isinstance(error, PermissionDenied)
    assert (place.asked.count(AMEND), error.maybe_executed) == (1, False)


def test_fault_09_a_change_refused_for_speed_is_not_repeated() -> None:
    place = amender(BUSY)
    error = told(lambda: place.kalshi.edit_order("o1", size=7))
    assert isinstance(error, RateLimitExceeded)
    assert (place.asked.count(AMEND), error.maybe_executed) == (1, False)


def test_a_change_that_never_left_is_sent_again() -> None:
    place = amender([ConnectionLost("refused", sent=False), CHANGED])
    assert place.kalshi.edit_order("o1", size=7).size == 7


@pytest.mark.parametrize("stamp", [None, "2026-11-20T10:00:00Z"])
def test_without_later_news_the_read_is_believed(stamp: str | None) -> None:
    shown = {"order": resting(last_update_time=stamp)}
    place = amender([{"order_id": "o1"}, CHANGED], shown)
    place.kalshi.edit_order("o1", outcome="yes", price="0.25")
    place.kalshi.edit_order("o1", size=7)
    assert sent(place)["price"] == "0.3000"


def test_fault_21_an_order_that_ended_after_a_lost_change_is_told_as_in_doubt() -> None:
    place = amender([GONE, CHANGED], [OPEN, {"order": order("o1")}])
    error = told(lambda: place.kalshi.edit_order("o1", size=7))
    assert isinstance(error, InvalidOrder)
    assert "shows it closed with 10 of 10 filled" in str(error)
    assert (error.maybe_executed, place.asked.count(AMEND)) == (True, 1)


def test_a_change_that_never_left_is_not_sent_again_if_the_order_cannot_be_read() -> (
    None
):
    unsent = ConnectionLost("refused", sent=False)
    place = amender([unsent, CHANGED], [OPEN, refusal(403, "permission_denied")])
    error = told(lambda: place.kalshi.edit_order("o1", size=7))
    assert isinstance(error, PermissionDenied)
    assert (error.maybe_executed, place.asked.count(AMEND)) == (False, 1)


FILLED = {**CHANGED, "fill_count": "1.00", "remaining_count": "6.00"}


@pytest.mark.parametrize(
    ("later", "why"),
    [
        ([NOT_FOUND], "neither live nor archived"),
        (
            [{"order": resting(last_update_time="2026-11-20T10:00:00Z")}],
            "still shown as it was before",
        ),
    ],
)
def test_fault_28_a_change_that_no_read_shows_says_that_its_fills_are_unknown(
    later: list[Any], why: str
) -> None:
    place = amender(FILLED, [OPEN, *later])
    error = told(lambda: place.kalshi.edit_order("o1", size=7))
    assert "is changed, but what had filled meanwhile could not be read" in str(error)
    assert why in str(error)
    assert error.maybe_executed


SIZE = refusal(400, "invalid_order_size")


def test_a_size_that_is_refused_while_reads_fail_is_refused() -> None:
    place = amender(SIZE, [OPEN, GONE], ONCE)
    error = told(lambda: place.kalshi.edit_order("o1", size=7))
    assert isinstance(error, InvalidSize)
    assert not error.maybe_executed


@pytest.mark.parametrize(("read", "kind"), [(OPEN, InvalidSize), (SHOWN, None)])
def test_fault_21_a_size_refused_after_a_lost_change_is_looked_into(
    read: Any, kind: type[Exception] | None
) -> None:
    place = amender([GONE, SIZE], [OPEN, OPEN, read])
    if kind is None:
        assert place.kalshi.edit_order("o1", size=7).size == 7
        return
    error = told(lambda: place.kalshi.edit_order("o1", size=7))
    assert isinstance(error, kind)
    assert error.maybe_executed
