"""The simulated venues under the joint machine: all in which they differ is here."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

import attrs

from tests.venues.kalshi.ground import KalshiGround
from tests.venues.polymarket.ground import PolymarketGround
from unified_exchanges.clock import VirtualClock
from unified_exchanges.errors import NotSupported, UnifiedExchangesError
from unified_exchanges.flow import Request, Response
from unified_exchanges.money import EXACT, ZERO, total
from unified_exchanges.policy import LimitPolicy
from unified_exchanges.simulator.engine import Engine
from unified_exchanges.simulator.faults import Fault, StreamFault
from unified_exchanges.simulator.orderflow import FlowSettings
from unified_exchanges.simulator.orders import Order, Owner, Refusal, Ticket
from unified_exchanges.testing.scripted import ScriptedTransport
from unified_exchanges.venues.kalshi.aio import AsyncKalshi
from unified_exchanges.venues.kalshi.blocking import Kalshi
from unified_exchanges.venues.kalshi.simulated import generate_key
from unified_exchanges.venues.polymarket.aio import AsyncPolymarket
from unified_exchanges.venues.polymarket.blocking import Polymarket
from unified_exchanges.venues.polymarket.simulated import SimulatedPolymarket
from unified_exchanges.venues.polymarket.simulated.envelopes import read_envelope
from unified_exchanges.venues.polymarket.simulated.records import Match
from unified_exchanges.venues.polymarket.simulated.sandbox import sandbox_of

__all__ = ["House", "KalshiHouse", "PolymarketHouse", "Traded"]

SEED = 7
_THIN = FlowSettings(levels=2)
_FREE = LimitPolicy(enabled=False, discover=False)
_OTHERS = generate_key("ed25519")


class _ByHand:
    def _follow_orders(self) -> Any:
        raise NotSupported("its stream is carried by hand")


class _Kalshi(_ByHand, Kalshi): ...


class _AsyncKalshi(_ByHand, AsyncKalshi): ...


class _Polymarket(_ByHand, Polymarket): ...


class _AsyncPolymarket(_ByHand, AsyncPolymarket): ...


@attrs.frozen
class Traded:
    """A fill of ours as the venue has it: what of it stands, in contracts."""

    stands: Decimal
    time_us: int


class House(ABC):
    """One simulated venue with our account and that of others, on a virtual clock."""

    markets: ClassVar[tuple[str, ...]]
    line: ClassVar[int]
    """Which of the venue's lines tells of our orders and fills."""
    kinds: ClassVar[tuple[type, type]]
    """What our processes use, blocking and async."""
    least: ClassVar[Mapping[str, str]]
    """Sizes that are other ones here."""
    expiry: ClassVar[int]
    """Seconds for which an order that expires is good."""
    edits: ClassVar[bool]
    settles_late: ClassVar[bool]

    clock: VirtualClock
    venue: Any
    engine: Engine
    us: Owner
    others: Owner

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}
        """Client order ids by order id, where the venue hears none of them."""
        self.killed: set[str] = set()
        """Orders that ended as they arrived, and of which the venue kept nothing."""

    @abstractmethod
    def account(self) -> Mapping[str, Any]:
        """The keys of our account."""

    @abstractmethod
    def sent(self, request: Request) -> list[tuple[str, str]]:
        """The names of the orders in a request: the client's, or else the venue's."""

    def hear(self, request: Request, answer: Response) -> None:
        """Learn from an answer what the venue's own books do not tell."""
        del request, answer

    def fault(self, fault: Fault) -> Fault:
        """The same trouble, where it meets this venue's requests."""
        return fault

    def stream_fault(self, fault: StreamFault) -> StreamFault:
        """The same trouble, where it meets this venue's frames."""
        return fault

    @abstractmethod
    def place_elsewhere(
        self, name: str, side: Any, price: Decimal, size: int
    ) -> str | None:
        """An order of our account by no process of ours; its id."""

    def key_of(self, order: Order) -> str | None:
        """The client order id of an order, where the venue knows of such."""
        return order.client_order_id

    @abstractmethod
    def fills(self) -> dict[tuple[str, str], Traded]:
        """All fills of our account, by trade and order."""

    def failed(self, order_id: str) -> Decimal:
        """Contracts of an order that matched, and then failed to settle."""
        del order_id
        return ZERO

    @abstractmethod
    def held(self, name: str) -> dict[str | None, Decimal]:
        """Contracts by outcome; where they net, of YES and by no outcome."""


