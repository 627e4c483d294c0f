"""Whose requests were recorded, by where they went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

from ..description import Description
from ..recording.format import Rest

__all__ = ["Place", "places_of"]

Place: TypeAlias = tuple[str, str]
"""A venue, and its environment by name or base URL."""
_Fitting: TypeAlias = tuple[str, Place]
"""How a path begins, and where it leads then."""


def places_of(
    lines: Sequence[Rest], venues: Sequence[Description]
) -> list[Place | None]:
    """Where each request went; None where that is no venue's address."""
    known: dict[str, list[_Fitting]] = {}
    found: list[Place | None] = []
    homes: dict[str, Place] = {}
    for line in lines:
        origin, path = line.host, line.path
        if (fitting := known.get(origin)) is None:
            fitting = known[origin] = list(_fitting(origin, venues))
        place = next((x for begin, x in fitting if path.startswith(begin)), None)
        if place is not None:
            homes.setdefault(origin, place)
        found.append(place)
    # Whoever is known to be at an address was asked for all else there.
    return [
        place or homes.get(line.host) for place, line in zip(found, lines, strict=True)
    ]


def _fitting(origin: str, venues: Iterable[Description]) -> Iterator[_Fitting]:
    """What paths at one address may be, the surest first.

    That an address is one that a venue is usually simulated at tells less than the path:
    another may be simulated there.
    """
    elsewhere: list[_Fitting] = []
    by_address: list[_Fitting] = []
    for venue in venues:
        places = venue.environments.values()
        services = sorted({name for place in places for name in place.services})
        for place in places:
            named = venue.id, place.name
            is_below_services = not place.services and services
            for base in (place.rest, *place.services.values()):
                at, path = _split(base)
                if at != origin:
                    continue
                if path or not is_below_services:
                    yield f"{path}/", named
                    continue
                for service in services:
                    yield f"/{service}/", named
                by_address.append(("/", named))
            if path := urlsplit(place.rest).path:
                elsewhere.append((f"{path}/", (venue.id, origin + path)))
        elsewhere += [(f"/{service}/", (venue.id, origin)) for service in services]
    yield from elsewhere
    yield from by_address


def _split(base: str) -> tuple[str, str]:
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.netloc}", parts.path
