"""A library in a process of its own, which is told what to do and tells what became of it."""

from __future__ import annotations

import json
import selectors
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

import attrs

__all__ = ["Answer", "Library", "Peer"]

HERE = Path(__file__).parent
TIMEOUT = 2.0
"""Seconds that a request may take, of every library."""
PATIENCE = 25.0
"""Seconds after which a call is taken for one that never returns."""


@attrs.frozen
class Library:
    """A library that is compared: its program, interpreter and version."""

    name: str
    program: str
    python: Path
    version: str


@attrs.frozen
class Answer:
    """What became of a call: a value, an error, or neither in all that time."""

    value: Any = None
    raised: str | None = None
    text: str = ""
    attributes: str = ""
    is_silent: bool = False

    @property
    def told(self) -> str:
        """It in a few words."""
        if self.is_silent:
            return f"did not return in {PATIENCE:.0f} s"
        if self.raised:
            return f"raised {self.raised}"
        if isinstance(self.value, dict) and "not run" in self.value:
            return f"not run: {self.value['not run']}"
        if isinstance(self.value, dict) and "status" in self.value:
            unnamed = "" if self.value["id"] else ", no order id"
            return f"said {self.value['status']}{unnamed}"
        return "returned"


class Peer:
    """One process of a library on a scene."""

    def __init__(
        self,
        library: Library,
        scene: Any,
        *,
        mode: int = 0o600,
        retries: int | None = None,
    ) -> None:
        self.library = library
        self._folder = tempfile.TemporaryDirectory(prefix="peer-")
        folder = Path(self._folder.name)
        self._log = folder / "log.txt"
        key = folder / "key.pem"
        key.touch(mode=0o600)
        key.write_text(scene.private_key, "utf-8")
        key.chmod(mode)
        self._settings = {
            **scene.settings,
            "path": str(key),
            "timeout": TIMEOUT,
            "log": str(self._log),
            "retries": retries,
        }
        self.answers: list[Answer] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [self.library.python, HERE / "programs" / f"{self.library.program}.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._say(self._settings)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()

    @property
    def log(self) -> str:
        """Everything that was logged at DEBUG."""
        return self._log.read_text("utf-8") if self._log.exists() else ""

    def ask(self, do: str, **arguments: Any) -> Answer:
        """Have it do something; what became of it."""
        self._say({"do": do, **arguments})
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._process.stdout, selectors.EVENT_READ)
            if not waiting.select(PATIENCE):
                return Answer(is_silent=True)
        line = self._process.stdout.readline()
        if not line:
            _, errors = self._process.communicate()
            raise RuntimeError(f"{self.library.name} has ended: {errors[-2000:]}")
        answer = Answer(**json.loads(line))
        self.answers.append(answer)
        return answer

    def _say(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
