"""Getting out of a position at once, within a bound."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Generic, TypeVar

from ..errors import ArgumentsRequired
from ..flow import Flow
from ..models import Order, OrderRequest, Params, Side, TimeInForce
from ..money import ZERO, Number
from .draft import Draft
from .placing import Placing

__all__ = ["Closing"]


D = TypeVar("D", bound=Draft)


class Closing(Placing[D], Generic[D]):
    """Sells what is held."""

    purse_words: ClassVar[tuple[str, ...]] = ()
    """Venue words that say of which part of the account positions are."""

    def close_position(
        self,
        market_id: str,
        *,
        outcome: str | None = None,
        price: Number | None = None,
        max_slippage: Number | None = None,
        client_order_id: str | None = None,
        params: Params | None = None,
    ) -> Flow[Order | None]:
        """Sell what is held, reduce-only; see `Exchange.close_position`.

        What is held must be known for sure (`held_now`): else nothing is sent, and the
        error says why.
        """
        if price is None and max_slippage is None:
            message = (
                "closing a position needs a bound: price= as the lowest price, or "
                "max_slippage= dollars below the best bid"
            )
            raise ArgumentsRequired(message, venue=self.id)
        self.require_writable(f"close of {market_id}")
        self.switch.check(f"close of {market_id}")
        self.require_allowed(market_id, f"close of {market_id}")
        given = dict(params or {})
        scope = {key: given[key] for key in self.purse_words if key in given}
        found = yield from self.held_now(market_id, scope)
        if outcome is not None:
            meant = self.outcome_label((yield from self.rules(market_id)), outcome)
            found = [each for each in found if each[0] == meant]
        if not found:
            # A mistyped market must not look like nothing to close.
            yield from self.rules(market_id)
            return None
        if len(found) > 1:
            labels = " and ".join(repr(outcome) for outcome, _ in found)
            message = (
                f"of {market_id} both {labels} are held, and nothing was sold: say which "
                "is meant with outcome="
            )
            raise ArgumentsRequired(message, venue=self.id)
        ((label, size),) = found
        request = OrderRequest(
            market_id=market_id,
            outcome=label,
            side=Side.SELL,
            price=price,
            size=size,
            type="market",
            time_in_force=TimeInForce.IOC,
            reduce_only=True,
            client_order_id=client_order_id,
            max_slippage=max_slippage,
            params=params,
        )
        return (yield from self.create_order(request))

    def held_now(
        self, market_id: str, scope: Params
    ) -> Flow[list[tuple[str, Decimal]]]:
        """Outcomes of a market that are held, and contracts, read so that it is sure.

        Positions that lag behind fills are not read before they have caught up.
        """
        stale = yield from self.until_fresh(self.venue_now())
        if stale is not None:
            stale.add(
                f"; so what is held of {market_id} is not known, and nothing was sold. "
                "Try again, or sell what you know with create_order(time_in_force="
                "'ioc', reduce_only=True)"
            )
            raise stale
        held = yield from self.fetch_positions(
            market_id=market_id, mark=False, params=scope
        )
        return [(x.outcome, x.size) for x in held if x.size > ZERO]
