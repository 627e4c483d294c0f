"""What the folder of every venue stands on.

`contract` is what a venue fills in, `sending` how its requests leave, `paging` how its
listings are read, `journaling` how its orders outlive a crash, `arguments` and `reading`
what callers and venues say, checked.
"""

from __future__ import annotations

from .call import Call
from .contract import Venue
from .sending import Sender

__all__ = ["Call", "Sender", "Venue"]
