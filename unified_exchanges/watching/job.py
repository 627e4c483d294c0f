"""Work over REST that the followers of a stream want done, beside the stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import attrs

from ..flow import Flow

__all__ = ["Job"]

T = TypeVar("T")


@attrs.frozen(slots=True, eq=False, repr=False)
class Job(Generic[T]):
    """A flow to run, and whom to tell what came of it.

    ``done`` and ``failed`` want the lock of the stream; the flow does not.
    """

    flow: Flow[T]
    done: Callable[[T], None]
    failed: Callable[[Exception], None]
