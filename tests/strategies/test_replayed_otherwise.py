"""A strategy decides otherwise over its recording: no answer, and no news, of another order."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from unified_exchanges import Fill, NotRecorded, Order, exchange
from unified_exchanges.recording import Recorder
from unified_exchanges.strategies import Desk, Failure, contract_of

from ..flavours import FLAVOURS
from ..recording.sessions import VENUES, stage
from .test_replayed import replayed
from .test_replayed_late import Twice
from .test_replayed_trouble import live, quoted


class Second(Twice):
    """Places only the second of two equal orders."""

    def on_timer(self, desk: Desk, name: str) -> None:
        if name != "0":
            super().on_timer(desk, name)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_an_order_is_the_one_of_its_moment_though_an_equal_one_before_it_is_not_placed(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "twice.jsonl"
    with stage(venue) as at:
        real = Twice(quoted(at))
        live(flavour, real, at, path)
    _, second = real.heard.values()
    for other in FLAVOURS:
        again = Second(real.markets[0])
        report = replayed(other, again, path)
        assert report.failures == ()
        assert [x for x, _ in again.heard.values()] == [second[0]]


class Taking(Twice):
    """Buys at the best offer, as soon as there is one."""

    def __init__(self, name: str, **how: Any) -> None:
        super().__init__(name)
        self.how = how
        self.told: list[object] = []

    def on_timer(self, desk: Desk, name: str) -> None:
        if name == "1":
            desk.timer("enough", timedelta(seconds=3))
        elif name == "enough":
            desk.stop()
        else:
            book = desk.book(self.markets[0])
            assert book is not None
            assert book.ask is not None
            terms = (book.market_id, book.outcome, "buy", book.ask.price, 10)
            desk.place(*terms, **self.how)

    def on_order(self, desk: Desk, order: Order) -> None:
        self.told.append(order)

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.told.append(fill)

    def on_failure(self, desk: Desk, failure: Failure) -> None:
        self.told.append(type(failure.error))


@pytest.mark.parametrize("how", [{"post_only": True}, {"time_in_force": "ioc"}])
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_an_order_that_is_not_recorded_is_never_told_to_be_another(
    venue: str, flavour: str, how: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "taken.jsonl"
    with stage(venue) as at:
        real = Taking(quoted(at))
        before = live(flavour, real, at, path)
    assert [x.size for x in before.fills] == [10]
    again = Taking(real.markets[0], **how)
    report = replayed(flavour, again, path)
    assert again.told == [NotRecorded]
    assert report.fills == ()
    assert {x.size for x in report.positions} <= {Decimal(0)}
    paid = before.fills[0]
    cost = paid.price * paid.size + (paid.fee or 0)
    assert report.cash == before.cash + cost


def break_off(path: Path) -> None:
    """Leave out what was answered to the second order, and the end."""
    text = gzip.decompress(path.read_bytes()).decode()
    lines = text.splitlines(keepends=True)
    posts = [n for n, x in enumerate(lines) if '"method":"POST"' in x]
    del lines[posts[1]], lines[-1]
    path.write_text("".join(lines))


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_what_may_have_been_on_its_way_when_the_recording_broke_off_is_told_so(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "killed.jsonl"
    with stage(venue) as at:
        real = Twice(quoted(at))
        live(flavour, real, at, path)
    break_off(path)
    with pytest.raises(NotRecorded, match="on its way when that broke off"):
        replayed(flavour, Twice(real.markets[0]), path)


def test_what_was_not_sent_long_before_it_broke_off_is_not_excused(
    tmp_path: Path,
) -> None:
    path = tmp_path / "killed.jsonl"
    with stage("kalshi") as at:
        real = Twice(quoted(at))
        live("blocking", real, at, path)
    break_off(path)
    # As if it had gone on for a minute.
    *lines, last = path.read_text().splitlines(keepends=True)
    told = json.loads(last)
    later = {name: told[name] + 60 * 10**9 for name in ("at", "mono")}
    path.write_text("".join([*lines, last, json.dumps(told | later) + "\n"]))
    with pytest.raises(NotRecorded) as missing:
        replayed("blocking", Twice(real.markets[0]), path)
    assert "broke off" not in str(missing.value)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("venue", VENUES)
def test_a_run_that_ended_before_its_streams_were_there_is_told_as_one(
    venue: str, flavour: str, tmp_path: Path
) -> None:
    path = tmp_path / "short.jsonl"
    with stage(venue) as at:
        name = quoted(at)
        with exchange(at.venue, **at.account) as ex, Recorder(ex, path):
            contract_of(ex, name)
            ex.fetch_balance()
            ex.fetch_positions()
    with pytest.raises(NotRecorded, match="ended before its streams were there"):
        replayed(flavour, Twice(name), path)
