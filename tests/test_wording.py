"""What errors say, whose classes are those of users."""

from __future__ import annotations

import pytest

from unified_exchanges.wording import words_of


class Odd(Exception):
    """Raises as it is told."""

    def __init__(self, raised: type[BaseException]) -> None:
        self.raised = raised

    def __str__(self) -> str:
        raise self.raised


@pytest.mark.parametrize("raised", [IndexError, SystemExit])
def test_an_error_that_cannot_say_its_words_says_that(
    raised: type[BaseException],
) -> None:
    words = f"(it cannot be said: its __str__ raised {raised.__name__})"
    assert words_of(Odd(raised)) == words


def test_ctrl_c_while_an_error_says_its_words_is_not_lost() -> None:
    with pytest.raises(KeyboardInterrupt):
        words_of(Odd(KeyboardInterrupt))
