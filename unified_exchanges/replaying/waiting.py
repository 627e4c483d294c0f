"""Waiting in an event loop for what a replay brings."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Final

from .attendance import GLANCE, OURS, Turn
from .timeline import BREATH, Timeline

__all__ = ["take_part", "wait"]

_ROUNDS: Final = 3
"""Turns of the loop in which others do what they can do at once."""
_PATIENCE: Final = 0.1
"""Seconds of real time for a task that took part and waits for something else."""
_LOOKS: Final = 50
"""Turns of the loop for who takes part, before real time is given to it."""


def take_part(timeline: Timeline, watch: object) -> None:
    """This task takes from a watch: time waits for it from now on."""
    timeline.attendance.take_part(watch, asyncio.current_task())


async def wait(timeline: Timeline, turn: Turn, until: int | None = None) -> bool:
    """Let time go on until a turn comes; False if it does not by then."""
    me = asyncio.current_task()
    assert me is not None
    is_ours = me.get_name().startswith(OURS)
    if not is_ours:
        timeline.attendance.enter(me, turn)
    try:
        # What others can do at once they do before time goes on.
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)
        looks = 0
        for step in count(1):
            if turn.is_rung:
                return True
            if not is_ours and not timeline.attendance.may_go_on(me, _PATIENCE):
                looks += 1
                await asyncio.sleep(0 if looks < _LOOKS else GLANCE)
                continue
            looks = 0
            if not timeline.step(until):
                return turn.is_rung
            if not step % BREATH:
                await asyncio.sleep(0)
    finally:
        if not is_ours:
            timeline.attendance.enter(me, None)
    raise AssertionError  # pragma: no cover - it counts for ever
