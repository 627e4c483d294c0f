"""The engine against a naive model: lists instead of books, fractions for decimals.

The model sorts all orders for each match, works out every reservation from scratch, and
undoes a refused request by restoring a copy of everything.
"""

from __future__ import annotations

import copy
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from unified_exchanges.simulator.orders import Owner, Unchanged

from .scene import SECOND, START_US, QuadraticFees, Scene, d

OWNERS = [Owner("ann"), Owner("bob"), Owner("cid"), Owner("cid", 1)]
SHARDS = {0: 0, 1: 1}
WINDOW = 15 * SECOND


class NoError(Exception):
    """The model refuses."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def unit(side: str, price: Fraction) -> Fraction:
    return price if side == "bid" else 1 - price


def fee_of(price: Fraction, size: Fraction, *, maker: bool) -> Fraction:
    rate = Fraction(175, 10000) if maker else Fraction(7, 100)
    return Fraction(ceil(rate * price * (1 - price) * size * 10000), 10000)


class Model:
    """What should be true."""

    def __init__(self) -> None:
        self.now = START_US
        self.stamp = 0
        self.orders: dict[str, dict[str, Any]] = {}
        self.cash: dict[tuple[Owner, int], Fraction] = {}
        self.position: dict[tuple[Owner, str], Fraction] = {}
        self.fees = Fraction(0)
        self.deposited = Fraction(0)
        self.client_ids: set[tuple[str, str]] = set()
        self.shard: dict[str, int] = {}
        self.closed: set[str] = set()
        self.groups: dict[str, dict[str, Any]] = {}

    def open_orders(self, market: str) -> list[dict[str, Any]]:
        return [o for o in self.orders.values() if o["open"] and o["market"] == market]

    def held(self, owner: Owner, market: str) -> Fraction:
        """What is owned on the other side covers the best prices first."""
        held = Fraction(0)
        position = self.position.get((owner, market), Fraction(0))
        for side, owned in (("bid", -position), ("ask", position)):
            mine = [
                o
                for o in self.open_orders(market)
                if o["owner"] == owner and o["side"] == side
            ]
            mine.sort(key=lambda o: -unit(o["side"], o["price"]))
            cover = [max(owned, Fraction(0))]
            for order in mine:
                covered = min(cover[-1], order["left"])
                cover.append(cover[-1] - covered)
                held += unit(side, order["price"]) * (order["left"] - covered)
        return held

    def available(self, owner: Owner, shard: int) -> Fraction:
        held = sum(self.held(owner, m) for m, s in self.shard.items() if s == shard)
        return self.cash.get((owner, shard), Fraction(0)) - held

    def trade(
        self, market: str, owner: Owner, side: str, price: Any, size: Any
    ) -> None:
        """One contract closes before another opens; a pair gives a dollar back."""
        shard = self.shard[market]
        before = self.position.get((owner, market), Fraction(0))
        after = before + (size if side == "bid" else -size)
        pairs_before = max(-before, Fraction(0))
        pairs_after = max(-after, Fraction(0))
        # A NO contract is a dollar put aside and a YES contract sold.
        paid = price * (after - before) + (pairs_after - pairs_before)
        self.cash[owner, shard] = self.cash.get((owner, shard), Fraction(0)) - paid
        self.position[owner, market] = after

    def charge(self, order: dict[str, Any], fee: Fraction) -> None:
        self.cash[order["owner"], self.shard[order["market"]]] -= fee
        order["fees"] += fee
        self.fees += fee

    def end(self, order: dict[str, Any]) -> None:
        order["open"] = False
        order["left"] = Fraction(0)

    def match(self, order: dict[str, Any]) -> None:
        """Match an order that is already in the list, marked open."""
        order["open"] = True
        shard = self.shard[order["market"]]
        if self.available(order["owner"], shard) < 0:
            raise NoError("insufficient_balance")
        wanted, met_own = order["left"], False
        while order["left"]:
            maker = self.next_for(order)
            if maker is None:
                break
            if maker["owner"].account_id == order["owner"].account_id:
                met_own = True
                if order["stp"] == "maker":
                    self.end(maker)
                    continue
                self.end(order)
                break
            self.fill(order, maker, shard)
        if order["tif"] == "fok" and not met_own and order["got"] < wanted:
            raise NoError("fok_insufficient_volume")
        if not order["left"] or order["tif"] != "gtc":
            self.end(order)

    def next_for(self, order: dict[str, Any]) -> dict[str, Any] | None:
        other = [
            o
            for o in self.open_orders(order["market"])
            if o["side"] != order["side"] and o is not order
        ]
        other.sort(key=lambda o: (-unit(o["side"], o["price"]), o["priority"]))
        if not other:
            return None
        edge = unit(order["side"], order["price"]) + unit(
            other[0]["side"], other[0]["price"]
        )
        return other[0] if edge >= 1 else None

    def fill(self, order: dict[str, Any], maker: dict[str, Any], shard: int) -> None:
        size, price = min(order["left"], maker["left"]), maker["price"]
        saved = copy.deepcopy((self.cash, self.position))
        for each in (maker, order):
            each["left"] -= size
            self.trade(order["market"], each["owner"], each["side"], price, size)
            fee = fee_of(price, size, maker=each is maker)
            self.cash[each["owner"], shard] -= fee
            if self.available(each["owner"], shard) < 0:
                if each is order:
                    raise NoError("insufficient_balance")
                self.cash, self.position = saved
                self.end(maker)
                return
            self.cash[each["owner"], shard] += fee
        for each in (maker, order):
            self.charge(each, fee_of(price, size, maker=each is maker))
            each["got"] += size
        if not maker["left"]:
            self.end(maker)
        for each in (maker, order):
            self.count(each, size)

    def count(self, order: dict[str, Any], size: Fraction) -> None:
        group = self.groups.get(order["group"] or "")
        if group is None:
            return
        group["fills"].append((self.now, size))
        recent = sum(n for at, n in group["fills"] if at > self.now - WINDOW)
        if recent >= group["limit"]:
            group["triggered"] = True
            for each in self.orders.values():
                if each["group"] == order["group"] and each["open"]:
                    self.end(each)


PRICES = st.integers(48, 52).map(lambda cents: Decimal(cents) / 100)
SIZES = st.sampled_from(["0.01", "1", "2.25", "3", "5", "7", "10", "20"]).map(d)
WHO = st.sampled_from(OWNERS)
PICK = st.integers(0, 10_000)
PLACE = {
    "who": WHO,
    "pick": PICK,
    "side": st.sampled_from(["bid", "ask"]),
    "price": PRICES,
    "size": st.integers(0, 5).flatmap(lambda n: SIZES if n else st.none()),
    "tif": st.sampled_from(["gtc", "gtc", "gtc", "gtc", "ioc", "fok"]),
    "stp": st.sampled_from(["maker", "taker_at_cross"]),
    "post_only": st.sampled_from([False, False, False, False, False, True]),
    "client": st.sampled_from([None, None, None, None, None, None, "x", "y"]),
    "grouped": st.booleans(),
    "seconds": st.sampled_from([None, None, None, 40]),
}


class EngineMachine(RuleBasedStateMachine):
    """Trades at random on both."""

    @initialize()
    def begin(self) -> None:
        self.scene = Scene(fees=QuadraticFees())
        self.engine = self.scene.engine
        self.model = Model()
        self.model.shard["M"] = 0
        self.engine.open_account("cid")
        self.engine.open_subaccount("cid")
        self.fills_seen = 0
        for name in ("ann", "bob"):
            self.engine.withdraw(Owner(name), d(1000))
        for owner, dollars in zip(OWNERS, (60, 60, 25, 12), strict=True):
            for shard in (0, 1):
                self.engine.deposit(owner, d(dollars), shard=shard)
                self.model.cash[owner, shard] = Fraction(dollars)
                self.model.deposited += dollars
        self.list("N", 1)

    def list(self, market: str, shard: int) -> None:
        self.scene.list(market, shard=shard, fees=QuadraticFees())
        self.model.shard[market] = shard

    def both(self, real: Any, naive: Any) -> Any:
        """The same request to both; the same answer or the same refusal."""
        saved = copy.deepcopy(self.model.__dict__)
        before = self.everything()
        codes: list[str | None] = [None, None]
        result = None
        try:
            result = real()
        except Exception as refusal:  # noqa: BLE001 - any other error differs below
            codes[0] = getattr(refusal, "code", repr(refusal))
        try:
            naive()
        except NoError as refusal:
            codes[1] = refusal.code
            self.model.__dict__.update(saved)
        assert codes[0] == codes[1]
        if codes[0] is not None:
            assert self.everything() == before
        return result

    def everything(self) -> tuple[Any, ...]:
        names = ("ann", "bob", "cid")
        return (
            [self.engine.orders(name) for name in names],
            [self.engine.fills(name) for name in names],
            [self.engine.positions(name) for name in names],
            [self.engine.cashes(name) for name in names],
            [self.engine.groups(name) for name in names],
            self.engine.trades(),
            self.engine.markets(),
            len(self.scene.notices),
        )

    def markets(self) -> list[str]:
        return [m for m in self.model.shard if m not in self.model.closed]

    @rule(**PLACE)
    def place(self, **choice: Any) -> None:
        self.place_one(**choice)

    @rule(**PLACE)
    def place_again(self, **choice: Any) -> None:
        self.place_one(**choice)

    @rule(**PLACE)
    def place_once_more(self, **choice: Any) -> None:
        self.place_one(**choice)

    @rule(**PLACE)
    def place_yet_another(self, **choice: Any) -> None:
        self.place_one(**choice)

    def place_one(
        self,
        who,
        pick,
        side,
        price,
        size,
        tif,
        stp,
        post_only,
        client,
        grouped,
        seconds,
    ) -> None:
        market = self.markets()[pick % len(self.markets())]
        shard = self.model.shard[market]
        size = size or self.all_in(who, shard, unit(side, Fraction(price)))
        post_only = post_only and tif == "gtc"
        expires = None
        if seconds is not None and tif == "gtc":
            expires = self.model.now + seconds * SECOND
        groups = [
            key
            for key, group in self.model.groups.items()
            if group["owner"] == who and group["shard"] == shard
        ]
        group = groups[pick % len(groups)] if grouped and groups else None
        draft = {
            "owner": who,
            "market": market,
            "side": side,
            "price": Fraction(price),
            "left": Fraction(size),
            "got": Fraction(0),
            "fees": Fraction(0),
            "tif": tif,
            "stp": stp,
            "post_only": post_only,
            "group": group,
            "expires": expires,
            "open": False,
        }

        def naive() -> None:
            self.model.stamp += 1
            draft["priority"] = self.model.stamp
            if client and (who.account_id, client) in self.model.client_ids:
                raise NoError("order_already_exists")
            if group and self.model.groups[group]["triggered"]:
                raise NoError("order_group_triggered")
            if post_only and self.model.next_for(draft):
                raise NoError("post_only_cross")
            if client:
                self.model.client_ids.add((who.account_id, client))
            self.model.orders["new"] = draft
            self.model.match(draft)

        order = self.both(
            lambda: self.scene.send(
                who.account_id,
                side,
                str(price),
                str(size),
                market_id=market,
                owner=who,
                time_in_force=tif,
                self_trade=stp,
                post_only=post_only,
                client_order_id=client,
                group_id=group,
                expires_us=expires,
            ),
            naive,
        )
        if order is not None:
            self.model.orders[order.order_id] = self.model.orders.pop("new")

    def all_in(self, who: Owner, shard: int, price: Fraction) -> Decimal:
        """As many contracts as the cash pays for, and nothing left for the fee."""
        lots = int(self.model.available(who, shard) / price * 100)
        return Decimal(max(1, lots)) / 100

    def one_open(self, pick: int) -> tuple[str, dict[str, Any]] | None:
        found = [(key, o) for key, o in self.model.orders.items() if o["open"]]
        return found[pick % len(found)] if found else None

    @rule(
        pick=PICK,
        price=st.none() | PRICES,
        size=st.none() | SIZES,
        seconds=st.sampled_from(["keep", None, 3]),
    )
    def amend(self, pick, price, size, seconds) -> None:
        found = self.one_open(pick)
        if found is None:
            return
        key, _ = found
        expires: Any = Unchanged.UNCHANGED
        if seconds != "keep":
            expires = seconds and self.model.now + seconds * SECOND

        def naive() -> None:
            order = self.model.orders[key]
            old_price, old_left = order["price"], order["left"]
            asked = Fraction(self.engine_size(key, order))
            if price is not None:
                order["price"] = Fraction(price)
            if size is not None and Fraction(size) != asked:
                order["left"] = Fraction(size) - order["got"]
                if order["left"] <= 0:
                    raise NoError("invalid_size")
            if seconds != "keep":
                order["expires"] = expires
            if order["price"] == old_price and order["left"] <= old_left:
                return
            self.model.stamp += 1
            order["priority"] = self.model.stamp
            order["open"] = False
            if order["post_only"] and self.model.next_for(order):
                raise NoError("post_only_cross")
            self.model.match(order)

        owner = self.model.orders[key]["owner"]
        asked_before = self.engine.order(key, account_id=owner.account_id).size
        self.engine_size = lambda *_: asked_before  # type: ignore[method-assign]
        self.both(
            lambda: self.engine.amend(
                key,
                owner=owner,
                price=Unchanged.UNCHANGED if price is None else price,
                size=Unchanged.UNCHANGED if size is None else size,
                expires_us=expires,
            ),
            naive,
        )

    def engine_size(self, *_: Any) -> Decimal:
        raise NotImplementedError

    @rule(pick=PICK, size=SIZES)
    def decrease(self, pick, size) -> None:
        found = self.one_open(pick)
        if found is None:
            return
        key, order = found
        self.engine.decrease(key, owner=order["owner"], by=size)
        order["left"] -= min(order["left"], Fraction(size))
        if not order["left"]:
            self.model.end(order)

    @rule(pick=PICK)
    def cancel(self, pick) -> None:
        found = self.one_open(pick)
        if found is not None:
            self.engine.cancel(found[0], owner=found[1]["owner"])
            self.model.end(found[1])

    @rule(who=WHO, limit=st.integers(1, 12), shard=st.integers(0, 1))
    def create_group(self, who, limit, shard) -> None:
        """One group for each owner and shard; later, reset it if it is triggered."""
        for key, group in self.model.groups.items():
            if (group["owner"], group["shard"]) != (who, shard):
                continue
            if not group["triggered"]:
                return
            self.engine.reset_group(key, owner=group["owner"])
            group.update(fills=[], triggered=False)
            return
        group = self.engine.create_group(who, d(limit), shard=shard)
        self.model.groups[group.group_id] = {
            "owner": who,
            "shard": shard,
            "limit": limit,
            "fills": [],
            "triggered": False,
        }

    @rule(seconds=st.sampled_from([1, 4, 16]))
    def wait(self, seconds) -> None:
        self.scene.wait(seconds * SECOND)
        self.model.now += seconds * SECOND
        for order in self.model.orders.values():
            due = order["expires"]
            if order["open"] and due is not None and due <= self.model.now:
                self.model.end(order)

    @rule(who=WHO, cents=st.integers(1, 500), shard=st.integers(0, 1))
    def transfer(self, who, cents, shard) -> None:
        amount = Fraction(cents, 100)

        def naive() -> None:
            if self.model.available(who, shard) < amount:
                raise NoError("insufficient_balance")
            self.model.cash[who, shard] -= amount
            self.model.cash[who, 1 - shard] += amount

        self.both(
            lambda: self.engine.transfer(
                who,
                who,
                Decimal(cents) / 100,
                source_shard=shard,
                target_shard=1 - shard,
            ),
            naive,
        )

    @rule(pick=PICK, value=st.sampled_from(["0", "1", "0.37"]))
    def settle(self, pick, value) -> None:
        if pick % 4 or len(self.model.shard) > 6:
            return
        market = self.markets()[pick % len(self.markets())]
        shard = self.model.shard[market]
        self.engine.determine(market, d(value))
        for order in self.model.open_orders(market):
            self.model.end(order)
        for (owner, where), size in self.model.position.items():
            if where == market and size:
                worth = Fraction(value) if size > 0 else 1 - Fraction(value)
                self.model.cash[owner, shard] += abs(size) * worth
                self.model.position[owner, where] = Fraction(0)
        self.model.closed.add(market)
        self.list(f"{market}+", shard)

    # What must hold after every step

    @invariant()
    def cash_is_the_same(self) -> None:
        for owner in OWNERS:
            for shard in (0, 1):
                cash = self.engine.cash(owner, shard=shard)
                expected = self.model.cash[owner, shard]
                assert Fraction(cash.total) == expected
                assert Fraction(cash.available) == self.model.available(owner, shard)
                assert cash.available >= 0

    @invariant()
    def money_is_conserved(self) -> None:
        books = self.engine.books()
        assert books.cash + books.fees + books.locked == books.deposited
        assert Fraction(books.fees) == self.model.fees
        assert Fraction(books.deposited) == self.model.deposited

    @invariant()
    def positions_are_the_same_and_explain_the_cash(self) -> None:
        for name in ("ann", "bob", "cid"):
            for position in self.engine.positions(name):
                key = (position.owner, position.market_id)
                assert Fraction(position.size) == self.model.position[key]
                assert position.cost >= 0
        positions = [p for n in ("ann", "bob", "cid") for p in self.engine.positions(n)]
        gained = sum((p.realized - p.cost - p.fees for p in positions), Decimal(0))
        books = self.engine.books()
        assert books.cash == books.deposited + gained

    @invariant()
    def orders_are_the_same(self) -> None:
        for key, expected in self.model.orders.items():
            order = self.engine.order(key, account_id=expected["owner"].account_id)
            assert order.is_open == expected["open"]
            assert Fraction(order.remaining) == expected["left"]
            assert Fraction(order.filled) == expected["got"]
            assert Fraction(order.fees) == expected["fees"]
            if order.is_open:
                assert order.size - order.decreased == order.filled + order.remaining

    @invariant()
    def the_book_is_made_of_the_open_orders_and_not_crossed(self) -> None:
        for market in self.model.shard:
            best = {}
            for side in ("bid", "ask"):
                expected: dict[Fraction, Fraction] = {}
                for order in self.model.open_orders(market):
                    if order["side"] == side:
                        price = order["price"]
                        expected[price] = expected.get(price, 0) + order["left"]
                levels = self.engine.levels(market, side)
                got = [(Fraction(v.price), Fraction(v.size)) for v in levels]
                assert got == sorted(expected.items(), reverse=side == "bid")
                assert all(size > 0 for _, size in got)
                best[side] = got[0][0] if got else None
            if best["bid"] is not None and best["ask"] is not None:
                assert best["bid"] < best["ask"]

    @invariant()
    def fills_add_up_to_their_orders(self) -> None:
        filled: dict[str, Decimal] = {}
        for name in ("ann", "bob", "cid"):
            for fill in self.engine.fills(name):
                filled[fill.order_id] = filled.get(fill.order_id, d(0)) + fill.size
            for order in self.engine.orders(name):
                assert order.filled == filled.get(order.order_id, d(0))

    @invariant()
    def groups_are_the_same(self) -> None:
        for key, expected in self.model.groups.items():
            group = self.engine.group(key, owner=expected["owner"])
            assert group.is_triggered == expected["triggered"]

    @invariant()
    def queue_positions_are_the_same(self) -> None:
        for key, order in self.model.orders.items():
            if order["open"]:
                ahead = sum(
                    o["left"]
                    for o in self.model.open_orders(order["market"])
                    if o["side"] == order["side"]
                    and o["price"] == order["price"]
                    and o["priority"] < order["priority"]
                )
                name = order["owner"].account_id
                assert Fraction(self.engine.queue_position(key, account_id=name)) == (
                    ahead
                )


EngineMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=60)
TestEngineMachine = EngineMachine.TestCase
