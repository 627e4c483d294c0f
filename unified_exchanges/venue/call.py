"""One request as a venue means it."""

from __future__ import annotations

import attrs

__all__ = ["Call"]


@attrs.define(kw_only=True, slots=True)
class Call:
    """One request as the venue means it, before it is signed.

    Not changed once made, but for ``has_left``: that a try was begun, whatever it came to;
    and for what ``body`` says of the key that signs, where that is renewed meanwhile.

    ``about`` says for people what is asked, as text or as what has that text.
    ``charges`` are (bucket, tokens).
        ``repeatable`` says that sending it twice does no harm, ``reads`` that it changes
    nothing though it is no GET.  ``deadline`` is on the monotonic clock; None takes the
    policy's.
    ``accepted`` are statuses besides 2xx whose body is the answer.  ``opens`` says that it
    may bring an order to the venue or change one: a halt keeps it from leaving.
    ``heeds`` asks for the halts of other processes right before, where no note in the
    journal did.  ``is_raw`` says that nothing takes it down: the switch itself keeps it in
    mind while it may arrive.
    """

    method: str
    path: str
    about: object
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = attrs.field(default=None, repr=False)
    charges: tuple[tuple[str, float], ...] = ()
    urgent: bool = False
    signed: bool = True
    repeatable: bool = True
    reads: bool = False
    is_order: bool = False
    opens: bool = False
    heeds: bool = False
    is_raw: bool = False
    deadline: float | None = None
    client_order_id: str | None = None
    accepted: tuple[int, ...] = ()
    has_left: bool = attrs.field(default=False, eq=False)

    @property
    def name(self) -> str:
        """Method and path, for errors."""
        return f"{self.method} {self.path}"

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing at the venue."""
        return self.reads or self.method == "GET"
