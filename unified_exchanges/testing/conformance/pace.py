"""Too fast, and at another time: refusals for speed, and clocks that disagree."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from ...clock import Clock
from ...errors import ClockSkew, RateLimitExceeded, UnifiedExchangesError
from ...flow import Request, Response
from ...policy import RetryPolicy
from ...simulator.faults import too_many_requests
from .ground import Conformance, Trader

__all__ = ["Pace"]

_CALLS = 20
_PAUSE = 3


class Shifted:
    """A clock that is wrong by so many seconds; it measures right."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self.seconds = seconds

    def now(self) -> float:
        """The wrong time."""
        return self._clock.now() + self.seconds

    def monotonic(self) -> float:
        """The same as everybody's."""
        return self._clock.monotonic()


class Pace(Conformance):
    """Rate limits and clocks."""

    @staticmethod
    def burst(trader: Trader, name: str, count: int = _CALLS) -> list[Any]:
        """Many calls at once; what each came to."""
        method = getattr(trader.exchange, name)

        def call() -> Any:
            try:
                return method()
            except UnifiedExchangesError as error:
                return error

        async def calls() -> list[Any]:
            done = [method() for _ in range(count)]
            return await asyncio.gather(*done, return_exceptions=True)

        if trader.is_async:
            return asyncio.run(calls())
        with ThreadPoolExecutor(count) as pool:
            done = [pool.submit(call) for _ in range(count)]
            return [each.result() for each in done]

    @staticmethod
    def arrivals(trader: Trader) -> list[float]:
        """When requests come to the venue from now on."""
        venue, clock = trader.ground.venue, trader.ground.clock
        serve, came = venue.handle, []

        def handle(request: Request) -> Response:
            came.append(clock.monotonic())
            return serve(request)

        venue.handle = handle  # type: ignore[method-assign]
        return came

    @pytest.mark.parametrize("hint", [True, False])
    def test_fault_43_one_refusal_for_speed_holds_everybody_back(
        self, trader: Trader, *, hint: bool
    ) -> None:
        trader.fetch_balance()
        before = len(trader.transport.requests)
        trader.fetch_balance()
        each = len(trader.transport.requests) - before
        headers = {"retry-after": str(_PAUSE)} if hint else {}
        trader.meet(too_many_requests(headers=headers), reads=True)
        came = self.arrivals(trader)
        answers = self.burst(trader, "fetch_balance")
        assert [a for a in answers if isinstance(a, Exception)] == []
        # One was refused, and it alone was sent again.
        assert len(came) == _CALLS * each + 1
        if hint:
            first = min(came)
            assert [t for t in came if first < t < first + _PAUSE] == []

    @pytest.mark.parametrize("hint", [True, False])
    def test_fault_43_p17_refusals_that_last_do_not_multiply_requests(
        self, trader: Trader, *, hint: bool
    ) -> None:
        trader.fetch_balance()
        headers = {"retry-after": "1"} if hint else {}
        trader.meet(too_many_requests(headers=headers, count=None), reads=True)
        came = self.arrivals(trader)
        answers = self.burst(trader, "fetch_balance", 4)
        assert {type(answer) for answer in answers} == {RateLimitExceeded}
        assert len(came) <= 4 * RetryPolicy().attempts

    def test_fault_43_f11_an_order_refused_for_speed_was_sent_once(
        self, trader: Trader
    ) -> None:
        market = trader.quoted_market()
        trader.meet(too_many_requests(count=None))
        with pytest.raises(RateLimitExceeded) as caught:
            trader.rest(market)
        assert len(trader.writes) == 1
        assert not caught.value.maybe_executed

    @pytest.mark.parametrize("seconds", [-10.0, 3600.0])
    def test_fault_44_f07_a_clock_that_is_off_is_found_out_and_allowed_for(
        self, trader: Trader, seconds: float
    ) -> None:
        shifted = Shifted(trader.ground.clock, seconds)
        wrong = self.with_clock(trader, shifted)
        assert wrong.fetch_balance() == trader.fetch_balance()
        offset = wrong.check_health().clock_offset_ms
        assert offset is not None
        assert abs(offset + seconds * 1000) <= 1000

    def test_fault_44_a_clock_that_is_set_while_we_trade_is_allowed_for(
        self, trader: Trader
    ) -> None:
        shifted = Shifted(trader.ground.clock, 0.0)
        wrong = self.with_clock(trader, shifted)
        market = wrong.quoted_market()
        order = wrong.rest(market)
        shifted.seconds = -30.0
        trader.ground.clock.advance(2)
        # One refusal may be the price.
        with suppress(ClockSkew):
            wrong.fetch_open_orders()
        assert [o.order_id for o in wrong.fetch_open_orders()] == [order.order_id]
        wrong.cancel_order(order.order_id)
        assert trader.fetch_open_orders() == []

    @staticmethod
    def with_clock(trader: Trader, clock: Clock) -> Trader:
        """The same account on a machine with that clock."""
        made = trader.another()
        made.exchange = trader.ground.exchange(
            "async" if trader.is_async else "blocking",
            clock=clock,
            transport=made.transport,
            **trader.ground.account(),
        )
        return made
