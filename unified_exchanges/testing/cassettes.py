"""Cassettes: what a venue really answered, recorded once and replayed without a network.

A cassette made in one flavour replays in the other.  Use cassettes to pin what a venue
answers; for how your own code behaves when orders fill, fail or get lost, use the
simulated venue.

Needs vcrpy, of the extra ``testing``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, ExitStack, contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..clock import Clock, SystemClock
from ..errors import NotRecorded
from ..wording import installed_by
from .guard import socket_guard
from .redaction import SuspectedSecret, read_texts

if TYPE_CHECKING:
    from .tape import Tape

__all__ = ["Mode", "NotRecorded", "SuspectedSecret", "cassette"]

Mode: TypeAlias = Literal["record", "replay"]


@contextmanager
def cassette(
    path: str | PathLike[str],
    mode: Mode = "replay",
    *,
    never: Iterable[str] = (),
    public: Iterable[str] = (),
    clock: Clock | None = None,
) -> Generator[Tape, None, None]:
    """Replay the requests made inside from a file, or record them into it.

    ``"replay"`` opens no socket, from whatever thread: a request that was not recorded,
    or more often than it was recorded, raises `NotRecorded`, which is never retried;
    anything that gets past the recorder raises `SocketBlocked`.  ``"record"`` performs
    the requests and writes the file anew when the block ends without an error.

    Give the exchange ``clock=tape.clock``, in the recording and in the replay: it tells
    the time of ``clock`` (default: the system's) while recording, and the same again in
    a replay.  What depends on the time replays with it only: `cancel_all_orders`, a look
    for an order by its client order id, a create that is repeated, candles up to now.

    Requests match by method, path, query and body; host, port and scheme may differ (a
    recording of the demo replays as production).  Client order ids may differ too: those
    of the replaying program stand in the answers it gets.  Equal requests are answered
    in recorded order.  The yielded tape has ``clock``, ``play_count`` and ``unplayed``.

    Keys, signatures, cookies and fields named like secrets are taken out.  When
    something left looks like a secret, or is a text given in ``never``, nothing is
    saved and `SuspectedSecret` says where it stands.  An id of 0x and 64 digits looks like
    a private key unless the venue told it in the same recording; ``public`` are others.

    vcrpy patches the whole process and is unsafe with threads: a request of the blocking
    flavour from a second thread may slip past it (its issues 212, 295 and 849).  In a
    replay the guard stops such a request; do not record with several threads.  It does
    not see WebSockets either, which the guard stops as well.

    >>> from unified_exchanges import exchange
    >>> with cassette("markets.yaml") as tape:
    ...     exchange("kalshi", clock=tape.clock).fetch_markets(limit=2)
    Traceback (most recent call last):
    unified_exchanges.errors.NotRecorded: there is no cassette markets.yaml; ...
    """
    words, known = read_texts("never", never), read_texts("public", public)
    tape = _load()
    time = clock or SystemClock()
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        entered = stack.enter_context(tape(Path(path), mode, words, known, time))
        if mode == "replay":
            stack.enter_context(socket_guard())
        yield entered


def _load() -> Callable[..., AbstractContextManager[Tape]]:
    try:
        from .tape import tape  # noqa: PLC0415 - vcrpy is an extra
    except ImportError:
        reason = f"cassettes need vcrpy: {installed_by('testing')}"
    else:
        return tape
    raise ImportError(reason)


@contextmanager
def _quiet() -> Generator[None, None, None]:
    # vcrpy logs whole answers before they are cleansed.
    logger = logging.getLogger("vcr")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
