"""What is seen to for all tests."""

from __future__ import annotations

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
