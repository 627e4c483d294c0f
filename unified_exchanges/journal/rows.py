"""An intent as a row: exact, as text, and the statements that keep the rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ..models import Account, Halt, Intent, IntentState, Side, TimeInForce
from ..money import text
from .memory import AGAIN

__all__ = [
    "BEGIN",
    "BEGIN_DAY",
    "COMPACTIONS",
    "FIND",
    "FIRST_EQUITY",
    "FORGET",
    "HALT",
    "HALTED",
    "ID",
    "LIFT",
    "LOAD",
    "PLACE",
    "SAVE",
    "SCHEMA",
    "SETTLE",
    "SHRINK",
    "UNRESOLVED",
    "halt",
    "intent",
    "moment",
    "row",
    "scope",
]

SCHEMA: Final = (
    """
    CREATE TABLE intents (
        venue TEXT NOT NULL,
        environment TEXT NOT NULL,
        account TEXT NOT NULL,
        client_order_id TEXT NOT NULL,
        market_id TEXT NOT NULL,
        outcome TEXT NOT NULL,
        side TEXT NOT NULL,
        price TEXT NOT NULL,
        size TEXT NOT NULL,
        time_in_force TEXT NOT NULL,
        expires_at TEXT,
        params TEXT NOT NULL,
        written_at TEXT NOT NULL,
        arrives_by TEXT NOT NULL,
        clock TEXT NOT NULL,
        state TEXT NOT NULL,
        order_id TEXT,
        detail TEXT NOT NULL,
        PRIMARY KEY (venue, environment, account, client_order_id)
    ) WITHOUT ROWID
    """,
    # A file in the place of another may have its name and its number, but not this.
    "CREATE TABLE journal (id TEXT NOT NULL, compactions INTEGER NOT NULL)",
    "INSERT INTO journal VALUES (lower(hex(randomblob(16))), 0)",
    # What is asked at every start stays small, however long the journal is.
    """
    CREATE INDEX unresolved ON intents (venue, environment, account, written_at)
    WHERE state IN ('pending', 'unknown')
    """,
    """
    CREATE TABLE halts (
        venue TEXT NOT NULL,
        environment TEXT NOT NULL,
        account TEXT NOT NULL,
        reason TEXT NOT NULL,
        halted_at TEXT NOT NULL,
        PRIMARY KEY (venue, environment, account)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE texts (
        venue TEXT NOT NULL,
        environment TEXT NOT NULL,
        account TEXT NOT NULL,
        name TEXT NOT NULL,
        text TEXT NOT NULL,
        PRIMARY KEY (venue, environment, account, name)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE days (
        venue TEXT NOT NULL,
        environment TEXT NOT NULL,
        account TEXT NOT NULL,
        day TEXT NOT NULL,
        equity TEXT NOT NULL,
        PRIMARY KEY (venue, environment, account, day)
    ) WITHOUT ROWID
    """,
)

_COLUMNS: Final = (
    "venue",
    "environment",
    "account",
    "client_order_id",
    "market_id",
    "outcome",
    "side",
    "price",
    "size",
    "time_in_force",
    "expires_at",
    "params",
    "written_at",
    "arrives_by",
    "clock",
    "state",
    "order_id",
    "detail",
)
_KEY: Final = 4
_VENUE: Final = "venue"
_OWN: Final = "own"
"""Whose clock the times of an intent are by."""
_SET: Final = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[_KEY:])
_INSERT: Final = (
    f"INSERT INTO intents ({', '.join(_COLUMNS)}) "  # noqa: S608 - of constants
    f"VALUES ({', '.join(f':{name}' for name in _COLUMNS)}) "
    f"ON CONFLICT DO UPDATE SET {_SET}"
)
_THIS: Final = " AND ".join(f"{name} = :{name}" for name in _COLUMNS[:_KEY])

BEGIN: Final = f"{_INSERT} WHERE state <> 'placed'"
"""Write a pending intent, over an older one that is no order."""
PLACE: Final = _INSERT
"""Write that it is an order."""
_DOUBT: Final = f":state = 'refused' AND detail = '{AGAIN}'"
SETTLE: Final = (
    f"UPDATE intents SET state = CASE WHEN {_DOUBT} "  # noqa: S608 - likewise
    f"THEN 'unknown' ELSE :state END, order_id = :order_id, "
    f"detail = CASE WHEN {_DOUBT} THEN detail ELSE :detail END "
    f"WHERE {_THIS} AND written_at = :written_at AND state IN ('pending', 'unknown')"
)
"""Write how this very writing ended, if that is not known yet.

That it was refused tells nothing of an earlier sending that is unresolved.
"""
ID: Final = "SELECT id FROM journal"
COMPACTIONS: Final = "SELECT compactions FROM journal"
FIND: Final = (
    f"SELECT {', '.join(_COLUMNS)} FROM intents "  # noqa: S608 - likewise
    "WHERE venue = ? AND environment = ? AND account = ? AND client_order_id = ?"
)
UNRESOLVED: Final = (
    f"SELECT {', '.join(_COLUMNS)} FROM intents "  # noqa: S608 - likewise
    "WHERE venue = ? AND environment = ? AND account = ? "
    "AND state IN ('pending', 'unknown') ORDER BY written_at, client_order_id"
)
_WHOSE: Final = "venue = ? AND environment = ? AND account = ?"
HALT: Final = "INSERT INTO halts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
LIFT: Final = f"DELETE FROM halts WHERE {_WHOSE}"  # noqa: S608 - of constants
HALTED: Final = f"SELECT reason, halted_at FROM halts WHERE {_WHOSE}"  # noqa: S608 - likewise
FORGET: Final = (
    "DELETE FROM intents WHERE written_at < ? AND state NOT IN ('pending', 'unknown')"
)
SHRINK: Final = (
    "BEGIN IMMEDIATE; UPDATE journal SET compactions = compactions + 1; "
    "PRAGMA incremental_vacuum; COMMIT"
)
"""Give the space of what was forgotten back, and say so: else nothing may be missing."""
SAVE: Final = (
    "INSERT INTO texts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
    "text = excluded.text"
)
LOAD: Final = (
    "SELECT text FROM texts "
    "WHERE venue = ? AND environment = ? AND account = ? AND name = ?"
)

BEGIN_DAY: Final = "INSERT INTO days VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
FIRST_EQUITY: Final = (
    "SELECT equity FROM days "
    "WHERE venue = ? AND environment = ? AND account = ? AND day = ?"
)


def row(entry: Intent) -> dict[str, str | None]:
    """An intent by column."""
    return {
        "venue": entry.account.venue,
        "environment": entry.account.environment,
        "account": entry.account.fingerprint,
        "client_order_id": entry.client_order_id,
        "market_id": entry.market_id,
        "outcome": entry.outcome,
        "side": entry.side.value,
        "price": text(entry.price),
        "size": text(entry.size),
        "time_in_force": entry.time_in_force.value,
        "expires_at": None if entry.expires_at is None else moment(entry.expires_at),
        "params": json.dumps(dict(entry.params), sort_keys=True),
        "written_at": moment(entry.written_at),
        "arrives_by": moment(entry.arrives_by),
        "clock": _VENUE if entry.is_venue_time else _OWN,
        "state": entry.state.value,
        "order_id": entry.order_id,
        "detail": entry.detail,
    }


def intent(told: tuple[Any, ...]) -> Intent:
    """The intent of a row; raises ValueError saying which row cannot be read."""
    values: Mapping[str, Any] = dict(zip(_COLUMNS, told, strict=True))
    expires = values["expires_at"]
    try:
        return Intent(
            account=Account(values["venue"], values["environment"], values["account"]),
            client_order_id=values["client_order_id"],
            market_id=values["market_id"],
            outcome=values["outcome"],
            side=Side(values["side"]),
            price=Decimal(values["price"]),
            size=Decimal(values["size"]),
            time_in_force=TimeInForce(values["time_in_force"]),
            expires_at=None if expires is None else datetime.fromisoformat(expires),
            params=json.loads(values["params"]),
            written_at=datetime.fromisoformat(values["written_at"]),
            arrives_by=datetime.fromisoformat(values["arrives_by"]),
            is_venue_time=values["clock"] == _VENUE,
            state=IntentState(values["state"]),
            order_id=values["order_id"],
            detail=values["detail"],
        )
    except (ValueError, TypeError, InvalidOperation) as error:
        message = f"its row {values['client_order_id']!r} cannot be read ({error!r})"
        raise ValueError(message) from error


def halt(told: tuple[Any, ...] | None) -> Halt | None:
    """The halt of a row, if there is one; raises ValueError if it cannot be read."""
    if told is None:
        return None
    reason, at = told
    return Halt(reason=reason, at=datetime.fromisoformat(at))


def scope(account: Account) -> tuple[str, str, str]:
    """Whose rows they are."""
    return account.venue, account.environment, account.fingerprint


def moment(at: datetime) -> str:
    """A time as text that sorts as the times do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
