"""Getting out of a position at once, within a bound."""

from __future__ import annotations

from ...errors import ArgumentsRequired
from ...flow import Flow
from ...models import Order, OrderRequest, Params, Side, TimeInForce
from ...money import ZERO, Number
from .lookup import Lookup

__all__ = ["Closing"]


class Closing(Lookup):
    """Sells what is held."""

    def close_position(
        self,
        market_id: str,
        *,
        price: Number | None = None,
        max_slippage: Number | None = None,
        client_order_id: str | None = None,
        params: Params | None = None,
    ) -> Flow[Order | None]:
        """Sell what is held, reduce-only; see `Exchange.close_position`.

        Positions lag behind fills, so reads must have caught up first: else nothing is
        sent, and the error of `until_fresh` says so.
        """
        if price is None and max_slippage is None:
            message = (
                "closing a position needs a bound: price= as the lowest price, or "
                "max_slippage= dollars below the best bid"
            )
            raise ArgumentsRequired(message, venue=self.id)
        self.require_writable(f"close of {market_id}")
        self.switch.check(f"close of {market_id}")
        given = dict(params or {})
        scope = {key: given[key] for key in ("subaccount",) if key in given}
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
        found = [position for position in held if position.size > ZERO]
        if not found:
            # A mistyped market must not look like nothing to close.
            yield from self.rules(market_id)
            return None
        request = OrderRequest(
            market_id=market_id,
            outcome=found[0].outcome,
            side=Side.SELL,
            price=price,
            size=found[0].size,
            type="market",
            time_in_force=TimeInForce.IOC,
            reduce_only=True,
            client_order_id=client_order_id,
            max_slippage=max_slippage,
            params=params,
        )
        return (yield from self.create_order(request))
