"""Finished replicates of a run that is not finished, kept until its results are saved.

They lie in ``.parts`` in the folder of the results, one file a replicate, in a folder of their own for each
run that differs in what decides the result, so that a run never takes another's for its own, and never
destroys it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from cbhi.loading import load_with_identity
from cbhi.months import format_month
from cbhi.results import Results, join_results, select_replicates
from cbhi.scenarios import Scenario
from cbhi.storage import (
    identity,
    read_arrays,
    read_json,
    scenario_from_plain,
    scenario_to_plain,
    write_arrays,
)

__all__ = ["PARTS", "Parts", "differences"]

PARTS = ".parts"
_RUN = "run.json"
_SHOWN = 4
_PATTERN = "replicate-[0-9][0-9][0-9][0-9][0-9][0-9]*.npz"
_WORDS = {
    "start": "the first month is", "end": "the last month is", "households": "households are",
    "seed": "the seed is", "survey": "surveyed households are", "population": "the population is",
    "cbhi": "the version of cbhi is",
    "engine": "the engine is",
}  # fmt: skip


class Parts:
    """The finished replicates of one run, beside what an earlier finished run left in the folder.

    Parameters
    ----------
    directory
        Folder of the results.
    scenario, households, seed, survey
        What is run; ``households`` is the number at the start.
    population
        Fingerprint of the population that a user supplied; empty where it is drawn.
    """

    def __init__(
        self,
        directory: Path,
        scenario: Scenario,
        households: int,
        seed: int,
        survey: int,
        population: str = "",
    ) -> None:
        self.directory = directory
        self.scenario = scenario
        self.identity = identity(scenario, households, seed, min(survey, households), population=population)
        name = hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()[:12]
        self.folder = directory / PARTS / name
        self._lock = threading.Lock()

    def numbers(self) -> set[int]:
        """Return the numbers of the replicates that are kept."""
        return {int(path.stem.rpartition("-")[2]) for path in self._files()}

    def count_others(self) -> int:
        """Return how many replicates of runs with other settings are kept beside."""
        return len(list(self.folder.parent.glob(f"*/{_PATTERN}"))) - len(self._files())

    def _file(self, number: int) -> Path:
        return self.folder / f"replicate-{number:06d}.npz"

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(_PATTERN))

    def keep(self, results: Results) -> None:
        """Write the results of one replicate; threads may call this at once.

        Raises
        ------
        OSError
            When it cannot be written; what was kept before stays.
        """
        number = int(results.arrays.replicates[0])
        try:
            with self._lock:
                self._open()
            _write_whole(self._file(number), lambda path: write_arrays(results, path))
        except OSError as error:
            reason = error.strerror or str(error)
            if not self.directory.is_dir():
                reason = "the folder is no longer there"
            raise OSError(
                error.errno or 0, f"a finished replicate cannot be kept in '{self.directory}': {reason}"
            ) from error

    def _open(self) -> None:
        """Make the folder and say in it whose replicates it holds."""
        for folder in (self.folder.parent, self.folder):
            folder.mkdir(exist_ok=True)  # never the folder of the results, which may have been taken away
        if not (self.folder / _RUN).exists():
            said = {"identity": self.identity, "scenario": scenario_to_plain(self.scenario)}
            text = json.dumps(said, indent=2, ensure_ascii=False) + "\n"
            _write_whole(self.folder / _RUN, lambda path: _write_text(path, text))

    def read(self) -> tuple[Results | None, list[str]]:
        """Return the replicates of this run that are finished, from the results and from the parts.

        Returns
        -------
        Results or None
            All finished replicates, or None where there are none.
        list of str
            One line for each file that could not be used, and why; its replicates have to be done again.
        """
        found: list[Results] = []
        problems: list[str] = []
        if (self.directory / _RUN).exists():
            try:
                results, whose = load_with_identity(self.directory)
                if whose == self.identity:
                    found.append(results)
            except (ValueError, OSError) as error:
                problems.append(str(error))
        have = {int(number) for results in found for number in results.arrays.replicates}
        for path in self._files():
            try:
                part, whose = read_arrays(path, self.scenario)
                if whose != self.identity:
                    raise ValueError(f"'{path}' belongs to another run")
                part = select_replicates(part, {int(n) for n in part.arrays.replicates} - have)
                if part.n_replicates:
                    found.append(part)
                    have |= {int(number) for number in part.arrays.replicates}
            except (ValueError, OSError) as error:
                problems.append(str(error))
        return (join_results(found) if found else None), problems

    def others(self) -> list[tuple[int, list[str]]]:
        """Return, for each other run that left something here, its finished replicates and what differs."""
        found = []
        for path in sorted(self.folder.parent.glob(f"*/{_RUN}")):
            number = len(list(path.parent.glob(_PATTERN)))
            if path.parent != self.folder and number:
                with contextlib.suppress(ValueError, OSError, KeyError, TypeError):
                    content = read_json(path)
                    other = scenario_from_plain(content["scenario"])
                    found.append((number, differences(content["identity"], other, self)))
        if (self.directory / _RUN).exists():
            with contextlib.suppress(ValueError, OSError):
                results, whose = load_with_identity(self.directory)
                if whose != self.identity:
                    found.append((results.n_replicates, differences(whose, results.scenario, self)))
        return found

    def keep_surplus(self, numbers: Iterable[int], folder: Path | None = None) -> None:
        """Keep the replicates of finished results of this run that will not be among those that replace them.

        Parameters
        ----------
        numbers
            Replicates that the results will hold when they are replaced.
        folder
            Where the finished results are; the folder of the results if not given.

        Raises
        ------
        OSError
            When one cannot be kept; the finished results are still there.
        """
        place, wanted = self.directory if folder is None else folder, {int(number) for number in numbers}
        try:
            record = read_json(place / _RUN)
            if record.get("fingerprint") != self.identity["fingerprint"]:
                return
            if not {*record["replicate_numbers"]} - wanted:
                return  # seen without reading the arrays
            results, whose = load_with_identity(place)
        except (ValueError, OSError, KeyError, TypeError):
            return  # nothing that could be used is lost
        if whose == self.identity:
            for number in sorted({int(n) for n in results.arrays.replicates} - wanted):
                self.keep(select_replicates(results, {number}))

    def remove(self, numbers: Iterable[int]) -> None:
        """Take replicates away that saved results hold; those that they do not hold stay.

        Parameters
        ----------
        numbers
            Replicates that the results hold.
        """
        for number in numbers:
            with contextlib.suppress(OSError):
                self._file(int(number)).unlink(missing_ok=True)
        self.tidy()

    def tidy(self) -> None:
        """Take away folders that hold no replicate, and files that were not written to their end."""
        for path in self.folder.glob(".writing-*"):
            path.unlink(missing_ok=True)
        if self.folder.is_dir() and not self._files():
            shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.folder.parent.rmdir()  # refuses where another run left something


def differences(whose: Mapping[str, Any], scenario: Scenario, wanted: Parts) -> list[str]:
    """Return in words how the run of ``scenario`` that ``whose`` identifies differs from the wanted one."""
    lines = [
        f"{words} {whose.get(key)} there, {wanted.identity[key]} here"
        for key, words in _WORDS.items()
        if whose.get(key) != wanted.identity[key]
    ]
    theirs, ours = ({row["key"]: row["value"] for row in s.provenance()} for s in (scenario, wanted.scenario))
    said = [f"{key} is {theirs[key]} there, {ours[key]} here" for key in theirs if theirs[key] != ours[key]]
    of_theirs, of_ours = _changes(scenario), _changes(wanted.scenario)
    said += [f"there only: the change {change}" for change in of_theirs if change not in of_ours]
    said += [f"here only: the change {change}" for change in of_ours if change not in of_theirs]
    lines += said[:_SHOWN]
    if len(said) > _SHOWN:
        lines.append(f"and {len(said) - _SHOWN} more")
    if scenario.sets != wanted.scenario.sets:
        there, here = (
            "none" if s.sets is None else f"{len(s.sets)} ({s.sets.fingerprint()})"
            for s in (scenario, wanted.scenario)
        )
        lines.append(f"parameter sets are {there} there, {here} here")
    if scenario.country != wanted.scenario.country:
        lines.append(f"the country is '{scenario.country}' there, '{wanted.scenario.country}' here")
    return lines or ["the scenario differs"]


def _changes(scenario: Scenario) -> list[str]:
    """Return every dated change of a parameter in words."""
    return [
        f"of {format_month(event.month)}: {key} = {value}"
        for event in scenario.events
        for key, value in event.changes.items()
    ]


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file under a temporary name and rename it, so that a file that is there is whole."""
    temporary = path.with_name(f".writing-{path.name}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
