"""An exchange whose file cannot be written ends all the same, and says what was not kept."""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import unified_exchanges as ux
from unified_exchanges.errors import JournalError, UnifiedExchangesError

from ..flavours import FLAVOURS
from .test_unwritten import FULL, refuse


class Life:
    """An exchange over a simulated source: a server, streams, threads and a file."""

    def __init__(self, flavour: str, path: Path) -> None:
        self.loop = asyncio.new_event_loop()
        make: Any = ux.exchange if flavour == "blocking" else ux.async_exchange
        self.exchange: Any = self.do(
            lambda: make("paper", source="simulated", path=path)
        )
        market = next(x for x in self("fetch_markets", limit=50) if x.bid and x.ask)
        self.terms = market.market_id, "yes", "buy", market.grid.lowest, 10
        self("create_order", *self.terms)
        self.closing = "close" if flavour == "blocking" else "aclose"

    def do(self, act: Callable[[], Any]) -> Any:
        async def run() -> Any:
            found = act()
            return await found if inspect.isawaitable(found) else found

        return self.loop.run_until_complete(run())

    def __call__(self, name: str, *args: Any, **fields: Any) -> Any:
        return self.do(lambda: getattr(self.exchange, name)(*args, **fields))

    def close(self) -> None:
        self(self.closing)

    def leave(self, error: Exception | None) -> Any:
        """End a ``with`` block, in which this has gone wrong."""
        name = "__exit__" if self.closing == "close" else "__aexit__"
        return self(name, error and type(error), error, None)


@pytest.fixture(params=FLAVOURS)
def life(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Life]:
    folder = tmp_path / "kept"
    folder.mkdir()
    threads, files = set(threading.enumerate()), _sockets()
    made = Life(request.param, folder / "paper.db")
    yield made
    made.loop.run_until_complete(made.loop.shutdown_default_executor())
    made.loop.close()
    for thread in set(threading.enumerate()) - threads:
        # One that was told to end may need a moment for it.
        thread.join(10)
        assert not thread.is_alive(), thread.name
    assert _sockets() <= files


def _sockets() -> set[str]:
    """What is open: sockets, and files of SQLite."""
    found = set()
    for name in Path("/proc/self/fd").iterdir():
        # That of the folder itself is gone by now.
        with suppress(OSError):
            found.add(str(name.readlink()))
    return {x for x in found if x.startswith("socket:") or "paper.db" in x}


def _full(life: Life) -> str:
    refuse(life.exchange, "account")
    return FULL


def _removed(life: Life) -> str:
    shutil.rmtree(life.exchange.venue.terms.file.path.parent)
    return "it was removed while it was in use"


def _replaced(life: Life) -> str:
    path = life.exchange.venue.terms.file.path
    path.rename(path.with_suffix(".old"))
    path.write_bytes(b"")
    return "it was replaced by another"


BROKEN = [_full, _removed, _replaced]


def broken(life: Life, how: Callable[[Life], str]) -> str:
    """An order that was sent is left to be written, and cannot be: gives why."""
    why = how(life)
    with pytest.raises(UnifiedExchangesError, match=re.escape(why)):
        life("create_order", *life.terms)
    return why


@pytest.mark.parametrize("how", BROKEN)
def test_it_ends_all_the_same_and_names_the_file_and_what_to_do(
    life: Life, how: Callable[[Life], str]
) -> None:
    why = broken(life, how)
    with pytest.raises(JournalError) as caught:
        life.close()
    told = caught.value.message
    assert told.startswith(
        "the exchange on paper is closed, but the last of it is not kept"
    )
    assert str(life.exchange.venue.terms.file.path) in told
    assert why in told
    assert told.endswith("See to the file before you go on with path=")
    # The second time nothing is left to be done.
    life.close()


@pytest.mark.parametrize("how", BROKEN)
def test_an_error_of_the_program_is_not_hidden_by_it(
    life: Life, how: Callable[[Life], str], caplog: pytest.LogCaptureFixture
) -> None:
    broken(life, how)
    own = ZeroDivisionError("of the program")
    with caplog.at_level(logging.ERROR, "unified_exchanges"):
        assert not life.leave(own)
    assert "the last of it is not kept" in caplog.text


def test_without_an_error_the_end_of_a_block_tells(life: Life) -> None:
    broken(life, _removed)
    with pytest.raises(JournalError, match="the last of it is not kept"):
        life.leave(None)


@pytest.mark.parametrize("part", ["besides", "monitor"])
def test_what_else_cannot_be_closed_keeps_nothing_open(life: Life, part: str) -> None:
    venue = life.exchange.venue

    def fail() -> None:
        raise OSError("something else")

    if part == "besides":
        life.exchange.besides.callback(fail)
    else:
        venue.source.monitor.close = fail
    with pytest.raises(OSError, match="something else"):
        life.close()
    assert venue.terms.file.is_closed
