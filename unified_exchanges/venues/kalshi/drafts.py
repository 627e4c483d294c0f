"""An order before it is sent: checked against the market's rules, said in Kalshi's words.

There is one book for each market, in YES dollars: buying NO at q is an ask at 1 − q
(docs.kalshi.com, orders V2, 2026-10).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Final

import attrs

from ...errors import (
    ArgumentsRequired,
    InvalidOrder,
    MarketClosed,
)
from ...grid import read_price, read_size
from ...models import Intent as Written
from ...models import MarketStatus, OrderRequest, Side, TimeInForce
from ...money import EXACT, ONE, ZERO, complement, read_number, text
from .arguments import read_id, read_params
from .memory import MarketRules

__all__ = [
    "Draft",
    "Intent",
    "check_expiry",
    "draft",
    "read_expiry",
    "read_intent",
    "read_side",
    "read_time_in_force",
    "stated",
]

_TIME_IN_FORCE: Final = {
    TimeInForce.GTC: "good_till_canceled",
    TimeInForce.IOC: "immediate_or_cancel",
    TimeInForce.FOK: "fill_or_kill",
}

_SIDES: Final[Mapping[str, Side]] = {side.value: side for side in Side}
_KNOWN: Final[Mapping[str, type]] = {
    "cancel_order_on_pause": bool,
    "exchange_index": int,
    "order_group_id": str,
    "self_trade_prevention_type": str,
    "subaccount": int,
}
"""Words of the wire that have no unified argument (docs.kalshi.com, 2026-10)."""

_OURS: Final = frozenset(
    {
        "client_order_id",
        "count",
        "expiration_time",
        "post_only",
        "price",
        "reduce_only",
        "side",
        "ticker",
        "time_in_force",
    }
)
"""Words of the wire that have a unified argument and may not come in by ``params``."""


@attrs.define(kw_only=True, slots=True, eq=False, repr=False)
class Intent:
    """The part of an order that can be checked without knowing the market."""

    request: OrderRequest
    market_id: str
    side: Side
    time_in_force: TimeInForce
    client_order_id: str
    expires: int | None
    params: Mapping[str, str | int | bool]

    @property
    def kind(self) -> str:
        """What the venue does not tell of an order: how it may rest."""
        request = self.request
        if request.post_only:
            return "post_only"
        return "reduce_only" if request.reduce_only else self.time_in_force

    def __str__(self) -> str:
        """What is asked, for errors."""
        return f"{self.side} order on {self.market_id}"


@attrs.define(kw_only=True, slots=True, eq=False, repr=False)
class Draft:
    """An order that is ready to be sent; ``price`` is for the caller's outcome.

    ``written`` is what the journal has of it, once it has; ``before`` what was known of an
    earlier sending with the same id, where that may be an order.
    """

    intent: Intent
    rules: MarketRules
    outcome: str
    is_first_outcome: bool
    price: Decimal
    size: Decimal
    default_subaccount: int | None
    written: Written | None = None
    before: Written | None = None

    @property
    def client_order_id(self) -> str:
        """The key by which the venue knows it."""
        return self.intent.client_order_id

    @property
    def market_id(self) -> str:
        """The market that it is for."""
        return self.intent.market_id

    @property
    def side(self) -> Side:
        """Buy or sell of the caller's outcome."""
        return self.intent.side

    @property
    def first_outcome_price(self) -> Decimal:
        """The price on the book, in YES dollars."""
        return self.price if self.is_first_outcome else complement(self.price)

    @property
    def is_bid(self) -> bool:
        """Whether it rests on the side that is long YES."""
        return (self.intent.side is Side.BUY) is self.is_first_outcome

    @property
    def collateral(self) -> Decimal:
        """Dollars that it takes at its limit if it opens a position."""
        price = self.first_outcome_price
        return EXACT.multiply(self.size, price if self.is_bid else complement(price))

    @property
    def shard(self) -> int | None:
        """The shard that it is sent to; None leaves it to Kalshi."""
        chosen = self.intent.params.get("exchange_index", self.rules.shard)
        return chosen if isinstance(chosen, int) and chosen >= 0 else None

    @property
    def subaccount(self) -> int | None:
        """The subaccount that it is placed for; None is the key's own."""
        chosen = self.intent.params.get("subaccount", self.default_subaccount)
        return chosen if isinstance(chosen, int) else None

    @property
    def reduce_only(self) -> bool:
        """Whether Kalshi lets it close only."""
        return self.intent.request.reduce_only

    @property
    def purse(self) -> str:
        """The subaccount that it nets in, if not the one whose positions are read."""
        chosen = self.intent.params.get("subaccount", self.default_subaccount)
        is_default = (chosen or 0) == (self.default_subaccount or 0)
        return "" if is_default else str(chosen)

    def __str__(self) -> str:
        """What is asked, for errors: made only when there is one."""
        intent = self.intent
        return (
            f"{intent.side} {text(self.size)} {self.outcome} of {intent.market_id} "
            f"at {text(self.price)}"
        )

    def body(self) -> dict[str, object]:
        """The request as Kalshi reads it: money and sizes are strings."""
        intent = self.intent
        request = intent.request
        body: dict[str, object] = {
            "ticker": intent.market_id,
            "client_order_id": intent.client_order_id,
            "side": "bid" if self.is_bid else "ask",
            "count": text(self.size, 2),
            "price": text(self.first_outcome_price, 4),
            "time_in_force": _TIME_IN_FORCE[intent.time_in_force],
            "self_trade_prevention_type": "taker_at_cross",
            "exchange_index": self.rules.shard,
        }
        if request.post_only:
            body["post_only"] = True
        if request.reduce_only:
            body["reduce_only"] = True
        if intent.expires is not None:
            body["expiration_time"] = intent.expires
        if self.default_subaccount is not None:
            body["subaccount"] = self.default_subaccount
        if intent.params:
            body.update(intent.params)
        return body


