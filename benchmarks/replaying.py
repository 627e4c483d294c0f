"""Replaying requests from a recording or a cassette, beside reading its file.

Measured is what a replay costs besides reading answers into models: the index, made once,
and then each request through the transport of a replay.  The floor reads the same file
line by line and decodes nothing.  All of it is done for N requests and for ten times as
many: cost that grows faster than the recording would show in the time of one.

A cassette of vcrpy is one YAML document.  Beside the goal of a request there is one by what
PyYAML takes to tell, event by event, what is in the same file: with it alone, most of the
time that a request may take would be gone.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Final

import yaml
from timing import Goal, arguments, interleave, ratio, report, verdict
from vcr.serializers import yamlserializer

from unified_exchanges.description import Description
from unified_exchanges.flow import Request
from unified_exchanges.recording.format import Body, End, Header, Rest, encode
from unified_exchanges.registry import exchanges, folder
from unified_exchanges.replaying import ReplayTransport, load

FEW: Final = 1_000
MANY: Final = 10_000
HOST: Final = "https://external-api.kalshi.com"
LEVEL: Final = '["0.{:04d}","{}.00"]'
FLOOR: Final = "reading the file"
OURS: Final = "index, and every request"
YAML: Final = "events of PyYAML, and nothing more"
MICROSECONDS: Final = 1_000_000


def venues() -> list[Description]:
    return [folder(name, "blocking").EXCHANGE.describe() for name in exchanges]


def address(number: int) -> str:
    # A book asked for again and again, and others now and then.
    ticker = "KXFED" if number % 2 else f"KXCPI-{number % 500}"
    return f"/trade-api/v2/markets/{ticker}/orderbook"


def told(number: int) -> str:
    levels = ",".join(LEVEL.format(n, n) for n in range(1, 41))
    return f'{{"orderbook_fp":{{"yes_dollars":[{levels}],"seq":{number}}}}}'


def written(path: Path, count: int) -> Path:
    """A recording of as many books, one each second, with 40 levels."""
    second = 1_000_000_000
    start = 1_795_000_000 * second
    head = Header(
        format=1,
        venue="kalshi",
        environment="production",
        library="0",
        rest=f"{HOST}/trade-api/v2",
        at=start,
        mono=0,
    )
    with path.open("wb") as file:
        file.write(encode(head))
        for number in range(count):
            at = start + number * second
            file.write(
                encode(
                    Rest(
                        at=at,
                        mono=at,
                        began=at - 1,
                        elapsed=1,
                        method="GET",
                        host=HOST,
                        path=address(number),
                        status=200,
                        query=[("depth", "40")],
                        headers={"content-type": "application/json"},
                        body=Body.of(told(number)),
                    )
                )
            )
        file.write(encode(End(at=at, mono=at, lines=count, withheld=0)))
    return path


def taped(path: Path, count: int) -> Path:
    """The same on a cassette, as vcrpy writes it."""
    pairs = [
        {
            "request": {
                "method": "GET",
                "uri": f"{HOST}{address(number)}?depth=40",
                "body": None,
                "headers": {"accept": ["application/json"]},
            },
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": {
                    "content-type": ["application/json"],
                    "date": [formatdate(1_795_000_000 + number, usegmt=True)],
                },
                "body": {"string": told(number)},
            },
        }
        for number in range(count)
    ]
    path.write_text(yamlserializer.serialize({"interactions": pairs, "version": 1}))
    return path


def scan(path: Path) -> int:
    with path.open("rb") as file:
        return sum(len(line) for line in file)


def parsed(path: Path) -> None:
    gc.disable()
    for _ in yaml.parse(path.read_bytes(), yaml.CSafeLoader):
        pass
    gc.enable()


def replay(path: Path, requests: list[Request], known: list[Description]) -> None:
    source = load(path, known)
    transport = ReplayTransport(source.answers, source.clock)
    for request in requests:
        transport.send(request)
    assert not source.answers.unplayed


def measured(path: Path, count: int, rounds: int) -> dict[str, list[float]]:
    query = (("depth", "40"),)
    requests = [Request("GET", HOST + address(n), query) for n in range(count)]
    known = venues()
    variants: dict[str, Callable[[], object]] = {
        FLOOR: lambda: scan(path),
        OURS: lambda: replay(path, requests, known),
    }
    if path.suffix == ".yaml":
        variants[YAML] = lambda: parsed(path)
    # Nobody else works for it, so CPU time is all of it, however busy the machine is.
    return interleave(variants, rounds, clock=process_time)


def of_cassettes(folder_name: str, rounds: int) -> list[Goal]:
    each, goals = [], []
    for count in (FEW, MANY):
        path = taped(Path(folder_name) / f"{count}.yaml", count)
        times = measured(path, count, rounds)
        report(f"replay of {count:,} on tape", times, FLOOR, per=count, unit="request")
        each.append(median(times[OURS]) / count * MICROSECONDS)
        goals.append(Goal(f"a request of {count:,} on tape", each[-1], 50.0, " µs"))
        found = ratio(times, OURS, YAML)
        goals.append(Goal(f"{count:,} on tape, by events of PyYAML", found, 1.7))
    few, many = each
    return [*goals, Goal("growth on tape, of ten times as many", many / few, 1.3)]


def main() -> None:
    options = arguments(__doc__)
    goals = []
    each = {}
    with TemporaryDirectory() as folder_name:
        for count in (FEW, MANY):
            path = written(Path(folder_name) / f"{count}.jsonl", count)
            times = measured(path, count, options.rounds)
            report(f"replay of {count:,}", times, FLOOR, per=count, unit="request")
            each[count] = median(times[OURS]) / count * MICROSECONDS
            print(f"  by the floor: ×{ratio(times, OURS, FLOOR):.1f}")
            goals.append(Goal(f"a request of {count:,}", each[count], 50.0, " µs"))
        goals += of_cassettes(folder_name, options.rounds)
    goals.append(Goal("growth, of ten times as many", each[MANY] / each[FEW], 1.3))
    verdict(goals, gate=not options.no_gate)


if __name__ == "__main__":
    main()
