"""A process that forks mortals: each places one order and dies at a chosen instruction.

It reads a command a line and answers each with a line.  What it forks is warm: the
library is loaded, no socket and no thread is open yet.  ``python -m tests.crash.mortal``.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from unified_exchanges import LimitPolicy, RetryPolicy, async_exchange, exchange
from unified_exchanges.drivers import aio, blocking
from unified_exchanges.errors import UnifiedExchangesError
from unified_exchanges.flow import Request
from unified_exchanges.journal import sqlite
from unified_exchanges.models import IntentState
from unified_exchanges.transports.aio import AioTransport
from unified_exchanges.transports.blocking import BlockingTransport

LIMITS = LimitPolicy(enabled=False, discover=False)
PENDING = IntentState.PENDING
LOADED = (aio, blocking, AioTransport, BlockingTransport)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def half_sent(request: Request) -> None:
    """Put the first half of a request on the wire."""
    parts = urlsplit(request.url)
    body = request.body or b""
    lines = [f"{request.method} {parts.path} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    with socket.create_connection((parts.hostname, parts.port)) as wire:
        wire.sendall(head + body[: len(body) // 2])


class FatalJournal:
    """A journal around which one dies."""

    def __init__(self, inner: sqlite.SqliteJournal, step: str) -> None:
        self._inner = inner
        self._step = step
        self.is_blocking = inner.is_blocking

    def note(self, entries: Any) -> Any:
        begins = entries[0].state is PENDING
        before, within, after = (
            ("unwritten", "writing", "written")
            if begins
            else ("unconcluded", "concluding", "concluded")
        )
        if self._step == before:
            die()
        if self._step == within:
            sqlite._STATEMENTS[entries[0].state] = "SELECT 1 WHERE :state = mortal()"
            connection = self._inner._opened()
            connection.create_function("mortal", 0, die)
        known = self._inner.note(entries)
        if self._step == after:
            die()
        return known

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def before_sending(step: str, request: Request) -> None:
    if request.method == "POST" and step in {"unsent", "half sent"}:
        if step == "half sent":
            half_sent(request)
        die()


def after_sending(step: str, request: Request) -> None:
    if request.method == "POST" and step == "received":
        die()


class FatalTransport(BlockingTransport):
    step = ""

    def send(self, request: Request) -> Any:
        before_sending(self.step, request)
        answer = super().send(request)
        after_sending(self.step, request)
        return answer


class FatalAioTransport(AioTransport):
    step = ""

    async def send(self, request: Request) -> Any:
        before_sending(self.step, request)
        answer = await super().send(request)
        after_sending(self.step, request)
        return answer


def settings(order: dict[str, Any]) -> dict[str, Any]:
    return {
        "api_key": order["api_key"],
        "private_key": order["private_key"],
        "environment": order["url"],
        "limits": LIMITS,
        "retry": RetryPolicy(**order["retry"]),
        "journal": order["journal"],
    }


def key_of(order: dict[str, Any]) -> str:
    """An id by which the venue knows whom to kill, and when."""
    return f"{order['step']}.{os.getpid()}.{order['number']}"


def terms(order: dict[str, Any], key: str) -> dict[str, Any]:
    return {
        "market_id": order["market"],
        "outcome": "yes",
        "side": "buy",
        "price": "0.01",
        "size": 1,
        "client_order_id": key,
    }


def place(order: dict[str, Any], tell: Callable[[str], None]) -> None:
    """Place the order; the end is death, or a return if the step was not met."""
    step = order["step"]
    if order["flavour"] == "async":
        asyncio.run(place_async(order, tell))
        return
    FatalTransport.step = step if not order.get("first") else ""
    with exchange("kalshi", transport=FatalTransport(), **settings(order)) as ex:
        if order.get("first"):
            ex.create_order(**terms(order, f"first.{os.getpid()}.{order['number']}"))
            FatalTransport.step = step
            order["gate"].wait()
        ex._driver._journal = FatalJournal(ex._driver._journal, step)
        tell(key_of(order))
        ex.create_order(**terms(order, key_of(order)))


async def place_async(order: dict[str, Any], tell: Callable[[str], None]) -> None:
    step = order["step"]
    FatalAioTransport.step = step
    transport = FatalAioTransport()
    async with async_exchange("kalshi", transport=transport, **settings(order)) as ex:
        ex._driver._journal = FatalJournal(ex._driver._journal, step)
        tell(key_of(order))
        await ex.create_order(**terms(order, key_of(order)))


def restarts(orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a new process finds out, of one journal after the other."""
    return [restart(order) for order in orders]


