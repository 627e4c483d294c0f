"""Waiting in an event loop for what a replay brings."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import count
from typing import Final

from .attendance import GLANCE, OURS, Attendance, Turn
from .timeline import BREATH, Timeline

__all__ = ["expect", "take_part", "wait"]

_ROUNDS: Final = 3
"""Turns of the loop in which others do what they can do at once."""
_PATIENCE: Final = 0.1
"""Seconds of real time for a task that took part and waits for something else."""
_LOOKS: Final = 50
"""Turns of the loop for who takes part, before real time is given to it."""


def expect(timeline: Timeline, watch: object) -> None:
    """A watch was opened: time waits for who is to take from it, not for ever."""
    timeline.attendance.expect(watch, _current())


def _current() -> object:
    try:
        return asyncio.current_task()
    except RuntimeError:  # there is no loop yet
        return None


def take_part(timeline: Timeline, watch: object) -> None:
    """This task takes from a watch: time waits for it from now on."""
    timeline.attendance.take_part(watch, asyncio.current_task())


async def wait(timeline: Timeline, turn: Turn, until: int | None = None) -> bool:
    """Let time go on until a turn comes; False if it does not by then."""
    me = asyncio.current_task()
    assert me is not None
    attendance = timeline.attendance
    is_ours = me.get_name().startswith(OURS)
    is_alone = partial(_is_alone, attendance, me)
    if not is_ours:
        attendance.enter(me, turn)
    try:
        # What others can do at once they do before time goes on.
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)
        looks = 0
        for step in count(1):
            if turn.is_rung:
                return True
            if not is_ours and not attendance.may_go_on(me, _PATIENCE, is_alone):
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
            attendance.enter(me, None)
    raise AssertionError  # pragma: no cover - it counts for ever


def _is_alone(attendance: Attendance, me: object) -> bool:
    """Whether no other task is left that may be about to take from a watch."""
    return not any(
        task is not me
        and not attendance.knows(task)
        and not task.get_name().startswith(OURS)
        for task in asyncio.all_tasks()
    )
