"""The rules of the house that a tool can check, and proof that each check can fail."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from fnmatch import fnmatch

import pytest

import unified_exchanges
from unified_exchanges.paper import Delays
from unified_exchanges.paper_exchange.aio import AsyncPaper
from unified_exchanges.paper_exchange.blocking import Paper
from unified_exchanges.paper_exchange.recorded import PaperVenueOverRecording
from unified_exchanges.paper_exchange.terms import Terms
from unified_exchanges.paper_exchange.venue import PaperVenue, venue_on
from unified_exchanges.registry import folder
from unified_exchanges.replaying.answers import Answers
from unified_exchanges.replaying.clock import ReplayClock
from unified_exchanges.version import VERSION

from . import guards
from .guards import PACKAGE, ROOT, Source

MODULES = {source.name: source for source in guards.modules()}
VENUES = sorted(path.parent.name for path in PACKAGE.glob("venues/*/blocking.py"))
COMMANDS = [
    'python -m pip install ".[cli]" && unified-exchanges demo',
    "python -m pip install tox && tox",
]

# Where seconds and tokens are floats, and no money passes.
TIMED = (
    "alerts",
    "cli*",
    "clock",
    "drivers*",
    "exporting.hftbacktest",
    "fields",
    "monitor*",
    "observer",
    "observers*",
    "journal*",
    "policy",
    "recording.drafts",
    "recording.recorder",
    "research.columns",
    "research.conversion",
    "settings",
    "simulator.connection",
    "simulator.faults*",
    "simulator.server",
    "strategies.aio",
    "strategies.blocking",
    "strategies.running",
    "streams*",
    "telemetry",
    "testing*",
    "tracking.waiting",
    "transports*",
    "venue.journaling",
    "venue.sending",
    "venues.*.connection",
    "venues.*.pace",
    "watching*",
)
# Who may wait, look at a clock or be surprised.
WAITING = (
    "cli*",
    "clock",
    "drivers*",
    "simulator.connection",
    "simulator.server",
    "streams*",
    "testing*",
    "transports*",
)
# Where flows are written; elsewhere they are driven.
FLOWING = (
    "execution.*ing",
    "flow",
    "tracking*",
    "venue*",
)

# Whose locks stay with the parent of a forked child: what they belong to is refused there,
# made anew, or only for tests.
LOCKING = (
    "cli*",
    "clock",
    "drivers.inbox",
    "drivers.streaming",
    "fork",
    "simulator*",
    "testing*",
)

HEAVY = {"aiohttp", "asyncio", "cryptography", "msgspec", "requests", "websockets"}


def among(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def selected(patterns: tuple[str, ...], *, but: bool = False) -> list[str]:
    return [name for name in MODULES if among(name, patterns) is not but]


def broken(names: list[str], guard: Callable[[Source], list[int]]) -> list[str]:
    found = ((name, line) for name in names for line in guard(MODULES[name]))
    return [f"{name}:{line}" for name, line in found]


# -- versions and names ----------------------------------------------------------------


def test_the_version_is_the_newest_changelog_entry() -> None:
    entries = re.findall(r"^## \[?(\d[^\]\s]*)", read("CHANGELOG.md"), re.MULTILINE)
    assert entries[:1] == [VERSION]


def test_the_package_says_its_version() -> None:
    assert unified_exchanges.__version__ == VERSION


@pytest.mark.parametrize("name", [n for n, s in MODULES.items() if s.defines])
def test_a_module_lists_its_public_names_in_order(name: str) -> None:
    module = importlib.import_module(f"unified_exchanges.{name}".rstrip("."))
    names = list(module.__all__)
    assert guards.out_of_order(n for n in names if not n.startswith("__")) == []
    assert [n for n in names if not hasattr(module, n)] == []


def test_names_out_of_order_are_noticed() -> None:
    assert guards.out_of_order(["ONE", "Zebra", "apple", "Apple"]) == [
        ("apple", "Apple")
    ]
    assert guards.out_of_order(["a", "a"]) == [("a", "a")]


def test_every_error_and_every_model_is_public() -> None:
    errors = importlib.import_module("unified_exchanges.errors")
    models = importlib.import_module("unified_exchanges.models")
    records = {
        name
        for name in models.__all__
        if isinstance(kind := getattr(models, name), type)
        and issubclass(kind, models.Record)
    } - {"MarketDraft"}  # for parsers
    assert (records | set(errors.__all__)) - set(unified_exchanges.__all__) == set()


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = unified_exchanges.nothing


def test_the_package_lists_its_names() -> None:
    assert dir(unified_exchanges) == sorted(unified_exchanges.__all__)


# -- classes that are put together -----------------------------------------------------


def venue_kinds() -> list[type]:
    """What an exchange is put together of: each venue, in replays and on paper too."""
    terms = Terms(cash=0, delays=Delays())
    answers = Answers((), ReplayClock(0), "a recording")
    found: list[type] = [Paper, AsyncPaper]
    for venue in unified_exchanges.exchanges:
        kinds = [folder(venue, x).EXCHANGE for x in ("blocking", "aio")]
        sources = [
            *{x.venue_type for x in kinds},
            folder(venue, "replayed").venue_type(answers),
        ]
        bases = (PaperVenue, PaperVenueOverRecording)
        found += [*kinds, *sources]
        found += [venue_on(x, terms, base) for x in sources for base in bases]
    return found


@pytest.mark.parametrize("kind", venue_kinds(), ids=lambda kind: kind.__qualname__)
def test_no_part_of_a_venue_hides_a_name_of_another_unseen(kind: type) -> None:
    assert guards.hidden(kind) == []


class Base(ABC):
    is_late = False
    _heard: int

    def __init__(self) -> None:
        self._told = self._heard = 1

    @abstractmethod
    def _read(self) -> int: ...

    def look(self) -> int:
        return self._read()

    def _found(self) -> int:
        return 1


class Reading:
    def _read(self) -> int:
        return 1

    def _word(self) -> int:
        return 1


class Late(Base):
    is_late = True

    def __init__(self) -> None:
        self._heard = 2

    def look(self) -> int:
        return super().look()


class Wording:
    def _word(self) -> int:
        return 2


class Counting:
    is_late = True

    def __init__(self) -> None:
        self.size, self._told = 2, 2


class Finding(Base):
    def _found(self) -> int:
        return 2


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ((Reading, Wording), ["Reading hides Wording._word"]),
        (
            (Counting, Base),
            ["Counting hides Base._told", "Counting hides Base.is_late"],
        ),
        ((Finding,), ["Finding hides Base._found"]),
        ((Base, Reading), ["Base hides Reading._read"]),
        ((Reading, Late), []),
    ],
)
def test_a_name_that_is_hidden_unseen_is_noticed(
    parts: tuple[type, ...], said: list[str]
) -> None:
    found = guards.hidden(type("Sample", parts, {}))
    assert [x.removeprefix(f"{__name__}.") for x in found] == said


# -- flows -----------------------------------------------------------------------------


def test_a_flow_that_is_called_is_also_run() -> None:
    flows = guards.flow_names(MODULES.values())
    assert "create_order" in flows
    names = [name for name in selected(FLOWING) if ".simulated" not in name]
    lost = broken(names, lambda source: guards.lost_flows(source, flows))
    assert lost == []


FLOWS = """
class Sample:
    def fetch(self) -> Flow[int]:
        answer = yield from self.send(1)
        return answer

    def send(self, call) -> Flow[int]:
        {}

    def pages(self) -> Pages[int]:
        yield Page([1])

