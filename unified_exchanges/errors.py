"""Every error the library raises, split by what the caller does next.

::

    UnifiedExchangesError
    ├── BadRequest                     fix the call; nothing was sent, or the venue refused it
    │   ├── ArgumentsRequired
    │   ├── ReadOnly               real money, and the object was not made with live=True
    │   ├── NotSupported               this venue cannot do it (see ``has``)
    │   ├── CombinationMarket          pays on several conditions; carries ``legs``
    │   ├── NotRecorded                a replay was asked for what its recording lacks
    │   └── InvalidOrder
    │       ├── InvalidPrice           carries ``nearest``, the closest valid prices
    │       ├── InvalidSize            carries ``nearest``, the closest valid sizes
    │       └── GuardTripped           our own caps; carries ``guard``, ``limit``, ``value``
    ├── ExchangeError                  the venue answered, and the answer is no
    │   ├── AuthenticationError        fix the account or the key
    │   │   ├── PermissionDenied
    │   │   └── ClockSkew              carries ``offset_ms``
    │   ├── InsufficientFunds
    │   ├── OrderNotFound
    │   ├── MarketNotFound
    │   ├── EventNotFound
    │   ├── DuplicateOrderId           the idempotency key belongs to a different order
    │   ├── MarketClosed
    │   ├── OrderRejected
    │   ├── VenueSchemaError           the venue changed; carries ``field``
    │   └── ExchangeNotAvailable       wait, ``retry_after`` seconds where it tells
    │       └── OnMaintenance
    ├── RateLimitExceeded              wait ``retry_after`` seconds
    ├── NetworkError                   look before acting; ``sent`` says whether bytes left
    │   ├── RequestTimeout
    │   └── ConnectionLost
    ├── StaleBook                      may have changed unseen; wait for a whole one
    ├── OrderUnknown                   the order may exist; look it up by ``client_order_id``
    ├── OrderNotDone                   waited for, and not done yet; carries ``tracked``
    ├── OrderNotFilled                 waited for, and ended unfilled; carries ``tracked``
    ├── Halted                         no order leaves until ``resume()``; carries ``reason``
    ├── UnresolvedOrders               orders of an earlier run may exist; ``reconcile()`` first
    ├── JournalError                   the journal cannot be kept; without it no order leaves
    ├── StreamOverflow                 a consumer of a stream was too slow; watch again
    └── InternalError                  a mistake of this library ended the stream; report it
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .models import TrackedOrder

__all__ = [
    "ArgumentsRequired",
    "AuthenticationError",
    "BadRequest",
    "ClockSkew",
    "CombinationMarket",
    "ConnectionLost",
    "DuplicateOrderId",
    "EventNotFound",
    "ExchangeError",
    "ExchangeNotAvailable",
    "GuardTripped",
    "Halted",
    "InsufficientFunds",
    "InternalError",
    "InvalidOrder",
    "InvalidPrice",
    "InvalidSize",
    "JournalError",
    "MarketClosed",
    "MarketNotFound",
    "NetworkError",
    "NotRecorded",
    "NotSupported",
    "OnMaintenance",
    "OrderNotDone",
    "OrderNotFilled",
    "OrderNotFound",
    "OrderRejected",
    "OrderUnknown",
    "PermissionDenied",
    "RateLimitExceeded",
    "ReadOnly",
    "RequestTimeout",
    "StaleBook",
    "StreamOverflow",
    "UnifiedExchangesError",
    "UnresolvedOrders",
    "VenueSchemaError",
]


class UnifiedExchangesError(Exception):
    """Base of the taxonomy: one ``except`` catches all that this library raises.

    ``message`` says what was asked, what the venue said, and what to do next.  The
    attributes carry the same for a program: ``venue`` is the exchange id, ``request`` the
    method and path (never headers, which hold keys), ``status`` the HTTP status, ``code``
    the venue's own code, ``payload`` an excerpt of its answer.
    """

    retryable = False
    """Whether the same call may succeed later without a change."""

    def __init__(
        self,
        message: str,
        *,
        venue: str | None = None,
        request: str | None = None,
        status: int | None = None,
        code: str | None = None,
        payload: str | None = None,
        client_order_id: str | None = None,
        maybe_executed: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.venue = venue
        self.request = request
        self.status = status
        self.code = code
        self.payload = payload
        self.client_order_id = client_order_id
        self.maybe_executed = maybe_executed

    def add(self, more: str) -> None:
        """Say more; for whoever learns something about an error on its way up."""
        self.message += more
        self.args = (self.message,)

    def leave_in_doubt(self) -> None:
        """Take note that what was asked may have taken effect all the same."""
        self.maybe_executed = True

    def __str__(self) -> str:
        return f"{self.venue}: {self.message}" if self.venue else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # The keyword-only attributes would be lost by the default of BaseException.
        return (_rebuild, (type(self), self.message, dict(self.__dict__)))


def _rebuild(
    kind: type[UnifiedExchangesError], message: str, state: dict[str, Any]
) -> UnifiedExchangesError:
    error = kind.__new__(kind)
    error.args = (message,)
    error.__dict__.update(state)
    return error


class BadRequest(UnifiedExchangesError):
    """The call is wrong; change it before calling again."""


class ArgumentsRequired(BadRequest):
    """An argument that this venue needs is missing."""


class ReadOnly(BadRequest):
    """The exchange may not write: no ``live=True`` where money is real, or read-only."""


class NotSupported(BadRequest):
    """The venue has no such operation; ``exchange.has`` says so beforehand."""


class CombinationMarket(BadRequest):
    """The market pays on several conditions at once, where a plain one is expected.

    ``legs`` are its conditions: each is a plain market of its own, with an outcome.
    """

    def __init__(
        self, message: str, *, legs: Sequence[object] = (), **context: Any
    ) -> None:
        super().__init__(message, **context)
        self.legs = tuple(legs)


class NotRecorded(BadRequest):
    """A replay was asked for what its recording does not hold (any more).

    It is not a `NetworkError`: nothing retries it, and nothing was sent.
    """


class InvalidOrder(BadRequest):
    """The order breaks a rule of the market or of the venue."""


class _OffGrid(InvalidOrder):
    def __init__(
        self, message: str, *, nearest: Sequence[Decimal] = (), **context: Any
    ) -> None:
        super().__init__(message, **context)
        self.nearest = tuple(nearest)


class InvalidPrice(_OffGrid):
    """The price is outside 0–1 or off the market's grid; ``nearest`` holds valid ones."""


