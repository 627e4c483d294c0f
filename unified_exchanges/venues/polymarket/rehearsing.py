"""Polymarket's part of a dry run: its writes answered here, what they cost, what reads show.

Of the API key only the derivation of one that exists may leave, which is a GET: making one
is a write, and is not rehearsed.  Orders are signed as ever, so what is shown of them has
neither signature nor API key: with both it could be sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from ...errors import UnifiedExchangesError
from ...flow import Flow, Request, Response, collect
from ...guards.worst import Claim
from ...models import DryRunReport, Side
from ...money import EXACT, ZERO, total
from ...settings import Settings
from ...tracking.resulting import exposure_of
from ...venue.rehearsed import completed
from .intents import Intents
from .overlay import Row
from .placing import most_fee
from .rehearsal import Deed, Rehearsal

__all__ = ["Rehearsing"]

_SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL}
_HIDDEN: Final = "REDACTED"


class Rehearsing(Intents):
    """Answers writes in place of the venue, and reports them."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._rehearsal = Rehearsal(self)

    def rehearse(self, request: Request) -> Flow[tuple[Response, DryRunReport]]:
        """Answer a write of ours; see `Venue.rehearse`."""
        path = self._path_of(request)
        deed = yield from self._rehearsal.answer(request.method, path, request)
        report = yield from self._rehearsal_report(request, deed)
        return Response(deed.status, {}, msgspec.json.encode(deed.answer)), report

    def rehearsed(self, request: Request, response: Response | None) -> Response | None:
        """What a read shows after the writes before; see `Venue.rehearsed`."""
        path = self._path_of(request)
        return completed(self._rehearsal.overlay, path, request, response)

    def _path_of(self, request: Request) -> str:
        """The path with its service, as calls have it."""
        for service, address in self.environment.services.items():
            if request.url.startswith(f"{address}/"):
                return f"/{service}{request.url.removeprefix(address)}"
        below = request.url.removeprefix(self.environment.rest)
        return below if below.startswith("/") else urlsplit(request.url).path

    def _rehearsal_report(self, request: Request, deed: Deed) -> Flow[DryRunReport]:
        markets = tuple(dict.fromkeys(str(row["market"]) for row in deed.rows))
        exposures: dict[str, Decimal] = {}
        for market_id in markets:
            try:
                held = yield from self.fetch_positions(market_id=market_id, mark=False)
                open_now = yield from collect(self.open_orders(market_id))
            except UnifiedExchangesError:
                # A query that failed never means that nothing is held.
                continue
            # One that takes at once is not open here, but would have filled.
            passing = [x for x in deed.made if x["market"] == market_id]
            passing = [x for x in passing if x["status"] != "LIVE"]
            exposures[market_id] = exposure_of(
                held,
                open_now,
                first_outcome=self.first_outcome,
                besides=[(row["outcome"], _claim(row)) for row in passing],
            )
        ids = [str(row["id"]) for row in deed.rows]
        names = [self.identities.named(row["salt"]) for row in deed.made]
        names += [self.memory.client_id(str(row["id"])) for row in deed.changed]
        return DryRunReport(
            at=datetime.fromtimestamp(self.clock.now(), UTC),
            method=request.method,
            url=request.target,
            headers=_redacted(request.headers),
            body=None if request.body is None else _unsigned(request.body),
            status=deed.status,
            market_ids=markets,
            order_ids=tuple(ids),
            client_order_ids=tuple(filter(None, names)),
            cost=total(map(_cost, deed.made)) if markets else None,
            fee=(yield from self._rehearsal_fees(deed.made)) if markets else None,
            exposures=exposures,
        )

    def _rehearsal_fees(self, made: Sequence[Row]) -> Flow[Decimal | None]:
        fees: list[Decimal] = []
        for row in made:
            try:
                rules = yield from self.rules(row["market"])
                fee = most_fee(
                    rules.fees,
                    _SIDES[row["side"]],
                    Decimal(row["price"]),
                    Decimal(row["original_size"]),
                    maker=bool(row["post_only"]),
                )
            except UnifiedExchangesError:
                return None
            fees.append(fee)
        return total(fees)


def _claim(row: Row) -> Claim:
    """All that an order asks for; the venue lets a sale close only."""
    side, size = _SIDES[row["side"]], Decimal(row["original_size"])
    return Claim(side, Decimal(row["price"]), size, side is Side.SELL)


def _cost(row: Row) -> Decimal:
    """What an order takes at its limit: a sale nothing, since only what is held is sold."""
    if row["side"] != "BUY":
        return ZERO
    return EXACT.multiply(Decimal(row["price"]), Decimal(row["original_size"]))


def _redacted(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers without what they say, but for the kind of the body."""
    shown = "content-type"
    return {k: v if k == shown else _HIDDEN for k, v in headers.items()}


def _unsigned(body: bytes) -> str:
    """A body byte for byte, but for signatures and the API key."""
    sent: Any = msgspec.json.decode(body)
    for entry in sent if isinstance(sent, list) else [sent]:
        if isinstance(entry, dict):
            if "owner" in entry:
                entry["owner"] = _HIDDEN
            order = entry.get("order")
            if isinstance(order, dict) and "signature" in order:
                order["signature"] = _HIDDEN
    return msgspec.json.encode(sent).decode()
