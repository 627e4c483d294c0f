"""Runs of a sweep on a Dask cluster that is there already, by its address."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final

from ..errors import BadRequest, NetworkError, UnifiedExchangesError
from ..wording import installed_by
from .child_process import in_child
from .grouping import grouped
from .shipping import (
    PackedTrials,
    ProcessEnded,
    apart,
    check_process,
    halved,
    inspected,
    packed,
    unpacked,
)
from .sweep_report import SweepRow
from .trial import Setup, Trial, failure_of

__all__ = ["on_cluster"]

_PORTS: Final = 65_535
_PATIENCE: Final = 30
"""Seconds for which a cluster may be without any worker: a nanny starts one in less."""
_BEAT: Final = 1
"""Seconds between two looks at whether there is any."""
_AT_ONCE: Final = timedelta(seconds=2)
"""Who waits for no longer is not told that it does."""
_CONNECTED: Final = "running"
"""What Dask calls a client that has its scheduler."""
_GONE: Final = (
    "{} is gone: the scheduler ended, or the connection to it was lost; start it again"
)


def on_cluster(
    setup: Setup,
    trials: Sequence[Trial],
    scheduler: str,
    waiting: Callable[[timedelta], None],
) -> Generator[SweepRow, None, None]:
    """Give their rows in order, from the workers of the scheduler at this address.

    ``waiting`` is told for how long the scheduler is waited for, if it does not answer at
    once.
    """
    payload = packed(setup, trials)
    with _client(scheduler, waiting) as client:
        with _begun(client, scheduler):
            _check_workers(client, payload, scheduler)
            # Each of its threads plays a group at a time.
            count = sum(client.nthreads().values())
            groups = grouped(setup, trials, count, alone_in_memory=False)
            cluster = _Cluster(client, payload, scheduler)
            futures = [cluster.begin(group) for group in groups]
        try:
            for group, future in zip(groups, futures, strict=True):
                try:
                    rows = cluster.wait(future)
                except NetworkError as error:
                    for trial in group:
                        yield failure_of(trial, error)
                except ProcessEnded as error:
                    yield from halved(cluster.play, group, error)
                except Exception:  # noqa: BLE001 - the run to blame will tell it
                    yield from apart(cluster.play, group)
                else:
                    yield from unpacked(group, rows)
        finally:
            # Runs whose rows are not wanted any more are not begun, or ended by their worker.
            cluster.forget(futures)


class _Cluster:
    """The workers of one scheduler, some or all of which may be gone one day.

    Rows are fetched as soon as they are there, in whatever order: what ended before the
    workers did is kept.
    """

    def __init__(self, client: Any, payload: bytes, scheduler: str) -> None:
        self._client = client
        self._scheduler = scheduler
        self._alone = 0
        self._fetching = _PATIENCE
        self._done: SimpleQueue[Any] = SimpleQueue()
        self._kept: dict[str, list[bytes] | Exception] = {}
        self._lost = ""
        """Why nothing comes from it any more."""
        # Sent once to each worker, not once for each group.  It is the result of a task: one
        # that was scattered is lost with the workers that have it.
        self._shared = self._submit(bytes, payload)
        client.replicate([self._shared])

    def begin(self, group: Sequence[Trial]) -> Any:
        """Have a group played, by whatever worker is free."""
        future = self._submit(_play, self._shared, PackedTrials(group))
        future.add_done_callback(self._done.put)
        return future

    def play(self, group: Sequence[Trial]) -> list[bytes]:
        """Have it played, and wait for it."""
        self._check()
        return self.wait(self.begin(group))

    def wait(self, future: Any) -> list[bytes]:
        """The rows of a group.  Raises `NetworkError` where none will come."""
        while future.key not in self._kept:
            self._check()
            self._receive()
        found = self._kept.pop(future.key)
        if isinstance(found, Exception):
            raise found
        return found

    def forget(self, futures: Sequence[Any]) -> None:
        """Let go of all that the scheduler has of it, if it is there."""
        if self._client.status == _CONNECTED:
            self._client.cancel([*futures, self._shared])

    def _check(self) -> None:
        if self._lost:
            raise NetworkError(f"{self._lost} and run what is missing", sent=True)

    def _receive(self) -> None:
        """Fetch what has ended, if anything does before the next look."""
        try:
            future = self._done.get(timeout=_BEAT)
        except Empty:
            self._look()
            return
        try:
            self._kept[future.key] = future.result(timeout=self._fetching)
        except CancelledError:  # we do not do that before the end
            self._lose()
        except Exception as error:  # noqa: BLE001 - what a worker raises is told by `wait`
            if future.status == "error":
                self._kept[future.key] = error
                return
            # It has ended, and its rows did not arrive: there are many, or who has them is
            # gone.  Then another worker plays it.
            self._fetching *= 2
            future.add_done_callback(self._done.put)
            self._look()
        else:
            self._alone = 0

    def _look(self) -> None:
        if self._client.status != _CONNECTED:
            self._lose()
        elif self._client.scheduler_info()["workers"]:
            self._alone = 0
        else:
            self._alone += _BEAT  # for that long a result was waited for
            if self._alone >= _PATIENCE:
                self._lost = (
                    f"{self._scheduler} has had no workers for {_PATIENCE} seconds: they "
                    "ended or were stopped, and no others came; start some"
                )

    def _lose(self) -> None:
        # Dask lets go of all that was begun as soon as a connection is lost.
        self._lost = _GONE.format(self._scheduler)

    def _submit(self, act: Any, *given: Any) -> Any:
        with warnings.catch_warnings():
            # What is in memory here is to go there, however much it is.
            warnings.filterwarnings("ignore", message="Sending large graph")
            return self._client.submit(act, *given, pure=False)


@contextmanager
def _begun(client: Any, scheduler: str) -> Generator[None, None, None]:
    """Raise `NetworkError` where the scheduler ends before anything is waited for."""
    try:
        yield
    except Exception as error:
        # Which of its errors Dask raises depends on what it was about to do.
        is_lost = isinstance(error, OSError | CancelledError)
        is_lost = is_lost or client.status != _CONNECTED
        if isinstance(error, UnifiedExchangesError) or not is_lost:
            raise
        message = f"{_GONE.format(scheduler)} and run it again: no run had come back"
        raise NetworkError(message, sent=False) from error


def _check_workers(client: Any, payload: bytes, scheduler: str) -> None:
    """Raise `BadRequest` where there are none, or one of them cannot do it."""
    found = client.run(inspected, payload, on_error="return")
    if not found:
        raise BadRequest(f"{scheduler} has no workers; start some and try again")
    for address, told in sorted(found.items()):
        check_process(f"the worker {address}", partial(_told, told))


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
        reason = f"engine='dask' needs distributed: {installed_by('dask')}"
        raise ImportError(reason) from None
    _check_address(scheduler)
    try:
        client = _connected(Client, scheduler, waiting)
    except (OSError, ValueError) as error:
        message = f"no Dask scheduler answers at {scheduler}: {error}"
        raise NetworkError(message, sent=False) from error
    with client:
        yield client


def _connected(kind: Any, scheduler: str, waiting: Callable[[timedelta], None]) -> Any:
    """Wait for it for as long as Dask does; of what answers at once nothing is told."""
    patience = _patience()
    first = min(patience, _AT_ONCE)
    connect = partial(kind, scheduler, set_as_default=False)
    try:
        # Another one than that of the sweep, which has all the time for what it does later.
        connect(timeout=first.total_seconds()).close()
    except OSError:
        patience -= first
        if not patience:
            raise
        waiting(patience)
    return connect(timeout=patience.total_seconds())


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


# -- on a worker -----------------------------------------------------------------------


def _play(payload: bytes, group: bytes) -> list[bytes]:
    """Play a group in a process of its own, so that the worker lives on.

    Who starts workers again gives up: `LocalCluster` where one takes longer than 15 seconds.
    """
    from dask import config  # noqa: PLC0415 - an extra
    from distributed import get_worker  # noqa: PLC0415 - an extra

    find: Any = get_worker
    worker = find()
    limit: int | None = worker.memory_manager.memory_limit
    part: float | bool = config.get("distributed.worker.memory.terminate")
    most = limit * part if limit and part else None
    wanted = partial(_is_wanted, worker.state.tasks, worker.get_current_task())
    return in_child(payload, group, most, wanted)


def _is_wanted(tasks: Mapping[str, Any], key: str) -> bool:
    """Whether anybody waits for it: not where it was canceled, or its client is gone.

    Dask ends nothing that has begun; it notes that it would not begin it any more.
    """
    found = tasks.get(key)
    return found is not None and found.state != "cancelled"
