"""Exchange ids and the folders behind them; a folder is imported when it is asked for.

A venue is a package in ``venues/`` whose modules ``blocking`` and ``aio`` each define
``EXCHANGE``, the class of that flavour.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from os import PathLike, scandir
from os.path import dirname, exists, join
from types import ModuleType
from typing import TYPE_CHECKING, Final

from .errors import ArgumentsRequired, BadRequest
from .hidden import hide

if TYPE_CHECKING:
    from random import Random

    from .alerts import AlertPolicy
    from .clock import Clock
    from .guards import GuardPolicy
    from .journal import JournalPath
    from .money import Number
    from .observer import Observer
    from .paper import Delays
    from .policy import LimitPolicy, RetryPolicy, StreamPolicy
    from .settings import PrivateKey
    from .shells.aio import AsyncExchange
    from .shells.blocking import Exchange
    from .transports import AsyncTransport, Transport

__all__ = ["PAPER", "REPLAY", "async_exchange", "exchange", "exchanges", "folder"]


def _ids() -> tuple[str, ...]:
    with scandir(join(dirname(__file__), "venues")) as entries:
        return tuple(sorted(e.name for e in entries if exists(f"{e.path}/blocking.py")))


exchanges: tuple[str, ...] = _ids()
"""Every venue's id, sorted; `exchange` also takes ``"replay"`` and ``"paper"``, which are
no venues."""

REPLAY: Final = "replay"
PAPER: Final = "paper"


def folder(id: str, module: str = "") -> ModuleType:  # noqa: A002 - ccxt's word
    """Import a venue's package, or a module in it."""
    if id not in exchanges:
        raise BadRequest(f"there is no venue {id!r}; there are: {', '.join(exchanges)}")
    return import_module(f"{__package__}.venues.{id}{module and '.' + module}")


def _check(id: str, path: object, venue: object, **for_paper: object) -> None:  # noqa: A002
    """Refuse an id that there is not, and what belongs to another id."""
    known = [*exchanges, PAPER, REPLAY]
    if id == "backtest":
        raise BadRequest(
            "a backtest is no exchange but a function: backtest(strategy, path) runs the same "
            "strategy over a recording"
        )
    if id not in known:
        raise BadRequest(f"there is no exchange {id!r}; there are: {', '.join(known)}")
    if id == REPLAY and path is None:
        raise ArgumentsRequired("a replay needs path=, of a recording or a cassette")
    if id not in {REPLAY, PAPER} and path is not None:
        raise BadRequest(
            f"path= is for {REPLAY!r}, which reads a recording, and {PAPER!r}, which keeps "
            f"its state, not {id!r}"
        )
    if id != REPLAY and venue is not None:
        raise BadRequest(f"venue= is for {REPLAY!r}, not {id!r}")
    strange = [name for name, value in for_paper.items() if value is not None]
    if id != PAPER and strange:
        raise BadRequest(f"{strange[0]}= is for {PAPER!r}, not {id!r}")


def exchange(
    id: str,  # noqa: A002 - ccxt's word
    *,
    api_key: str | None = None,
    private_key: PrivateKey | None = None,
    secret: str | None = None,
    password: str | None = None,
    environment: str = "production",
    live: bool = False,
    dry_run: bool = False,
    timeout: float = 10.0,
    retry: RetryPolicy | None = None,
    limits: LimitPolicy | None = None,
    stream: StreamPolicy | None = None,
    guards: GuardPolicy | None = None,
    alerts: AlertPolicy | None = None,
    observer: Observer | None = None,
    clock: Clock | None = None,
    rng: Random | None = None,
    transport: Transport | None = None,
    options: Mapping[str, str | int | bool] | None = None,
    journal: JournalPath | None = None,
    path: str | PathLike[str] | None = None,
    source: str | None = None,
    cash: Number | None = None,
    delays: Delays | None = None,
    venue: str | None = None,
) -> Exchange:
    """Make a blocking exchange by its id; the arguments are those of `Exchange`.

    ``"replay"`` with the ``path`` of a recording or cassette makes the exchange that was
    recorded, answered by the recording; ``venue`` says which of those on one cassette.  See
    the page on replay.

    ``"paper"`` with a ``source``, such as ``"kalshi"`` or ``"simulated"``, trades on paper
    against the market of the source, to which nothing but reads is ever sent: with ``cash``
    dollars (default 10,000), messages that take ``delays``, and an account that is kept in
    the file ``path``; or with the source ``"replay"`` against the recording ``path``, in its
    time.  See the page on paper.

    >>> exchange("kalshi", environment="demo")
    <Kalshi demo (play money)>
    """
    api_key, private_key = hide(api_key), hide(private_key)
    secret, password = hide(secret), hide(password)
    _check(id, path, venue, source=source, cash=cash, delays=delays)
    if id == REPLAY:
        assert path is not None
        from .replay_exchange import replay  # noqa: PLC0415 - few programs replay

        return replay(
            path,
            given={"clock": clock, "journal": journal, "transport": transport},
            venue=venue,
            dry_run=dry_run,
            timeout=timeout,
            retry=retry,
            limits=limits,
            stream=stream,
            guards=guards,
            alerts=alerts,
            observer=observer,
            rng=rng,
            options=options,
        )
    if id == PAPER:
        from .paper_exchange import paper  # noqa: PLC0415 - few programs trade on paper

        return paper(
            source,
            cash=cash,
            delays=delays,
            path=path,
            api_key=api_key,
            private_key=private_key,
            secret=secret,
            password=password,
            environment=environment,
            live=live,
            dry_run=dry_run,
            timeout=timeout,
            retry=retry,
            limits=limits,
            stream=stream,
            guards=guards,
            alerts=alerts,
            observer=observer,
            clock=clock,
            rng=rng,
            transport=transport,
            options=options,
            journal=journal,
        )
    kind: type[Exchange] = folder(id, "blocking").EXCHANGE
    return kind(
        api_key=api_key,
        private_key=private_key,
        secret=secret,
        password=password,
        environment=environment,
        live=live,
        dry_run=dry_run,
        timeout=timeout,
        retry=retry,
        limits=limits,
        stream=stream,
        guards=guards,
        alerts=alerts,
        observer=observer,
        clock=clock,
        rng=rng,
        transport=transport,
        options=options,
        journal=journal,
    )


