"""Exchanges on paper: those that `exchange` makes for ``"paper"``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from os import PathLike
from typing import Any, Final, TypeVar

import attrs

from ..errors import ArgumentsRequired, BadRequest
from ..money import Number
from ..paper import Delays
from ..recording.foresight import Foresight
from ..registry import REPLAY, exchanges, folder
from ..replay_exchange import arguments, kind_of, opened, timeline_of
from ..replaying import AsyncReplayTransport, ReplayTransport
from ..replaying.streams import no_stream, no_stream_async
from .aio import AsyncPaper
from .blocking import Paper
from .given import ACCOUNT, read_path, read_terms, refuse_account
from .recorded import PaperVenueOverRecording, late
from .simulated import serving
from .venue import venue_on

__all__ = ["AsyncPaper", "Paper", "async_paper", "paper"]

E = TypeVar("E", Paper, AsyncPaper)

_SIMULATED: Final = "simulated"


def paper(source: str | None, **given: Any) -> Paper:
    """Make the blocking exchange on paper; see `exchange`."""
    return (
        _replayed(Paper, **given) if source == REPLAY else _made(Paper, source, **given)
    )


def async_paper(source: str | None, **given: Any) -> AsyncPaper:
    """Make the asynchronous exchange on paper; see `async_exchange`."""
    if source == REPLAY:
        return _replayed(AsyncPaper, **given)
    return _made(AsyncPaper, source, **given)


def _made(
    kind: type[E],
    source: str | None,
    *,
    cash: Number | None,
    delays: Delays | None,
    path: str | PathLike[str] | None,
    **how: Any,
) -> E:
    name, served = _source(source)
    if served is not None:
        refuse_account(source, how)
    terms = read_terms(cash, delays, path)
    if served is not None:
        terms = attrs.evolve(terms, environment=_SIMULATED)
    over = folder(name, "blocking").EXCHANGE.venue_type
    made: type[E] = type(kind.__name__, (kind,), {"venue_type": venue_on(over, terms)})
    with ExitStack() as stack:
        if served is not None:
            theirs = stack.enter_context(served())
            options = {**theirs.get("options", {}), **(how["options"] or {})}
            how = {**how, **theirs, "options": options}
        exchange = made(**how)
        exchange.besides = stack.pop_all()
        return exchange


def _replayed(
    kind: type[E],
    *,
    cash: Number | None,
    delays: Delays | None,
    path: str | PathLike[str] | None,
    **how: Any,
) -> E:
    """Over a recording, in its time: no socket is opened, and no state is kept."""
    if path is None:
        raise ArgumentsRequired("paper over a replay needs path=, of a recording")
    refuse_account(REPLAY, how)
    terms = read_terms(cash, delays, None)
    given = {name: how.pop(name) for name in ("clock", "journal", "transport")}
    for name in (*ACCOUNT, "live"):
        how.pop(name)
    lag = terms.delays.event
    source = opened(read_path(path), given, lag=lag, wants_streams=True)
    timeline = timeline_of(source, by_receipt=True)
    assert timeline is not None
    is_blocking = kind is Paper
    terms = late(terms)
    over = kind_of(source, "blocking" if is_blocking else "aio").venue_type
    venue = venue_on(over, terms, PaperVenueOverRecording)
    made: type[E] = type(kind.__name__, (kind,), {"venue_type": venue})
    transport = (ReplayTransport if is_blocking else AsyncReplayTransport)(
        source.answers, source.clock, timeline
    )
    exchange = made(transport=transport, **arguments(source, how))  # type: ignore[arg-type]
    taps = exchange.venue.taps
    taps.connect, taps.async_connect = no_stream, no_stream_async
    taps.timeline = timeline
    foresight = Foresight(
        timeline.streams.file, folder(source.venue, "decoder").DECODER
    )
    exchange.besides.callback(foresight.close)
    exchange.venue.foresee(foresight)  # type: ignore[attr-defined]  # it is over one
    return exchange


def _source(
    source: str | None,
) -> tuple[str, Callable[[], AbstractContextManager[Mapping[str, Any]]] | None]:
    """The id of a venue, and what serves it if it is simulated."""
    if source is None:
        message = f"paper needs source=, one of {_listed()}"
        raise ArgumentsRequired(message)
    if not isinstance(source, str):
        raise BadRequest(f"source= must be one of {_listed()}, not {source!r}")
    kind, colon, name = source.partition(":")
    if kind == _SIMULATED:
        venue = name if colon else exchanges[0]
        if venue in exchanges:
            return venue, lambda: serving(venue)
    elif source in exchanges:
        return source, None
    raise BadRequest(f"there is no source {source!r}; there are: {_listed()}")


def _listed() -> str:
    simulated = (f"{_SIMULATED}:{name}" for name in exchanges)
    return ", ".join([*exchanges, REPLAY, _SIMULATED, *simulated])
