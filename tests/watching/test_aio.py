"""What only the asynchronous watches have: awaiting, tasks, event loops."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import unified_exchanges as ux
from unified_exchanges.policy import StreamPolicy
from unified_exchanges.simulator.faults import StreamFault

from .face import FAST, FREE, MARKET, OTHER, Scene
from .test_flavours import BOOKS, size_at


@pytest.fixture(params=["websockets", "aiohttp"])
async def kalshi(
    scene: Scene, request: pytest.FixtureRequest
) -> AsyncIterator[ux.AsyncExchange]:
    async with make(scene, driver=request.param) as exchange:
        yield exchange


def make(scene: Scene, **policy: Any) -> ux.AsyncExchange:
    stream = StreamPolicy(**{**FAST, **policy})
    return ux.async_exchange("kalshi", **scene.account, limits=FREE, stream=stream)


async def soon(is_so: Callable[[], bool]) -> bool:
    for _ in range(1_000):
        if is_so():
            return True
        await asyncio.sleep(0.005)
    return False


async def beside(act: Callable[[], Any]) -> Any:
    """Somebody else does something, in a thread of theirs."""
    return await asyncio.to_thread(act)


# -- awaiting --------------------------------------------------------------------------


async def test_awaiting_the_same_call_again_goes_on_where_it_was(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    book = await kalshi.watch_order_book(MARKET, policy="every")
    before = size_at(book, "0.01")
    for _ in range(5):
        await beside(scene.bid)
    sizes = [
        size_at(await kalshi.watch_order_book(MARKET, policy="every"), "0.01")
        for _ in range(5)
    ]
    assert sizes == [before + number for number in range(1, 6)]
    assert scene.subscriptions == BOOKS


async def test_no_fill_is_lost_between_two_awaits(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    first = asyncio.ensure_future(_await(kalshi.watch_fills()))
    assert await soon(lambda: len(scene.subscriptions) == 1)
    ids = [(await beside(scene.buy)).order_id for _ in range(4)]
    told = [await first] + [await kalshi.watch_fills() for _ in range(3)]
    assert [fill.order_id for fill in told] == ids


async def _await(watch: Any) -> Any:
    return await watch


async def test_calls_are_told_apart_by_their_arguments(
    kalshi: ux.AsyncExchange,
) -> None:
    yes, no, other = await asyncio.gather(
        _await(kalshi.watch_order_book(MARKET)),
        _await(kalshi.watch_order_book(MARKET, outcome="no")),
        _await(kalshi.watch_order_book(OTHER)),
    )
    assert (yes.outcome, no.outcome, other.market_id) == ("yes", "no", OTHER)


async def test_awaiting_through_gather_goes_on_too(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    def both() -> Any:
        return asyncio.gather(
            kalshi.watch_order_book(MARKET, policy="every"),
            kalshi.watch_order_book(OTHER, policy="every"),
        )

    first, _ = await both()
    before = size_at(first, "0.01")
    for market in (MARKET, OTHER, MARKET, OTHER):
        await beside(lambda market=market: scene.bid("1", market))
    sizes = [size_at((await both())[0], "0.01") for _ in range(2)]
    assert sizes == [before + 1, before + 2]


async def test_a_wait_that_is_given_up_loses_nothing(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    book = await kalshi.watch_order_book(MARKET, policy="every")
    before = size_at(book, "0.01")
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(
                kalshi.watch_order_book(MARKET, policy="every"), 0.05
            )
    await beside(scene.bid)
    book = await asyncio.wait_for(kalshi.watch_order_book(MARKET, policy="every"), 5)
    assert size_at(book, "0.01") == before + 1


async def test_two_tasks_that_await_the_same_each_get_every_update(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    async def follow() -> list[int]:
        found = []
        for _ in range(4):
            book = await kalshi.watch_order_book(MARKET, policy="every")
            found.append(size_at(book, "0.01"))
        return found

    tasks = [asyncio.create_task(follow()) for _ in range(2)]
    assert await soon(lambda: scene.subscriptions == BOOKS)
    await asyncio.sleep(0.05)
    for _ in range(3):
        await beside(scene.bid)
    one, other = [await task for task in tasks]
    assert one == other


async def test_one_object_may_be_awaited_again_and_again(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    watch = kalshi.watch_order_book(MARKET, policy="every")
    before = size_at(await watch, "0.01")
    await beside(scene.bid)
    assert size_at(await watch, "0.01") == before + 1
    await beside(scene.bid)
    await beside(scene.bid)
    # Going on by hand gives it a seat of its own, and awaiting means that from now on.
    while size_at(await anext(watch), "0.01") < before + 3:
        pass
    await beside(scene.bid)
    assert size_at(await watch, "0.01") == before + 4
    await watch.aclose()
    with pytest.raises(ux.BadRequest, match="has ended"):
        await watch
    with pytest.raises(ux.BadRequest, match="has ended"):
        await anext(watch)


async def test_of_two_objects_that_are_held_each_is_told_everything(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    one, other = (kalshi.watch_order_book(MARKET, policy="every") for _ in range(2))
    before = size_at(await one, "0.01")
    await beside(scene.bid)
    assert [size_at(await one, "0.01")] == [before + 1]
    assert [size_at(await other, "0.01") for _ in range(2)] == [before, before + 1]
    assert scene.subscriptions == BOOKS


async def test_what_is_awaited_can_be_iterated_beside(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    await kalshi.watch_order_book(MARKET)
    async for book in kalshi.watch_order_book(MARKET):
        assert book.market_id == MARKET
        break
    assert await soon(lambda: len(list(feed_of(kalshi)._books)) == 1)
    assert scene.subscriptions == BOOKS


def feed_of(kalshi: ux.AsyncExchange) -> Any:
    hub: Any = kalshi._hubs[""]
    return hub._feed


async def test_unwatching_ends_what_is_awaited_and_a_new_call_begins_anew(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    await kalshi.watch_order_book(MARKET)
    waiting = asyncio.ensure_future(_await(kalshi.watch_order_book(MARKET)))
    await asyncio.sleep(0.05)
    await kalshi.unwatch(MARKET)
    with pytest.raises(ux.BadRequest, match="has ended"):
        await waiting
    assert await soon(lambda: scene.subscriptions == set())
    assert (await kalshi.watch_order_book(MARKET)).market_id == MARKET


async def test_what_was_unwatched_between_two_awaits_begins_anew(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    await kalshi.watch_order_book(MARKET)
    await kalshi.unwatch()
    assert await soon(lambda: scene.subscriptions == set())
    assert (await kalshi.watch_order_book(MARKET)).market_id == MARKET


async def test_a_watch_that_no_task_asked_for_can_be_awaited(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    made: list[Any] = []
    loop = asyncio.get_running_loop()
    loop.call_soon(lambda: made.append(kalshi.watch_order_book(MARKET)))
    await asyncio.sleep(0)
    assert (await made[0]).market_id == MARKET
    await beside(scene.bid)
    assert (await made[0]).market_id == MARKET


async def test_closing_what_is_awaited_leaves(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    watch = kalshi.watch_order_book(MARKET)
    await watch
    assert watch.folded == 0
    assert "order_book" in repr(watch)
    await watch.aclose()
    assert await soon(lambda: scene.subscriptions == set())


async def test_fault_39_who_awaits_too_slowly_is_told_once_and_begins_anew(
    scene: Scene,
) -> None:
    async with make(scene, queue=2) as kalshi:
        await kalshi.watch_order_book(MARKET, policy="every")
        for _ in range(5):
            await beside(scene.bid)
        assert await soon(lambda: not list(feed_of(kalshi)._books))
        for _ in range(2):
            await kalshi.watch_order_book(MARKET, policy="every")
        with pytest.raises(ux.StreamOverflow):
            await kalshi.watch_order_book(MARKET, policy="every")
        assert await kalshi.watch_order_book(MARKET, policy="every")


async def test_a_refusal_is_raised_where_it_is_awaited(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    await kalshi.watch_order_book(MARKET)
    scene.frames.add(StreamFault("refuse", frame="update_subscription", code=26))
    with pytest.raises(ux.UnifiedExchangesError, match="error 26"):
        await kalshi.watch_order_book(OTHER)
    assert (await kalshi.watch_order_book(OTHER)).market_id == OTHER


# -- loops -----------------------------------------------------------------------------


async def test_an_exception_in_the_loop_leaves(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    async def fail() -> None:
        async for _ in kalshi.watch_order_book(MARKET):
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    gc.collect()
    assert await soon(lambda: scene.subscriptions == set())


async def test_a_loop_that_is_cancelled_leaves(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    async def follow() -> None:
        async for _ in kalshi.watch_order_book(MARKET):
            pass

    task = asyncio.create_task(follow())
    assert await soon(lambda: scene.subscriptions == BOOKS)
    task.cancel()
    await asyncio.wait([task])
    del task
    assert await soon(lambda: scene.subscriptions == set())


async def test_closing_the_exchange_ends_its_loops(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    began = asyncio.Event()

    async def follow() -> int:
        count = 0
        async for _ in kalshi.watch_order_book(MARKET):
            count += 1
            began.set()
        return count

    task = asyncio.create_task(follow())
    await began.wait()
    assert scene.subscriptions == BOOKS
    await kalshi.aclose()
    assert await task >= 1
    await kalshi.aclose()


async def test_a_block_ends_what_it_holds(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    async with kalshi.watch_order_book(MARKET) as watch:
        async for _ in watch:
            break
        async for _ in kalshi.watch_order_book(MARKET):
            break
        assert scene.subscriptions == BOOKS
    assert await soon(lambda: scene.subscriptions == set())


async def test_anext_ends_as_iterators_do(kalshi: ux.AsyncExchange) -> None:
    watch = kalshi.watch_order_book(MARKET)
    await anext(watch)
    await kalshi.unwatch()
    with pytest.raises(StopAsyncIteration):
        await exhaust(watch)


async def exhaust(watch: Any) -> None:
    while True:
        await anext(watch)


# -- misuse ----------------------------------------------------------------------------


def test_without_a_running_loop_it_is_told(scene: Scene) -> None:
    exchange = make(scene)
    with pytest.raises(ux.BadRequest, match="while an event loop runs"):
        exchange.watch_order_book(MARKET)
    asyncio.run(exchange.aclose())


async def test_another_event_loop_is_told(scene: Scene) -> None:
    async with make(scene) as exchange:
        watch = exchange.watch_order_book(MARKET)
        await anext(watch)
        errors: list[Any] = []

        def elsewhere() -> None:
            async def use(act: Callable[[], Any]) -> None:
                try:
                    await act()
                except ux.BadRequest as error:
                    errors.append(str(error))

            async def watch_again() -> None:
                exchange.watch_order_book(MARKET)

            for act in (
                lambda: anext(watch),
                lambda: _await(watch),
                watch.next,
                watch.aclose,
                watch_again,
            ):
                asyncio.run(use(act))

        await asyncio.to_thread(elsewhere)
        assert len(errors) == 5
        assert all("another event loop" in each for each in errors)


def test_an_exchange_may_watch_again_in_a_new_loop_after_the_old_one_ended(
    scene: Scene,
) -> None:
    exchange = make(scene)

    async def once(*, close: bool) -> Any:
        book = await exchange.watch_order_book(MARKET)
        if close:
            await exchange.aclose()
        return book

    assert asyncio.run(once(close=False)).market_id == MARKET
    assert asyncio.run(once(close=True)).market_id == MARKET


async def test_a_watch_outside_any_loop_is_told(kalshi: ux.AsyncExchange) -> None:
    watch = kalshi.watch_order_book(MARKET)
    await anext(watch)
    errors: list[str] = []

    def use() -> None:
        try:
            watch.__anext__()
        except ux.BadRequest as error:
            errors.append(str(error))

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert "while an event loop runs" in errors[0]


async def test_a_child_process_is_told(
    kalshi: ux.AsyncExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = kalshi.watch_order_book(MARKET)
    await anext(watch)
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: -1)
        with pytest.raises(ux.BadRequest, match="after the fork"):
            await watch.next()
        assert kalshi._hubs
        assert not kalshi._hubs[""].is_usable
        await kalshi._hubs[""].aclose()


async def test_a_watch_dropped_after_its_loop_ended_harms_nobody(scene: Scene) -> None:
    kept: list[Any] = []

    def elsewhere() -> None:
        async def main() -> None:
            exchange = make(scene)
            kept.append(exchange.watch_order_book(MARKET))
            await anext(kept[0])
            await exchange.aclose()

        asyncio.run(main())

    await asyncio.to_thread(elsewhere)
    kept.clear()
    gc.collect()


async def test_a_failure_of_our_own_ends_the_stream_and_reaches_consumers(
    scene: Scene,
) -> None:
    async with make(scene) as exchange:
        watch = exchange.watch_order_book(MARKET)
        await anext(watch)
        feed_of(exchange).jobs = broken
        fills = exchange.watch_fills()
        for each in (watch, fills):
            with pytest.raises(ux.InternalError, match="LookupError: a mistake"):
                await exhaust(each)


def broken() -> Any:
    raise LookupError("a mistake")
