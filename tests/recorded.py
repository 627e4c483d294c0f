"""Where recorded payloads and the venue's own contract are, if they are here at all.

They are not part of the project. A folder is named by the environment variable
``UNIFIED_EXCHANGES_RECORDED`` (the examples of Kalshi; for another venue with its id behind
it, such as ``UNIFIED_EXCHANGES_RECORDED_POLYMARKET``), or found by walking up.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

__all__ = [
    "contract_of",
    "examples_of",
    "need_contract",
    "need_examples",
    "read_example",
]

_VARIABLE = "UNIFIED_EXCHANGES_RECORDED"
_STEP = re.compile(r"\['([^']+)'\]|\.(\w+)")


def examples_of(venue: str = "kalshi") -> Path | None:
    """The folder of recorded payloads of a venue, or None."""
    named = os.environ.get(_variable(venue))
    candidates = [Path(named)] if named else list(_above(venue))
    return next((path for path in candidates if path.is_dir()), None)


def _variable(venue: str) -> str:
    return _VARIABLE if venue == "kalshi" else f"{_VARIABLE}_{venue.upper()}"


def _above(venue: str) -> Iterator[Path]:
    for folder in Path(__file__).resolve().parents:
        yield folder / "shared" / "venues" / venue / "examples"


def need_examples(venue: str = "kalshi") -> Path:
    """The folder, or skip the test."""
    folder = examples_of(venue)
    if folder is None:
        pytest.skip(
            f"no recorded payloads of {venue}; {_variable(venue)} names their folder"
        )
    return folder


def read_example(name: str, venue: str = "kalshi") -> Any:
    """One recorded payload, decoded, or skip the test."""
    return json.loads((need_examples(venue) / name).read_text())


@cache
def contract_of(venue: str = "kalshi") -> dict[str, Any] | None:
    """The venue's OpenAPI document with its overlay applied, or None.

    It lies beside the folder of examples. Treat the answer as frozen.
    """
    examples = examples_of(venue)
    path = examples.parent / "openapi.yaml" if examples else None
    if path is None or not path.is_file():
        return None
    document: dict[str, Any] = _load(path)
    for overlay in sorted(path.parent.glob("openapi-overlay-*.yaml")):
        for action in _load(overlay)["actions"]:
            _apply(document, action)
    return document


def _load(path: Path) -> Any:
    # The C loader reads the third of a megabyte in a fraction of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(), Loader=loader)  # noqa: S506 - a safe loader


def need_contract(venue: str = "kalshi") -> dict[str, Any]:
    """The document, or skip the test."""
    document = contract_of(venue)
    if document is None:
        pytest.skip(f"no OpenAPI document of {venue} beside its recorded payloads")
    return document


def _apply(document: dict[str, Any], action: dict[str, Any]) -> None:
    """One action of an overlay: merge into the target, or remove it."""
    steps = [quoted or plain for quoted, plain in _STEP.findall(action["target"])]
    parents = [document]
    for step in steps:
        parents.append(parents[-1][step])
    if action.get("remove"):
        del parents[-2][steps[-1]]
        _no_longer_required(parents, steps)
    else:
        _merge(parents[-1], action["update"])


def _no_longer_required(parents: list[Any], steps: list[str]) -> None:
    """A property that is gone cannot be required."""
    if len(steps) > 1 and steps[-2] == "properties":
        schema = parents[-3]
        required = schema.get("required", [])
        schema["required"] = [name for name in required if name != steps[-1]]


def _merge(target: Any, update: Any) -> None:
    if isinstance(target, list):
        target.extend(update if isinstance(update, list) else [update])
        return
    for name, value in update.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            _merge(target[name], value)
        else:
            target[name] = value
