"""The command that shows how the connection does, once or again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.live import Live

from ..errors import NotSupported, RequestTimeout, UnifiedExchangesError
from ..models import Health, StreamHealth, Subject
from ..models.streams import IDLE
from ..watching.blocking import Watch
from .checkup import Checkup, line, picture
from .command import command
from .exits import Exit
from .idle import beside, without
from .options import spacing
from .practice import practice
from .screen import Screen
from .session import Session
from .stopping import until_stopped

__all__ = ["add_to"]

_BEAT = 0.1
"""Seconds after which Ctrl-C is looked at."""
_SEED = 7
_IDLE = (
    beside(
        "simulate",
        *("environment", "api_key", "private_key_path", "live"),
        why="which makes a venue, and a key for it",
    ),
    beside("watch", "span", why="which looks until Ctrl-C"),
    without("watch", idle=("interval",), why="as it looks once"),
)


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    command(app, "health", "Look", idle=_IDLE)(health)


def health(
    session: Session,
    simulate: Annotated[
        bool,
        typer.Option(
            "--simulate",
            help="Ask a simulated venue, made for this run; no key needed.",
        ),
    ] = False,
    markets: Annotated[
        list[str] | None,
        typer.Option("--market", metavar="ID", help="Follow its book too; repeatable."),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            exists=True,
            dir_okay=False,
            help="Count the orders that this journal has unresolved, too.",
        ),
    ] = None,
    span: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="SPAN",
            help="How long the stream is followed: 10 or 1.5s, 1m.",
        ),
    ] = "2s",
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it again and again, until Ctrl-C.")
    ] = False,
    interval: Annotated[
        float, typer.Option(min=0.1, help="Seconds between two looks of --watch.")
    ] = 2.0,
) -> None:
    """Show how the connection does: latency, errors, limits, clock, stream.

    Asks for the venue's status and, with a key, follows all trades for a moment. The exit
    code is 1 when something is wrong, 6 when the venue could not be reached. That a
    threshold is crossed is shown; it is no error.
    """
    seconds = spacing(span, "--for").total_seconds()
    session.journal = journal
    with _place(session, simulated=simulate):
        if watch:
            last = _show_often(session, markets or [], interval)
        else:
            last = _look_once(session, markets or [], seconds)
            session.screen.document(last, picture(last))
    if not last.is_healthy:
        is_reached = last.health.last_contact_at is not None
        raise typer.Exit(Exit.NOT_DONE if is_reached else Exit.UNREACHABLE)


@contextmanager
def _place(session: Session, *, simulated: bool) -> Generator[None, None, None]:
    """The venue that is meant, which may be made for the occasion."""
    if not simulated:
        yield
        return
    with practice(session.venue, seed=_SEED, lively=True) as place:
        session.environment = place.url
        session.api_key = place.api_key
        session.private_key_path = place.private_key_path
        session.arguments = place.arguments
        try:
            yield
        finally:
            # Before the venue goes: that would look like a broken line.
            session.close()


# -- looking -----------------------------------------------------------------------------


class _Ear:
    """Follows the stream, if there is a key; what goes wrong is a finding, no end."""

    def __init__(self, session: Session, markets: list[str]) -> None:
        self._exchange = session.exchange
        self._watches: list[Watch[Any]] = []
        self.trouble = self.unknown = ""
        self.is_off = not self._can_follow()
        if not self._know(markets) or self.is_off:
            return
        try:
            self._watches.append(self._everything())
            if markets:
                self._watches.append(self._exchange.watch_order_book(markets))
        except UnifiedExchangesError as error:
            self._give_up(error)

    def _everything(self) -> Watch[Any]:
        """All trades, or where a venue tells those of named markets only, all news."""
        try:
            return self._exchange.watch_trades()
        except NotSupported:
            return self._exchange.watch_market_status()

    def _know(self, markets: list[str]) -> bool:
        """Whether the venue has all the markets, as far as it can be asked."""
        if self._exchange.health().last_contact_at is None:
            return True
        try:
            for market_id in markets:
                self._exchange.fetch_market(market_id)
        except UnifiedExchangesError as error:
            self.unknown = str(error)
            return False
        return True

    def listen(self, seconds: float, stopped: threading.Event) -> None:
        """Take what comes for so long; that something has ended it takes no longer."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not stopped.is_set():
            if not self._watches:
                return
            for watch in self._watches:
                self._drain(watch, min(_BEAT, left))

    def expect_connection(self, seconds: float) -> None:
        """It is trouble if there was none in all that time."""
        is_quiet = self.is_off or self.trouble or self.unknown
        if not (is_quiet or self.health().connections):
            self.trouble = f"the stream was not reached within {seconds:g} s"

    def health(self) -> StreamHealth:
        """How the stream does; idle where it is not followed."""
        return IDLE if self.is_off else self._exchange.stream_health()

    def _drain(self, watch: Watch[Any], patience: float) -> None:
        try:
            watch.next(timeout=patience)
            while True:
                watch.next(timeout=0)
        except RequestTimeout as error:
            # An error of the stream names its venue; that nothing came is none.
            if error.venue is not None:
                self._give_up(error)
        except UnifiedExchangesError as error:
            self._give_up(error)

    def _give_up(self, error: UnifiedExchangesError) -> None:
        self.trouble = str(error)
        self._watches = []

    def _can_follow(self) -> bool:
        exchange = self._exchange
        if not exchange.has["watch_trades"]:
            return False
        try:
            # Refused where the stream needs a key, and there is none.
            exchange.venue.line_of(Subject.TRADES).dial.headers()
        except UnifiedExchangesError as error:
            self.trouble = str(error)
            return False
        return True


def _look_once(session: Session, markets: list[str], seconds: float) -> Checkup:
    with until_stopped() as stopped:
        found = session.exchange.check_health()
        ear = _Ear(session, markets)
        if found.last_contact_at is not None:
            ear.listen(seconds, stopped)
            ear.expect_connection(seconds)
        return _checkup(session, ear)


def _show_often(session: Session, markets: list[str], interval: float) -> Checkup:
    with until_stopped() as stopped, _shown(session.screen) as show:
        ear = _Ear(session, markets)
        while True:
            session.exchange.check_health()
            last = _checkup(session, ear)
            show(last)
            due = time.monotonic() + interval
            ear.listen(interval, stopped)
            if stopped.wait(max(0.0, due - time.monotonic())):
                return last


def _checkup(session: Session, ear: _Ear) -> Checkup:
    exchange = session.exchange
    found: Health = exchange.health()
    return Checkup(
        venue=session.venue,
        environment=session.environment,
        health=found,
        stream=ear.health(),
        is_followed=not ear.is_off,
        trouble=ear.trouble,
        unknown=ear.unknown,
        thresholds=exchange.venue.settings.alerts,
    )


# -- showing ---------------------------------------------------------------------------


@contextmanager
def _shown(screen: Screen) -> Generator[Callable[[Checkup], None], None, None]:
    """What shows one checkup after the other, in its place on a terminal."""
    if screen.as_json:
        yield screen.line
    elif not screen.out.is_terminal:
        yield lambda found: screen.out.print(line(found), soft_wrap=True)
    else:
        with Live(console=screen.out, auto_refresh=False) as live:
            yield lambda found: live.update(picture(found), refresh=True)
