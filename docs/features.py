"""Prints the page of what each venue can do, from its own description.

    python docs/features.py > docs/features.md

Nothing on the page is written by hand; a test compares it with what this prints.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping

import unified_exchanges as ux
from unified_exchanges.description import METHODS, Description
from unified_exchanges.money import text
from unified_exchanges.registry import folder
from unified_exchanges.simulator.server import SimulatorServer

Row = tuple[str, Callable[[Description], str]]

FACTS: tuple[Row, ...] = (
    ("currency", lambda facts: facts.currency),
    ("environments", lambda facts: _words(facts.environments)),
    ("credentials", lambda facts: _words(facts.credentials)),
    ("idempotent_create", lambda facts: facts.idempotent_create),
    ("outcome_books", lambda facts: facts.outcome_books),
    ("hours", lambda facts: facts.hours),
    ("price_grid", lambda facts: facts.price_grid),
    ("size_unit", lambda facts: facts.size_unit),
    ("settlement", lambda facts: facts.settlement),
    ("edit", lambda facts: facts.edit),
    ("time_in_force", lambda facts: _words(facts.time_in_force)),
    ("periods", lambda facts: _words(facts.periods)),
    ("api_version", lambda facts: facts.api_version),
    ("checked_on", lambda facts: facts.checked_on),
)

INTRODUCTION = """\
# What each venue can do

From `describe()` of every venue, by `python docs/features.py > docs/features.md`: the words
are those of `exchange.has`. `True`: the venue has it. `"emulated"`: it is built from what the
venue has. `False`: it cannot be done there. `None`: not known, or not built yet.
A program asks:

```python
from unified_exchanges import exchange, exchanges

for name in exchanges:
    venue = exchange(name, environment="local")
    print(name, venue.has["edit_order"], venue.describe().outcome_books)
```

Which guards are on is of the object, not of the venue: see [guards](guards.md)."""


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *_parts(_described())]) + "\n"


def _described() -> dict[str, Description]:
    found = {}
    for name in ux.exchanges:
        with ux.exchange(name, environment="local") as venue:
            found[name] = venue.describe()
    return found


def _parts(venues: Mapping[str, Description]) -> Iterator[str]:
    yield from _table("Methods", venues, ((name, _able(name)) for name in METHODS))
    others = sorted({x for facts in venues.values() for x in facts.has} - set(METHODS))
    yield from _table(
        "Order features and the rest", venues, ((x, _able(x)) for x in others)
    )
    yield from _table("Facts", venues, FACTS)
    yield "\n## Rate limits of a new account\n"
    yield "As the simulated venues tell them; `fetch_limits()` tells those of yours.\n"
    yield "| Venue | Bucket | Per second | At once |"
    yield "|---|---|---|---|"
    for name, facts in venues.items():
        yield from _limits(name, facts)
    for name, facts in venues.items():
        yield f"\n## What differs on [{facts.name}](venues/{name}.md)\n"
        yield from (f"- {sentence}" for sentence in facts.limitations)


def _limits(name: str, facts: Description) -> Iterator[str]:
    box = folder(name, "simulated").simulated()
    os.environ.update({box.key_variable: box.api_key, **box.variables})
    with (
        SimulatorServer(box.venue) as server,
        ux.exchange(
            name, private_key=box.private_key, environment=f"{server.url}{box.path}"
        ) as venue,
    ):
        for bucket in venue.fetch_limits().buckets:
            rate, most = text(bucket.refill_rate), text(bucket.capacity)
            yield f"| {facts.name} | `{bucket.name}` | {rate} | {most} |"


def _table(
    title: str, venues: Mapping[str, Description], rows: Iterable[Row]
) -> Iterator[str]:
    yield f"\n## {title}\n"
    yield "| | " + " | ".join(facts.name for facts in venues.values()) + " |"
    yield "|---" * (len(venues) + 1) + "|"
    for name, tell in rows:
        cells = " | ".join(tell(facts) for facts in venues.values())
        yield f"| `{name}` | {cells} |"


def _able(name: str) -> Callable[[Description], str]:
    def tell(facts: Description) -> str:
        able = facts.has.get(name)
        return f'`"{able}"`' if isinstance(able, str) else f"`{able}`"

    return tell


def _words(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


if __name__ == "__main__":
    print(page(), end="")
