"""Where what one exchange object measures comes together: observer, alerts and health."""

from __future__ import annotations

from .delivery import Delivery
from .labels import environment_label, outcome_of
from .monitor import Monitor

__all__ = ["Delivery", "Monitor", "environment_label", "outcome_of"]
