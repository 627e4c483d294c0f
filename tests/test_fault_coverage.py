"""Every fault that one adapter can meet has a test that carries its number in its name."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .guards import PACKAGE, ROOT

COVERED = {
    "fault_01": "a create that never left",
    "fault_02": "a create that was carried out and whose answer was lost",
    "fault_03": "a create that was lost on the way",
    "fault_04": "a create that timed out while the order filled",
    "fault_05": "an answer that comes after the caller gave up",
    "fault_06": "a create answered by 500, 502, 503 or 504",
    "fault_07": "a client order id that was used before",
    "fault_08": "a success that cannot be read",
    "fault_09": "a create refused for speed",
    "fault_10": "a create refused for its key",
    "fault_11": "an order with a status that nobody knows",
    "fault_12": "a process that is killed while an order is on its way",
    "fault_13": "one intent from two threads or tasks",
    "fault_14": "an order that breaks a rule we know",
    "fault_15": "a float for a price or a size",
    "fault_16": "every price and its complement",
    "fault_17": "a cancel sent twice by the layer below",
    "fault_18": "a cancel that races with a fill",
    "fault_19": "a cancel that times out",
    "fault_20": "a batch that fails in part or whose answer is lost",
    "fault_21": "an amend that is refused or lost",
    "fault_22": "a fill told twice",
    "fault_23": "a fill of an order that we do not know",
    "fault_24": "a kill switch while creates are in flight",
    "fault_25": "a query of positions that fails",
    "fault_26": "a listing with a bad page or a bad cursor",
    "fault_27": "an order missing from the open list",
    "fault_28": "a read that lags behind",
    "fault_29": "a settlement that is neither nothing nor all",
    "fault_30": "a trade that matched and failed on chain",
    "fault_31": "a gap in the numbers of a stream",
    "fault_32": "numbers that repeat, go back or start anew",
    "fault_33": "a stream that lives and does not tell",
    "fault_34": "a connection of which the other end is gone",
    "fault_35": "a reconnect",
    "fault_36": "a refused subscription",
    "fault_37": "a signature that grew old, a key that is refused",
    "fault_38": "types, words and fields nobody knows, in a stream",
    "fault_39": "a slow consumer",
    "fault_40": "frames that are too long or no text",
    "fault_41": "a venue that restarts or is busy",
    "fault_42": "connections that do not last",
    "fault_43": "a burst that meets 429",
    "fault_44": "a clock that is off or is set",
    "fault_45": "an answer that drips, is redirected, or is a page",
    "fault_46": "proxies and TLS",
    "fault_47": "an interrupt in the middle of a request",
    "fault_48": "a secret in what is said",
    "fault_49": "a key file that others may read, an encrypted or wrong key",
    "fault_50": "a replay that asks for what was not recorded",
    "fault_51": "real money without live=True",
    "fault_52": "a secret in what is recorded",
    "p01": "two markets with one title",
    "p02": "a position in NO",
    "p03": "cancelling more orders than one page holds",
    "p04": "the complement in books, trades, tickers, candles, fills, positions",
    "p05": "a timed-out order sent again and again",
    "p06": "prices with dirt, in cents, off the grid",
    "p07": "buying NO",
    "p08": "a default in place of what is missing",
    "p09": "thousands of markets",
    "p10": "a streamed book that froze, or went on after a gap",
    "p11": "a stream that never came back",
    "p12": "errors of the wrong class",
    "p13": "the key parsed for each request",
    "p14": "paper fills at the caller's own price",
    "p15": "one price written in two ways",
    "p16": "cancel and new instead of an amend",
    "p17": "retries of retries",
    "p18": "updates that were folded without a word",
    "p19": "fees",
    "p20": "a limiter and threads",
    "f01": "a write sent twice",
    "f02": "rounding by float",
    "f03": "a field that was renamed",
    "f04": "NO and YES mixed up",
    "f05": "a stale book after a gap",
    "f06": "a reconnect without what was followed",
    "f07": "the clock",
    "f08": "pages left out",
    "f09": "a cancel that meets a fill",
    "f10": "a refused order kept as open",
    "f11": "a storm of 429",
    "f12": "secrets in errors",
    "f13": "secrets in cassettes",
    "f14": "words and fields nobody knows",
    "f15": "a key file for everybody",
    "f16": "a replay that goes live",
    "f17": "the HTTP layer sending again by itself",
    "f18": "a handshake signed long ago",
    "f19": "a success that proves nothing",
    "f20": "reading one's own writes late",
    "f21": "a match that was taken for a settlement",
}
ELSEWHERE: dict[str, str] = {}

ORDERS = [f"fault_{number:02}" for number in [*range(1, 31), 43, 47, 48, 51]]
"""What may happen to orders: each is met in both flavours."""
ASYNC = {"async", "aiohttp", "websockets"}
"""What parameters of a test call the async flavour: it, or its socket library."""

_PARAMETERS = re.compile(r"\[(.*)\]$")
_ID = re.compile(r"(?:fault_(\d\d)((?:(?:_and)?_\d\d)*))|(?<![a-z0-9])([pf]\d\d)(?=_)")


def ids_in(name: str) -> list[str]:
    """The ids that a test's name carries: ``test_fault_08_and_45_f15_…`` has three."""
    found = []
    for first, more, other in _ID.findall(name):
        numbers = [first, *re.findall(r"\d\d", more)] if first else []
        found += [f"fault_{number}" for number in numbers]
        found += [other] if other else []
    return found


