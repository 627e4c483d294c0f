"""Which markets a listing wants, said to the live endpoint, to the archive, and here.

The two endpoints differ: the archive knows neither status nor times, and takes one of
its filters at a time (docs.kalshi.com, 2026-10), so the rest is filtered here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, get_args

import attrs

from ...errors import BadRequest
from ...models import Market, StatusFilter

__all__ = ["MarketFilter"]

_TIMES: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "created": ("created_at", frozenset({"unopened", "open", "all"})),
    "close": ("closes_at", frozenset({"closed", "all"})),
    "settled": ("settled_at", frozenset({"settled", "all"})),
}
"""Time filters by their word: the model's field, and the statuses they go with."""

_UPDATED: Final = "min_updated_ts"
_COMBINATIONS: Final = ("exclude", "only", "all")


@attrs.frozen(kw_only=True, slots=True, eq=False, repr=False)
class MarketFilter:
    """What a caller of `fetch_markets` asked for, checked."""

    status: str
    event_id: str | None
    series_id: str | None
    combinations: str
    times: Mapping[str, int]
    rest: Mapping[str, str | int | bool]

    @classmethod
    def read(
        cls,
        *,
        status: str,
        event_id: str | None,
        series_id: str | None,
        given: Mapping[str, str | int | bool],
    ) -> MarketFilter:
        """Check what Kalshi would refuse, and what it would silently misread."""
        words = get_args(StatusFilter)
        if status not in words:
            raise _wrong(f"status {status!r} is not one of {', '.join(words)}")
        if event_id is not None and series_id is not None:
            raise _wrong("give event_id or series_id: an event has only one series")
        rest = dict(given)
        # Kalshi has min_updated_ts for markets without combinations only.
        is_narrow = (event_id or series_id) is not None and _UPDATED not in rest
        default = "all" if is_narrow else "exclude"
        combinations = rest.pop("mve_filter", default)
        if combinations not in _COMBINATIONS:
            choices = ", ".join(_COMBINATIONS)
            raise _wrong(f"mve_filter {combinations!r} is not one of {choices}")
        found = cls(
            status=status,
            event_id=event_id,
            series_id=series_id,
            combinations=str(combinations),
            times=_times(rest),
            rest=rest,
        )
        found._check_times()
        return found

    def live_query(self) -> dict[str, object]:
        """The query of ``/markets``."""
        return {
            "status": None if self.status == "all" else self.status,
            "event_ticker": self.event_id,
            "series_ticker": self.series_id,
            "mve_filter": None if self.combinations == "all" else self.combinations,
            **self.times,
            **self.rest,
        }

    def archive_query(self) -> dict[str, object]:
        """The query of ``/historical/markets``: one filter at most."""
        query: dict[str, object] = dict(self.rest)
        if self.event_id is not None:
            query["event_ticker"] = self.event_id
        elif self.series_id is not None:
            query["series_ticker"] = self.series_id
        elif self.combinations == "exclude":
            query["mve_filter"] = "exclude"
        return query

    @property
    def may_be_archived(self) -> bool:
        """Whether an archived market can match: those are settled and never change."""
        return self.status in ("settled", "all") and _UPDATED not in self.times

    @property
    def updated_since(self) -> datetime | None:
        """No match was last updated before this; the archive does not tell updates."""
        seconds = self.times.get(_UPDATED)
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    @property
    def sifts_archive(self) -> bool:
        """Whether the archive gives more than matches."""
        sent = "mve_filter" in self.archive_query()
        return bool(self.times) or not (sent or self.combinations == "all")

    @property
    def since(self) -> datetime | None:
        """No match was settled before this."""
        starts = [at for name, at in self.times.items() if name.startswith("min_")]
        return datetime.fromtimestamp(max(starts), UTC) if starts else None

    def kept(self, markets: list[Market]) -> list[Market]:
        """The markets of the archive that match."""
        return [market for market in markets if self._matches(market)]

    def _matches(self, market: Market) -> bool:
        unwanted = {"exclude": True, "only": False}.get(self.combinations)
        if market.is_combination is unwanted:
            return False
        return all(self._in_time(market, word) for word in _TIMES)

    def _in_time(self, market: Market, word: str) -> bool:
        moment: datetime | None = getattr(market, _TIMES[word][0])
        if moment is None:
            return True
        first, last = self.times.get(f"min_{word}_ts"), self.times.get(f"max_{word}_ts")
        if first is not None and moment < datetime.fromtimestamp(first, UTC):
            return False
        return last is None or moment <= datetime.fromtimestamp(last, UTC)

    def _check_times(self) -> None:
        """Kalshi's table of what goes together (docs.kalshi.com, get markets, 2026-10)."""
        used = sorted({name.split("_")[1] for name in self.times})
        if len(used) > 1:
            raise _wrong(f"time filters exclude one another: {', '.join(used)}")
        if not used:
            return
        (word,) = used
        if word == "updated":
            if self.status != "all" or self.event_id or self.combinations != "exclude":
                raise _wrong(
                    f"{_UPDATED} goes with status='all' and series_id only, and "
                    "without combinations"
                )
            return
        allowed = _TIMES[word][1]
        if self.status not in allowed:
            raise _wrong(
                f"a time filter on {word} does not go with status={self.status!r}, "
                f"but with {', '.join(sorted(allowed))}"
            )
        first, last = (self.times.get(f"{end}_{word}_ts") for end in ("min", "max"))
        if first is not None and last is not None and first > last:
            raise _wrong(f"min_{word}_ts {first} is after max_{word}_ts {last}")


def _times(given: dict[str, str | int | bool]) -> dict[str, int]:
    """Take the time filters out of the caller's params."""
    names = [f"{end}_{word}_ts" for word in _TIMES for end in ("min", "max")]
    times: dict[str, int] = {}
    for name in [*names, _UPDATED]:
        if name not in given:
            continue
        value = given.pop(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise _wrong(f"{name} {value!r} is not a time in whole Unix seconds")
        times[name] = value
    return times


def _wrong(message: str) -> BadRequest:
    return BadRequest(message, venue="kalshi")
