"""What Kalshi answers to commands: acknowledgements in any order, and refusals."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ....errors import UnifiedExchangesError
from ....models import Gap
from ....streams.protocol import Refused
from . import frames, refusals
from .channels import BOOKS, SUBJECTS
from .conversation import NONE, Events, Sent
from .requests import Request
from .sequence import Sequence
from .subscription import Subscription

__all__ = ["Answers"]

_TRIES = 5
_ANEW = "{} was subscribed anew: what happened meanwhile was not told"


class Answers(Sequence):
    """What becomes of a command."""

    # -- carried out ----------------------------------------------------------------

    def _subscribed(self, told: frames.Subscribed, _: str | bytes) -> Events:
        sent = self._sent.pop(told.id, None)
        if sent is None:
            return NONE  # to a command of a subscription that died meanwhile
        self._take(sent.sub, told.msg.sid)
        return self._carried_out(sent, None)

    def _take(self, sub: Subscription, sid: int) -> None:
        """A subscription got its name; who was taken for it before waits for its own."""
        other = self._by_sid.get(sid)
        if other is not None and other is not sub:
            other.sid = None
            other.seq = other.top = 0
            self._dirty.add(other)
        if sub.sid not in (None, sid):
            self._by_sid.pop(sub.sid, None)
        self._begin(sub, sid)

    def _acknowledged(self, told: frames.Acknowledged, _: str | bytes) -> Events:
        sent = self._sent.pop(told.id, None)
        if sent is not None and sent.command.action == "subscribe" and told.sid:
            # The venue had the channel already, and merged the markets into it.
            sub = sent.sub
            if sub.sid is None:
                sub.sid, sub.seq = told.sid, (told.seq or 1) - 1
            self._by_sid[told.sid] = sub
        events = self._account(told.sid, told.seq, "ok")[1]
        if sent is None:
            return events
        msg = told.msg
        listed = msg.market_tickers if isinstance(msg, frames.AcknowledgedMsg) else None
        return [*events, *self._carried_out(sent, listed)]

    def _unsubscribed(self, told: frames.Unsubscribed, _: str | bytes) -> Events:
        sent = self._sent.pop(told.id, None)
        sub, events = self._account(told.sid, told.seq, "unsubscribed")
        if sent is not None:
            return [*events, *self._after_end(sent.sub)]
        if sub is not None:
            # Nobody asked for it: as if the subscription had died.
            return [*events, self._died(sub, "Kalshi ended the subscription")]
        return events

    def _after_end(self, sub: Subscription) -> Events:
        """It was ended to be begun anew, or because nobody wanted it any more."""
        live: tuple[str, ...] = ()
        if sub.channel.name == BOOKS:
            live = tuple(x for x in sub.wishes if self._books.markets[x].is_live)
        self._end(sub)
        return [self._gap(sub, _ANEW.format(sub.channel.name), live)] if live else NONE

    def _back(self, sub: Subscription, markets: tuple[str, ...]) -> Events:
        """Tell of a hole when it is closed, so that whoever reads then misses nothing.

        A book says so itself: it is stale from the beginning of the hole to its snapshot.
        """
        missed = sub.found(markets)
        if missed is None or sub.channel.name == BOOKS:
            return NONE
        return [self._gap(sub, _ANEW.format(sub.channel.name), missed)]

    def _carried_out(self, sent: Sent, listed: list[str] | None) -> Events:
        sub, command = sent.sub, sent.command
        sub.done()
        self._dirty.add(sub)
        if command.action == "delete_markets":
            self._let_go(sub, command.markets)
            return NONE
        absent: list[str] = []
        if listed:
            there = set(listed)
            absent = [x for x in command.markets if x not in there and x in sub.wishes]
        if sub.channel.name == BOOKS:
            self._hold(sub, command.markets, set(absent))
        name = sub.channel.name
        refused = [self._refuse(sub, [x], refusals.missing(name, x)) for x in absent]
        return [*self._back(sub, command.markets), *refused]

    def _hold(
        self, sub: Subscription, markets: tuple[str, ...], absent: set[str]
    ) -> None:
        """Kalshi sends these books from now on, each with its snapshot first."""
        due = []
        for market_id in markets:
            market = self._books.markets.get(market_id)
            if market is None or market_id in absent:
                continue
            was_early = self._books.hold(market_id)
            if market.is_live or market_id not in sub.wishes:
                continue
            if was_early:
                self._books.want([market_id])
                self._books_dirty = True
            else:
                due.append(market_id)
        self._books.await_(due, self.clock.monotonic() + self.policy.acknowledgement)

    def _let_go(self, sub: Subscription, markets: Iterable[str]) -> None:
        if sub.channel.name != BOOKS:
            return
        for market_id in markets:
            if market_id in sub.wishes:
                self._books.let_go(market_id)
            else:
                self._books.remove([market_id])

    def _end(self, sub: Subscription) -> None:
        """A subscription is over; what is still wanted will be subscribed again."""
        if sub.sid is not None:
            self._by_sid.pop(sub.sid, None)
            self._dead.add(sub.sid)
        for number in [n for n, sent in self._sent.items() if sent.sub is sub]:
            del self._sent[number]
        sub.end()
        if sub.channel.name == BOOKS:
            self._books.disconnect(sub.wishes)
        self._dirty.add(sub)

    # -- refused --------------------------------------------------------------------

    def _failed(self, told: frames.Failed, _: str | bytes) -> Events:
        sub, events = self._account(told.sid, told.seq, "error")
        msg = told.msg
        sent = self._sent.pop(told.id, None)
        asked = self._books.requests.take(told.id)
        books = self._by_name[BOOKS]
        is_snapshot = bool(told.id) and sent is None
        if is_snapshot and msg.code == refusals.GONE and books.is_ending:
            return events  # the end, which was asked for after it, was faster
        about = sent.sub if sent else books if asked else sub
        name = about.channel.name if about else "a subscription"
        markets = (
            sent.command.markets if sent else tuple(asked.waiting) if asked else ()
        )
        error = refusals.error_of(msg.code, msg.msg, name, markets)
        self._note(str(error), f"error {msg.code} of {name}")
        if sub is not None and msg.code in refusals.TERMINAL:
            return [*events, self._died(sub, str(error))]
        if msg.code == refusals.GONE and about is not None and about.sid is not None:
            return [*events, *self._was_gone(about, sent, str(error))]
        if sent is not None:
            return [*events, *self._turned_down(sent, msg, error)]
        if asked is not None:
            return [*events, *self._snapshot_refused(msg, asked)]
        return events

    def _died(self, sub: Subscription, reason: str) -> Gap:
        """A subscription is dead: what it told is stale until there is a new one."""
        self._end(sub)
        now = self.clock.monotonic()
        name = sub.channel.name
        delay = self._pace(f"{name} again").delay(now)
        # At once would be too soon: its buffer overflowed, or the channel fails.
        self._try_again(sub, now, max(delay, self.policy.first))
        return self._gap(sub, reason, tuple(sub.wishes) if name == BOOKS else ())

    def _was_gone(self, sub: Subscription, sent: Sent | None, reason: str) -> Events:
        if sent is not None and sent.command.action == "unsubscribe":
            return self._after_end(sub)
        return [self._died(sub, reason)]

    def _turned_down(
        self, sent: Sent, msg: frames.FailedMsg, error: UnifiedExchangesError
    ) -> Events:
        sub, command, code = sent.sub, sent.command, msg.code
        self._dirty.add(sub)
        if command.action in {"subscribe", "add_markets"}:
            gone = sub.not_added(command.markets)
            if sub.channel.name == BOOKS:
                self._books.remove(gone)
        if code in refusals.PASSING and sub.tries < _TRIES:
            now = self.clock.monotonic()
            delay = min(self.policy.first * (1 << sub.tries), self.policy.cap)
            kept = sub.again(command)
            if sub.channel.name == BOOKS:
                if command.action == "delete_markets":
                    self._books.stay(command.markets)
                self._books.want(kept)
                self._books_dirty = True
            self._try_again(sub, now, delay)
            return NONE
        if command.action == "unsubscribe":
            return self._after_end(sub)
        if command.action == "delete_markets":
            sub.busy = None
            self._let_go(sub, command.markets)
            return NONE
        if not command.markets or code in refusals.CHANNEL:
            return [self._refuse(sub, None, error)]
        markets = tuple(x for x in command.markets if x in sub.wishes)
        if not markets:
            sub.busy = None
            return NONE
        return self._some_refused(sent, markets, msg, error)

    def _some_refused(
        self,
        sent: Sent,
        markets: tuple[str, ...],
        msg: frames.FailedMsg,
        error: UnifiedExchangesError,
    ) -> Events:
        """Find those among the markets that are refused; the others are asked for again."""
        sub, size = sent.sub, len(sent.command.markets)
        named = set(msg.market_tickers or ()) | {msg.market_ticker}
        bad = [x for x in markets if x in named]
        if not bad and size > 1 and msg.code not in refusals.CROWDED:
            # Or it was for one that nobody wants any more.
            sub.halve(markets)
            return NONE
        bad = bad or list(markets)
        sub.put_back(tuple(x for x in markets if x not in bad))
        if msg.code == refusals.LIMIT and len(bad) == len(markets):
            # Not one more fits: what waits would be refused one by one.
            bad += sub.waiting()
        if bad != list(markets):
            error = refusals.error_of(msg.code, msg.msg, sub.channel.name, bad)
        return [self._refuse(sub, bad, error)]

    def _snapshot_refused(self, msg: frames.FailedMsg, asked: Request) -> Events:
        """Snapshots were not given: ask later, or apart, or subscribe the channel anew."""
        sub, books = self._by_name[BOOKS], self._books
        now = self.clock.monotonic()
        markets = tuple(x for x in asked.waiting if x in sub.wishes)
        books.await_no_more(markets)
        if msg.code in refusals.PASSING:
            books.want(markets)
            delay = self._pace(f"{BOOKS} refused").delay(now)
            self._ask_books_after(max(delay, self.policy.first), now)
            return NONE
        if msg.code in refusals.SUBSCRIPTION:
            sub.must_renew = True
            self._try_again(sub, now, self._pace(f"{BOOKS} again").delay(now))
            return NONE
        named = set(msg.market_tickers or ()) | {msg.market_ticker}
        bad = [x for x in markets if x in named]
        if not bad and asked.size > 1:
            # Or it was for one that is asked for otherwise, or not any more.
            middle = len(markets) // 2
            books.want_apart(markets[:middle], markets[middle:])
            self._books_dirty = True
            return NONE
        bad = bad or list(markets)
        books.want(x for x in markets if x not in bad)
        self._books_dirty = True
        return [self._refuse(sub, [x], _no_snapshot(msg, x)) for x in bad]

    def _refuse(
        self,
        sub: Subscription,
        market_ids: Collection[str] | None,
        error: UnifiedExchangesError,
    ) -> Refused:
        """Give up what the venue will not let be followed."""
        given_up = list(sub.wishes) if market_ids is None else list(market_ids)
        name, subject = sub.channel.name, sub.channel.subject
        held: list[str] = []
        if name == BOOKS:
            held = self._books.forget(given_up)
        if market_ids is None:
            sub.give_up_all()
        else:
            sub.give_up(given_up, held)
        self._dirty.add(sub)
        told = None if market_ids is None else frozenset(market_ids)
        is_its_own = subject is not None and SUBJECTS[subject] == name
        return Refused(
            subject=subject if is_its_own else None,
            channel=name,
            market_ids=told,
            error=error,
        )


def _no_snapshot(msg: frames.FailedMsg, market_id: str) -> UnifiedExchangesError:
    """Why there is no snapshot of a market, after all others were told apart from it."""
    if msg.code == refusals.PARAMETER:
        # The request named the subscription, which is, and this market.
        return refusals.no_book(BOOKS, market_id, msg.code, msg.msg)
    return refusals.error_of(msg.code, msg.msg, BOOKS, [market_id])
