"""The dead man's switch: the venue cancels all if it does not hear of us.

Once a heartbeat has come, all open orders of the API key are cancelled when none comes for
ten seconds, which is looked at every five; that cannot be ended but by letting it happen
(docs.polymarket.com, heartbeats, 2026-08).
"""

from __future__ import annotations

from typing import Final

from ...errors import BadRequest, UnifiedExchangesError
from ...flow import Flow, Response
from ...settings import Settings
from ...venue import Call
from . import receipts
from .connection import PolymarketConnection

__all__ = ["Heartbeats"]

_SECONDS: Final = 10
_REFUSED: Final = 400


class Heartbeats(PolymarketConnection):
    """Sends a heartbeat when it is asked to."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._beat = ""

    def cancel_all_orders_after(self, seconds: float | None) -> Flow[None]:
        """Send one heartbeat; see `Exchange.cancel_all_orders_after`.

        ``seconds`` is 10, as the venue has it.  Nobody sends the next one for you: call
        this about every five seconds, from a thread or a task of your own, for as long as
        your orders shall live.  The venue has no way to end it, so None is `NotSupported`.
        """
        if seconds is None:
            raise self.unsupported(
                "end of the dead man's switch",
                "Call no more, and ten seconds later all open orders are cancelled",
            )
        if seconds != _SECONDS or isinstance(seconds, bool):
            message = (
                f"Polymarket cancels {_SECONDS} seconds after the last heartbeat, and "
                f"never after {seconds!r}: pass {_SECONDS}, and call again every five"
            )
            raise BadRequest(message, venue=self.id)
        self.require_writable("heartbeat")
        call = self._heartbeat()
        response = yield from self.send(call)
        if response.status == _REFUSED:
            # Another object of this key has sent one, or the venue has forgotten ours.
            self._beat = self._expected(call, response.body)
            again = self._heartbeat()
            response = yield from self.send(again)
            if response.status == _REFUSED:
                raise self.refusal(again, response)
        self._beat = receipts.expected_beat(response.body)

    def _heartbeat(self) -> Call:
        call = self.write(
            "POST",
            "/clob/v1/heartbeats",
            {"heartbeat_id": self._beat},
            about="heartbeat",
            repeatable=True,
            urgent=True,
        )
        call.accepted = (_REFUSED,)
        # It is neither an order nor a cancel of the signer's.
        call.charges = call.charges[:-1]
        return call

    def _expected(self, call: Call, body: bytes) -> str:
        try:
            return receipts.expected_beat(body)
        except UnifiedExchangesError:
            raise self.refusal(call, Response(_REFUSED, {}, body)) from None
