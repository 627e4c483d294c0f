"""How a market ended is found over REST where the stream may not tell it."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import Any

import pytest

from unified_exchanges.errors import AuthenticationError, NetworkError
from unified_exchanges.models import Gap, MarketChange, MarketStatus, Subject

from .samples import moment
from .toy import Stage, ToyStream, drain

LIVES = Subject.MARKET_STATUS


class Unreliable(ToyStream):
    """A stream that may lose how a market ended."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.tells_endings = False


class Hall(Stage):
    stream_type = Unreliable


@pytest.fixture
def stage() -> Stage:
    stage = Hall(reconcile=180)
    stage.connect()
    return stage


def ended(market_id: str = "A", value: str | None = "1") -> MarketChange:
    return MarketChange(
        venue="toy",
        raw_json=b"{}",
        market_id=market_id,
        change="resolved",
        status=MarketStatus.SETTLED,
        value=None if value is None else Decimal(value),
        timestamp=moment(0),
    )


def test_an_end_that_the_stream_lost_is_told(stage: Stage) -> None:
    mine = stage.join(LIVES, ["A", "B"])
    stage.pass_time(100)
    end = stage.venue.ended["A"] = ended()
    stage.pass_time(80)
    assert drain(mine) == []
    stage.pass_time(20)
    assert drain(mine) == [end]


def test_an_end_from_before_is_told_to_whoever_comes(stage: Stage) -> None:
    end = stage.venue.ended["A"] = ended()
    mine = stage.join(LIVES, ["A"])
    stage.pass_time(2)
    later = stage.join(LIVES, ["A"])
    assert (drain(mine), drain(later)) == ([end], [end])


def test_an_end_is_told_once_however_it_came(stage: Stage) -> None:
    mine = stage.join(LIVES, ["A"])
    everything = stage.join(LIVES)
    end = stage.venue.ended["A"] = ended()
    stage.pass_time(2)
    stage.tell(ended())
    stage.pass_time(1_000)
    assert (drain(mine), drain(everything)) == ([end], [end])


def test_what_has_ended_is_looked_up_no_more(stage: Stage) -> None:
    stage.join(LIVES, ["A"])
    stage.tell(ended())
    stage.pass_time(1_000)
    assert stage.venue.looked_up == []


def test_what_it_pays_is_looked_up_where_an_end_does_not_say(stage: Stage) -> None:
    mine = stage.join(LIVES, ["A"])
    stage.pass_time(30)
    first = ended(value=None)
    stage.tell(first, ended(value=None))
    end = stage.venue.ended["A"] = ended(value="0.5")
    stage.pass_time(2)
    assert drain(mine) == [first, end]


def test_an_end_that_is_put_right_is_told_again(stage: Stage) -> None:
    mine = stage.join(LIVES, ["A"])
    told = [ended(value="1"), ended(value="0")]
    stage.tell(*told)
    assert drain(mine) == told


def test_what_is_no_end_is_told_as_often_as_it_comes(stage: Stage) -> None:
    mine = stage.join(LIVES, ["A"])
    change = MarketChange(venue="toy", raw_json=b"", market_id="A", change="tick")
    stage.tell(change, change)
    assert drain(mine) == [change, change]


def test_looks_are_few(stage: Stage) -> None:
    stage.join(LIVES, ["A", "B"])
    stage.pass_time(600)
    # At once, when a read does not lag behind any more, and every so often.
    assert stage.venue.looked_up == [["A", "B"]] * 5


@pytest.mark.parametrize("subject", [None, LIVES])
def test_after_a_gap_and_a_break_it_is_looked_up_soon(
    stage: Stage, subject: Subject | None
) -> None:
    mine = stage.join(LIVES, ["A"])
    stage.pass_time(30)
    end = stage.venue.ended["A"] = ended()
    if subject is None:
        stage.reconnect()
    else:
        stage.tell(Gap(subject=subject, reason="one was lost", at=moment(0)))
    stage.pass_time(2)
    assert drain(mine) == [end]


