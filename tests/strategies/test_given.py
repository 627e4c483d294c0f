"""What is given wrongly to a run is refused in words, in both flavours, before it runs."""

from __future__ import annotations

import asyncio
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


DEAF: list[tuple[type[Strategy], str]] = [
    (Asynchronous, "^on_book of a strategy is a plain function: write it with `def`"),
    (Yielding, "^on_timer of a strategy is a plain function.*without `yield`"),
    (Misspelt, r"^a Strategy has no on_boook.*: did you mean on_book\?"),
    (Invented, r"^a Strategy has no on_liquidation.*there are on_start, on_book, "),
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
