"""A WebSocket server that floods or paces ready-made frames, in a process of its own.

Plain sockets and hand-made frames, so that the server is never what is measured.
``python flood.py COUNT RATE`` prints its port.  To each client it answers the first
command as Kalshi answers a subscription to one order book, then sends a snapshot and
COUNT deltas: all at once, or RATE a second with the monotonic nanoseconds of sending in
``ts_ms``.  ``python flood.py FILE`` sends the frames of a file, one a line, at once, answers
the first command with nothing else, and a PING with a PONG.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["COMMAND", "MARKET", "flooding", "flooding_frames"]

MARKET = "KXBENCH-26NOV21-T1"
COMMAND = (
    '{"id":1,"cmd":"subscribe","params":{"channels":["orderbook_delta"],'
    f'"market_tickers":["{MARKET}"]}}}}'
)
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CHUNK = 1 << 18
_UUID = "9b0f6b43-5b68-4f9f-9f02-9a2d1b8ac1a1"


def frame(data: bytes, opcode: int = 1) -> bytes:
    size = len(data)
    if size < 126:
        return bytes((0x80 | opcode, size)) + data
    if size < 1 << 16:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big") + data
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + data


def snapshot() -> bytes:
    yes = ",".join(f'["0.{cent:02d}00","1000.00"]' for cent in range(1, 45))
    no = ",".join(f'["0.{cent:02d}00","1000.00"]' for cent in range(46, 99))
    return (
        f'{{"type":"orderbook_snapshot","sid":1,"seq":1,"msg":{{"market_ticker":"{MARKET}",'
        f'"market_id":"{_UUID}","yes_dollars_fp":[{yes}],"no_dollars_fp":[{no}]}}}}'
    ).encode()


def deltas(count: int) -> list[tuple[str, str, str]]:
    """Side, price and change of each; no level falls below 0."""
    rng = random.Random(7)
    levels: dict[tuple[str, int], int] = {}
    made = []
    for _ in range(count):
        side = rng.choice(("yes", "no"))
        cent = rng.randrange(25, 45) if side == "yes" else rng.randrange(46, 66)
        held = levels.get((side, cent), 1000)
        change = rng.randrange(-min(held, 300), 301) or 1
        levels[side, cent] = held + change
        made.append((side, f"0.{cent:02d}00", f"{change}.00"))
    return made


def delta(
    number: int, side: str, price: str, change: str, stamp: int = 1795262400123
) -> bytes:
    return (
        f'{{"type":"orderbook_delta","sid":1,"seq":{number + 2},"msg":{{'
        f'"market_ticker":"{MARKET}","market_id":"{_UUID}","price_dollars":"{price}",'
        f'"delta_fp":"{change}","side":"{side}","ts":"2026-11-21T12:00:00.123456Z",'
        f'"ts_ms":{stamp}}}}}'
    ).encode()


def _upgrade(sock: socket.socket) -> bool:
    head = b""
    while b"\r\n\r\n" not in head:
        chunk = sock.recv(4096)
        if not chunk:
            return False
        head += chunk
    lines = head.split(b"\r\n")
    key = next(x for x in lines if x.lower().startswith(b"sec-websocket-key:"))
    digest = hashlib.sha1(key.split(b":")[1].strip() + _GUID).digest()  # noqa: S324
    sock.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: "
        + base64.b64encode(digest)
        + b"\r\n\r\n"
    )
    return True


class Server:
    """Serves any number of clients, each in a thread."""

    def __init__(self, count: int, rate: float) -> None:
        self.made = deltas(count)
        self.rate = rate
        self.flood = b"".join(frame(delta(n, *d)) for n, d in enumerate(self.made))

    def serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError), sock:
            if not _upgrade(sock):
                return
            number = json.loads(_read(sock))["id"]
            answer = (
                f'{{"type":"subscribed","id":{number},"msg":{{'
                '"channel":"orderbook_delta","sid":1}}'
            )
            sock.sendall(frame(answer.encode()) + frame(snapshot()))
            time.sleep(0.1)
            if self.rate:
                self._pace(sock)
            else:
                for start in range(0, len(self.flood), _CHUNK):
                    sock.sendall(self.flood[start : start + _CHUNK])
            while sock.recv(4096):
                pass

    def _pace(self, sock: socket.socket) -> None:
        gap = 1e9 / self.rate
        start = time.monotonic_ns()
        for number, made in enumerate(self.made):
            due = start + number * gap
            # Waiting by looking: a sleep is late by more than what is measured.
            while (now := time.monotonic_ns()) < due:
                pass
            sock.sendall(frame(delta(number, *made, stamp=now)))


class Replay:
    """Sends ready-made frames to any number of clients, each in a thread."""

    def __init__(self, path: str) -> None:
        lines = Path(path).read_bytes().splitlines()
        self.flood = b"".join(frame(line) for line in lines)

    def serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError), sock:
            if not _upgrade(sock):
                return
            _read(sock)
            sock.sendall(frame(b"PONG"))
            time.sleep(0.1)
            for start in range(0, len(self.flood), _CHUNK):
                sock.sendall(self.flood[start : start + _CHUNK])
            while sock.recv(4096):
                pass


def _read(sock: socket.socket) -> bytes:
    """One short masked frame."""
    data = sock.recv(65536)
    size, start = data[1] & 127, 2
    if size == 126:
        size, start = int.from_bytes(data[2:4], "big"), 4
    mask, body = data[start : start + 4], data[start + 4 : start + 4 + size]
    return bytes(byte ^ mask[n & 3] for n, byte in enumerate(body))


def main(server: Server | Replay) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=16)
    print(listener.getsockname()[1], flush=True)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=server.serve, args=(sock,), daemon=True).start()


@contextmanager
def flooding(count: int, rate: float = 0) -> Iterator[str]:
    """Run the server in another process; gives its host and port."""
    with _running(str(count), str(rate)) as host:
        yield host


@contextmanager
def flooding_frames(frames: list[bytes]) -> Iterator[str]:
    """The same with ready-made frames, none of which has a line break in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames"
        path.write_bytes(b"\n".join(frames))
        with _running(str(path)) as host:
            yield host


@contextmanager
def _running(*arguments: str) -> Iterator[str]:
    command = [sys.executable, Path(__file__).name, *arguments]
    here = Path(__file__).parent
    with subprocess.Popen(
        command, cwd=here, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        try:
            yield f"127.0.0.1:{port}"
        finally:
            child.terminate()


if __name__ == "__main__":
    given = sys.argv[1:]
    main(
        Replay(given[0]) if len(given) == 1 else Server(int(given[0]), float(given[1]))
    )