def restart(order: dict[str, Any]) -> dict[str, Any]:
    """What is found out: by itself at the first order, or asked to."""
    if order["flavour"] == "async":
        return asyncio.run(restart_async(order))
    with exchange("kalshi", **settings(order)) as ex:
        if order["by_itself"]:
            placed = ex.create_order(**terms(order, key_of(order)))
            return {"new": placed.client_order_id, "left": ids(ex.unresolved_intents())}
        return told(ex.reconcile(), ex.unresolved_intents())


async def restart_async(order: dict[str, Any]) -> dict[str, Any]:
    async with async_exchange("kalshi", **settings(order)) as ex:
        if order["by_itself"]:
            placed = await ex.create_order(**terms(order, key_of(order)))
            left = await ex.unresolved_intents()
            return {"new": placed.client_order_id, "left": ids(left)}
        return told(await ex.reconcile(), await ex.unresolved_intents())


def told(report: Any, left: Any) -> dict[str, Any]:
    return {
        "found": ids(report.found),
        "absent": ids(report.absent),
        "unknown": [f"{x.client_order_id}: {x.detail}" for x in report.unknown],
        "left": ids(left),
    }


def ids(intents: Any) -> list[str]:
    return [x.client_order_id for x in intents]


def forked(act: Callable[[Callable[[str], None]], Any]) -> Callable[[], Any]:
    """Begin in a child; gives what waits for its end, with what it told."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        code = 0
        try:
            found = act(lambda text: tell(write, {"key": text}))
            tell(write, {"result": found})
        except UnifiedExchangesError as error:
            tell(write, {"error": str(error)})
        except BaseException as error:  # noqa: BLE001 - told to who started it
            tell(write, {"error": repr(error)})
            code = 1
        finally:
            os._exit(code)
    os.close(write)

    def wait() -> Any:
        heard: dict[str, Any] = {"pid": child}
        with os.fdopen(read) as pipe:
            for line in pipe:
                heard |= json.loads(line)
        _, status = os.waitpid(child, 0)
        return heard | {"killed": _is_killed(status)}

    return wait


def _is_killed(status: int) -> bool:
    """Whether a process was killed, rather than that it ended by itself."""
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def tell(pipe: int, what: dict[str, Any]) -> None:
    os.write(pipe, json.dumps(what).encode() + b"\n")


def hunted(order: dict[str, Any]) -> Any:
    """A child that is killed from outside, some time after it has begun.

    It tells when it has placed its order: a kill after that was no kill within a create.
    """
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        try:
            place(order, lambda text: tell(write, {"key": text}))
            tell(write, {"is_late": True})
            signal.pause()
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        heard = json.loads(pipe.readline())
        time.sleep(order["after"])
        os.kill(child, signal.SIGKILL)
        for line in pipe:
            heard |= json.loads(line)
    _, status = os.waitpid(child, 0)
    return heard | {"killed": _is_killed(status)}


class Gate:
    """Where children of one process wait until the last has come."""

    def __init__(self) -> None:
        self._come, self._arrive = os.pipe()
        self._go, self._hold = os.pipe()

    def wait(self) -> None:
        """Wait in a child."""
        os.close(self._hold)
        os.write(self._arrive, b".")
        os.read(self._go, 1)

    def has_come(self) -> None:
        """Wait in the parent until one more child waits."""
        os.read(self._come, 1)

    def open(self) -> None:
        """Let all go on."""
        for end in (self._hold, self._go, self._come, self._arrive):
            os.close(end)


def herded(orders: list[dict[str, Any]]) -> list[Any]:
    """Children on one file: each has placed an order before the first of them dies."""
    gate = Gate()
    waits = []
    for order in orders:
        order["gate"] = gate
        waits.append(forked(lambda tell, order=order: place(order, tell)))
        gate.has_come()
    gate.open()
    return [wait() for wait in waits]


def perform(command: dict[str, Any]) -> Any:
    orders = command.get("herd")
    if orders is not None:
        return herded(orders)
    if "restarts" in command:
        return forked(lambda _: restarts(command["restarts"]))()
    if "after" in command:
        return hunted(command)
    return forked(lambda tell: place(command, tell))()


def warm() -> None:
    """Load what an exchange loads when it is made; nothing is opened."""
    exchange("kalshi", environment="demo").close()

    async def made() -> None:
        await async_exchange("kalshi", environment="demo").aclose()

    asyncio.run(made())


def main() -> None:
    """Answer each line until there is no more."""
    warm()
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(perform(json.loads(line)))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
