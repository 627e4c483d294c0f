"""The blocking WebSocket, on websockets.sync."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from threading import Event
from typing import Any, cast

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.frames import DATA_OPCODES, CloseCode, Frame
from websockets.protocol import OPEN
from websockets.sync.client import ClientConnection, connect

from ..errors import ConnectionLost
from . import Connection
from .handshake import (
    GOODBYE,
    MESSAGE_LIMIT,
    USER_AGENT,
    Handshake,
    broken_by,
    quiet_logger,
)
from .messages import Messages, NotText

__all__ = ["BlockingWebSocket", "connect_blocking"]


def connect_blocking(
    url: str,
    headers: Mapping[str, str],
    *,
    heard: Callable[[], None],
    timeout: float,
) -> Connection:
    """Open a WebSocket; see `Connect`."""
    return BlockingWebSocket(Handshake(url, headers, timeout), heard)


class _Client(ClientConnection):
    """Puts messages where one look finds all of them; runs in the library's thread."""

    def __init__(
        self, *arguments: Any, heard: Callable[[], None], shake: Handshake, **more: Any
    ) -> None:
        self.heard = heard
        self.shake = shake
        self.ready = Event()
        self.waiting: deque[bytes] = deque()
        self.failure: NotText | None = None
        self.is_over = False
        """Whether there will be no more, and all that came before waits."""
        self._messages = Messages(self.waiting.append)
        super().__init__(*arguments, **more)
        # The library says that it is over before it has told what came before.
        self._found = self.protocol.events_received
        self.protocol.events_received = self._events  # type: ignore[assignment, method-assign]

    def maybe_raise_legacy_warning(self) -> None:
        """Say nothing: this is no context manager, and is closed all the same."""

    def handshake(self, *arguments: Any, **more: Any) -> None:
        """Turn a refusal into ours here, before a redirect would be followed."""
        try:
            super().handshake(*arguments, **more)
        except InvalidStatus as error:
            answer = error.response
        else:
            return
        body = bytes(answer.body or b"")
        raise self.shake.refused(answer.status_code, answer.headers.raw_items(), body)

    def _events(self) -> Iterator[Any]:
        return self._told(self._found())

    def _told(self, events: list[Any]) -> Iterator[Any]:
        yield from events
        if self.protocol.state > OPEN:
            self._end()

    def _end(self) -> None:
        self.is_over = True
        self.ready.set()

    def process_event(self, event: Any) -> None:
        """Take one frame."""
        if self.response is None or not isinstance(event, Frame):
            super().process_event(event)
            return
        self.heard()
        if event.opcode in DATA_OPCODES and self.failure is None:
            try:
                self._messages.take(event)
            except NotText as failure:
                self.failure = failure
                with self.protocol_mutex:
                    self.protocol.fail(failure.code, failure.reason)
                    self.send_data()
        if not self.ready.is_set():
            self.ready.set()

    def recv_events(self) -> None:
        """Read until the end, and wake whoever waits for more."""
        try:
            super().recv_events()
        finally:
            self._end()


class BlockingWebSocket:
    """An open WebSocket; see `Connection`."""

    def __init__(self, shake: Handshake, heard: Callable[[], None]) -> None:
        self._shake = shake
        self._client = _open(shake, heard)

    def recv(self, timeout: float) -> list[bytes]:
        """All messages that have arrived, waiting for the first; none if woken or late."""
        client = self._client
        waiting = client.waiting
        # Looked at first: whatever is over by now has left its messages.
        is_over = client.is_over
        if not waiting:
            if is_over:
                raise self._lost()
            client.ready.wait(timeout)
        client.ready.clear()
        # What comes from here on sets the event again.
        return [waiting.popleft() for _ in range(len(waiting))]

    def wake(self) -> None:
        """Let a `recv` that waits return."""
        self._client.ready.set()

    def send(self, text: str) -> None:
        """Send a message."""
        try:
            self._client.send(text)
        except ConnectionClosed:
            pass
        else:
            return
        raise self._lost()

    def close(self) -> None:
        """Say goodbye (1000) and release the socket; closing twice is allowed."""
        client = self._client
        client.close(CloseCode.NORMAL_CLOSURE)
        client.close_socket()
        client.recv_events_thread.join(GOODBYE)

    def _lost(self) -> ConnectionLost:
        return ending(self._shake, self._client)


def ending(shake: Handshake, client: Any) -> ConnectionLost:
    """Say how a client of the library ended: by whom, with which code, and why."""
    protocol = client.protocol
    close = protocol.close_rcvd or protocol.close_sent
    if close is not None:
        return shake.lost(close.code, close.reason)
    return shake.lost(None, broken_by(client) or protocol.parser_exc or "")


def _open(shake: Handshake, heard: Callable[[], None]) -> _Client:
    make = partial(_Client, heard=heard, shake=shake)
    options: dict[str, Any] = {}
    if (proxy_trust := shake.proxy_trust) is not None:
        options["proxy_ssl"] = proxy_trust
    try:
        return cast(
            "_Client",
            connect(
                shake.url,
                additional_headers=shake.headers,
                user_agent_header=USER_AGENT,
                compression=None,
                proxy=shake.proxy,
                ssl=shake.trust,
                open_timeout=shake.timeout,
                ping_interval=None,
                close_timeout=GOODBYE,
                max_size=MESSAGE_LIMIT,
                logger=quiet_logger(),
                create_connection=cast("type[ClientConnection]", make),
                **options,
            ),
        )
    except (InvalidHandshake, ConnectionClosed, OSError, EOFError) as failure:
        # `ConnectionClosed` where it ended before the handshake had left.
        error = shake.failed(failure)
    raise error
