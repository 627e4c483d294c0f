"""What a process that is killed now would leave in the file of its account."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from unified_exchanges.paper.kept import Rows

__all__ = ["left"]


def left(path: Path, folder: Path) -> Rows:
    """The rows of the account as the next one reads them, of a copy of the file as it is."""
    there = folder / "left"
    shutil.rmtree(there, ignore_errors=True)
    there.mkdir()
    # By another process: POSIX drops the locks of a file that its process closes.
    names = [str(x) for x in path.parent.glob(f"{path.name}*")]
    subprocess.run(["/bin/cp", *names, str(there)], check=True)
    with closing(sqlite3.connect(there / path.name)) as found:
        rows = found.execute("SELECT kind, name, told FROM kept WHERE kind != 'source'")
        return {(kind, name): told for kind, name, told in rows}
