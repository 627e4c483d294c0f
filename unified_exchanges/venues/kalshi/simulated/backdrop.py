"""What is around the first markets: fee changes, milestones, incentives."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from random import Random

import attrs

from .catalog import Catalog, Event, FeeChange, Incentive, Milestone
from .lives import DAY, HOUR, Life, Planned, new_id
from .tariff import Terms
from .templates import MAKER, PLAIN

__all__ = ["Backdrop"]


class Backdrop:
    """Writes what is around the markets of a plan into the catalog."""

    def __init__(self, catalog: Catalog, rng: Random, now_us: int) -> None:
        self._catalog = catalog
        self._rng = rng
        self._now_us = now_us
        self._today = now_us - now_us % DAY

    def paint(self, planned: Iterable[Planned]) -> None:
        """Fill the catalog with what is around the planned markets."""
        catalog = self._catalog
        catalog.series_fee_changes += [
            self._change("KXHIGHNY", Terms("quadratic", Decimal(2)), 30 * DAY),
            self._change("KXHIGHNY", PLAIN, -400 * DAY),
        ]
        fed = catalog.events_of("KXFEDDECISION")[0].ticker
        half = Terms("quadratic", Decimal("0.5"))
        override = attrs.evolve(catalog.events[fed], override=half)
        catalog.events[fed] = override
        catalog.event_fee_changes += [
            self._change(fed, Terms(MAKER), 40 * DAY),
            self._change(catalog.events_of("KXMAYORLA")[0].ticker, None, 60 * DAY),
        ]
        for series in ("KXMLBGAME", "KXNBAGAME"):
            for event in catalog.events_of(series):
                self._milestone(event, series)
        active = [p for p in planned if self._is_open(p.life)]
        for number, plan in enumerate(self._rng.sample(active, 4)):
            self._incentive(plan.listed.ticker, number)

    def _is_open(self, life: Life) -> bool:
        return life.open_us < self._now_us < life.close_us

    def _change(self, ticker: str, terms: Terms | None, after: int) -> FeeChange:
        return FeeChange(
            change_id=new_id(self._rng),
            ticker=ticker,
            terms=terms,
            time_us=self._today + after,
        )

    def _milestone(self, event: Event, series: str) -> None:
        start = event.strike_us or self._today
        milestone = Milestone(
            milestone_id=new_id(self._rng),
            category="Sports",
            kind="baseball_game" if series == "KXMLBGAME" else "basketball_game",
            title=event.sub_title,
            start_us=start,
            end_us=start + 3 * HOUR,
            event_tickers=(event.ticker,),
            competition="Pro Baseball" if series == "KXMLBGAME" else "Pro Basketball",
            source_id=new_id(self._rng),
            updated_us=self._today - DAY,
        )
        self._catalog.milestones[milestone.milestone_id] = milestone

    def _incentive(self, ticker: str, number: int) -> None:
        start = self._today + (number - 2) * 3 * DAY
        program = Incentive(
            program_id=new_id(self._rng),
            market_ticker=ticker,
            kind=("liquidity", "volume")[number % 2],
            start_us=start,
            end_us=start + 3 * DAY,
            reward=1_000_000 * (number + 1),
            paid_out=number == 0,
            target_size=Decimal(500),
        )
        self._catalog.incentives[program.program_id] = program
