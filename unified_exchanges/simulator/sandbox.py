"""A simulated venue with one funded account: what a practice session is opened with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from .faults import Venue

__all__ = ["Sandbox"]


@attrs.frozen(kw_only=True, slots=True)
class Sandbox:
    """A simulated venue, ready to be served, and the key of its one account.

    ``path`` follows the server's address in the base URL that an exchange is made with.
    ``private_key`` is its text in the venue's form.  ``key_variable`` and
    ``path_variable`` are the environment variables from which an exchange reads the key
    id and the path of the private key; ``variables`` are those of whatever else the
    venue gives out, such as a secret, with their values, and ``arguments`` are those of
    an exchange that say the same.
    """

    venue: Venue
    path: str
    api_key: str
    private_key: str = attrs.field(repr=False)
    key_variable: str
    path_variable: str
    variables: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    arguments: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
