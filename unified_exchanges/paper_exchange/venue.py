"""The venue on paper: its parts put together, over the venue of a source."""

from __future__ import annotations

from typing import Any, Final

import attrs

from ..description import METHODS, Capability, Description
from ..venue.batching import Batching
from .changing import Changing
from .terms import Terms

__all__ = ["PaperVenue", "venue_on"]


class PaperVenue(Changing):
    """Market data of a source, and an account that is on paper."""


_OURS: Final[dict[str, Capability]] = {
    "allowances": False,
    "cancel_all_orders": True,
    "cancel_all_orders_after": False,
    "client_order_id": True,
    "close_position": "emulated",
    "create_market_order": "emulated",
    "create_orders": True,
    "dry_run": False,
    "edit_order": True,
    "fetch_activity": False,
    "fetch_limits": False,
    "post_only": True,
    "preview_order": True,
    "reduce_only": True,
    "watch_fills": True,
    "watch_orders": True,
    "watch_positions": "emulated",
}
_THEIRS: Final = (
    "fetch_status",
    "load_markets",
    "fetch_events",
    "fetch_event",
    "fetch_series",
    "fetch_tags",
    "fetch_markets",
    "fetch_market",
    "fetch_ticker",
    "fetch_tickers",
    "fetch_order_book",
    "fetch_order_books",
    "fetch_trades",
    "fetch_ohlcv",
    "fetch_price_history",
    "estimate_fee",
    "fetch_fee_rule",
    "watch_order_book",
    "watch_ticker",
    "watch_trades",
    "watch_market_status",
    "unwatch",
)
_LIMITATIONS: Final = (
    "Orders are on paper: nothing is ever sent to the source but reads.",
    "Others do not see these orders, and do not react to them.",
    "An order waits behind all that its price shows; trades and cancels that are seen move it.",
    "What an order on paper took stays taken as long as the source shows it.",
    "Without a key that its stream may want, the market is read when it is asked for.",
    "Fees of an order that fills in pieces are rounded up for each piece.",
    "Venue words in params= are refused.",
)


def venue_on(
    source: type[Batching[Any]], terms: Terms, base: type[PaperVenue] = PaperVenue
) -> type[PaperVenue]:
    """The venue on paper over a kind of source, with its account."""
    theirs = source.describe()
    return type(
        f"PaperVenueOn{source.__name__.removesuffix('Venue')}",
        (base,),
        {
            "source_type": source,
            "terms": terms,
            "first_outcome": source.first_outcome,
            "tickets": attrs.evolve(
                source.tickets,
                known={},
                # Its rules are told in the source's name.
                arguments=attrs.evolve(source.tickets.arguments, venue="paper"),
            ),
            "facts": _facts(theirs),
        },
    )


def _facts(theirs: Description) -> Description:
    has = {name: theirs.has.get(name, False) for name in _THEIRS}
    assert set(has) <= set(METHODS)
    return attrs.evolve(
        theirs,
        id="paper",
        name=f"Paper over {theirs.name}",
        environments={
            name: attrs.evolve(environment, is_real_money=False)
            for name, environment in theirs.environments.items()
        },
        has={**has, **_OURS},
        idempotent_create="client_order_id",
        edit="in place",
        time_in_force=("gtc", "ioc", "fok"),
        limitations=_LIMITATIONS,
    )