class InvalidSize(_OffGrid):
    """The size is not positive or off the lot grid; ``nearest`` holds valid ones."""


class GuardTripped(InvalidOrder):
    """A guard of this exchange object refused the order; nothing was sent.

    ``guard`` is the field of its `GuardPolicy`, ``limit`` what that says, ``value`` what
    the order would have made of it; None where that could not be known.
    """

    def __init__(
        self,
        message: str,
        *,
        guard: str = "",
        limit: object = None,
        value: object = None,
        **context: Any,
    ) -> None:
        super().__init__(message, **context)
        self.guard = guard
        self.limit = limit
        self.value = value


class ExchangeError(UnifiedExchangesError):
    """The venue answered with a refusal."""


class AuthenticationError(ExchangeError):
    """The venue does not accept the key or the signature."""


class PermissionDenied(AuthenticationError):
    """The key is known but may not do this."""


class ClockSkew(AuthenticationError):
    """The signature's timestamp is outside the venue's window."""

    def __init__(
        self, message: str, *, offset_ms: int | None = None, **context: Any
    ) -> None:
        super().__init__(message, **context)
        self.offset_ms = offset_ms


class InsufficientFunds(ExchangeError):
    """Not enough free collateral for the order."""


class OrderNotFound(ExchangeError):
    """The venue does not know the order."""


class MarketNotFound(ExchangeError):
    """The venue does not know the market id."""


class EventNotFound(ExchangeError):
    """The venue does not know the event or series id."""


class DuplicateOrderId(ExchangeError):
    """The client order id was used before, for an order with other terms."""


class MarketClosed(ExchangeError):
    """The market does not trade now: not open yet, paused, closed or settled."""


class OrderRejected(ExchangeError):
    """The matching engine refused the order."""


