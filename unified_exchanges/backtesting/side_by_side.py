"""Runs of a sweep over the same data, side by side: it is read once for all of them.

Of a run that does little, most of the time is that of reading.  So data is read in blocks,
and each run plays a block before the next one is read.  Events are immutable, and each run
has its own engine, desk and `Surroundings`: its row is that of the run alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs

from ..paper import PaperEvent
from .loop import Loop
from .reading import Provenance, Reading
from .surroundings import Surroundings
from .sweep_report import SweepRow, row_of
from .trial import Setup, Trial, failure_of, made

__all__ = ["play"]

_THEIRS: Final = (KeyboardInterrupt,)
"""What the user may have raised, by Ctrl-C."""


def play(
    setup: Setup, trials: Sequence[Trial], *, is_interrupted: bool = False
) -> list[SweepRow]:
    """Run them over their data, which is the same; gives their rows in this order.

    What one raises is told in its row, as the runs do not concern each other.  What
    reading the data raises is told in those of all that have not ended by then.  Where
    Ctrl-C reaches this process, ``is_interrupted``, a KeyboardInterrupt ends all of it: who
    raised it cannot be told.
    """
    theirs = _THEIRS if is_interrupted else ()
    runs = [_Run(setup, trial, theirs) for trial in trials]
    playing = _playing(runs)
    try:
        if playing:
            reading = Reading(setup.data[trials[0].data])
            if len(playing) > 1:
                _play(reading, playing)
            else:
                playing[0].play(reading.events)
                playing[0].end(reading.provenance())
    except Exception as error:  # noqa: BLE001 - whatever data may raise
        for run in _playing(runs):
            run.fail(error)
    return [run.row for run in runs]


def _play(reading: Reading, playing: Sequence[_Run]) -> None:
    for block in reading.blocks():
        for run in playing:
            run.play(block)
            if run.is_over:
                run.end(reading.provenance(run.read))
        playing = _playing(playing)
        if not playing:
            return
    for run in playing:
        run.end(reading.provenance())


def _playing(runs: Sequence[_Run]) -> list[_Run]:
    return [run for run in runs if run.is_playing]


class _Run:
    """One of them, and its ``row`` once it has ended, however it did."""

    row: SweepRow

    def __init__(
        self, setup: Setup, trial: Trial, theirs: tuple[type[BaseException], ...]
    ) -> None:
        self._setup = setup
        self._trial = trial
        self._theirs = theirs
        self._surroundings = Surroundings(trial.number)
        self.is_playing = True
        self._try(self._make)

    @property
    def is_over(self) -> bool:
        """Whether it takes no more events, and has to end."""
        return self.is_playing and self._loop.is_over

    @property
    def read(self) -> int:
        """Events that it took."""
        return self._loop.read

    def play(self, events: Iterable[tuple[int, PaperEvent]]) -> None:
        """Go on with these."""
        self._try(lambda: self._loop.play(iter(events)))

    def end(self, provenance: Provenance) -> None:
        """No more come; those that it took came from there."""
        if self.is_playing:
            self._try(lambda: self._end(provenance))

    def fail(self, error: BaseException) -> None:
        """It has no figures but this."""
        self.is_playing = False
        self.row = failure_of(self._trial, error)

    def _try(self, act: Callable[[], object]) -> None:
        try:
            self._surroundings.within(act)
        except self._theirs:
            raise
        except BaseException as error:  # noqa: BLE001 - one may raise anything
            # Who calls `sys.exit`, or is canceled, ends its own run, not those beside it.
            self.fail(error)

    def _make(self) -> None:
        setup = self._setup
        self._loop = Loop(
            made(setup, self._trial.parameters),
            contracts=setup.contracts,
            cash=setup.cash,
            delays=setup.delays,
            sample=setup.sample,
            guards=setup.guards,
        )

    def _end(self, provenance: Provenance) -> None:
        trial = self._trial
        report = self._loop.end(provenance)
        row = row_of(trial.number, trial.data, trial.parameters, report)
        keeps = self._setup.keeps_reports
        self.row = row if keeps else attrs.evolve(row, report=None)
        self.is_playing = False
