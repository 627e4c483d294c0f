"""Listings put together: page by page, filtered, and several as one, newest first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

from ..flow import Done, Flow, Outcome, Page, Pages, advance

__all__ = ["changed", "given", "live_then_archive", "newest_first", "next_page"]

T = TypeVar("T")
U = TypeVar("U")

_NEWEST: Final = datetime.max.replace(tzinfo=UTC)


def next_page(pages: Pages[T]) -> Flow[list[T] | None]:
    """The next items of a listing; None after the last."""
    reply: Outcome | BaseException = None
    while not isinstance(step := advance(pages, reply), Done):
        if isinstance(step, Page):
            return step.items
        try:
            reply = yield step
        except Exception as error:  # noqa: BLE001 - handed to the inner flow whole
            reply = error
    return None


def given(items: list[T]) -> Pages[T]:
    """A listing of what is already here."""
    if items:
        yield Page(items)


def changed(pages: Pages[T], change: Callable[[list[T]], Iterable[U]]) -> Pages[U]:
    """A listing with each page changed; pages that become empty are left out."""
    try:
        while (items := (yield from next_page(pages))) is not None:
            if kept := list(change(items)):
                yield Page(kept)
    finally:
        pages.close()


def newest_first(
    *sources: Pages[T], moment: Callable[[T], datetime | None]
) -> Pages[T]:
    """Several listings, each newest first, as one; what has no time comes at once."""
    waiting = [_Source(pages) for pages in sources]
    try:
        while waiting:
            for source in waiting:
                while source.is_open and not source.items:
                    items = yield from next_page(source.pages)
                    source.items.extend(items or ())
                    source.is_open = items is not None
            waiting = [source for source in waiting if source.items]
            ready: list[T] = []
            while waiting and all(source.items for source in waiting):
                newest = max(waiting, key=lambda source: source.rank(moment))
                ready.append(newest.items.popleft())
            if ready:
                yield Page(ready)
    finally:
        for pages in sources:
            pages.close()


def live_then_archive(
    live: Pages[T],
    archive: Pages[T],
    *,
    boundary: datetime | None,
    moment: Callable[[T], datetime | None],
) -> Pages[T]:
    """What is live and what is archived as one listing, newest first.

    ``boundary`` is None when the archive has no part in what is asked.
    Nothing archived is newer than ``boundary``, so live items newer than that are handed
    out at once, and the archive is asked only by whoever reads that far.  The live
    listing is read to its end first: what moves to the archive meanwhile is then found
    there.
    """
    if boundary is None:
        yield from live
        return
    late: list[T] = []
    try:
        while (items := (yield from next_page(live))) is not None:
            fresh: list[T] = []
            for item in items:
                at = moment(item)
                (fresh if at is None or at >= boundary else late).append(item)
            if fresh:
                yield Page(fresh)
        yield from newest_first(given(late), archive, moment=moment)
    finally:
        live.close()
        archive.close()


class _Source(Generic[T]):
    """A listing with the items that were read of it and not handed out."""

    __slots__ = ("is_open", "items", "pages")

    def __init__(self, pages: Pages[T]) -> None:
        self.pages = pages
        self.items: deque[T] = deque()
        self.is_open = True

    def rank(self, moment: Callable[[T], datetime | None]) -> datetime:
        """The time of its next item."""
        return moment(self.items[0]) or _NEWEST
