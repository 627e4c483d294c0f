"""The blocking transport: requests' connection pools, and nothing they do unasked.

Nothing is retried, no redirect is followed, no cookie is kept and no netrc is read.
The pools are driven directly: preparing a `requests.Request` costs as much again as
sending it.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse, parse_headers
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs
import urllib3.connection
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, Retry
from urllib3 import HTTPResponse as PooledResponse
from urllib3.exceptions import ClosedPoolError, HTTPError
from urllib3.exceptions import TimeoutError as PoolTimeout
from urllib3.util import Timeout

from .. import fork
from ..errors import BadRequest
from ..flow import Request, Response
from .body import ANSWER_LIMIT, UnusableAnswer, check_size, decode
from .failure import explain, invalid, is_plain
from .network import is_address, proxy_for, trust

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

__all__ = ["BlockingTransport", "Connection", "SecureConnection"]

_HEADERS = {"User-Agent": "unified-exchanges", "Accept-Encoding": "gzip"}
_NEVER = Retry(total=False, redirect=False, respect_retry_after_header=False)
_BUFFER = 32 * 1024
_EARLIEST, _FINAL = 101, 200
_BROKEN = (HTTPError, HTTPException, OSError, ValueError, UnusableAnswer)
_monotonic = time.monotonic
_leaving = threading.local()
"""What asks, in this thread, whether the request may still leave."""


class BlockingTransport:
    """Performs requests on pooled connections; usable from many threads at once.

    ``pool_size`` is how many idle connections are kept per host; more threads than that
    open further ones, which are closed after use.  A request's ``timeout`` bounds all
    of it: the look-up of the name, the connection, TLS, the headers and the whole body.

    >>> transport = BlockingTransport()
    >>> transport.close()
    """

    def __init__(self, *, pool_size: int = 16) -> None:
        self._pool_size = pool_size
        self._adapter: HTTPAdapter | None = None
        self._routes: dict[str, _Route] = {}
        self._lock = fork.lock()
        self._closed = False
        fork.in_child(self, BlockingTransport._leave_to_parent)

    def send(self, request: Request) -> Response:
        """Perform the request once, whatever its status.

        Raises `NetworkError` when no whole answer arrived; ``sent`` is False only if no
        byte of the request left.
        """
        started = _monotonic()
        fork.notice()
        try:
            return self._perform(request, started)
        except _Unreached as unreached:
            error: BaseException = unreached.error
            sent = False
        except _BROKEN as broken:
            error = broken
            # Closed before it gave a connection: one under way is never told so.
            sent = not isinstance(broken, ClosedPoolError)
        if isinstance(error, ValueError) and (refusal := invalid(request)):
            failure: Exception = refusal
        else:
            late = isinstance(error, (TimeoutError, PoolTimeout))
            late = late or _monotonic() - started >= request.timeout
            failure = explain(request, error, sent=sent, late=late)
        # The exception just caught leads to the request's headers through its frames.
        del error
        raise failure

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Close the idle connections; requests under way are finished first."""
        fork.notice()
        with self._lock:
            self._closed = True
            self._routes.clear()
        if self._adapter is not None:
            self._adapter.close()

    def _leave_to_parent(self) -> None:
        """Begin without connections in a forked child: those there are, are the parent's."""
        for route in self._routes.values():
            if idle := route.pool.pool:
                # Whoever was taking one does not exist here; the pool's end takes it too.
                fork.free(idle.mutex)
        self._routes, self._adapter = {}, None

    def _perform(self, request: Request, started: float) -> Response:
        if request.timeout <= 0:
            raise _Unreached(TimeoutError("the deadline has passed"))
        if not is_plain(request):
            raise _Unreached(ValueError("a header is not plain ASCII"))
        route, target = self._route(request)
        _leaving.check = request.check
        answer = route.pool.urlopen(
            request.method,
            target,
            body=request.body,
            headers={**_HEADERS, **request.headers},
            retries=_NEVER,
            redirect=False,
            assert_same_host=False,
            timeout=Timeout(total=request.timeout),
            preload_content=False,
            decode_content=False,
        )
        headers = {name.lower(): value for name, value in answer.headers.items()}
        try:
            body = _read(answer)
        except BaseException:
            answer.close()
            raise
        if coding := headers.get("content-encoding"):
            replayed = not isinstance(answer, PooledResponse)
            body = decode(coding, body, replayed=replayed)
        return Response(answer.status, headers, body, _monotonic() - started)

    def _route(self, request: Request) -> tuple[_Route, str]:
        url = request.target
        end = url.find("/", url.find("//") + 2)
        origin, target = (url[:end], url[end:]) if end > 0 else (url, "/")
        route = self._routes.get(origin)
        if route is None:
            route = self._open(request, origin)
        return route, url if route.takes_whole_url else target

    def _open(self, request: Request, origin: str) -> _Route:
        if refusal := invalid(request):
            raise refusal
        with self._lock:
            if self._closed:
                message = "this transport is closed; make a new exchange"
                raise BadRequest(message)
            route = self._routes.get(origin)
            if route is None:
                if self._adapter is None:
                    self._adapter = _adapter(self._pool_size)
                route = self._routes[origin] = _connect(self._adapter, origin)
            return route


