"""Whatever is lost, repeated, reordered, cut or killed: a live book is never wrong.

A tiny venue answers in any order over a line that misbehaves.  While it does, each live
book must be the venue's as of the message that it says, and the venue's of this moment
when nothing is on its way; after it has stopped, every book that is followed must be
live and the venue's, or was refused, which only what the venue does refuse may be.
Markets are followed and left at any time, also while commands are out and after they were
refused.
"""

from __future__ import annotations

import copy
import os
from collections import deque
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from unified_exchanges.models import Subject
from unified_exchanges.streams.protocol import Refused

from .desk import A, B, C, Desk, levels

SILENT = "KXE-26NOV21-T5"
"""It opens and goes: while it is not there, the venue keeps it without a word."""

MARKETS = (A, B, C, "KXD-26NOV21-T4", SILENT)
PATIENCE = 5
"""How often a command may be told to wait before the client gives it up."""
SEEDS = int(os.environ.get("UNIFIED_EXCHANGES_SEEDS", "100"))


class Line(Desk):
    """A desk whose frames are on their way for a while."""

    def __init__(self, rng: Random) -> None:
        super().__init__(silence=28.0, acknowledgement=10.0)
        self.rng = rng
        self.way: deque[dict[str, Any]] = deque()
        self.pending: list[dict[str, Any]] = []
        self.history: dict[tuple[int, int], tuple[str, Any]] = {}
        self.wanted = dict.fromkeys(MARKETS, 0)
        self.put_off = 0
        self.retries = 3
        self.unknown.add(SILENT)
        self.is_strict = rng.random() < 0.5
        """Whether it gives no snapshot of a market that it was not told to send."""
        self.has_lost = False
        """Whether something was lost that no later number has shown yet."""
        self.refusable = {SILENT}
        for market in MARKETS:
            self.change(market, "yes", "0.10", "5.00")
            self.change(market, "no", "0.90", "5.00")

    def hear(self, frame: dict[str, Any]) -> list[Any]:
        """Put a frame on its way, and remember the book that it tells of."""
        self.way.append(copy.deepcopy(frame))
        if frame["type"].startswith("orderbook_"):
            market = frame["msg"]["market_ticker"]
            known = copy.deepcopy(self.book(market))
            self.history[frame["sid"], frame["seq"]] = market, known
        return []

    def arrive(self) -> None:
        """The next frame reaches the client."""
        if self.way:
            frame = self.way.popleft()
            if frame.get("seq") and frame["sid"] in self.sids.values():
                self.has_lost = False
            self.note(super().hear(frame))
            self.check()

    def note(self, events: list[Any]) -> None:
        """What was refused is followed no more, unless somebody tries again at once."""
        for event in events:
            if isinstance(event, Refused):
                ids = MARKETS if event.market_ids is None else sorted(event.market_ids)
                assert self.refusable.issuperset(ids)
                self.wanted |= dict.fromkeys(ids, 0)
                if self.retries and self.rng.random() < 0.5:
                    self.retries -= 1
                    self.follow_again(self.rng.choice(ids))

    def follow_again(self, market: str) -> None:
        if self.rng.random() < 0.5:
            self.unknown.discard(market)
        self.wanted[market] += 1
        self.stream.follow(Subject.ORDER_BOOK, [market])

    def check(self) -> None:
        sid = self.sids.get("orderbook_delta")
        for market in MARKETS:
            book = self.stream.order_book(market)
            if book is None or book.stale:
                continue
            assert book.sequence is not None
            subs = [s for s, _ in self.history if (s, book.sequence) in self.history]
            told = [self.history[s, book.sequence] for s in {*subs, sid} if s in subs]
            assert (market, levels(book)) in told
            if not self.way and not self.has_lost:
                assert levels(book) == self.book(market)

    # -- what may happen ------------------------------------------------------------

    def step(self, action: str) -> None:
        getattr(self, f"do_{action}")()
        if self.rng.random() < 0.7:
            self.pending += self.sent()
        self.check()

    def do_follow(self) -> None:
        markets = self.rng.sample(MARKETS, self.rng.choice((1, 1, 3)))
        for market in markets:
            self.wanted[market] += 1
        self.stream.follow(Subject.ORDER_BOOK, markets)

    def do_unfollow(self) -> None:
        if wanted := [market for market, count in self.wanted.items() if count]:
            market = self.rng.choice(wanted)
            self.wanted[market] -= 1
            self.stream.unfollow(Subject.ORDER_BOOK, [market])

    def do_trade(self) -> None:
        """Change a level; who holds the market is told."""
        market, side = self.rng.choice(MARKETS), self.rng.choice(("yes", "no"))
        if market in self.unknown:
            return
        cents = (
            self.rng.randrange(1, 50) if side == "yes" else self.rng.randrange(51, 99)
        )
        price = f"0.{cents:02d}00"
        there = self.book(market)[side].get(Decimal(price), Decimal(0))
        by = f"-{there}" if there and self.rng.random() < 0.5 else "1.25"
        msg = self.change(market, side, price, by)
        if market in self.held.get("orderbook_delta", ()):
            self.push("orderbook_delta", "orderbook_delta", msg)

    def do_command(self) -> None:
        """The venue carries out one of the commands that it has, any of them."""
        self.pending += self.sent()
        if self.pending:
            self.answer(self.pending.pop(self.rng.randrange(len(self.pending))))

    def do_refuse(self) -> None:
        """The venue refuses one of the commands that it has, for now or for good."""
        self.pending += self.sent()
        if not self.pending:
            return
        command = self.pending.pop(self.rng.randrange(len(self.pending)))
        action = command["params"].get("action", command["cmd"])
        # A removal that is refused for good would be held on to: not for these tests.
        is_removal = action in {"unsubscribe", "delete_markets"}
        if self.put_off < PATIENCE and (is_removal or self.rng.random() < 0.5):
            self.put_off += 1
            self.fail(command, self.rng.choice((1, 18, 27)))
        elif is_removal:
            self.answer(command)
        else:
            markets = command["params"]["market_tickers"]
            named = self.rng.random() < 0.5
            more = {"market_tickers": [self.rng.choice(markets)]} if named else {}
            codes = (4, 13) if action == "get_snapshot" else (9, 26)
            code = self.rng.choice((11, 11, *codes))
            if code in {9, 11, 26}:
                self.refusable.update(markets if code == 11 else MARKETS)
            self.fail(command, code, **more)

    def do_open(self) -> None:
        """The market that was not there is there now, or the other way round."""
        self.unknown.symmetric_difference_update({SILENT})

    def do_arrive(self) -> None:
        self.arrive()

    def do_lose(self) -> None:
        # That a subscription died is the one thing whose loss nothing else shows: the
        # auditor finds it over REST.
        if self.way and self.way[0]["type"] != "error":
            self.way.popleft()
            self.has_lost = True

    def do_repeat(self) -> None:
        if self.way:
            self.way.insert(self.rng.randrange(len(self.way)), self.way[0])

    def do_swap(self) -> None:
        if len(self.way) > 1:
            self.way.rotate(-1)
            first = self.way.popleft()
            self.way.appendleft(self.way.pop())
            self.way.appendleft(first)

    def do_kill(self) -> None:
        if "orderbook_delta" in self.sids:
            del self.held["orderbook_delta"]
            self.kill("orderbook_delta", self.rng.choice((10, 25)))
            # What the dead subscription was asked is answered by no one.
            self.pending.clear()

    def do_cut(self) -> None:
        self.stream.connection_lost("cut")
        self.check()
        self.way.clear()
        self.pending.clear()
        self.history.clear()
        self.has_lost = False
        self.connect()

    def do_tick(self) -> None:
        self.clock.advance(self.rng.choice((0.1, 1.0, 5.0)))
        self.stream.heard()
        self.note(list(self.stream.poll()))
        if self.stream.broken:
            self.do_cut()

    def answer(self, command: dict[str, Any]) -> None:
        sid = command["params"].get("sid") or command["params"].get("sids", [None])[0]
        if sid is not None and sid not in self.sids.values():
            self.fail(command, 7)
            return
        markets = set(command["params"].get("market_tickers", ()))
        is_snapshot = command["params"].get("action") == "get_snapshot"
        if is_snapshot and self.is_strict and markets - self.held["orderbook_delta"]:
            self.fail(command, 11)
            return
        super().answer(command)

    def calm_down(self) -> None:
        """Nothing goes wrong any more; what was lost shows with the next message."""
        rounds = 100
        while rounds:
            rounds -= 1
            retries = self.retries
            self.pending += self.sent()
            while self.pending:
                self.answer(self.pending.pop(0))
            for market in self.held.get("orderbook_delta", set()) - self.unknown:
                self.delta(market, "yes", "0.05", "1.00")
            while self.way:
                self.arrive()
            self.do_tick()
            if self.retries < retries:
                rounds = 100  # as long again for what was asked again


