"""How a WebSocket is reached, and what is said when it is not, for every library.

The libraries' loggers and exceptions show the headers of the handshake, and with them
keys and signatures: so they get a logger that is deaf to DEBUG, and none of their
exceptions is chained.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from ..errors import BadRequest, ConnectionLost, NetworkError
from ..flow import Request
from ..streams.session import UpgradeRefused
from .failure import explain, invalid, is_plain
from .network import proxy_for, trust

__all__ = [
    "GOODBYE",
    "LONGEST_REFUSAL",
    "MESSAGE_LIMIT",
    "USER_AGENT",
    "Handshake",
    "broken_by",
    "quiet_logger",
]

USER_AGENT = "unified-exchanges"
GOODBYE = 1.0
"""Seconds that the other side has to answer our goodbye."""
MESSAGE_LIMIT = 64 * 1024 * 1024
"""Bytes of one message above which the connection is given up."""
LONGEST_REFUSAL = 4096
"""Bytes of a refusal's body that are kept."""
_SHORTEST_SECRET = 6
_LONGEST_REASON = 200


def broken_by(client: object) -> object:
    """What broke a connection of the library's; None if nothing did.

    It is called ``recv_exc`` up to websockets 16, and ``connection_exc`` from 17.
    """
    newer = getattr(client, "connection_exc", None)
    return getattr(client, "recv_exc", None) if newer is None else newer


def quiet_logger() -> logging.Logger:
    """A logger for a library: its warnings are heard, its DEBUG cannot be switched on."""
    # Not by name: a program that wants all DEBUG would get the headers as well.
    logger = logging.Logger(  # noqa: LOG001
        "unified_exchanges.transports", logging.WARNING
    )
    logger.parent = logging.getLogger("unified_exchanges.transports")
    return logger


class Handshake:
    """One attempt to open a WebSocket: checked arguments, the route, and its failures."""

    def __init__(self, url: str, headers: Mapping[str, str], timeout: float) -> None:
        scheme, _, rest = url.partition("://")
        web = {"ws": "http", "wss": "https"}.get(scheme, "")
        self.url = url
        self.headers = headers
        self.timeout = timeout
        self._request = Request(
            "GET", f"{web}://{rest}", headers=headers, timeout=timeout
        )
        parts = urlsplit(url)
        self.is_secure = web == "https"
        self._asked = f"the stream {parts.path or '/'} of {parts.netloc}"
        if refusal := invalid(self._request):
            raise refusal
        if not is_plain(self._request):
            message = f"{self._asked}: not asked for, as a header is not plain ASCII"
            raise BadRequest(message)
        self.proxy = proxy_for(web, parts.hostname or "", parts.port)
        if self.proxy is not None and not self.proxy.startswith("http"):
            # A proxy's URL may hold a password, so it is not shown.
            message = f"the proxy that the environment names for {web} is not an HTTP"
            raise BadRequest(f"{message} proxy, and cannot be used by streams")

    @property
    def trust(self) -> ssl.SSLContext | None:
        """The TLS settings, None where there is no TLS."""
        return trust() if self.is_secure else None

    @property
    def proxy_trust(self) -> ssl.SSLContext | None:
        """The TLS settings towards the proxy."""
        secure = self.proxy is not None and self.proxy.startswith("https://")
        return trust() if secure else None

    def failed(self, error: BaseException) -> NetworkError:
        """The error of an attempt that did not lead to a connection."""
        late = isinstance(error, TimeoutError)
        return explain(self._request, error, sent=False, late=late)

    def refused(
        self, status: int, headers: Iterable[tuple[str, str]], body: bytes
    ) -> UpgradeRefused:
        """The answer that is no upgrade, without what we sent."""
        text = body[:LONGEST_REFUSAL].decode(errors="replace")
        lowered = {name.lower(): self._cleansed(value) for name, value in headers}
        return UpgradeRefused(status, lowered, self._cleansed(text))

    def lost(self, code: int | None, reason: object = "") -> ConnectionLost:
        """The error of a connection that ended; ``code`` is its close code."""
        text = self._cleansed(" ".join(str(reason).split()))[:_LONGEST_REASON]
        told = "without a goodbye" if code is None else f"with code {code}"
        message = f"{self._asked} ended {told}{text and f': {text}'}"
        return ConnectionLost(message, code=None if code is None else str(code))

    def _cleansed(self, text: str) -> str:
        for value in self.headers.values():
            if len(value) >= _SHORTEST_SECRET:
                text = text.replace(value, "…")
        return text
