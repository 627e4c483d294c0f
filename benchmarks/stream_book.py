"""A million changes of a book as wire strings, best bid and ask read as Decimal after each.

The floor is an integer ladder written inline: two lists indexed by tick, a pointer to the
best of each, integers in and integers out, nothing checked.  Ours reads prices and sizes
from their texts, refuses what is malformed, negative or crossed, and gives Decimals.
With 99 levels (cents) and 999 (tenths of a cent); the cost must not grow with the depth.
"""

from __future__ import annotations

import random
import time
from decimal import Decimal
from itertools import pairwise

from timing import Goal, arguments, interleave, ratio, report, verdict

from unified_exchanges.streams.book import Book

COUNT = 1_000_000
GRIDS = (99, 999)

Change = tuple[bool, int, int]
Text = tuple[bool, str, str]


def changes(levels: int, count: int) -> tuple[list[int], list[Change]]:
    """A full ladder, and changes near its middle that keep it whole and uncrossed.

    Both sides are full at first, so that the depth is there; the middle wanders.
    """
    rng = random.Random(levels)
    size = [0] + [rng.randrange(100, 5_000) for _ in range(levels)] + [0]
    start = list(size)
    made: list[Change] = []
    bid = levels // 2
    ask = bid + 1
    while len(made) < count:
        is_bid = rng.random() < 0.5
        away = min(int(rng.expovariate(0.4)), 25)
        tick = bid - away if is_bid else ask + away
        if rng.random() < 0.08:  # a quote inside the spread, if there is one
            tick = bid + 1 if is_bid else ask - 1
        if not (0 < tick <= levels) or (tick >= ask if is_bid else tick <= bid):
            continue
        held = size[tick]
        by = -held if held and rng.random() < 0.3 else rng.randrange(1, 50) * 100
        if by < 0 and not 5 < tick < levels - 5:
            continue  # so that neither side is ever empty
        size[tick] = held + by
        made.append((is_bid, tick, by))
        if is_bid:
            bid = max(bid, tick)
            while not size[bid]:
                bid -= 1
        else:
            ask = min(ask, tick)
            while not size[ask]:
                ask += 1
    return start, made


def spelled(levels: int, made: list[Change]) -> list[Text]:
    """The same as the venue sends them."""
    step = 10_000 // (levels + 1)
    prices = [f"{Decimal(tick * step).scaleb(-4):.4f}" for tick in range(levels + 1)]
    sizes = {by: f"{Decimal(by).scaleb(-2):.2f}" for _, _, by in made}
    return [(is_bid, prices[tick], sizes[by]) for is_bid, tick, by in made]


def floor(  # noqa: C901 - all inline is its point
    start: list[int], levels: int, made: list[Change]
) -> tuple[int, int]:
    size = list(start)
    bid = levels // 2
    ask = bid + 1
    best = (bid, ask)
    for is_bid, tick, by in made:
        now = size[tick] + by
        size[tick] = now
        if is_bid:
            if now > 0:
                if tick > bid:  # noqa: PLR1730 - a call is no floor
                    bid = tick
            elif tick == bid:
                while bid and not size[bid]:
                    bid -= 1
        elif now > 0:
            if tick < ask:  # noqa: PLR1730 - likewise
                ask = tick
        elif tick == ask:
            while ask <= levels and not size[ask]:
                ask += 1
        best = bid, ask
    return best


def loaded(levels: int, start: list[int]) -> Book:
    step = 10_000 // (levels + 1)
    rows = [
        (
            f"{Decimal(tick * step).scaleb(-4):.4f}",
            f"{Decimal(start[tick]).scaleb(-2):.2f}",
        )
        for tick in range(1, levels + 1)
    ]
    book = Book()
    book.load(rows[: levels // 2], rows[levels // 2 :])
    return book


def ours(book: Book, texts: list[Text]) -> tuple[Decimal | None, Decimal | None]:
    change_bid, change_ask = book.change_bid, book.change_ask
    best = (book.bid, book.ask)
    for is_bid, price, by in texts:
        if is_bid:
            change_bid(price, by)
        else:
            change_ask(price, by)
        best = book.bid, book.ask
    return best


def main() -> None:
    """Measure, print, and fail if a goal is missed."""
    options = arguments(__doc__)
    found = []
    for levels in GRIDS:
        start, made = changes(levels, COUNT)
        texts = spelled(levels, made)
        step = 10_000 // (levels + 1)
        ticks = floor(start, levels, made)
        assert ours(loaded(levels, start), texts) == tuple(
            Decimal(tick * step).scaleb(-4) for tick in ticks
        )
        name = f"integer ladder, {levels} levels"
        mine = f"Book, {levels} levels"
        times = interleave(
            {
                name: lambda start=start, levels=levels, made=made: floor(
                    start, levels, made
                ),
                mine: lambda start=start, levels=levels, texts=texts: ours(
                    loaded(levels, start), texts
                ),
            },
            options.rounds,
            clock=time.process_time,
        )
        report(f"{COUNT:,} changes", times, name, per=COUNT, unit="change")
        found.append((levels, ratio(times, mine, name), times[mine]))
    goals = [Goal(f"{levels} levels", value, 4.0) for levels, value, _ in found]
    for (_, _, few), (_, _, many) in pairwise(found):
        goals.append(Goal("growth with depth", min(many) / min(few), 1.15))
    verdict(goals, gate=not options.no_gate)


if __name__ == "__main__":
    main()
