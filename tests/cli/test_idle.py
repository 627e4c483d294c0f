"""Options that would have no effect are refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..guards import ROOT
from .conftest import Command, invoke

MAKER = str(ROOT / "examples" / "spread_maker.py")
NOWHERE = {"UNIFIED_EXCHANGES_ENVIRONMENT": "http://127.0.0.1:9/trade-api/v2"}
OVER = ("run", MAKER, "--over", "day.jsonl")
ORDER = ("order", "M", "yes", "buy", "0.5", "1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*OVER, "--venue", "kalshi"), "--venue has no effect with --over, "),
        ((*OVER, "--environment", "demo"), "--environment has no effect with --over"),
        ((*OVER, "--live", "--yes"), "--live and --yes have no effect with --over"),
        ((*OVER, "--api-key", "x"), "--api-key has no effect"),
        ((*OVER, "--private-key-path", "x"), "--private-key-path has no effect"),
        # Also where it is what would hold without it.
        ((*OVER, "--timeout", "10.0"), "--timeout has no effect"),
        ((*OVER, "--paper", "p.db"), "--paper has no effect with --over"),
        ((*OVER, "--journal", "j.db"), ": leave it out, or --over"),
        (("run", MAKER, "--cash", "5"), "--cash has no effect without --over"),
        (
            ("run", MAKER, "--order-delay", "0", "--event-delay", "1"),
            "--event-delay have no effect without --over, as a venue has its own: leave them",
        ),
        (("run", MAKER, "--paper", "p", "--yes"), "--yes has no effect with --paper"),
        ((*ORDER, "--paper", "p", "--live"), "--live has no effect with --paper"),
        ((*ORDER, "--paper", "p", "-y"), "--yes has no effect with --paper"),
        (("halt", "why", "--paper", "p", "--live"), "--live has no effect with"),
        (("markets", "--all", "--limit", "25"), "--limit has no effect with --all"),
        (("trades", "--all", "-n", "3"), "--limit has no effect with --all"),
        (
            ("orders", "--client-id", "x", "--ended", "--event", "E"),
            "--event and --ended have no effect with --client-id",
        ),
        (
            ("orders", "--since", "7d"),
            "--since has no effect without --ended or --all, as all open orders are shown",
        ),
        (("health", "--simulate", "--environment", "demo"), "with --simulate"),
        (("health", "--watch", "--for", "2"), "--for has no effect with --watch"),
        (("health", "--interval", "2"), "--interval has no effect without --watch"),
        (
            ("record", "kalshi", "M", "--out", "x.jsonl", "--venue", "polymarket"),
            "--venue has no effect with VENUE, which is the venue: leave it out",
        ),
        (
            ("record", "kalshi", "M", "--out", "x.jsonl", "--paper", "q.db"),
            "--paper has no effect with VENUE, as what the venue tells is recorded",
        ),
        (
            ("sweep", MAKER, "--data", "x", "--scheduler", "tcp://127.0.0.1:9"),
            "--scheduler has no effect with --engine local",
        ),
        (
            ("sweep", MAKER, "--data", "x", "--engine", "dask", "--workers", "2"),
            "--workers has no effect with --engine dask, as a cluster has its own",
        ),
        (
            ("sweep", MAKER, "--data", "x", "--best", "pnl", "--lowest"),
            "--best and --lowest have no effect with --json",
        ),
        (
            ("convert", "x", "--out", "y", "--exchange-times", "received"),
            "--exchange-times has no effect with --to parquet",
        ),
        (
            ("convert", "x", "--out", "y", "--market", "M", "--markets-from", "z"),
            "--market and --markets-from have no effect with --to parquet",
        ),
        (
            ("convert", "x", "--out", "y", "--to", "nautilus", "--add"),
            "--add has no effect with --to nautilus",
        ),
    ],
)
def test_an_option_without_effect_is_refused(words: tuple[str, ...], said: str) -> None:
    done = invoke(*words, "--json", env=NOWHERE)
    assert (done.code, done.out) == (2, "")
    assert said in done.error["message"]


def test_a_refusal_names_the_variable_that_was_set(tmp_path: Path) -> None:
    paper = tmp_path / "paper.db"
    env = NOWHERE | {"UNIFIED_EXCHANGES_PAPER": str(paper)}
    done = invoke(*ORDER, "--live", "--json", env=env)
    assert done.code == 2
    assert done.error["message"] == (
        "--live has no effect with UNIFIED_EXCHANGES_PAPER, where no money is real: leave "
        "it out, or unset UNIFIED_EXCHANGES_PAPER"
    )
    assert not paper.exists()


def test_a_depth_of_lines_for_people_is_refused(look: Command) -> None:
    done = look("watch", "M", "--depth", "3")
    assert done.code == 2
    assert "--depth has no effect into a pipe" in done.err


def test_what_a_dry_run_does_not_need_is_no_mistake(look: Command, market: str) -> None:
    words = ("order", market, "yes", "buy", "0.05", "1", "--live", "--yes", "--dry-run")
    assert look(*words).code == 0
