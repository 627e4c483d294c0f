"""The demo: a strategy trades on a simulated venue, and money and stream add up."""

from __future__ import annotations

from typing import Annotated, Any

import attrs
import typer

from ..alerts import AlertPolicy
from .agreement import agree
from .command import guarded, plain_command
from .demo_strategy import trade
from .exits import Exit
from .ledger import Ledger, reconcile
from .options import Debug, Json
from .practice import practice
from .screen import Screen
from .session import DEFAULT_VENUE, described
from .stage import Stage

__all__ = ["add_to", "settle"]


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    plain_command(app, "demo", "Practise")(demo)


def demo(
    venue: Annotated[str, typer.Option("--venue", help="Exchange id.")] = DEFAULT_VENUE,
    seed: Annotated[int, typer.Option(help="The same seed, the same trades.")] = 7,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Trade on a simulated venue on this machine, and prove that the money adds up.

    The orders are seen on the stream too, which must tell what REST does. No key, no
    network. The exit code is 1 if the ledger does not reconcile.
    """
    screen = Screen(as_json=as_json, debug=debug)
    with guarded(screen):
        ledger = _perform(screen, venue, seed)
    if not ledger.reconciles:
        raise typer.Exit(Exit.NOT_DONE)


def _perform(screen: Screen, venue: str, seed: int) -> Ledger:
    stage = Stage(screen)
    with practice(venue, seed=seed) as place:
        stage.open(place.name, place.url, seed)
        steps = trade(
            venue,
            **place.account,
            # It takes its time between two looks at the stream.
            alerts=AlertPolicy(log=False),
        )
        for step, seen in steps:
            stage.show(step, seen)
    ledger = settle(stage.seen, nets=described(venue).outcome_books == "one")
    stage.close(ledger)
    if screen.as_json:
        told = [{"step": k, "result": v} for k, v in stage.seen.items()]
        screen.document({"venue": venue, "seed": seed, "steps": told, "ledger": ledger})
    return ledger


def settle(seen: dict[str, Any], *, nets: bool) -> Ledger:
    """The ledger of what the strategy saw, and whether the stream told the same."""
    ledger = reconcile(
        before=seen["cash before"].available,
        after=seen["cash after"].available,
        fills=seen["fills"],
        positions=seen["positions"],
        open_orders=len(seen["left open"]),
        nets=nets,
    )
    streamed = agree(
        fills=seen["fills"],
        fill=seen["fill told"],
        orders=seen["cancel all"].canceled,
        order=seen["order told"],
        book=seen["book read"],
        told=seen["book told"],
    )
    return attrs.evolve(ledger, checks=ledger.checks + streamed)
