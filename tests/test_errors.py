"""The taxonomy keeps what a caller needs, through pickling too."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from unified_exchanges import errors
from unified_exchanges.errors import UnifiedExchangesError

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, UnifiedExchangesError) and not kind.__name__.startswith("_")
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
@pytest.mark.parametrize(
    "again",
    [lambda e: pickle.loads(pickle.dumps(e)), copy.copy],
    ids=["pickle", "copy"],
)
def test_an_error_survives_the_way_to_another_process(
    kind: type[UnifiedExchangesError], again: object
) -> None:
    error = kind("no", venue="kalshi", status=400, code="x", client_order_id="c")
    twin = again(error)  # type: ignore[operator]
    assert type(twin) is kind
    assert vars(twin) == vars(error)
    assert str(twin) == "kalshi: no"


def test_every_error_is_public_and_in_the_drawn_tree() -> None:
    assert errors.__doc__ is not None
    assert {k.__name__ for k in KINDS} == set(errors.__all__)
    assert [k.__name__ for k in KINDS if k.__name__ not in errors.__doc__] == []


def test_the_drawn_tree_is_the_real_one() -> None:
    assert errors.__doc__ is not None
    parents: list[str] = ["UnifiedExchangesError"]
    drawn: dict[str, str] = {}
    for line in errors.__doc__.splitlines():
        branch, _, rest = line.partition("── ")
        if rest:
            depth = len(branch.strip("\n")) // 4
            name = rest.split()[0]
            drawn[name] = parents[depth - 1]
            parents[depth:] = [name]
    real = {
        k.__name__: next(
            b.__name__ for b in k.__mro__[1:] if not b.__name__.startswith("_")
        )
        for k in KINDS
        if k is not UnifiedExchangesError
    }
    assert drawn == real


def test_an_unknown_order_may_have_been_executed() -> None:
    assert errors.OrderUnknown("?", client_order_id="c").maybe_executed


def test_waiting_helps_with_exactly_these() -> None:
    assert {k.__name__ for k in KINDS if k.retryable} == {
        "ConnectionLost",
        "ExchangeNotAvailable",
        "NetworkError",
        "OnMaintenance",
        "RateLimitExceeded",
        "RequestTimeout",
        "StaleBook",
    }
