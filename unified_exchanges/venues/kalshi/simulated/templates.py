"""The series of the simulated Kalshi and the names that its events draw from."""

from __future__ import annotations

from decimal import Decimal

from .catalog import Series
from .tariff import Terms

__all__ = [
    "ALBUMS",
    "FILMS",
    "MAKER",
    "MAYORS",
    "PLAIN",
    "PLAYERS",
    "RATES",
    "SERIES",
    "TEAMS",
]

MAKER = "quadratic_with_maker_fees"
_COMBO = "quadratic_with_combo_maker_fees"
PLAIN = Terms("quadratic")

SERIES: tuple[Series, ...] = (
    Series(
        ticker="KXHIGHNY",
        title="Highest temperature in New York City",
        category="Climate and Weather",
        frequency="daily",
        terms=PLAIN,
        tags=("Daily temperature", "New York City"),
        sources=(("National Weather Service", "https://www.weather.gov"),),
    ),
    Series(
        ticker="KXFEDDECISION",
        title="Decision of the Federal Reserve",
        category="Economics",
        frequency="custom",
        terms=Terms(MAKER),
        tags=("Fed", "Interest rates"),
        sources=(("Federal Reserve", "https://www.federalreserve.gov"),),
        structure="tapered_deci_cent",
    ),
    Series(
        ticker="KXGDPVALUE",
        title="Growth of the US economy",
        category="Economics",
        frequency="quarterly",
        terms=PLAIN,
        tags=("GDP",),
        sources=(("Bureau of Economic Analysis", "https://www.bea.gov"),),
        structure="center_centi_edge_centi_cent",
    ),
    Series(
        ticker="KXMAYORLA",
        title="Mayor of Los Angeles",
        category="Elections",
        frequency="one_off",
        terms=PLAIN,
        tags=("Local",),
        structure="center_half_edge_deci_cent",
    ),
    Series(
        ticker="KXBESTPICTURE",
        title="Best picture of the year",
        category="Entertainment",
        frequency="annual",
        terms=Terms(MAKER),
        tags=("Awards",),
        structure="center_whole_edge_half_cent",
    ),
    Series(
        ticker="KXTOPALBUM",
        title="Album of the week",
        category="Entertainment",
        frequency="weekly",
        terms=PLAIN,
        tags=("Music",),
        structure="center_whole_edge_quint_cent",
    ),
    Series(
        ticker="KXRAINSEA",
        title="Rain in Seattle",
        category="Climate and Weather",
        frequency="monthly",
        terms=PLAIN,
        tags=("Rain",),
        structure="center_quint_edge_deci_cent",
    ),
    Series(
        ticker="KXBTCD",
        title="Bitcoin price",
        category="Crypto",
        frequency="daily",
        terms=PLAIN,
        tags=("BTC", "Daily"),
        sources=(("CF Benchmarks", "https://www.cfbenchmarks.com"),),
        shard=2,
        structure="deci_cent",
    ),
    Series(
        ticker="KXGOLDD",
        title="Gold price",
        category="Commodities",
        frequency="daily",
        terms=PLAIN,
        tags=("Gold",),
        shard=2,
        structure="center_half_edge_quint_cent",
    ),
    Series(
        ticker="KXMLBGAME",
        title="Professional Baseball Game",
        category="Sports",
        frequency="custom",
        terms=Terms(MAKER, Decimal("0.5")),
        tags=("Baseball",),
        shard=3,
        metadata={"scope": "Game"},
    ),
    Series(
        ticker="KXATPMATCH",
        title="Tennis Match",
        category="Sports",
        frequency="custom",
        terms=Terms(MAKER),
        tags=("Tennis",),
        shard=3,
        structure="center_half_edge_half_cent",
    ),
    Series(
        ticker="KXNBAGAME",
        title="Professional Basketball Game",
        category="Sports",
        frequency="custom",
        terms=PLAIN,
        tags=("Basketball",),
        shard=3,
        structure="center_quint_edge_quint_cent",
    ),
    Series(
        ticker="KXMVESPORTS",
        title="Sports combos",
        category="Exotics",
        frequency="custom",
        terms=Terms(_COMBO),
        shard=1,
        structure="center_deci_edge_centi_cent",
        is_combo=True,
    ),
)

TEAMS = ("Austin", "Boise", "Calgary", "Denver", "El Paso", "Fresno", "Gary", "Hilo")
PLAYERS = ("A. Adler", "B. Bianchi", "C. Costa", "D. Dubois", "E. Engel", "F. Fabre")
FILMS = ("Harbor Lights", "The Long Field", "Nine Rivers", "Paper Moons", "Salt")
ALBUMS = ("Blue Hour", "Northern", "Static Garden")
MAYORS = ("Avery", "Blake", "Casey", "Drew", "Emery")
RATES = ("Cut by more than 25 bps", "Cut by 25 bps", "Hold", "Hike")
