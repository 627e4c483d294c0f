"""What is around the markets: milestones, targets, incentives, words to search by."""

from __future__ import annotations

from datetime import datetime

from .catalog import Incentive, Milestone
from .errors import bad_parameter, not_found
from .house import House
from .listings import incentive_view, milestone_view, target_view
from .lists import paged
from .pages import page
from .routes import (
    Call,
    Operation,
    Parameter,
    choice,
    integer,
    limit,
    string,
    strings,
)
from .wire import SECOND, Payload, market_uuid

__all__ = ["OPERATIONS"]


def get_milestones(house: House, call: Call) -> Payload:
    """Milestones, filtered, the next ones first."""
    start_us = _moment(call)
    chosen = sorted(
        (m for m in house.catalog.milestones.values() if _fits(m, call, start_us)),
        key=lambda milestone: (milestone.start_us, milestone.milestone_id),
    )
    shown, cursor = paged(chosen, call, lambda milestone: milestone.milestone_id)
    return {"milestones": [milestone_view(m) for m in shown], "cursor": cursor}


def _moment(call: Call) -> int:
    word = call.query["minimum_start_date"]
    try:
        moment = datetime.fromisoformat(word) if word else None
    except ValueError as error:
        name = "minimum_start_date"
        raise bad_parameter(call.operation.name, name, "datetime") from error
    if moment is None:
        return 0
    if moment.tzinfo is None:
        raise bad_parameter(call.operation.name, "minimum_start_date", "datetime")
    return round(moment.timestamp() * SECOND)


def _fits(milestone: Milestone, call: Call, start_us: int) -> bool:
    query = call.query
    updated = query["min_updated_ts"]
    return (
        milestone.start_us >= start_us
        and query["category"] in {"", milestone.category}
        and query["competition"] in {"", milestone.competition}
        and query["source_id"] in {"", milestone.source_id}
        and query["type"] in {"", milestone.kind}
        and query["related_event_ticker"] in {"", *milestone.event_tickers}
        and (updated is None or milestone.updated_us >= updated * SECOND)
    )


def get_milestone(house: House, call: Call) -> Payload:
    """One milestone."""
    milestone = house.catalog.milestones.get(call.path["milestone_id"])
    if milestone is None:
        raise not_found()
    return {"milestone": milestone_view(milestone)}


def get_targets(house: House, call: Call) -> Payload:
    """Structured targets, filtered."""
    query = call.query
    chosen = [
        target
        for target in house.catalog.targets.values()
        if (not query["ids"] or target.target_id in query["ids"])
        and query["type"] in {"", target.kind}
        and query["competition"] in {"", target.competition}
    ]
    shown, cursor = page(
        chosen,
        key=lambda target: target.target_id,
        cursor=query["cursor"],
        limit=query["page_size"],
    )
    views = [target_view(target) for target in shown]
    return {"structured_targets": views, "cursor": cursor}


def get_target(house: House, call: Call) -> Payload:
    """One structured target."""
    target = house.catalog.targets.get(call.path["structured_target_id"])
    if target is None:
        raise not_found()
    return {"structured_target": target_view(target)}


def get_incentives(house: House, call: Call) -> Payload:
    """Incentive programs; the next cursor has another name here."""
    query = call.query
    chosen = [
        program
        for program in house.catalog.incentives.values()
        if query["status"] in {"", "all", _status(program, call.now_us)}
        and query["type"] in {"", "all", program.kind}
    ]
    shown, cursor = paged(chosen, call, lambda program: program.program_id)
    views = [incentive_view(p, market_uuid(p.market_ticker)) for p in shown]
    return {"incentive_programs": views, "next_cursor": cursor}


def _status(program: Incentive, now_us: int) -> str:
    if program.paid_out:
        return "paid_out"
    if now_us < program.start_us:
        return "upcoming"
    return "active" if now_us < program.end_us else "closed"


def get_tags(house: House, _: Call) -> Payload:
    """Tags by category."""
    tags: dict[str, list[str]] = {}
    for series in house.catalog.series.values():
        known = tags.setdefault(series.category, [])
        known += [tag for tag in series.tags if tag not in known]
    return {"tags_by_categories": tags}


def get_sports(house: House, _: Call) -> Payload:
    """Competitions by sport."""
    sports = [
        series.tags[0]
        for series in house.catalog.series.values()
        if series.category == "Sports"
    ]
    scopes = {"scopes": ["Games"]}
    return {
        "filters_by_sports": {
            sport: {**scopes, "competitions": {f"Pro {sport}": scopes}}
            for sport in sports
        },
        "sport_ordering": sports,
    }


_CURSOR = string("cursor")

OPERATIONS = (
    Operation(
        name="GetMilestones",
        method="GET",
        path="/milestones",
        handler=get_milestones,
        parameters=(
            Parameter(name="limit", kind="int", least=1, most=500, required=True),
            _CURSOR,
            *map(
                string,
                (
                    "minimum_start_date",
                    "category",
                    "competition",
                    "source_id",
                    "type",
                    "related_event_ticker",
                ),
            ),
            integer("min_updated_ts"),
        ),
    ),
    Operation(
        name="GetMilestone",
        method="GET",
        path="/milestones/{milestone_id}",
        handler=get_milestone,
    ),
    Operation(
        name="GetStructuredTargets",
        method="GET",
        path="/structured_targets",
        handler=get_targets,
        parameters=(
            strings("ids", most=2000),
            string("type"),
            string("competition"),
            limit(100, 2000, name="page_size"),
            _CURSOR,
        ),
    ),
    Operation(
        name="GetStructuredTarget",
        method="GET",
        path="/structured_targets/{structured_target_id}",
        handler=get_target,
    ),
    Operation(
        name="GetIncentivePrograms",
        method="GET",
        path="/incentive_programs",
        handler=get_incentives,
        parameters=(
            choice("status", "all", "active", "upcoming", "closed", "paid_out"),
            choice("type", "all", "liquidity", "volume", "margin_maker_volume"),
            string("incentive_description"),
            integer("limit", least=1, most=10_000),
            _CURSOR,
        ),
    ),
    Operation(
        name="GetTagsForSeriesCategories",
        method="GET",
        path="/search/tags_by_categories",
        handler=get_tags,
    ),
    Operation(
        name="GetFiltersForSports",
        method="GET",
        path="/search/filters_by_sport",
        handler=get_sports,
    ),
)
