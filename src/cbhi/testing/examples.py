"""One example: a scenario with a size and a seed, and the runs of it that properties share."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels.records import I8, Table
from cbhi.layouts import lay_out
from cbhi.months import format_month
from cbhi.populations import Population
from cbhi.replicates import Engine, begin_replicate, run_between
from cbhi.results import Results
from cbhi.scenarios import Scenario
from cbhi.scenarios.changes import as_toml
from cbhi.simulation import simulate

__all__ = ["Case", "MonthEnd", "begin", "live"]

REPLICATES = 2


class MonthEnd(NamedTuple):
    """The state at the end of a month, and what each watched household has paid and met since the start."""

    households: Table
    sections: Table
    districts: Table
    flows: I8  # (watched, flows)
    tallies: I8  # (watched, tallies)


@dataclass(frozen=True, eq=False)
class Case:
    """One example on which properties are checked.

    Attributes
    ----------
    scenario
        What is run.
    households
        Households simulated at the start.
    seed
        Seed of the draws.
    thorough
        Also do what costs seconds, such as writing a whole folder of results.
    population
        Supplied households, as many as ``households`` says, instead of drawn ones; or None.
    """

    scenario: Scenario
    households: int = 100
    seed: int = 1
    thorough: bool = False
    population: Population | None = None

    @functools.cached_property
    def results(self) -> Results:
        """Two replicates, everybody interviewed."""
        return self.simulate(self.scenario)

    def simulate(self, scenario: Scenario, **more: Any) -> Results:
        """Return a run of some scenario with the size, seed and people of the example.

        Parameters
        ----------
        scenario
            What to run.
        **more
            Arguments of ``cbhi.simulate`` that are to be others.

        Returns
        -------
        Results
            Two replicates, everybody interviewed, unless said otherwise.
        """
        usual: dict[str, Any] = {
            "households": self.households if self.population is None else None,
            "population": self.population,
            "replicates": REPLICATES,
            "seed": self.seed,
            "survey": self.households,
        }
        return simulate(scenario, **(usual | more))

    def begin(self, scenario: Scenario | None = None, replicate: int = 0) -> Engine:
        """Return a replicate before its first month, every household watched.

        Parameters
        ----------
        scenario
            What to run; that of the example if not given.
        replicate
            Its number.

        Returns
        -------
        Engine
            To be run by ``cbhi.replicates.run_between``.
        """
        chosen = self.scenario if scenario is None else scenario
        return begin(chosen, self.households, self.seed, replicate, self.population)

    @functools.cached_property
    def engine(self) -> Engine:
        """The first replicate at its end, after it was run month by month."""
        return self._stepped[0]

    @functools.cached_property
    def months(self) -> list[MonthEnd]:
        """The first replicate month by month; the first entry is the start."""
        return self._stepped[1]

    @functools.cached_property
    def _stepped(self) -> tuple[Engine, list[MonthEnd]]:
        engine = self.begin()
        return engine, list(live(engine))

    def place(self, replicate: int | None = None, month: int | None = None, **more: int) -> str:
        """Return where something happened, in words.

        Parameters
        ----------
        replicate, month
            Numbers from 0, of the replicate and the month of the run; left out where None.
        **more
            Further words and numbers, such as ``district=3``.

        Returns
        -------
        str
            Such as "replicate 0, month 2005-12, district 3".
        """
        parts = [] if replicate is None else [f"replicate {replicate}"]
        if month is not None:
            parts.append(f"month {format_month(self.scenario.start + month)}")
        return ", ".join([*parts, *(f"{word} {number}" for word, number in more.items())])

    def to_toml(self) -> str:
        """Return the scenario as the text of a scenario file, for whoever wants to replay it."""
        plain = self.scenario.as_dict()
        lines = [f"name = {as_toml(plain['name'])}"]
        lines += [f"{word} = {plain[key]}-01" for word, key in (("from", "start"), ("to", "end"))]
        lines += [f"country = {as_toml(plain['country'])}"] if plain["country"] else []
        lines += [f"{key} = {as_toml(value)}" for key, value in plain["values"].items()]
        for event in plain["events"]:
            lines += ["", "[[event]]", f"from = {event['from']}-01"]
            lines += [f"why = {as_toml(event['why'])}"] if event["why"] else []
            lines += [f"{key} = {as_toml(value)}" for key, value in event["changes"].items()]
        return "\n".join(lines) + "\n"

    @property
    def size(self) -> int:
        """Household-months of one replicate, the measure of how much an example asks for."""
        return self.households * self.scenario.n_months

    def __repr__(self) -> str:
        """Return the call that makes the case, with the scenario as a file."""
        name = hashlib.sha256(self.to_toml().encode()).hexdigest()[:8]
        text = "".join(f"  {line}\n" for line in self.to_toml().splitlines())
        people = f" of {self.population!r}" if self.population is not None else ""
        what = f"as case-{name}.toml this scenario:\n{text}"
        return f"{self.households} households{people}, seed {self.seed}, and {what}"


def begin(
    scenario: Scenario,
    households: int,
    seed: int,
    replicate: int = 0,
    population: Population | None = None,
) -> Engine:
    """Return a replicate before its first month, every household watched."""
    layout = lay_out(scenario, None if population is not None else households, population)
    return begin_replicate(scenario, layout, seed, replicate, 1.0)


def live(engine: Engine) -> Iterator[MonthEnd]:
    """Run a replicate month by month; yield its state before the first month and after each."""
    yield _seen(engine)
    for t in range(engine.scenario.n_months):
        run_between(engine, t, t + 1)
        yield _seen(engine)


def _seen(engine: Engine) -> MonthEnd:
    state = engine.state
    return MonthEnd(
        state.households.copy(),
        state.sections.copy(),
        state.districts.copy(),
        state.watch.flows.copy(),
        state.watch.tallies.copy(),
    )


def gained(before: NDArray[Any], after: NDArray[Any], codes: tuple[int, ...]) -> I8:
    """Return what each watched household has booked of some kinds in a month."""
    kinds = list(codes)
    return np.asarray(after[:, kinds].sum(axis=1) - before[:, kinds].sum(axis=1))
