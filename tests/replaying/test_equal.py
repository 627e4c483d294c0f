"""Equal orders that are on their way at once, and the answers that each of them gets."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import NotRecorded, async_exchange, exchange
from unified_exchanges.flow import Request
from unified_exchanges.recording import Recorder
from unified_exchanges.recording.format import Body, Rest
from unified_exchanges.replaying.answers import Answers
from unified_exchanges.replaying.clock import ReplayClock
from unified_exchanges.simulator.faults import Fault

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, Stage, stage

SECOND = 10**9
NOW = 1_000 * SECOND
ABOUT_NOW = (2 * SECOND, 10 * SECOND)
HOST, PATH = "https://venue.example", "/orders"


def body(given: object, name: str = "client_order_id") -> bytes:
    return json.dumps({"order": {name: given, "size": 10}}).encode()


def sent(given: object, began: int, name: str = "client_order_id") -> Rest:
    """An order that was sent so many milliseconds from now; answers come as they are given."""
    return Rest(
        at=NOW + SECOND,
        mono=0,
        began=NOW + began * 10**6,
        elapsed=1,
        method="POST",
        host=HOST,
        path=PATH,
        request=Body(body(given, name)),
        status=200,
        body=Body(json.dumps({name: given}).encode()),
    )


def ask(given: object, name: str = "client_order_id") -> Request:
    return Request(method="POST", url=HOST + PATH, timeout=1.0, body=body(given, name))


def told(*lines: Rest) -> Answers:
    return Answers(lines, ReplayClock(NOW), "the recording")


@pytest.mark.parametrize("within", [None, ABOUT_NOW])
def test_an_order_that_is_sent_again_is_answered_as_it_was_and_not_as_its_equal(
    within: tuple[int, int] | None,
) -> None:
    # Of the first the second copy came last.
    answers = told(sent("a", 0), sent("b", 1), sent("b", 200), sent("a", 300))
    given = [answers.claim(ask(x), within).number for x in ("A", "B", "A", "B")]
    assert given == [1, 2, 4, 3]


@pytest.mark.parametrize("within", [None, ABOUT_NOW])
def test_an_order_gets_no_answer_of_another_s_second_copy_while_there_are_others(
    within: tuple[int, int] | None,
) -> None:
    answers = told(sent("a", 0), sent("a", 2), sent("b", 4))
    given = [answers.claim(ask(x), within).number for x in ("A", "B", "A")]
    assert given == [1, 3, 2]


@pytest.mark.parametrize("name", ["client_order_id", "salt"])
@pytest.mark.parametrize("within", [None, ABOUT_NOW])
def test_the_very_order_that_was_recorded_is_found_before_its_equals(
    name: str, within: tuple[int, int] | None
) -> None:
    answers = told(*(sent(x, x * 10, name) for x in range(3)))
    given = [answers.claim(ask(x, name), within).number for x in (2, 0, 1)]
    assert given == [3, 1, 2]


def test_the_very_order_is_found_without_streams_as_well() -> None:
    answers = told(*(sent(x, x * 10, "salt") for x in range(3)))
    given = [answers.answer(ask(x, "salt")).body for x in (2, 0, 1)]
    assert given == [b'{"salt": 2}', b'{"salt": 0}', b'{"salt": 1}']


def test_the_very_order_of_another_moment_is_not_answered_now() -> None:
    answers = told(sent("a", 30_000), sent("b", 0))
    assert answers.claim(ask("a"), ABOUT_NOW).number == 2


@pytest.mark.parametrize("within", [None, ABOUT_NOW])
def test_an_order_that_was_not_placed_gets_no_answer_of_another_s_second_copy(
    within: tuple[int, int] | None,
) -> None:
    answers = told(sent("a", 0), sent("a", 10))
    assert answers.claim(ask("A"), within).number == 1
    with pytest.raises(NotRecorded):
        answers.claim(ask("B"), within)
    assert answers.claim(ask("A"), within).number == 2


def test_nor_does_it_without_streams() -> None:
    answers = told(sent("a", 0), sent("a", 10))
    assert answers.answer(ask("A")).body == b'{"client_order_id": "A"}'
    with pytest.raises(NotRecorded):
        answers.answer(ask("B"))


@pytest.mark.parametrize("is_timed", [True, False])
def test_what_is_promised_to_orders_is_given_to_no_other_until_they_are_not_sent(
    is_timed: bool,
) -> None:
    answers = told(*(sent(x, x, "salt") for x in (1, 2)))

    def promised(salt: int) -> bytes | None:
        return answers.promise(ask(salt, "salt"), is_timed=is_timed)

    assert promised(7) == body(1, "salt")
    assert promised(8) == body(2, "salt")
    assert promised(9) is None
    assert answers.release(["1"])
    assert promised(9) == body(1, "salt")
    assert answers.claim(ask(1, "salt")).number == 1
    # It is known which order that is, and that it was sent.
    assert promised(1) is None
    assert not answers.release(["1"])
    with pytest.raises(NotRecorded):
        answers.claim(ask(8, "salt"))


def test_an_order_that_was_sent_twice_before_now_is_answered_as_it_was_first() -> None:
    answers = told(sent("a", -200), sent("a", -10), sent("b", 90))
    given = [answers.claim(ask(x), ABOUT_NOW).number for x in "AAB"]
    assert given == [1, 2, 3]


def test_equal_orders_that_were_sent_at_once_are_answered_in_their_order() -> None:
    answers = told(*(sent(x, x, "salt") for x in (-400, -12, -11, -10, 1)))
    given = [answers.claim(ask(x, "salt"), ABOUT_NOW).number for x in "ABCDE"]
    assert given == [2, 3, 4, 5, 1]


def terms_of(market: Any) -> tuple[Any, ...]:
    label = market.outcomes[0].label
    return market.market_id, label, "buy", market.grid.lowest, 10


def wait_for_fault(at: Stage) -> None:
    while not at.server.faults.struck:
        time.sleep(0.005)


def at_once(at: Stage, path: Path) -> list[str]:
    """The ids of two orders: the second is sent while the first is on its way."""
    with (
        exchange(at.venue, **at.account) as ex,
        Recorder(ex, path),
        ThreadPoolExecutor(1) as pool,
    ):
        [market] = ex.fetch_markets(limit=1)
        ex.preview_order(*terms_of(market))
        first = pool.submit(ex.create_order, *terms_of(market))
        wait_for_fault(at)
        second = ex.create_order(*terms_of(market))
        return [first.result().order_id, second.order_id]


async def at_once_async(at: Stage, path: Path) -> list[str]:
    async with async_exchange(at.venue, **at.account) as ex:
        with Recorder(ex, path):
            [market] = await ex.fetch_markets(limit=1)
            await ex.preview_order(*terms_of(market))
            first = asyncio.ensure_future(ex.create_order(*terms_of(market)))
            await asyncio.to_thread(wait_for_fault, at)
            second = await ex.create_order(*terms_of(market))
            return [(await first).order_id, second.order_id]


def again(path: Path) -> list[str]:
    with exchange("replay", path=path) as ex:
        [market] = ex.fetch_markets(limit=1)
        ex.preview_order(*terms_of(market))
        return [ex.create_order(*terms_of(market)).order_id for _ in range(2)]


async def again_async(path: Path) -> list[str]:
    async with async_exchange("replay", path=path) as ex:
        [market] = await ex.fetch_markets(limit=1)
        await ex.preview_order(*terms_of(market))
        both = [ex.create_order(*terms_of(market)) for _ in range(2)]
        return [order.order_id for order in await asyncio.gather(*both)]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_program_gets_equal_orders_in_the_order_in_which_it_sent_them(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "orders.jsonl"
    with stage(venue) as at:
        late = Fault("delay", method="POST", path="/orders?$", seconds=0.5)
        at.server.faults.add(late)
        if flavour == "blocking":
            live = at_once(at, path)
        else:
            live = asyncio.run(at_once_async(at, path))
    assert again(path) == live
    assert asyncio.run(again_async(path)) == live
