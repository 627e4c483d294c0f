"""Every benchmark can still be started: what it takes from the library is there."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from .guards import ROOT
from .unmeasured import unmeasured

BENCHMARKS = ROOT / "benchmarks"
ABSENT = ("opentelemetry", "orjson", "prometheus_client", "pyarrow", "vcr", "yaml")
"""What only benchmarks compare with, and need not be installed where tests run."""
OF_RECORDINGS = (
    "backtest",
    "backtest_parquet",
    "journaling",
    "replaying",
    "replaying_streams",
)
"""Those that run the library as a user does, and take seconds."""
IMPORT_ALL = f"""
import importlib, json, sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

class Absent(ModuleType):
    __path__ = []
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {{}})

class Finder:
    def find_spec(self, name, path=None, target=None):
        absent = name.partition(".")[0] in {ABSENT!r}
        return ModuleSpec(name, self, is_package=True) if absent else None
    def create_module(self, spec):
        return Absent(spec.name)
    def exec_module(self, module):
        pass

# Last: what is installed is taken as it is.
sys.meta_path.append(Finder())
failures = {{}}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except Exception as error:
        failures[name] = repr(error)
print(json.dumps(failures))
"""


def failures(names: list[str]) -> dict[str, str]:
    """What hinders modules of that folder from being imported, in one interpreter."""
    command = [sys.executable, "-B", "-c", IMPORT_ALL, *names]
    done = subprocess.run(
        command, cwd=BENCHMARKS, capture_output=True, text=True, check=True
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_every_benchmark_can_be_imported_and_runs_nothing_then() -> None:
    names = sorted(x.stem for x in BENCHMARKS.glob("*.py") if x.stem != "__main__")
    assert {"orders", "canned", "stream_book", "journaling"} <= {*names}
    assert failures(names) == {}


@pytest.mark.parametrize("name", OF_RECORDINGS)
def test_one_of_recordings_runs_to_its_goals(name: str) -> None:
    command = [sys.executable, "-B", f"{name}.py", "--rounds", "1", "--no-gate"]
    done = subprocess.run(
        command,
        cwd=BENCHMARKS,
        env=unmeasured(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "goal" in done.stdout


def test_one_that_lacks_what_it_takes_from_the_library_is_told_of() -> None:
    assert failures(["unified_exchanges.no_such_module"]) == {
        "unified_exchanges.no_such_module": (
            "ModuleNotFoundError(\"No module named 'unified_exchanges.no_such_module'\")"
        )
    }
