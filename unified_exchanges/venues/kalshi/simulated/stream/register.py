"""The subscriptions of one connection: commands change them, what happens feeds them."""

from __future__ import annotations

from collections.abc import Iterable

from .....simulator.notices import Notice
from ..authentication import may
from ..news import News
from ..wire import market_uuid
from .channels import CHANNELS, first_snapshot, first_ticker
from .commands import Choice, Command, read_choice
from .refusals import BUFFER_OVERFLOW, Refused
from .subscriptions import Channel, Naming, Subscription, Viewer
from .writer import Writer

__all__ = ["Register"]


class Register:
    """Carries commands out and tells each subscription what concerns it."""

    def __init__(self, viewer: Viewer, writer: Writer, *, market_limit: int) -> None:
        self._viewer = viewer
        self._house = viewer.house
        self._writer = writer
        self._market_limit = market_limit
        self._subscriptions: dict[int, Subscription] = {}
        self._of_channel: dict[str, Subscription] = {}
        self._last_sid = 0

    def carry_out(self, command: Command) -> None:
        """Do what a command says, or raise `Refused`."""
        if command.name == "subscribe":
            self._subscribe(command)
        elif command.name == "unsubscribe":
            self._unsubscribe(command)
        elif command.name == "update_subscription":
            self._update(command)
        else:
            subscriptions = self._subscriptions.values()
            self._writer.subscriptions(subscriptions, command.command_id)

    def hear(self, notice: Notice | News) -> None:
        """Tell every subscription that it concerns."""
        for subscription in tuple(self._subscriptions.values()):
            channel = subscription.channel
            if not isinstance(notice, channel.causes):
                continue
            for message in channel.tell(notice, subscription, self._viewer):
                if self._writer.is_full(subscription):
                    self.fail(subscription.sid, BUFFER_OVERFLOW)
                    break
                self._writer.tell(subscription, message)

    def fail(self, sid: int, code: int) -> None:
        """End a subscription with a terminal error; what waits of it is lost."""
        subscription = self._subscriptions.get(sid)
        if subscription is not None:
            self._writer.forget(sid)
            self._writer.error(Refused(code), None, subscription)
            self._drop(subscription)

    def _drop(self, subscription: Subscription) -> None:
        del self._subscriptions[subscription.sid]
        del self._of_channel[subscription.channel.name]

    # Subscribing

    def _subscribe(self, command: Command) -> None:
        """Answer for each channel, then send first snapshots (order recorded 2026-06)."""
        names = command.channels
        openings: list[tuple[Subscription, list[str]]] = []
        for name in names:
            try:
                openings.append(self._open(command, name))
            except Refused as refused:
                self._writer.error(refused, command.command_id)
        for subscription, new in openings:
            self._begin(subscription, new, command)

    def _open(self, command: Command, name: str) -> tuple[Subscription, list[str]]:
        channel = self._channel(name)
        if name == "communications":
            _check_communications(command)
        choice = read_choice(command.params) if channel.takes_markets else Choice()
        tickers = self._tickers(channel, choice)
        if channel.needs_markets and not tickers:
            raise Refused(14)
        known = self._of_channel.get(name)
        if known is None:
            return self._new(command, channel, choice, tickers)
        self._check_limit(known, tickers)
        known.names.update(_named(command, channel))
        new = known.add(tickers or None)
        self._writer.ok(known, command.command_id)
        return known, new

    def _channel(self, name: str) -> Channel:
        channel = CHANNELS.get(name)
        if channel is None:
            raise Refused(8)
        # Every connection has a key; that one that may not read is told so is assumed.
        if channel.is_private and not may(self._viewer.key, "read"):
            raise Refused(9)
        return channel

    def _new(
        self, command: Command, channel: Channel, choice: Choice, tickers: list[str]
    ) -> tuple[Subscription, list[str]]:
        subscription = Subscription(
            sid=self._last_sid + 1,
            channel=channel,
            markets=set() if tickers else None,
            is_by_id=bool(choice.market_ids),
            in_yes_price=command.flag("use_yes_price"),
            is_terse=command.flag("skip_ticker_ack"),
            names=set(_named(command, channel)),
        )
        self._check_limit(subscription, tickers)
        new = subscription.add(tickers or None)
        self._last_sid = subscription.sid
        self._subscriptions[subscription.sid] = subscription
        self._of_channel[channel.name] = subscription
        self._writer.subscribed(subscription, command.command_id)
        return subscription, new

    def _begin(
        self, subscription: Subscription, new: Iterable[str], command: Command
    ) -> None:
        """Send what new markets begin with, as far as they are listed."""
        if subscription.channel.name == "orderbook_delta":
            self._send_snapshots(subscription, self._listed(new))
        elif subscription.channel.name == "ticker":
            self._send_tickers(subscription, self._listed(new), command)

    def _listed(self, tickers: Iterable[str]) -> list[str]:
        return [ticker for ticker in tickers if self._house.is_listed(ticker)]

    def _send_tickers(
        self, subscription: Subscription, tickers: list[str], command: Command
    ) -> None:
        """Note what the tickers are now, so that only changes are told; show them."""
        is_shown = command.flag("send_initial_snapshot")
        now_us = self._house.now_us
        if subscription.markets is None:
            tickers = self._listed(self._house.catalog.markets)
        for ticker in tickers:
            message = first_ticker(self._house, subscription, ticker, now_us)
            if is_shown and subscription.markets is not None:
                self._writer.tell(subscription, message)

    def _send_snapshots(
        self,
        subscription: Subscription,
        tickers: Iterable[str],
        command_id: int | None = None,
    ) -> None:
        for ticker in tickers:
            message = first_snapshot(self._house, subscription, ticker)
            self._writer.tell(subscription, message, command_id)

    def _tickers(self, channel: Channel, choice: Choice) -> list[str]:
        """The markets chosen. Unknown ones are kept: error 16 is no more (2026-09)."""
        if not choice.market_ids:
            return list(choice.tickers)
        if not channel.takes_ids:
            raise Refused(11)
        known = {market_uuid(ticker): ticker for ticker in self._house.catalog.markets}
        return [known[name] for name in choice.market_ids if name in known]

    def _check_limit(self, subscription: Subscription, tickers: Iterable[str]) -> None:
        markets = subscription.markets
        if markets is not None and len(markets.union(tickers)) > self._market_limit:
            raise Refused(26)

    # Changing and ending

    def _unsubscribe(self, command: Command) -> None:
        for sid in command.sids:
            subscription = self._subscriptions.get(sid)
            if subscription is None:
                self._writer.error(Refused(7), command.command_id)
                continue
            self._writer.unsubscribed(subscription, command.command_id)
            self._drop(subscription)

    def _update(self, command: Command) -> None:
        subscription = self._subscriptions.get(command.sid)
        if subscription is None:
            raise Refused(7)
        try:
            self._change(subscription, command)
        except Refused as refused:
            self._writer.error(refused, command.command_id, subscription)

    def _change(self, subscription: Subscription, command: Command) -> None:
        action = command.action
        if action not in subscription.channel.actions:
            raise Refused(13)
        naming = subscription.channel.naming
        if naming is not None:
            self._rename(subscription, naming, command)
            return
        choice = read_choice(command.params)
        if not choice:
            raise Refused(14)
        tickers = self._tickers(subscription.channel, choice)
        if action == "get_snapshot":
            self._show(subscription, tickers, command.command_id)
        elif action == "add_markets":
            self._check_limit(subscription, tickers)
            new = subscription.add(tickers)
            self._writer.ok(subscription, command.command_id)
            self._begin(subscription, new, command)
        else:
            self._remove(subscription, tickers, command.command_id)

    def _rename(
        self, subscription: Subscription, naming: Naming, command: Command
    ) -> None:
        """Add or remove what is named; that it is answered with ``ok`` is assumed."""
        if command.action == naming.show:
            message = naming.kind, {naming.field: naming.known(self._house)}
            self._writer.tell(subscription, message, command.command_id)
            return
        names = command.names(naming.field, naming.code)
        if command.action == naming.add:
            subscription.names.update(names)
        else:
            subscription.remove_names(names)
        self._writer.ok(subscription, command.command_id)

    def _show(
        self, subscription: Subscription, tickers: list[str], command_id: int | None
    ) -> None:
        unknown = [t for t in tickers if not self._house.is_listed(t)]
        if unknown:
            # Nothing can be shown; what is answered then is assumed.
            raise Refused(11, tickers=unknown)
        self._send_snapshots(subscription, tickers, command_id)

    def _remove(
        self, subscription: Subscription, tickers: list[str], command_id: int | None
    ) -> None:
        if subscription.markets is None:
            # All markets but some cannot be said; what is answered then is assumed.
            raise Refused(11)
        subscription.remove(tickers)
        self._writer.ok(subscription, command_id)


def _check_communications(command: Command) -> None:
    command.check_shards()
    if command.params.get("user_filter", "") not in {"", "self"}:
        raise Refused(11)


def _named(command: Command, channel: Channel) -> list[str]:
    """What a subscription names that is not markets."""
    return command.names(channel.naming.field) if channel.naming else []
