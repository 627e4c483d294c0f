"""A keep-alive HTTP server with canned answers, in a process of its own.

``python canned.py PAGES MILLISECONDS`` prints its port, then answers every POST with an
order's receipt at once, and ``GET …/markets?cursor=cN`` with page N after the delay.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import payloads

RECEIPT = (
    b'{"order_id":"ee0a4015-29fa-4f6f-8a0e-0d5c2e8b1d10","fill_count":"0.00",'
    b'"remaining_count":"10.00","ts_ms":1795207441123}'
)


def answer(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


class Canned(asyncio.Protocol):
    """Answers without parsing more than it must."""

    def __init__(self, pages: list[bytes], delay: float) -> None:
        self._pages = pages
        self._delay = delay
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            self._respond(head)

    def _respond(self, head: bytes) -> None:
        if head.startswith(b"POST"):
            self._transport.write(answer(RECEIPT, "201 Created"))
            return
        cursor = re.search(rb"cursor=c(\d+)", head)
        page = self._pages[int(cursor[1]) if cursor else 0]
        if self._delay:
            loop = asyncio.get_running_loop()
            loop.call_later(self._delay, self._transport.write, page)
        else:
            self._transport.write(page)


async def serve(pages: int, delay: float) -> None:
    last = pages - 1
    bodies = [
        answer(
            payloads.markets_page(1000, cursor="" if n == last else f"c{n + 1}", seed=n)
        )
        for n in range(pages)
    ]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Canned(bodies, delay), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def canned(pages: int = 1, milliseconds: int = 0) -> Iterator[str]:
    """Run the server in another process; gives its base URL."""
    command = [sys.executable, Path(__file__).name, str(pages), str(milliseconds)]
    here = Path(__file__).parent
    with subprocess.Popen(
        command, cwd=here, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        try:
            yield f"http://127.0.0.1:{port}/trade-api/v2"
        finally:
            child.terminate()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]) / 1000))
