"""One configuration for every test: hypothesis without wall-clock deadlines."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Two shared cores are slow at times; a slow example is not a wrong one.
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")