def read_side(side: object) -> Side:
    """Read buy or sell, in any case."""
    if isinstance(side, Side):
        return side
    found = _SIDES.get(str(side).lower())
    if found is None:
        message = f"side {side!r} is neither 'buy' nor 'sell'"
        raise InvalidOrder(message, venue="kalshi")
    return found


def read_time_in_force(word: object) -> TimeInForce:
    """Read gtc, ioc or fok, in any case."""
    if isinstance(word, TimeInForce):
        return word
    try:
        return TimeInForce(str(word).lower())
    except ValueError:
        message = f"time_in_force {word!r} is not one of gtc, ioc, fok"
        raise InvalidOrder(message, venue="kalshi") from None


def read_intent(request: OrderRequest, *, rng: Random) -> Intent:
    """Check what neither market nor time can change; make up an id if there is none."""
    is_market = request.type == "market"
    if request.type not in ("limit", "market"):
        raise _invalid(f"type {request.type!r} is neither 'limit' nor 'market'")
    default = TimeInForce.IOC if is_market else TimeInForce.GTC
    word = request.time_in_force
    time_in_force = default if word is None else read_time_in_force(word)
    _check_type(request, time_in_force)
    _check_flags(request, time_in_force)
    return Intent(
        request=request,
        market_id=read_id("market_id", request.market_id),
        side=read_side(request.side),
        time_in_force=time_in_force,
        client_order_id=_client_order_id(request.client_order_id, rng),
        expires=read_expiry(request.expires_at),
        params=read_params(request.params, _OURS, _KNOWN),
    )


def _check_type(request: OrderRequest, time_in_force: TimeInForce) -> None:
    if request.type == "market":
        if request.price is None and request.max_slippage is None:
            message = (
                "a market order needs a bound: price= as the worst price, or "
                "max_slippage= dollars from the best one"
            )
            raise ArgumentsRequired(message, venue="kalshi")
        if request.price is not None and request.max_slippage is not None:
            raise _invalid("give price= or max_slippage=, not both")
        if time_in_force is TimeInForce.GTC:
            raise _invalid("a market order cannot rest: time_in_force is ioc or fok")
        return
    if request.price is None:
        message = "a limit order needs price=, dollars between 0 and 1"
        raise ArgumentsRequired(message, venue="kalshi")
    if request.max_slippage is not None:
        raise _invalid("max_slippage= belongs to type='market'")


