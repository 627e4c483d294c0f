"""What acts has two faces, which take the same and say the same."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from unified_exchanges import execution

PAIRS = [
    (getattr(execution, name), getattr(execution, f"async_{name}"))
    for name in ("hedge", "hedge_report", "run_exit")
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_both_flavours_take_the_same_and_give_the_same(
    one: Callable[..., Any], other: Callable[..., Any]
) -> None:
    blocking, aio = inspect.signature(one), inspect.signature(other)
    first, *mine = blocking.parameters.values()
    async_first, *others = aio.parameters.values()
    assert mine == others
    assert blocking.return_annotation == aio.return_annotation
    assert (first.annotation, async_first.annotation) == ("Exchange", "AsyncExchange")
    assert (inspect.iscoroutinefunction(one), inspect.iscoroutinefunction(other)) == (
        False,
        True,
    )


def test_every_face_has_its_twin() -> None:
    twins = {x.removeprefix("async_") for x in execution.__all__ if "async_" in x}
    assert twins == {one.__name__ for one, _ in PAIRS}
