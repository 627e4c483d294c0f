"""Cash, positions, settlements and limits."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.polymarket.desk import (
    NOW,
    OTHERS,
    SECONDS,
    WALLET,
    Desk,
    Turns,
    balance,
    body,
    book,
    catalog,
    condition,
    desk,
    event,
    market,
    order,
    page,
    position,
    redemption,
    resolved,
    token,
    told,
)
from tests.venues.polymarket.keys import ADDRESS, FUNDER
from unified_exchanges import (
    Allowance,
    ArgumentsRequired,
    AuthenticationError,
    BadRequest,
    EventNotFound,
    ExchangeNotAvailable,
    Holding,
    MarketNotFound,
    VenueSchemaError,
)

D = Decimal
CASH = "/clob/balance-allowance"
ORDERS = "/clob/data/orders"
POSITIONS = "/data/v2/positions"
ACTIVITY = "/data/v2/activity"
LISTING = "/gamma/markets/keyset"
BOOKS = "/clob/books"


def account(flavour: str = "blocking", /, options: Any = None, **more: Any) -> Desk:
    def books(asked: list[dict[str, str]]) -> Any:
        names = [row["token_id"] for row in asked]
        return [book(n, i) for n in (1, 2) for i in (0, 1) if token(n, i) in names]

    answers = {
        LISTING: catalog(market(1), market(2), resolved(3)),
        BOOKS: books,
        CASH: balance(),
        ORDERS: page(),
        POSITIONS: told(),
        ACTIVITY: told(),
    }
    return desk(flavour, answers | more, options=options)


# -- cash ------------------------------------------------------------------------------


def test_free_is_what_open_orders_to_buy_leave(flavour: str) -> None:
    rows = [
        order(1),  # 6 left at 0.52
        order(2, side="SELL"),
        order(3, price="0.001", original_size="2.5", size_matched=""),
    ]
    desk = account(flavour, **{ORDERS: page(*rows)})
    found = desk("fetch_balance")
    assert found.total == D(1000)
    assert found.available == D(1000) - D("3.12") - D("0.0025")
    assert (found.currency, found.position_value) == ("pUSD", None)
    assert found.allowances == (
        Allowance("0xE111180000d2663C0091e4f400237545B87B996B", None),
        Allowance("0xe3333700cA9d93003F00f0F71f8515005F6c00Aa", D(0)),
    )
    assert found.raw["balance"] == "1000000000"
    assert desk.queries(CASH) == [{"asset_type": "COLLATERAL", "signature_type": "0"}]
    assert desk.asked == [f"GET {CASH}", f"GET {ORDERS}"]


def test_the_wallet_s_kind_is_told(flavour: str) -> None:
    desk = account(flavour, options={"funder": FUNDER, "signature_type": 3})
    desk("fetch_balance")
    assert desk.queries(CASH)[0]["signature_type"] == "3"


def test_orders_beyond_the_cash_leave_nothing_and_no_less() -> None:
    desk = account(**{CASH: balance(balance="1"), ORDERS: page(order(1))})
    found = desk("fetch_balance")
    assert (found.total, found.available) == (D("0.000001"), D(0))


def test_allowances_may_be_missing_and_exact() -> None:
    assert account(**{CASH: balance(allowances=None)})("fetch_balance").allowances == ()
    given = {"0xA": "1500001", "0xB": 10**36}
    found = account(**{CASH: balance(allowances=given)})("fetch_balance").allowances
    assert found == (Allowance("0xA", D("1.500001")), Allowance("0xB", None))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"balance": "1.5"}, "balance"),
        ({"balance": "-1"}, "balance"),
        ({"balance": ""}, "balance"),
        ({"allowances": {"0xA": "much"}}, "allowances.0xA"),
    ],
)
def test_cash_is_not_guessed(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(VenueSchemaError) as caught:
        account(**{CASH: balance(**fields)})("fetch_balance")
    assert caught.value.field == field


def test_cash_takes_no_words() -> None:
    with pytest.raises(BadRequest, match="known: none"):
        account()("fetch_balance", params={"asset_type": "CONDITIONAL"})


@pytest.mark.parametrize(
    ("is_v2", "kind"), [(True, "CONDITIONAL-V2"), (False, "CONDITIONAL")]
)
def test_shares_of_a_token(is_v2: bool, kind: str, flavour: str) -> None:
    desk = account(flavour, **{CASH: balance(balance="10000000")})
    found = desk.run(desk.venue.holding(token(1), is_v2=is_v2))
    assert (found.total, found.available) == (D(10), D(10))
    assert desk.queries(CASH) == [
        {"asset_type": kind, "token_id": token(1), "signature_type": "0"}
    ]


def test_cash_needs_a_key(flavour: str) -> None:
    with pytest.raises(AuthenticationError, match="balance needs a key"):
        desk(flavour, keyed=False)("fetch_balance")


# -- positions -------------------------------------------------------------------------


def test_both_outcomes_of_a_market_may_be_held(flavour: str) -> None:
    rows = [
        position(1),
        position(1, 1, current_size=10, entry_cost_usdc=4.7, realized_pnl=0),
    ]
    desk = account(flavour, **{POSITIONS: told(*rows)})
    yes, no = desk("fetch_positions")
    assert (yes.market_id, yes.outcome, no.market_id, no.outcome) == (
        condition(1),
        "yes",
        condition(1),
        "no",
    )
    assert (yes.size, yes.cost) == (D("86780.64"), D("45151.97"))
    assert yes.entry_price == D("45151.97") / D("86780.64")
    assert (yes.realized_pnl, yes.fees_paid) == (D("-2.5"), D("1.25"))
    assert (yes.event_id, yes.updated_at) == ("77", NOW - timedelta(seconds=60))
    assert (no.size, no.entry_price) == (D(10), D("0.47"))
    assert (no.mark_price, no.unrealized_pnl) == (D("0.5"), D("0.3"))
    assert no.computed == {"entry_price", "mark_price", "unrealized_pnl"}
    assert yes.raw["status"] == "OPEN"
    assert desk.queries(POSITIONS) == [{"user": ADDRESS.lower(), "limit": "1000"}]


def test_positions_without_marks_ask_for_no_books(flavour: str) -> None:
    desk = account(flavour, **{POSITIONS: told(position(1))})
    (found,) = desk("fetch_positions", mark=False)
    assert (found.mark_price, found.unrealized_pnl) == (None, None)
    assert desk.asked == [f"GET {POSITIONS}"]


def test_shares_of_a_resolved_market_are_worth_what_they_pay(flavour: str) -> None:
    rows = [
        position(3, current_size=10, entry_cost_usdc=4, status="REDEEMABLE"),
        position(3, 1, current_size=5, entry_cost_usdc=3, status="REDEEMABLE"),
    ]
    desk = account(flavour, **{POSITIONS: told(*rows)})
    won, lost = desk("fetch_positions")
    assert (won.mark_price, won.unrealized_pnl) == (D(1), D(6))
    assert (lost.mark_price, lost.unrealized_pnl) == (D(0), D(-3))
    assert f"POST {BOOKS}" not in desk.asked


def test_without_a_bid_there_is_no_mark() -> None:
    desk = account(**{POSITIONS: told(position(1)), BOOKS: [book(1, bids=[])]})
    assert desk("fetch_positions")[0].mark_price is None


def test_a_market_that_is_gone_leaves_what_is_held_unmarked() -> None:
    desk = account(**{POSITIONS: told(position(8))})
    (found,) = desk("fetch_positions")
    assert (found.market_id, found.mark_price) == (condition(8), None)


GONE_OR_ODD = [catalog(market(1)), catalog(market(1), market(2, orderMinSize=None))]


@pytest.mark.parametrize("listing", GONE_OR_ODD)
def test_fault_26_a_market_that_cannot_be_read_hides_no_position_and_is_told_of(
    flavour: str, caplog: pytest.LogCaptureFixture, listing: Any
) -> None:
    caplog.set_level("WARNING")
    rows = [position(1), position(2, current_size=10, entry_cost_usdc=4.7)]
    desk = account(flavour, **{POSITIONS: told(*rows), LISTING: listing})
    for _ in range(2):
        known, unknown = desk("fetch_positions")
        assert known.mark_price == D("0.5")
        assert (unknown.market_id, unknown.outcome) == (condition(2), "yes")
        assert (unknown.size, unknown.cost) == (D(10), D("4.7"))
        assert (unknown.mark_price, unknown.unrealized_pnl) == (None, None)
    [line] = caplog.messages
    assert line.startswith(
        f"market {condition(2)} is told without its fees, marks and payouts: "
    )


@pytest.mark.parametrize("listing", GONE_OR_ODD)
def test_fault_26_an_outcome_that_nobody_names_is_its_token(
    flavour: str, listing: Any
) -> None:
    rows = [position(1, outcome=""), position(2, outcome="")]
    desk = account(flavour, **{POSITIONS: told(*rows), LISTING: listing})
    found = desk("fetch_positions", mark=False)
    assert [x.outcome for x in found] == ["yes", token(2)]


def test_a_token_that_is_of_no_outcome_of_its_market_is_told_as_it_is() -> None:
    row = position(1, outcome="", token_id=token(2))
    (found,) = account(**{POSITIONS: told(row)})("fetch_positions", mark=False)
    assert found.outcome == token(2)


@pytest.mark.parametrize("method", ["fetch_positions", "fetch_settlements"])
def test_a_catalog_that_does_not_answer_is_an_error_and_no_unknown_value(
    method: str, flavour: str
) -> None:
    rows = {POSITIONS: told(position(1)), ACTIVITY: told(redemption(1))}
    desk = account(flavour, **rows, **{LISTING: body({}, 503)})
    with pytest.raises(ExchangeNotAvailable):
        desk(method)


def test_what_is_held_no_more_is_left_out_unless_asked_for(flavour: str) -> None:
    rows = [
        position(1, current_size=0, entry_cost_usdc=0, event_id="0", last_event_at=None)
    ]
    desk = account(flavour, **{POSITIONS: told(*rows)})
    assert desk("fetch_positions") == []
    (found,) = desk("fetch_positions", params={"status": "CLOSED"})
    assert (found.size, found.entry_price, found.event_id) == (D(0), None, None)
    assert (found.mark_price, found.updated_at) == (None, None)
    assert desk.queries(POSITIONS)[-1]["status"] == "CLOSED"


def test_an_outcome_that_a_row_does_not_name_is_its_token_s(flavour: str) -> None:
    rows = [position(1, 1, outcome="", outcome_index=999)]
    desk = account(flavour, **{POSITIONS: told(*rows)})
    assert [x.outcome for x in desk("fetch_positions")] == ["no"]


def test_positions_of_a_market_or_an_event(flavour: str) -> None:
    desk = account(
        flavour, **{POSITIONS: told(position(1)), "/gamma/events/77": event(77)}
    )
    desk("fetch_positions", market_id=condition(1), mark=False)
    desk("fetch_positions", event_id="77", limit=3, mark=False)
    assert desk.queries(POSITIONS) == [
        {"user": ADDRESS.lower(), "condition_id": condition(1), "limit": "1000"},
        {"user": ADDRESS.lower(), "event_id": "77", "limit": "3"},
    ]


def test_nothing_held_of_what_does_not_exist_is_an_error(flavour: str) -> None:
    desk = account(flavour, **{"/gamma/events/77": event(77)})
    assert desk("fetch_positions", market_id=condition(1), event_id="77") == []
    with pytest.raises(MarketNotFound):
        desk("fetch_positions", market_id=condition(9))
    with pytest.raises(EventNotFound):
        desk("fetch_positions", event_id="99")


def test_positions_are_read_page_by_page(flavour: str) -> None:
    pages = Turns(told(position(1), cursor="c2"), told(position(1, 1), position(1)))
    desk = account(flavour, **{POSITIONS: pages})
    assert len(desk("fetch_positions", mark=False)) == 2


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"current_size": -1}, "current_size"),
        ({"current_size": "x"}, "current_size"),
        ({"entry_cost_usdc": None}, "entry_cost_usdc"),
        ({"realized_pnl": "NaN"}, "realized_pnl"),
        ({"token_id": ""}, "token_id"),
        ({"condition_id": "0x"}, "condition_id"),
    ],
)
def test_a_position_is_not_guessed(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(VenueSchemaError) as caught:
        account(**{POSITIONS: told(position(1, **fields))})("fetch_positions")
    assert caught.value.field == f"data[0].{field}"


# -- whose -----------------------------------------------------------------------------


def test_a_wallet_is_read_without_a_key(flavour: str) -> None:
    given = desk(
        flavour,
        {POSITIONS: told(position(1))},
        keyed=False,
        options={"wallet": WALLET},
    )
    assert len(given("fetch_positions", mark=False)) == 1
    given("fetch_positions", mark=False, params={"user": OTHERS})
    assert [q["user"] for q in given.queries(POSITIONS)] == [WALLET, OTHERS]


def test_money_lies_in_the_funder_s_wallet() -> None:
    given = account(options={"funder": FUNDER, "signature_type": 2})
    given("fetch_positions")
    assert given.queries(POSITIONS)[0]["user"] == FUNDER


@pytest.mark.parametrize("method", ["fetch_positions", "fetch_settlements"])
def test_nobody_s_wallet_is_refused_unsent(method: str, flavour: str) -> None:
    given = desk(flavour, keyed=False)
    with pytest.raises(ArgumentsRequired, match="whose"):
        given(method)
    assert given.asked == []


def test_a_wallet_is_an_address() -> None:
    with pytest.raises(BadRequest, match="wallet"):
        desk(keyed=False, options={"wallet": "0x12"})
    with pytest.raises(BadRequest, match="params user"):
        desk(keyed=False)("fetch_positions", params={"user": "me"})


# -- settlements -----------------------------------------------------------------------


def closed(number: int, index: int = 0, average: float = 0.4) -> dict[str, Any]:
    return position(number, index, avg_price=average, current_size=0, status="CLOSED")


def test_a_redemption_is_a_settlement(flavour: str) -> None:
    desk = account(
        flavour, **{ACTIVITY: told(redemption(3)), POSITIONS: told(closed(3))}
    )
    (found,) = desk("fetch_settlements")
    assert (found.market_id, found.event_id) == (condition(3), "77")
    assert (found.result, found.value, found.payout) == ("yes", D(1), D(100))
    assert found.holdings == (Holding("yes", D(100), D(40)),)
    assert (found.cost, found.profit, found.fee) == (D(40), None, None)
    assert found.rounded == {"cost"}
    assert found.settled_at == NOW - timedelta(hours=1)
    assert desk.queries(ACTIVITY) == [
        {"user": ADDRESS.lower(), "type": "REDEEM", "start": "1", "limit": "1000"}
    ]
    assert desk.queries(POSITIONS) == [
        {
            "user": ADDRESS.lower(),
            "condition_id": condition(3),
            "status": "CLOSED",
            "limit": "1000",
        }
    ]


def test_both_outcomes_are_settled_each_for_itself(flavour: str) -> None:
    rows = [
        redemption(3, usdc_size=50, size=100),
        redemption(3, usdc_size=50, size=100, outcome="No", outcome_index=1),
    ]
    half = catalog(resolved(3, '["0.5", "0.5"]'))
    desk = account(flavour, **{ACTIVITY: told(*rows), LISTING: half})
    found = desk("fetch_settlements")
    assert [x.holdings[0].outcome for x in found] == ["yes", "no"]
    assert {(x.result, x.value) for x in found} == {("50-50", D("0.5"))}


def test_a_cost_that_nobody_tells_is_none() -> None:
    (found,) = account(**{ACTIVITY: told(redemption(3))})("fetch_settlements")
    assert (found.cost, found.profit, found.rounded) == (None, None, frozenset())


def test_a_size_that_is_not_told_follows_from_what_was_paid() -> None:
    row = redemption(3, size=None, usdc_size=12.5, token_id=token(3))
    desk = account(**{ACTIVITY: told(row), POSITIONS: told(closed(3))})
    (found,) = desk("fetch_settlements")
    assert found.holdings == (Holding("yes", D("12.5"), D("5.0")),)


@pytest.mark.parametrize(
    "row",
    [
        redemption(3, size=None, outcome="No", usdc_size=0),
        redemption(3, size=None, outcome=None),
        redemption(8, size=None),
    ],
)
def test_what_cannot_be_known_of_a_redemption_is_left_open(row: dict[str, Any]) -> None:
    (found,) = account(**{ACTIVITY: told(row)})("fetch_settlements")
    assert found.holdings == ()


def test_a_redemption_of_a_market_that_is_gone_is_told_all_the_same(
    flavour: str,
) -> None:
    desk = account(flavour, **{ACTIVITY: told(redemption(8))})
    (found,) = desk("fetch_settlements")
    assert (found.result, found.value, found.event_id) == ("", None, None)
    assert found.holdings == (Holding("yes", D(100), None),)


def test_fault_26_a_market_that_cannot_be_read_hides_no_settlement_and_is_told_of(
    flavour: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING")
    rows = [redemption(3), redemption(2, transaction_hash="0x" + "18" * 32)]
    listing = catalog(resolved(3), resolved(2, "[?"))
    answers = {ACTIVITY: told(*rows), LISTING: listing, POSITIONS: told(closed(3))}
    desk = account(flavour, **answers)
    for _ in range(2):
        known, unknown = desk("fetch_settlements")
        assert (known.result, known.value, known.cost) == ("yes", D(1), D(40))
        assert (unknown.result, unknown.value, unknown.payout) == ("", None, D(100))
        assert unknown.holdings == (Holding("yes", D(100), None),)
    [line] = caplog.messages
    assert line.startswith(f"market {condition(2)} is told without its fees")
    assert "outcomePrices" in line


def test_an_outcome_of_no_name_has_no_token() -> None:
    desk = account(**{ACTIVITY: told(redemption(3, outcome="Maybe"))})
    (found,) = desk("fetch_settlements")
    assert found.holdings == (Holding("Maybe", D(100), None),)


def test_settlements_of_a_span_a_market_or_an_event(flavour: str) -> None:
    rows = [redemption(3), redemption(1, timestamp=SECONDS - 9_000)]
    desk = account(flavour, **{ACTIVITY: told(*rows), "/gamma/events/77": event(77)})
    since = NOW - timedelta(hours=2)
    assert len(desk("fetch_settlements", since=since, until=NOW)) == 1
    desk("fetch_settlements", market_id=condition(3))
    desk("fetch_settlements", event_id="77", params={"user": OTHERS})
    asked = desk.queries(ACTIVITY)
    assert (asked[0]["start"], asked[0]["end"]) == (
        str(SECONDS - 7_201),
        str(SECONDS + 2),
    )
    assert asked[1]["condition_id"] == condition(3)
    assert (asked[2]["event_id"], asked[2]["user"]) == ("77", OTHERS)


def test_nothing_settled_of_what_does_not_exist_is_an_error(flavour: str) -> None:
    desk = account(flavour)
    assert desk("fetch_settlements", market_id=condition(1)) == []
    with pytest.raises(MarketNotFound):
        desk("fetch_settlements", market_id=condition(9))
    with pytest.raises(BadRequest, match="not both"):
        desk("fetch_settlements", market_id=condition(1), event_id="7")


def test_many_settlements_ask_for_their_cost_twenty_markets_at_a_time() -> None:
    rows = [redemption(n, transaction_hash=f"0x{n:064x}") for n in range(1, 26)]
    desk = account(**{ACTIVITY: told(*rows)})
    assert len(desk("fetch_settlements")) == 25
    counts = [len(q["condition_id"].split(",")) for q in desk.queries(POSITIONS)]
    assert counts == [20, 5]


@pytest.mark.parametrize("field", ["usdc_size", "size"])
def test_what_was_paid_is_not_guessed(field: str) -> None:
    with pytest.raises(VenueSchemaError) as caught:
        account(**{ACTIVITY: told(redemption(3, **{field: -1}))})("fetch_settlements")
    assert caught.value.field == f"data[0].{field}"


# -- limits ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tier", "orders", "cancels"),
    [
        ("standard", (40, 60), (80, 120)),
        ("Gold", (400, 600), (800, 1200)),
        ("mythic", (40, 60), (80, 120)),
    ],
)
def test_the_tier_is_told_with_its_buckets(
    tier: str, orders: tuple[int, int], cancels: tuple[int, int], flavour: str
) -> None:
    path = "/clob/v1/user/rate-limit-tier"
    found = account(flavour, **{path: body({"tier": tier})})("fetch_limits")
    assert found.tier == tier
    assert [(x.name, (x.refill_rate, x.capacity)) for x in found.buckets] == [
        ("orders", orders),
        ("cancels", cancels),
    ]
    assert found.default_cost == 1
