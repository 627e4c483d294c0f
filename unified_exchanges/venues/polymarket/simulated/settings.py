"""How the simulated Polymarket behaves where it may differ from day to day."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

__all__ = ["Mode", "PolymarketSettings"]

Mode: TypeAlias = Literal[
    "normal", "restarting", "post_only", "cancel_only", "disabled"
]


@attrs.define(kw_only=True, slots=True)
class PolymarketSettings:
    """Times in seconds; everything may be changed while the venue runs.

    ``mined`` and ``confirmed`` are how long after the match a trade gets there.
    ``data_lag`` makes the Data API late. ``redeem`` is how long after the resolution the
    operator redeems for everybody, None: nobody does. ``heartbeat`` is how long orders
    live without one once there was a first. ``moves_ticks`` refines a market's tick when
    its price passes 0.96 or 0.04. ``clock_skew`` is how old or new a signed request may
    be: not documented (assumed). ``spends_all`` lets an order that buys at once spend its
    dollars, so that a better price brings more shares than it names (reported by users of
    the vendor's clients, 2026-07; not documented); its ``original_size`` stays what it
    names. ``ledger_page`` is how many
    orders or trades come at once.

    Of the sockets: ``duplicates`` sends every n-th frame twice (0: none), and
    ``tells_resolutions`` False leaves `market_resolved` out, as reported in 2026-01;
    ``most_assets`` is above how many no first books come (reported, undocumented).
    ``wants_subscription`` closes a connection that does not subscribe in that time.
    """

    mined: float = 2.0
    confirmed: float = 5.0
    data_lag: float = 0.0
    redeem: float | None = 300.0
    heartbeat: float = 10.0
    moves_ticks: bool = True
    clock_skew: float = 300.0
    blocked_country: str | None = None
    spends_all: bool = False
    ledger_page: int = 100
    duplicates: int = 0
    tells_resolutions: bool = True
    most_assets: int = 500
    wants_subscription: float = 10.0
