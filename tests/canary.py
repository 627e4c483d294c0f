"""A watch over a test run: no secret may be seen in anything the library lets out.

Watched are log records of every logger at DEBUG, every error of ours when it dies (with
what caused it, and its pickle), what is printed, and cassettes.  Secrets are what exchanges
are made with and what their requests are signed with; they are learnt by themselves, and
`guarded` tells of others.
"""

from __future__ import annotations

import gc
import logging
import os
import pickle
import re
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest
from vcr.persisters.filesystem import FilesystemPersister

from unified_exchanges.errors import UnifiedExchangesError
from unified_exchanges.testing.redaction import REDACTED, REDACTED_KEY
from unified_exchanges.transports.handshake import Handshake
from unified_exchanges.venue.sending import Sender
from unified_exchanges.wording import words_of

__all__ = ["WATCH", "Canary", "Watch", "guarded", "told_by"]

T = TypeVar("T")

_WORD = re.compile(r"[A-Za-z0-9_-]{12,}")
_SECRET_HEADER = re.compile(
    r"access-key|api.key|passphrase|signature|authorization", re.IGNORECASE
)
_HEX_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")
_FORMAT = logging.Formatter("%(name)s %(levelname)s %(message)s %(args)r")
_SHORTEST = 6


class Watch:
    """Secrets, and texts in which they must not stand."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}
        self._phrases: dict[str, str] = {}
        """Secrets, and the first test that had each."""
        self.owners: list[str] = []
        """The tests whose secrets were found by the last call of `leaks`."""
        self._heard: deque[tuple[str, str]] = deque()

    def forbid(self, secret: str) -> None:
        """Take a secret, line by line; PEM armour and empty lines are none.

        Nor is what stands for one, with which a replay signs.
        """
        owner = os.environ.get("PYTEST_CURRENT_TEST", "no test").split(" ")[0]
        for line in secret.splitlines():
            if "-----" in line or line in {REDACTED, REDACTED_KEY}:
                continue
            # Every line of a key has a long word, whatever stands around it.
            if words := _WORD.findall(line):
                longest = max(words, key=len)
                # Noughts stand for a key in one test and for an order in another.
                if len(set(longest)) >= _SHORTEST:
                    self._words.setdefault(longest, owner)
            elif len(line) >= _SHORTEST:
                self._phrases.setdefault(line, owner)

    def hear(self, place: str, text: str) -> None:
        """Take a text that was let out; ``place`` says where."""
        self._heard.append((place, text))

    def leaks(self) -> list[str]:
        """The places that showed a secret since the last call; never the secrets."""
        found, owners = {}, {}
        while self._heard:
            place, text = self._heard.popleft()
            for owner in self._shown(text):
                found[place] = owners[owner] = None
        self.owners = list(owners)
        return list(found)

    def _shown(self, text: str) -> Iterator[str]:
        """The tests whose secrets a text shows."""
        for word in self._words.keys() & set(_WORD.findall(text)):
            yield self._words[word]
        for phrase, owner in self._phrases.items():
            if phrase in text:
                yield owner


WATCH = Watch()
"""The watch over this run."""


def guarded(**settings: str) -> dict[str, str]:
    """Keep the secrets among an exchange's settings under watch, and give them back."""
    _forbid_settings(WATCH, settings)
    return settings


def _forbid_settings(watch: Watch, settings: Mapping[str, Any]) -> None:
    for name in ("api_key", "secret", "password"):
        if isinstance(value := settings.get(name), str):
            watch.forbid(value)
    key = settings.get("private_key")
    # Otherwise it is the path of a file, which may be named.
    if isinstance(key, str) and ("-----" in key or _HEX_KEY.fullmatch(key)):
        watch.forbid(key)


def _verdict(leaks: list[str], owners: list[str]) -> str:
    return f"a secret was let out: {'; '.join(leaks)} (of {', '.join(owners)})"


def told_by(error: BaseException) -> str:
    """All that an error shows to whoever prints, logs or stores it.

    Without the source lines of its traceback: those of the library are the same for
    everyone, and what a caller writes into a line of its own, we do not let out.
    """
    said: list[str] = []
    for each in _chain(error):
        said += [words_of(each), repr(each), repr(getattr(each, "__notes__", ""))]
        for value in vars(each).values():
            said += [repr(value), repr(getattr(value, "headers", ""))]
    try:
        said.append(pickle.dumps(error).decode("latin-1"))
    except (TypeError, AttributeError, pickle.PicklingError) as refusal:
        said.append(repr(refusal))
    return "\n".join(said)


