"""The tape: fills of the engine become trades of Polymarket, and tokens change hands."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from random import Random
from uuid import UUID

from ....simulator.orders import Fill
from .catalog import Catalog
from .curve import checksummed
from .lots import Direction
from .records import Leg, Match, Placed, other_price
from .vault import Vault

__all__ = ["Tape"]

_PUBLIC = 20_000


class Tape:
    """Writes trades down; one that is whole is handed to ``done``.

    Of the engine's fills it makes one trade per taking order and price: a match over
    several prices is several transactions, told apart by their bucket.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        vault: Vault,
        orders: Mapping[str, Placed],
        rng: Random,
        done: Callable[[Match], None],
    ) -> None:
        self._catalog = catalog
        self._vault = vault
        self._orders = orders
        self._rng = rng
        self._done = done
        self._maker: Fill | None = None
        self._open: Match | None = None
        self.public: deque[Match] = deque(maxlen=_PUBLIC)
        """The latest trades of anybody, oldest first."""
        self.matches: dict[str, Match] = {}
        """All trades of members, by id, oldest first."""

    def hear(self, fill: Fill) -> Match | None:
        """Take a fill down; the maker's comes first. The trade once both are there."""
        if fill.is_maker:
            self._maker = fill
            return None
        assert self._maker is not None
        maker, self._maker = self._maker, None
        match = self._add(maker, fill)
        for leg, part in ((match.makers[-1], maker), (match.taker, fill)):
            if leg.is_member:
                self._note(match, leg, part)
        return match

    def flush(self) -> None:
        """What was being written is whole."""
        match, self._open = self._open, None
        if match is not None:
            self._done(match)

    def _add(self, maker: Fill, taker: Fill) -> Match:
        listed = self._catalog.markets[taker.market_id]
        made = self._leg(maker)
        match = self._open
        follows = match is not None and match.taker.order_id == taker.order_id
        if match is not None and follows and match.taker.fill.price == taker.price:
            match.makers.append(made)
            match.taker_fills.append(taker)
            return match
        bucket = match.bucket + 1 if match is not None and follows else 0
        self.flush()
        match = Match(
            trade_id=str(UUID(int=self._rng.getrandbits(128), version=4)),
            listed=listed,
            taker=self._leg(taker),
            makers=[made],
            taker_fills=[taker],
            time_us=taker.time_us,
            updated_us=taker.time_us,
            bucket=bucket,
            sequence=taker.sequence,
            transaction="0x" + self._rng.randbytes(32).hex(),
        )
        self._open = match
        self.public.append(match)
        if match.members:
            self.matches[match.trade_id] = match
        return match

    def _leg(self, fill: Fill) -> Leg:
        placed = self._orders.get(fill.order_id)
        if placed is None:
            return _crowd(fill)
        return Leg(
            order_id=placed.order_id,
            key_id=placed.key_id,
            maker=placed.maker,
            index=placed.index,
            side=placed.side,
            price=other_price(placed.index, fill.price),
            size=fill.size,
            fee=fill.fee,
            fill=fill,
            is_member=True,
        )

    def _note(self, match: Match, leg: Leg, fill: Fill) -> None:
        """Tokens change hands, and the order knows its trade."""
        self.matches.setdefault(match.trade_id, match)
        self._vault.fill(
            leg.maker.lower(),
            match.listed.condition_id,
            leg.index,
            leg.side,
            leg.price,
            fill.size,
            fill.fee,
            fill.time_us,
        )
        placed = self._orders[leg.order_id]
        if match.trade_id not in placed.trade_ids:
            placed.trade_ids.append(match.trade_id)


def _crowd(fill: Fill) -> Leg:
    """The part of a synthetic trader, who has a key and an address like anybody.

    Market makers mint: they buy either outcome. The others sell what they have.
    """
    name = fill.owner.account_id
    key_id, address = _stranger(name)
    index: int = int(fill.side == "ask" and name.startswith("flow:maker"))
    side: Direction = "BUY" if fill.side == "bid" or index else "SELL"
    return Leg(
        order_id="0x" + sha256(fill.order_id.encode()).hexdigest(),
        key_id=key_id,
        maker=address,
        index=index,
        side=side,
        price=other_price(index, fill.price),
        size=fill.size,
        fee=fill.fee,
        fill=fill,
        is_member=False,
    )


@lru_cache(maxsize=1024)
def _stranger(name: str) -> tuple[str, str]:
    """The API key's id and the address of a synthetic trader."""
    drawn = sha256(name.encode()).digest()
    return str(UUID(bytes=drawn[:16])), checksummed(drawn[12:])
