"""What the lists share: comma-separated words, time spans, pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from .errors import unfit
from .pages import page
from .routes import Call
from .wire import SECOND

__all__ = ["paged", "split", "within"]

T = TypeVar("T")


def split(words: str, *, most: int) -> set[str]:
    """A comma-separated parameter."""
    found = {word.strip() for word in words.split(",")} - {""}
    if len(found) > most:
        raise unfit(f"at most {most} tickers")
    return found


def within(time_us: int, call: Call) -> bool:
    """Whether a time lies between ``min_ts`` and ``max_ts``, whole seconds."""
    least, most = call.query.get("min_ts"), call.query.get("max_ts")
    after = least is None or time_us >= least * SECOND
    return after and (most is None or time_us < (most + 1) * SECOND)


def paged(
    items: Iterable[T], call: Call, key: Callable[[T], str]
) -> tuple[list[T], str]:
    """The page that the call asks for."""
    query = call.query
    return page(items, key=key, cursor=query["cursor"], limit=query["limit"] or 100)