def collected_in(folder: Path, names: str) -> Iterator[tuple[str, str]]:
    """File and name of every test function below a folder."""
    for path in sorted(folder.rglob(names)):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_function and node.name.startswith("test_"):
                yield str(path.relative_to(ROOT)), node.name


TESTS = [
    *collected_in(ROOT / "tests", "test_*.py"),
    *collected_in(PACKAGE / "testing", "*.py"),
]
CARRIED = {fault for _, name in TESTS for fault in ids_in(name)}


@pytest.mark.parametrize("fault", COVERED)
def test_a_test_carries_the_number_of_the_fault(fault: str) -> None:
    assert fault in CARRIED, f"no test for {fault}: {COVERED[fault]}"


def flavours_of(node: str) -> set[str]:
    """The flavours that the parameters of a test name."""
    found = _PARAMETERS.search(node)
    words = set(found[1].split("-")) if found else set()
    flavours = {"blocking"} & words
    return flavours | ({"async"} if words & ASYNC else set())


def collected(items: list[pytest.Item]) -> list[str]:
    """The ids of all tests that carry a number, from this run if it has them all."""
    here = {item.nodeid for item in items}
    files = {place for place, name in TESTS if ids_in(name) and "/test_" in place}
    # Tests of the package are run by classes elsewhere.
    files |= {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*conformance.py")
    }
    if files <= {node.split("::")[0] for node in here}:
        return sorted(here)
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *sorted(files)]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "-p", "no:randomly"],
        capture_output=True,
        check=False,
        cwd=ROOT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return [line for line in done.stdout.splitlines() if "::" in line]


@pytest.mark.timeout(300)
def test_what_may_happen_to_orders_is_met_in_both_flavours(
    request: pytest.FixtureRequest,
) -> None:
    met: dict[str, set[str]] = {fault: set() for fault in ORDERS}
    for node in collected(request.session.items):
        name = node.split("::")[-1].split("[")[0]
        for fault in met.keys() & set(ids_in(name)):
            met[fault] |= flavours_of(node)
    every = {"blocking", "async"}
    lacking = {fault for fault, flavours in met.items() if flavours != every}
    assert lacking == ELSEWHERE.keys() & met.keys()


@pytest.mark.parametrize(
    ("node", "flavours"),
    [
        ("tests/test_a.py::test_b", set()),
        ("tests/test_a.py::test_b[blocking]", {"blocking"}),
        ("tests/test_a.py::test_b[lost-async-3]", {"async"}),
        ("tests/test_a.py::TestA::test_b[websockets]", {"async"}),
        ("tests/test_a.py::test_blocking[lost]", set()),
    ],
)
def test_flavours_are_read_from_parameters(node: str, flavours: set[str]) -> None:
    assert flavours_of(node) == flavours


def test_every_number_carried_is_known() -> None:
    strange = {
        (place, name)
        for place, name in TESTS
        if set(ids_in(name)) - COVERED.keys() - ELSEWHERE.keys()
    }
    assert strange == set()


def test_no_fault_is_both_covered_and_left_to_others() -> None:
    assert COVERED.keys() & ELSEWHERE.keys() == set()


def test_no_fault_is_forgotten() -> None:
    every = {f"fault_{number:02}" for number in range(1, 53)}
    every |= {f"p{number:02}" for number in range(1, 21)}
    every |= {f"f{number:02}" for number in range(1, 22)}
    assert COVERED.keys() | ELSEWHERE.keys() == every


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("test_fault_07_an_id", ["fault_07"]),
        ("test_fault_02_and_03_a_dropped_answer", ["fault_02", "fault_03"]),
        ("test_fault_08_45_a_page", ["fault_08", "fault_45"]),
        ("test_fault_49_f15_a_key", ["fault_49", "f15"]),
        ("test_p12_a_duplicate", ["p12"]),
        ("test_a_loop12_is_none", []),
    ],
)
def test_ids_are_read_from_names(name: str, ids: list[str]) -> None:
    assert ids_in(name) == ids