@attrs.frozen(slots=True, eq=False, repr=False)
class _Route:
    """How a host is reached, found once: its pool, and what a request line holds."""

    pool: HTTPConnectionPool
    takes_whole_url: bool


def _adapter(pool_size: int) -> HTTPAdapter:
    # Loaded with the first connection: it takes 20 ms, and an exchange may be made for
    # its description, or in case.
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    return HTTPAdapter(pool_connections=32, pool_maxsize=pool_size, max_retries=_NEVER)


def _connect(adapter: HTTPAdapter, origin: str) -> _Route:
    from requests import RequestException  # noqa: PLC0415 - loaded with the adapter

    parts = urlsplit(origin)
    scheme, host, port = parts.scheme, parts.hostname, parts.port
    secure: dict[str, Any] | None = None
    if scheme == "https":
        secure = {"ssl_context": trust()}
    proxy = proxy_for(scheme, host or "", port)
    manager = adapter.poolmanager
    usable = True
    if proxy is not None:
        try:
            manager = adapter.proxy_manager_for(proxy)
        except (RequestException, HTTPError, ValueError):
            usable = False
    if not usable:
        # A proxy's URL may hold a password, so it is not shown.
        message = f"the proxy that the environment names for {scheme} cannot be used"
        raise BadRequest(message)
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    pool = manager.connection_from_host(host, port, scheme, pool_kwargs=secure)
    plain = proxy is not None and scheme == "http"
    return _Route(pool, plain and not str(proxy).startswith("socks"))


