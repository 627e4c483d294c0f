"""Models as tables: every kind, in three libraries, to the last digit."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unified_exchanges import BadRequest, models
from unified_exchanges.backtesting import EquityPoint, MarketReport
from unified_exchanges.models import Candle, Level, OrderBook, PricePoint, Trade
from unified_exchanges.models.record import plain
from unified_exchanges.research import to_frame
from unified_exchanges.research.columns import columns
from unified_exchanges.strategies import CalibrationBin, Note
from unified_exchanges.venues.kalshi.fees import FeeSchedule
from unified_exchanges.venues.polymarket.fees import Fees
from unified_exchanges.venues.polymarket.parse import FeeTerms

from .making import NOON, made

BACKENDS: Any = ("pandas", "polars", "pyarrow")
D = Decimal
NOT_ASKED_FOR = {"MarketDraft", "Record", "AccountState", "Resync"}
KINDS: list[Any] = [
    *(
        kind
        for name in models.__all__
        if name not in NOT_ASKED_FOR and attrs.has(kind := getattr(models, name))
    ),
    *(MarketReport, EquityPoint, CalibrationBin, Note),
]


def rows(frame: Any) -> list[dict[str, Any]]:
    """What a table says, None where it has nothing."""
    if isinstance(frame, pl.DataFrame):
        return frame.to_dicts()
    if isinstance(frame, pa.Table):
        return frame.to_pylist()
    assert isinstance(frame, pd.DataFrame)
    names = list(frame.columns)
    lines = zip(*(list(frame[name]) for name in names), strict=True)
    return [
        {n: None if x is None or pd.isna(x) else x for n, x in zip(names, line)}  # noqa: B905
        for line in lines
    ]


def kinds(frame: Any) -> list[str]:
    if isinstance(frame, pl.DataFrame):
        return [str(x) for x in frame.dtypes]
    if isinstance(frame, pa.Table):
        return [str(x) for x in frame.schema.types]
    return [str(x) for x in frame.dtypes]


def trade(price: str = "0.56") -> Trade:
    return attrs.evolve(made(Trade, full=True), price=D(price))


def book(*asks: str) -> OrderBook:
    levels = tuple(Level(D(price), D(5)) for price in asks)
    return OrderBook(
        venue="kalshi", market_id="RAIN", outcome="yes", bids=levels[:1], asks=levels
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_model_becomes_a_table_and_an_empty_list_the_same_columns(
    kind: Any, backend: Any
) -> None:
    some, none = made(kind, full=True), made(kind, full=False)
    frame = to_frame([some, none, some], backend)
    empty = to_frame([], backend, kind=kind)
    assert rows(empty) == []
    assert list(empty.columns if backend != "pyarrow" else empty.column_names) == [
        column.name for column in columns(kind)
    ]
    assert kinds(empty) == kinds(frame)
    if kind is OrderBook:
        return
    found = rows(frame)
    assert len(found) == 3
    assert found[0] == found[2]
    for column in columns(kind):
        for row, each in ((found[0], some), (found[1], none)):
            told = each
            for name in column.path:
                told = getattr(told, name, None)
            value = row[column.name]
            if column.content == "json" and told is not None:
                assert json.loads(value) == plain(told)
            else:
                assert value == told
            if told is not None and column.content == "decimal":
                assert isinstance(value, D)
            if told is not None and column.content == "time":
                assert value.utcoffset() == timedelta(0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_numbers_are_never_floats_except_milliseconds(backend: Any) -> None:
    for kind in KINDS:
        told = kinds(to_frame([], backend, kind=kind))
        names = [
            column.name
            for column, dtype in zip(columns(kind), told, strict=True)
            if "loat" in dtype or dtype == "double"
        ]
        timed = {"error_rate", "downtime"}
        assert [x for x in names if not x.endswith("_ms") and x not in timed] == []


@given(
    st.lists(
        st.decimals(
            allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9
        ).filter(lambda x: -x.as_tuple().exponent <= 28)  # type: ignore[operator]
    )
)
def test_no_digit_is_lost(numbers: list[Decimal]) -> None:
    trades = [attrs.evolve(trade(), size=number) for number in numbers]
    for backend in BACKENDS:
        frame = to_frame(trades, backend, kind=Trade)
        assert [row["size"] for row in rows(frame)] == numbers


def test_columns_have_six_places_so_that_tables_can_be_put_together() -> None:
    first, second = to_frame([trade("0.5")], "polars"), to_frame([trade()], "polars")
    assert first.schema["price"] == pl.Decimal(38, 6)
    assert pl.concat([first, second])["price"].to_list() == [D("0.5"), D("0.56")]


@pytest.mark.parametrize("backend", ["polars", "pyarrow"])
def test_a_number_that_a_table_cannot_hold_is_refused(backend: Any) -> None:
    point = attrs.evolve(trade(), size=D(f"{10**30}.{1:020}"))
    with pytest.raises(BadRequest, match=r"column 'size' needs 51 digits .*pandas'"):
        to_frame([point], backend)
    assert list(to_frame([point])["size"]) == [point.size]


def test_pandas_multiplies_exactly_and_refuses_floats() -> None:
    frame = to_frame([trade("0.1"), trade("0.2")])
    assert frame["price"].sum() == D("0.3")
    assert list(frame["price"] * frame["price"]) == [D("0.01"), D("0.04")]
    with pytest.raises(TypeError):
        frame["price"] * 0.5


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_book_is_its_levels_best_first_bids_before_asks(backend: Any) -> None:
    found = rows(to_frame(book("0.56", "0.57"), backend))
    assert [(x["side"], x["level"], x["price"], x["size"]) for x in found] == [
        ("bid", 0, D("0.56"), D(5)),
        ("ask", 0, D("0.56"), D(5)),
        ("ask", 1, D("0.57"), D(5)),
    ]
    assert {(x["market_id"], x["stale"], x["timestamp"]) for x in found} == {
        ("RAIN", False, None)
    }
    assert len(to_frame([book("0.56"), book(), book("0.57")], backend)) == 4


class Late:
    def is_stale(self) -> bool:
        return True

    def age(self) -> float:
        return 2.0


def test_a_stale_book_says_so_in_every_row() -> None:
    stale = attrs.evolve(book("0.56"), freshness=Late())
    assert list(to_frame([book("0.5"), stale])["stale"]) == [False, False, True, True]


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_prices_of_a_candle_are_columns(backend: Any) -> None:
    candle = attrs.evolve(
        made(Candle, full=False),
        price=models.Ohlc(D("0.5"), D("0.7"), D("0.4"), D("0.6")),
    )
    [row] = rows(to_frame(candle, backend))
    assert [row[f"price_{x}"] for x in ("open", "high", "low", "close")] == [
        *(D("0.5"), D("0.7"), D("0.4"), D("0.6"))
    ]
    assert row["bid_open"] is None


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_a_market_charges_is_a_table_of_either_venue(backend: Any) -> None:
    kalshi = FeeSchedule("quadratic", D(2))
    assert rows(to_frame(kalshi, backend)) == [
        {"fee_type": "quadratic", "multiplier": D(2), "waived": False}
    ]
    polymarket = [Fees(FeeTerms(D("0.07"), D(1))), Fees(None)]
    first, second = rows(to_frame(polymarket, backend))
    assert first == {
        "terms_rate": D("0.07"),
        "terms_exponent": D(1),
        "terms_is_taker_only": True,
    }
    assert second == dict.fromkeys(first)


@pytest.mark.parametrize("backend", BACKENDS)
def test_times_are_the_same_moment_in_utc(backend: Any) -> None:
    [row] = rows(to_frame([trade()], backend))
    assert row["created_at"] == NOON
    assert row["created_at"].utcoffset() == timedelta(0)


def test_kinds_do_not_mix() -> None:
    point = made(PricePoint, full=True)
    with pytest.raises(BadRequest, match=r"not of Trade, PricePoint: make several"):
        to_frame([trade(), point])
    with pytest.raises(BadRequest, match=r"not of PricePoint, Trade: make several"):
        to_frame([trade()], kind=PricePoint)


def test_nothing_of_no_kind_is_refused() -> None:
    with pytest.raises(BadRequest, match="pass kind="):
        to_frame([])


@pytest.mark.parametrize("given", [3, "abc", {"a": 1}, [1, 2], [None]])
def test_what_is_no_model_is_refused(given: object) -> None:
    with pytest.raises(BadRequest, match="model"):
        to_frame(given)


def test_another_library_is_refused() -> None:
    other: Any = "dask"
    with pytest.raises(BadRequest, match="'dask' is none of: pandas, polars, pyarrow"):
        to_frame([trade()], other)


@pytest.mark.parametrize(
    ("backend", "missing"),
    [("pandas", "pandas"), ("polars", "polars"), ("pyarrow", "narwhals")],
)
def test_a_library_that_is_not_there_is_named_with_the_extra(
    backend: Any, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=rf"needs {missing}: .*\[research\]"):
        to_frame([trade()], backend)


def test_the_same_sets_give_the_same_text() -> None:
    fill = attrs.evolve(
        made(models.Fill, full=True), computed=frozenset({"b", "c", "a"})
    )
    assert list(to_frame(fill)["computed"]) == ['["a", "b", "c"]']


def test_no_library_of_tables_is_loaded_before_a_table_is_made() -> None:
    code = (
        "import sys, unified_exchanges.backtesting, unified_exchanges.research;"
        "print(sorted({'altair', 'narwhals', 'pandas', 'polars', 'pyarrow'} & "
        "set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("field", "told", "wanted"),
    [
        *(("price", D(x), "finite Decimals") for x in ("NaN", "sNaN", "Infinity")),
        *(("price", x, "finite Decimals") for x in (0.5, 1, "0.5", True)),
        ("trade_id", 5, "text"),
        ("created_at", NOON.replace(tzinfo=None), "datetimes with a zone"),
        ("created_at", "now", "datetimes with a zone"),
        ("is_block", 1, "True and False"),
    ],
)
def test_a_field_of_another_kind_is_refused_by_its_column_and_row(
    field: str, told: Any, wanted: str, backend: Any
) -> None:
    trade = made(Trade, full=True)
    wrong = attrs.evolve(trade, **{field: told})
    message = f"^column '{field}' holds {wanted}, and in row 1 there is "
    with pytest.raises(BadRequest, match=message):
        to_frame([trade, wrong], backend)


@pytest.mark.parametrize("kind", [5, "Trade", made(Trade, full=True)], ids=str)
def test_the_kind_of_a_table_is_a_class(kind: Any) -> None:
    with pytest.raises(BadRequest, match=r"^kind=.*: give the class of the models"):
        to_frame([], kind=kind)
