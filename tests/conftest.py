"""One configuration for every test: hypothesis without wall-clock deadlines, a canary."""

from __future__ import annotations

import gc
import signal
import sys
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, core, settings
from hypothesis.vendor.pretty import RepresentationPrinter

from tests.canary import Canary

# A shell that starts the run in the background has its jobs ignore Ctrl-C; tests of what
# an interrupt does, in this process and in those it starts, need it as it is elsewhere.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

if sys.version_info < (3, 12):
    # Once there is an audit hook, as a socket guard has one, CPython 3.11 may refuse to
    # trace a thread that begins, and it does not begin, while another one begins to be
    # traced, as all are by coverage.
    _settrace = sys.settrace

    def _settrace_in_turn(trace: Any) -> None:
        for _ in range(1000):
            try:
                return _settrace(trace)
            except RuntimeError:
                time.sleep(0.001)
        return _settrace(trace)

    sys.settrace = _settrace_in_turn

# Two shared cores are slow at times; a slow example is not a wrong one.
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    """Watch over the whole run that nothing shows a secret."""
    canary = Canary()
    canary.start()
    config.pluginmanager.register(canary, "canary")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Have a failing example shown with its values.

    Schemathesis, wherever it is installed, puts a printer that prints nothing in place of
    Hypothesis's own, for all tests of the run.
    """
    core.RepresentationPrinter = RepresentationPrinter


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what has asked for much time: nobody waits for it alone at the end."""
    items.sort(key=_patience, reverse=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Have the collector look at nothing that is there before the first test.

    Some 17,000 tests are a million and a half objects: to go through all of them takes a
    second of each collection, which many tests ask for, and others meet with.
    """
    gc.collect()
    gc.freeze()


def _patience(item: pytest.Item) -> float:
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark is not None and mark.args else 0.0