class KalshiHouse(House):
    """Orders go by our own ids, outcomes net, and what trades has settled."""

    markets = ("KXRAINSEA-26NOV25-R", "KXBTCD-26NOV2222-T84000")
    line = 0
    kinds = (_Kalshi, _AsyncKalshi)
    least: ClassVar[Mapping[str, str]] = {}
    expiry = 30
    edits = True
    settles_late = False

    def __init__(self) -> None:
        super().__init__()
        self._ground = KalshiGround(enforce_limits=False, seed=SEED, flow=_THIN)
        self.clock, self.venue = self._ground.clock, self._ground.kalshi
        self.engine = self.venue.engine
        self.us = Owner(self._ground.key.user_id)
        key = self.venue.add_account(public_key=_OTHERS.public_key)
        self.others = Owner(key.user_id)

    def account(self) -> Mapping[str, Any]:
        return self._ground.account()

    def sent(self, request: Request) -> list[tuple[str, str]]:
        ends = ("/portfolio/events/orders", "/portfolio/events/orders/batched")
        if request.method != "POST" or not request.url.endswith(ends):
            return []
        body = json.loads(request.body or b"{}")
        orders = body.get("orders", [body])
        return [("client_order_id", order["client_order_id"]) for order in orders]

    def place_elsewhere(
        self, name: str, side: Any, price: Decimal, size: int
    ) -> str | None:
        ticket = Ticket(
            market_id=name, owner=self.us, side=side, price=price, size=Decimal(size)
        )
        try:
            return self.engine.place(ticket).order_id
        except Refusal:
            return None

    def fills(self) -> dict[tuple[str, str], Traded]:
        fills = self.engine.fills(self.us.account_id)
        return {(f.trade_id, f.order_id): Traded(f.size, f.time_us) for f in fills}

    def held(self, name: str) -> dict[str | None, Decimal]:
        fills = self.engine.fills(self.us.account_id)
        net = total(
            f.size if f.side == "bid" else EXACT.minus(f.size)
            for f in fills
            if f.market_id == name
        )
        return {None: net}


