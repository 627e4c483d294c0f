"""What an exchange on paper hands on to its source: nothing that a venue has is forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from unified_exchanges import exchange, exchanges
from unified_exchanges.paper_exchange.source import FromSource
from unified_exchanges.paper_exchange.venue import PaperVenue
from unified_exchanges.registry import folder
from unified_exchanges.venue import Venue

NOT_HANDED_ON = {
    "cancel_all_orders_after": "the account is not the source's",
    "family": "keys of the source are not those of the account",
    "fetch_activity": "the account is not the source's",
    "fetch_limits": "the account is not the source's",
    "learn_key_expiry": "orders on paper need no key",
    "held_by": "the source hears itself what it is refused",
    "moves_position": "every fill on paper is of the one account there is",
    "rehearse": "nothing is ever sent that could be rehearsed",
    "rehearsed": "nothing is ever sent that could be rehearsed",
    "settling": "a fill on paper is final at once",
    "stop_order": "no delay holds an order on paper",
    "stop_orders": "the account is cancelled as a whole",
    "stream": "`lines` is what is followed",
    "stream_headers": "`lines` is what is followed",
    "told_mark": "the source has no position of ours to value",
}
"""What a venue may have and paper leaves as it is, and why."""


def had(kind: Any) -> set[str]:
    """What a venue answers in its own way of what any venue can be asked."""
    names = (name for name in dir(Venue) if not name.startswith("_"))
    asked = {name for name in names if callable(getattr(Venue, name))}
    return {name for name in asked if getattr(kind, name) is not getattr(Venue, name)}


@pytest.mark.parametrize("source", exchanges)
def test_what_a_source_has_is_handed_on_or_left_for_a_reason(source: str) -> None:
    theirs = had(folder(source, "blocking").EXCHANGE.venue_type)
    assert theirs - had(PaperVenue) <= set(NOT_HANDED_ON)


def test_every_reason_is_needed() -> None:
    kinds = [folder(name, "blocking").EXCHANGE.venue_type for name in exchanges]
    theirs = set().union(*map(had, kinds))
    assert set(NOT_HANDED_ON) <= theirs - had(PaperVenue)


def test_a_read_that_is_forgotten_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(FromSource, "fetch_tags")
    assert "fetch_tags" not in had(PaperVenue)
    with pytest.raises(AssertionError):
        test_what_a_source_has_is_handed_on_or_left_for_a_reason("kalshi")


@pytest.mark.parametrize("source", exchanges)
def test_a_market_that_is_not_there_is_told_in_the_words_of_the_source(
    source: str,
) -> None:
    with (
        exchange("paper", source=source, environment="local") as paper,
        exchange(source, environment="local") as real,
    ):
        theirs = real.venue.unknown_markets(["NONE"])
        ours = paper.venue.unknown_markets(["NONE"])
        assert (str(ours), ours.status) == (str(theirs), 404)
