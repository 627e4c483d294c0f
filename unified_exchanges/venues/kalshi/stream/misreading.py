"""Frames that cannot be read: counted, logged, passed over, and what that means."""

from __future__ import annotations

import logging
from typing import Any, Final

import msgspec

from ..parse.reading import excerpt
from . import frames
from .channels import BOOKS
from .conversation import NONE, Events
from .events import Unrecognised
from .strangers import unknown_fields
from .subscription import Subscription
from .watchdog import Watchdog

__all__ = ["KINDS", "Misreading", "market_in", "market_of"]

_log = logging.getLogger(__name__)

_OF_MARKET: Final = ("market_ticker", "ticker")
KINDS: Final = frozenset(kind.__struct_config__.tag for kind in frames.FRAMES)
"""The types of the messages that are known."""
_names: Final = msgspec.json.Decoder(dict[str, Any]).decode


class Misreading(Watchdog):
    """One bad message never takes others with it, and is never taken for nothing."""

    def _unreadable(self, frame: str | bytes, error: Exception) -> Events:
        """A frame of an unknown type, or one that lacks what it needs."""
        try:
            raw = frame.encode() if isinstance(frame, str) else bytes(frame)
            told = frames.decode_envelope(raw)
        except (ValueError, RecursionError):
            shown = frame[:300] if isinstance(frame, bytes) else repr(frame[:300])
            self._bad("", error, shown if isinstance(shown, bytes) else shown.encode())
            return self._anything_lost(f"a frame could not be read: {error}")
        sub, events = (
            (None, NONE)
            if told.sid is None
            else self._account(told.sid, told.seq, told.type)
        )
        if told.type not in KINDS:
            kind = told.type[:60]
            if self.counters.note_unknown(kind):
                _log.warning("unknown message %r: %s", kind, excerpt(raw))
            if sub is None or not sub.is_wanted:
                return events
            name = sub.channel.name
            news = Unrecognised(venue="kalshi", raw_json=raw, channel=name, kind=kind)
            return [*events, news]
        market_id = market_of(bytes(told.msg))
        return [*events, *self._malformed(told.type, error, raw, sub, market_id)]

    def _anything_lost(self, reason: str) -> Events:
        """Whatever is followed may have been told of, and private frames have no numbers.

        Books are not left to their next number, which a quiet market may be long without.
        """
        if not any(sub.is_wanted for sub in self._by_name.values()):
            return NONE
        self._spoil_all(lost=True)
        return [self._gap(None, reason)]

    def _malformed(
        self,
        kind: str,
        error: Exception,
        raw: bytes,
        sub: Subscription | None,
        market_id: str | None,
    ) -> Events:
        """Pass a frame over, and say what may have been missed by that."""
        self._bad(kind, error, raw)
        if sub is None or kind == "ticker":
            return NONE  # the next quote replaces this one
        reason = f"a {kind} could not be read: {error}"
        if sub.channel.name == BOOKS:
            if market_id is None:
                # Any book may be the one.
                return [self._distrust_all(sub, reason, lost=True)]
            if market_id not in sub.wishes or market_id not in self._books.markets:
                return NONE
            return [self._distrust(market_id, reason)]
        return [self._gap(sub, reason, (market_id,) if market_id else ())]

    def _bad(self, kind: str, error: Exception, raw: bytes) -> None:
        if self.counters.note_malformed(kind, error):
            _log.warning(
                "passing a malformed %s over: %s: %s", kind, error, excerpt(raw)
            )

    def _look_for_strangers(self, frame: str | bytes) -> None:
        new = self.counters.note_fields(unknown_fields(frame))
        if new:
            _log.info("Kalshi sends fields that are not known: %s", sorted(new))


def market_of(msg: bytes) -> str | None:
    """The market that a message is about, however broken the rest of it is."""
    try:
        content = _names(msg)
    except (ValueError, RecursionError):
        return None
    found = (content.get(name) for name in _OF_MARKET)
    return next((x for x in found if isinstance(x, str) and x), None)


def market_in(told: Any) -> str | None:
    """The market that a message is about which was read, but has a wrong value."""
    for name in _OF_MARKET:
        found = getattr(told.msg, name, None)
        if found is not None:
            return str(found)
    return None
