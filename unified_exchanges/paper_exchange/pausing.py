"""Whether trading is paused at the source, where its markets do not tell that."""

from __future__ import annotations

import logging
from typing import Final

from ..errors import UnifiedExchangesError
from ..flow import Flow
from ..models import Market, Status
from ..paper.broker import PaperBroker
from ..paper.refusals import Pause
from .source import FromSource

__all__ = ["KNOWN", "Pausing"]

_log = logging.getLogger(__name__)

KNOWN: Final = 1.0
"""Seconds for which orders, changes and cancels do with what was read of the source."""
_PATIENCE: Final = 2.0
"""Seconds that a read may take without which there is a way to go on."""


class Pausing(FromSource):
    """Reads whether the source, and each shard of it, trades."""

    broker: PaperBroker
    _status: Status | None = None
    _asked: float | None = None
    """When that was asked for which is known, by the monotonic clock."""
    _known_at: float | None = None
    """When it was answered."""
    _failed: float | None = None

    @property
    def pauses_untold(self) -> bool:
        """Whether trading may pause without its markets telling so."""
        return self.source.describe().pauses == "venue"

    def heed_pause(
        self, market_id: str | None = None, *, deadline: float | None = None
    ) -> Flow[None]:
        """Have the broker know whether trading is paused now, or was a second ago."""
        if not self.pauses_untold:
            return
        now = self.clock.monotonic()
        if not _is_recent(self._known_at, now):
            status = yield from self.source.fetch_status(deadline=deadline)
            # Others may have asked meanwhile: what was asked last is the newest.
            if self._asked is None or now > self._asked:
                self._status, self._asked = status, now
                self._known_at = self.clock.monotonic()
            self.broker.pause(self.pause_of)
        elif market_id is not None:
            # It may be traded here only since that was read.
            self.broker.pause(self.pause_of, [market_id])

    def notice_pause(self) -> Flow[None]:
        """The same, as far as it can be read: else what was known last stands."""
        now = self.clock.monotonic()
        if _is_recent(self._failed, now):
            return
        try:
            yield from self.heed_pause(deadline=now + _PATIENCE)
        except UnifiedExchangesError as error:
            self._failed = self.clock.monotonic()
            _log.info("paper: whether trading is paused was not read: %s", error)

    @property
    def is_paused(self) -> bool:
        """Whether trading was paused anywhere when that was read last."""
        status = self._status
        if status is None:
            return False
        is_up = status.is_trading and status.is_active
        return not (is_up and all(x.is_trading and x.is_active for x in status.shards))

    def pause_of(self, market: Market) -> Pause | None:
        """Whether trading pauses around a market, by what was read last."""
        status = self._status
        if status is None:
            return None
        told = next((x for x in status.shards if x.shard == market.shard), status)
        if not told.is_active:
            return "venue"
        return None if told.is_trading else "trading"


def _is_recent(then: float | None, now: float) -> bool:
    return then is not None and now - then < KNOWN
