"""The two simulated venues of the soak: how each is made, and what breaks what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import attrs

from unified_exchanges.simulator.faults import StreamFault
from unified_exchanges.simulator.orderflow import FlowSettings
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi, generate_key
from unified_exchanges.venues.polymarket.simulated import SimulatedPolymarket

__all__ = ["HOUSES", "House"]

_CASH: Final = 1_000_000
_KEY: Final = 0xA11CE


@attrs.frozen
class House:
    """A venue, the path of its REST, the account that is watched, and its storms."""

    venue: Any
    path: str
    account: Mapping[str, Any]
    storm: Callable[[], list[StreamFault]]


def often(kind: str, probability: float, **more: object) -> StreamFault:
    return StreamFault(kind, probability=probability, count=None, **more)  # type: ignore[arg-type]


def _flow(actions: float) -> FlowSettings:
    # Wide steps over many levels: the most frames for the venue's own work.
    return FlowSettings(
        actions_per_second=actions, levels=10, wander=80, catch_up_seconds=1
    )


def _private(frames: str) -> list[StreamFault]:
    return [
        often("drop", 0.05, frame=frames),
        often("duplicate", 0.05, frame=frames),
        often("reorder", 0.05, frame=frames, places=3, seconds=0.5),
    ]


# -- Kalshi ----------------------------------------------------------------------------


def _kalshi_storm() -> list[StreamFault]:
    """What may happen to a frame; at 2,000 a second 0.00005 is every 10 seconds."""
    return [
        *_private("fill|user_order|market_position"),
        often("drop", 0.00004),
        often("skip", 0.00004, frame="orderbook_delta|trade", places=2),
        often("duplicate", 0.00004),
        often("reorder", 0.00004, places=3, seconds=0.5),
        often("delay", 0.00005, seconds=0.3),
        often("truncate", 0.00002),
        often("fail", 0.00002, frame="orderbook_delta", code=25),
        often("close", 0.00003),
        often("reset", 0.00001),
        often("silence", 0.00001, seconds=6.0),
        often("half_open", 0.00001, seconds=6.0),
        often("ignore", 0.01),
        often("refuse", 0.01, code=27),
    ]


def _kalshi(seed: int, actions: float) -> House:
    kalshi = SimulatedKalshi(
        seed=seed, lively=True, enforce_limits=False, flow=_flow(actions)
    )
    pair = generate_key("ed25519")
    key = kalshi.add_account(
        public_key=pair.public_key, cash=dict.fromkeys(range(4), Decimal(_CASH))
    )
    account = {"api_key": key.key_id, "private_key": pair.private_pem}
    return House(kalshi, "/trade-api/v2", account, _kalshi_storm)


# -- Polymarket ------------------------------------------------------------------------


def _polymarket_storm() -> list[StreamFault]:
    """The same at some hundreds of frames a second; a frozen line answers pings on."""
    return [
        *_private("order|trade"),
        often("drop", 0.0002, frame="price_change|book|last_trade_price"),
        often("duplicate", 0.0002, frame="price_change|book"),
        often("reorder", 0.0002, frame="price_change|book", places=3, seconds=0.5),
        often("delay", 0.0002, seconds=0.3),
        often("truncate", 0.0001),
        often("close", 0.0001),
        often("reset", 0.00005),
        often("silence", 0.00003, seconds=6.0),
        often("silence", 0.00005, seconds=20.0, pings=True, pongs=True),
        often("half_open", 0.00003, seconds=6.0),
        often("ignore", 0.01),
    ]


def _polymarket(seed: int, actions: float) -> House:
    venue = SimulatedPolymarket(
        seed=seed, lively=True, enforce_limits=False, flow=_flow(actions)
    )
    wallet = venue.add_account(_KEY, cash=_CASH)
    key = venue.add_key(wallet)
    account = {
        "private_key": f"{_KEY:064x}",
        "api_key": key.key_id,
        "secret": key.secret,
        "password": key.passphrase,
        "options": {
            "funder": wallet.address,
            "signature_type": wallet.signature_type,
        },
    }
    return House(venue, "", account, _polymarket_storm)


HOUSES: Final[Mapping[str, Callable[[int, float], House]]] = {
    "kalshi": _kalshi,
    "polymarket": _polymarket,
}
