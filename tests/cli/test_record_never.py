"""Texts that get nowhere into a recording, out of a file and not out of the command itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from unified_exchanges import exchange
from unified_exchanges.cli.practice import Practice

from ..recording.sessions import plain
from .conftest import invoke


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    return tmp_path / "texts"


def market_of(place: Practice) -> tuple[str, str]:
    """A market, and words of its title that stand nowhere else."""
    with exchange(place.venue, environment=place.url) as ex:
        market = ex.fetch_markets(limit=1)[0]
    return market.market_id, market.title


def recorded(place: Practice, path: Path, market: str, *words: str) -> str:
    words = ("record", "kalshi", market, "--out", str(path), "--for", "1s", *words)
    done = invoke(*words, env=place.exports)
    assert done.code == 0, done.err
    return done.out


def test_the_texts_of_files_are_nowhere_in_a_recording(
    place: Practice, path: Path, tmp_path: Path
) -> None:
    market, title = market_of(place)
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text(f"\ufeff{title}\r\n\nhunter-2\n", encoding="utf-8")
    two.write_text("never seen anywhere")
    recorded(place, path, market, "--never-from", str(one), "--never-from", str(two))
    said = plain(path).decode()
    assert '"title":"REDACTED"' in said
    assert title not in said


def test_the_texts_may_come_through_a_pipe(place: Practice, path: Path) -> None:
    """As those of a program that keeps passwords, by ``<(…)``: they are in no file then."""
    market, title = market_of(place)
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        pipe.write(f"{title}\n")
    recorded(place, path, market, "--never-from", f"/dev/fd/{reading}")
    os.close(reading)
    assert title not in plain(path).decode()


def test_what_was_withheld_is_told_at_the_end(
    place: Practice, path: Path, texts: Path
) -> None:
    texts.write_text("market_ticker\n")
    market, _ = market_of(place)
    said = recorded(place, path, market, "--never-from", str(texts))
    lines = plain(path).count(b'"kind":"withheld"')
    assert lines > 1
    assert f"{lines} lines were withheld" in " ".join(said.split())


REFUSED = {
    "nothing": (b"\n \n", "it has no text"),
    "too short": (b"hunter-2\nabc\n", "never= has a text of 3 characters"),
    "no text": (b"\xff\xfe\x00", "it is no UTF-8"),
    "a blank": (b"hunter-2\nhunter-22 \n", "line 2 has blanks at an end"),
}


@pytest.mark.parametrize(("content", "said"), REFUSED.values(), ids=REFUSED)
def test_a_file_of_which_nothing_can_be_made_is_refused_and_nothing_is_begun(
    path: Path, texts: Path, content: bytes, said: str
) -> None:
    texts.write_bytes(content)
    words = ("record", "kalshi", "M", "--out", str(path), "--never-from", str(texts))
    done = invoke(*words, "--json")
    assert (done.code, path.exists()) == (2, False)
    assert said in done.error["message"]
    assert "hunter" not in done.err


@pytest.mark.parametrize("kind", ["a text", "a folder"])
def test_what_is_no_file_is_not_shown_as_it_may_be_the_secret_itself(
    path: Path, tmp_path: Path, kind: str
) -> None:
    named = str(tmp_path / "hunter-2")
    if kind == "a folder":
        Path(named).mkdir()
    words = ("record", "kalshi", "M", "--out", str(path), "--never-from", named)
    done = invoke(*words, "--json")
    assert (done.code, path.exists()) == (2, False)
    assert "one a line" in done.error["message"]
    assert "hunter" not in done.err
