"""Invented pages of markets of the size and variety that Kalshi sends.

Field names and forms follow the API reference; every value is made up.  A market is about
2.3 kB of compact JSON.  Half of the markets have traded; sizes and volumes are distinct,
prices and titles repeat, as they do in a listing of many strikes of similar events.
"""

from __future__ import annotations

import json
import random

__all__ = ["markets_page"]

_PLACES = (
    "Bergen",
    "Cadiz",
    "Fresno",
    "Genoa",
    "Kobe",
    "Lima",
    "Oslo",
    "Quito",
    "Riga",
)
_WORDS = (
    *("station", "reading", "official", "bulletin", "published", "morning", "revised"),
    *("preliminary", "exchange", "outcome", "source", "agency", "measured", "strictly"),
    *("threshold", "calendar", "local", "standard", "time", "unless", "settlement"),
)
_GRIDS = (
    ("linear_cent", (("0.0000", "1.0000", "0.0100"),)),
    ("linear_cent", (("0.0000", "1.0000", "0.0100"),)),
    ("deci_cent", (("0.0000", "1.0000", "0.0010"),)),
    (
        "tapered_deci_cent",
        (
            ("0.0000", "0.1000", "0.0010"),
            ("0.1000", "0.9000", "0.0100"),
            ("0.9000", "1.0000", "0.0010"),
        ),
    ),
)


def markets_page(count: int = 1000, *, seed: int = 7, cursor: str = "") -> bytes:
    """A page of ``count`` open markets, as compact JSON."""
    rng = random.Random(seed)
    page = {"cursor": cursor, "markets": [_market(rng, i) for i in range(count)]}
    return json.dumps(page, separators=(",", ":")).encode()


def _market(rng: random.Random, number: int) -> dict[str, object]:
    place = rng.choice(_PLACES)
    event = f"KXPEAK{place[:4].upper()}-26DEC{rng.randrange(1, 29):02d}"
    strike = rng.randrange(20, 100)
    label = f"{strike}° to {strike + 1}°"
    return {
        "can_close_early": True,
        **_times(rng),
        "early_close_condition": "This market closes early once its outcome is certain.",
        "event_ticker": event,
        "exchange_index": 0,
        "expiration_value": "",
        "floor_strike": strike + 0.5,
        **_quotes(rng),
        "market_type": "binary",
        "no_sub_title": label,
        **_grid(rng),
        "result": "",
        "rules_primary": _prose(rng, 430),
        "rules_secondary": _prose(rng, 540),
        "settlement_timer_seconds": 300,
        "status": "active",
        "strike_type": "between",
        "ticker": f"{event}-B{strike}.5-{number}",
        "title": f"Will the peak temperature in {place} be {label} on that December day?",
        "yes_sub_title": label,
    }


def _times(rng: random.Random) -> dict[str, object]:
    day = f"{rng.randrange(1, 29):02d}"
    micros = f"{rng.randrange(10**6):06d}"
    return {
        "close_time": f"2026-12-{day}T23:59:00Z",
        "created_time": f"2026-11-{day}T14:02:11.{micros}Z",
        "expected_expiration_time": f"2026-12-{day}T23:59:00Z",
        "expiration_time": "2027-01-08T15:00:00Z",
        "latest_expiration_time": "2027-01-08T15:00:00Z",
        "open_time": f"2026-11-{day}T15:00:00Z",
        "updated_time": f"2026-11-{day}T14:05:59.{micros}Z",
    }


def _quotes(rng: random.Random) -> dict[str, object]:
    bid = rng.randrange(1, 95)
    ask = bid + rng.randrange(1, 5)
    last = rng.randrange(bid, ask + 1)
    traded = rng.random() < 0.5
    return {
        "last_price_dollars": _price(last if traded else 0),
        "no_ask_dollars": _price(100 - bid),
        "no_bid_dollars": _price(100 - ask),
        "notional_value_dollars": "1.0000",
        "open_interest_fp": _count(rng, 6) if traded else "0.00",
        "previous_price_dollars": _price(last if traded else 0),
        "previous_yes_ask_dollars": _price(ask),
        "previous_yes_bid_dollars": _price(bid),
        "volume_24h_fp": _count(rng, 5) if traded else "0.00",
        "volume_fp": _count(rng, 7) if traded else "0.00",
        "yes_ask_dollars": _price(ask),
        "yes_ask_size_fp": _count(rng, 5),
        "yes_bid_dollars": _price(bid),
        "yes_bid_size_fp": _count(rng, 5),
    }


def _grid(rng: random.Random) -> dict[str, object]:
    label, bands = rng.choice(_GRIDS)
    ranges = [{"end": end, "start": start, "step": step} for start, end, step in bands]
    return {"price_level_structure": label, "price_ranges": ranges}


def _price(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}00"


def _count(rng: random.Random, digits: int) -> str:
    hundredths = rng.randrange(10 ** (digits + 2))
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def _prose(rng: random.Random, length: int) -> str:
    words: list[str] = []
    while sum(map(len, words)) + len(words) < length:
        words.append(rng.choice(_WORDS))
    return " ".join(words)[:length].capitalize()
