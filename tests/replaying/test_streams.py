"""The streams of a recording are told again, in virtual time and without a socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import (
    BadRequest,
    NotRecorded,
    RequestTimeout,
    async_exchange,
    exchange,
)
from unified_exchanges.testing import socket_guard

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage
from .streaming import drained, recorded, replayed, trading, venues_own


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


@pytest.fixture(params=VENUES)
def at(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with stage(request.param) as made:
        yield made


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_was_told_live_is_told_again_to_the_last_digit_in_both_flavours(
    at: Stage, path: Path, flavour: str
) -> None:
    live = recorded(flavour, trading, at, path)
    for other in FLAVOURS:
        with socket_guard():
            first = replayed(other, trading, path)
            assert venues_own(first) == venues_own(live)
            assert venues_own(replayed(other, trading, path)) == venues_own(first)