class _Unreached(Exception):
    """The connection was not made: certainly nothing of the request was sent."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def _genuine(name: str) -> Any:
    # A recorder such as vcrpy may stand in a class's place while this is imported.
    kinds = getattr(urllib3.connection, name).__mro__
    own = (kind for kind in kinds if kind.__module__ == "urllib3.connection")
    return next(kind for kind in own if kind.__name__ == name)


if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection as _Plain
    from urllib3.connection import HTTPSConnection as _Secure
else:
    _Plain = _genuine("HTTPConnection")
    _Secure = _genuine("HTTPSConnection")


class Connection(_Plain):
    """A connection whose timeout is a deadline for all it does, not for each byte."""

    _deadline = 0.0

    def connect(self) -> None:
        """Connect, in what is left of the time."""
        self._deadline = _monotonic() + float(self.timeout or 0)
        fork.in_child(self, _abandon)
        try:
            super().connect()
        except _BROKEN as error:
            raise _Unreached(error) from error

    def request(self, *args: Any, **options: Any) -> None:
        """Send a request, over a connection that there is already if it may leave still."""
        if self.sock is None:
            self.connect()
        # Connecting may take seconds: it may not be wanted any more.
        _ask()
        super().request(*args, **options)

    def getresponse(self) -> Any:
        """Wait for the answer, in what is left of the time."""
        self._deadline = _monotonic() + float(self.timeout or 0)
        return super().getresponse()

    def response_class(  # type: ignore[override]  # a class in the base, which calls it
        self, sock: Any, *args: Any, **options: Any
    ) -> HTTPResponse:
        """Make an answer that is read until the deadline, and no longer."""
        answer = _Answer(sock, *args, **options)
        patient = _Patient(sock, answer.fp.detach(), self._deadline)
        answer.fp = io.BufferedReader(patient, _BUFFER)
        return answer

    def _new_conn(self) -> socket.socket:
        addresses = _look_up(self._dns_host, self.port, self._deadline)
        error: OSError = OSError("the name has no address")
        for tried, (family, kind, protocol, _, address) in enumerate(addresses):
            left = self._deadline - _monotonic()
            share = max(left / (len(addresses) - tried), 0.001)
            sock = socket.socket(family, kind, protocol)
            try:
                for option in self.socket_options or ():
                    sock.setsockopt(*option)
                sock.settimeout(share)
                sock.connect(address)
            except OSError as refused:
                sock.close()
                error = refused
            except BaseException:
                sock.close()
                raise
            else:
                sock.settimeout(max(self._deadline - _monotonic(), 0.001))
                return sock
        raise error


def _abandon(connection: Connection) -> None:
    """Let go of a parent's connection, in use or not, without a word to the other side.

    Nothing is closed but the child's own descriptor: closing more may wait for a thread
    that reads, and say goodbye for the parent.
    """
    held: Any = connection.sock
    sock = getattr(held, "socket", held)
    if sock is not None and sock.fileno() >= 0:
        socket.close(sock.detach())


class SecureConnection(Connection, _Secure):  # pyright: ignore[reportIncompatibleVariableOverride]
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    @property
    def ConnectionCls(self) -> Any:  # type: ignore[override]  # noqa: N802 - urllib3's name
        """Our connection, unless a recorder has put its own in urllib3's place."""
        kind = HTTPConnectionPool.ConnectionCls
        return Connection if kind is _Plain else kind

    def _get_conn(self, timeout: float | None = None) -> Any:
        return _current(self, super()._get_conn, timeout)


class _SecurePool(HTTPSConnectionPool):
    @property
    def ConnectionCls(self) -> Any:  # type: ignore[override]  # noqa: N802 - urllib3's name
        """Our connection, unless a recorder has put its own in urllib3's place."""
        kind = HTTPSConnectionPool.ConnectionCls
        return SecureConnection if kind is _Secure else kind

    def _get_conn(self, timeout: float | None = None) -> Any:
        return _current(self, super()._get_conn, timeout)


def _current(
    pool: HTTPConnectionPool, take: Callable[..., Any], timeout: float | None
) -> Any:
    # An idle connection may be from before a recording, or be a recorder's own.
    while type(connection := take(timeout)) is not pool.ConnectionCls:
        connection.close()
    if not isinstance(connection, Connection):
        _ask()
    return connection


def _ask() -> None:
    check: Callable[[], None] | None = getattr(_leaving, "check", None)
    if check is not None:
        check()


class _Answer(HTTPResponse):
    """An answer that passes over early hints; the base takes them for the answer."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # typeshed omits it
            if not _EARLIEST < status < _FINAL:
                return version, status, reason
            parse_headers(self.fp)


class _Patient(io.RawIOBase):
    """Reads from a socket until a deadline, however the bytes drip."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, deadline: float) -> None:
        self._sock = sock
        self._raw = raw
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - _monotonic()
        if left <= 0:
            message = "timed out"
            raise TimeoutError(message)
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _look_up(host: str, port: int, deadline: float) -> list[Any]:
    if is_address(host):
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    found: list[Any] = []
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            failed.append(error)

    # The system's resolver has no deadline of its own and cannot be interrupted.
    asking = threading.Thread(target=ask, name="look-up", daemon=True)
    asking.start()
    asking.join(max(deadline - _monotonic(), 0))
    if failed:
        raise failed[0]
    if not found:
        message = "the name was not resolved in time"
        raise TimeoutError(message)
    return found


def _read(answer: BaseHTTPResponse) -> bytes:
    declared = answer.headers.get("content-length", "")
    check_size(int(declared) if declared.isdigit() else 0)
    chunks = []
    size = 0
    while chunk := answer.read(ANSWER_LIMIT + 1, decode_content=False):
        chunks.append(chunk)
        size += len(chunk)
        check_size(size)
        if answer.length_remaining == 0:
            break
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
