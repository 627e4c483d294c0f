"""Runs of a sweep on a Dask cluster that is there already, by its address."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from ..errors import BadRequest, NetworkError
from .grouping import grouped
from .shipping import (
    ProcessEnded,
    apart,
    check_process,
    inspected,
    packed,
    play_shipped,
    unpacked,
)
from .sweep_report import SweepRow
from .trial import Setup, Trial

__all__ = ["on_cluster"]

_PORTS = 65_535


def on_cluster(
    setup: Setup,
    trials: Sequence[Trial],
    scheduler: str,
    waiting: Callable[[timedelta], None],
) -> Generator[SweepRow, None, None]:
    """Give their rows in order, from the workers of the scheduler at this address.

    ``waiting`` is told for how long the scheduler is waited for.
    """
    payload = packed(setup, trials)
    with _client(scheduler, waiting) as client:
        groups = grouped(setup, trials, _count(client, payload, scheduler))
        # Sent once to each worker, not once for each group.
        shared = client.scatter([payload], broadcast=True, hash=False)[0]
        futures = [
            client.submit(play_shipped, shared, group, pure=False) for group in groups
        ]
        try:
            for group, future in zip(groups, futures, strict=True):
                try:
                    rows = future.result()
                except Exception:  # noqa: BLE001 - the run to blame will tell it
                    # A worker that died took along what was sent to it.
                    yield from apart(partial(_play_apart, client, payload), group)
                else:
                    yield from unpacked(group, rows)
        finally:
            # Runs whose rows are not wanted any more are not begun; the rest is let go.
            client.cancel([*futures, shared])


def _play_apart(client: Any, payload: bytes, group: Sequence[Trial]) -> list[bytes]:
    """Play a group that brings along all that it needs."""
    from distributed import KilledWorker  # noqa: PLC0415 - an extra

    future = client.submit(play_shipped, payload, group, pure=False)
    try:
        rows: list[bytes] = future.result()
    except KilledWorker as error:
        raise ProcessEnded from error
    return rows


def _count(client: Any, payload: bytes, scheduler: str) -> int:
    """How many workers there are, of which each can do it."""
    found = client.run(inspected, payload, on_error="return")
    if not found:
        raise BadRequest(f"{scheduler} has no workers; start some and try again")
    for address, told in sorted(found.items()):
        check_process(f"the worker {address}", partial(_told, told))
    return len(found)


def _told(told: tuple[str, list[str]] | Exception) -> tuple[str, list[str]]:
    if isinstance(told, Exception):
        raise told
    return told


@contextmanager
def _client(
    scheduler: str, waiting: Callable[[timedelta], None]
) -> Generator[Any, None, None]:
    try:
        from distributed import Client  # noqa: PLC0415 - an extra
    except ImportError:
        reason = (
            "engine='dask' needs distributed: pip install 'unified-exchanges[dask]'"
        )
        raise ImportError(reason) from None
    _check_address(scheduler)
    patience = _patience()
    waiting(patience)
    try:
        connect: Any = Client
        client = connect(
            scheduler, set_as_default=False, timeout=patience.total_seconds()
        )
    except (OSError, ValueError) as error:
        message = f"no Dask scheduler answers at {scheduler}: {error}"
        raise NetworkError(message, sent=False) from error
    with client:
        yield client


def _check_address(scheduler: object) -> None:
    """Raise `BadRequest` for what no scheduler is at: a wrong form is not waited for."""
    from distributed.comm import addressing, registry  # noqa: PLC0415 - an extra

    parts: Any = addressing
    backends: Any = registry
    try:
        scheme, place = parts.parse_address(scheduler)
        backends.get_backend(scheme)
        # In this process there are neither.
        host, port = ("here", 1) if scheme == "inproc" else parts.parse_host_port(place)
        _check_place(host, port)
    except (TypeError, ValueError) as error:
        message = (
            f"{scheduler!r} is no address of a Dask scheduler, such as tcp://host:8786: "
            f"{error}"
        )
        raise BadRequest(message) from error


def _check_place(host: str, port: int) -> None:
    if not host or not 0 < port <= _PORTS:
        raise ValueError(f"it has the host {host!r} and the port {port}")


def _patience() -> timedelta:
    """How long Dask waits for a scheduler, as it is configured."""
    from dask import config, utils  # noqa: PLC0415 - an extra

    told: Any = config.get("distributed.comm.timeouts.connect")
    parse: Any = utils.parse_timedelta
    return timedelta(seconds=parse(told))
