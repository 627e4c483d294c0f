"""What a wallet did and was given."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.venues.polymarket.desk import (
    NOW,
    OTHERS,
    SECONDS,
    WALLET,
    Turns,
    catalog,
    condition,
    desk,
    market,
    redemption,
    token,
    told,
)
from tests.venues.polymarket.ground import PolymarketGround
from tests.venues.polymarket.keys import ADDRESS
from unified_exchanges import (
    ActivityKind,
    ArgumentsRequired,
    BadRequest,
    MarketNotFound,
    NotSupported,
    VenueSchemaError,
    exchange,
)
from unified_exchanges.flow import Request, Response

D = Decimal
ACTIVITY = "/data/v2/activity"


def row(kind: str, **fields: Any) -> dict[str, Any]:
    """A row in the words of the Data API, of no market."""
    return {
        "proxy_wallet": WALLET,
        "type": kind,
        "timestamp": SECONDS - 60,
        "transaction_hash": "0x" + "AB" * 32,
        "condition_id": "",
        "usdc_size": 12.5,
        "size": 12.5,
        "price": 0,
        "side": "",
        "outcome": "",
        "outcome_index": 999,
        "token_id": "",
        **fields,
    }


def trade(**fields: Any) -> dict[str, Any]:
    of = {"condition_id": condition(1), "token_id": token(1), "outcome": "Yes"}
    return row("TRADE", **{**of, "side": "BUY", "price": 0.5, "size": 25, **fields})


def read(flavour: str, *rows: dict[str, Any]) -> Any:
    return desk(flavour, {ACTIVITY: told(*rows)})("fetch_activity")


@pytest.mark.parametrize(
    ("word", "kind", "sign"),
    [
        ("SPLIT", ActivityKind.SPLIT, -1),
        ("MERGE", ActivityKind.MERGE, 1),
        ("REDEEM", ActivityKind.REDEMPTION, 1),
        ("CONVERSION", ActivityKind.CONVERSION, None),
        ("MIGRATION", ActivityKind.MIGRATION, None),
        ("DEPOSIT", ActivityKind.DEPOSIT, 1),
        ("WITHDRAWAL", ActivityKind.WITHDRAWAL, -1),
        ("REWARD", ActivityKind.REWARD, 1),
        ("YIELD", ActivityKind.YIELD, 1),
        ("MAKER_REBATE", ActivityKind.MAKER_REBATE, 1),
        ("TAKER_REBATE", ActivityKind.TAKER_REBATE, 1),
        ("REFERRAL_REWARD", ActivityKind.REFERRAL_REWARD, 1),
        ("TIP", ActivityKind.TIP, None),
        ("LOTTERY", ActivityKind.UNKNOWN, None),
    ],
)
def test_a_kind_says_which_way_its_cash_went_if_that_is_told(
    flavour: str, word: str, kind: ActivityKind, sign: int | None
) -> None:
    (found,) = read(flavour, row(word))
    assert (found.kind, found.venue_kind, found.cash) == (kind, word, D("12.5"))
    assert found.cash_flow == (None if sign is None else sign * found.cash)
    nothing = (found.market_id, found.outcome, found.side, found.size, found.price)
    assert nothing == (None,) * 5


@pytest.mark.parametrize(("side", "flow"), [("IN", "12.5"), ("OUT", "-12.5")])
def test_a_tip_goes_the_way_that_its_side_says(side: str, flow: str) -> None:
    (found,) = read("blocking", row("TIP", side=side))
    assert found.cash_flow == D(flow)


def test_a_trade_tells_its_terms_and_what_it_cost(flavour: str) -> None:
    bought, sold = read(flavour, trade(), trade(side="SELL"))
    assert (bought.market_id, bought.outcome, bought.side) == (
        condition(1),
        "yes",
        "buy",
    )
    assert (bought.size, bought.price, bought.transaction) == (
        25,
        D("0.5"),
        "0x" + "ab" * 32,
    )
    assert (bought.cash_flow, sold.cash_flow) == (D("-12.5"), D("12.5"))


@pytest.mark.parametrize("missing", ["size", "price", "condition_id"])
def test_a_trade_without_its_terms_is_an_error(missing: str) -> None:
    with pytest.raises(VenueSchemaError, match="TRADE"):
        read("blocking", trade(**{missing: None}))


def test_a_trade_on_no_side_is_an_error() -> None:
    with pytest.raises(VenueSchemaError, match="side"):
        read("blocking", trade(side=""))


def test_the_same_twice_on_a_page_happened_twice(flavour: str) -> None:
    """Two makers' orders of one wallet at one price, taken in one transaction."""
    assert len(read(flavour, trade(), trade())) == 2


