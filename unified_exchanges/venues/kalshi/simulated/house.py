"""The state behind the dialect: engine, catalog, members, and the course of events."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

import attrs

from ....clock import Clock, microseconds
from ....money import EXACT, ONE, ZERO, total
from ....simulator.engine import Engine
from ....simulator.markets import Listing, Market
from ....simulator.notices import MarketChanged, Notice
from ....simulator.orderflow import FlowSettings, OrderFlow
from ....simulator.orders import Owner
from .accounts import Account
from .authentication import ApiKey, PublicKey
from .catalog import GRIDS, Catalog, FeeChange, Leg, Listed
from .feeds import Feeds
from .lag import Memory
from .limits import SHARDS, Buckets
from .lives import DAY, Life, Planned, new_id
from .news import EventListed, FeesChanged, MetadataChanged, News
from .past import RESIDENT, live_through
from .seeds import Seeds
from .tariff import Tariff
from .wire import SECOND, floored

__all__ = ["House"]

_REBALANCING_US = 10 * SECOND
_LIVE_US = 14 * DAY
"""What is older is answered by the historical endpoints only (since 2026-09-24)."""


class House:
    """Everything that requests read and change."""

    def __init__(
        self,
        *,
        seed: int,
        clock: Clock,
        enforce_limits: bool,
        lively: bool,
        flow: FlowSettings,
    ) -> None:
        draws = [Random(seed + n) for n in range(3)]  # noqa: S311 - seeded
        self.rng = draws[0]
        self.clock = clock
        self.enforce_limits = enforce_limits
        self.lively = lively
        self.catalog = Catalog()
        # Of a market alone Kalshi tells no pause but by its status.
        self.engine = Engine(clock=clock, rng=draws[1], deactivates=True)
        self.accounts: dict[str, Account] = {}
        self.keys: dict[str, ApiKey] = {}
        self.memory = Memory()
        self.feeds = Feeds()
        # How much strangers may read is not documented: Basic is assumed.
        self.anonymous = Buckets("basic") if enforce_limits else None
        self._outcomes: list[tuple[int, str, Decimal]] = []
        self._undecided: dict[str, tuple[Leg, ...]] = {}
        self._values: dict[str, Decimal] = {}
        self._listed: set[str] = set()
        self._told: set[str] = set()
        self._readers: list[Callable[[News], None]] = []
        self._has_news = False
        self._resident_is_free = True
        self.engine.subscribe(self.memory.notice)
        self.engine.subscribe(self._hear)
        self._settle_in()
        fair = {name: listed.fair for name, listed in self.catalog.markets.items()}
        self._fees_told_us = self.now_us
        self.flow = OrderFlow(self.engine, draws[2], fair=fair, settings=flow)
        self.flow.advance()

    def _settle_in(self) -> None:
        now_us = self.now_us
        planned = Seeds(self.catalog, self.rng, now_us).plan()
        live_through(
            self.engine,
            planned,
            list_market=self.list_market,
            rng=self.rng,
            now_us=now_us,
        )
        self._coming = sorted(
            (plan for plan in planned if plan.life.listed_us >= now_us),
            key=lambda plan: plan.life.listed_us,
            reverse=True,
        )
        for plan in planned:
            life = plan.life
            if life.determined_us is None or life.value is None:
                continue
            if life.determined_us >= now_us:
                outcome = (life.determined_us, plan.listed.ticker, life.value)
                heapq.heappush(self._outcomes, outcome)

    @property
    def now_us(self) -> int:
        """The clock in microseconds."""
        return microseconds(self.clock.now())

    def seen_us(self, lag_us: int) -> int:
        """Until when what happened is shown to a read that lags by so much.

        By the exchange's time, which does not go back when the clock is set back: what
        has happened is not ahead of a read that comes after it.
        """
        return self.engine.now_us() - lag_us

    @property
    def cutoff_us(self) -> int:
        """Where the live tier ends and the historical one begins."""
        return self.now_us - _LIVE_US

    def advance(self) -> None:
        """Let happen what is due: trades, results, combos, rebalancing."""
        if self.lively:
            self.flow.advance()
        now_us = self.now_us
        while self._coming and self._coming[-1].life.listed_us <= now_us:
            plan = self._coming.pop()
            with self.engine.as_of(plan.life.listed_us):
                self.list_market(plan)
        while self._outcomes and self._outcomes[0][0] <= now_us:
            due_us, ticker, value = heapq.heappop(self._outcomes)
            with self.engine.as_of(due_us):
                self._determine(ticker, value)
        self.engine.advance()
        self._tell_fees(now_us)
        if self._has_news:
            self._has_news = False
            self._decide_combos()
        for owner, moved_us in tuple(self.memory.moved.items()):
            self.memory.note_cash(owner, moved_us, self.available(owner))
        for account in self.accounts.values():
            if account.allocation and account.next_allocation_us <= now_us:
                self._rebalance(account, now_us)

    def _determine(self, ticker: str, value: Decimal) -> None:
        # Somebody may have determined or voided it by hand in the meantime.
        if self.engine.market(ticker).yes_value is None:
            self.engine.determine(ticker, value)

    # Markets

    def list_market(self, plan: Planned) -> None:
        """List a market of the catalog on the engine."""
        listed, life = plan.listed, plan.life
        event = listed.event_ticker
        self._listed.add(listed.ticker)
        if event not in self._told:
            self._told.add(event)
            self._tell(EventListed(event))
        terms_at = partial(self.catalog.terms, event)
        self.engine.add_market(
            Listing(
                market_id=listed.ticker,
                event_id=event,
                grid=GRIDS[listed.structure],
                fees=Tariff(terms_at, waiver_us=listed.waiver_us),
                open_us=life.open_us,
                close_us=life.close_us,
                settlement_timer_us=life.timer_seconds * SECOND,
                shard=self.catalog.series_of(event).shard,
            )
        )

    def list_combo(self, listed: Listed) -> None:
        """List a combo; its result follows from its legs."""
        self.catalog.add_market(listed)
        closes = [self.engine.market(g.market_ticker).close_us for g in listed.legs]
        life = Life(
            listed_us=self.now_us,
            open_us=self.now_us,
            close_us=max(closes),
            timer_seconds=5,
        )
        self.list_market(Planned(listed=listed, life=life))
        self._undecided[listed.ticker] = listed.legs

    def is_listed(self, ticker: str) -> bool:
        """Whether the engine has the market: planned ones come later."""
        return ticker in self._listed

    def market(self, ticker: str) -> Market:
        """A market as the engine has it; refuses ``market_not_found``."""
        return self.engine.market(ticker)

    def is_archived(self, market: Market) -> bool:
        """Whether a market is beyond the cutoff."""
        return market.settled_us is not None and market.settled_us < self.cutoff_us

    def _hear(self, notice: Notice) -> None:
        if not isinstance(notice, MarketChanged) or notice.market.yes_value is None:
            return
        self._values[notice.market.market_id] = notice.market.yes_value
        self._has_news = True

    def _decide_combos(self) -> None:
        for ticker, legs in tuple(self._undecided.items()):
            value = self._combined(legs)
            if value is not None:
                del self._undecided[ticker]
                self._determine(ticker, value)

    def _combined(self, legs: Iterable[Leg]) -> Decimal | None:
        """What a combo pays: the product of its legs; 0 as soon as one is lost."""
        product = ONE
        is_open = False
        for leg in legs:
            value = self._values.get(leg.market_ticker)
            if value is None:
                is_open = True
                continue
            mine = value if leg.side == "yes" else EXACT.subtract(ONE, value)
            product = EXACT.multiply(product, mine)
        return None if is_open and product else product

    # News

    def subscribe(
        self, listener: Callable[[Notice | News], None]
    ) -> Callable[[], None]:
        """Call ``listener`` with all that happens from now on; returns what ends it."""
        stop = self.engine.subscribe(listener)
        self._readers.append(listener)

        def end() -> None:
            stop()
            self._readers.remove(listener)

        return end

    def change_fees(self, change: FeeChange) -> None:
        """Change the fees of an event when it is time."""
        self.catalog.event_fee_changes.append(change)
        if change.time_us <= self._fees_told_us:
            self._tell(FeesChanged(change.ticker, change.terms))

    def change_metadata(self, ticker: str, fields: dict[str, Any]) -> None:
        """Change what is written about a market."""
        listed = attrs.evolve(self.catalog.markets[ticker], **fields)
        self.catalog.markets[ticker] = listed
        self._tell(MetadataChanged(ticker, fields))

    def tell_index(self, index_id: str, value: Decimal) -> None:
        """Let an index have a value."""
        told = self.feeds.index(index_id, value, self.now_us)
        if told is not None:
            self._tell(told)

    def tell_price(self, underlying: str, value: Decimal) -> None:
        """Let an underlying have a price."""
        told = self.feeds.price(underlying, value, self.now_us)
        if told is not None:
            self._tell(told)

    def _tell_fees(self, now_us: int) -> None:
        """Tell of the fee changes that came into force since the last time."""
        for change in self.catalog.event_fee_changes:
            if self._fees_told_us < change.time_us <= now_us:
                self._tell(FeesChanged(change.ticker, change.terms))
        self._fees_told_us = now_us

    def _tell(self, news: News) -> None:
        for reader in tuple(self._readers):
            reader(news)

    # Members

    def open_account(
        self, *, cash: dict[int, Decimal], tier: str, history: bool
    ) -> Account:
        """A new member, or with ``history`` the one who was always there."""
        user_id = new_id(self.rng)
        if history and self._resident_is_free:
            self._resident_is_free = False
            user_id = RESIDENT.account_id
        self.engine.open_account(user_id)
        for shard in range(SHARDS):
            self._bring_to(Owner(user_id), shard, cash.get(shard, ZERO))
        buckets = Buckets(tier) if self.enforce_limits else None
        account = Account(
            user_id=user_id,
            public_id=new_id(self.rng),
            tier=tier,
            buckets=buckets,
            created_us=self.now_us,
        )
        self.accounts[user_id] = account
        self.memory.watch(user_id)
        owner = Owner(user_id)
        self.memory.note_cash(owner, self.now_us, self.available(owner))
        return account

    def _bring_to(self, owner: Owner, shard: int, amount: Decimal) -> None:
        lacking = EXACT.subtract(amount, self.engine.cash(owner, shard=shard).total)
        if lacking > ZERO:
            self.engine.deposit(owner, lacking, shard=shard)
        elif lacking < ZERO:
            self.engine.withdraw(owner, lacking.copy_negate(), shard=shard)

    def add_key(
        self,
        account: Account,
        public_key: PublicKey,
        *,
        name: str,
        key_id: str | None = None,
        scopes: Iterable[str] = ("read", "write"),
        subaccount: int | None = None,
    ) -> ApiKey:
        """A key of an account; its id is drawn unless given."""
        key = ApiKey(
            key_id=key_id or self._new_key_id(),
            name=name,
            user_id=account.user_id,
            public_key=public_key,
            scopes=tuple(scopes),
            subaccount=subaccount,
        )
        self.keys[key.key_id] = key
        return key

    def _new_key_id(self) -> str:
        # Not as ids of orders are drawn: a venue of another seed may have one like it.
        return new_id(Random(f"key {new_id(self.rng)}"))  # noqa: S311 - seeded

    def available(self, owner: Owner) -> dict[int, Decimal]:
        """What a subaccount may use, by shard."""
        return {n: self.engine.cash(owner, shard=n).available for n in range(SHARDS)}

    def _rebalance(self, account: Account, now_us: int) -> None:
        """Move available cash to the shards that the member wants it on."""
        account.next_allocation_us = now_us + _REBALANCING_US
        owner = Owner(account.user_id)
        free = self.available(owner)
        whole = total(free.values())
        wanted = {
            n: floored(EXACT.divide(EXACT.multiply(whole, share), 100))
            for n, share in account.allocation.items()
        }
        excess = {n: EXACT.subtract(free[n], wanted.get(n, ZERO)) for n in free}
        for source in [n for n in excess if excess[n] > ZERO]:
            for target in [n for n in excess if excess[n] < ZERO]:
                amount = min(excess[source], excess[target].copy_negate())
                if amount <= ZERO:
                    continue
                self.engine.transfer(
                    owner, owner, amount, source_shard=source, target_shard=target
                )
                excess[source] = EXACT.subtract(excess[source], amount)
                excess[target] = EXACT.add(excess[target], amount)
