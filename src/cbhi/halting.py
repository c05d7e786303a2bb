"""Halt a run of one replicate between two months, keep its state in a file, and go on later.

A run that is halted, saved, loaded and finished gives the same integers as one that was never halted. The
file is an ``.npz`` of plain arrays with one text: what is run, how far it has come, and a checksum. It is
refused when it is damaged or another engine wrote it: only the engine that made a state can use it.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbhi.engine import engine_hash
from cbhi.kernels.columns import RecordTable
from cbhi.layouts import lay_out
from cbhi.memory import Pile
from cbhi.months import format_month, parse_month
from cbhi.populations import Population
from cbhi.replicates import Engine, begin_replicate, run_between, written_by
from cbhi.results import Results
from cbhi.scenarios import Scenario
from cbhi.simulation import (
    HOUSEHOLDS,
    MAX_REPLICATE,
    MAX_SEED,
    Carrier,
    load_scenario,
    whole_number,
    wrap_replicates,
)
from cbhi.storage import read_npz, scenario_from_plain, scenario_to_plain, write_npz

__all__ = ["Halted", "run_until"]

FORMAT_VERSION = 1
_RECORD, _SUPPLIED = "record", "population"


@dataclass(frozen=True, eq=False)
class Halted:
    """One replicate of a run, halted between two months.

    It is not changed by going on: the same halted run can be finished, or taken further, more than once.

    Attributes
    ----------
    scenario
        What is run.
    households
        Households simulated at the start.
    seed
        Seed of the draws.
    replicate
        Number of the replicate.
    survey
        Households of the start that are interviewed every year, on average.
    population
        What was supplied instead of drawn households, or None.
    months_done
        Months simulated so far.
    engine
        Hash of the engine that simulated them.
    """

    scenario: Scenario
    households: int
    seed: int
    replicate: int
    survey: int
    population: Population | None
    months_done: int
    engine: str
    _at: Engine = field(repr=False)

    @property
    def month(self) -> str:
        """The first month that is not simulated yet, such as "2006-07"."""
        return format_month(self.scenario.start + self.months_done)

    def run_until(self, month: str) -> Halted:
        """Return the same run, taken further and halted again.

        Parameters
        ----------
        month
            First month that is not to be simulated, from ``self.month`` to the month after the run's last.

        Returns
        -------
        Halted
            A run of its own; this one stays where it is.

        Raises
        ------
        ValueError
            When it is not a month, or lies outside that range.
        """
        until = _months_until(self.scenario, month, self.months_done)
        engine = _copied(self._at)
        run_between(engine, self.months_done, until)
        return dataclasses.replace(self, months_done=until, _at=engine)

    def finish(self) -> Results:
        """Simulate the months that are left.

        Returns
        -------
        Results
            Of this one replicate, equal to those of ``simulate`` with ``first_replicate`` its number.
        """
        engine = _copied(self._at)
        run_between(engine, self.months_done, self.scenario.n_months)
        copied = Pile([self.replicate])
        copied.put(self.replicate, written_by(engine))
        return wrap_replicates(
            self.scenario, engine.layout, engine.calendar, self.seed, self.survey, *copied.everything()
        )

    def save(self, path: str | Path) -> Path:
        """Write the halted run to a file, under a temporary name first.

        Parameters
        ----------
        path
            The file, best named ``*.npz``; replaced if it is there.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        OSError
            When it cannot be written; what was there before stays.
        """
        target = Path(path)
        arrays = {name: np.asarray(array) for name, array in _arrays(self._at)}
        arrays |= _tables(self.population)
        record: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "engine": self.engine,
            "scenario": scenario_to_plain(self.scenario),
            "fingerprint": self.scenario.fingerprint(),
            "households": self.households,
            "seed": self.seed,
            "replicate": self.replicate,
            "survey": self.survey,
            "months_done": self.months_done,
        }
        record["checksum"] = _checksum(record, arrays)
        temporary = target.with_name(f".writing-{target.name}")
        try:
            with temporary.open("wb") as file:
                everything: dict[str, Any] = {_RECORD: np.array(json.dumps(record)), **arrays}
                write_npz(file, everything)
            os.replace(temporary, target)
        except OSError as error:
            reason = error.strerror or str(error)
            raise OSError(
                error.errno or 0, f"a halted run cannot be written to '{target}': {reason}"
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
        return target

    @classmethod
    def load(cls, path: str | Path) -> Halted:
        """Read a halted run that ``save`` wrote.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        Halted
            Equal to what was saved, bit for bit.

        Raises
        ------
        ValueError
            When the file is damaged, holds no halted run or pickles, or comes from another engine or form.
            Nothing in it is ever executed.
        OSError
            When it cannot be read.
        """
        file = Path(path)
        found = read_npz(file)
        record = _record(file, found.pop(_RECORD, None))
        if record.pop("checksum") != _checksum(record, found):
            raise ValueError(f"'{file}' is damaged: its checksum is not that of what it holds")
        scenario = _scenario(file, record)
        try:
            population = _population(found)
            households = whole_number("households", record["households"], 1, 10_000_000)
            seed = whole_number("seed", record["seed"], 0, MAX_SEED)
            replicate = whole_number("replicate", record["replicate"], 0, MAX_REPLICATE)
            survey = whole_number("survey", record["survey"], 0, households)
            done = whole_number("months_done", record["months_done"], 0, scenario.n_months)
            if population is not None and population.n_households != households:
                raise ValueError(f"its population has {population.n_households} households, not {households}")
            engine = _begin(scenario, households, seed, replicate, survey, population)
        except ValueError as error:
            raise ValueError(f"'{file}' is damaged: {error}") from None
        _fill(file, dict(_arrays(engine)), found)
        return cls(scenario, households, seed, replicate, survey, population, done, record["engine"], engine)


def run_until(
    scenario: Scenario | str | Path | Carrier,
    month: str,
    *,
    households: int | None = None,
    seed: int = 1,
    replicate: int = 0,
    survey: int = 1_000,
    population: Population | None = None,
) -> Halted:
    """Simulate one replicate of a scenario up to a month, and halt.

    Parameters
    ----------
    scenario
        A scenario, or the name or file of one, or what has a method ``scenario()``. With parameter sets, the
        set goes by the number of the replicate, as in ``simulate``.
    month
        First month that is not simulated, such as ``"2006-07"``; from the run's first month to the one after
        its last.
    households
        Households simulated at the start, from 1 to 10,000,000; 20,000 if not given.
    seed
        Whole number from 0 to 2**63 - 1.
    replicate
        Number of the replicate, from 0; ``simulate(first_replicate=...)`` runs the same one.
    survey
        Households of the start that are interviewed every year, on average and at most all; 0 for none.
    population
        Supplied households, members and bills; ``households`` is then left out.

    Returns
    -------
    Halted
        The run so far; ``finish`` gives the results, ``save`` keeps it in a file.

    Raises
    ------
    ValueError
        When an argument is out of range, or the scenario has problems.
    """
    chosen = load_scenario(scenario)
    n = _households(households, population)
    seed = whole_number("seed", seed, 0, MAX_SEED)
    replicate = whole_number("replicate", replicate, 0, MAX_REPLICATE)
    survey = min(whole_number("survey", survey, 0, 10_000_000), n)
    until = _months_until(chosen, month, 0)
    engine = _begin(chosen, n, seed, replicate, survey, population)
    run_between(engine, 0, until)
    return Halted(chosen, n, seed, replicate, survey, population, until, engine_hash(), engine)


def _households(households: int | None, population: Population | None) -> int:
    if population is None:
        return whole_number("households", HOUSEHOLDS if households is None else households, 1, 10_000_000)
    if not isinstance(population, Population):
        raise ValueError(f"population must be a cbhi.Population, got {population!r}")
    if households is not None:
        raise ValueError(
            f"households = {households!r} beside a population, whose table says how many there are"
        )
    return population.n_households


def _months_until(scenario: Scenario, month: str, done: int) -> int:
    """Return how many months lie before ``month``; refuse one that is gone or beyond the run."""
    first, behind = scenario.start + done, scenario.end + 1
    try:
        number = parse_month(month)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"month: {error}") from None
    if not first <= number <= behind:
        raise ValueError(
            f"month = {month} is outside {format_month(first)} to {format_month(behind)}, the first month"
            " that can be left to simulate"
        )
    return number - scenario.start


def _begin(
    scenario: Scenario,
    households: int,
    seed: int,
    replicate: int,
    survey: int,
    population: Population | None,
) -> Engine:
    layout = lay_out(scenario, None if population is not None else households, population)
    own = scenario.of_replicate(replicate)
    return begin_replicate(own, layout, seed, replicate, survey / households)


def _copied(engine: Engine) -> Engine:
    """Return a run with arrays of its own for all that going on changes; the rest is shared."""
    changed = {name: copy.deepcopy(getattr(engine, name)) for name in ("state", "work", "output", "hospital")}
    return engine._replace(**changed)


def _arrays(engine: Engine) -> Iterator[tuple[str, NDArray[Any] | RecordTable]]:
    """Yield (name, array or table) of all that later months depend on, and of what was written so far."""
    for part in ("state", "output", "opening_people"):
        yield from _leaves(part, getattr(engine, part))


def _tables(population: Population | None) -> dict[str, NDArray[Any]]:
    """Return the columns of a supplied population, named by table and column."""
    if population is None:
        return {}
    size, probability = population.bills
    bills = {"size": size, "probability": probability} if size.size else {}
    tables = {"households": population.households, "members": population.members or {}, "bills": bills}
    return {f"{_SUPPLIED}.{kind}.{name}": v for kind, table in tables.items() for name, v in table.items()}


def _population(found: dict[str, NDArray[Any]]) -> Population | None:
    """Take the tables of a supplied population out of what a file holds."""
    tables: dict[str, dict[str, NDArray[Any]]] = {}
    for name in [name for name in found if name.startswith(f"{_SUPPLIED}.")]:
        _, kind, column = name.split(".", 2)
        tables.setdefault(kind, {})[column] = found.pop(name)
    if not tables:
        return None
    return Population(tables.get("households", {}), tables.get("members"), tables.get("bills"))


def _leaves(name: str, value: Any) -> Iterator[tuple[str, NDArray[Any] | RecordTable]]:
    if isinstance(value, (np.ndarray, RecordTable)):
        yield name, value
    else:
        for part in value._fields:
            yield from _leaves(f"{name}.{part}", getattr(value, part))


def _checksum(record: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> str:
    """Return a hash of a record and of names, kinds and values of arrays, but not of gaps between fields."""
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        fields = array.dtype.names
        digest.update(f"{name} {array.shape}".encode())
        for part in fields or ("",):
            values = np.ascontiguousarray(array[part] if fields else array)
            digest.update(f"{part} {values.dtype.str}".encode())
            digest.update(values.tobytes())
    return digest.hexdigest()


def _record(file: Path, text: NDArray[Any] | None) -> dict[str, Any]:
    """Return what a file says of itself; refuse another form and another engine."""
    try:
        record = json.loads(str(text))
        version, engine = record["format_version"], record["engine"]
        record["checksum"], record["scenario"], record["households"], record["seed"]
        record["replicate"], record["survey"], record["months_done"], record["fingerprint"]
    except (KeyError, ValueError, TypeError):
        raise ValueError(f"'{file}' holds no halted run of cbhi, or is damaged") from None
    if version != FORMAT_VERSION:
        raise ValueError(f"'{file}' has format {version!r}; this cbhi reads {FORMAT_VERSION}")
    if engine != engine_hash():
        raise ValueError(
            f"'{file}' was halted by another engine, {engine}, and this is {engine_hash()}: only the engine"
            " that began a run can finish it; run it again from its start"
        )
    found: dict[str, Any] = record
    return found


def _scenario(file: Path, record: dict[str, Any]) -> Scenario:
    try:
        scenario = scenario_from_plain(record["scenario"])
    except ValueError as error:
        raise ValueError(f"'{file}' is damaged: its scenario cannot be read: {error}") from None
    if scenario.fingerprint() != record["fingerprint"]:
        raise ValueError(f"'{file}' is damaged: its scenario is not the one that was run")
    return scenario


def _fill(file: Path, ours: dict[str, NDArray[Any] | RecordTable], found: dict[str, NDArray[Any]]) -> None:
    """Copy the arrays of a file into arrays and tables of a run that has just begun, if they fit."""
    if set(ours) != set(found):
        odd = ", ".join(sorted(set(ours) ^ set(found)))
        raise ValueError(f"'{file}' is damaged: it lacks arrays or has too many: {odd}")
    for name, array in ours.items():
        given = found[name]
        if given.shape != array.shape or given.dtype != array.dtype:
            raise ValueError(
                f"'{file}' is damaged: array '{name}' has shape {given.shape}, not {array.shape}, or holds"
                " something else"
            )
        array[...] = given