def _origin(error: BaseException) -> list[str]:
    """Where an error was raised and where it was caught, each once; nowhere if never."""
    frames = (frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__))
    places = [f"{Path(x.co_filename).name}:{x.co_name}" for x in frames]
    return list(dict.fromkeys([*places[-1:], *places[:1]]))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    waiting, seen = [error], set()
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [each.__cause__, each.__context__]


class _Records(logging.Handler):
    """Hears every record as it would be written, and its arguments."""

    def __init__(self, watch: Watch) -> None:
        super().__init__(logging.DEBUG)
        self._watch = watch
        self.setFormatter(_FORMAT)

    def emit(self, record: logging.LogRecord) -> None:
        place = f"a record of the logger {record.name} ({record.levelname})"
        self._watch.hear(place, self.format(record))


class Canary:
    """The pytest plugin: each test fails that let a secret out."""

    def __init__(self, watch: Watch = WATCH) -> None:
        self._watch = watch
        self._records = _Records(watch)
        self._undo: list[Callable[[], None]] = []

    def start(self) -> None:
        """Put the watch in place."""
        root = logging.getLogger()
        level = root.level
        root.addHandler(self._records)
        root.setLevel(logging.DEBUG)
        self._undo.append(lambda: root.removeHandler(self._records))
        self._undo.append(lambda: root.setLevel(level))
        self._replace(UnifiedExchangesError, "__del__", self._dying)
        self._replace(Sender, "__init__", self._made)
        self._replace(Sender, "_prepare", self._sending)
        self._replace(Handshake, "__init__", self._connecting)
        self._replace(FilesystemPersister, "save_cassette", self._saved)

    def stop(self) -> None:
        """Take it away."""
        while self._undo:
            self._undo.pop()()

    @pytest.hookimpl
    def pytest_unconfigure(self) -> None:
        """The end of the run."""
        self.stop()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """The end of a test: what was printed, and all that was heard since the last."""
        report = yield
        if call.when == "teardown":
            for title, text in report.sections:
                # What is captured of the log is the same records.
                if "log" not in title:
                    self._watch.hear(title, text)
            if leaks := self._watch.leaks():
                report.outcome = "failed"
                report.longrepr = _verdict(leaks, self._watch.owners)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """The end of all tests: errors that were kept alive die now."""
        gc.collect()
        if leaks := self._watch.leaks():
            warnings.warn(_verdict(leaks, self._watch.owners), stacklevel=1)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _replace(self, owner: type, name: str, make: Callable[[Any], Any]) -> None:
        old = owner.__dict__.get(name)
        setattr(owner, name, make(old))
        if old is None:
            self._undo.append(lambda: delattr(owner, name))
        else:
            self._undo.append(lambda: setattr(owner, name, old))

    def _dying(self, _: None) -> Callable[[UnifiedExchangesError], None]:
        def dies(error: UnifiedExchangesError) -> None:
            place = f"a {type(error).__name__} of {getattr(error, 'venue', None)}"
            place += "".join(f", seen in {name}" for name in _origin(error))
            self._watch.hear(place, told_by(error))

        return dies

    def _made(self, old: Callable[..., None]) -> Callable[..., None]:
        def made(sender: Sender, settings: Any) -> None:
            names = ("api_key", "secret", "private_key", "password")
            given = {name: getattr(settings, name) for name in names}
            _forbid_settings(self._watch, given)
            old(sender, settings)

        return made

    def _sending(self, old: Callable[..., Any]) -> Callable[..., Any]:
        def prepared(sender: Sender, *arguments: Any) -> Any:
            request = old(sender, *arguments)
            self._forbid_headers(request.headers)
            return request

        return prepared

    def _connecting(self, old: Callable[..., None]) -> Callable[..., None]:
        def made(shake: Handshake, url: str, headers: Any, timeout: float) -> None:
            self._forbid_headers(headers)
            old(shake, url, headers, timeout)

        return made

    def _forbid_headers(self, headers: Mapping[str, str]) -> None:
        for name, value in headers.items():
            if _SECRET_HEADER.search(name):
                self._watch.forbid(value)

    def _saved(self, old: Any) -> Any:
        def saved(path: Any, *arguments: Any, **named: Any) -> None:
            old.__func__(path, *arguments, **named)
            self._watch.hear(f"the cassette {path}", Path(path).read_text("utf-8"))

        return staticmethod(saved)
