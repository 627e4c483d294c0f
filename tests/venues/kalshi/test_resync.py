"""What a watch asks of Kalshi over REST: arguments, and the account read again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from unified_exchanges.errors import AuthenticationError, BadRequest
from unified_exchanges.models import AccountState, Resync, Subject

from . import desk as d

ALL = frozenset({Subject.ORDERS, Subject.FILLS, Subject.POSITIONS})
SINCE = datetime(2026, 11, 20, tzinfo=UTC)


def resync(
    desk: d.Desk, subjects: frozenset[Subject] = ALL, **known: Any
) -> AccountState:
    wanted = Resync(subjects=subjects, since=SINCE, **known)
    return desk.kalshi._driver.run(desk.kalshi.venue.resync(wanted))


def account(**answers: Any) -> d.Desk:
    """Each path answers what is given, or an empty list."""
    told = {
        "/portfolio/orders": d.orders(),
        "/portfolio/fills": d.fills(),
        "/portfolio/positions": d.positions(),
        "/portfolio/balance": {
            "balance": 1250,
            "balance_dollars": "12.5000",
            "portfolio_value": 0,
            "updated_ts": 1_795_000_000,
        },
        "/historical/orders": d.orders(),
    }
    return d.desk({**told, **answers})


def by_status(**rows: Any) -> Any:
    """Orders by the status that is asked for; without one all of them."""

    def answer(query: dict[str, str]) -> Any:
        return d.orders(*rows.get(query.get("status", "all"), ()))

    return answer


def resting(name: str, **fields: Any) -> dict[str, Any]:
    fields = {"fill_count_fp": "0.00", "remaining_count_fp": "10.00", **fields}
    return d.order(name, status="resting", **fields)


def test_everything_wanted_is_read() -> None:
    desk = account(
        **{
            "/portfolio/orders": by_status(
                resting=[resting("o1")], all=[d.order("o2"), resting("o1")]
            ),
            "/portfolio/fills": d.fills(d.fill("f1")),
            "/portfolio/positions": d.positions(d.position("RAIN", "10.00")),
        }
    )
    state = resync(desk)
    assert sorted(x.order_id for x in state.orders) == ["o1", "o2"]
    assert [x.fill_id for x in state.fills] == ["f1"]
    assert [x.market_id for x in state.positions] == ["RAIN"]
    assert state.balance is not None
    assert str(state.balance.available) == "12.5000"


def test_what_is_not_wanted_is_not_read() -> None:
    desk = account()
    resync(desk, frozenset({Subject.FILLS}))
    assert set(desk.asked) - {"/historical/cutoff"} == {
        "/portfolio/fills",
        "/portfolio/balance",
    }


def test_what_is_read_later_counts() -> None:
    """An order that rested in the first list and was done in the second is done."""
    desk = account(
        **{"/portfolio/orders": by_status(resting=[resting("o1")], all=[d.order("o1")])}
    )
    [found] = resync(desk).orders
    assert found.status == "closed"


def test_fault_27_an_order_that_is_missing_from_the_list_is_read_by_itself() -> None:
    done = {"order": d.order("gone", status="canceled")}
    desk = account(**{"/portfolio/orders/gone": done})
    before = account(**{"/portfolio/orders": by_status(all=[resting("gone")])})
    [known] = resync(before, frozenset({Subject.ORDERS})).orders
    [found] = resync(desk, open_orders=(known,)).orders
    assert (found.order_id, found.status) == ("gone", "canceled")


def test_an_order_that_the_venue_does_not_know_is_left_as_it_is() -> None:
    desk = account()
    assert resync(desk, strangers=frozenset({"nobody"})).orders == ()


def test_strangers_are_read_by_their_ids() -> None:
    desk = account(**{"/portfolio/orders/x": {"order": d.order("x")}})
    [found] = resync(desk, strangers=frozenset({"x"})).orders
    assert found.order_id == "x"


def test_many_missing_orders_are_looked_for_in_one_list() -> None:
    names = [f"o{number}" for number in range(30)]
    before = account(
        **{"/portfolio/orders": by_status(all=[resting(name) for name in names])}
    )
    known = resync(before, frozenset({Subject.ORDERS})).orders
    listed: list[Any] = [d.orders(), d.orders(), d.orders(*map(d.order, names))]
    desk = account(**{"/portfolio/orders": listed})
    found = resync(desk, frozenset({Subject.ORDERS}), open_orders=known).orders
    assert sorted(x.order_id for x in found) == sorted(names)
    assert (
        len([path for path in desk.asked if path.startswith("/portfolio/orders")]) == 3
    )


def test_what_was_held_and_is_no_more_is_read_by_itself() -> None:
    desk = account()
    before = account(
        **{"/portfolio/positions": d.positions(d.position("RAIN", "10.00"))}
    )
    held = resync(before, frozenset({Subject.POSITIONS})).positions

    def answer(query: dict[str, str]) -> Any:
        if query.get("ticker") != "RAIN":
            return d.positions()
        assert query["count_filter"] == "total_traded"
        closed = {"market_exposure_dollars": "0", "realized_pnl_dollars": "1.25"}
        return d.positions(d.position("RAIN", "0.00", **closed))

    desk = account(**{"/portfolio/positions": answer})
    [found] = resync(desk, held=held).positions
    assert (found.size, str(found.realized_pnl)) == (0, "1.25")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (("A", None), (("A",), None)),
        ((["A", "B", "A"], "yes"), (("A", "B"), None)),
        ((("A",), "NO"), (("A",), "no")),
        ((None, None), (None, None)),
    ],
)
def test_what_is_to_be_watched_is_read(given: Any, read: Any) -> None:
    assert d.desk().kalshi.venue.read_watch(*given) == read


@pytest.mark.parametrize("given", [("", None), ([1], None), ("A", "maybe")])
def test_what_cannot_be_watched_is_refused(given: Any) -> None:
    with pytest.raises(BadRequest):
        d.desk().kalshi.venue.read_watch(*given)


def test_an_account_is_not_read_without_a_key() -> None:
    with pytest.raises(AuthenticationError):
        resync(d.desk(key_id=None))


def missing(desk: d.Desk, *market_ids: str) -> list[str]:
    return desk.kalshi._driver.run(desk.kalshi.venue.missing_markets(market_ids))


def test_markets_that_are_neither_live_nor_archived_are_missing() -> None:
    desk = d.desk(
        {"/markets": d.markets("LIVE"), "/historical/markets": d.markets("OLD")}
    )
    assert missing(desk, "OLD", "NOPE", "LIVE") == ["NOPE"]
    assert desk.asked == ["/markets", "/historical/markets"]


def test_a_market_that_was_seen_is_not_asked_for_again() -> None:
    desk = d.desk({"/markets": d.markets("LIVE")})
    desk.kalshi.fetch_markets(market_ids=["LIVE"])
    asked = list(desk.asked)
    assert missing(desk, "LIVE") == []
    assert desk.asked == asked