def first(pages) -> Flow[int]:
    return (yield from pages)
"""


@pytest.mark.parametrize(
    "body",
    [
        "self.fetch()\n        yield 1",
        "answer = self.fetch()\n        yield 1",
        "yield self.fetch()",
        "yield 1\n        return self.fetch()",
        "first(self.pages())\n        yield 1",
        "yield 1\n        return first(self.pages())",
        "answer = self.fetch()\n        return (yield from self.pages(answer.x))",
    ],
)
def test_a_lost_flow_is_noticed(body: str) -> None:
    source = Source("sample", FLOWS.format(body))
    assert guards.lost_flows(source, guards.flow_names([source])) != []


@pytest.mark.parametrize(
    "body",
    [
        "return (yield from self.fetch())",
        "return self.fetch()",
        "return self.fetch() if call else self.send(call)",
        "return first(self.pages())",
        "return (yield from first(self.pages()))",
        "pages = self.pages()\n        return (yield from first(pages))",
        "return self.other.fetch(fetch())",
        "return self.retry(lambda: self.fetch())",
    ],
)
def test_a_flow_that_is_run_or_handed_on_is_fine(body: str) -> None:
    source = Source("sample", FLOWS.format(body))
    assert guards.lost_flows(source, guards.flow_names([source])) == []


# -- money, time, chance ---------------------------------------------------------------


def test_no_float_is_made_where_money_passes() -> None:
    assert broken(selected(TIMED, but=True), guards.floats) == []


@pytest.mark.parametrize("sample", ["float(price)", "price * 0.5", "-1.0 + price"])
def test_a_float_is_noticed(sample: str) -> None:
    assert guards.floats(Source("sample", sample)) == [1]


def test_an_exact_number_is_no_float() -> None:
    assert guards.floats(Source("sample", "Decimal('0.5') * 2 + size")) == []


def test_nothing_below_the_drivers_waits_or_is_surprised() -> None:
    assert broken(selected(WAITING, but=True), guards.ambient) == []


@pytest.mark.parametrize(
    "sample",
    [
        "time.sleep(1)",
        "import time as clock",
        "random.random()",
        "from time import sleep",
        "from random import Random, choice",
        "secrets.token_hex()",
        "datetime.now(UTC)",
        "uuid.uuid4()",
        "uuid4()",
        "os.urandom(8)",
    ],
)
def test_an_ambient_source_is_noticed(sample: str) -> None:
    assert guards.ambient(Source("sample", sample)) == [1]


def test_an_injected_source_is_fine() -> None:
    lines = [
        "import random",
        "from random import Random",
        "from .time import now_ms",
        "rng: random.Random",
        "self.clock.now()",
    ]
    assert guards.ambient(Source("sample", "\n".join(lines))) == []


# -- what is loaded when ---------------------------------------------------------------


def loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    return set(json.loads(done.stdout))


def held_by_threads(text: str) -> list[str]:
    """Locks that a forked child would find held by a thread it has not."""
    return re.findall(r"(?<![\w.])(?:threading\.)?R?Lock\(\)", text)


def test_locks_are_free_in_a_forked_child() -> None:
    found = {
        source.name: held
        for source in MODULES.values()
        if not among(source.name, LOCKING) and (held := held_by_threads(source.text))
    }
    assert found == {}


@pytest.mark.parametrize("sample", ["Lock()", "x = threading.RLock()", "a(Lock())"])
def test_a_lock_that_a_child_would_wait_for_is_noticed(sample: str) -> None:
    assert held_by_threads(sample)
    assert not held_by_threads("self._lock = fork.lock()")


def test_importing_the_package_loads_no_library_for_input_and_output() -> None:
    loaded = loaded_by("import unified_exchanges")
    assert loaded & HEAVY == set()
    assert not [name for name in loaded if name.startswith("unified_exchanges.venues.")]


def test_a_blocking_exchange_loads_nothing_async() -> None:
    loaded = loaded_by(
        "import unified_exchanges as u; u.exchange('kalshi', environment='demo')"
    )
    assert loaded & {"aiohttp", "websockets"} == set()


def test_an_async_exchange_does_not_load_requests() -> None:
    loaded = loaded_by(
        "import unified_exchanges as u; u.async_exchange('kalshi', environment='demo')"
    )
    assert loaded & {"requests", "urllib3", "websockets"} == set()


# -- the repository --------------------------------------------------------------------


def read(name: str) -> str:
    return (ROOT / name).read_text()


def test_no_file_says_that_it_is_unfinished() -> None:
    folders = ("unified_exchanges", "tests", "examples", "benchmarks", "docs")
    files = [p for f in folders for p in (ROOT / f).rglob("*") if is_text(p.name)]
    marked = {p.name: guards.unfinished(p.read_text()) for p in files}
    assert {name: lines for name, lines in marked.items() if lines} == {}


def is_text(name: str) -> bool:
    return name.endswith((".py", ".md", ".toml", ".yaml"))


def test_an_unfinished_line_is_noticed() -> None:
    assert guards.unfinished("done\n# FIX\x4dE: later") == [2]


def test_the_readme_gives_exactly_the_two_commands() -> None:
    blocks = re.findall(
        r"^```(?:bash|sh)\n(.*?)^```", read("README.md"), re.MULTILINE | re.DOTALL
    )
    assert [line for block in blocks for line in block.splitlines()] == COMMANDS


def test_continuous_integration_runs_what_the_readme_says() -> None:
    script = read(".ci/run").splitlines()
    assert script[-1] == COMMANDS[1]
    assert "set -euo pipefail" in script


def test_the_registry_is_sorted_and_knows_every_venue_folder() -> None:
    assert list(unified_exchanges.exchanges) == VENUES


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_comes_with_tests_and_a_page(venue: str) -> None:
    assert list((ROOT / "tests" / "venues" / venue).glob("test_*.py"))
    assert "Limitations and quirks" in read(f"docs/venues/{venue}.md")


def test_the_package_is_marked_as_typed() -> None:
    assert (PACKAGE / "py.typed").exists()
