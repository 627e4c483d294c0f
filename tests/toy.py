"""The smallest venue there can be, to test what all venues share."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import attrs
import msgspec

from unified_exchanges.clock import VirtualClock
from unified_exchanges.description import Description, Environment
from unified_exchanges.errors import (
    BadRequest,
    ExchangeError,
    ExchangeNotAvailable,
    RateLimitExceeded,
    UnifiedExchangesError,
)
from unified_exchanges.flow import Flow, Pages, Response
from unified_exchanges.models import Params, Status
from unified_exchanges.policy import LimitPolicy, RetryPolicy, TokenBucket
from unified_exchanges.settings import Settings
from unified_exchanges.venue import Venue
from unified_exchanges.venue.call import Call
from unified_exchanges.venue.raw import RawBody

FACTS = Description(
    id="toy",
    name="Toy",
    currency="USD",
    environments={
        "production": Environment(name="production", rest="https://toy.test/api"),
        "demo": Environment(
            name="demo", rest="https://demo.toy.test/api", is_real_money=False
        ),
    },
    has={"post_only": True},
    idempotent_create="none",
    outcome_books="one",
    price_grid="fixed",
    size_unit="contracts",
    settlement="binary",
    edit="none",
    periods=(),
    time_in_force=("gtc",),
    credentials=("api_key",),
    documentation="https://toy.test",
    api_version="1",
    checked_on="2026-11-21",
)


class ToyVenue(Venue):
    """Has a status and a listing."""

    id = "toy"
    facts = FACTS
    first_outcome = "yes"

    def headers(self, call: Call) -> Mapping[str, str]:
        return {"x-stamp": f"{self.clock.now():.3f}"}

    def refusal(self, call: Call, response: Response) -> UnifiedExchangesError:
        kinds: dict[int, type[UnifiedExchangesError]] = {
            400: BadRequest,
            429: RateLimitExceeded,
            503: ExchangeNotAvailable,
        }
        kind = kinds.get(response.status, ExchangeError)
        return kind(f"{call.about} refused", venue=self.id, status=response.status)

    def bucket(self, name: str) -> TokenBucket:
        if name not in self.buckets:
            self.buckets[name] = TokenBucket(10.0, 100.0)
        return self.buckets[name]

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Params | None = None,
        body: RawBody | None = None,
    ) -> Flow[Response]:
        return self.send(get(path, repeatable=method == "GET"))

    def fetch_status(self, *, deadline: float | None = None) -> Flow[Status]:
        response = yield from self.send(get("/status", deadline=deadline))
        active = msgspec.json.decode(response.body)["active"]
        return Status(venue=self.id, is_active=active, is_trading=active)

    def items(self, *, ahead: bool = False) -> Pages[str]:
        return self.pages(
            lambda cursor: get("/items", query=(("cursor", cursor or ""),)),
            parse_page,
            lambda item: item,
            peek=peek if ahead else None,
        )


def get(path: str, **fields: Any) -> Call:
    fields = {"charges": (("read", 10),), **fields}
    return Call(method="GET", path=path, about=f"reading {path}", **fields)


def parse_page(body: bytes) -> tuple[list[str], str | None]:
    page = msgspec.json.decode(body)
    return page["items"], page["cursor"] or None


def peek(body: bytes) -> str | None:
    return parse_page(body)[1]


def page(items: list[str], cursor: str = "") -> Response:
    return answer({"items": items, "cursor": cursor})


def answer(value: object, status: int = 200, **headers: str) -> Response:
    return Response(status, headers, msgspec.json.encode(value))


def toy(
    clock: VirtualClock | None = None, *, limited: bool = True, **fields: Any
) -> ToyVenue:
    retry = fields.pop("retry", RetryPolicy())
    settings = Settings(
        clock=clock or VirtualClock(),
        rng=Random(7),
        retry=retry,
        limits=LimitPolicy(enabled=limited),
        environ={},
        environment="demo",
    )
    return ToyVenue(attrs.evolve(settings, **fields))
