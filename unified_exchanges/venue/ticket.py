"""An order as a caller asks for it: what can be checked without knowing its market."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Final

import attrs

from ..errors import ArgumentsRequired, InvalidOrder
from ..models import OrderRequest, Side, TimeInForce
from .arguments import Arguments

__all__ = ["Ticket", "Tickets"]

_SIDES: Final[Mapping[str, Side]] = {side.value: side for side in Side}


def _anything(
    request: OrderRequest,  # noqa: ARG001
    time_in_force: TimeInForce,  # noqa: ARG001
) -> str | None:
    return None


def _of_the_market(
    time_in_force: TimeInForce,  # noqa: ARG001
    minimum_size: Decimal,
    lot: Decimal,  # noqa: ARG001
) -> Decimal:
    return minimum_size


def _nothing(ticket: Ticket, price: Decimal, size: Decimal, now: float) -> None:
    """What a venue has against an order that has none of its own rules."""


@attrs.define(kw_only=True, slots=True, eq=False, repr=False)
class Ticket:
    """The part of an order that can be checked without knowing the market.

    ``expires`` is in Unix seconds.
    """

    request: OrderRequest
    market_id: str
    side: Side
    time_in_force: TimeInForce
    client_order_id: str
    expires: int | None
    params: Mapping[str, str | int | bool]

    @property
    def kind(self) -> str:
        """What venues do not tell of an order: how it may rest."""
        request = self.request
        if request.post_only:
            return "post_only"
        return "reduce_only" if request.reduce_only else self.time_in_force

    def __str__(self) -> str:
        """What is asked, for errors."""
        return f"{self.side} order on {self.market_id}"


@attrs.frozen(kw_only=True, slots=True, eq=False)
class Tickets:
    """Reads orders for one venue.

    ``taken`` are the words of the wire that have a unified argument and may not come in by
    ``params``, ``known`` those that have none, with their types.  ``read_market_id`` reads
    the id of a market; ``wrong`` says what the venue has against an order and how long it
    may rest, or None.

    ``least_size`` is the smallest size of an order, of how long it may rest and of the
    minimum and the lot of its market.  ``check`` raises what the venue would surely have
    against an order at a price of its market's grid, now, in Unix seconds.  What needs no
    account is all here: so an order on paper, or in a backtest, meets the same rules.
    """

    arguments: Arguments
    taken: frozenset[str]
    known: Mapping[str, type]
    read_market_id: Callable[[object], str]
    wrong: Callable[[OrderRequest, TimeInForce], str | None] = _anything
    least_size: Callable[[TimeInForce, Decimal, Decimal], Decimal] = _of_the_market
    check: Callable[[Ticket, Decimal, Decimal, float], None] = _nothing

    def read(self, request: OrderRequest, *, rng: Random) -> Ticket:
        """Check what neither market nor time can change; make up an id if there is none."""
        is_market = request.type == "market"
        if request.type not in ("limit", "market"):
            message = f"type {request.type!r} is neither 'limit' nor 'market'"
            raise self.refusal(message)
        default = TimeInForce.IOC if is_market else TimeInForce.GTC
        word = request.time_in_force
        time_in_force = default if word is None else self.read_time_in_force(word)
        self._check_type(request, time_in_force)
        self._check_flags(request, time_in_force)
        return Ticket(
            request=request,
            market_id=self.read_market_id(request.market_id),
            side=self.read_side(request.side),
            time_in_force=time_in_force,
            client_order_id=self._client_order_id(request.client_order_id, rng),
            expires=self.read_expiry(request.expires_at),
            params=self.arguments.read_params(request.params, self.taken, self.known),
        )

    def read_side(self, side: object) -> Side:
        """Read buy or sell, in any case."""
        if isinstance(side, Side):
            return side
        found = _SIDES.get(str(side).lower())
        if found is None:
            raise self.refusal(f"side {side!r} is neither 'buy' nor 'sell'")
        return found

    def read_time_in_force(self, word: object) -> TimeInForce:
        """Read gtc, ioc or fok, in any case."""
        if isinstance(word, TimeInForce):
            return word
        try:
            return TimeInForce(str(word).lower())
        except ValueError:
            message = f"time_in_force {word!r} is not one of gtc, ioc, fok"
            raise self.refusal(message) from None

    def _check_type(self, request: OrderRequest, time_in_force: TimeInForce) -> None:
        if request.type == "market":
            if request.price is None and request.max_slippage is None:
                message = (
                    "a market order needs a bound: price= as the worst price, or "
                    "max_slippage= dollars from the best one"
                )
                raise ArgumentsRequired(message, venue=self.arguments.venue)
            if request.price is not None and request.max_slippage is not None:
                raise self.refusal("give price= or max_slippage=, not both")
            if time_in_force is TimeInForce.GTC:
                message = "a market order cannot rest: time_in_force is ioc or fok"
                raise self.refusal(message)
            return
        if request.price is None:
            message = "a limit order needs price=, dollars between 0 and 1"
            raise ArgumentsRequired(message, venue=self.arguments.venue)
        if request.max_slippage is not None:
            raise self.refusal("max_slippage= belongs to type='market'")

    def _check_flags(self, request: OrderRequest, time_in_force: TimeInForce) -> None:
        for name, flag in (
            ("post_only", request.post_only),
            ("reduce_only", request.reduce_only),
        ):
            if flag is not True and flag is not False:
                raise self.refusal(f"{name}={flag!r} is neither True nor False")
        is_resting = time_in_force is TimeInForce.GTC
        if request.post_only and not is_resting:
            raise self.refusal("post_only orders rest: time_in_force must be gtc")
        wrong = self.wrong(request, time_in_force)
        if wrong is not None:
            raise self.refusal(wrong)
        if request.expires_at is not None and not is_resting:
            message = "expires_at belongs to orders that rest: time_in_force gtc"
            raise self.refusal(message)

    def read_expiry(self, moment: object) -> int | None:
        """An expiry in Unix seconds; venues have whole seconds, so others are refused."""
        if moment is None:
            return None
        if not isinstance(moment, datetime):
            raise self.refusal(f"expires_at {moment!r} is not a datetime")
        if moment.utcoffset() is None:
            message = f"expires_at {moment} has no time zone; use datetime.now(UTC)"
            raise self.refusal(message)
        if moment.microsecond:
            whole = moment.astimezone(UTC).replace(microsecond=0)
            message = f"expires_at {moment} is no whole second, such as {whole}"
            raise self.refusal(message)
        return int(moment.timestamp())

    def check_expiry(self, expires: int | None, now: float) -> None:
        """Refuse an expiry that has passed."""
        if expires is not None and expires <= now:
            moment = datetime.fromtimestamp(expires, UTC)
            raise self.refusal(f"expires_at {moment} is in the past")

    def _client_order_id(self, given: object, rng: Random) -> str:
        if given is None:
            return _uuid4(rng.getrandbits(128))
        if not isinstance(given, str) or not given.strip() or not given.isprintable():
            raise self.refusal(f"client_order_id {given!r} is not a printable text")
        return given

    def refusal(self, message: str) -> InvalidOrder:
        """The error of this venue for an order that is none."""
        return InvalidOrder(message, venue=self.arguments.venue)


def _uuid4(bits: int) -> str:
    """The text of a random UUID; `uuid.UUID` takes three times as long to write it."""
    digits = f"{bits:032x}"
    variant = "89ab"[bits >> 62 & 3]
    return (
        f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-"
        f"{variant}{digits[17:20]}-{digits[20:]}"
    )
