"""Imports, each in a fresh interpreter, beside the imports that they cannot do without.

As after an installation: with compiled bytecode, whatever the environment says.
"""

from __future__ import annotations

import os
import subprocess
import sys
from tempfile import TemporaryDirectory

from timing import Goal, Seconds, arguments, interleave, ratio, report, verdict

CODE = """
import time
start = time.process_time()
{statement}
print(time.process_time() - start)
"""
FIRST = "first blocking Kalshi"
STATEMENTS = {
    "import attrs": "import attrs",
    "import unified_exchanges": "import unified_exchanges",
    "import requests, cryptography": (
        "import requests, cryptography.hazmat.primitives.serialization"
    ),
    FIRST: "import unified_exchanges as ux; ux.exchange('kalshi', environment='demo')",
}


def started(statement: str, bytecode: str) -> Seconds:
    """CPU seconds of a statement in an interpreter of its own."""
    command = [sys.executable, "-c", CODE.format(statement=statement)]
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    )
    return Seconds(done.stdout)


def main() -> None:
    """Measure, print, and fail if a goal is missed."""
    options = arguments(__doc__)
    with TemporaryDirectory() as bytecode:
        variants = {
            name: lambda statement=statement: started(statement, bytecode)
            for name, statement in STATEMENTS.items()
        }
        times = interleave(variants, options.rounds)
    report("starting", times, "import attrs", unit="start")
    light = ratio(times, "import unified_exchanges", "import attrs")
    heavy = ratio(times, FIRST, "import requests, cryptography")
    verdict(
        [Goal("import unified_exchanges", light, 1.4), Goal(FIRST, heavy, 1.3)],
        gate=not options.no_gate,
    )


if __name__ == "__main__":
    main()
