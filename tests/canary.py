"""Secrets that tests use and that must never be seen in what the library says."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")

SECRETS: set[str] = set()
"""Key ids, PEM lines, passwords and signatures of the test that runs."""

_NAMES = ("api_key", "private_key", "password")
_SHORTEST = 12


def guarded(**settings: str) -> dict[str, str]:
    """Register the secrets among an exchange's settings, and give the settings."""
    for name in _NAMES:
        for line in settings.get(name, "").splitlines():
            if len(line) >= _SHORTEST and "-----" not in line:
                SECRETS.add(line)
    return settings
