"""Awaiting from changing tasks: what is held is its holder's, and calls go on."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Coroutine
from decimal import Decimal
from time import monotonic
from typing import Any, TypeVar

import pytest

import unified_exchanges as ux
from unified_exchanges.models import Fill, OrderBook
from unified_exchanges.watching import standing

from .face import MARKET, OTHER, Scene
from .test_aio import beside, feed_of, make, soon
from .test_flavours import BOOKS, size_at

T = TypeVar("T")


@pytest.fixture(params=["websockets", "aiohttp"])
async def kalshi(
    scene: Scene, request: pytest.FixtureRequest
) -> AsyncIterator[ux.AsyncExchange]:
    async with make(scene, driver=request.param) as exchange:
        yield exchange


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seats wait only a moment for whoever calls next."""
    monkeypatch.setattr(standing, "KEPT", 0.05)


async def in_a_task(call: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run something as a cell of a notebook is: in a task that ends with it."""
    return await asyncio.create_task(call())


async def begun(scene: Scene, watch: Any = None) -> Any:
    """The watch, as soon as the venue tells."""
    assert await soon(lambda: len(scene.subscriptions) >= 1)
    return watch


async def bought(scene: Scene, count: int) -> list[str]:
    return [(await beside(scene.buy)).order_id for _ in range(count)]


# -- a watch that is held --------------------------------------------------------------


async def test_p10_a_watch_made_in_one_task_is_awaited_in_others(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    async def make_it() -> list[ux.AsyncWatch[Fill]]:
        return [kalshi.watch_fills()]

    [watch] = await in_a_task(make_it)
    await begun(scene)
    ids = await bought(scene, 4)

    async def cell() -> Fill:
        return await watch

    told = [await in_a_task(cell) for _ in range(2)]
    told.append(await asyncio.wait_for(watch, 5))
    told.append(await watch)
    assert [fill.order_id for fill in told] == ids


async def test_what_is_held_outlives_its_task_and_all_patience(
    scene: Scene, kalshi: ux.AsyncExchange, impatient: None
) -> None:
    held: list[ux.AsyncWatch[OrderBook]] = []

    async def first_cell() -> OrderBook:
        held.append(kalshi.watch_order_book(MARKET))
        return await held[0]

    before = size_at(await in_a_task(first_cell), "0.01")
    await asyncio.sleep(0.2)
    assert scene.subscriptions == BOOKS
    await beside(scene.bid)
    assert size_at(await held[0], "0.01") == before + 1
    held.clear()
    assert await soon(lambda: scene.subscriptions == set())


async def test_a_call_takes_nothing_from_a_watch_that_is_held(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    held: list[ux.AsyncWatch[Fill]] = []

    async def first_cell() -> Fill:
        held.append(kalshi.watch_fills())
        return await held[0]

    first = asyncio.create_task(first_cell())
    await begun(scene)
    ids = await bought(scene, 1)
    assert (await first).order_id == ids[0]

    async def call() -> Fill:
        return await kalshi.watch_fills()

    second = asyncio.create_task(call())
    assert await soon(lambda: len(list(feed_of(kalshi)._everybody())) == 2)
    ids += await bought(scene, 2)
    assert (await second).order_id == ids[1]
    assert [(await held[0]).order_id for _ in range(2)] == ids[1:]


async def test_a_watch_that_is_handed_to_another_task_is_its_own(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    async def follow(watch: ux.AsyncWatch[OrderBook]) -> list[Decimal]:
        return [size_at(await watch, "0.01") for _ in range(3)]

    following = asyncio.create_task(
        follow(kalshi.watch_order_book(MARKET, policy="every"))
    )
    assert await soon(lambda: scene.subscriptions == BOOKS)
    await asyncio.sleep(0.1)
    sizes = []
    for _ in range(3):
        book = await kalshi.watch_order_book(MARKET, policy="every")
        sizes.append(size_at(book, "0.01"))
        await beside(scene.bid)
    assert sizes == [sizes[0], sizes[0] + 1, sizes[0] + 2]
    assert await following == sizes


async def test_a_block_awaits_what_is_its_own(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    await kalshi.watch_order_book(MARKET)
    async with kalshi.watch_order_book(MARKET) as watch:
        assert (await watch).market_id == MARKET
    await beside(scene.bid)
    assert (await kalshi.watch_order_book(MARKET)).market_id == MARKET


async def test_a_held_watch_that_was_unwatched_has_ended(
    kalshi: ux.AsyncExchange,
) -> None:
    watch = kalshi.watch_fills()
    await kalshi.unwatch()
    for _ in range(2):
        with pytest.raises(ux.BadRequest, match="has ended"):
            await watch


# -- nobody takes anything from anybody ------------------------------------------------


async def in_vain(watch: Coroutine[Any, Any, T]) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watch, 0.05)


async def told(watch: ux.AsyncWatch[Fill], count: int) -> list[str]:
    return [(await asyncio.wait_for(watch, 5)).order_id for _ in range(count)]


def logger_of(kalshi: ux.AsyncExchange, log: list[str]) -> asyncio.Task[None]:
    async def follow() -> None:
        while True:
            log.append((await kalshi.watch_fills()).order_id)

    return asyncio.create_task(follow())


async def cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("by", ["wait_for", "next"])
async def test_p10_a_held_watch_that_waited_in_vain_loses_nothing_to_a_logger(
    scene: Scene, kalshi: ux.AsyncExchange, by: str
) -> None:
    held: list[ux.AsyncWatch[Fill]] = []
    log: list[str] = []

    async def first_cell() -> None:
        held.append(kalshi.watch_fills())
        await in_vain(held[0])

    async def third_cell() -> list[str]:
        if by == "wait_for":
            return await told(held[0], 3)
        return [(await held[0].next(timeout=5)).order_id for _ in range(3)]

    await in_a_task(first_cell)
    logger = logger_of(kalshi, log)
    await begun(scene)
    ids = await bought(scene, 3)
    assert await soon(lambda: len(log) == 3)
    assert (await in_a_task(third_cell), log) == (ids, ids)
    await cancel(logger)


async def test_p10_what_a_task_keeps_for_another_loses_nothing_to_a_logger(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    kept: list[ux.AsyncWatch[Fill]] = []
    log: list[str] = []

    async def set_up() -> None:
        kept.append(kalshi.watch_fills())
        await in_vain(kept[0])

    await in_a_task(set_up)
    logger = logger_of(kalshi, log)
    await asyncio.sleep(0.05)
    strategy = asyncio.create_task(told(kept[0], 3))
    await begun(scene)
    ids = await bought(scene, 3)
    assert await soon(lambda: len(log) == 3)
    assert (await strategy, log) == (ids, ids)
    await cancel(logger)


async def test_p10_two_watches_of_one_task_are_each_told_everything(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    mine = kalshi.watch_fills()
    await in_vain(mine)
    auditors = kalshi.watch_fills()
    auditing = asyncio.create_task(told(auditors, 3))
    waiting = asyncio.create_task(told(mine, 3))
    await begun(scene)
    ids = await bought(scene, 3)
    assert (await auditing, await waiting) == (ids, ids)
    assert len(list(feed_of(kalshi)._everybody())) == 2


async def test_a_watch_takes_nothing_from_a_later_one_that_was_not_awaited_yet(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    one = kalshi.watch_fills()
    await in_vain(one)
    other = kalshi.watch_fills()
    await begun(scene)
    ids = await bought(scene, 2)
    assert await told(one, 2) == ids
    assert await told(other, 2) == ids


@pytest.mark.parametrize("policy", ["every", "latest"])
async def test_calls_go_on_where_they_were_before_a_watch_was_handed_over(
    scene: Scene, kalshi: ux.AsyncExchange, policy: Any
) -> None:
    buying = asyncio.create_task(_buying(scene))
    first = await kalshi.watch_fills(policy=policy)
    buying.cancel()
    handed = asyncio.create_task(told(kalshi.watch_fills(policy=policy), 3))
    await asyncio.sleep(0.05)
    await bought(scene, 3)
    mine = [(await kalshi.watch_fills(policy=policy)).order_id for _ in range(3)]
    assert await handed == mine
    assert first.order_id not in mine


async def _buying(scene: Scene) -> None:
    await begun(scene)
    await bought(scene, 1)


async def test_a_loop_over_a_later_watch_takes_nothing_from_the_first(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    first = kalshi.watch_fills()
    await in_vain(first)
    second = kalshi.watch_fills()
    await in_vain(second)
    ids = await bought(scene, 2)
    looped = []
    async for fill in second:
        looped.append(fill.order_id)
        if len(looped) == 2:
            break
    assert (looped, await told(first, 2)) == (ids, ids)


async def _next(kalshi: ux.AsyncExchange) -> str:
    return (await kalshi.watch_fills()).order_id


@pytest.mark.parametrize("by", ["object", "helper"])
async def test_errors_that_are_kept_take_nothing_and_lose_nothing(
    scene: Scene, kalshi: ux.AsyncExchange, by: str
) -> None:
    def call() -> Coroutine[Any, Any, Any]:
        return kalshi.watch_fills() if by == "object" else helper()

    async def helper() -> Fill:
        return await kalshi.watch_fills()

    kept: list[BaseException] = []
    seen: list[str] = []
    ids: list[str] = []
    gc.disable()
    try:
        for number in range(9):
            if number % 3 == 2:
                ids += await bought(scene, 1)
            try:
                fill = await asyncio.wait_for(call(), 0.05 if number % 3 < 2 else 5)
            except TimeoutError as error:
                kept.append(error)
            else:
                seen.append(fill.order_id)
    finally:
        gc.enable()
    assert (seen, len(kept)) == (ids, 6)
    # One seat for all that waited in vain in between, and one that goes on.
    assert len(list(feed_of(kalshi)._everybody())) <= 4


async def test_finished_tasks_that_are_kept_lose_nothing(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    done = [asyncio.create_task(kalshi.watch_fills())]
    await begun(scene)
    ids = await bought(scene, 3)
    for _ in range(2):
        await asyncio.wait(done)
        done.append(asyncio.create_task(kalshi.watch_fills()))
    await asyncio.wait(done)
    assert [task.result().order_id for task in done] == ids
    done.clear()
    assert await soon(lambda: len(list(feed_of(kalshi)._everybody())) == 1)


async def test_a_cancelled_task_of_a_watch_keeps_it_from_nobody_without_a_collector(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    gc.disable()
    try:
        task = asyncio.create_task(kalshi.watch_fills())
        await begun(scene)
        await cancel(task)
        del task
        await kalshi.watch_fills().aclose()
        assert await soon(lambda: scene.subscriptions == set())
    finally:
        gc.enable()


async def test_closing_a_watch_ends_no_other(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    one = kalshi.watch_fills()
    await in_vain(one)
    other = kalshi.watch_fills()
    await begun(scene)
    await other.aclose()
    ids = await bought(scene, 1)
    assert await told(one, 1) == ids


async def test_of_books_the_newest_is_told_to_each(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    one = kalshi.watch_order_book(MARKET)
    before = size_at(await one, "0.01")
    other = kalshi.watch_order_book(MARKET)
    await beside(scene.bid)
    assert size_at(await asyncio.wait_for(one, 5), "0.01") == before + 1
    assert size_at(await asyncio.wait_for(other, 5), "0.01") == before + 1
    assert scene.subscriptions == BOOKS


# -- calls that each run in a task of their own ----------------------------------------


async def test_p10_no_fill_is_lost_between_calls_in_tasks_of_their_own(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    async def next_fill() -> Fill:
        return await kalshi.watch_fills()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(next_fill(), 0.05)
    ids = await bought(scene, 6)
    told = [await asyncio.wait_for(next_fill(), 5) for _ in range(6)]
    assert [fill.order_id for fill in told] == ids


async def test_no_update_is_lost_between_gathers_of_helpers(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    async def best(market: str) -> OrderBook:
        return await kalshi.watch_order_book(market, policy="every")

    async def both() -> list[Decimal]:
        books = await asyncio.gather(best(MARKET), best(OTHER))
        return [size_at(book, "0.01") for book in books]

    before = await both()
    for _ in range(3):
        for market in (MARKET, OTHER):
            await beside(lambda market=market: scene.bid("1", market))
    for number in (1, 2, 3):
        assert await both() == [size + number for size in before]


async def test_two_tasks_of_one_helper_keep_a_seat_each(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    async def size() -> Decimal:
        return size_at(await kalshi.watch_order_book(MARKET, policy="every"), "0.01")

    [before, same] = await asyncio.gather(size(), size())
    for number in (1, 2):
        await beside(scene.bid)
        assert await asyncio.gather(size(), size()) == [before + number] * 2
    assert same == before
    assert len(list(feed_of(kalshi)._everybody())) == 2


async def test_a_wait_that_is_cancelled_at_any_moment_loses_nothing(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    async def next_fill() -> Fill:
        return await kalshi.watch_fills()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(next_fill(), 0.05)
    ids = await bought(scene, 10)
    told: list[Fill] = []
    began, turns = monotonic(), 0
    # The fills may take a while to come.
    while len(told) < len(ids) and monotonic() < began + 10:
        turns += 1
        task = asyncio.create_task(next_fill())
        for _ in range(turns % 4):
            await asyncio.sleep(0)
        if not turns % 20:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            told.append(task.result())
    assert [fill.order_id for fill in told] == ids


async def test_a_task_goes_on_at_once_where_another_has_ended(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    async def book() -> OrderBook:
        return await kalshi.watch_order_book(MARKET, policy="every")

    before = size_at(await in_a_task(book), "0.01")
    await beside(scene.bid)
    # In the very step in which the end of the other is told.
    ending = asyncio.create_task(book())
    assert size_at(await ending, "0.01") == before + 1
    call = kalshi.watch_order_book(MARKET, policy="every")
    assert len(list(feed_of(kalshi)._everybody())) == 1
    await beside(scene.bid)
    assert size_at(await call, "0.01") == before + 2


async def test_a_loop_takes_no_seat_over(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    async def book() -> OrderBook:
        return await kalshi.watch_order_book(MARKET, policy="every")

    before = size_at(await in_a_task(book), "0.01")
    await beside(scene.bid)
    watch = kalshi.watch_order_book(MARKET, policy="every")
    async for seen in watch:
        # It begins with the book as it is, which may be the one before the bid.
        if size_at(seen, "0.01") == before + 1:
            break
    for number in (1, 2, 3):
        assert size_at(await in_a_task(book), "0.01") == before + number
        await beside(scene.bid)


async def test_what_no_task_calls_again_is_left(
    scene: Scene, kalshi: ux.AsyncExchange, impatient: None
) -> None:
    async def book() -> OrderBook:
        return await kalshi.watch_order_book(MARKET)

    assert (await in_a_task(book)).market_id == MARKET
    assert await soon(lambda: scene.subscriptions == set())
    assert not kalshi._hubs[""].standing._left  # type: ignore[union-attr]
    assert (await in_a_task(book)).market_id == MARKET


async def test_what_was_unwatched_meanwhile_is_not_taken_over(
    kalshi: ux.AsyncExchange,
) -> None:
    async def book() -> OrderBook:
        return await kalshi.watch_order_book(MARKET)

    await in_a_task(book)
    await kalshi.unwatch(MARKET)
    assert (await in_a_task(book)).market_id == MARKET


async def test_a_book_that_cannot_be_had_any_more_is_no_end_for_the_next_call(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    await kalshi.watch_order_book(MARKET)
    await beside(scene.bid)
    feed = feed_of(kalshi)
    [follower] = feed._everybody()
    assert await soon(lambda: len(follower.mailbox) == 1)
    # What waits is a book that is made when it is taken, which cannot be from now on.
    await kalshi.unwatch(MARKET)
    assert (await kalshi.watch_order_book(MARKET)).market_id == MARKET


async def test_a_closed_exchange_is_told_whatever_went_on(
    kalshi: ux.AsyncExchange,
) -> None:
    await kalshi.watch_order_book(MARKET)
    going_on = kalshi.watch_order_book(MARKET)
    await kalshi.aclose()
    with pytest.raises(ux.BadRequest, match="closed"):
        await going_on


# -- as a coroutine --------------------------------------------------------------------


async def test_a_task_can_be_made_of_a_watch(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    def task() -> asyncio.Task[OrderBook]:
        return asyncio.create_task(kalshi.watch_order_book(MARKET, policy="every"))

    before = size_at(await task(), "0.01")
    waiting = task()
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.wait([waiting])
    for _ in range(2):
        await beside(scene.bid)
    async with asyncio.TaskGroup() as group:
        grouped = group.create_task(kalshi.watch_order_book(MARKET, policy="every"))
    assert size_at(grouped.result(), "0.01") == before + 1
    done, _ = await asyncio.wait([task()])
    assert [size_at(each.result(), "0.01") for each in done] == [before + 2]


async def test_two_tasks_of_one_watch_get_an_update_each(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    watch = kalshi.watch_fills()
    tasks = [asyncio.create_task(watch) for _ in range(2)]
    await begun(scene)
    ids = await bought(scene, 2)
    assert sorted([(await task).order_id for task in tasks]) == sorted(ids)


async def test_a_task_that_never_began_leaves_no_warning(
    kalshi: ux.AsyncExchange,
) -> None:
    task = asyncio.create_task(kalshi.watch_order_book(MARKET))
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    del task
    gc.collect()
    assert await soon(lambda: not list(feed_of(kalshi)._everybody()))


async def test_what_is_closed_as_a_coroutine_is_left(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    watch = kalshi.watch_order_book(MARKET)
    await watch
    going_on = kalshi.watch_order_book(MARKET)
    going_on.close()
    with pytest.raises(ux.BadRequest, match="has ended"):
        await going_on
    await beside(scene.bid)
    assert (await watch).market_id == MARKET
    watch.close()
    assert await soon(lambda: scene.subscriptions == set())


async def test_p10_a_watch_that_proves_held_takes_nothing_from_calls_that_timed_out(
    scene: Scene, kalshi: ux.AsyncExchange
) -> None:
    async def ask(awaited: Any, seconds: float = 0.05) -> Any:
        # The watch lives in the frame of this one's error until the task goes on.
        try:
            async with asyncio.timeout(seconds):
                return await awaited
        except TimeoutError:
            return None

    assert await ask(kalshi.watch_fills(), 0.4) is None
    held = kalshi.watch_fills()
    assert [await ask(held), await ask(held)] == [None, None]
    ids = await bought(scene, 1)
    told = [await ask(held, 5), await ask(kalshi.watch_fills(), 5)]
    assert [fill.order_id for fill in told] == ids * 2
