"""What a backtest is fed with: events and when they were received, from wherever."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from ..errors import BadRequest
from ..models import Gap, Order, OrderBook, Ticker, Trade
from ..models.record import Record
from ..paper import PaperEvent
from ..recording import End, Header, Line, Rest, Torn
from ..recording.decoder import RecordingDecoder, decode, decoder_of
from ..recording.foresight import foreseen
from ..recording.line_clock import LineClock
from ..recording.opening import is_cassette
from ..recording.places import Place, check_places, is_there, place_of
from ..recording.polled import Unread
from ..recording.reading import Texts, texts_of
from ..registry import exchanges, folder
from ..strategies.given import mistaken
from .feed import Feed, ReadAhead
from .merging import Events, merged

if TYPE_CHECKING:
    from ..description import Description
    from ..replaying.cassette import Heard
    from ..research.catalog import Recorded

__all__ = [
    "Data",
    "check",
    "check_path",
    "events_of",
    "feeds_of",
    "markets_told",
    "recorded",
    "venues_taped",
]

Data: TypeAlias = "Events | str | PathLike[str] | Sequence[str | PathLike[str]]"
"""Events; or the path of a recording or of the Parquet files of one; or several paths."""

_NEWLINE: Final = ord("\n")
"""Ends what is not torn."""
_PAIR: Final = 2
"""Parts of an event with its time."""
_PASSED_OVER: Final = frozenset((Ticker, Order))
"""What a backtest is not told."""


def events_of(data: Data, market_id: str | None = None) -> Events:
    """The events of whatever a backtest was given; see `feeds_of`."""
    return feeds_of(data, market_id)[0]


def check(data: object) -> None:
    """Refuse what is no data, as far as can be said without reading it.

    Raises `BadRequest`.
    """
    wanted = (
        "the path of a recording or of its tables, a list of such paths, or events as "
        "[(nanoseconds, book), …]"
    )
    if isinstance(data, str | PathLike):
        check_path(Path(data))
        return
    if isinstance(data, bytes | Mapping | Record) or not isinstance(data, Iterable):
        raise mistaken("data", data, wanted)
    if not isinstance(data, Sequence) or not data:
        return
    if isinstance(data[0], str | PathLike):
        for path in data:
            if not isinstance(path, str | PathLike):
                raise mistaken("data", data, wanted)
            check_path(Path(path))
    elif not _is_event(data[0]):
        raise mistaken("data", data, wanted)


def check_path(path: Path) -> None:
    """Raise `BadRequest` where nothing is."""
    if not is_there(path):
        raise BadRequest(
            f"there is no {path}: give the path of a recording or of its tables"
        )


def _is_event(told: object) -> bool:
    return (
        isinstance(told, tuple)
        and len(told) == _PAIR
        and isinstance(told[0], int)
        and isinstance(told[1], PaperEvent)
    )


def feeds_of(data: Data, market_id: str | None = None) -> tuple[Events, list[Feed]]:
    """The same, and where they come from; one feed alone is timed by who reads it.

    With a ``market_id`` only what concerns that market is told, by recordings as by tables,
    of which nothing else is read.  Raises
    `BadRequest` for what is no data.
    """
    check(data)
    if isinstance(data, str | PathLike):
        return _together(_stored([Path(data)], market_id))
    if isinstance(data, Sequence) and data and isinstance(data[0], str | PathLike):
        paths = [Path(x) for x in data if isinstance(x, str | PathLike)]
        return _together(_stored(paths, market_id))
    return data, [Feed(None)]  # type: ignore[return-value]  # no paths, so events


def _together(found: Sequence[tuple[Feed, Events]]) -> tuple[Events, list[Feed]]:
    feeds = [feed for feed, _ in found]
    if len(found) == 1:
        return found[0][1], feeds
    return merged(*(_timed(feed, events) for feed, events in found)), feeds


def _timed(
    feed: Feed, events: Events
) -> Generator[tuple[int, PaperEvent], None, int | None]:
    """The same events, and how far they go."""
    for told in events:
        if feed.began is None:
            feed.began = told[0]
        feed.ended = told[0]
        yield told
    return feed.until


def _stored(paths: Sequence[Path], market_id: str | None) -> list[tuple[Feed, Events]]:
    found = [x for path in paths for x in _stored_at(path, market_id)]
    if len(found) > 1:
        check_places(x for path in paths for x in _places(path))
    return found


def _places(path: Path) -> Iterable[Place]:
    if not path.is_dir():
        if is_cassette(path):
            found = dict.fromkeys(place for place, _ in _answers(path).lines)
            return [(path.name, *place) for place in found]
        return [place_of(path)]
    from ..research.manifest import places_of  # noqa: PLC0415 - pyarrow is an extra

    return places_of(path)


def _stored_at(path: Path, market_id: str | None) -> list[tuple[Feed, Events]]:
    """A recording, or those of which the tables are."""
    if not path.is_dir():
        feed, events = _of_recording(path)
        return [(feed, events if market_id is None else _of_market(events, market_id))]
    from ..research.catalog import recorded_in  # noqa: PLC0415 - pyarrow is an extra
    from ..research.manifest import manifest_of  # noqa: PLC0415 - as above
    from ..research.reading import check_market, tables  # noqa: PLC0415 - as above

    found = recorded_in(path)
    if market_id is not None:
        check_market(path, market_id)
    feeds = [Feed(each.name) for each in found]

    def read(each: Recorded, feed: Feed) -> Events:
        manifest = manifest_of(path, each)
        if manifest.has_takes or manifest.missing:
            ahead = ReadAhead(feed.name, missing=manifest.missing)
            told = tables(path, each, market_id, ahead.setbacks, ahead.poll)
            yield from ahead.told(told, feed)
        else:
            yield from tables(path, each, market_id, feed.setbacks, feed.poll)
        feed.until, feed.is_unended = manifest.until, not manifest.is_ended
        feed.spoilt, feed.withheld = manifest.spoilt, manifest.withheld

    streams = [
        partial(read, each, feed) for each, feed in zip(found, feeds, strict=True)
    ]
    if len(found) == 1:
        return [(feeds[0], streams[0]())]
    return [(x, _begun_late(y)) for x, y in zip(feeds, streams, strict=True)]


def _of_recording(path: Path) -> tuple[Feed, Events]:
    feed = Feed(path.name)
    return feed, recorded(path, feed)


def _of_market(events: Events, market_id: str) -> Events:
    """What concerns one market, or several, as tables have it."""
    for told in events:
        event = told[1]
        if isinstance(event, Gap):
            if len(event.market_ids) == 1 and market_id not in event.market_ids:
                continue
        elif event.market_id != market_id:
            continue
        yield told


def _begun_late(stream: Callable[[], Events]) -> Events:
    """The same events; after the first nothing is held until the second is asked for.

    Who merges streams asks each for its first event at once: a week of tables would be
    open with all its markets seven times.
    """
    first = [*islice(stream(), 1)]
    yield from first
    yield from islice(stream(), 1, None)


def recorded(
    path: str | PathLike[str], feed: Feed | None = None
) -> Iterator[tuple[int, PaperEvent]]:
    """Read the events of a recording or cassette, by the parsers that read them live.

    Their time is that of their receipt by `LineClock`, which never goes back.
    Raises `DamagedRecording`, `BadRequest` for a cassette without times, and `OSError`.

    >>> def books(path: str) -> int:
    ...     return sum(isinstance(event, OrderBook) for _, event in recorded(path))
    """
    feed = feed or Feed(None)
    file = Path(path)
    # Not a generator of its own: each event would pass through it.
    return taped(file, feed) if is_cassette(file) else _journaled(file, feed)


def _journaled(
    path: Path,
    feed: Feed,
    texts_given: AbstractContextManager[Texts] | None = None,
    listener: _Listener | None = None,
) -> Iterator[tuple[int, PaperEvent]]:
    """Read a recording; from where its account is told of, what that took comes sooner."""
    setbacks, is_foreseen = feed.setbacks, listener is not None
    with texts_given or texts_of(path) as texts:
        line: Line = texts.header
        listener = listener or _Listener(path, texts.header)
        receive, decoder = listener.clock.read, listener.decoder
        shortcut, feed.missing = decoder.shortcut, decoder.missing
        for number, text in texts:
            if text[-1] == _NEWLINE and (short := shortcut(text)) is not None:
                at, mono, books = short
                moment = receive(at, mono)
                if moment != at:
                    setbacks.see(moment, moment - at)
                for book in books:
                    yield moment, book
                continue
            line = texts.line(number, text)
            if isinstance(line, Torn):
                continue
            moment = receive(line.at, line.mono)
            for event in decode(decoder, line):
                if type(event) not in _PASSED_OVER:
                    setbacks.see(moment, moment - line.at)
                    if type(line) is Rest and type(event) is OrderBook:
                        feed.poll(event)
                    yield moment, event  # type: ignore[misc]  # mypy does not see it narrowed
            if decoder.has_account and not is_foreseen:
                ahead = ReadAhead(
                    feed.name,
                    setbacks=attrs.evolve(setbacks, found=[]),
                    missing=decoder.missing,
                )
                feed.missing = [*decoder.missing]
                rest = _journaled(path, ahead, nullcontext(texts), listener)
                yield from ahead.told(foreseen(rest), feed)
                feed.until, feed.is_unended = ahead.until, ahead.is_unended
                feed.spoilt, feed.withheld = ahead.spoilt, ahead.withheld
                return
    feed.until, feed.is_unended = listener.clock.moment, not isinstance(line, End)
    feed.spoilt, feed.withheld = decoder.spoilt, decoder.withheld


def markets_told(path: Path) -> Iterator[str]:
    """The markets of which a recording or its tables tell books or trades, some repeatedly.

    That takes no reading of all of it: a change of a book is of a market that is known.
    Raises as `events_of` does.
    """
    if path.is_dir():
        from ..research.manifest import markets_in  # noqa: PLC0415 - an extra

        yield from markets_in(path)
        return
    if is_cassette(path):
        for _, told in taped(path, Feed(path.name)):
            if isinstance(told, OrderBook | Trade):
                yield told.market_id
        return
    with texts_of(path) as texts:
        listener = _Listener(path, texts.header)
        for number, text in texts:
            if text[-1] == _NEWLINE and listener.decoder.is_change(text):
                continue
            line = texts.line(number, text)
            if isinstance(line, Torn):
                continue
            listener.clock.read(line.at, line.mono)
            for event in decode(listener.decoder, line):
                if isinstance(event, OrderBook | Trade):
                    yield event.market_id


def taped(path: Path, feed: Feed) -> Iterator[tuple[int, PaperEvent]]:
    """Read what the answers of a cassette tell; it may be of several venues.

    Raises `DamagedRecording`, `BadRequest`, and ImportError without PyYAML.
    """
    heard = _answers(path)
    feed.is_dated = heard.is_dated
    first = heard.lines[0][1]
    clock = LineClock(first.at, first.mono)
    listeners: dict[str, RecordingDecoder] = {}
    unread: dict[str, list[Unread]] = {}
    for (venue, _), line in heard.lines:
        if venue not in listeners:
            listeners[venue] = folder(venue, "decoder").DECODER(clock)
            unread[venue] = listeners[venue].missing
        moment = clock.read(line.at, line.mono)
        for event in decode(listeners[venue], line):
            if type(event) is OrderBook:
                feed.poll(event)
            # Answers tell neither tickers nor orders.
            yield moment, event  # type: ignore[misc]
    feed.until = clock.moment
    feed.missing = [each for found in unread.values() for each in found]


def venues_taped(path: Path) -> list[str]:
    """The venues that a cassette is of; raises as `taped` does."""
    from ..replaying.cassette import venues_on  # noqa: PLC0415 - YAML is an extra

    return venues_on(path, _described())


def _answers(path: Path) -> Heard:
    from ..replaying.cassette import load_answers  # noqa: PLC0415 - YAML is an extra

    return load_answers(path, _described())


def _described() -> list[Description]:
    return [folder(x, "blocking").EXCHANGE.describe() for x in exchanges]


class _Listener:
    """Hears a recording, by a clock that shows the time of the line at hand."""

    def __init__(self, path: Path, head: Header) -> None:
        self.clock = LineClock(head.at, head.mono)
        kind: type[RecordingDecoder] = folder(head.venue, "decoder").DECODER
        self.decoder = decoder_of(kind, path, self.clock)
