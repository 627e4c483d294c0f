"""What is seen to for all tests."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def test_an_example_that_fails_is_shown_with_its_values() -> None:
    @settings(database=None)
    @given(number=st.integers())
    def fails(number: int) -> None:
        assert number < 5

    with pytest.raises(AssertionError) as failure:
        fails()
    assert "number=5" in "".join(failure.value.__notes__)


def test_the_collector_does_not_go_through_what_the_tests_are_made_of() -> None:
    # Those of pytest and of the library, however few tests were asked for.
    assert gc.get_freeze_count() > 100_000
    looked_at = {id(x) for x in gc.get_objects()}
    assert id(globals()) not in looked_at