class VenueSchemaError(ExchangeError):
    """The venue's answer lacks a field that money depends on, or has it malformed."""

    def __init__(
        self, message: str, *, field: str | None = None, **context: Any
    ) -> None:
        super().__init__(message, **context)
        self.field = field


class ExchangeNotAvailable(ExchangeError):
    """The venue is unable to answer now.

    ``retry_after`` is for how many seconds, where it tells.  ``refused`` says that nothing
    of what was asked has been done: else a write may have taken effect.
    """

    retryable = True

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        refused: bool = False,
        **context: Any,
    ) -> None:
        super().__init__(message, **context)
        self.retry_after = retry_after
        self.refused = refused


class OnMaintenance(ExchangeNotAvailable):
    """The venue is paused, in whole or for orders."""


class RateLimitExceeded(UnifiedExchangesError):
    """Too many requests: refused by the venue, or held back here to meet a deadline."""

    retryable = True

    def __init__(
        self, message: str, *, retry_after: float | None = None, **context: Any
    ) -> None:
        super().__init__(message, **context)
        self.retry_after = retry_after


class NetworkError(UnifiedExchangesError):
    """No usable answer arrived.

    ``sent`` is False when no byte of the request left this machine; otherwise the venue
    may have executed it.
    """

    retryable = True

    def __init__(self, message: str, *, sent: bool = True, **context: Any) -> None:
        super().__init__(message, **context)
        self.sent = sent

    def leave_in_doubt(self) -> None:
        """Take note that an earlier try had left, even if the last one did not."""
        super().leave_in_doubt()
        self.sent = True


class RequestTimeout(NetworkError):
    """The answer did not arrive in time."""


class ConnectionLost(NetworkError):
    """The connection could not be made, or broke."""


class StaleBook(UnifiedExchangesError):
    """The book may have changed unseen, so nothing is decided by it: take the next."""

    retryable = True


class OrderUnknown(UnifiedExchangesError):
    """The order may or may not be at the venue: look it up by ``client_order_id``."""

    def __init__(self, message: str, **context: Any) -> None:
        context.setdefault("maybe_executed", True)
        super().__init__(message, **context)


class _Awaited(UnifiedExchangesError):
    def __init__(
        self, message: str, *, tracked: TrackedOrder | None = None, **context: Any
    ) -> None:
        super().__init__(message, **context)
        self.tracked = tracked


class OrderNotDone(_Awaited):
    """An order that was waited for is not done when time is up; it goes on.

    ``tracked`` is where it stands: it may be open, or nobody may know.
    """

    retryable = True


class OrderNotFilled(_Awaited):
    """An order that was waited for ended without filling whole.

    ``tracked`` is how it ended; look at its ``filled``.
    """


class UnresolvedOrders(UnifiedExchangesError):
    """Orders that an earlier run left open may be at the venue, so no new one is sent.

    ``client_order_ids`` names them.  Cancels and reads go on.
    """

    def __init__(
        self, message: str, *, client_order_ids: Sequence[str] = (), **context: Any
    ) -> None:
        super().__init__(message, **context)
        self.client_order_ids = tuple(client_order_ids)


class Halted(UnifiedExchangesError):
    """Everything was stopped: no order leaves and none is changed until `resume`.

    ``reason`` is what `halt` was called with and ``halted_at`` when.  What raises it was
    not sent.  Cancels, reads and streams go on.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        halted_at: datetime | None = None,
        **context: Any,
    ) -> None:
        super().__init__(message, **context)
        self.reason = reason
        self.halted_at = halted_at


class JournalError(UnifiedExchangesError):
    """The journal of orders could not be read or written: locked, damaged, disk full.

    So is the file of an account on paper.  Nothing was sent, unless ``maybe_executed`` says
    that a cancel or a change on paper took effect and could not be written.
    """


class StreamOverflow(UnifiedExchangesError):
    """A consumer that wants every item fell too far behind; later items are lost to it.

    What had been waiting was delivered first.
    """


class InternalError(UnifiedExchangesError):
    """A mistake of this library, not of whoever uses it, has ended a stream.

    What went wrong is its ``__cause__``, and in the log.  Watch again to go on, and please
    report it.
    """
