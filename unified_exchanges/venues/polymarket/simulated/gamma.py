"""Gamma, the catalog: events, markets, tags, search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeVar

from .catalog import Event, Listed
from .errors import Failure, bad_request, unprocessable
from .gamma_views import event_view, is_closed, market_view, tag_view, volume
from .pages import keyset_page
from .routes import Call, Operation
from .wire import SECOND, Payload

if TYPE_CHECKING:
    from .house import House

__all__ = ["OPERATIONS"]

T = TypeVar("T")

_KEYSET_MOST = 100
_SERIES_MOST = 50
_DEEPEST = 2000
_OFFSET = "offset too large, use /markets/keyset for deeper pagination"


def _missing() -> Failure:
    return Failure(404, {"type": "not found error", "error": "id not found"})


def _number(call: Call, name: str) -> Decimal | None:
    word = call.text(name)
    try:
        return Decimal(word) if word else None
    except InvalidOperation as error:
        raise unprocessable(f"invalid {name}") from error


def _moment(call: Call, name: str) -> int | None:
    word = call.text(name)
    if not word:
        return None
    try:
        moment = datetime.fromisoformat(word)
    except ValueError as error:
        raise unprocessable(f"invalid {name}") from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp()) * SECOND


def _within(value: int | Decimal, low: Any, high: Any) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _limit(call: Call) -> int:
    asked = call.integer("limit", 20) or 0
    if asked < 0:
        raise unprocessable("limit must be positive")
    return min(asked, _KEYSET_MOST)


def _markets(house: House, call: Call) -> list[Listed]:
    """The markets that a query wants; open ones unless asked (since 2026-04-09)."""
    wanted_closed = call.flag("closed") or False
    names: dict[str, Callable[[Listed], tuple[str, ...]]] = {
        "id": lambda m: (m.market_id,),
        "slug": lambda m: (m.slug,),
        "clob_token_ids": lambda m: (*m.tokens, *(m.legacy_tokens or ())),
        "condition_ids": lambda m: (m.condition_id,),
        "question_ids": lambda m: (m.question_id,),
        "sports_market_types": lambda m: (m.sports_type,),
    }
    chosen = [m for m in house.catalog.markets.values() if _is_told(house, m)]
    if not any(call.texts(name) for name in ("id", "slug")) or "closed" in call.query:
        chosen = [m for m in chosen if is_closed(house, m) == wanted_closed]
    for name, own in names.items():
        wanted = set(call.texts(name))
        if wanted:
            chosen = [m for m in chosen if wanted.intersection(own(m))]
    tags = set(call.texts("tag_id"))
    if tags:
        chosen = [m for m in chosen if tags & _tags(house.catalog.event_of(m))]
    status = call.text("uma_resolution_status")
    if status:
        chosen = [m for m in chosen if _view(house, m).get(_STATUS) == status]
    ends = _moment(call, "end_date_min"), _moment(call, "end_date_max")
    starts = _moment(call, "start_date_min"), _moment(call, "start_date_max")
    chosen = [
        m for m in chosen if _within(m.end_us, *ends) and _within(m.start_us, *starts)
    ]
    volumes = _number(call, "volume_num_min"), _number(call, "volume_num_max")
    if volumes != (None, None):
        chosen = [m for m in chosen if _within(volume(house.market(m)), *volumes)]
    return _ordered(call, chosen, lambda m: _view(house, m))


_STATUS = "umaResolutionStatus"


def _view(house: House, listed: Listed) -> Payload:
    return market_view(house, listed, embedded=True)


def _is_told(house: House, listed: Listed) -> bool:
    return listed.created_us <= house.now_us


def _tags(event: Event) -> set[str]:
    return {tag.tag_id for tag in event.tags}


def _ordered(call: Call, chosen: list[T], view: Callable[[T], Payload]) -> list[T]:
    """Sorted by a field of what is told, if asked; otherwise as listed."""
    field = call.text("order")
    if not field:
        return chosen
    ascending = call.flag("ascending")
    decorated = [(view(item).get(field), item) for item in chosen]
    known = [pair for pair in decorated if pair[0] is not None]
    known.sort(key=lambda pair: str_key(pair[0]), reverse=ascending is False)
    return [item for _, item in known] + [i for value, i in decorated if value is None]


def str_key(value: Any) -> tuple[int, Any]:
    """Numbers before texts, so that any field sorts."""
    if isinstance(value, str):
        try:
            return 0, Decimal(value)
        except InvalidOperation:
            return 1, value
    return 0, value


def _events(house: House, call: Call) -> list[Event]:
    wanted_closed = call.flag("closed") or False
    chosen = [e for e in house.catalog.events.values() if e.created_us <= house.now_us]
    ids, slugs = set(call.texts("id")), set(call.texts("slug"))
    if ids:
        chosen = [e for e in chosen if e.event_id in ids]
    if slugs:
        chosen = [e for e in chosen if e.slug in slugs]
    if not (ids or slugs) or "closed" in call.query:
        chosen = [e for e in chosen if _ended(house, e) == wanted_closed]
    tags = set(call.texts("tag_id"))
    if tags:
        chosen = [e for e in chosen if tags & _tags(e)]
    excluded = set(call.texts("exclude_tag_id"))
    if excluded:
        chosen = [e for e in chosen if not excluded & _tags(e)]
    tag_slug = call.text("tag_slug")
    if tag_slug:
        chosen = [e for e in chosen if tag_slug in {t.slug for t in e.tags}]
    series = set(call.texts("series_id"))
    if series:
        chosen = [e for e in chosen if e.series and e.series.series_id in series]
    word = call.text("title_search").lower()
    if word:
        chosen = [e for e in chosen if word in e.title.lower()]
    ends = _moment(call, "end_date_min"), _moment(call, "end_date_max")
    chosen = [e for e in chosen if _within(e.end_us, *ends)]
    return _ordered(call, chosen, lambda e: event_view(house, e, markets=False))


def _ended(house: House, event: Event) -> bool:
    own = house.catalog.markets_of(event.event_id)
    return all(is_closed(house, listed) for listed in own)


def _keyset(name: str, shown: Sequence[Payload], following: str | None) -> Payload:
    page: Payload = {name: list(shown)}
    return page if following is None else {**page, "next_cursor": following}


def _refuse_offset(call: Call) -> None:
    if call.text("offset"):
        raise unprocessable("offset is not supported, use after_cursor")


def list_markets_keyset(house: House, call: Call) -> Payload:
    """A page of markets."""
    _refuse_offset(call)
    chosen = _markets(house, call)
    page, following = keyset_page(chosen, call.text("after_cursor"), _limit(call))
    tagged = call.flag("include_tag")
    views = [_tagged(house, m) if tagged else market_view(house, m) for m in page]
    return _keyset("markets", views, following)


def _tagged(house: House, listed: Listed) -> Payload:
    tags = house.catalog.event_of(listed).tags
    return market_view(house, listed) | {"tags": [tag_view(tag) for tag in tags]}


def list_events_keyset(house: House, call: Call) -> Payload:
    """A page of events."""
    _refuse_offset(call)
    chosen = _events(house, call)
    page, following = keyset_page(chosen, call.text("after_cursor"), _limit(call))
    markets = call.flag("include_markets") is not False
    views = [event_view(house, event, markets=markets) for event in page]
    return _keyset("events", views, following)


def _sliced(
    call: Call, chosen: Sequence[T], *, most: int = _KEYSET_MOST
) -> Sequence[T]:
    offset = call.integer("offset", 0) or 0
    if offset > _DEEPEST:
        raise unprocessable(_OFFSET)
    return chosen[offset : offset + min(_limit(call), most)]


def list_markets(house: House, call: Call) -> list[Payload]:
    """Markets by offset, as of old."""
    chosen = _sliced(call, _markets(house, call))
    return [market_view(house, listed) for listed in chosen]


def list_events(house: House, call: Call) -> list[Payload]:
    """Events by offset, as of old."""
    return [event_view(house, event) for event in _sliced(call, _events(house, call))]


def get_market(house: House, call: Call) -> Payload:
    """One market by its id or its slug."""
    wanted = call.path.get("slug")
    listed = house.catalog.find(wanted or _id(call))
    if listed is None or (wanted is not None and listed.slug != wanted):
        raise _missing()
    return (
        _tagged(house, listed)
        if call.flag("include_tag")
        else market_view(house, listed)
    )


def get_event(house: House, call: Call) -> Payload:
    """One event by its id or its slug."""
    wanted = call.path.get("slug")
    event = house.catalog.find_event(wanted or _id(call))
    if event is None or (wanted is not None and event.slug != wanted):
        raise _missing()
    return event_view(house, event)


def _id(call: Call) -> str:
    word = call.path["id"]
    if not (word.isascii() and word.isdigit()):
        raise unprocessable("id is invalid")
    return word


def get_market_tags(house: House, call: Call) -> list[Payload]:
    """The tags of a market."""
    listed = house.catalog.find(_id(call))
    if listed is None:
        raise _missing()
    return [tag_view(tag) for tag in house.catalog.event_of(listed).tags]


def list_tags(house: House, call: Call) -> list[Payload]:
    """All tags."""
    chosen = _sliced(call, list(house.catalog.tags.values()))
    return [tag_view(tag) for tag in chosen]


def get_tag(house: House, call: Call) -> Payload:
    """One tag by its id or its slug."""
    wanted = call.path.get("slug", call.path.get("id", ""))
    for tag in house.catalog.tags.values():
        if wanted in {tag.tag_id, tag.slug}:
            return tag_view(tag)
    raise _missing()


def _series_of(house: House) -> list[Payload]:
    events = house.catalog.events.values()
    found = {e.series.series_id: e.series for e in events if e.series is not None}
    return [
        {
            "id": s.series_id,
            "slug": s.slug,
            "title": s.title,
            "recurrence": s.recurrence,
        }
        for s in found.values()
    ]


def list_series(house: House, call: Call) -> list[Payload]:
    """What recurs."""
    return list(_sliced(call, _series_of(house), most=_SERIES_MOST))


def get_series(house: House, call: Call) -> Payload:
    """One series."""
    for series in _series_of(house):
        if series["id"] == call.path["id"]:
            return series
    raise _missing()


def list_sports(house: House, _: Call) -> list[Payload]:
    """The leagues."""
    events = house.catalog.events.values()
    found = {e.series.slug: e for e in events if e.series and _is_sport(e)}
    return [
        {
            "id": place,
            "sport": event.tags[-1].slug,
            "image": event.image,
            "resolution": "",
            "ordering": "away",
            "tags": ",".join(tag.tag_id for tag in event.tags),
            "series": event.series.series_id if event.series else "",
        }
        for place, event in enumerate(found.values(), 1)
    ]


def _is_sport(event: Event) -> bool:
    return any(tag.slug == "sports" for tag in event.tags)


def list_market_types(house: House, _: Call) -> Payload:
    """What one can bet on in a game."""
    kinds = {m.sports_type for m in house.catalog.markets.values() if m.sports_type}
    return {"marketTypes": sorted(kinds)}


def search(house: House, call: Call) -> Payload:
    """Events whose words, or whose markets' words, hold all that is asked."""
    query = call.text("q").lower().split()
    if not query:
        raise bad_request("q is required")
    most = call.integer("limit_per_type", 5) or 5
    # The vendor's SDK 0.14.0: of active events, markets closed within so many hours.
    is_active = call.text("events_status") == "active"
    kept_us = call.now_us - (call.integer("keep_closed_markets") or 0) * 3600 * SECOND
    found = []
    for event in house.catalog.events.values():
        own = house.catalog.markets_of(event.event_id)
        words = " ".join([event.title, *(m.question for m in own)]).lower()
        is_wanted = not is_active or not _ended(house, event)
        if is_wanted and all(word in words for word in query):
            found.append(event)
    start = most * (max(1, call.integer("page", 1) or 1) - 1)
    page = found[start : start + most]
    more = len(found) > start + most
    return {
        "events": [
            event_view(house, event, since_us=kept_us if is_active else 0)
            for event in page
        ],
        "tags": [],
        "profiles": [],
        "pagination": {"hasMore": more, "totalResults": len(found)},
    }


def _operation(
    path: str, handler: Callable[[House, Call], Any], group: str = ""
) -> Operation:
    groups = ("gamma", f"gamma_{group}") if group else ("gamma",)
    return Operation(
        host="gamma", method="GET", path=path, handler=handler, groups=groups
    )


OPERATIONS = (
    _operation("/markets/keyset", list_markets_keyset, "markets"),
    _operation("/events/keyset", list_events_keyset, "events"),
    _operation("/markets", list_markets, "markets"),
    _operation("/events", list_events, "events"),
    _operation("/markets/{id}", get_market),
    _operation("/markets/slug/{slug}", get_market),
    _operation("/markets/{id}/tags", get_market_tags),
    _operation("/events/{id}", get_event),
    _operation("/events/slug/{slug}", get_event),
    _operation("/tags", list_tags, "tags"),
    _operation("/tags/{id}", get_tag, "tags"),
    _operation("/tags/slug/{slug}", get_tag, "tags"),
    _operation("/series", list_series),
    _operation("/series/{id}", get_series),
    _operation("/sports", list_sports),
    _operation("/sports/market-types", list_market_types),
    _operation("/public-search", search, "search"),
)
