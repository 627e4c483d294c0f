"""The state behind the dialect: engine, catalog, tokens, members, and what is due."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from hashlib import sha256
from random import Random

from ....clock import Clock, microseconds
from ....grid import PriceGrid
from ....money import EXACT, ONE, ZERO, total
from ....simulator.engine import Engine
from ....simulator.markets import Listing, Market
from ....simulator.notices import (
    BookDelta,
    Filled,
    MarketChanged,
    Notice,
    OrderChanged,
    TradePrinted,
)
from ....simulator.orderflow import FlowSettings, OrderFlow
from ....simulator.orders import Fill, Order, OrderReason
from .agenda import Agenda
from .catalog import Catalog, Listed
from .limits import Limits
from .members import Members
from .mirror import Mirror
from .modes import Modes
from .news import (
    BookMoved,
    Change,
    MarketListed,
    News,
    OrderTold,
    Printed,
    Resolved,
    TickChanged,
    TradeTold,
)
from .past import Past, Resident
from .placing import Desk
from .records import Act, Credit, Match, Placed
from .seeds import Seeds
from .settings import PolymarketSettings
from .settlement import Settler
from .tape import Tape
from .tariff import Tariff
from .vault import Vault
from .wallets import ApiKey, Wallet
from .wire import SECOND, UNIT

__all__ = ["House"]

_LOT = Decimal("0.000001")
_SAVINGS = Decimal(10_000)
_FINE = Decimal("0.001")
_COARSE = Decimal("0.01")
_EDGE = Decimal("0.04")
_ENDINGS: dict[OrderReason, str] = {
    "expiry": "CANCELED_EXPIRED_ORDER",
    "margin": "CANCELED_NOT_ENOUGH_BALANCE",
    "close": "CANCELED_MARKET_RESOLVED",
}


class House:
    """Everything that requests read and change."""

    def __init__(
        self,
        *,
        seed: int,
        clock: Clock,
        settings: PolymarketSettings,
        enforce_limits: bool,
        lively: bool,
        flow: FlowSettings,
    ) -> None:
        draws = [Random(f"polymarket:{seed}:{n}") for n in range(5)]  # noqa: S311
        self.seed = seed
        self.rng = draws[0]
        self.clock = clock
        self.settings = settings
        self.lively = lively
        self.catalog = Catalog()
        self.engine = Engine(clock=clock, rng=draws[1])
        self.vault = Vault(self.value)
        self.wallets: dict[str, Wallet] = {}
        self.keys: dict[str, ApiKey] = {}
        self.orders: dict[str, Placed] = {}
        self.acts: list[Act] = []
        self.credits: list[Credit] = []
        self.agenda = Agenda()
        self.limits = Limits() if enforce_limits else None
        self.modes = Modes()
        self.tape = Tape(
            catalog=self.catalog,
            vault=self.vault,
            orders=self.orders,
            rng=draws[3],
            done=self._traded,
        )
        self.settler = Settler(self)
        self.desk = Desk(self)
        self.members = Members(self)
        self.resident_key = 0
        self._ticks: dict[str, Decimal] = {}
        self._values: dict[str, Decimal] = {}
        self._readers: list[Callable[[News], None]] = []
        self.mirrors: dict[str, Mirror] = {}
        self._printed: set[str] = set()
        self._untold: list[Order] = []
        self._sequence = 0
        self.engine.subscribe(self._hear)
        self._settle_in(draws[4])
        fair = {name: listed.fair for name, listed in self.catalog.markets.items()}
        self.flow = OrderFlow(self.engine, draws[2], fair=fair, settings=flow)
        self.flow.advance()
        self.tape.flush()

    def _settle_in(self, rng: Random) -> None:
        """Live through what was, in its order."""
        planned = Seeds(self.catalog, self.rng, self.now_us).plan()
        actions: list[tuple[int, Callable[[], None]]] = []
        for plan in planned:
            listing = partial(self.list_market, plan.listed)
            actions.append((plan.listed.created_us, listing))
            if plan.resolved_us is not None and plan.value is not None:
                condition = plan.listed.condition_id
                result = partial(self.engine.determine, condition, plan.value)
                actions.append((plan.resolved_us, result))
        with self.engine.as_of(min(time_us for time_us, _ in actions)):
            actions += Past(self, self._move_in(), rng).actions()
        for time_us, act in sorted(actions, key=lambda action: action[0]):
            self._keep_appointments(time_us)
            with self.engine.as_of(time_us):
                act()
                self.tape.flush()
        self._keep_appointments(self.now_us)

    def _move_in(self) -> Resident:
        """The member who was always there; the one who has the key is it."""
        self.resident_key = self.rng.getrandbits(255) + 1
        wallet = self.members.open(self.resident_key, kind="deposit", cash=_SAVINGS)
        return Resident(wallet, self.members.add_key(wallet))

    # Time

    @property
    def now_us(self) -> int:
        """The clock in microseconds."""
        return microseconds(self.clock.now())

    def seen_us(self, lag_us: int) -> int:
        """Until when what happened is shown to a read that lags by so much.

        By the exchange's time, which does not go back when the clock is set back.
        """
        return self.engine.now_us() - lag_us

    def advance(self) -> None:
        """Let happen what is due: trades, settlements, heartbeats, games, results."""
        if self.lively:
            self.flow.advance()
        self._keep_appointments(self.now_us)
        self.engine.advance()
        self.tape.flush()

    def _keep_appointments(self, until_us: int) -> None:
        while due := self.agenda.next(until_us):
            due_us, action = due
            with self.engine.as_of(due_us):
                action()
                self.tape.flush()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something so much later."""
        self.agenda.at(self.engine.now_us() + round(seconds * SECOND), action)

    def sequence(self) -> int:
        """The next number of what a wallet does."""
        self._sequence += 1
        return self._sequence

    # Markets

    def list_market(self, listed: Listed) -> None:
        """List a market of the catalog on the engine."""
        self._ticks[listed.condition_id] = listed.tick
        self.mirrors[listed.condition_id] = Mirror()
        self.engine.add_market(
            Listing(
                market_id=listed.condition_id,
                event_id=listed.event_id,
                grid=PriceGrid.of(str(listed.tick)),
                fees=Tariff(listed.fees),
                open_us=listed.opens_us or listed.created_us,
                close_us=listed.end_us,
                lot=_LOT,
            )
        )
        if listed.game_start_us is not None:
            # Resting orders go when the game starts (docs.polymarket.com, 2026-08).
            begin = partial(self._clear, listed)
            self.agenda.at(listed.game_start_us, begin)
        self.tell(MarketListed(listed=listed, time_us=self.engine.now_us()))

    def market(self, listed: Listed) -> Market:
        """A market as the engine has it."""
        return self.engine.market(listed.condition_id)

    def tick(self, listed: Listed) -> Decimal:
        """The step of a market's prices now."""
        return self._ticks[listed.condition_id]

    def value(self, condition_id: str) -> Decimal | None:
        """What a token of outcome 0 is worth, once the market is settled."""
        return self._values.get(condition_id)

    def change_tick(self, listed: Listed, tick: Decimal) -> None:
        """Let a market accept other prices from now on; orders keep resting."""
        before, self._ticks[listed.condition_id] = self.tick(listed), tick
        self.engine.change_grid(listed.condition_id, PriceGrid.of(str(tick)))
        time_us = self.engine.now_us()
        told = TickChanged(listed=listed, before=before, after=tick, time_us=time_us)
        self.tell(told)

    def _clear(self, listed: Listed) -> None:
        for wallet in self.wallets.values():
            self.engine.cancel_all(wallet.name, market_id=listed.condition_id)

    def _refine(self, listed: Listed) -> None:
        """Refine the tick once the price is near an end (docs, 2026-08)."""
        if not self.settings.moves_ticks or self.tick(listed) != _COARSE:
            return
        price = self.market(listed).last_price
        if price is not None and not _EDGE <= price <= EXACT.subtract(ONE, _EDGE):
            self.change_tick(listed, _FINE)

    def _resolved(self, listed: Listed, value: Decimal) -> None:
        self._values[listed.condition_id] = value
        winner = {ONE: 0, ZERO: 1}.get(value)
        now_us = self.engine.now_us()
        self.tell(Resolved(listed=listed, winner=winner, time_us=now_us))
        if self.settings.redeem is not None:
            self.later(self.settings.redeem, partial(self.redeem_all, listed))

    def redeem_all(self, listed: Listed) -> None:
        """Pay everybody who holds tokens of a resolved market."""
        holders = {h.wallet for h in self.vault.all() if h.size}
        for name in sorted(holders):
            self.redeem(name, listed)

    def redeem(self, wallet: str, listed: Listed) -> None:
        """Pay a wallet for its tokens: a row per outcome (docs, 2026-08-10)."""
        now_us = self.engine.now_us()
        paid = self.vault.redeem(wallet, listed.condition_id, now_us)
        transaction = self.new_hash()
        for index, size, money in paid:
            self.note("REDEEM", wallet, listed, index, size, money, transaction)

    def new_hash(self) -> str:
        """The hash of a transaction."""
        return "0x" + self.rng.randbytes(32).hex()

    def note(
        self,
        kind: str,
        wallet: str,
        listed: Listed,
        index: int,
        size: Decimal,
        money: Decimal,
        transaction: str,
    ) -> None:
        """Write down what a wallet did."""
        self.acts.append(
            Act(
                kind=kind,
                wallet=wallet,
                listed=listed,
                index=index,
                size=size,
                money=money,
                time_us=self.engine.now_us(),
                transaction=transaction,
                sequence=self.sequence(),
            )
        )

    def credit(self, kind: str, wallet: str, money: Decimal) -> None:
        """Write down money that came or went for no market; it moves elsewhere."""
        number = self.sequence()
        # Drawn from no chance, which what is listed depends on.
        told = f"{kind} {wallet} {number}".encode()
        self.credits.append(
            Credit(
                kind=kind,
                wallet=wallet,
                money=money,
                time_us=self.engine.now_us(),
                transaction="0x" + sha256(told).hexdigest(),
                sequence=number,
            )
        )

    # Money

    def collateral(self, wallet: Wallet) -> Decimal:
        """The pUSD of a wallet, what its open orders need included."""
        cash = self.engine.cash(wallet.account).total
        return EXACT.subtract(cash, self.vault.aside(wallet.name))

    def may_spend(self, wallet: Wallet, listed: Listed, money: Decimal) -> bool:
        """Whether a wallet has so much beside its open orders, and lets it be taken."""
        open_money = total(
            EXACT.multiply(placed.price, order.remaining)
            for placed, order in self.open_orders(wallet.name)
            if placed.side == "BUY"
        )
        needed = EXACT.add(open_money, money)
        allowance = wallet.allowances.get(listed.exchange.address, 0)
        is_allowed = EXACT.multiply(needed, UNIT) <= allowance
        return is_allowed and needed <= self.collateral(wallet)

    def may_sell(
        self, wallet: Wallet, listed: Listed, index: int, size: Decimal
    ) -> bool:
        """Whether a wallet has so many tokens beside its open orders, and approves."""
        open_size = total(
            order.remaining
            for placed, order in self.open_orders(wallet.name)
            if placed.side == "SELL" and placed.token == listed.tokens[index]
        )
        held = self.vault.size(wallet.name, listed.condition_id, index)
        is_approved = listed.exchange.address in wallet.approved
        return is_approved and EXACT.add(open_size, size) <= held

    def cover(self, wallet: Wallet) -> None:
        """Cancel the open orders that the wallet no longer covers, the newest first.

        The venue does so by itself (docs.polymarket.com, 2026-08).
        """
        for placed, order in tuple(self.open_orders(wallet.name)):
            if self._is_covered(wallet, placed):
                continue
            placed.verdict = "CANCELED_NOT_ENOUGH_BALANCE"
            self.engine.cancel(order.order_id, owner=wallet.account)

    def _is_covered(self, wallet: Wallet, placed: Placed) -> bool:
        if placed.side == "BUY":
            return self.may_spend(wallet, placed.listed, ZERO)
        return self.may_sell(wallet, placed.listed, placed.index, ZERO)

    def interest(self, condition_id: str) -> Decimal:
        """Pairs of tokens of a market that exist, in dollars."""
        pairs = total(
            min(self.vault.size(name, condition_id, n) for n in (0, 1))
            for name in self.wallets
        )
        return EXACT.add(self.engine.market(condition_id).open_interest, pairs)

    # News

    def subscribe(self, reader: Callable[[News], None]) -> Callable[[], None]:
        """Call ``reader`` with all news from now on; returns what ends it."""
        self._readers.append(reader)
        return partial(self._readers.remove, reader)

    def tell(self, news: News) -> None:
        """Tell everybody who listens."""
        for reader in tuple(self._readers):
            reader(news)

    def tell_trade(self, match: Match) -> None:
        """Tell how far a trade is."""
        told = TradeTold(match=match, status=match.status, time_us=match.updated_us)
        self.tell(told)

    def _hear(self, notice: Notice) -> None:
        if isinstance(notice, Filled):
            self._filled(notice.fill)
        elif isinstance(notice, TradePrinted):
            self._printed.add(notice.trade.market_id)
        elif isinstance(notice, BookDelta):
            self._book_moved(notice)
        elif isinstance(notice, OrderChanged):
            self._order_changed(notice.order, notice.reason)
        elif isinstance(notice, MarketChanged) and notice.change == "settled":
            listed = self.catalog.markets[notice.market.market_id]
            self._resolved(listed, notice.market.yes_value or ZERO)

    def _book_moved(self, delta: BookDelta) -> None:
        listed = self.catalog.markets[delta.market_id]
        mirror = self.mirrors[delta.market_id]
        before = mirror.best(0, "bid"), mirror.best(0, "ask")
        mirror.apply(delta)
        # What a trade takes off the book follows its print at once.
        by_trade = delta.market_id in self._printed
        self._printed.discard(delta.market_id)
        self.tell(
            BookMoved(
                listed=listed,
                side=delta.side,
                price=delta.price,
                size=delta.size,
                by_trade=by_trade,
                is_top=before != (mirror.best(0, "bid"), mirror.best(0, "ask")),
                time_us=delta.time_us,
            )
        )

    def _filled(self, fill: Fill) -> None:
        """Tell the orders of a trade once the trade has its id."""
        match = self.tape.hear(fill)
        if match is None:
            return
        time_us = fill.time_us
        self.tell(Printed(match=match, size=fill.size, time_us=time_us))
        told, self._untold = self._untold, []
        for order in told:
            self.tell_order(self.orders[order.order_id], order, "trade")

    def _order_changed(self, order: Order, reason: OrderReason) -> None:
        placed = self.orders.get(order.order_id)
        if placed is None:
            return
        if reason == "trade":
            self._untold.append(order)
            return
        if not order.is_open and order.status == "canceled" and not placed.verdict:
            placed.verdict = _ENDINGS.get(reason, "")
        self.tell_order(placed, order, reason)

    def tell_order(self, placed: Placed, order: Order, reason: OrderReason) -> None:
        """Tell how an order stands."""
        change = _change(reason)
        if change != "PLACEMENT":
            self.members.notify(placed, order, change)
        self.tell(
            OrderTold(
                placed=placed,
                change=change,
                status=self.status(placed, order),
                matched=order.filled,
                time_us=order.updated_us,
            )
        )

    def status(self, placed: Placed, order: Order | None) -> str:
        """How an order stands, in the venue's word."""
        if placed.verdict:
            return placed.verdict
        if order is None:
            return "DELAYED"
        words = {"resting": "LIVE", "executed": "MATCHED", "canceled": "CANCELED"}
        return words[order.status]

    def _traded(self, match: Match) -> None:
        self.settler.begin(match)
        self._refine(match.listed)

    def open_orders(self, name: str) -> Iterable[tuple[Placed, Order]]:
        """The resting orders of a wallet, newest first."""
        for order in self.engine.orders(name, status="resting"):
            yield self.orders[order.order_id], order


def _change(reason: OrderReason) -> Change:
    if reason == "placed":
        return "PLACEMENT"
    return "UPDATE" if reason == "trade" else "CANCELLATION"
