"""One configuration for every test: hypothesis without wall-clock deadlines, a canary."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.canary import Canary

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
