"""The WebSocket classes of one venue are not replayed, and say what is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import unified_exchanges as ux
from unified_exchanges.recording import Recorder
from unified_exchanges.venues.kalshi import AsyncKalshiWebSocket, KalshiWebSocket
from unified_exchanges.venues.kalshi.simulated import simulated
from unified_exchanges.venues.polymarket import (
    AsyncPolymarketWebSocket,
    PolymarketWebSocket,
)

SOCKETS = (
    KalshiWebSocket,
    AsyncKalshiWebSocket,
    PolymarketWebSocket,
    AsyncPolymarketWebSocket,
)


@pytest.mark.parametrize("environment", ["replay", "session.jsonl", "day.jsonl.gz"])
@pytest.mark.parametrize("kind", SOCKETS)
def test_a_socket_of_a_recording_is_not_supported_and_what_is_gets_named(
    kind: Callable[..., object], environment: str
) -> None:
    with pytest.raises(ux.NotSupported, match="watch_") as refused:
        kind(environment=environment)
    assert 'exchange("replay", path=…)' in str(refused.value)
    assert "recording.read" in str(refused.value)


@pytest.mark.parametrize("make", [ux.exchange, ux.async_exchange])
@pytest.mark.parametrize("venue", ux.exchanges)
def test_a_recording_is_no_environment_of_an_exchange(
    make: Callable[..., object], venue: str
) -> None:
    with pytest.raises(ux.NotSupported, match=r'exchange\("replay", path=…\)'):
        make(venue, environment="session.jsonl")


@pytest.mark.parametrize("name", ["demon", "jsonl", "replayed"])
def test_another_wrong_environment_is_not_taken_for_a_recording(name: str) -> None:
    with pytest.raises(ux.BadRequest) as refused:
        ux.exchange("kalshi", environment=name)
    assert type(refused.value) is ux.BadRequest


@pytest.mark.parametrize("kind", SOCKETS)
def test_a_socket_is_not_recorded(kind: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"

    def refused(socket: Any) -> None:
        with pytest.raises(ux.NotSupported, match=f"a {kind.__name__} is not recorded"):
            Recorder(socket, path)

    async def in_a_loop() -> None:
        socket = kind(environment="local", **account)
        refused(socket)
        await socket.aclose()

    account: dict[str, Any] = {}
    if "Kalshi" in kind.__name__:
        box = simulated(key_type="ed25519")
        account = {"api_key": box.api_key, "private_key": box.private_key}
    if kind.__name__.startswith("Async"):
        asyncio.run(in_a_loop())
    else:
        with_it = kind(environment="local", **account)
        refused(with_it)
        with_it.close()
    assert not path.exists()
