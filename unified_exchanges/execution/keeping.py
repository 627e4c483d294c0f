"""The record of an exit in the journal: read, written over what was read, or adopted."""

from __future__ import annotations

import json

from ..errors import BadRequest, JournalError, UnifiedExchangesError
from ..flow import Flow, Load, Save
from ..venue import Venue
from .exit_record import ExitRecord
from .exits import ExitPlan

__all__ = ["Keeping"]


class Keeping:
    """An exit as it is written down.

    A record is written only over the one that was read: of several who run one exit, those
    who were overtaken go on with what the other has written.
    """

    def __init__(self, plan: ExitPlan) -> None:
        self.record = ExitRecord(plan=plan)
        self._stands: str | None = None
        """The record as the journal has it, as far as was read."""

    def _known_before(self, venue: Venue) -> Flow[bool]:
        """Go on from what the journal has of it; False if it has nothing."""
        stands = yield Load(venue.account, _key(self.record.plan.name))
        assert stands is None or isinstance(stands, str)
        if stands is not None:
            self._adopt(stands)
        return stands is not None

    def _keep(self, record: ExitRecord, venue: Venue) -> Flow[bool]:
        """Write it over the record that was read; else adopt what stands there instead."""
        # No two writings are alike: one that looks like ours is not taken for it.
        told = json.dumps(
            {**record.to_dict(), "written": f"{venue.settings.rng.getrandbits(128):x}"}
        )
        step = Save(venue.account, _key(record.plan.name), told, self._stands)
        stands = yield step
        assert stands is None or isinstance(stands, str)
        if stands != told:
            self._adopt(stands)
            return False
        self._stands, self.record = told, record
        return True

    def _keep_end(self, record: ExitRecord, venue: Venue) -> Flow[None]:
        """Write how it ended: that holds, whoever was faster."""
        while not ((yield from self._keep(record, venue)) or self.record.is_over):
            pass

    def _adopt(self, told: str | None) -> None:
        """Go on from a record as the journal has it."""
        plan = self.record.plan
        if told is None:
            message = (
                f"the record of exit {plan.name!r} is not in the journal any more: look "
                "at the account's orders before you run it again"
            )
            raise JournalError(message)
        known = _record_of(plan.name, told)
        if known.plan != plan:
            message = (
                f"exit {known.plan} was written down so, and now has other terms: a new "
                "exit needs a new name"
            )
            raise BadRequest(message)
        self._stands, self.record = told, known


def _key(name: str) -> str:
    """What an exit is called in the journal, where other things may have names."""
    return f"exit {name}"


def _record_of(name: str, told: str) -> ExitRecord:
    """An exit as the journal has it.

    One that cannot be read raises `BadRequest`: nothing is known of its order then.
    """
    try:
        return ExitRecord.from_dict(json.loads(told))
    except (ValueError, KeyError, TypeError, UnifiedExchangesError) as error:
        message = (
            f"the record of exit {name!r} in the journal cannot be read ({error!r}): look "
            "at the account's orders, then make an exit with a new name"
        )
        raise BadRequest(message) from error