def test_a_line_that_breaks_all_the_time_asks_no_more_than_every_five_seconds(
    stage: Stage,
) -> None:
    stage.join(LIVES, ["A"])
    for _ in range(30):
        stage.reconnect()
        stage.run()
    assert len(stage.venue.looked_up) <= 7


def test_without_reconciling_only_what_gave_cause_is_looked_up() -> None:
    stage = Hall(reconcile=None)
    stage.connect()
    stage.join(LIVES, ["A"])
    stage.pass_time(1_000)
    assert len(stage.venue.looked_up) == 2


def test_a_failed_look_is_tried_again(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    stage.venue.trouble = NetworkError("broke", venue="toy")
    mine = stage.join(LIVES, ["A"])
    stage.pass_time(12)
    assert 2 <= len(stage.venue.looked_up) <= 3
    assert "was not read: toy: broke" in caplog.text
    stage.venue.trouble = None
    end = stage.venue.ended["A"] = ended()
    stage.pass_time(10)
    assert drain(mine) == [end]


def test_a_wrong_key_is_not_tried_again(stage: Stage) -> None:
    stage.venue.trouble = AuthenticationError("no", venue="toy")
    stage.join(LIVES, ["A"])
    stage.pass_time(1_000)
    assert len(stage.venue.looked_up) == 1


def test_what_nobody_follows_by_name_is_not_looked_up(stage: Stage) -> None:
    mine = stage.join(LIVES, ["A", "B"])
    stage.join(LIVES)
    stage.join(Subject.TRADES, ["C"])
    stage.feed.drop(["B"])
    stage.pass_time(2)
    assert stage.venue.looked_up == [["A"]]
    stage.feed.leave(mine)
    stage.pass_time(1_000)
    assert stage.venue.looked_up == [["A"]]


def test_who_leaves_during_a_look_is_told_nothing(stage: Stage) -> None:
    mine = stage.join(LIVES, ["A"])
    everything = stage.join(LIVES)
    stage.venue.ended["A"] = ended()
    stage.clock.advance(1)
    stage.run(meanwhile=lambda: stage.feed.leave(mine))
    assert drain(everything) == []
    assert stage.feed._endings.known("A") is None


@pytest.mark.parametrize("trouble", [None, NetworkError("broke", venue="toy")])
def test_what_is_told_during_a_look_needs_no_other(
    stage: Stage, trouble: Exception | None
) -> None:
    stage.venue.trouble = trouble
    mine = stage.join(LIVES, ["A"])
    end = stage.venue.ended["A"] = ended()
    stage.clock.advance(1)
    stage.run(meanwhile=lambda: stage.tell(end))
    stage.pass_time(1_000)
    assert drain(mine) == [end]
    assert len(stage.venue.looked_up) == 1


def test_what_gives_cause_during_a_look_is_looked_up_soon_after_it(
    stage: Stage,
) -> None:
    mine = stage.join(LIVES, ["A"])
    stage.clock.advance(1)

    def meanwhile() -> None:
        stage.clock.advance(0.1)
        stage.tell(Gap(subject=LIVES, reason="one was lost", at=moment(0)))

    stage.run(meanwhile=meanwhile)
    end = stage.venue.ended["A"] = ended()
    stage.pass_time(6)
    assert drain(mine) == [end]


def test_many_are_looked_up_a_hundred_at_a_time(stage: Stage) -> None:
    stage.join(LIVES, [f"M{n}" for n in range(250)])
    stage.pass_time(3)
    assert [len(x) for x in stage.venue.looked_up] == [100, 100, 50]


def test_a_stream_that_tells_every_end_is_believed() -> None:
    stage = Stage(reconcile=180)
    stage.connect()
    mine = stage.join(LIVES, ["A"])
    stage.pass_time(1_000)
    assert stage.venue.looked_up == []
    told = [ended(), ended()]
    stage.tell(*told)
    assert drain(mine) == told
