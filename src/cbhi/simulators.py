"""Many small runs: one parameter set after another in the same memory, for calibration and policy search."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cbhi.layouts import Layout
from cbhi.memory import Memory, Pile
from cbhi.packing import pack_scenario
from cbhi.populations import Population
from cbhi.replicates import run_replicate
from cbhi.results import Results
from cbhi.scenarios import Scenario
from cbhi.simulation import (
    MAX_REPLICATE,
    MAX_SEED,
    Carrier,
    lay_out_run,
    load_scenario,
    survey_of,
    whole_number,
    wrap_replicates,
)

__all__ = ["KEPT_MB", "Simulator"]

KEPT_MB = 256


class Simulator:
    """Runs one parameter set after another, each to the same integers as ``cbhi.simulate``.

    Memory is asked for once and used again by every run of the same size, and a population of the start that
    was drawn twice, for one seed and replicate and by equal values of all that it depends on, is kept. A run
    that finds its population there costs little more than its months. Results are copies: they stay as they
    are.

    A simulator runs one parameter set at a time. Threads and processes need one each.

    Parameters
    ----------
    scenario
        Scenario to which changes apply, or the name or file of one, or what has a method ``scenario()``. With
        parameter sets, the set goes by the number of the replicate, as in ``cbhi.simulate``; give
        ``scenario.at_point()`` for its own values only.
    households
        Households simulated at the start, from 1 to 10,000,000, or ``"all"``; 20,000 if not given.
    survey
        Households of the start that are interviewed every year; 0 for none.
    population
        Households, members and bills that take the place of those that are drawn; ``households`` is then
        left out.
    kept_mb
        Most memory, in megabytes, for populations of the start that are kept, one for each seed and
        replicate; 0 draws the population anew in every run. One of 2,000 households takes 1.3 MB, one of
        20,000 about 11 MB.

    Raises
    ------
    ValueError
        When an argument is out of range, the scenario has problems, or the population does not fit it.
    """

    def __init__(
        self,
        scenario: Scenario | str | Path | Carrier = "rwanda",
        *,
        households: int | str | None = None,
        survey: int = 0,
        population: Population | None = None,
        kept_mb: int = KEPT_MB,
    ) -> None:
        self.scenario = load_scenario(scenario)
        self._households = households
        self._population = population
        self._survey = whole_number("survey", survey, 0, 10_000_000)
        self._memory = Memory(whole_number("kept_mb", kept_mb, 0, 1_000_000) * 2**20)
        self._running = threading.Lock()
        # refused now rather than in the first run
        self._laid_out(self.scenario)

    def __repr__(self) -> str:
        """Return one line: what is run, and how large."""
        layout = self._laid_out(self.scenario)
        return f"<Simulator of {self.scenario.name!r}: {int(layout.households.sum()):,} households>"

    def run(
        self,
        changes: Scenario | Mapping[str, Any] | None = None,
        *,
        seed: int = 1,
        replicate: int = 0,
    ) -> Results:
        """Run one replicate of one parameter set.

        Parameters
        ----------
        changes
            Keys to values, as for ``Scenario.replace``, or another scenario; the simulator's own scenario if
            not given.
        seed
            Whole number from 0 to 2**63 - 1. The same seed and replicate make parameter sets comparable: they
            share all draws.
        replicate
            Number of the replicate, from 0; ``simulate(first_replicate=...)`` runs the same one.

        Returns
        -------
        Results
            Of the one replicate, equal to those of ``cbhi.simulate``.

        Raises
        ------
        ValueError
            When a change has problems, or an argument is out of range.
        RuntimeError
            When another thread is running this simulator.
        """
        seed = whole_number("seed", seed, 0, MAX_SEED)
        replicate = whole_number("replicate", replicate, 0, MAX_REPLICATE)
        chosen = self._chosen(changes)
        layout = self._laid_out(chosen)
        survey, watched_share = survey_of(layout, self._survey)
        own = chosen.of_replicate(replicate)
        rules, calendar = pack_scenario(own)
        if not self._running.acquire(blocking=False):
            raise RuntimeError("this simulator is running already; give every thread a simulator of its own")
        try:
            written = run_replicate(
                own, layout, rules, calendar, seed, replicate, _nobody, watched_share,
                begin_in=self._memory.begin,
            )  # fmt: skip
            copied = Pile([replicate])
            copied.put(replicate, written)
            return wrap_replicates(chosen, layout, calendar, seed, survey, *copied.everything())
        finally:
            self._running.release()

    def _chosen(self, changes: Scenario | Mapping[str, Any] | None) -> Scenario:
        if changes is None:
            return self.scenario
        if isinstance(changes, Scenario):
            return changes
        if isinstance(changes, Mapping):
            return self.scenario.replace(changes)
        raise ValueError(f"changes must be keys to values or a scenario, got {changes!r}")

    def _laid_out(self, chosen: Scenario) -> Layout:
        return lay_out_run(chosen, self._households, self._population)


def _nobody(months: int) -> None:
    """Hear of progress and do nothing."""
