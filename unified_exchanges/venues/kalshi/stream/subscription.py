"""One channel: what is wanted of it, and how far the venue has been told.

Commands of a channel go one by one: Kalshi carries them out side by side and answers in
any order, so a market that is added and removed in two of them could end as either.
While one is out, what is wanted collects for the next.

All markets and some of them do not mix.  Leaving out the markets means all (asyncapi 2.0.0,
2026-10, ``trade`` and ``ticker``), but no command says "all" of a subscription that has
some, and subscribing once more merges into it (recorded on production, 2026-08, for
markets; for all of them it is not documented).  So from some to all it is ended and begun
anew, and the hole is announced.  From all to some it stays, and what nobody wants is passed
over on delivery.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Final

from .channels import Channel
from .commands import Action, Command

__all__ = ["BATCH", "Subscription"]

BATCH: Final = 500
"""Markets in one command."""


class Subscription:
    """The ledger of one channel, over all connections."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.wishes: dict[str, int] = {}
        """How often each market was asked for."""
        self.everything_wanted = 0
        """How often all markets were asked for."""
        self.params: dict[str, object] = {}
        """Further words with which it is wanted, and those with which it was asked for."""
        self._told: dict[str, object] = {}
        self.sid: int | None = None
        self.seq = 0
        self.top = 0
        """The highest number before one that came twice or late."""
        self.has_everything = False
        self.busy: Command | None = None
        self.must_renew = False
        self.missed: dict[str, None] = {}
        """Markets that were followed when a subscription ended, and are not again yet."""
        self.missed_all = False
        self.not_before = 0.0
        self.tries = 0
        self._to_add: dict[str, None] = {}
        self._to_drop: dict[str, None] = {}
        self._batches: deque[tuple[str, ...]] = deque()

    @property
    def is_wanted(self) -> bool:
        """Whether anybody wants anything of the channel."""
        return bool(self.everything_wanted or self.wishes)

    @property
    def is_settled(self) -> bool:
        """Whether the venue was told all, and has answered."""
        if self.busy or self._is_wrong or (self.sid is None) is self.is_wanted:
            return False
        listed = self.channel.is_filtered and not self.has_everything
        return not (listed and (self._to_add or self._to_drop or self._batches))

    @property
    def _is_wrong(self) -> bool:
        """Whether the subscription cannot become what is wanted: it must be begun anew."""
        if self.sid is None:
            return self.must_renew
        if self.must_renew or self.params != self._told:
            return True
        if not self.channel.is_filtered:
            return False
        if self.everything_wanted:
            return not self.has_everything
        # Only who names a market is told its quote as it stands.
        return self.has_everything and self._has_first and bool(self._to_add)

    @property
    def _has_first(self) -> bool:
        is_on = bool(self.params.get("send_initial_snapshot", True))
        return self.channel.has_first and is_on

    @property
    def is_beginning(self) -> bool:
        """Whether it was asked for as a whole, and the answer is still to come."""
        return self.busy is not None and self.busy.action == "subscribe"

    @property
    def is_ending(self) -> bool:
        """Whether it was given up as a whole, and the answer is still to come."""
        return self.busy is not None and self.busy.action == "unsubscribe"

    def is_old(self, seq: int | None) -> bool:
        """Whether a number came before, or a later one did."""
        return seq is not None and seq <= max(self.seq, self.top)

    def wants(self, market_id: str) -> bool:
        """Whether messages of a market are to be delivered."""
        return bool(self.everything_wanted) or market_id in self.wishes

    # -- what is wanted -------------------------------------------------------------

    def follow(
        self,
        market_ids: Collection[str] | None,
        params: Mapping[str, object] | None = None,
    ) -> tuple[list[str], list[str]]:
        """Count wishes; the markets that are new, and those that were not let go yet."""
        if params is not None:
            self.params = dict(params)
        if market_ids is None:
            self.everything_wanted += 1
            return [], []
        new: list[str] = []
        kept: list[str] = []
        for market_id in market_ids:
            count = self.wishes.get(market_id, 0)
            self.wishes[market_id] = count + 1
            if count:
                continue
            new.append(market_id)
            if market_id in self._to_drop and not self.channel.has_first:
                del self._to_drop[market_id]
                kept.append(market_id)
            else:
                # What it is now is told only to who asks anew, once it was let go.
                self._to_add[market_id] = None
        return new, kept

    def unfollow(
        self, market_ids: Collection[str] | None
    ) -> tuple[list[str], list[str]]:
        """Take wishes back; of what nobody wants any more: what was sent, what was not."""
        if market_ids is None:
            self.everything_wanted = max(0, self.everything_wanted - 1)
            self.missed_all = self.missed_all and self.everything_wanted > 0
            self._forget_params()
            return [], []
        sent: list[str] = []
        unsent: list[str] = []
        for market_id in market_ids:
            count = self.wishes.get(market_id, 0)
            if count > 1:
                self.wishes[market_id] = count - 1
            elif count:
                del self.wishes[market_id]
                self.missed.pop(market_id, None)
                if self._take_back(market_id) or self.has_everything:
                    unsent.append(market_id)
                else:
                    self._to_drop[market_id] = None
                    sent.append(market_id)
        self._forget_params()
        return sent, unsent

    def _forget_params(self) -> None:
        """The words were those of who followed: whoever comes next says their own."""
        if not self.is_wanted:
            self.params = {}

    def _take_back(self, market_id: str) -> bool:
        """Do not ask for a market, if that is still to be done; whether it was."""
        if market_id in self._to_add:
            del self._to_add[market_id]
            return True
        if not any(market_id in batch for batch in self._batches):
            return False
        self._ask_apart(tuple(x for x in b if x != market_id) for b in self._batches)
        return True

    def _ask_apart(self, batches: Iterable[tuple[str, ...]]) -> None:
        self._batches = deque(batch for batch in batches if batch)

    def give_up(self, market_ids: Iterable[str], held: Iterable[str] = ()) -> None:
        """Forget markets that the venue refuses, however often they were asked for.

        Those that it holds all the same are let go there too.
        """
        for market_id in market_ids:
            self.wishes.pop(market_id, None)
            self.missed.pop(market_id, None)
            self._take_back(market_id)
        self._to_drop.update(dict.fromkeys(held))
        self._forget_params()

    def give_up_all(self) -> None:
        """Forget the channel, which the venue refuses."""
        self.busy = None
        self.wishes.clear()
        self.everything_wanted = 0
        self._forget_params()
        # What it holds is over, also if somebody asks for more of it before it was told.
        self.must_renew = self.sid is not None
        self.missed.clear()
        self.missed_all = False
        self._plan_anew()

    # -- what the venue must be told ------------------------------------------------

    def reset(self) -> None:
        """There is no subscription: a new connection, or it died."""
        self.sid = None
        self.seq = self.top = 0
        self.busy = None
        self.has_everything = False
        self.must_renew = False
        self.missed = {}
        self.missed_all = False
        self._plan_anew()

    def end(self) -> None:
        """The subscription ended; who followed something misses it until it is back."""
        missed, missed_all = self.missed, self.missed_all
        if self.has_everything:
            missed_all |= bool(self.everything_wanted)
            missed |= dict.fromkeys(self.wishes)
        else:
            missed |= dict.fromkeys(x for x in self.wishes if x not in self._to_add)
        self.reset()
        self.missed, self.missed_all = missed, missed_all

    def _plan_anew(self) -> None:
        self._to_drop.clear()
        self._batches.clear()
        self._to_add = dict.fromkeys(self.wishes)

    def next_command(self, now: float, room: int) -> Command | None:
        """What to send now, if anything; ``room`` bounds how many markets are added."""
        if self.busy or now < self.not_before:
            return None
        if self.sid is None:
            return self._subscribing(room) if self.is_wanted else None
        if self._is_wrong or not self.is_wanted:
            return self._send(Command("unsubscribe"))
        if not self.channel.is_filtered or self.has_everything:
            return None
        # First what is new: a subscription without markets might not live on.
        return self._adding("add_markets", room) or self._dropping()

    def _subscribing(self, room: int) -> Command | None:
        if self.everything_wanted or not self.channel.is_filtered:
            return self._send(Command("subscribe"))
        return self._adding("subscribe", room)

    def _send(self, command: Command) -> Command:
        if command.action == "subscribe":
            self._told = dict(self.params)
        self.busy = command
        return command

    def _adding(self, action: Action, room: int) -> Command | None:
        markets = self._next_batch(room)
        return self._send(Command(action, markets)) if markets else None

    def _next_batch(self, room: int) -> tuple[str, ...]:
        if self._batches:
            return self._batches.popleft()
        ready = (x for x in self._to_add if x not in self._to_drop)
        batch = tuple(islice(ready, max(0, min(BATCH, room))))
        for market_id in batch:
            del self._to_add[market_id]
        return batch

    def _dropping(self) -> Command | None:
        markets = tuple(islice(self._to_drop, BATCH))
        for market_id in markets:
            del self._to_drop[market_id]
        return self._send(Command("delete_markets", markets)) if markets else None

    # -- what the venue answered ----------------------------------------------------

    def done(self) -> None:
        """The command that was out is carried out."""
        if self.busy and self.busy.action == "subscribe":
            self.has_everything = not self.busy.markets
            if self.has_everything:
                self._to_add.clear()
                self._to_drop.clear()
                self._batches.clear()
        self.busy = None
        self.tries = 0

    def found(self, markets: tuple[str, ...]) -> tuple[str, ...] | None:
        """The markets that are told of again after a hole; empty for all, None for none."""
        if markets:
            back = tuple(x for x in markets if x in self.missed)
            for market_id in back:
                del self.missed[market_id]
            return back or None
        back, all_missed = tuple(self.missed), self.missed_all
        self.missed, self.missed_all = {}, False
        return () if all_missed else back or None

    def again(self, command: Command) -> tuple[str, ...]:
        """Send what a command asked for once more, later; what stays as it was instead."""
        self.tries += 1
        self.busy = None
        wanted = tuple(x for x in command.markets if x in self.wishes)
        if command.action != "delete_markets":
            self.put_back(wanted)
            return ()
        if self.channel.has_first:
            self._to_drop.update(dict.fromkeys(command.markets))
            return ()
        gone = (x for x in command.markets if x not in self.wishes)
        self._to_drop.update(dict.fromkeys(gone))
        for market_id in wanted:
            self._to_add.pop(market_id, None)
        return wanted

    def put_back(self, markets: tuple[str, ...]) -> None:
        """Send markets of a command once more, in one of their own."""
        self.busy = None
        self._ask_apart((markets, *self._batches))

    def halve(self, markets: tuple[str, ...]) -> None:
        """Find those among the markets that the venue refuses."""
        self.busy = None
        middle = len(markets) // 2
        self._ask_apart((markets[:middle], markets[middle:], *self._batches))

    def not_added(self, markets: Iterable[str]) -> list[str]:
        """Those of refused markets that nobody wants any more: they need no removal."""
        gone = [x for x in markets if x not in self.wishes]
        for market_id in gone:
            self._to_drop.pop(market_id, None)
        return gone

    def waiting(self) -> list[str]:
        """Markets that were not sent yet."""
        batched = [x for batch in self._batches for x in batch]
        return [x for x in (*batched, *self._to_add) if x in self.wishes]
