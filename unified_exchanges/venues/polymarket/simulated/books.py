"""CLOB market data: books, prices, what a market is, its past."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from ....money import EXACT
from .catalog import Listed
from .errors import Failure, bad_request, missing, not_found
from .gamma_views import accepts, is_closed
from .pages import clob_page
from .quotes import best, book, last_trade, midpoint, prices
from .routes import Call, Operation
from .wire import Payload, instant, number, seconds, text

if TYPE_CHECKING:
    from .house import House

__all__ = ["OPERATIONS", "find_token"]

_MOST = 500
_PAGE = 100
_ZERO_ADDRESS = ""
_ERROR_MIDPOINT = "error getting the mid price"


def find_token(
    house: House, token: str, failure: Failure | None = None
) -> tuple[Listed, int]:
    """The market of a token, or the refusal."""
    if not (token.isascii() and token.isdigit()):
        raise bad_request("Invalid token id")
    found = house.catalog.of_token(token)
    if found is None:
        raise failure or missing()
    return found


def _token(
    house: House, call: Call, failure: Failure | None = None
) -> tuple[Listed, int]:
    return find_token(house, call.text("token_id"), failure)


def _bookable(house: House, found: tuple[Listed, int]) -> tuple[Listed, int]:
    """Markets that are settled have no book."""
    if is_closed(house, found[0]):
        raise missing()
    return found


def _batch(house: House, call: Call) -> list[tuple[Listed, int, str]]:
    """The tokens of a batch that have a book, with the side that is asked for."""
    asked = _asked(call) if call.operation.method == "GET" else call.json()
    if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
        raise bad_request("Invalid payload")
    if len(asked) > _MOST:
        raise bad_request("Payload exceeds the limit")
    rows = []
    for one in asked:
        found = house.catalog.of_token(str(one.get("token_id", "")))
        if found is not None and not is_closed(house, found[0]):
            rows.append((*found, str(one.get("side", ""))))
    return rows


def _asked(call: Call) -> list[Payload]:
    """A batch in a query: tokens and sides with commas between."""
    tokens = call.text("token_ids").split(",")
    sides = call.text("sides").split(",")
    return [
        {"token_id": token, "side": side}
        for token, side in zip_longest(tokens, sides[: len(tokens)], fillvalue="")
    ]


def get_time(_: House, call: Call) -> int:
    """Seconds, bare."""
    return seconds(call.now_us)


def get_ok(_: House, __: Call) -> str:
    """Alive."""
    return "OK"


def get_version(_: House, __: Call) -> Payload:
    """Of the order structure."""
    return {"version": 2}


def get_book(house: House, call: Call) -> Payload:
    """One book."""
    return book(house, *_bookable(house, _token(house, call)))


def get_books(house: House, call: Call) -> list[Payload]:
    """Many books; unknown tokens are left out (assumed)."""
    return [book(house, listed, index) for listed, index, _ in _batch(house, call)]


def _price(house: House, listed: Listed, index: int, side: str) -> Decimal | None:
    """BUY is the lowest ask (guide, 2026-08; the specification says the best bid)."""
    if side not in {"BUY", "SELL"}:
        raise bad_request("Invalid side")
    level = best(house, listed, index, "ask" if side == "BUY" else "bid")
    return None if level is None else level.price


def get_price(house: House, call: Call) -> Payload:
    """What one can buy or sell at."""
    found = _bookable(house, _token(house, call))
    price = _price(house, *found, call.text("side").upper())
    return {"price": "0" if price is None else text(price)}


def get_prices(house: House, call: Call) -> Payload:
    """The same of many; numbers here."""
    told: Payload = {}
    for listed, index, side in _batch(house, call):
        price = _price(house, listed, index, side.upper())
        if price is not None:
            told.setdefault(listed.tokens[index], {})[side.upper()] = number(price)
    return told


def get_midpoint(house: House, call: Call) -> Payload:
    """Between bid and ask."""
    middle = midpoint(house, *_bookable(house, _token(house, call)))
    if middle is None:
        raise bad_request(_ERROR_MIDPOINT, 404)
    return {"mid": text(middle)}


def get_midpoints(house: House, call: Call) -> Payload:
    """The same of many."""
    told = {}
    for listed, index, _ in _batch(house, call):
        middle = midpoint(house, listed, index)
        if middle is not None:
            told[listed.tokens[index]] = text(middle)
    return told


def _spread(house: House, listed: Listed, index: int) -> Decimal | None:
    bid, ask = best(house, listed, index, "bid"), best(house, listed, index, "ask")
    return None if bid is None or ask is None else EXACT.subtract(ask.price, bid.price)


def get_spread(house: House, call: Call) -> Payload:
    """From bid to ask."""
    spread = _spread(house, *_bookable(house, _token(house, call)))
    if spread is None:
        raise bad_request("error getting the spread", 404)
    return {"spread": text(spread)}


def get_spreads(house: House, call: Call) -> Payload:
    """The same of many."""
    told = {}
    for listed, index, _ in _batch(house, call):
        spread = _spread(house, listed, index)
        if spread is not None:
            told[listed.tokens[index]] = text(spread)
    return told


def get_last_trade(house: House, call: Call) -> Payload:
    """The last trade; half a dollar and no side before the first."""
    traded = last_trade(house, *_token(house, call))
    price, side = ("0.5", "") if traded is None else (text(traded[0]), traded[1])
    return {"price": price, "side": side}


def get_last_trades(house: House, call: Call) -> list[Payload]:
    """The same of many; what never traded is left out."""
    rows = []
    for listed, index, _ in _batch(house, call):
        traded = last_trade(house, listed, index)
        if traded is not None:
            token, (price, side) = listed.tokens[index], traded
            rows.append({"token_id": token, "price": text(price), "side": side})
    return rows


def _of_market(house: House, call: Call) -> Listed:
    found = call.path.get("token_id") or call.text("token_id")
    return find_token(house, found, not_found("market not found"))[0]


def get_tick_size(house: House, call: Call) -> Payload:
    """The step of prices now."""
    return {"minimum_tick_size": number(house.tick(_of_market(house, call)))}


def get_neg_risk(house: House, call: Call) -> Payload:
    """Whether the neg-risk contract settles."""
    return {"neg_risk": _of_market(house, call).is_neg_risk}


def get_fee_rate(house: House, call: Call) -> Payload:
    """Left over: of no meaning."""
    return {"base_fee": 0 if _of_market(house, call).fees is None else 1000}


def get_builder_fees(_: House, __: Call) -> Payload:
    """No builder charges here."""
    return {"builder_maker_fee_rate_bps": 0, "builder_taker_fee_rate_bps": 0}


def _condition(house: House, call: Call) -> Listed:
    listed = house.catalog.markets.get(call.path["condition_id"])
    if listed is None:
        raise not_found("market not found")
    return listed


def get_clob_market(house: House, call: Call) -> Payload:
    """What a trader needs to know, in short names; what is false is left out."""
    listed = _condition(house, call)
    fees = listed.fees
    told: Payload = {
        "c": listed.condition_id,
        "gst": None if listed.game_start_us is None else instant(listed.game_start_us),
        "r": {"mi": 50, "ma": Decimal("4.5"), "moas": 30},
        "t": [
            {"t": token, "o": outcome}
            for token, outcome in zip(listed.tokens, listed.outcomes, strict=True)
        ],
        "sd": listed.seconds_delay,
        "itode": listed.blocks_takers,
        "mos": number(listed.min_size),
        "mts": number(house.tick(listed)),
        "mbf": 0 if fees is None else 1000,
        "tbf": 0 if fees is None else 1000,
        "nr": listed.is_neg_risk,
        "fd": None if fees is None else {"r": number(fees.rate), "e": 1, "to": True},
    }
    return {name: value for name, value in told.items() if value}


def get_market_by_token(house: House, call: Call) -> Payload:
    """The market of a token."""
    listed = _of_market(house, call)
    return {
        "condition_id": listed.condition_id,
        "primary_token_id": listed.tokens[0],
        "secondary_token_id": listed.tokens[1],
    }


def _long(house: House, listed: Listed) -> Payload:
    """A market at length (captures of 2024-10 and 2026-03)."""
    event = house.catalog.event_of(listed)
    closed = is_closed(house, listed)
    return {
        "enable_order_book": not closed,
        "active": True,
        "closed": closed,
        "archived": False,
        "accepting_orders": accepts(house.market(listed)),
        "accepting_order_timestamp": instant(listed.opens_us or listed.created_us),
        "minimum_order_size": number(listed.min_size),
        "minimum_tick_size": number(house.tick(listed)),
        "condition_id": listed.condition_id,
        "question_id": listed.question_id,
        "question": listed.question,
        "description": listed.description,
        "market_slug": listed.slug,
        "end_date_iso": instant(listed.end_us),
        "game_start_time": None
        if listed.game_start_us is None
        else instant(listed.game_start_us),
        "seconds_delay": listed.seconds_delay,
        "fpmm": _ZERO_ADDRESS,
        "maker_base_fee": 0,
        "taker_base_fee": 0,
        "notifications_enabled": True,
        "neg_risk": listed.is_neg_risk,
        "neg_risk_market_id": listed.neg_risk_id,
        "neg_risk_request_id": "",
        "icon": event.image,
        "image": event.image,
        "rewards": {"rates": None, "min_size": 50, "max_spread": Decimal("4.5")},
        "is_50_50_outcome": house.value(listed.condition_id) == Decimal("0.5"),
        "tokens": _tokens(house, listed),
        "tags": [tag.label for tag in event.tags],
    }


def _tokens(house: House, listed: Listed) -> list[Payload]:
    won = house.value(listed.condition_id)
    told = prices(house, listed)
    return [
        {
            "token_id": listed.tokens[index],
            "outcome": listed.outcomes[index],
            "price": number(told[index]),
            "winner": won is not None and told[index] == 1,
        }
        for index in (0, 1)
    ]


def _short(house: House, listed: Listed) -> Payload:
    whole = _long(house, listed)
    names = ("condition_id", "rewards", "tokens", "active", "closed", "archived")
    return {name: whole[name] for name in (*names, "accepting_orders")}


def get_market(house: House, call: Call) -> Payload:
    """One market at length."""
    return _long(house, _condition(house, call))


def _paged(
    house: House,
    call: Call,
    view: Callable[[House, Listed], Payload],
    *,
    rewarded: bool,
) -> Payload:
    chosen: Iterable[Listed] = house.catalog.markets.values()
    if rewarded:
        chosen = (m for m in chosen if not is_closed(house, m))
    shown, following = clob_page(list(chosen), call.text("next_cursor"), _PAGE)
    return {
        "limit": _PAGE,
        "count": len(shown),
        "next_cursor": following,
        "data": [view(house, listed) for listed in shown],
    }


def list_markets(house: House, call: Call) -> Payload:
    """All markets."""
    return _paged(house, call, _long, rewarded=False)


def list_sampling(house: House, call: Call) -> Payload:
    """Those with rewards: all that are open."""
    return _paged(house, call, _long, rewarded=True)


def list_simplified(house: House, call: Call) -> Payload:
    """All markets, in short."""
    return _paged(house, call, _short, rewarded=False)


def list_sampling_simplified(house: House, call: Call) -> Payload:
    """Those with rewards, in short."""
    return _paged(house, call, _short, rewarded=True)


def _get(
    path: str,
    handler: Callable[[House, Call], Any],
    group: str = "",
    *,
    method: str = "GET",
    raw: bool = False,
) -> Operation:
    groups = ("clob", f"clob_{group}") if group else ("clob",)
    return Operation(
        host="clob", method=method, path=path, handler=handler, groups=groups, raw=raw
    )


OPERATIONS = (
    _get("/", get_ok, raw=True),
    _get("/ok", get_ok, raw=True),
    _get("/time", get_time),
    _get("/version", get_version),
    _get("/book", get_book, "one"),
    _get("/books", get_books, "batch", method="POST"),
    _get("/price", get_price, "one"),
    _get("/books", get_books, "batch"),
    _get("/prices", get_prices, "batch"),
    _get("/midpoints", get_midpoints, "batch"),
    _get("/last-trades-prices", get_last_trades, "batch"),
    _get("/prices", get_prices, "batch", method="POST"),
    _get("/midpoint", get_midpoint, "one"),
    _get("/midpoints", get_midpoints, "batch", method="POST"),
    _get("/spread", get_spread),
    _get("/spreads", get_spreads, "batch", method="POST"),
    _get("/last-trade-price", get_last_trade),
    _get("/last-trades-prices", get_last_trades, "batch", method="POST"),
    _get("/tick-size", get_tick_size, "tick"),
    _get("/tick-size/{token_id}", get_tick_size, "tick"),
    _get("/neg-risk", get_neg_risk),
    _get("/neg-risk/{token_id}", get_neg_risk),
    _get("/fee-rate", get_fee_rate),
    _get("/fee-rate/{token_id}", get_fee_rate),
    _get("/fees/builder-fees/{code}", get_builder_fees),
    _get("/clob-markets/{condition_id}", get_clob_market),
    _get("/markets-by-token/{token_id}", get_market_by_token),
    _get("/markets", list_markets),
    _get("/markets/{condition_id}", get_market),
    _get("/sampling-markets", list_sampling),
    _get("/simplified-markets", list_simplified),
    _get("/sampling-simplified-markets", list_sampling_simplified),
)
