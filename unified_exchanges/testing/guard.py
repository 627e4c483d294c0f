"""A guard around code that must not reach the network."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any

__all__ = ["SocketBlocked", "socket_guard"]


class SocketBlocked(AssertionError):
    """Something tried to reach the network although a guard stands.

    It is no `NetworkError`, so that nothing retries it, and no `OSError`, so that no
    library takes it for a host that is down.
    """


class _Guards:
    """The guards that stand now; a connection needs the permission of all of them."""

    def __init__(self) -> None:
        self.standing: list[frozenset[str]] = []
        self.is_installed = False
        self.lock = threading.Lock()


_guards = _Guards()


@contextmanager
def socket_guard(allow: Iterable[str] = ()) -> Generator[None, None, None]:
    """Let no socket of this process connect, or look up a name, from any thread.

    ``allow`` lists what may be reached all the same: ``"127.0.0.1"`` or, for one port,
    ``"127.0.0.1:8080"``.  Elsewhere `SocketBlocked` is raised before anything leaves.
    Python's own sockets are guarded, and so asyncio, requests and aiohttp; code that
    opens sockets in C (uvloop) is not seen, and connections that are open already stay.

    >>> import socket
    >>> with socket_guard():
    ...     socket.create_connection(("127.0.0.1", 9))
    Traceback (most recent call last):
    unified_exchanges.testing.guard.SocketBlocked: 127.0.0.1:9 was to be reached, ...
    """
    allowed = frozenset(allow)
    with _guards.lock:
        if not _guards.is_installed:
            sys.addaudithook(_watch)
            _guards.is_installed = True
        _guards.standing = [*_guards.standing, allowed]
    try:
        yield
    finally:
        with _guards.lock:
            standing = list(_guards.standing)
            standing.remove(allowed)
            _guards.standing = standing


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not _guards.standing or not event.startswith("socket."):
        return
    if event == "socket.connect":
        _check(arguments[1], arguments[0])
    elif event in {"socket.sendto", "socket.sendmsg"}:
        _check(arguments[1])
    elif event == "socket.getaddrinfo":
        _check(arguments[:2], is_look_up=True)
    elif event == "socket.gethostbyname":
        _check((arguments[0], None), is_look_up=True)


# Python hides audit hooks from debuggers and coverage unless they ask to be seen.
vars(_watch)["__cantrace__"] = True


def _check(address: Any, opened: Any = None, *, is_look_up: bool = False) -> None:
    if address is None:
        return
    host, port = (address, None) if isinstance(address, (str, bytes)) else address[:2]
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if host is None or (is_look_up and _is_numeric(host)):
        return
    names = {str(host), f"{host}:{port}"}
    for allowed in _guards.standing:
        if allowed.isdisjoint(names) and not (
            is_look_up and any(name.partition(":")[0] == host for name in allowed)
        ):
            if opened is not None:
                opened.close()  # callers expect an OSError, and clean up after it only
            raise SocketBlocked(
                f"{host}:{port} was to be reached, but a guard allows"
                f" {', '.join(sorted(allowed)) or 'nothing'}"
            )


def _is_numeric(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
