"""What can be imported of Kalshi by name, and what that loads."""

from __future__ import annotations

from typing import get_args

import pytest

from tests.test_house import HEAVY, loaded_by
from unified_exchanges.streams.protocol import StreamEvent
from unified_exchanges.venues import kalshi
from unified_exchanges.venues.kalshi.stream import events

PUBLIC = "unified_exchanges.venues.kalshi"


@pytest.mark.parametrize("name", events.__all__)
def test_every_event_of_its_own_is_public(name: str) -> None:
    assert name in kalshi.__all__
    assert getattr(kalshi, name) is getattr(events, name)


def test_all_that_is_told_can_be_named() -> None:
    told = set(get_args(kalshi.KalshiEvent))
    own = {getattr(kalshi, name) for name in events.__all__} - {kalshi.IndexAverage}
    assert told == own | set(get_args(StreamEvent))
    assert kalshi.Refused in told


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'BookDealt'"):
        _ = kalshi.BookDealt


def test_importing_the_venue_loads_none_of_it() -> None:
    loaded = loaded_by(f"import {PUBLIC}")
    assert loaded & HEAVY == set()
    assert [name for name in loaded if name.startswith(f"{PUBLIC}.")] == []


def test_events_are_loaded_without_what_would_tell_them() -> None:
    loaded = loaded_by(f"from {PUBLIC} import BookDelta, Refused")
    assert loaded & (HEAVY - {"msgspec"}) == set()
