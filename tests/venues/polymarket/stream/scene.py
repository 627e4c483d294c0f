"""A simulated Polymarket on a real socket, and somebody who trades there by bare requests."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Self

from tests.opening import OpeningClock
from tests.streams.runner import LoopThread
from tests.venues.polymarket.simulated.trader import Answer, Trader
from tests.watching.face import FREE, Face
from unified_exchanges.clock import SystemClock
from unified_exchanges.policy import StreamPolicy
from unified_exchanges.simulator.faults import StreamFault, StreamPlan
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.venues.polymarket import (
    AsyncPolymarketWebSocket,
    PolymarketWebSocket,
)
from unified_exchanges.venues.polymarket.simulated import (
    PolymarketSettings,
    SimulatedPolymarket,
)

__all__ = ["FAST", "Scene", "Socket"]

FAST = {"first": 0.02, "cap": 0.2, "acknowledgement": 2.0}
_OURS, _THEIRS = 0x1234567, 0x7654321
_QUICK = {"mined": 0.1, "confirmed": 0.3}


class Scene:
    """A venue whose books stand still but for us and one other."""

    def __init__(self, *faults: StreamFault, **settings: Any) -> None:
        clock = OpeningClock()
        self.venue = SimulatedPolymarket(
            enforce_limits=False,
            settings=PolymarketSettings(**{**_QUICK, **settings}),
            clock=clock,
        )
        clock.open()
        self.server = SimulatorServer(
            self.venue, stream_faults=StreamPlan(faults), heartbeat=0.2
        )
        self.us, self.them = self._trader(_OURS), self._trader(_THEIRS)
        self.listed = self.us.market()
        self.other = self.us.market("will-ada-quimby-be-the-next-mayor-of-springfield")
        self._stack = ExitStack()

    def _trader(self, key: int) -> Trader:
        wallet = self.venue.add_account(key)
        clock: Any = SystemClock()
        return Trader(self.venue, clock, key, wallet, self.venue.add_key(wallet))

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self.server.__exit__(None, None, None)

    @property
    def market(self) -> str:
        return self.listed.condition_id

    @property
    def account(self) -> dict[str, Any]:
        us = self.us
        return {
            "private_key": f"{us.private_key:064x}",
            "api_key": us.key.key_id,
            "secret": us.key.secret,
            "password": us.key.passphrase,
            "environment": self.server.url,
            "options": {
                "funder": us.wallet.address,
                "signature_type": us.wallet.signature_type,
            },
        }

    def face(self, driver: str, **settings: Any) -> Face:
        policy = {**FAST, **settings.pop("policy", {})}
        account = {**self.account, "limits": FREE, **settings}
        made = Face(driver, policy, venue="polymarket", **account)
        self._stack.callback(made.close)
        return made

    def socket(self, driver: str, **settings: Any) -> Socket:
        made = Socket(driver, **{**self.account, **settings})
        self._stack.callback(made.end)
        return made

    # -- trading --------------------------------------------------------------------

    def place(
        self, side: str, price: str, size: str, *, by: Trader | None = None, **more: Any
    ) -> Answer:
        """Place an order, ours unless somebody else's."""
        trader = by or self.us
        # What it makes the venue send is put together under the lock of the server.
        with self.server.lock:
            return trader.place(self.listed, side, price, size, **more)

    def bid(self, size: str, **more: Any) -> str:
        """Rest far from the best; the id of the order."""
        return str(self.place("BUY", "0.01", size, **more).body["orderID"])

    def buy(self, size: str, **more: Any) -> str:
        """Take what others sell; the id of the order."""
        with self.server.lock:
            price = self.us.best(self.listed, "ask", more.get("index", 0))
        return str(self.place("BUY", price, size, **more).body["orderID"])

    def cancel(self, order_id: str) -> None:
        with self.server.lock:
            self.us.ask("DELETE", "/order", {"orderID": order_id})


class Socket:
    """A WebSocket class of either flavour behind one blocking face."""

    def __init__(self, driver: str, **settings: Any) -> None:
        self.loop = None if driver == "blocking" else LoopThread()
        if self.loop is None:
            policy = StreamPolicy(**FAST)  # type: ignore[arg-type]
            self.ws: Any = PolymarketWebSocket(**settings, stream=policy)
        else:
            fast = StreamPolicy(**FAST, driver=driver)  # type: ignore[arg-type]
            self.ws = self.loop.call(
                lambda: AsyncPolymarketWebSocket(**settings, stream=fast)
            )
        self._events: Any = None

    def do(self, act: Any) -> Any:
        if self.loop is None:
            return act()

        async def acted() -> Any:
            done = act()
            return await done if hasattr(done, "__await__") else done

        return self.loop.run(acted())

    def subscribe(self, *args: Any) -> None:
        self.do(lambda: self.ws.subscribe(*args))

    def unsubscribe(self, *args: Any) -> None:
        self.do(lambda: self.ws.unsubscribe(*args))

    def next(self) -> Any:
        """The next event."""
        if self._events is None:
            found = [iter(self.ws) if self.loop is None else aiter(self.ws)]
            self._events = found[0]
        if self.loop is None:
            return next(self._events)
        return self.loop.run(anext(self._events))

    def until(self, kind: str) -> list[Any]:
        """Events up to the first of a kind."""
        found = [self.next()]
        while type(found[-1]).__name__ != kind:
            found.append(self.next())
        return found

    def end(self) -> None:
        self.do(self.ws.close if self.loop is None else self.ws.aclose)
        if self.loop is not None:
            self.loop.stop()
