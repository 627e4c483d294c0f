"""The quote that a consumer of tickers begins with holds, or it is not handed out."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from unified_exchanges.errors import MarketNotFound
from unified_exchanges.models import Gap, Subject
from unified_exchanges.streams.protocol import Refused
from unified_exchanges.watching import quotes
from unified_exchanges.watching.follower import Follower

from .samples import START, ticker
from .toy import Stage, drain

TICKER = Subject.TICKER


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.connect()
    return stage


def begin(stage: Stage, *names: str) -> list[tuple[str, str]]:
    """What a consumer of these, or of all markets, is told at once; it leaves again."""
    follower = stage.join(TICKER, names or None)
    told = [(x.market_id, str(x.bid)) for x in drain(follower)]
    stage.feed.leave(follower)
    return told


def test_a_quote_is_forgotten_when_its_last_follower_leaves(stage: Stage) -> None:
    one, _other = stage.join(TICKER, ["A"]), stage.join(TICKER, ["B"])
    second = stage.join(TICKER, ["A", "B"])
    stage.tell(ticker("A"), ticker("B"))
    stage.feed.leave(one)
    assert begin(stage, "A") == [("A", "0.40")]
    stage.feed.leave(second)
    assert begin(stage, "A") == []
    assert begin(stage, "B") == [("B", "0.40")]


def test_a_quote_that_was_on_its_way_when_its_follower_left_is_not_kept(
    stage: Stage,
) -> None:
    one, _other = stage.join(TICKER, ["A"]), stage.join(TICKER, ["B"])
    stage.feed.leave(one)
    stage.tell(ticker("A"))
    assert begin(stage, "A") == []


def test_a_quote_is_forgotten_when_its_market_is_unwatched(stage: Stage) -> None:
    stage.join(TICKER, ["A", "B"])
    stage.tell(ticker("A"), ticker("B"))
    stage.feed.drop(["A"])
    assert begin(stage, "A", "B") == [("B", "0.40")]


def test_a_quote_is_forgotten_when_the_venue_refuses_its_market(stage: Stage) -> None:
    stage.join(TICKER, ["A"])
    stage.join(TICKER, ["B"])
    stage.tell(ticker("A"), ticker("B"))
    del stage.stream.followed[TICKER, "A"]
    error = MarketNotFound("no more")
    stage.tell(Refused(subject=TICKER, market_ids=frozenset({"A"}), error=error))
    assert begin(stage, "A", "B") == [("B", "0.40")]


def test_quotes_that_a_gap_may_concern_are_forgotten(stage: Stage) -> None:
    def gap(subject: Subject | None, *names: str) -> Gap:
        return Gap(subject=subject, market_ids=names, reason="lost", at=START)

    stage.join(TICKER, ["A", "B", "C"])
    stage.tell(ticker("A"), ticker("B"), ticker("C"))
    stage.tell(gap(TICKER, "A"), gap(Subject.TRADES), gap(Subject.TRADES, "C"))
    assert begin(stage, "A", "B", "C") == [("B", "0.40"), ("C", "0.40")]
    stage.tell(gap(None, "C"))
    assert begin(stage, "A", "B", "C") == [("B", "0.40")]
    stage.tell(gap(TICKER))
    assert begin(stage, "A", "B", "C") == []


def test_quotes_are_forgotten_when_one_subscription_takes_the_place_of_another(
    stage: Stage,
) -> None:
    stage.join(TICKER, ["A"])
    stage.tell(ticker("A", "0.40"))
    # All markets are another subscription, which the venue has not answered yet.
    stage.stream.is_answered = False
    everything = stage.join(TICKER)
    assert [str(x.bid) for x in drain(everything)] == ["0.40"]
    stage.tell(ticker("A", "0.41"))
    assert begin(stage, "A") == []
    stage.stream.is_answered = True
    stage.tell(ticker("A", "0.42"))
    assert begin(stage, "A") == [("A", "0.42")]
    assert begin(stage) == [("A", "0.42")]
    stage.feed.leave(everything)
    assert begin(stage, "A") == []


def test_few_quotes_are_kept_of_many(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotes, "_MOST", 2)
    stage.join(TICKER)
    for name in ("A", "B", "A", "C"):
        stage.tell(ticker(name))
    assert [name for name, _ in begin(stage)] == ["A", "C"]


NAMES = ("A", "B", "C")
SOME = st.sampled_from([None, ("A",), ("B",), ("A", "B"), ("B", "C")])


class Quotes(RuleBasedStateMachine):
    """Quotes move; they are told to whom the venue has subscribed, and to no one else."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage()
        self.stage.connect()
        self.cents = dict.fromkeys(NAMES, 40)
        self.followers: list[Follower] = []

    def is_told(self, name: str) -> bool:
        followed = +self.stage.stream.followed
        wanted = (TICKER, name) in followed or (TICKER, None) in followed
        return self.stage.stream.is_connected and wanted

    @rule(names=SOME)
    def join(self, names: tuple[str, ...] | None) -> None:
        follower = self.stage.join(TICKER, names)
        self.followers.append(follower)
        for told in drain(follower):
            assert told.bid == Decimal(self.cents[told.market_id]) / 100

    @rule(pick=st.integers(0, 99))
    def leave(self, pick: int) -> None:
        if self.followers:
            self.stage.feed.leave(self.followers.pop(pick % len(self.followers)))

    @rule(name=st.sampled_from(NAMES))
    def unwatch(self, name: str) -> None:
        self.stage.feed.drop([name])
        self.followers = [x for x in self.followers if not x.mailbox.is_closed]

    @rule(name=st.sampled_from(NAMES))
    def move(self, name: str) -> None:
        """A quote moves.

        What nobody follows is told all the same, as it was on its way when they left;
        and moves once more, unseen.
        """
        self.cents[name] = 40 + (self.cents[name] - 39) % 20
        self.stage.tell(ticker(name, bid=f"0.{self.cents[name]}"))
        if not self.is_told(name):
            self.cents[name] = 40 + (self.cents[name] - 39) % 20

    @rule()
    def lose(self) -> None:
        """The connection breaks; quotes move before the next."""
        self.stage.feed.handle(self.stage.stream.connection_lost("gone"))
        for name in NAMES:
            self.cents[name] += 1
        self.stage.connect()

    @invariant()
    def only_what_is_followed_is_kept(self) -> None:
        kept = self.stage.feed._quotes.names
        assert all(map(self.is_told, kept))


class TestQuotes(Quotes.TestCase):  # type: ignore[name-defined,misc]
    settings = settings(max_examples=100, stateful_step_count=30, derandomize=True)
