"""What a process that is killed now would leave in the file of its account."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import closing
from pathlib import Path

from unified_exchanges.on_paper.file import StateFile
from unified_exchanges.paper.kept import Rows

__all__ = ["left"]


def left(path: Path, folder: Path) -> Rows:
    """The rows as the next one reads them, of a copy of the file as it is."""
    there = folder / "left"
    shutil.rmtree(there, ignore_errors=True)
    there.mkdir()
    # By another process: POSIX drops the locks of a file that its process closes.
    names = [str(x) for x in path.parent.glob(f"{path.name}*")]
    subprocess.run(["/bin/cp", *names, str(there)], check=True)
    with closing(StateFile(there / path.name)) as found:
        return found.read()