def _check_flags(request: OrderRequest, time_in_force: TimeInForce) -> None:
    for name, flag in (
        ("post_only", request.post_only),
        ("reduce_only", request.reduce_only),
    ):
        if flag is not True and flag is not False:
            raise _invalid(f"{name}={flag!r} is neither True nor False")
    is_resting = time_in_force is TimeInForce.GTC
    if request.post_only and not is_resting:
        raise _invalid("post_only orders rest: time_in_force must be gtc")
    if request.reduce_only and time_in_force is not TimeInForce.IOC:
        # docs.kalshi.com, create order V2, 2026-10-09
        raise _invalid("Kalshi takes reduce_only with time_in_force='ioc' only")
    if request.expires_at is not None and not is_resting:
        raise _invalid("expires_at belongs to orders that rest: time_in_force gtc")


def read_expiry(moment: object) -> int | None:
    """An expiry in Unix seconds; Kalshi has whole seconds, so others are refused."""
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        raise _invalid(f"expires_at {moment!r} is not a datetime")
    if moment.utcoffset() is None:
        raise _invalid(f"expires_at {moment} has no time zone; use datetime.now(UTC)")
    if moment.microsecond:
        whole = moment.astimezone(UTC).replace(microsecond=0)
        raise _invalid(f"Kalshi expires orders at whole seconds, such as {whole}")
    return int(moment.timestamp())


def check_expiry(expires: int | None, now: float) -> None:
    """Refuse an expiry that has passed."""
    if expires is not None and expires <= now:
        moment = datetime.fromtimestamp(expires, UTC)
        raise _invalid(f"expires_at {moment} is in the past")


def _client_order_id(given: object, rng: Random) -> str:
    if given is None:
        return _uuid4(rng.getrandbits(128))
    if not isinstance(given, str) or not given.strip() or not given.isprintable():
        raise _invalid(f"client_order_id {given!r} is not a printable text")
    return given


def _uuid4(bits: int) -> str:
    """The text of a random UUID; `uuid.UUID` takes three times as long to write it."""
    digits = f"{bits:032x}"
    variant = "89ab"[bits >> 62 & 3]
    return (
        f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-"
        f"{variant}{digits[17:20]}-{digits[20:]}"
    )


def draft(
    intent: Intent, rules: MarketRules, *, bound: Decimal | None, subaccount: int | None
) -> Draft:
    """Check an intent against its market; ``bound`` is the price of a market order."""
    request = intent.request
    outcome = _outcome(rules, request.outcome)
    is_first = outcome == rules.outcomes[0].label
    grid = rules.grid if is_first else rules.grid.complement()
    price = bound
    if price is None:
        assert request.price is not None
        price = read_price(request.price, grid)
    size = read_size(request.size, lot=rules.lot, minimum=rules.minimum_size)
    if rules.status is not MarketStatus.OPEN:
        message = f"market {rules.market_id} does not trade now: it is {rules.status}"
        raise MarketClosed(message, venue="kalshi")
    return Draft(
        intent=intent,
        rules=rules,
        outcome=outcome,
        is_first_outcome=is_first,
        price=price,
        size=size,
        default_subaccount=subaccount,
    )


def stated(intent: Intent, rules: MarketRules, *, subaccount: int | None) -> Draft:
    """An order as it was said, to be compared: it need not be possible any more.

    Its price is 0 where the caller gave none.  Raises ValueError if it never was.
    """
    request = intent.request
    outcome = _outcome(rules, request.outcome)
    price = ZERO if request.price is None else read_number(request.price)
    size = read_number(request.size)
    if not ZERO <= price < ONE or size <= ZERO:
        message = "no order has such a price or size"
        raise ValueError(message)
    return Draft(
        intent=intent,
        rules=rules,
        outcome=outcome,
        is_first_outcome=outcome == rules.outcomes[0].label,
        price=price,
        size=size,
        default_subaccount=subaccount,
    )


def _outcome(rules: MarketRules, name: str) -> str:
    wanted = str(name).casefold()
    for outcome in rules.outcomes:
        if wanted in (outcome.label.casefold(), outcome.outcome_id.casefold()):
            return outcome.label
    labels = ", ".join(outcome.label for outcome in rules.outcomes)
    raise _invalid(f"{rules.market_id} has no outcome {name!r}; it has: {labels}")


def _invalid(message: str) -> InvalidOrder:
    return InvalidOrder(message, venue="kalshi")
