"""One connection of a venue's stream: what is told on it, and how it is reached."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from ..flow import Flow
from ..models import Subject
from .protocol import StreamProtocol
from .session import Dial

__all__ = ["Line"]


@attrs.frozen(kw_only=True, slots=True, eq=False)
class Line:
    """A venue has one for everything, or several that share the subjects among them.

    ``open`` begins a conversation.  ``prepare`` is done over REST before the first
    connection, such as deriving a key; None where nothing is to be done.  ``is_here`` says
    that it is told in this process, and comes over no wire.
    """

    name: str
    subjects: frozenset[Subject]
    open: Callable[[], StreamProtocol]
    dial: Dial
    prepare: Callable[[], Flow[None]] | None = None
    is_here: bool = False
