"""The questions of the simulated Polymarket: what is asked, how it trades, how it ends.

Invented, in the form of real ones. Fee rates: docs.polymarket.com, 2026-08.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from .catalog import Fees, Series, Tag

__all__ = ["QUESTIONS", "Ask", "Question"]

_D = Decimal
HOUR = 3_600
DAY = 24 * HOUR

POLITICS = Tag("2", "Politics", "politics")
ELECTIONS = Tag("144", "Elections", "elections")
ECONOMY = Tag("100328", "Economy", "economy")
CRYPTO = Tag("21", "Crypto", "crypto")
SPORTS = Tag("1", "Sports", "sports")
BASKETBALL = Tag("745", "NBA", "nba")
WORLD = Tag("100265", "Geopolitics", "geopolitics")
CULTURE = Tag("596", "Culture", "pop-culture")
WEATHER = Tag("84", "Weather", "weather")
TECH = Tag("1401", "Tech", "tech")

_CRYPTO_FEES = Fees(kind="crypto_fees", rate=_D("0.07"), rebate=_D("0.2"))
_SPORTS_FEES = Fees(kind="sports_fees", rate=_D("0.05"), rebate=_D("0.15"))
_POLITICS_FEES = Fees(kind="politics_fees", rate=_D("0.04"), rebate=_D("0.25"))
_GENERAL_FEES = Fees(kind="general_fees", rate=_D("0.05"), rebate=_D("0.25"))

_YES_NO = ("Yes", "No")


@attrs.frozen(kw_only=True, slots=True)
class Ask:
    """One market of an event. ``value`` is what outcome 0 is worth once it is known."""

    text: str
    slug: str
    fair: str
    outcomes: tuple[str, str] = _YES_NO
    group: str = ""
    tick: str = "0.01"
    value: str | None = None
    is_other: bool = False
    sports_type: str = ""
    line: str | None = None
    opens: int | None = None
    """Seconds from now until it takes orders."""


@attrs.frozen(kw_only=True, slots=True)
class Question:
    """An event and its markets. Times are seconds from now."""

    slug: str
    title: str
    tags: tuple[Tag, ...]
    asks: tuple[Ask, ...]
    end: int
    start: int = -30 * DAY
    fees: Fees | None = _GENERAL_FEES
    is_neg_risk: bool = False
    is_augmented: bool = False
    version: str = "v1"
    seconds_delay: int = 0
    blocks_takers: bool = False
    game: int | None = None
    series: Series | None = None
    resolved: int | None = None
    """When its markets with a value were resolved."""


QUESTIONS: tuple[Question, ...] = (
    Question(
        slug="who-will-be-the-next-mayor-of-springfield",
        title="Who will be the next mayor of Springfield?",
        tags=(POLITICS, ELECTIONS),
        fees=_POLITICS_FEES,
        is_neg_risk=True,
        is_augmented=True,
        end=60 * DAY,
        asks=(
            Ask(
                text="Will Ada Quimby be the next mayor of Springfield?",
                slug="will-ada-quimby-be-the-next-mayor-of-springfield",
                group="Ada Quimby",
                fair="0.462",
                tick="0.001",
            ),
            Ask(
                text="Will Bob Terwilliger be the next mayor of Springfield?",
                slug="will-bob-terwilliger-be-the-next-mayor-of-springfield",
                group="Bob Terwilliger",
                fair="0.385",
                tick="0.001",
            ),
            Ask(
                text="Will Cy Hibbert be the next mayor of Springfield?",
                slug="will-cy-hibbert-be-the-next-mayor-of-springfield",
                group="Cy Hibbert",
                fair="0.118",
                tick="0.001",
            ),
            Ask(
                text="Will anybody else be the next mayor of Springfield?",
                slug="will-anybody-else-be-the-next-mayor-of-springfield",
                group="Other",
                fair="0.035",
                tick="0.001",
                is_other=True,
            ),
        ),
    ),
    Question(
        slug="fed-decision-in-december",
        title="Fed decision in December",
        tags=(ECONOMY,),
        end=40 * DAY,
        asks=(
            Ask(
                text="Will the Fed cut rates in December?",
                slug="will-the-fed-cut-rates-in-december",
                fair="0.55",
            ),
        ),
    ),
    Question(
        slug="bitcoin-above-on-friday",
        title="Bitcoin above ___ on Friday?",
        tags=(CRYPTO,),
        fees=_CRYPTO_FEES,
        version="v2",
        end=5 * DAY,
        asks=(
            Ask(
                text="Will the price of Bitcoin be above $120,000 on Friday?",
                slug="bitcoin-above-120k-on-friday",
                group="120,000",
                fair="0.64",
            ),
            Ask(
                text="Will the price of Bitcoin be above $130,000 on Friday?",
                slug="bitcoin-above-130k-on-friday",
                group="130,000",
                fair="0.27",
            ),
        ),
    ),
    Question(
        slug="ethereum-up-or-down-hourly",
        title="Ethereum Up or Down",
        tags=(CRYPTO,),
        fees=_CRYPTO_FEES,
        start=-6 * HOUR,
        end=6 * HOUR,
        blocks_takers=True,
        series=Series("10115", "eth-up-or-down-hourly", "ETH Up or Down", "hourly"),
        asks=(
            Ask(
                text="Ethereum Up or Down - this quarter of the day",
                slug="ethereum-up-or-down-quarter",
                fair="0.505",
                outcomes=("Up", "Down"),
            ),
        ),
    ),
    Question(
        slug="nba-gsw-lal",
        title="Warriors vs. Lakers",
        tags=(SPORTS, BASKETBALL),
        fees=_SPORTS_FEES,
        start=-7 * DAY,
        end=3 * DAY,
        game=2 * DAY,
        seconds_delay=3,
        series=Series("10345", "nba-2026", "NBA", "daily"),
        asks=(
            Ask(
                text="Warriors vs. Lakers",
                slug="nba-gsw-lal",
                fair="0.44",
                outcomes=("Warriors", "Lakers"),
                sports_type="moneyline",
            ),
            Ask(
                text="Spread: Lakers (-3.5)",
                slug="nba-gsw-lal-spread-home-3pt5",
                group="Spread -3.5",
                fair="0.5125",
                outcomes=("Lakers", "Warriors"),
                tick="0.0025",
                sports_type="spreads",
                line="-3.5",
            ),
        ),
    ),
    Question(
        slug="ceasefire-in-freedonia-by-the-end-of-the-year",
        title="Ceasefire in Freedonia by the end of the year?",
        tags=(WORLD,),
        fees=None,
        end=90 * DAY,
        asks=(
            Ask(
                text="Ceasefire in Freedonia by the end of the year?",
                slug="ceasefire-in-freedonia-by-the-end-of-the-year",
                fair="0.09",
            ),
        ),
    ),
    Question(
        slug="highest-temperature-in-london-tomorrow",
        title="Highest temperature in London tomorrow?",
        tags=(WEATHER,),
        is_neg_risk=True,
        start=-2 * DAY,
        end=2 * DAY,
        asks=(
            Ask(
                text="Will the highest temperature in London be 11°C or below?",
                slug="highest-temperature-in-london-11c-or-below",
                group="11°C or below",
                fair="0.31",
            ),
            Ask(
                text="Will the highest temperature in London be 12°C or above?",
                slug="highest-temperature-in-london-12c-or-above",
                group="12°C or above",
                fair="0.69",
            ),
        ),
    ),
    Question(
        slug="which-album-will-be-number-one",
        title="Which album will be number one next month?",
        tags=(CULTURE,),
        end=30 * DAY,
        asks=(
            Ask(
                text="Will The Be Sharps be number one next month?",
                slug="will-the-be-sharps-be-number-one",
                group="The Be Sharps",
                fair="0.2",
                opens=2 * DAY,
            ),
        ),
    ),
    Question(
        slug="largest-company-end-of-last-month",
        title="Largest company at the end of last month?",
        tags=(TECH,),
        is_neg_risk=True,
        start=-60 * DAY,
        end=-10 * DAY,
        resolved=-9 * DAY,
        asks=(
            Ask(
                text="Will Globex be the largest company at the end of last month?",
                slug="will-globex-be-the-largest-company",
                group="Globex",
                fair="0.7",
                value="1",
            ),
            Ask(
                text="Will Initech be the largest company at the end of last month?",
                slug="will-initech-be-the-largest-company",
                group="Initech",
                fair="0.3",
                value="0",
            ),
        ),
    ),
    Question(
        slug="nba-chi-bos",
        title="Bulls vs. Celtics",
        tags=(SPORTS, BASKETBALL),
        fees=_SPORTS_FEES,
        start=-20 * DAY,
        end=-12 * DAY,
        game=-13 * DAY,
        resolved=-12 * DAY,
        series=Series("10345", "nba-2026", "NBA", "daily"),
        asks=(
            Ask(
                text="Bulls vs. Celtics",
                slug="nba-chi-bos",
                fair="0.5",
                outcomes=("Bulls", "Celtics"),
                sports_type="moneyline",
                value="0.5",
            ),
        ),
    ),
    Question(
        slug="will-it-rain-in-springfield-yesterday",
        title="Did it rain in Springfield yesterday?",
        tags=(WEATHER,),
        start=-10 * DAY,
        end=-2 * HOUR,
        asks=(
            Ask(
                text="Did it rain in Springfield yesterday?",
                slug="will-it-rain-in-springfield-yesterday",
                fair="0.97",
                tick="0.001",
            ),
        ),
    ),
)
