"""What is given wrongly to a run is refused in words, in both flavours, before it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import pytest

from unified_exchanges import (
    BadRequest,
    Strategy,
    async_exchange,
    async_run,
    exchange,
    run,
)
from unified_exchanges.backtesting import backtest
from unified_exchanges.strategies import async_contract_of, contract_of


class Named(Strategy):
    """Names a market; no venue is there that could be asked for it."""

    markets = ("M",)


NOT: list[tuple[dict[str, Any], str]] = [
    *(({"seconds": x}, "^seconds=.*: give how long") for x in ("x", -1, True)),
    ({"seconds": float("nan")}, "^seconds=nan: give how long"),
    *(({"stop": x}, "^stop=.*: give an Event") for x in (5, "x")),
    *(({"progress": x}, "^progress=.*: give a function") for x in (5, "x")),
    *(({"keep": x}, "^keep=.*: give how many") for x in (-1, "x", 1.5, None, True)),
]


@pytest.mark.parametrize(("terms", "message"), NOT)
def test_terms_of_a_run_are_refused(terms: dict[str, Any], message: str) -> None:
    with (
        exchange("kalshi", environment="local") as ex,
        pytest.raises(BadRequest, match=message),
    ):
        run(Named(), ex, **terms)

    async def of_async() -> None:
        async with async_exchange("kalshi", environment="local") as ex:
            with pytest.raises(BadRequest, match=message):
                await async_run(Named(), ex, **terms)

    asyncio.run(of_async())


@pytest.mark.parametrize("given", [None, 5, Named])
def test_what_is_no_strategy_is_not_run(given: Any) -> None:
    with (
        exchange("kalshi", environment="local") as ex,
        pytest.raises(BadRequest, match=r"^strategy=.*: give "),
    ):
        run(given, ex)
    with pytest.raises(BadRequest, match=r"^strategy=.*: give "):
        asyncio.run(async_run(given))


class Asynchronous(Named):
    async def on_book(self, desk: Any, book: Any) -> None:
        raise AssertionError


class Yielding(Named):
    def on_timer(self, desk: Any, name: Any) -> Any:
        yield name


class Misspelt(Named):
    def on_boook(self, desk: Any, book: Any) -> None:
        raise AssertionError


class Invented(Named):
    @staticmethod
    def on_liquidation() -> None:
        raise AssertionError


class Short(Named):
    def on_book(self, book: Any) -> None:  # type: ignore[override]
        raise AssertionError


class Long(Named):
    def on_timer(self, desk: Any, name: Any, more: Any) -> None:  # type: ignore[override]
        raise AssertionError


class Keyed(Named):
    @staticmethod
    def on_start(*, desk: Any) -> None:  # type: ignore[override]
        raise AssertionError


class NoMethod(Named):
    on_stop = None  # type: ignore[assignment]


class Trader(Named):
    """Forgets to ask for trades."""

    def on_trade(self, desk: Any, trade: Any) -> None:
        raise AssertionError


class Tuned(Trader):
    size = 5


class Bookless(Named):
    """Thinks that books come anyhow."""

    subjects = ("trades",)

    def on_book(self, desk: Any, book: Any) -> None:
        raise AssertionError


class Unchanging(Named):
    subjects = ()

    def on_status(self, desk: Any, change: Any) -> None:
        raise AssertionError


DEAF: list[tuple[type[Strategy], str]] = [
    (Asynchronous, "^on_book of a strategy is a plain function: write it with `def`"),
    (Yielding, "^on_timer of a strategy is a plain function.*without `yield`"),
    (Misspelt, r"^a Strategy has no on_boook.*: did you mean on_book\?"),
    (Invented, r"^a Strategy has no on_liquidation.*there are on_start, on_book, "),
    (
        Short,
        (
            r"^on_book of a strategy is called as on_book\(desk, book\), and this one .*book: "
            r".*: too many positional .*; write it as `def on_book\(self, desk, book\)`"
        ),
    ),
    (Long, r"^on_timer .* this one takes .*: missing a required .*'more'; write it as"),
    (
        Keyed,
        r"^on_start .* is called as on_start\(desk\), and this one takes \(\*, desk",
    ),
    (NoMethod, r"^on_stop of a strategy is a method, and not None: write it as `def "),
    (
        Trader,
        (
            r"^on_trade of Trader is never called, as its subjects are order_book: add "
            r'"trades" to them, or leave on_trade away; '
        ),
    ),
    (Tuned, r"^on_trade of Tuned is never called, as its subjects are order_book: "),
    (Bookless, r'^on_book of Bookless .* subjects are trades: add "order_book" to'),
    (Unchanging, r'^on_status of .* its subjects are none: add "market_status" to'),
]


@pytest.mark.parametrize(("kind", "message"), DEAF)
def test_a_strategy_of_which_a_method_would_do_nothing_is_not_run(
    kind: type[Strategy], message: str
) -> None:
    with pytest.raises(BadRequest, match=message):
        backtest(kind(), [], contracts=[])
    with (
        exchange("kalshi", environment="local") as ex,
        pytest.raises(BadRequest, match=message),
    ):
        run(kind(), ex)

    async def of_async() -> None:
        async with async_exchange("kalshi", environment="local") as ex:
            with pytest.raises(BadRequest, match=message):
                await async_run(kind(), ex)

    asyncio.run(of_async())


def test_what_is_called_on_something_and_is_no_method_is_let_be() -> None:
    class Switched(Named):
        on_demand = True

        @property
        def on_time(self) -> bool:
            raise AssertionError

    with pytest.raises(BadRequest, match="no contract was given for 'M'"):
        backtest(Switched(), [], contracts=[])


def counted(method: Callable[..., None]) -> Callable[..., None]:
    @wraps(method)
    def wrapper(self: Any, *given: Any, **more: Any) -> None:
        method(self, len(given), *given, **more)

    return wrapper


def noted(seen: list[Any], desk: Any, item: Any) -> None:
    seen.append(item)


class Sensible(Named):
    """However it is written, it can be called."""

    def __init__(self) -> None:
        self.on_order = partial(noted, [])  # type: ignore[method-assign]
        self.on_gap = print  # type: ignore[method-assign]

    @counted
    def on_book(self, count: int, desk: Any, book: Any) -> None:
        raise AssertionError

    @staticmethod
    def on_timer(desk: Any, name: Any) -> None:  # type: ignore[override]
        raise AssertionError

    @classmethod
    def on_fill(cls, *given: Any) -> None:  # type: ignore[override]
        raise AssertionError

    def on_start(self, it: Any, /, more: int = 5) -> None:
        raise AssertionError


class Logged(Strategy):
    """A base of all kinds of strategies: it has every method, and names no subjects."""

    def on_trade(self, desk: Any, trade: Any) -> None:
        raise AssertionError

    def on_status(self, desk: Any, change: Any) -> None:
        raise AssertionError


class OfBooks(Logged, Named):
    def on_book(self, desk: Any, book: Any) -> None:
        raise AssertionError


class Meant(Trader):
    subjects = ("order_book",)


def test_a_strategy_that_can_be_called_is_let_be() -> None:
    set_so = Trader()
    set_so.subjects = ["order_book"]
    asked = Trader()
    asked.subjects = ["order_book", "trades"]
    for strategy in (Sensible(), OfBooks(), Meant(), Strategy(), set_so, asked):
        strategy.markets = ["M"]
        with pytest.raises(BadRequest, match="no contract was given for 'M'"):
            backtest(strategy, [], contracts=[])


@pytest.mark.parametrize("given", [None, 5, "kalshi"])
def test_what_is_no_exchange_is_not_run_on(given: Any) -> None:
    with pytest.raises(BadRequest, match=r"^exchange=.*: give an Exchange, such as"):
        run(Named(), given)
    with pytest.raises(BadRequest, match=r"^exchange=.*: give an Exchange, such as"):
        contract_of(given, "M")
    message = r"^exchange=.*: give an AsyncExchange, such as"
    with pytest.raises(BadRequest, match=message):
        asyncio.run(async_run(Named(), given))
    with pytest.raises(BadRequest, match=message):
        asyncio.run(async_contract_of(given, "M"))


def test_an_exchange_of_the_other_flavour_names_the_other_functions() -> None:
    given: Any
    with (
        exchange("kalshi", environment="local") as given,
        pytest.raises(BadRequest, match="or take the blocking function"),
    ):
        asyncio.run(async_run(Named(), given))

    async def of_async() -> None:
        async with async_exchange("kalshi", environment="local") as other:
            given: Any = other
            with pytest.raises(BadRequest, match="or take the async function"):
                run(Named(), given)

    asyncio.run(of_async())
