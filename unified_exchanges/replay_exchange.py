"""Exchanges that are answered by a recording: those that `exchange` makes for ``"replay"``."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from sys import float_info
from typing import Any, Final, cast

import attrs

from .alerts import AlertPolicy
from .clock import VirtualClock
from .errors import BadRequest
from .policy import LimitPolicy, StreamPolicy
from .recording import DamagedRecording
from .registry import exchanges, folder
from .replaying import AsyncReplayTransport, ReplayTransport, Source, Timeline, load
from .replaying.streams import no_stream, no_stream_async
from .shells.aio import AsyncExchange
from .shells.blocking import Exchange
from .venue import Venue

__all__ = ["arguments", "async_replay", "kind_of", "opened", "replay", "timeline_of"]

_EVER: Final = 1e9
"""Seconds that no recording lasts."""
_AT_ONCE: Final = float_info.min
"""Seconds: the least above none."""


def replay(
    path: str | PathLike[str],
    *,
    given: Mapping[str, object],
    venue: str | None,
    **how: Any,
) -> Exchange:
    """Make the blocking exchange that a recording answers; ``given`` may hold nothing."""
    source = opened(path, given, venue=venue)
    kind: type[Exchange] = kind_of(source, "blocking")
    timeline = timeline_of(source)
    transport = ReplayTransport(source.answers, source.clock, timeline)
    made = kind(transport=transport, **arguments(source, how))
    made.venue.taps.connect = no_stream
    made.venue.taps.timeline = timeline
    return made


def async_replay(
    path: str | PathLike[str],
    *,
    given: Mapping[str, object],
    venue: str | None,
    **how: Any,
) -> AsyncExchange:
    """As `replay`, for an event loop."""
    source = opened(path, given, venue=venue)
    kind: type[AsyncExchange] = kind_of(source, "aio")
    timeline = timeline_of(source)
    transport = AsyncReplayTransport(source.answers, source.clock, timeline)
    made = kind(transport=transport, **arguments(source, how))
    made.venue.taps.async_connect = no_stream_async
    made.venue.taps.timeline = timeline
    return made


def opened(
    path: str | PathLike[str],
    given: Mapping[str, object],
    *,
    lag: int = 0,
    venue: str | None = None,
    wants_streams: bool = False,
) -> Source:
    """Read a recording, of a ``venue`` where it may be of several.

    ``given`` may hold nothing, ``lag`` is how late it is heard.  Where streams are wanted,
    a cassette is refused.
    """
    if refused := [f"{name}=" for name, value in given.items() if value is not None]:
        raise BadRequest(
            "a replay has a clock and a transport of its own, and its orders belong into no "
            f"journal of those that were placed: leave {', '.join(refused)} away"
        )
    venues = [folder(id, "blocking").EXCHANGE.describe() for id in exchanges]  # noqa: A001
    return load(
        path,
        venues,
        lambda id: folder(id, "counterpart").CONTENTS(),  # noqa: A006
        lag=lag,
        venue=venue,
        wants_streams=wants_streams,
    )


def timeline_of(source: Source, *, by_receipt: bool = False) -> Timeline | None:
    """What plays the streams of a recording; None where it has none."""
    if source.streams is None:
        return None
    decoder = folder(source.venue, "decoder").DECODER
    return Timeline(
        source.streams,
        source.clock,
        source.answers,
        decoder=lambda: decoder(VirtualClock(0)),
        by_receipt=by_receipt,
    )


def arguments(source: Source, how: Mapping[str, Any]) -> dict[str, Any]:
    """What the exchange is made with: what was given, and what a replay has of its own."""
    part = folder(source.venue, "replayed")
    stand_in: Mapping[str, Any] = part.stand_in(source.answers.requests)
    options = {**stand_in.get("options", {}), **(how["options"] or {})}
    return {
        **how,
        **stand_in,
        "options": options,
        # How long a line was alive, and an answer took, the recording knows; and when
        # something was tried again, which must be asked for by then.
        "stream": attrs.evolve(
            how["stream"] or StreamPolicy(),
            first=_AT_ONCE,
            silence=_EVER,
            acknowledgement=_EVER,
        ),
        "environment": source.environment,
        "clock": source.clock,
        # What was allowed then is in the recording; here nothing can be sent.
        "live": True,
        # Nobody is spared by waiting, and what was asked for limits may not be there.
        "limits": how["limits"] or LimitPolicy(enabled=False),
        # Nothing is sent: no venue suffers, and what the recording has not says so itself.
        "alerts": attrs.evolve(
            how["alerts"] or AlertPolicy(), errors=None, limiter_used=None
        ),
    }


def kind_of(source: Source, flavour: str) -> Any:
    """The class of a flavour, over the venue as it is in a replay.

    Raises `DamagedRecording` where what was sent to the venue cannot be read.
    """
    kind: Any = folder(source.venue, flavour).EXCHANGE
    part = folder(source.venue, "replayed")
    try:
        is_ours = source.streams is not None  # a cassette holds what anybody sent
        made = part.venue_type(source.answers, is_ours=is_ours)
        venue_type = cast("type[Venue]", made)
    except (ValueError, LookupError, TypeError) as error:
        raise DamagedRecording(
            f"{source.file}: an order that was sent in it, or whose it was, cannot be read "
            f"({error!r}); restore the recording from a copy"
        ) from error
    return type(kind.__name__, (kind,), {"venue_type": venue_type})
