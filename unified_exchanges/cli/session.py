"""One run of a command: which venue, with what key, and where the output goes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import attrs

from ..alerts import AlertPolicy
from ..description import Description
from ..errors import BadRequest
from ..registry import PAPER, REPLAY, exchange, folder
from ..shells.blocking import Exchange
from .screen import Screen

__all__ = ["DEFAULT_VENUE", "Session", "described"]

DEFAULT_VENUE = "kalshi"
_NO_VENUES: Final = {
    PAPER: "name the venue whose market is traded on paper, with --paper FILE beside it",
    REPLAY: "a recording is run over by `run --over FILE` and by `backtest --data FILE`",
}
"""What to write instead of an exchange that Python makes and that is no venue."""


@attrs.define(kw_only=True)
class Session:
    """What every command is given; the exchange is made when it is first used."""

    screen: Screen
    venue: str = DEFAULT_VENUE
    environment: str = "production"
    live: bool = False
    paper: Path | None = None
    """Where an account on paper is kept, if that is what is traded with."""
    recorded: Mapping[str, Any] | None = None
    """What an exchange on paper over a recording is given, if that is what runs."""
    api_key: str | None = attrs.field(default=None, repr=False)
    private_key_path: str | None = attrs.field(default=None, repr=False)
    timeout: float = 10.0
    journal: Path | None = None
    arguments: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """What an exchange is given besides; of a simulated account."""
    _exchange: Exchange | None = attrs.field(default=None, init=False)

    @property
    def exchange(self) -> Exchange:
        """The venue, opened once."""
        if self._exchange is None:
            if self.recorded is not None:
                self._exchange = exchange(PAPER, source=REPLAY, **self.recorded)
                return self._exchange
            if self.venue in _NO_VENUES:
                raise BadRequest(f"--venue {self.venue}: {_NO_VENUES[self.venue]}")
            on_paper: dict[str, Any] = {}
            if self.paper is not None:
                on_paper = {"source": self.venue, "path": self.paper}
            self._exchange = exchange(
                self.venue if self.paper is None else PAPER,
                api_key=self.api_key,
                private_key=_path(self.private_key_path),
                environment=self.environment,
                live=self.live,
                timeout=self.timeout,
                journal=self.journal,
                **on_paper,
                **self.arguments,
                # A command shows what it measured, if anything.
                alerts=AlertPolicy(log=False),
            )
        return self._exchange

    @property
    def is_real_money(self) -> bool:
        """Whether orders would move real money."""
        return self.exchange.venue.environment.is_real_money

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the exchange, if it was made; it is made anew when it is used again."""
        opened, self._exchange = self._exchange, None
        if opened is not None:
            opened.close()


def described(venue: str) -> Description:
    """A venue in facts, without opening it."""
    facts: Description = folder(venue, "blocking").EXCHANGE.describe()
    return facts


def _path(given: str | None) -> str | None:
    """Refuse a key where a path belongs: arguments are seen by every user."""
    if given is not None and ("-----BEGIN" in given or "\n" in given):
        message = (
            "--private-key-path takes the path of a file, not the key itself, which "
            "other users of this machine could read: make a new key, keep it in a "
            "file with chmod 600"
        )
        raise BadRequest(message)
    return given
