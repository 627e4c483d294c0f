"""How listings are read: page by page, each item once, and to an end."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from typing import Final, TypeVar

import attrs

from ..errors import NetworkError, UnifiedExchangesError, VenueSchemaError
from ..flow import Flow, Page, Pages, Pending, Response, Start, Step
from ..flow import Outcome as Reply
from .call import Call
from .sending import Sender

__all__ = ["Paging"]

T = TypeVar("T")

_FRUITLESS_PAGES: Final = 20
"""Pages in a row without a new item after which a listing is given up as endless."""


@attrs.frozen(slots=True, eq=False, repr=False)
class _Begun:
    call: Call
    pending: Pending


class Paging(Sender):
    """Follows the cursors of listings."""

    def pages(
        self,
        ask: Callable[[str | None], Call],
        parse: Callable[[bytes], tuple[list[T], str | None]],
        key: Callable[[T], Hashable],
        *,
        peek: Callable[[bytes], str | None] | None = None,
        seen: set[Hashable] | None = None,
        tell_apart: Callable[[list[T]], Flow[list[T]]] | None = None,
    ) -> Pages[T]:
        """Follow cursors to the end, handing out each item once.

        With ``peek`` the next page is asked for before this one is decoded.  ``seen``
        carries the keys over several listings, and ``tell_apart`` changes the items of a
        page before their keys are looked at.  A cursor that comes back, or pages that
        bring nothing new for ever, raise `VenueSchemaError`.
        """
        seen = set() if seen is None else seen
        cursors: set[str] = set()
        fruitless = 0
        call, begun = ask(None), None
        while True:
            response = yield from self._page(call, begun)
            ahead = peek(response.body) if peek else None
            begun = None
            if ahead and ahead not in cursors:
                begun = yield from self._begin(ask(ahead))
            items, cursor = parse(response.body)
            if tell_apart is not None:
                items = yield from tell_apart(items)
            fresh = [item for item in items if not _known(seen, key(item))]
            if fresh:
                yield Page(fresh)
            if not cursor:
                return
            fruitless = 0 if fresh else fruitless + 1
            if cursor in cursors or fruitless >= _FRUITLESS_PAGES:
                raise self._endless(call, cursor)
            cursors.add(cursor)
            call = ask(cursor)

    def _page(self, call: Call, begun: _Begun | None) -> Flow[Response]:
        if begun is None or begun.call != call:
            return (yield from self.send(call))
        try:
            response = yield begun.pending
            assert isinstance(response, Response)
        except NetworkError:
            self._unanswered(call)
            return (yield from self.send(call, tried=1))
        try:
            # When it was sent and answered is not known: the page before was decoded.
            return self._judge(call, response, None)
        except UnifiedExchangesError as error:
            if not error.retryable:
                raise
            return (yield from self.send(call, tried=1))

    def _begin(self, call: Call) -> Generator[Step, Reply, _Begun | None]:
        """Begin a call if the limiter lets it go at once."""
        now = self.clock.monotonic()
        deadline = now + self.retry.deadline
        if self.settings.limits.enabled and self._queue(call, now, 0.0)[0] > now:
            return None
        pending = yield Start(self._prepare(call, deadline))
        assert isinstance(pending, Pending)
        return _Begun(call, pending)

    def _endless(self, call: Call, cursor: str) -> VenueSchemaError:
        message = (
            f"{call.about}: the listing does not end (cursor {cursor[:40]!r} came again "
            "or pages bring nothing new); the items so far are not complete"
        )
        return VenueSchemaError(
            message, field="cursor", venue=self.id, request=call.name
        )


def _known(seen: set[Hashable], key: Hashable) -> bool:
    if key in seen:
        return True
    seen.add(key)
    return False
