"""Recorded connections, and the streams of an exchange that take them for their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import attrs

from ..recording.decoder import WITHHELD, RecordingDecoder, outline_in
from ..recording.format import Closed, Frame, Line, Opened, Withheld
from .answers import Answers
from .counterpart import Counterpart, Past
from .lines import Lines
from .past import read_past
from .player import LocalPlayer, Player
from .streams import Streams

__all__ = ["Link", "Links"]


@attrs.define(slots=True, eq=False)
class Link:
    """A recorded connection, and the stream that takes it for its own."""

    number: int
    url: str
    counterpart: Counterpart
    player: Player | None = None


class Links:
    """Which stream hears which connection.

    ``decoder`` makes what reads a connection from its beginning.
    """

    def __init__(
        self,
        streams: Streams,
        lines: Lines,
        answers: Answers,
        decoder: Callable[[], RecordingDecoder],
    ) -> None:
        self.players: list[Player] = []
        self.here: list[LocalPlayer] = []
        """Those whose news is made in this process."""
        self._streams = streams
        self._lines = lines
        self._answers = answers
        self._decoder = decoder
        self._links: dict[int, Link] = {}

    # -- streams --------------------------------------------------------------------

    @property
    def first(self) -> Player | None:
        """Who wants to be polled first."""
        return min(self.players, key=_due_of, default=None)

    def attach(self, player: Player) -> None:
        """Give a stream the connection to its address, that which comes or the end."""
        for link in self._links.values():
            if link.player is None and link.url == player.url:
                _connect(link, player)
                break
        else:
            if not self._goes_on(player):
                player.close()

    def leave(self, player: Player) -> None:
        """Play no more to a stream."""
        self.here = [x for x in self.here if x is not player]
        if player in self.players:
            self.players.remove(player)
        for link in self._links.values():
            if link.player is player:
                link.player = None

    def asked(self, link: Link, text: str) -> list[bytes]:
        """A stream says something on its connection: what is answered at once."""
        past = self._past_of(link)
        return list(link.counterpart.asked(text, self._lines.count + 1, past))

    def _past_of(self, link: Link) -> Past:
        def past() -> RecordingDecoder:
            decoder = self._decoder()
            read_past(self._streams.file, decoder, link.number, self._lines.count + 1)
            return decoder

        return past

    def _goes_on(self, player: Player) -> bool:
        return self._streams.is_opened_after(player.url, self._lines.count)

    # -- lines ----------------------------------------------------------------------

    def hear(self, connection: int, frames: Iterable[Line]) -> None:
        """Tell what one read has brought, at once as it was."""
        link = self._links.get(connection)
        told: list[str | bytes] = []
        for each in frames:
            if link is None or not isinstance(each, Frame):
                continue
            if (found := outline_in(each, link.counterpart.outline)) is not None:
                _tell(link, told)
                told = []
                self._missed(link, found[1])
                continue
            frame = link.counterpart.recorded("in", each.body.data)
            if frame is not None and link.player is not None:
                if b'client_order_id"' in frame:
                    frame = self._answers.aliased(frame)
                told.append(frame)
            if link.counterpart.moves:
                _tell(link, told)
                told = []
        if link is not None:
            _tell(link, told)

    def take(self, line: Frame | Opened | Closed | Withheld) -> None:
        """A line that is no message from the venue, or one that nobody hears."""
        if isinstance(line, Frame):
            link = self._links.get(line.connection)
            if link is not None:
                link.counterpart.recorded(line.direction, line.body.data)
                _tell(link, ())
        elif isinstance(line, Opened):
            self._opened(line)
        elif isinstance(line, Closed):
            self._closed(line)
        else:
            self._withheld(line)

    def _opened(self, line: Opened) -> None:
        counterpart = self._streams.contents.counterpart(line.connection)
        link = Link(line.connection, line.url, counterpart)
        self._links[line.connection] = link
        for player in self.players:
            if player.link is None and player.url == link.url:
                _connect(link, player)
                break

    def _closed(self, line: Closed) -> None:
        # It may be said more than once; only the first says why.
        link = self._links.pop(line.connection, None)
        player = None if link is None else link.player
        if player is None:
            return
        if line.reason == "closed" and not self._goes_on(player):
            # It was closed by the program.
            player.close()
        else:
            player.lost(line.reason)

    def _withheld(self, line: Withheld) -> None:
        link = self._links.get(line.lost_on)
        if link is not None:
            self._missed(link, bytes(line.outline))
            return
        link = self._links.get(line.sent_on)
        if link is None:
            return
        may_leave = link.counterpart.unsaid(bytes(line.outline))
        _tell(link, ())
        if may_leave and link.player is not None:
            link.player.missed(WITHHELD)

    @staticmethod
    def _missed(link: Link, outline: bytes) -> None:
        """A message is missing, or of no use, of which there is that outline."""
        instead = link.counterpart.missed(outline)
        if instead is None:
            if link.player is not None:
                link.player.missed(WITHHELD)
            return
        told = (link.counterpart.recorded("in", x) for x in instead)
        _tell(link, [x for x in told if x is not None])


def _connect(link: Link, player: Player) -> None:
    link.player = player
    player.connected(link)


def _tell(link: Link, told: Sequence[str | bytes]) -> None:
    moves, player = link.counterpart.moves, link.player
    if player is not None:
        if told:
            player.receive(told)
        for move in moves:
            player.move(move)
    moves.clear()


def _due_of(player: Player) -> int:
    return player.due
