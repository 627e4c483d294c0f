"""Run every benchmark, one after another, each in an interpreter of its own.

``python -m benchmarks [--rounds N] [--no-gate]``; the exit code counts those that missed
a goal.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
NOT_BENCHMARKS = {"__main__", "canned", "flood", "payloads", "timing"}


def main() -> None:
    """Run them all, then say which missed a goal."""
    missed = []
    for script in sorted(HERE.glob("*.py")):
        if script.stem in NOT_BENCHMARKS:
            continue
        print(f"\n=== {script.stem}", flush=True)
        command = [sys.executable, script.name, *sys.argv[1:]]
        if subprocess.run(command, cwd=HERE, check=False).returncode:
            missed.append(script.stem)
    print(f"\n{len(missed)} missed a goal: {', '.join(missed) or 'none'}")
    sys.exit(len(missed))


if __name__ == "__main__":
    main()
