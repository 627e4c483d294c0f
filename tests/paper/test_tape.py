"""Trades that a listing tells, in the order in which they happened."""

from __future__ import annotations

import attrs

from unified_exchanges.paper.tape import Tape

from .scene import SECOND, START, trade


def test_of_one_moment_the_first_is_told_first_though_a_listing_has_it_last() -> None:
    late, early = (trade("0.5", "1", moment=START + n * SECOND) for n in (2, 1))
    times = [late, late, late, early]
    listed = [attrs.evolve(x, trade_id=f"t{4 - n}") for n, x in enumerate(times)]
    tape = Tape(START)
    assert [x.trade_id for x in tape.from_listing(listed)] == ["t1", "t2", "t3", "t4"]
    assert tape.from_listing(listed) == []
