"""Our part in the CLOB's trades: what we took, and what was taken of us."""

from __future__ import annotations

import pickle
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from tests.venues.polymarket.desk import (
    NOW,
    OTHERS,
    SECONDS,
    Desk,
    Turns,
    balance,
    body,
    catalog,
    condition,
    desk,
    maker,
    market,
    order,
    order_id,
    page,
    token,
    trade,
)
from tests.venues.polymarket.keys import ADDRESS, API_KEY
from unified_exchanges import (
    BUY,
    SELL,
    ExchangeNotAvailable,
    FillState,
    Liquidity,
    MarketNotFound,
    OrderNotFound,
    Subject,
    VenueSchemaError,
)
from unified_exchanges.errors import ConnectionLost
from unified_exchanges.models import Resync

D = Decimal
TRADES = "/clob/data/trades"
LISTING = "/gamma/markets/keyset"


def told_by(flavour: str = "blocking", /, *rows: dict[str, Any], **more: Any) -> Desk:
    answers = {LISTING: catalog(market(1), market(2)), TRADES: page(*rows)}
    return desk(flavour, answers | more)


def made(name: str, *makers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A trade in which somebody else took orders of ours."""
    return trade(
        name,
        taker_order_id=order_id(99),
        owner="somebody",
        maker_address=OTHERS,
        trader_side="MAKER",
        maker_orders=list(makers),
        **fields,
    )


def test_what_we_took_is_the_trade_s_own_terms(flavour: str) -> None:
    (found,) = told_by(flavour, trade("t1"))("fetch_fills")
    assert (found.fill_id, found.trade_id) == (f"t1:{order_id(1)}", "t1")
    assert (found.order_id, found.market_id) == (order_id(1), condition(1))
    assert (found.outcome, found.side, found.liquidity) == ("yes", BUY, Liquidity.TAKER)
    assert (found.price, found.size) == (D("0.52"), D(4))
    assert found.created_at == NOW - timedelta(seconds=300)
    assert found.state is FillState.FINAL
    assert found.proceeds == D("-2.08")


def test_what_was_taken_of_us_is_the_maker_s(flavour: str) -> None:
    ours = maker(2, side="SELL", matched_amount="1.5", price="0.53")
    theirs = maker(3, owner="somebody", maker_address=OTHERS, side="SELL")
    (found,) = told_by(flavour, made("t1", theirs, ours))("fetch_fills")
    assert (found.order_id, found.side, found.liquidity) == (
        order_id(2),
        SELL,
        Liquidity.MAKER,
    )
    assert (found.price, found.size, found.fee) == (D("0.53"), D("1.5"), D(0))


def test_several_orders_of_ours_may_be_in_one_trade(flavour: str) -> None:
    rows = made("t1", maker(2, side="SELL"), maker(3, side="SELL", matched_amount="2"))
    found = told_by(flavour, rows)("fetch_fills")
    assert [x.fill_id for x in found] == [f"t1:{order_id(2)}", f"t1:{order_id(3)}"]


def test_we_may_have_traded_with_ourselves() -> None:
    row = trade("t1", maker_orders=[maker(2, side="SELL")])
    found = told_by("blocking", row)("fetch_fills")
    assert [(x.order_id, str(x.liquidity)) for x in found] == [
        (order_id(2), "maker"),
        (order_id(1), "taker"),
    ]


@pytest.mark.parametrize(
    ("taker", "asset", "ours"),
    [
        ("BUY", token(1), SELL),  # the same token changes hands
        ("SELL", token(1), BUY),
        ("BUY", token(1, 1), BUY),  # a pair is minted
        ("SELL", token(1, 1), SELL),  # a pair is merged
    ],
)
def test_a_maker_s_side_follows_where_it_is_not_told(
    taker: str, asset: str, ours: object
) -> None:
    entry = maker(2, asset_id=asset, outcome="Yes" if asset == token(1) else "No")
    (found,) = told_by("blocking", made("t1", entry, side=taker))("fetch_fills")
    assert found.side is ours


def test_what_another_wallet_of_the_same_key_traded_is_not_ours(flavour: str) -> None:
    # The listing is the key's, and the key is the signer's, who may have several wallets.
    mine = made(
        "t1", maker(2, side="SELL"), maker(3, side="SELL", maker_address=OTHERS)
    )
    theirs = made("t2", maker(4, side="SELL", maker_address=OTHERS))
    taken = trade("t3", maker_address=OTHERS)
    between = trade("t4", maker_address=OTHERS, maker_orders=[maker(5, side="SELL")])
    found = told_by(flavour, mine, theirs, taken, between)("fetch_fills")
    assert [x.order_id for x in found] == [order_id(2), order_id(5)]


@pytest.mark.parametrize("address", ["", "0x", "none"])
def test_the_key_decides_where_no_wallet_is_told(address: str) -> None:
    rows = (
        trade("t1", maker_address=""),
        made("t2", maker(2, side="SELL", maker_address=address)),
    )
    assert len(told_by("blocking", *rows)("fetch_fills")) == 2


def test_orders_of_another_key_of_the_wallet_are_ours_too() -> None:
    entry = maker(2, owner="an older key", maker_address=ADDRESS.lower(), side="SELL")
    assert len(told_by("blocking", made("t1", entry))("fetch_fills")) == 1


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("TRADE_STATUS_MATCHED_NOT_BROADCASTED", FillState.PENDING),
        ("TRADE_STATUS_MATCHED", FillState.PENDING),
        ("MINED", FillState.PENDING),
        ("TRADE_STATUS_RETRYING", FillState.PENDING),
        ("CONFIRMED", FillState.FINAL),
        ("SOMETHING_NEW", FillState.PENDING),
    ],
)
def test_a_fill_stands_once_it_is_settled(word: str, state: FillState) -> None:
    (found,) = told_by("blocking", trade("t1", status=word))("fetch_fills")
    assert found.state is state


def test_what_failed_never_happened(flavour: str) -> None:
    told = told_by(flavour, trade("t1", status="TRADE_STATUS_FAILED"), trade("t2"))
    assert [x.trade_id for x in told("fetch_fills")] == ["t2"]
    pages = told.venue.own_fills({}, with_failed=True)
    from unified_exchanges.flow import collect

    assert [x.state for x in told.run(collect(pages))] == [
        FillState.FAILED,
        FillState.FINAL,
    ]


def test_an_exponent_that_is_not_whole_breaks_no_page_of_fills(flavour: str) -> None:
    schedule = {"rate": 0.05, "exponent": 0.5, "takerOnly": True}
    told = told_by(
        flavour,
        trade("t1"),
        **{LISTING: catalog(market(1, feeSchedule=schedule), market(2))},
    )
    (found,) = told("fetch_fills")
    # 4 × 0.05 × the root of 0.52 × 0.48
    assert found.fee == D("0.09992")


def test_a_fee_by_a_rule_like_no_other_is_not_told_as_nothing(flavour: str) -> None:
    schedule = {"rate": 0.05, "exponent": 9, "takerOnly": True}
    told = told_by(
        flavour,
        trade("t1"),
        **{LISTING: catalog(market(1, feeSchedule=schedule), market(2))},
    )
    (found,) = told("fetch_fills")
    assert (found.fee, found.size, found.computed) == (None, D(4), frozenset())
    assert "fee unknown" in repr(found)
    assert found.taken_back().fee is None


def test_a_market_with_such_a_rule_hides_no_fill_of_another(flavour: str) -> None:
    schedule = {"rate": 0.05, "exponent": -1, "takerOnly": True}
    told = told_by(
        flavour,
        trade("t1"),
        trade("t2", market=condition(2)),
        **{LISTING: catalog(market(1, feeSchedule=schedule), market(2))},
    )
    fees = {x.trade_id: x.fee for x in told("fetch_fills")}
    assert fees == {"t1": None, "t2": D("0.04992")}


def test_the_fee_of_a_taker_is_worked_out_and_says_so(flavour: str) -> None:
    rows = [trade("t1"), made("t2", maker(2, side="SELL"), market=condition(2))]
    told = told_by(flavour, *rows)
    taken, given = told("fetch_fills")
    assert (taken.fee, given.fee) == (D("0.04992"), D(0))
    assert taken.computed == given.computed == {"fee"}
    # Whether a maker pays is told by the market too.
    asked = told.queries(LISTING)[0]["condition_ids"]
    assert asked == f"{condition(1)},{condition(2)}"


@pytest.mark.parametrize(
    ("told_only", "fee", "computed"),
    [(True, D(0), {"fee"}), (None, D(0), {"fee"}), (False, None, set())],
)
def test_a_maker_pays_nothing_unless_it_is_said_that_makers_pay(
    flavour: str, told_only: bool | None, fee: Decimal | None, computed: set[str]
) -> None:
    schedule = {"rate": 0.05, "exponent": 1, "takerOnly": told_only}
    told = told_by(
        flavour,
        trade("t1"),
        made("t2", maker(2, side="SELL")),
        **{LISTING: catalog(market(1, feeSchedule=schedule))},
    )
    taken, given = told("fetch_fills")
    assert taken.fee == D("0.04992")
    assert (given.fee, given.computed) == (fee, computed)


ODD: Final = [
    market(2, orderMinSize=None),
    market(2, feeSchedule={"rate": "much", "exponent": 1}),
    market(2, feeSchedule=None),  # and the CLOB tells none
    market(3),  # there is no such market
]


@pytest.mark.parametrize("odd", ODD)
def test_fault_26_a_market_that_cannot_be_read_hides_no_fill_and_is_told_of(
    flavour: str, caplog: pytest.LogCaptureFixture, odd: dict[str, Any]
) -> None:
    caplog.set_level("WARNING")
    rows = [
        trade("t1"),
        trade("t2", market=condition(2)),
        made("t3", maker(2, side="SELL"), market=condition(2)),
    ]
    told = told_by(flavour, *rows, **{LISTING: catalog(market(1), odd)})
    for _ in range(2):
        found = told("fetch_fills")
        assert [(x.trade_id, x.fee, x.computed) for x in found] == [
            ("t1", D("0.04992"), {"fee"}),
            ("t2", None, frozenset()),
            ("t3", None, frozenset()),
        ]
    [line] = caplog.messages
    assert line.startswith(
        f"market {condition(2)} is told without its fees, marks and payouts: "
    )


def test_fault_26_what_a_listing_said_of_a_market_is_said_of_its_fills_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("WARNING")
    odd = catalog(market(1), market(2, orderMinSize=None))
    row = trade("t1", market=condition(2))
    told = told_by("blocking", row, **{LISTING: odd})
    told("fetch_markets")
    told("fetch_fills")
    assert ["listed" in x for x in caplog.messages] == [True, False]


def test_fault_26_nothing_but_fills_of_such_a_market_is_told_too(flavour: str) -> None:
    told = told_by(
        flavour, trade("t1"), **{LISTING: catalog(market(1, orderMinSize=None))}
    )
    assert [x.fee for x in told("fetch_fills")] == [None]


def test_a_fee_is_told_again_once_its_market_can_be_read() -> None:
    told = told_by("blocking", trade("t1"), **{LISTING: catalog()})
    early = [x.fee for x in told("fetch_fills")]
    told.answers[LISTING] = catalog(market(1))
    assert (early, [x.fee for x in told("fetch_fills")]) == ([None], [D("0.04992")])


def test_a_catalog_that_does_not_answer_is_an_error_and_no_unknown_fee(
    flavour: str,
) -> None:
    told = told_by(flavour, trade("t1"), **{LISTING: body({}, 503)})
    with pytest.raises(ExchangeNotAvailable):
        told("fetch_fills")


@pytest.mark.parametrize(
    "down", [body({}, 503), body({}, 429), ConnectionLost("the line broke")]
)
def test_what_a_stream_lost_is_read_without_fees_where_the_catalog_does_not_answer(
    flavour: str, down: Any
) -> None:
    told = told_by(
        flavour,
        trade("t1"),
        trade("t2", market=condition(2)),
        **{
            LISTING: catalog(market(1)),
            "/clob/data/orders": page(),
            "/clob/balance-allowance": balance(),
        },
    )
    told("fetch_fee_rule", condition(1))
    told.answers[LISTING] = down
    wanted = Resync(subjects=frozenset({Subject.FILLS}), since=NOW - timedelta(hours=1))
    found = told.run(told.venue.resync(wanted))
    assert [(x.trade_id, x.fee) for x in found.fills] == [
        ("t1", D("0.04992")),
        ("t2", None),
    ]


def test_an_order_of_such_a_market_is_told_without_its_fee(flavour: str) -> None:
    one = f"/clob/data/order/{order_id(1)}"
    odd = catalog(market(1, orderMinSize=None))
    told = told_by(flavour, trade("t1"), **{LISTING: odd, one: order(1)})
    found = told("fetch_order", order_id(1))
    assert (found.filled, found.average_price, found.fee) == (D(4), D("0.52"), None)


def test_the_time_is_as_exact_as_it_is_told() -> None:
    nano = f"{SECONDS}123456789"
    (found,) = told_by("blocking", trade("t1", match_time_nano=nano))("fetch_fills")
    assert found.created_at == NOW + timedelta(microseconds=123456)


@pytest.mark.parametrize(
    ("nano", "microseconds"),
    [
        (int(f"{SECONDS}123456789"), 123456),
        (f"{SECONDS}123456789", 123456),
        (1.5, 0),
        (10**40, 0),
        ("soon", 0),
        ({}, 0),
        (None, 0),
    ],
)
def test_a_fine_time_of_any_type_costs_no_fill(
    flavour: str, nano: object, microseconds: int
) -> None:
    row = trade("t1", match_time=str(SECONDS), match_time_nano=nano)
    (found,) = told_by(flavour, row)("fetch_fills")
    assert found.created_at == NOW + timedelta(microseconds=microseconds)


def test_who_made_it_may_be_null_where_the_rest_says_whose_it_is(flavour: str) -> None:
    rows = [
        trade("t1", maker_address=None),
        made("t2", maker(2, owner=None), maker(3, maker_address=None)),
        made("t3", maker(2), maker(4, owner=None, maker_address=None)),
    ]
    found = told_by(flavour, *rows)("fetch_fills")
    told = [(x.trade_id, x.order_id) for x in found]
    assert [name for name, _ in told] == ["t1", "t2", "t2", "t3"]
    assert [x for name, x in told if name != "t1"] == [
        order_id(2),
        order_id(3),
        order_id(2),
    ]


def test_a_part_that_nobody_is_told_to_own_is_not_passed_over() -> None:
    row = made("t1", maker(2, owner=None, maker_address=None))
    with pytest.raises(VenueSchemaError, match="no order of this key or wallet"):
        told_by("blocking", row)("fetch_fills")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"side": "LONG"}, "side"),
        ({"price": "2"}, "price"),
        ({"size": "x"}, "size"),
        ({"trader_side": "BOTH", "maker_orders": [maker(2)]}, "trader_side"),
        ({"trader_side": "MAKER"}, "maker_orders"),
        ({"trader_side": "MAKER", "maker_orders": None}, "maker_orders"),
        ({"match_time": ""}, "match_time"),
        ({"id": ""}, "id"),
        ({"maker_orders": [maker(2, price="1.5")]}, "maker_orders[].price"),
        (
            {"maker_orders": [maker(2, matched_amount="")]},
            "maker_orders[].matched_amount",
        ),
        ({"maker_orders": [maker(2, side="LONG")]}, "maker_orders[].side"),
    ],
)
def test_a_fill_is_not_guessed(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(VenueSchemaError) as caught:
        told_by("blocking", trade("t1", **fields))("fetch_fills")
    assert caught.value.field == f"data[0].{field}"


def test_fills_of_a_span_a_market_and_a_trade(flavour: str) -> None:
    told = told_by(flavour, trade("t1"), trade("t2", match_time=str(SECONDS - 200)))
    found = told(
        "fetch_fills",
        market_id=condition(1),
        since=NOW - timedelta(seconds=250),
        until=NOW,
        params={"id": "t2"},
    )
    assert [x.trade_id for x in found] == ["t2"]
    assert told.queries(TRADES) == [
        {
            "id": "t2",
            "after": str(SECONDS - 251),
            "before": str(SECONDS + 2),
            "market": condition(1),
        }
    ]


def test_fills_of_an_outcome_are_those_of_our_own_order(flavour: str) -> None:
    rows = [
        trade("t1"),
        made("t2", maker(2, side="BUY", asset_id=token(1, 1), outcome="No")),
    ]
    told = told_by(flavour, *rows)
    found = told("fetch_fills", market_id=condition(1), outcome="no")
    assert [x.trade_id for x in found] == ["t2"]
    assert "asset_id" not in told.queries(TRADES)[0]


def test_fills_of_an_order(flavour: str) -> None:
    told = told_by(flavour, trade("t1"), trade("t2", taker_order_id=order_id(2)))
    assert [x.trade_id for x in told("fetch_fills", order_id=order_id(2))] == ["t2"]


def test_an_order_without_fills_must_exist(flavour: str) -> None:
    one = f"/clob/data/order/{order_id(5)}"
    told = told_by(flavour, **{one: order(5, size_matched="")})
    assert told("fetch_fills", order_id=order_id(5)) == []
    with pytest.raises(OrderNotFound):
        told("fetch_fills", order_id=order_id(6))


def test_a_market_that_is_nowhere_has_no_fills(flavour: str) -> None:
    with pytest.raises(MarketNotFound):
        told_by(flavour)("fetch_fills", market_id=condition(9))


def test_our_own_id_of_an_order_is_told(flavour: str) -> None:
    told = told_by(flavour, trade("t1"))
    told.venue.memory.name_order(order_id(1), "mine")
    assert [x.client_order_id for x in told("fetch_fills")] == ["mine"]


def test_pages_that_moved_tell_each_fill_once(flavour: str) -> None:
    pages = Turns(
        page(trade("t2"), trade("t1"), cursor="Mg=="),
        page(trade("t1"), trade("t0")),
    )
    told = told_by(flavour, **{TRADES: pages})
    assert [x.trade_id for x in told("fetch_fills")] == ["t2", "t1", "t0"]


def test_a_limit_reads_no_further(flavour: str) -> None:
    told = told_by(flavour, **{TRADES: page(trade("t2"), trade("t1"), cursor="Mg==")})
    assert len(told("fetch_fills", limit=2)) == 2
    assert len(told.queries(TRADES)) == 1


def test_equal_fills_of_two_trades_are_two_and_a_trade_that_moves_on_is_one(
    flavour: str,
) -> None:
    # A match that is split on chain is several trades; each is mined in a bucket.
    same = {
        "match_time": str(SECONDS - 300),
        "match_time_nano": f"{SECONDS - 300}000000001",
    }
    pages = Turns(
        page(trade("t2", bucket_index=1, **same), trade("t1", **same), cursor="Mg=="),
        page(trade("t1", bucket_index=88, **same)),
    )
    found = told_by(flavour, **{TRADES: pages})("fetch_fills")
    assert [x.fill_id for x in found] == [f"t2:{order_id(1)}", f"t1:{order_id(1)}"]
    first, second = found
    assert (first.price, first.size, first.created_at) == (
        second.price,
        second.size,
        second.created_at,
    )


def test_the_api_key_is_in_no_payload_that_is_printed_or_pickled(flavour: str) -> None:
    rows = (trade("t1"), made("t2", maker(2, side="SELL")))
    more = {
        "/clob/data/orders": page(order(5)),
        f"/clob/data/order/{order_id(6)}": order(6),
    }
    told = told_by(flavour, *rows, **more)
    found = [
        *told("fetch_fills"),
        *told("fetch_open_orders"),
        told("fetch_order", order_id(6)),
    ]
    assert len(found) == 4
    for x in found:
        assert API_KEY not in str(x.raw)
        assert API_KEY.encode() not in pickle.dumps(x)