@pytest.mark.parametrize("before", [[], [trade()]], ids=["alone", "after another"])
def test_the_same_on_two_pages_happened_twice(
    flavour: str, before: list[dict[str, Any]]
) -> None:
    """Pages by cursor do not overlap, so no cash may be lost where one ends."""
    pages = Turns(told(*before, row("REWARD"), cursor="x"), told(row("REWARD")))
    found = desk(flavour, {ACTIVITY: pages})("fetch_activity")
    rewards = [x.cash_flow for x in found if x.kind == "reward"]
    assert rewards == [D("12.5"), D("12.5")]


def test_fault_26_pages_that_come_again_for_ever_are_an_error(flavour: str) -> None:
    turns = [told(trade(), row("REWARD"), cursor=f"x{n}") for n in range(50)]
    pages = desk(flavour, {ACTIVITY: Turns(*turns)})
    with pytest.raises(VenueSchemaError, match="does not end"):
        pages("fetch_activity")
    assert len(pages.queries(ACTIVITY)) < 30


@pytest.mark.parametrize("rows", [[row("REWARD")], [trade(), row("REWARD")]], ids=len)
def test_fault_26_nor_do_pages_of_one_row_come_for_ever(
    flavour: str, rows: list[dict[str, Any]]
) -> None:
    turns = [told(rows[n % len(rows)], cursor=f"x{n}") for n in range(1000)]
    pages = desk(flavour, {ACTIVITY: Turns(*turns)})
    with pytest.raises(VenueSchemaError, match="does not end"):
        pages("fetch_activity")
    assert len(pages.queries(ACTIVITY)) <= 101 * len(rows)


def test_as_many_as_that_may_say_the_same_and_each_counts(flavour: str) -> None:
    turns = [told(row("REWARD"), cursor=f"x{n}") for n in range(99)]
    pages = desk(flavour, {ACTIVITY: Turns(*turns, told(row("REWARD")))})
    # Of each listing anew.
    for _ in range(2):
        pages.answers[ACTIVITY] = Turns(*turns, told(row("REWARD")))
        assert len(pages("fetch_activity")) == 100


def test_deposits_and_all_of_the_past_are_asked_for(flavour: str) -> None:
    asked = desk(flavour, {ACTIVITY: told()})
    asked("fetch_activity", limit=5)
    assert asked.queries(ACTIVITY) == [
        {
            "user": ADDRESS.lower(),
            "start": "1",
            "exclude_deposits_withdrawals": "false",
            "limit": "5",
        }
    ]


def test_a_span_is_kept_to_the_second(flavour: str) -> None:
    rows = [row("REWARD", timestamp=SECONDS - ago) for ago in (10, 20, 30)]
    asked = desk(flavour, {ACTIVITY: told(*rows)})
    since, until = (NOW - timedelta(seconds=x) for x in (20, 15))
    (found,) = asked("fetch_activity", since=since, until=until)
    assert found.happened_at == since


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"params": {"type": "TRADES"}}, "TRADE, SPLIT, MERGE"),
        ({"params": {"kind": "TRADE"}}, "known: side, type, user"),
        ({"market_id": condition(1), "event_id": "7"}, "not both"),
        ({"limit": 0}, "at least 1"),
        ({"since": NOW, "until": NOW - timedelta(seconds=1)}, "is after until"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    arguments: dict[str, Any], says: str
) -> None:
    asked = desk()
    with pytest.raises(BadRequest, match=says):
        asked("fetch_activity", **arguments)
    assert asked.asked == []


