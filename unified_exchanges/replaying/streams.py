"""What takes the place of a WebSocket in a replay, so that none is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NoReturn

from ..errors import NotRecorded

__all__ = ["no_stream", "no_stream_async"]


def no_stream(
    url: str,
    headers: Mapping[str, str],  # noqa: ARG001 - as `Connect` has them
    *,
    heard: Callable[[], None],  # noqa: ARG001
    timeout: float,  # noqa: ARG001
) -> NoReturn:
    """Refuse to open a WebSocket: raises `NotRecorded`."""
    raise NotRecorded(
        f"a replay was asked for the stream {url}, and it answers requests only: read the "
        "frames of the recording with unified_exchanges.recording.read. Nothing was sent"
    )


async def no_stream_async(
    url: str,
    headers: Mapping[str, str],
    *,
    heard: Callable[[], None],
    timeout: float,  # noqa: ASYNC109 - as `AsyncConnect` has it
) -> NoReturn:
    """As `no_stream`, for an event loop."""
    no_stream(url, headers, heard=heard, timeout=timeout)
