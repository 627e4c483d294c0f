"""What the simulated Kalshi lists at its start: names, strikes, odds and life spans.

Dates follow the clock, so that there is always something old, something trading and
something to come. Names are made up, save for places and things.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import attrs

from ....money import EXACT, ONE, ZERO
from .backdrop import Backdrop
from .catalog import (
    Catalog,
    Collection,
    Event,
    Listed,
    Target,
)
from .lives import DAY, HOUR, MINUTE, Life, Planned, new_id
from .templates import (
    ALBUMS,
    FILMS,
    MAYORS,
    PLAYERS,
    RATES,
    SERIES,
    TEAMS,
)
from .wire import SECOND

__all__ = ["Seeds"]

_UNOPENED = 3
"""Days ahead whose markets have not opened."""


class Seeds:
    """Writes the catalog of a seed and plans the lives of its markets."""

    def __init__(self, catalog: Catalog, rng: Random, now_us: int) -> None:
        self._catalog = catalog
        self._rng = rng
        self._now_us = now_us
        self._today = now_us - now_us % DAY
        self._planned: list[Planned] = []

    def plan(self) -> list[Planned]:
        """Fill the catalog; the markets to list."""
        for series in SERIES:
            updated = attrs.evolve(series, updated_us=self._today - 40 * DAY)
            self._catalog.series[series.ticker] = updated
        for offset in (-45, -20, -2, -1, 0, 1, _UNOPENED):
            self._temperatures(offset)
        for offset in (-30, -3, 0, 1):
            middle = 1000 * self._rng.randint(80, 120)
            self._strikes("KXBTCD", offset, middle, 1250)
        self._strikes("KXGOLDD", 0, 10 * self._rng.randint(390, 450), 25)
        for offset in (-40, -1, 1, 2):
            self._game("KXMLBGAME", offset, TEAMS)
        for offset in (-5, 0, 4):
            self._game("KXATPMATCH", offset, PLAYERS)
        for offset in (-60, 1, 2):
            self._game("KXNBAGAME", offset, TEAMS)
        self._contests()
        self._singles()
        self._combos()
        Backdrop(self._catalog, self._rng, self._now_us).paint(self._planned)
        return self._planned

    # Series by series

    def _temperatures(self, offset: int) -> None:
        day = self._today + offset * DAY
        name = f"KXHIGHNY-{_date(day)}"
        self._event(
            name, "KXHIGHNY", f"Highest temperature in NYC on {_long(day)}?", day
        )
        lowest = self._rng.randint(35, 75)
        strikes: list[tuple[str, int | None, int | None]] = [("less", None, lowest)]
        strikes += [("between", n, n + 1) for n in range(lowest, lowest + 8, 2)]
        strikes += [("greater", lowest + 7, None)]
        values = self._one_of(len(strikes))
        life = Life(
            listed_us=day - 34 * HOUR,
            open_us=day - 33 * HOUR if offset < _UNOPENED else day - 10 * HOUR,
            close_us=day + 29 * HOUR,
            timer_seconds=1800,
            determined_us=day + 36 * HOUR,
            traded=offset < -1,
        )
        if offset == -1:
            # Whatever the hour: one event whose result is known and not yet paid.
            life = attrs.evolve(
                life,
                close_us=self._now_us - 3 * HOUR,
                determined_us=self._now_us - HOUR,
                timer_seconds=6 * 3600,
                traded=True,
            )
        for (kind, low, high), value, fair in zip(
            strikes, values, self._odds(len(strikes)), strict=True
        ):
            label = f"T{high}" if low is None else f"B{low}.5" if high else f"T{low}"
            words = _degrees(low, high)
            listed = self._listed(
                f"{name}-{label}",
                name,
                # All markets of the event have the same title: only sub-titles differ.
                f"Will the high temp in NYC be within the range on {_long(day)}?",
                words,
                fair,
                strike_type=kind,
                floor_strike=None if low is None else Decimal(low),
                cap_strike=None if high is None else Decimal(high),
            )
            self._add(listed, attrs.evolve(life, value=value))

    def _strikes(self, series: str, offset: int, middle: int, gap: int) -> None:
        """Whether a price ends at or above each of five strikes."""
        close = self._today + offset * DAY + 46 * HOUR
        name = f"{series}-{_date(close)}22"
        asset = self._catalog.series[series].title
        title = f"{asset} on {_long(close)} at 10pm UTC?"
        self._event(name, series, title, close, exclusive=False)
        end = middle + self._rng.randint(-3 * gap, 3 * gap)
        for step in range(-2, 3):
            strike = middle + gap * step
            fair = EXACT.subtract(Decimal("0.5"), EXACT.multiply(Decimal("0.2"), step))
            listed = self._listed(
                f"{name}-T{strike}",
                name,
                title,
                f"${strike:,} or above",
                fair,
                strike_type="greater_or_equal",
                floor_strike=Decimal(strike),
            )
            life = Life(
                listed_us=close - 72 * HOUR,
                open_us=close - 72 * HOUR,
                close_us=close,
                timer_seconds=60,
                determined_us=close + 5 * MINUTE,
                value=ONE if end >= strike else ZERO,
                traded=close < self._now_us,
            )
            self._add(listed, life)

    def _game(self, series: str, offset: int, sides: Sequence[str]) -> None:
        start = self._today + offset * DAY + 31 * HOUR
        home, away = self._rng.sample(sides, 2)
        codes = [
            side.replace(".", "").replace(" ", "")[:3].upper() for side in (home, away)
        ]
        name = f"{series}-{_date(start)}{''.join(codes)}"
        title = f"{home} vs {away} Winner?"
        self._event(name, series, title, start)
        values = self._one_of(2)
        odds = EXACT.divide(Decimal(self._rng.randint(25, 75)), 100)
        for side, code, value, fair in zip(
            (home, away), codes, values, (odds, EXACT.subtract(ONE, odds)), strict=True
        ):
            target = self._target(side, series)
            listed = self._listed(
                f"{name}-{code}",
                name,
                title,
                side,
                fair,
                strike_type="structured",
                custom_strike={"competitor": target},
                occurrence_us=start,
                participant=target,
            )
            life = Life(
                listed_us=start - 5 * DAY,
                open_us=start - 5 * DAY + HOUR,
                close_us=start + 3 * HOUR,
                determined_us=start + 4 * HOUR,
                value=value,
                traded=start + 5 * HOUR < self._now_us,
            )
            self._add(listed, life)

    def _contests(self) -> None:
        """Mutually exclusive events of several markets with the same title."""
        month = self._today + 45 * DAY
        rows = (
            ("KXFEDDECISION", RATES, month, "Fed decision in the coming meeting?"),
            ("KXMAYORLA", MAYORS, self._today + 350 * DAY, "Next mayor of LA?"),
            ("KXBESTPICTURE", FILMS, self._today + 110 * DAY, "Best picture?"),
            ("KXTOPALBUM", ALBUMS, self._today + 6 * DAY, "Top album this week?"),
        )
        for series, names, close, title in rows:
            name = f"{series}-{_date(close)[:5]}"
            self._event(name, series, title, close)
            waiver = self._now_us + 20 * DAY if series == "KXTOPALBUM" else None
            for choice, fair in zip(names, self._odds(len(names)), strict=True):
                code = choice.replace(" ", "")[:4].upper()
                ticker = f"{name}-{code}{names.index(choice)}"
                listed = self._listed(
                    ticker, name, title, choice, fair, waiver_us=waiver
                )
                paused = series == "KXBESTPICTURE" and choice == FILMS[-1]
                life = self._open(close)
                self._add(listed, attrs.evolve(life, paused=paused))

    def _singles(self) -> None:
        """Events of one market: scalar, closed without result, still to open."""
        close = self._today + 75 * DAY
        name = f"KXGDPVALUE-{_date(close)[:5]}"
        self._event(
            name, "KXGDPVALUE", "GDP growth this quarter?", close, exclusive=False
        )
        listed = self._listed(
            f"{name}-V",
            name,
            "GDP growth this quarter, scaled from -5% to 5%",
            "Growth",
            Decimal("0.7321"),
            market_type="scalar",
            strike_type="functional",
        )
        self._add(listed, self._open(close))
        self._scalar_past()
        self._rain(5, self._open(self._today + 9 * DAY))
        yesterday = self._today - 26 * HOUR
        self._rain(
            -1,
            Life(
                listed_us=yesterday - 9 * DAY,
                open_us=yesterday - 9 * DAY,
                close_us=yesterday,
            ),
        )
        later = self._now_us + 2 * DAY
        self._rain(
            9,
            Life(
                listed_us=self._now_us - DAY, open_us=later, close_us=later + 20 * DAY
            ),
        )

    def _scalar_past(self) -> None:
        close = self._today - 12 * DAY
        name = f"KXGDPVALUE-{_date(close)[:5]}"
        self._event(
            name, "KXGDPVALUE", "GDP growth last quarter?", close, exclusive=False
        )
        listed = self._listed(
            f"{name}-V",
            name,
            "GDP growth last quarter, scaled from -5% to 5%",
            "Growth",
            Decimal("0.7100"),
            market_type="scalar",
            strike_type="functional",
        )
        life = attrs.evolve(
            self._open(close),
            determined_us=close + HOUR,
            value=Decimal("0.7250"),
            traded=True,
        )
        self._add(listed, life)

    def _rain(self, offset: int, life: Life) -> None:
        name = f"KXRAINSEA-{_date(self._today + offset * DAY)}"
        title = f"Rain in Seattle on {_long(self._today + offset * DAY)}?"
        self._event(
            name, "KXRAINSEA", title, self._today + offset * DAY, exclusive=False
        )
        fair = EXACT.divide(Decimal(self._rng.randint(30, 70)), 100)
        self._add(self._listed(f"{name}-R", name, title, "Rain", fair), life)

    def _open(self, close: int) -> Life:
        listed = min(self._today, close) - 20 * DAY
        return Life(listed_us=listed, open_us=listed + HOUR, close_us=close)

    def _combos(self) -> None:
        open_events = [
            event.ticker
            for event in self._catalog.events.values()
            if event.series_ticker in {"KXMLBGAME", "KXATPMATCH", "KXNBAGAME"}
            and self._life_of(event.ticker).close_us > self._now_us
        ]
        self._catalog.collections["KXMVESPORTS-R"] = Collection(
            ticker="KXMVESPORTS-R",
            series_ticker="KXMVESPORTS",
            title="Sports combo",
            description="Several games, all of which must end as chosen",
            open_us=self._today - 30 * DAY,
            close_us=self._today + 300 * DAY,
            event_tickers=tuple(open_events),
        )

    def _life_of(self, event_ticker: str) -> Life:
        lives = [p.life for p in self._planned if p.listed.event_ticker == event_ticker]
        return lives[0]

    def _target(self, name: str, series: str) -> str:
        kind = (
            "tennis_player" if series == "KXATPMATCH" else f"team_{series[2:5].lower()}"
        )
        for target in self._catalog.targets.values():
            if (target.name, target.kind) == (name, kind):
                return target.target_id
        target = Target(
            target_id=new_id(self._rng),
            name=name,
            kind=kind,
            competition=series[2:5],
            source_id=new_id(self._rng),
            updated_us=self._today - 90 * DAY,
        )
        self._catalog.targets[target.target_id] = target
        return target.target_id

    # Small parts

    def _event(
        self,
        ticker: str,
        series: str,
        title: str,
        strike_us: int,
        *,
        exclusive: bool = True,
    ) -> None:
        self._catalog.events[ticker] = Event(
            ticker=ticker,
            series_ticker=series,
            title=title,
            sub_title=_long(strike_us),
            mutually_exclusive=exclusive,
            strike_us=strike_us,
            metadata=self._catalog.series[series].metadata,
            updated_us=min(strike_us, self._today) - 10 * DAY,
        )

    def _listed(
        self,
        ticker: str,
        event: str,
        title: str,
        words: str,
        fair: Decimal,
        **more: Any,
    ) -> Listed:
        series = self._catalog.series_of(event)
        plain = Listed(
            ticker=ticker,
            event_ticker=event,
            title=title,
            yes_sub_title=words,
            no_sub_title=words,
            structure=series.structure,
            fair=fair,
            rules=f"If {words} is the outcome, then the market resolves to Yes.",
        )
        return attrs.evolve(plain, **more)

    def _add(self, listed: Listed, life: Life) -> None:
        expected = life.determined_us or life.close_us + 2 * HOUR
        listed = attrs.evolve(
            listed, expected_us=expected, latest_us=life.close_us + 7 * DAY
        )
        self._catalog.add_market(listed)
        self._planned.append(Planned(listed=listed, life=life))

    def _one_of(self, count: int) -> list[Decimal]:
        winner = self._rng.randrange(count)
        return [ONE if number == winner else ZERO for number in range(count)]

    def _odds(self, count: int) -> list[Decimal]:
        """Probabilities in whole cents, each at least 3, that add up to 1."""
        cuts = sorted(self._rng.sample(range(1, 100 - 2 * count), count - 1))
        edges = [0, *cuts, 100 - 2 * count]
        shares = [b - a + 2 for a, b in pairwise(edges)]
        return [EXACT.divide(Decimal(share), 100) for share in shares]


def _date(time_us: int) -> str:
    return datetime.fromtimestamp(time_us // SECOND, UTC).strftime("%y%b%d").upper()


def _long(time_us: int) -> str:
    moment = datetime.fromtimestamp(time_us // SECOND, UTC)
    return f"{moment:%b} {moment.day}, {moment.year}"


def _degrees(low: int | None, high: int | None) -> str:
    if low is None:
        return f"{high}° or below"
    return f"{low}° or above" if high is None else f"{low}° to {high}°"
