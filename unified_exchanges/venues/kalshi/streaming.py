"""Where Kalshi's stream is, and how a connection to it is signed."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from ...errors import AuthenticationError
from ...streams.protocol import StreamProtocol
from .connection import KalshiConnection

__all__ = ["Streaming"]

_PATH = "/trade-api/ws/v2"


class Streaming(KalshiConnection):
    """The venue's door to its stream."""

    def stream(self) -> StreamProtocol:
        """A new conversation with the venue's stream, not connected yet."""
        from .stream import KalshiStream  # noqa: PLC0415 - only programs that stream

        return KalshiStream(
            clock=self.clock,
            policy=self.settings.stream,
            subaccount=self.subaccount,
        )

    @property
    def stream_url(self) -> str:
        """Where the stream is; beside the REST of an environment given by its URL."""
        environment = self.environment
        if environment.stream is not None:
            return environment.stream
        for known in self.facts.environments.values():
            if known.rest == environment.rest and known.stream is not None:
                return known.stream
        parts = urlsplit(environment.rest)
        scheme = "wss" if parts.scheme == "https" else "ws"
        return f"{scheme}://{parts.netloc}{_PATH}"

    def stream_headers(self) -> Mapping[str, str]:
        """Headers of one attempt to connect, signed now."""
        if self._credentials is None:
            message = (
                "the stream needs a key, also for public data: pass api_key= and "
                "private_key= (PEM text or path), or set KALSHI_API_KEY and "
                "KALSHI_PRIVATE_KEY_PATH"
            )
            raise AuthenticationError(message, venue=self.id)
        moment = int((self.clock.now() + self.offset.seconds) * 1000)
        path = urlsplit(self.stream_url).path
        return self._credentials.headers(moment, "GET", path)
