"""What consumers are told who ask a watch for what it cannot give."""

from __future__ import annotations

from math import inf

from ..errors import BadRequest, RequestTimeout
from ..models import StreamHealth

__all__ = [
    "check_timeout",
    "closed",
    "forked",
    "homeless",
    "late",
    "over",
    "played",
    "strange",
]


def check_timeout(timeout: object) -> None:
    """Refuse a wait that is none; below 0 it would look like an answer in time."""
    if timeout is None or (type(timeout) in (int, float) and 0 <= timeout < inf):  # type: ignore[operator]
        return
    message = (
        f"timeout must be a number of at least 0, in seconds, or None, not {timeout!r}: "
        "0 asks and does not wait, None waits for as long as it takes"
    )
    raise BadRequest(message)


def late(timeout: float | None, health: StreamHealth) -> RequestTimeout:
    """Nothing came in the time that the consumer gave."""
    message = f"no update within {timeout} s; the watch goes on"
    if health.state != "live":
        trouble = f": {health.last_error}" if health.last_error else ""
        message += f". The stream is {health.state}{trouble}"
    return RequestTimeout(message)


def over() -> BadRequest:
    """More is asked of a watch that has ended."""
    message = (
        "this watch has ended: it was closed, unwatched, its loop was left, or it "
        "failed; call watch_* again"
    )
    return BadRequest(message)


def played(recording: object) -> BadRequest:
    """More is asked of a watch that has ended with the recording."""
    message = (
        f"this watch has ended: the recording {recording} has come to its end, and tells "
        "nothing more; make another exchange to replay it anew"
    )
    return BadRequest(message)


def closed() -> BadRequest:
    """The exchange was closed before."""
    return BadRequest("the exchange is closed; make another to watch on")


def forked() -> BadRequest:
    """The threads of the stream stayed in the parent process."""
    message = (
        "this watch belongs to the process that made it; make an exchange and watch "
        "after the fork"
    )
    return BadRequest(message)


def homeless() -> BadRequest:
    """There is no event loop that could run the stream."""
    message = "watch_* of an async exchange must be called while an event loop runs"
    return BadRequest(message)


def strange() -> BadRequest:
    """The stream lives in another event loop."""
    message = (
        "this stream runs in another event loop; close the exchange there, or make "
        "another one for this loop"
    )
    return BadRequest(message)
