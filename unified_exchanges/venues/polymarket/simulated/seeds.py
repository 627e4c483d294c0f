"""The first markets of the simulated Polymarket, their ids drawn from a seed."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import attrs

from .catalog import Catalog, Event, Listed, Version
from .templates import HOUR, QUESTIONS, Ask, Question
from .wire import SECOND

__all__ = ["Planned", "Seeds", "new_condition"]

_PROSE = (
    'This market will resolve to "{first}" if what the title asks comes true. '
    'Otherwise, this market will resolve to "{second}".'
)
_IMAGE = "https://polymarket-upload.s3.us-east-2.amazonaws.com/simulated.png"
_NO_HASH_BITS = 8


@attrs.frozen(kw_only=True, slots=True)
class Planned:
    """A market of the catalog and how it goes: closed and worth what, and when."""

    listed: Listed
    resolved_us: int | None
    value: Decimal | None


def new_condition(rng: Random) -> str:
    """32 bytes."""
    return "0x" + rng.randbytes(32).hex()


class Seeds:
    """Writes the questions into a catalog, as of one moment."""

    def __init__(self, catalog: Catalog, rng: Random, now_us: int) -> None:
        self._catalog = catalog
        self._rng = rng
        # Whole hours, so that dates look like dates.
        self._now_us = now_us - now_us % (HOUR * SECOND)
        self._events = rng.randrange(20_000, 30_000)
        self._markets = rng.randrange(500_000, 600_000)

    def plan(self) -> list[Planned]:
        """All events with their markets."""
        return [planned for question in QUESTIONS for planned in self._add(question)]

    def _at(self, seconds: int) -> int:
        return self._now_us + seconds * SECOND

    def _add(self, question: Question) -> list[Planned]:
        self._events += self._rng.randint(1, 40)
        group = "0x" + self._rng.randbytes(31).hex() + "00"
        event = Event(
            event_id=str(self._events),
            slug=question.slug,
            title=question.title,
            description=_PROSE.format(first="Yes", second="No"),
            tags=question.tags,
            start_us=self._at(question.start),
            end_us=self._at(question.end),
            created_us=self._at(question.start - HOUR),
            neg_risk_id=group if question.is_neg_risk else "",
            is_augmented=question.is_augmented,
            series=question.series,
            image=_IMAGE,
        )
        self._catalog.add_event(event)
        return [
            self._ask(event, question, ask, place)
            for place, ask in enumerate(question.asks)
        ]

    def _ask(self, event: Event, question: Question, ask: Ask, place: int) -> Planned:
        self._markets += self._rng.randint(1, 400)
        condition, tokens, legacy = self._ids(question.version)
        # Questions of one neg-risk event share all but the last byte (capture, 2026-03).
        question_id = (
            event.neg_risk_id[:-2] + f"{place:02x}"
            if event.is_neg_risk
            else new_condition(self._rng)
        )
        listed = Listed(
            market_id=str(self._markets),
            event_id=event.event_id,
            slug=ask.slug,
            question=ask.text,
            condition_id=condition,
            question_id=question_id,
            tokens=tokens,
            legacy_tokens=legacy,
            outcomes=ask.outcomes,
            tick=Decimal(ask.tick),
            fair=Decimal(ask.fair),
            start_us=event.start_us,
            end_us=event.end_us,
            created_us=event.created_us,
            version=_version(question),
            fees=question.fees,
            neg_risk_id=event.neg_risk_id,
            is_other=ask.is_other,
            group_title=ask.group,
            threshold=place,
            description=_PROSE.format(first=ask.outcomes[0], second=ask.outcomes[1]),
            seconds_delay=question.seconds_delay,
            blocks_takers=question.blocks_takers,
            game_start_us=None if question.game is None else self._at(question.game),
            sports_type=ask.sports_type,
            line=None if ask.line is None else Decimal(ask.line),
            opens_us=None if ask.opens is None else self._at(ask.opens),
        )
        self._catalog.add_market(listed)
        resolved = question.resolved
        return Planned(
            listed=listed,
            resolved_us=None if resolved is None else self._at(resolved),
            value=None if ask.value is None else Decimal(ask.value),
        )

    def _ids(self, version: str) -> tuple[str, tuple[str, str], tuple[str, str] | None]:
        """Condition id, the tokens that trade, and older tokens of the same market."""
        drawn = (self._token(), self._token())
        if version != "v2":
            return new_condition(self._rng), drawn, None
        # Byte 0 is the module, the last one the outcome, and eight bytes are none
        # (polymarket-client 0.14.0, 2026-10).
        root = b"\x01" + self._rng.randbytes(18) + bytes(8) + self._rng.randbytes(4)
        first, second = (str(int.from_bytes(root + bytes([n]), "big")) for n in (0, 1))
        return "0x" + (root + b"\0").hex(), (first, second), drawn

    def _token(self) -> str:
        return str(self._rng.getrandbits(256 - _NO_HASH_BITS) + (1 << 240))


def _version(question: Question) -> Version:
    return "v2" if question.version == "v2" else "v1"
