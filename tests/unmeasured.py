"""The environment of a process that is killed: it measures no coverage."""

from __future__ import annotations

import os

__all__ = ["unmeasured"]


def unmeasured(**more: str) -> dict[str, str]:
    """This process's environment, and more, without the measuring of coverage.

    It writes a file when a process ends: whoever is killed then leaves half a database,
    which nobody can add up, and whoever is killed before reports nothing anyhow.
    """
    own = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    return {**own, **more}