def test_a_market_without_any_must_exist(flavour: str) -> None:
    asked = desk(
        flavour, {ACTIVITY: told(), "/gamma/markets/keyset": catalog(market(1))}
    )
    assert asked("fetch_activity", market_id=condition(1)) == []
    with pytest.raises(MarketNotFound):
        asked("fetch_activity", market_id=condition(8))


def test_whose_must_be_known() -> None:
    asked = desk("blocking", {ACTIVITY: told(redemption(1))}, keyed=False)
    with pytest.raises(ArgumentsRequired, match="whose"):
        asked("fetch_activity")
    assert len(asked("fetch_activity", params={"user": OTHERS})) == 1


def test_kalshi_has_none_and_says_so() -> None:
    with exchange("kalshi", environment="local") as kalshi:
        assert kalshi.has["fetch_activity"] is False
        with pytest.raises(NotSupported, match="fetch_activity"):
            kalshi.fetch_activity()
        with pytest.raises(NotSupported, match="fetch_activity"):
            kalshi.iter_activity()


# -- on the simulated venue ------------------------------------------------------------


class Torn:
    """The simulated venue in pages of so many."""

    def __init__(self, ground: PolymarketGround, most: int) -> None:
        self._server = ground.polymarket
        self._most = str(most)

    def handle(self, request: Request, *, lag: float = 0.0) -> Response:
        query = tuple(
            (n, self._most if n == "limit" else value) for n, value in request.query
        )
        return self._server.handle(attrs.evolve(request, query=query), lag=lag)


MOVES = st.sampled_from(["split", "merge", "deposit", "withdraw", "REWARD", "YIELD"])


@settings(max_examples=20, deadline=None)
@given(moves=st.lists(MOVES, max_size=8), most=st.integers(1, 7))
def test_pages_of_any_size_are_complete_and_the_cash_adds_up(
    moves: list[str], most: int
) -> None:
    ground = PolymarketGround(history=True)
    venue, trader = ground.polymarket, ground.trader("blocking")
    wallet = next(iter(venue._house.wallets.values()))
    listed = venue.catalog.find("will-the-fed-cut-rates-in-december")
    assert listed is not None
    venue.split(wallet, listed, 10)
    before = len(trader.fetch_activity())
    cash = venue.collateral(wallet)
    pairs = 10
    for move in moves:
        if move == "split":
            venue.split(wallet, listed, 3)
            pairs += 3
        elif move == "merge":
            venue.merge(wallet, listed, 1)
            pairs -= 1
        elif move in ("deposit", "withdraw"):
            change = 5 if move == "deposit" else -5
            venue.bring_to(wallet, venue.collateral(wallet) + change)
        else:
            venue.reward(wallet, "1.25", kind=move)
    whole = trader.fetch_activity()
    ground.venue.server = Torn(ground, most)
    assert trader.fetch_activity() == whole
    assert len(whole) - before == len(moves)
    times = [x.happened_at for x in whole]
    assert times == sorted(times, reverse=True)
    moved = sum((x.cash_flow or D(0) for x in whole[: len(moves)]), D(0))
    assert venue.collateral(wallet) - cash == moved
    told = Counter(x.venue_kind for x in whole[: len(moves)])
    assert told["SPLIT"] == moves.count("split")


def test_trades_and_redemptions_are_there_too(flavour: str) -> None:
    ground = PolymarketGround(history=True)
    trader = ground.trader(flavour)
    found = trader.fetch_activity()
    assert {"trade", "redemption", "deposit"} <= {str(x.kind) for x in found}
    paid = [x.cash for x in found if x.kind is ActivityKind.REDEMPTION]
    settled = [x.payout for x in trader.fetch_settlements()]
    assert [x for x in paid if x] == [x for x in settled if x]
    only = trader.fetch_activity(params={"type": "REDEEM"})
    assert {x.venue_kind for x in only} == {"REDEEM"}
