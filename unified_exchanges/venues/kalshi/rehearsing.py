"""Kalshi's part of a dry run: its writes answered here, what they cost, what reads show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import attrs
import msgspec

from ...errors import UnifiedExchangesError
from ...flow import Flow, Request, Response, collect
from ...guards.worst import Claim
from ...models import DryRunReport, Position, Side
from ...money import EXACT, ZERO, total
from ...settings import Settings
from ...tracking.resulting import exposure_of
from ...venue.rehearsed import completed
from .arguments import YES
from .lookup import Lookup
from .overlay import Row
from .rehearsal import Deed, Rehearsal
from .stakes import Held, Stake, opening

__all__ = ["Rehearsing"]

_SIDES: Final = {"yes": "bid", "no": "ask"}


class Rehearsing(Lookup):
    """Answers writes in place of the venue, and reports them."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._rehearsal = Rehearsal(self)

    def rehearse(self, request: Request) -> Flow[tuple[Response, DryRunReport]]:
        """Answer a write of ours; see `Venue.rehearse`."""
        path = self._path_of(request)
        deed = yield from self._rehearsal.answer(request.method, path, request)
        report = yield from self._rehearsal_report(request, deed)
        body = b"" if deed.answer is None else msgspec.json.encode(deed.answer)
        return Response(deed.status, {}, body), report

    def rehearsed(self, request: Request, response: Response | None) -> Response | None:
        """What a read shows after the writes before; see `Venue.rehearsed`."""
        path = self._path_of(request)
        return completed(self._rehearsal.overlay, path, request, response)

    def _path_of(self, request: Request) -> str:
        return request.url.removeprefix(self.environment.rest)

    def _rehearsal_report(self, request: Request, deed: Deed) -> Flow[DryRunReport]:
        markets = tuple(dict.fromkeys(row["ticker"] for row in deed.rows))
        exposures: dict[str, Decimal] = {}
        cost: Decimal | None = ZERO if markets else None
        for market_id in markets:
            made = [row for row in deed.made if row["ticker"] == market_id]
            try:
                positions = yield from self._rehearsal_held(
                    market_id, made or deed.changed
                )
                open_now = yield from collect(
                    self.fetch_open_orders(market_id=market_id)
                )
            except UnifiedExchangesError:
                # A query that failed never means that nothing is held.
                cost = None if made else cost
                continue
            if cost is not None:
                held = Held.of(positions)
                cost = EXACT.add(cost, opening(map(_asked, made), held))
            # One that may not rest is no longer open here, but would have filled.
            passing = [row for row in made if row["status"] != "resting"]
            exposures[market_id] = exposure_of(
                positions,
                open_now,
                first_outcome=self.first_outcome,
                besides=[(YES, _claim(_asked(row))) for row in passing],
            )
        return DryRunReport(
            at=datetime.fromtimestamp(self.clock.now(), UTC),
            method=request.method,
            url=request.target,
            headers=_redacted(request.headers),
            body=None if request.body is None else request.body.decode(),
            status=deed.status,
            market_ids=markets,
            order_ids=tuple(row["order_id"] for row in deed.rows),
            client_order_ids=tuple(
                row["client_order_id"] for row in deed.rows if row["client_order_id"]
            ),
            cost=cost,
            fee=(yield from self._rehearsal_fees(deed.made)) if markets else None,
            exposures=exposures,
        )

    def _rehearsal_held(
        self, market_id: str, rows: Iterable[Row]
    ) -> Flow[list[Position]]:
        numbers = {row.get("subaccount_number") or 0 for row in rows}
        positions: list[Position] = []
        for number in sorted(numbers):
            scope = {"subaccount": number} if number else None
            positions += yield from self.fetch_positions(
                market_id=market_id, mark=False, params=scope
            )
        return positions

    def _rehearsal_fees(self, made: Sequence[Row]) -> Flow[Decimal | None]:
        fees: list[Decimal] = []
        for row in made:
            stake = _asked(row)
            try:
                schedule = yield from self.fee_schedule(row["ticker"])
                fee = schedule.most(
                    stake.size,
                    stake.price,
                    is_bid=stake.is_bid,
                    maker=bool(row.get("post_only")),
                )
            except UnifiedExchangesError:
                return None
            fees.append(fee)
        return total(fees)


def _redacted(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers without what they say, but for the kind of the body."""
    shown = "content-type"
    return {k: v if k == shown else "REDACTED" for k, v in headers.items()}


def _claim(stake: Stake) -> Claim:
    side = Side.BUY if stake.is_bid else Side.SELL
    return Claim(side, stake.price, stake.size, stake.reduce_only)


def _stake(row: Row) -> Stake:
    """What may still fill of an order."""
    return Stake(
        is_bid="bid"
        in (row.get("book_side"), _SIDES.get(str(row.get("outcome_side")))),
        price=Decimal(row["yes_price_dollars"]),
        size=Decimal(row["remaining_count_fp"]),
        reduce_only=bool(row.get("reduce_only")),
    )


def _asked(row: Row) -> Stake:
    """What an order asks for: all of it, also where it may not rest and so has ended."""
    stake = _stake(row)
    if row["status"] == "resting":
        return stake
    return attrs.evolve(stake, size=Decimal(row["initial_count_fp"]))
