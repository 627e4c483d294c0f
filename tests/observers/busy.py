"""A little of everything that is measured, on a real socket, in either flavour."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import pytest

import unified_exchanges as ux
from tests.watching.face import MARKET, Scene, soon
from unified_exchanges.observer import Observer

__all__ = ["DRIVERS", "Trading", "busy"]

DRIVERS = ("blocking", "websockets")


@attrs.frozen
class Trading:
    """What came of it.

    ``words`` may stand in no label: keys, ids, addresses.  A server that goes away may
    take a connection once more, so that there may be more than one reconnection.
    """

    words: tuple[str, ...]
    health: ux.Health
    reconnections: int


@contextmanager
def busy(driver: str, observer: Observer) -> Iterator[Trading]:
    """An exchange that traded, followed a book and was cut off; open until the end."""
    with Scene() as scene:
        # A handshake with the server that is going away must not take long.
        face = scene.face(driver, observer=observer, timeout=2.0)
        face.exchange.venue.monitor.unresolved = lambda: 2
        order = face.call("create_order", MARKET, "yes", "buy", "0.01", 1)
        with pytest.raises(ux.UnifiedExchangesError):
            face.call("fetch_market", "KXNOPE-1")
        watch = face.watch("order_book", MARKET)
        watch.next()
        scene.bid("3")
        watch.next()
        scene.go_down()
        scene.come_up()
        assert soon(lambda: face.exchange.stream_health().connections > 1, 20.0)
        watch.next(20.0)
        sent = _signatures(face.exchange)
        account = scene.account
        words = (
            account["api_key"],
            *account["private_key"].splitlines()[1:-1],
            *sent,
            account["environment"],
            "127.0.0.1",
            MARKET,
            "KXNOPE-1",
            order.order_id,
            order.client_order_id,
        )
        assert soon(lambda: face.exchange.stream_health().stale_ms == 0)
        again = face.exchange.stream_health().connections - 1
        yield Trading(words, face.exchange.health(), again)


def _signatures(exchange: Any) -> list[str]:
    headers = exchange.venue.stream_headers()
    return [value for name, value in headers.items() if "signature" in name.lower()]