def async_exchange(
    id: str,  # noqa: A002 - ccxt's word
    *,
    api_key: str | None = None,
    private_key: PrivateKey | None = None,
    secret: str | None = None,
    password: str | None = None,
    environment: str = "production",
    live: bool = False,
    dry_run: bool = False,
    timeout: float = 10.0,
    retry: RetryPolicy | None = None,
    limits: LimitPolicy | None = None,
    stream: StreamPolicy | None = None,
    guards: GuardPolicy | None = None,
    alerts: AlertPolicy | None = None,
    observer: Observer | None = None,
    clock: Clock | None = None,
    rng: Random | None = None,
    transport: AsyncTransport | None = None,
    options: Mapping[str, str | int | bool] | None = None,
    journal: JournalPath | None = None,
    path: str | PathLike[str] | None = None,
    source: str | None = None,
    cash: Number | None = None,
    delays: Delays | None = None,
    venue: str | None = None,
) -> AsyncExchange:
    """Make an asynchronous exchange by its id; the arguments are those of `Exchange`.

    ``"replay"`` with the ``path`` of a recording or cassette makes the exchange that was
    recorded, answered by the recording; ``venue`` says which of those on one cassette.  See
    the page on replay.

    ``"paper"`` with a ``source``, such as ``"kalshi"`` or ``"simulated"``, trades on paper
    against the market of the source, to which nothing but reads is ever sent: with ``cash``
    dollars (default 10,000), messages that take ``delays``, and an account that is kept in
    the file ``path``; or with the source ``"replay"`` against the recording ``path``, in its
    time.  See the page on paper.

    >>> async_exchange("kalshi", environment="demo")
    <AsyncKalshi demo (play money)>
    """
    api_key, private_key = hide(api_key), hide(private_key)
    secret, password = hide(secret), hide(password)
    _check(id, path, venue, source=source, cash=cash, delays=delays)
    if id == REPLAY:
        assert path is not None
        from .replay_exchange import async_replay  # noqa: PLC0415 - few programs replay

        return async_replay(
            path,
            given={"clock": clock, "journal": journal, "transport": transport},
            venue=venue,
            dry_run=dry_run,
            timeout=timeout,
            retry=retry,
            limits=limits,
            stream=stream,
            guards=guards,
            alerts=alerts,
            observer=observer,
            rng=rng,
            options=options,
        )
    if id == PAPER:
        from .paper_exchange import async_paper  # noqa: PLC0415 - few programs trade on paper

        return async_paper(
            source,
            cash=cash,
            delays=delays,
            path=path,
            api_key=api_key,
            private_key=private_key,
            secret=secret,
            password=password,
            environment=environment,
            live=live,
            dry_run=dry_run,
            timeout=timeout,
            retry=retry,
            limits=limits,
            stream=stream,
            guards=guards,
            alerts=alerts,
            observer=observer,
            clock=clock,
            rng=rng,
            transport=transport,
            options=options,
            journal=journal,
        )
    kind: type[AsyncExchange] = folder(id, "aio").EXCHANGE
    return kind(
        api_key=api_key,
        private_key=private_key,
        secret=secret,
        password=password,
        environment=environment,
        live=live,
        dry_run=dry_run,
        timeout=timeout,
        retry=retry,
        limits=limits,
        stream=stream,
        guards=guards,
        alerts=alerts,
        observer=observer,
        clock=clock,
        rng=rng,
        transport=transport,
        options=options,
        journal=journal,
    )
