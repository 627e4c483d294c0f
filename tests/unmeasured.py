"""The environment of a process that is killed: it measures no coverage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

__all__ = ["unmeasured", "unmeasured_children"]


def unmeasured(**more: str) -> dict[str, str]:
    """This process's environment, and more, without the measuring of coverage.

    It writes a file when a process ends: whoever is killed then leaves half a database,
    which nobody can add up, and whoever is killed before reports nothing anyhow.
    """
    own = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    return {**own, **more}


@contextmanager
def unmeasured_children() -> Iterator[None]:
    """For processes that others start, and kill, with the environment of this one."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - unmeasured().keys():
            patch.delenv(name)
        yield