USUAL = (
    "trade",
    "trade",
    "arrive",
    "arrive",
    "arrive",
    "command",
    "follow",
    "unfollow",
)
TROUBLE = ("refuse", "refuse", "open", "tick", "tick", "tick")
DAMAGE = ("lose", "repeat", "swap", "kill", "cut", *TROUBLE)


@settings(max_examples=SEEDS)
@given(
    seed=st.integers(0, 2**32),
    steps=st.integers(0, 150),
    calm=st.integers(0, 40),
    rare=st.sampled_from((TROUBLE, DAMAGE)),
)
def test_fault_31_no_live_book_is_ever_wrong_and_all_are_right_in_the_end(
    seed: int, steps: int, calm: int, rare: tuple[str, ...]
) -> None:
    run(Line(Random(seed)), steps, calm, rare)


def test_fault_36_p10_no_order_of_commands_and_refusals_makes_a_book_wrong() -> None:
    # Nothing is lost on this line: what is wrong was done by commands and answers alone.
    for seed in range(SEEDS):
        run(Line(Random(seed)), 200, (2, 8, 30)[seed % 3], TROUBLE)


def run(line: Line, steps: int, calm: int, rare: tuple[str, ...]) -> None:
    """Let things happen, then nothing but what was asked for."""
    line.connect()
    line.do_follow()
    for _ in range(steps):
        kind = USUAL if line.rng.randrange(calm + 2) else rare
        line.step(line.rng.choice(kind))
    line.calm_down()
    for market, count in line.wanted.items():
        book = line.stream.order_book(market)
        assert (book is not None) is bool(count)
        if book is not None:
            assert (book.stale, levels(book)) == (False, line.book(market))
    assert line.held.get("orderbook_delta", set()) == {
        market for market, count in line.wanted.items() if count
    }
    assert line.stream.is_settled
    health = line.stream.health()
    assert (health.state, health.stale_books) == ("live", 0)