class PolymarketHouse(House):
    """Orders are signed and named by their digest; each outcome is a position of its own.

    What has traded is on its way to the chain for some seconds, and may fail there.
    """

    line = 1
    kinds = (_Polymarket, _AsyncPolymarket)
    least: ClassVar[Mapping[str, str]] = {"0.01": "5", "2.5": "7.5", "7": "10"}
    expiry = 200
    edits = False
    settles_late = True
    markets = (
        "0x2f27755b4f404055419ba03e1d5806b61adcc25cd196ea03d8aff5068696c604",
        "0x240ab6e0a0341fb788751e32408bd1e9895c34a4d5e06c2d8d1e55a1d434157b",
    )
    """One of fine steps and one of cents."""

    _paths: ClassVar[tuple[tuple[str, str], ...]] = (
        ("portfolio/orders", "data/orders"),
        ("events/orders", r"/(orders?|cancel-[a-z-]+)$"),
        ("portfolio", "data/|positions"),
        ("fills", "data/trades"),
        ("timestamp", "positions"),
    )

    def __init__(self) -> None:
        super().__init__()
        self._ground = _Quiet()
        self.clock, self.venue = self._ground.clock, self._ground.polymarket
        self.engine = self.venue.engine
        self._wallet = self._ground.wallet
        self.us = self._wallet.account
        self.others = Owner("others")
        self.engine.open_account("others")
        self.engine.deposit(self.others, Decimal(1_000_000))
        for name in self.markets:
            # What may be sold.
            self.venue.split(self._wallet, self.venue.catalog.markets[name], 500)

    def account(self) -> Mapping[str, Any]:
        return self._ground.account()

    def sent(self, request: Request) -> list[tuple[str, str]]:
        if request.method != "POST" or not re.search("/orders?$", request.url):
            return []
        body = json.loads(request.body or b"{}")
        found = []
        for order in body if isinstance(body, list) else [body]:
            envelope = read_envelope(order)
            listed, _ = self.venue.catalog.of_token(envelope.token)
            found.append(("order_id", envelope.digest(listed.exchange)))
        return found

    def hear(self, request: Request, answer: Response) -> None:
        names = [name for _, name in self.sent(request)]
        told = json.loads(answer.body) if names else []
        results = told if isinstance(told, list) else [told] * len(names)
        for name, result in zip(names, results, strict=False):
            if "killed" in (result.get("errorMsg") or result.get("error") or ""):
                self.killed.add(name)

    def fault(self, fault: Fault) -> Fault:
        for theirs, ours in self._paths:
            if fault.path == theirs:
                return attrs.evolve(fault, path=ours)
        return fault

    def stream_fault(self, fault: StreamFault) -> StreamFault:
        told = "fill" in fault.frame
        field = {"msg.side": "side", "msg.status": "status"}.get(fault.field, "size")
        return attrs.evolve(
            fault, frame="order|trade" if told else fault.frame, field=field
        )

    def place_elsewhere(
        self, name: str, side: Any, price: Decimal, size: int
    ) -> str | None:
        other: Any = Polymarket(
            **self.account(),
            clock=self.clock,
            transport=ScriptedTransport(self.venue, clock=self.clock),
            limits=_FREE,
        )
        way = "buy" if side == "bid" else "sell"
        try:
            found = other.create_order(name, "yes", way, price, size)
        except UnifiedExchangesError:
            return None
        return str(found.order_id)

    def key_of(self, order: Order) -> str | None:
        return self.keys.get(order.order_id)

    def _parts(self) -> dict[tuple[str, str], tuple[Match, Decimal]]:
        ours = self._wallet.address.lower()
        found: dict[tuple[str, str], tuple[Match, Decimal]] = {}
        for match in self.venue._house.tape.matches.values():
            if match.taker.maker.lower() == ours:
                found[match.trade_id, match.taker.order_id] = match, match.size
            for leg in match.makers:
                if leg.maker.lower() == ours:
                    found[match.trade_id, leg.order_id] = match, leg.size
        return found

    def fills(self) -> dict[tuple[str, str], Traded]:
        return {
            name: Traded(ZERO if match.status == "FAILED" else size, match.time_us)
            for name, (match, size) in self._parts().items()
        }

    def failed(self, order_id: str) -> Decimal:
        sizes: dict[str, Decimal] = defaultdict(Decimal)
        for (_, name), (match, size) in self._parts().items():
            if match.status == "FAILED":
                sizes[name] = EXACT.add(sizes[name], size)
        return sizes[order_id]

    def held(self, name: str) -> dict[str | None, Decimal]:
        tokens = self.venue.catalog.markets[name].tokens
        pairs = zip(("yes", "no"), tokens, strict=True)
        return {label: self.venue.tokens(self._wallet, token) for label, token in pairs}


class _Quiet(PolymarketGround):
    """A ground that refuses nothing for speed, with thin books and steps that stay."""

    def server(self) -> SimulatedPolymarket:
        secret = 0x701A7  # no other test has it: what one guards another may show
        venue = SimulatedPolymarket(
            seed=SEED, clock=self.clock, enforce_limits=False, flow=_THIN
        )
        # A price would be refused by a grid that changes, which is tested by itself.
        venue.settings.moves_ticks = False
        self.wallet = venue.add_account(secret)
        self._sandbox = sandbox_of(venue, self.wallet, secret)
        return venue
