"""The house rules that a tool can check."""

from __future__ import annotations

from unified_exchanges.version import VERSION


def test_the_version_is_set() -> None:
    assert VERSION.count(".") == 2
