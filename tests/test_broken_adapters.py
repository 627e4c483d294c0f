"""Scenarios that cannot fail prove nothing: adapters that are wrong do not pass them."""

from __future__ import annotations

from pathlib import Path

import pytest

from .runs import outcomes

FAILS = {
    "NewIdEachTime": ("Commands", "nor_is_it_two and lost"),
    "TimeoutIsRejection": ("Commands", "is_one_order_or_unknown and lost"),
    "CancelIsAssumed": ("Commands", "leaves_an_order_that_counts and lost"),
    "DropsPages": ("Listings", "read_to_the_last and fetch_orders"),
    "PartialOnFailure": ("Listings", "of_which_a_page_fails and fetch_orders and lost"),
    "FailureIsFlat": ("LostAnswers", "never_empty and fetch_positions and 503"),
    "HastensOrders": ("Pace", "refused_for_speed_was_sent_once"),
    "OwnClock": ("Pace", "clock_that_is_off and 3600"),
    "StaleBooks": ("Streams", "stale_then_right and lost"),
    "TellsItsKey": ("Secrecy", "makes_a_secret_known"),
    "AbsentAtOnce": ("Crashes", "nothing_is_absent_before"),
    "ForgetsItsOrders": ("Crashes", "that_had_arrived_is_found"),
    "FindsNothing": ("Crashes", "that_had_arrived_is_found"),
    "BelievesOldReads": ("Crashes", "reads_that_lag"),
    "HaltClaims": ("Halts", "is_canceled_and_verified"),
    "SaysAllIsCancelled": ("HaltsLive", "races_with_creates"),
    "HaltDeaf": ("Halts", "shares_the_journal"),
    "HaltFlat": ("Halts", "cannot_be_reached_is_reported and refused"),
    "HaltEdits": ("Halts", "being_prepared"),
    "DeafEdits": ("Halts", "changed_by_whoever_shares"),
    "HaltRaw": ("Halts", "shares_the_journal_is_halted"),
    "NoCost": ("Guards", "costs_more_than_the_cap"),
    "NoRate": ("Guards", "no_cap_on_orders"),
    "EditsAnyMarket": ("Guards", "not_allowed"),
    "DryRunForgets": ("DryRuns", "until_it_is_cancelled"),
}
"""Which scenario finds which adapter out."""

PROGRAM = """
import pytest

from tests.venues.kalshi.broken import ground_of
from unified_exchanges.testing import conformance
"""
CASE = """

class Test{name}(conformance.{kind}):
    @pytest.fixture
    def ground(self):
        return ground_of("{name}")()
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What became of each adapter's scenario, all in one run."""
    program = PROGRAM + "".join(
        CASE.format(name=name, kind=kind) for name, (kind, _) in FAILS.items()
    )
    chosen = " or ".join(
        f"(Test{name} and {words})" for name, (_, words) in FAILS.items()
    )
    folder: Path = tmp_path_factory.mktemp("broken")
    told: dict[str, set[str]] = {}
    for (place, _), (kind, _) in outcomes(folder, program, "-k", chosen).items():
        told.setdefault(place.rpartition(".Test")[2], set()).add(kind)
    return told


@pytest.mark.parametrize("name", FAILS)
def test_an_adapter_that_is_wrong_fails_its_scenario_in_both_flavours(
    found: dict[str, set[str]], name: str
) -> None:
    assert found[name] == {"failure"}


def test_nothing_else_was_run(found: dict[str, set[str]]) -> None:
    assert found.keys() == FAILS.keys()
