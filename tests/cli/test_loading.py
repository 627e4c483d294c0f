"""Which strategy of a file is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from unified_exchanges import BadRequest
from unified_exchanges.cli.loading import strategy_class

NOTEBOOK = '{"cells": [{"execution_count": null}], "nbformat": 4}'

HEAD = """
from unified_exchanges import Strategy

class Base(Strategy):
    pass

class Between(Base):
    pass

class Leaf(Between):
    pass

Same = Leaf
"""


def written(folder: Path, more: str = "") -> Path:
    path = folder / "mine.py"
    path.write_text(HEAD + more)
    return path


def test_what_others_are_made_from_is_not_meant(tmp_path: Path) -> None:
    assert strategy_class(written(tmp_path)).__name__ == "Leaf"


def test_of_two_that_nothing_is_made_from_none_is_taken(tmp_path: Path) -> None:
    path = written(tmp_path, "class Other(Base):\n    pass\n")
    with pytest.raises(BadRequest, match=r"it has: Leaf, Other$"):
        strategy_class(path)


@pytest.mark.parametrize("name", ["mine.ipynb", "mine.txt", "mine"])
def test_what_does_not_end_as_python_does_is_refused_unread(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_text(NOTEBOOK)
    with pytest.raises(BadRequest) as raised:
        strategy_class(path)
    assert str(raised.value).startswith(f"{path} is no Python: ")
    assert "whose name ends in .py" in str(raised.value)
    assert ("notebook" in str(raised.value)) is name.endswith("ipynb")
