"""What becomes of an account on paper, and who follows it: kept first, and then told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from threading import RLock

from ..models import Fill, OrderStatus, Settlement
from .engine import Notice, PaperEngine, RefusedChange
from .kept import Keeper, changed
from .session import PaperSession

__all__ = ["AccountEvents"]

_log = logging.getLogger(__name__)


class AccountEvents:
    """All fills and settlements, and those who are told of orders and fills in order.

    Whoever follows it may come and go in any thread; the rest is done under ``lock``.
    """

    def __init__(self, lock: RLock, keeper: Keeper | None) -> None:
        self.fills: list[Fill] = []
        self.settlements: list[Settlement] = []
        self._lock = lock
        self._keeper = keeper
        self._untold: list[tuple[int, Notice]] = []
        """What is told once it is kept."""
        self._trouble: Exception | None = None
        """Why it was not kept, the last time that it was tried."""
        self._sessions: list[PaperSession] = []
        self._bells: list[Callable[[], None]] = []
        self._refused: dict[int, str] = {}
        """Changes that were refused, until who has sent them asks."""

    # -- those who follow it -----------------------------------------------------------

    def hang(self, bell: Callable[[], None]) -> None:
        """Have a bell rung whenever there is news; it must not wait."""
        with self._lock:
            self._bells.append(bell)

    def take_down(self, bell: Callable[[], None]) -> None:
        """Ring it no more."""
        with self._lock:
            if bell in self._bells:
                self._bells.remove(bell)

    def open_session(self) -> PaperSession:
        """Follow orders and fills from now on."""
        session = PaperSession()
        with self._lock:
            self._sessions.append(session)
        return session

    def close_session(self, session: PaperSession) -> None:
        """Follow no more."""
        with self._lock:
            if session in self._sessions:
                self._sessions.remove(session)

    # -- telling it --------------------------------------------------------------------

    def tell(self, engine: PaperEngine) -> None:
        """Tell what has become of orders, after it is kept: what was told stays true."""
        if not (engine.untold or self._untold):
            return
        self.keep(engine)
        untold, self._untold = self._untold, []
        for moment, notice in untold:
            self._note(moment + engine.delays.event, notice)
        self.ring()

    def tell_if_kept(self, engine: PaperEngine) -> None:
        """As `tell`, but what cannot be kept waits for who asks for the account."""
        try:
            self.tell(engine)
        except Exception as error:
            if error is not self._trouble:
                raise
            _log.debug("paper: %s", error)
            # Who follows the account asks, and is told so.
            self.ring()

    def ring(self) -> None:
        """There is something to look at."""
        for bell in self._bells:
            bell()

    def _note(self, moment: int, notice: Notice) -> None:
        if isinstance(notice, Settlement):
            self.settlements.append(notice)
            return
        if isinstance(notice, RefusedChange):
            self._refused[notice.turn] = notice.reason
            return
        if isinstance(notice, Fill):
            self.fills.append(notice)
        elif notice.status is OrderStatus.REJECTED:
            # As at a venue: who has sent it is told by the answer, and nobody else.
            return
        for session in self._sessions:
            session.put(moment, notice)

    def refusal(self, turn: int) -> str | None:
        """Why a change was refused, told once; None if it was not."""
        return self._refused.pop(turn, None)

    # -- keeping it --------------------------------------------------------------------

    def keep(self, engine: PaperEngine) -> None:
        """Keep all that has changed, such as places in queues, told or not."""
        self._untold += engine.notices()
        if self._keeper is not None:
            # What cannot be kept stays untold, and touched: it is tried again.
            news = [x for _, x in self._untold if isinstance(x, Fill | Settlement)]
            count = len(self.fills) + len(self.settlements)
            rows = changed(engine, enumerate(news, count))
            try:
                self._keeper.keep(rows)
            except Exception as error:
                self._trouble = error
                raise
        engine.touched.clear()

    def load(self, kept: Iterable[Fill | Settlement]) -> None:
        """Go on after what was kept."""
        found = list(kept)
        self.fills = [x for x in found if isinstance(x, Fill)]
        self.settlements = [x for x in found if isinstance(x, Settlement)]
