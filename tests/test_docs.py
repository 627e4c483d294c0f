"""Every Python block of the documentation runs, page by page, on a simulated venue."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import attrs
import pytest

from unified_exchanges import Exchange, Market, exchange, exchanges
from unified_exchanges.cli.app import app
from unified_exchanges.cli.exits import Exit
from unified_exchanges.description import METHODS
from unified_exchanges.registry import folder
from unified_exchanges.simulator.server import SimulatorServer
from unified_exchanges.venues.kalshi.description import FACTS
from unified_exchanges.venues.kalshi.simulated import SimulatedKalshi, generate_key

from .guards import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[int, str]]:
    """The Python blocks of a page, each with the number of lines before it."""
    text = page.read_text()
    found = _BLOCK.finditer(text)
    return [(text.count("\n", 0, match.start(1)), match[1]) for match in found]


PAGES_WITH_CODE = [page for page in PAGES if blocks(page)]
# Kalshi's page is one of those that run on Kalshi; any other venue's runs on its own.
OF_VENUES = [
    page
    for page in PAGES_WITH_CODE
    if page.parent.name == "venues" and page.stem != "kalshi"
]


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The base URL of a fresh simulated Kalshi, with a key in the environment."""
    pair = generate_key()
    simulated = SimulatedKalshi(seed=7)
    key = simulated.add_account(public_key=pair.public_key, history=True)
    path = tmp_path / "key.pem"
    path.touch(mode=0o600)
    path.write_text(pair.private_pem)
    monkeypatch.setenv("KALSHI_API_KEY", key.key_id)
    monkeypatch.setenv("KALSHI_PRIVATE_KEY_PATH", str(path))
    with SimulatorServer(simulated) as server:
        base = f"{server.url}/trade-api/v2"
        local = attrs.evolve(FACTS.environments["local"], rest=base, stream=None)
        monkeypatch.setitem(FACTS.environments, "local", local)
        yield base


@pytest.fixture
def kalshi(url: str) -> Iterator[Exchange]:
    with exchange("kalshi", environment=url) as opened:
        yield opened


@pytest.fixture
def market(kalshi: Exchange) -> Market:
    """An open market with orders on both sides, away from the ends of its grid."""
    quoted = (m for m in kalshi.iter_markets() if m.bid and m.ask)
    return next(m for m in quoted if m.bid > m.grid.lowest)


Serve = Callable[[str], None]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Serve]:
    """Makes a venue's ``"local"`` a fresh simulated one, with a key in the environment."""
    with ExitStack() as stack:

        def serve(venue: str) -> None:
            box = folder(venue, "simulated").simulated(history=True)
            path = tmp_path / f"{venue}.key"
            path.touch(mode=0o600)
            path.write_text(box.private_key)
            monkeypatch.setenv(box.path_variable, str(path))
            monkeypatch.setenv(box.key_variable, box.api_key)
            for name, value in box.variables.items():
                monkeypatch.setenv(name, value)
            server = stack.enter_context(SimulatorServer(box.venue))
            facts = folder(venue, "description").FACTS
            url = f"{server.url}{box.path}"
            local = attrs.evolve(facts.environments["local"], rest=url, stream=None)
            monkeypatch.setitem(facts.environments, "local", local)

        yield serve


@pytest.fixture
def opened(request: pytest.FixtureRequest, serve: Serve) -> Iterator[Exchange]:
    """An exchange with an account that has a history, on a fresh simulated venue."""
    venue: str = request.param.stem
    serve(venue)
    with exchange(venue, environment="local") as opened:
        yield opened


def run(page: Path, **names: object) -> None:
    """Run the blocks of a page, so that the numbers of lines are those of the page."""
    known = {"__name__": page.stem, **names}
    for line, code in blocks(page):
        exec(compile("\n" * line + code, str(page), "exec"), known)  # noqa: S102


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES_WITH_CODE if page not in OF_VENUES],
    ids=lambda page: page.stem,
)
def test_the_code_on_a_page_runs(
    page: Path,
    kalshi: Exchange,
    market: Market,
    url: str,
    serve: Serve,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A page may write files where it is run.
    monkeypatch.chdir(tmp_path)
    for venue in exchanges:
        # Kalshi is there already.
        if venue != kalshi.id and f'"{venue}"' in page.read_text():
            serve(venue)
    run(page, kalshi=kalshi, market=market, url=url)


@pytest.mark.parametrize("opened", OF_VENUES, indirect=True, ids=lambda page: page.stem)
def test_the_code_on_a_venue_s_page_runs(opened: Exchange) -> None:
    [page] = [page for page in OF_VENUES if page.stem == opened.id]
    run(page, **{opened.id: opened})


def test_the_pages_that_show_how_to_trade_have_code() -> None:
    stems = {page.stem for page in PAGES_WITH_CODE}
    assert {"README", "quickstart", "orders", "errors", "kalshi", "polymarket"} <= stems


def test_the_page_of_features_is_what_its_script_prints() -> None:
    script = ROOT / "docs" / "features.py"
    made = subprocess.run(
        [sys.executable, script], capture_output=True, check=True, text=True, cwd=ROOT
    )
    page = (ROOT / "docs" / "features.md").read_text()
    assert page == made.stdout, "python docs/features.py > docs/features.md"


def test_the_page_of_features_says_the_words_of_has() -> None:
    page = (ROOT / "docs" / "features.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", page, re.MULTILINE))
    described = [exchange(id, environment="local").describe() for id in exchanges]  # noqa: A001
    for name in METHODS:
        told = [
            f'`"{x}"`' if isinstance(x, str) else f"`{x}`"
            for x in (facts.has.get(name) for facts in described)
        ]
        assert rows[name] == " | ".join(told)
    assert [x.currency for x in described] == rows["currency"].split(" | ")


def test_every_venue_s_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    assert "\nvenues/*\n" in index


def test_every_exit_code_is_documented() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    codes = re.findall(r"^\| (\d+) \|", page, re.MULTILINE)
    assert codes == [str(int(code)) for code in Exit]


def test_every_command_is_documented() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    commands = {command.name for command in app.registered_commands}
    assert commands - set(re.findall(r"`([a-z]+)", page)) == set()


def test_links_between_pages_lead_somewhere() -> None:
    files = [*PAGES, *ROOT.glob("*.md")]
    links = ((f, link) for f in files for link in _links(f.read_text()))
    broken = [(f.name, link) for f, link in links if not (f.parent / link).exists()]
    assert broken == []


def _links(text: str) -> list[str]:
    found = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    return [link for link in found if "://" not in link]
