"""Commands about the venues themselves: status, venues, simulate."""

from __future__ import annotations

import shlex
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from ..description import Capability, Description
from ..errors import BadRequest
from ..models import Health, Status
from ..registry import exchanges
from .command import command, guarded, plain_command
from .exits import Exit
from .layout import NOTHING, moment
from .options import Debug, Json
from .practice import Practice, practice
from .screen import Screen
from .session import DEFAULT_VENUE, Session, described
from .stopping import until_stopped
from .views import VENUES

__all__ = ["add_to", "shown_status"]

_MARKS: dict[Capability, tuple[str, str]] = {
    True: ("yes", "green"),
    False: ("no", "red"),
    "emulated": ("emulated", "cyan"),
    None: ("not yet", "dim"),
}


def add_to(app: typer.Typer) -> None:
    """Add the commands to the app."""
    command(app, "status", "Look")(status)
    plain_command(app, "venues", "Look")(venues)
    plain_command(app, "simulate", "Practise")(simulate)


def status(session: Session) -> None:
    """Ask whether the venue is up and trades, and how the connection does.

    The exit code is 6 when it is down.
    """
    found = session.exchange.fetch_status()
    health = session.exchange.health()
    environment = session.exchange.venue.environment
    money = "real money" if environment.is_real_money else "play money"
    name = session.exchange.describe().name
    head = Text.assemble((name, "bold"), f" {session.environment}, {money}")
    told = {"status": found, "health": health}
    session.screen.document(told, head, shown_status(found, health))
    if not found.is_active:
        raise typer.Exit(Exit.UNREACHABLE)


def shown_status(found: Status, health: Health) -> Text:
    """The venue and the connection, a line for each fact that is known."""
    lines = [
        Text.assemble("up        ", _MARKS[found.is_active]),
        Text.assemble("trading   ", _MARKS[found.is_trading]),
    ]
    if found.resumes_at is not None:
        lines.append(Text(f"resumes   {moment(found.resumes_at)} UTC"))
    stopped = [str(shard.shard) for shard in found.shards if not shard.is_trading]
    if stopped and found.is_active:
        lines.append(Text(f"stopped   shards {', '.join(stopped)}", style="yellow"))
    latency = health.latency.p50_ms
    lines.append(
        Text(f"latency   {NOTHING if latency is None else f'{latency:.1f} ms'}")
    )
    if health.clock_offset_ms is not None:
        lines.append(Text(f"clock     {health.clock_offset_ms:+,} ms"))
    if health.key_expires_at is not None:
        lines.append(Text(f"key until {moment(health.key_expires_at)} UTC"))
    lines += [Text(f"unhealthy {reason}", "yellow") for reason in health.reasons]
    return Text("\n").join(lines)


def venues(
    name: Annotated[
        str | None, typer.Argument(metavar="[VENUE]", help="Everything about this one.")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List the venues there are, or describe one."""
    screen = Screen(as_json=as_json, debug=debug)
    with guarded(screen):
        if name is None:
            every = [described(venue) for venue in exchanges]
            screen.listing(every, VENUES, noun="venues")
        else:
            found = described(name)
            screen.document(found, _facts(found))


def _facts(venue: Description) -> RenderableType:
    lines = [
        Text.assemble((venue.name, "bold"), f" ({venue.id})"),
        Text(
            f"{venue.documentation}, API {venue.api_version}, seen {venue.checked_on}"
        ),
        Text(),
    ]
    for environment in venue.environments.values():
        money = "real money" if environment.is_real_money else "play money"
        lines.append(Text(f"{environment.name:<12}{environment.rest}, {money}"))
    lines.append(Text())
    width = max(map(len, venue.has)) + 2
    for method, able in venue.has.items():
        lines.append(Text.assemble(f"{method:<{width}}", _MARKS[able]))
    lines += [Text(), *(Text(f"· {sentence}") for sentence in venue.limitations)]
    return Group(*lines)


def simulate(
    name: Annotated[
        str | None, typer.Argument(metavar="[VENUE]", help="Exchange id.")
    ] = None,
    venue: Annotated[
        str | None, typer.Option("--venue", help="The same, as other commands have it.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            help="0 takes a free one. Default: that of the venue's environment local.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed, the same markets.")] = 7,
    key_type: Annotated[
        str | None, typer.Option("--key-type", help="Of the venue's kinds of key.")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Run a simulated venue on this machine until Ctrl-C, with traders who trade.

    Prints its base URL, a key id and the file of a private key, which is deleted at the
    end.
    """
    screen = Screen(as_json=as_json, debug=debug)
    with (
        guarded(screen),
        until_stopped() as stopped,
        practice(
            chosen := _chosen(name, venue),
            seed=seed,
            port=_local_port(chosen) if port is None else port,
            key_type=key_type,
            lively=True,
            history=True,
        ) as place,
    ):
        screen.document(place, _invitation(place))
        while not stopped.wait(1):
            pass
        screen.note("stopped; the key is deleted")


def _chosen(name: str | None, venue: str | None) -> str:
    if name is not None and venue not in (None, name):
        message = f"VENUE {name!r} and --venue {venue!r} contradict each other"
        raise BadRequest(message)
    return name or venue or DEFAULT_VENUE


def _local_port(venue: str) -> int:
    """Where programs with ``environment="local"`` look for the venue; 0 is any port."""
    local = described(venue).environments.get("local")
    return (local and urlsplit(local.rest).port) or 0


def _invitation(place: Practice) -> RenderableType:
    exports = [
        Text(f"export {name}={shlex.quote(value)}")
        for name, value in place.exports.items()
    ]
    return Group(
        Text.assemble((f"A simulated {place.name}", "bold"), f" on {place.url}"),
        Text(f"key id       {place.api_key}"),
        Text(f"private key  {place.private_key_path}"),
        Text("\nIn another terminal:\n", style="dim"),
        *exports,
        Text("unified-exchanges markets"),
        Text("\nCtrl-C ends it.", style="dim"),
    )
