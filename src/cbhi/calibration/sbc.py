"""Simulation-based calibration: does the whole procedure's 90 % interval hold the truth 90 times in 100?

Parameters are drawn from their prior, figures are made from them, the whole procedure is run on those
figures, and it is noted where the truth lies in the posterior. If the procedure is right, that place is
spread evenly from 0 to 1, for every parameter and for everything computed from parameters.

References
----------
Cook, Gelman and Rubin (2006), Validation of software for Bayesian models using posterior quantiles, Journal
of Computational and Graphical Statistics 15; Talts, Betancourt, Simpson, Vehtari and Gelman (2018),
Validating Bayesian inference algorithms with simulation-based calibration, arXiv:1804.06788.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

__all__ = ["FORMAT_VERSION", "SetOutcome", "Subject", "outcomes_of_sets"]

FORMAT_VERSION = 1
"""Form of the files of a study; raised when older code could not read them."""

Map = Callable[[Callable[[int], "SetOutcome"], Iterable[int]], Iterable["SetOutcome"]]
"""Applies a function to numbers, in any number of workers, and gives back what it returns in their order."""


@dataclass(frozen=True)
class SetOutcome:
    """What one synthetic data set showed.

    Attributes
    ----------
    number
        Of the set, from 0.
    truth
        Quantity -> true value, in its own unit.
    median
        Quantity -> posterior median; empty where the procedure did not converge.
    position
        Quantity -> share of the posterior below the truth; empty where the procedure did not converge.
    method
        How the posterior was found, as in ``cbhi.calibration.core.Draws``; empty where it was not.
    effective_size, pareto_k
        Of the posterior's draws; not a number where there are none.
    n_simulations
        Spent on the search and on the posterior, without those that made the figures or measured effects.
    problem
        Why there is no posterior; empty where there is one.
    seconds
        That one worker took for it, kept with the set; not a number where nobody measured them. Two outcomes
        that differ in this alone are the same.
    """

    number: int
    truth: Mapping[str, float]
    median: Mapping[str, float] = field(default_factory=dict)
    position: Mapping[str, float] = field(default_factory=dict)
    method: str = ""
    effective_size: float = math.nan
    pareto_k: float = math.nan
    n_simulations: int = 0
    problem: str = ""
    seconds: float = field(default=math.nan, compare=False)

    @property
    def converged(self) -> bool:
        """Whether there is a posterior whose diagnostics accept it."""
        return not self.problem


class Subject(Protocol):
    """A procedure under study; workers in other processes get a copy, so it must survive pickling."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Explored parameters, whose intervals are pooled."""
        ...

    @property
    def effects(self) -> tuple[str, ...]:
        """Other quantities, such as the effect of a policy."""
        ...

    def identity(self) -> dict[str, Any]:
        """Return everything that an outcome depends on but its number and the seed, as plain values."""
        ...

    def run(self, number: int, seed: int) -> SetOutcome:
        """Make the figures of one set, run the procedure on them, and say where the truth lies."""
        ...


def outcomes_of_sets(
    subject: Subject,
    n: int,
    *,
    seed: int = 1,
    folder: Path | None = None,
    map_over: Map = map,
    progress: Callable[[int, int], None] | None = None,
    clock: Callable[[], float] | None = None,
) -> tuple[SetOutcome, ...]:
    """Run a procedure on synthetic data sets; those that a folder holds already are read from it.

    Parameters
    ----------
    subject
        The procedure.
    n
        Number of sets, at least 1. Set ``i`` is the same whatever ``n`` is.
    seed
        Of the truths, of the figures and of the procedures: each set has draws of its own.
    folder
        Where each finished set is written at once, under a temporary name that is then changed. A study that
        was stopped goes on when the same is asked for again. None keeps nothing.
    map_over
        ``map`` for one set after another, or that of an executor for several at a time.
    progress
        Told the number of sets done, and ``n``.
    clock
        Tells seconds, such as ``time.monotonic``, to note how long each set takes; not noted if not given.

    Returns
    -------
    tuple of SetOutcome
        In the order of their numbers.

    Raises
    ------
    ValueError
        When ``n`` is below 1, or a file of the folder is damaged or of another study.
    """
    if n < 1:
        raise ValueError(f"the number of synthetic data sets must be at least 1, got {n}")
    identity = _plain({**subject.identity(), "seed": seed, "format_version": FORMAT_VERSION})
    found: dict[int, SetOutcome] = {}
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        found = {i: _read(_file(folder, i), i, identity) for i in range(n) if _file(folder, i).exists()}
    missing = [i for i in range(n) if i not in found]
    if progress is not None:
        progress(len(found), n)
    for outcome in map_over(functools.partial(_run, subject, seed, folder, identity, clock), missing):
        found[outcome.number] = outcome
        if folder is not None and not _file(folder, outcome.number).exists():
            _write(_file(folder, outcome.number), outcome, identity)
        if progress is not None:
            progress(len(found), n)
    return tuple(found[i] for i in range(n))


def _run(
    subject: Subject,
    seed: int,
    folder: Path | None,
    identity: Mapping[str, Any],
    clock: Callable[[], float] | None,
    number: int,
) -> SetOutcome:
    """Run one set and keep it at once: answers come back in order, and one before it may take long.

    A worker that does not see the folder leaves the writing to who asked.
    """
    began = math.nan if clock is None else clock()
    outcome = subject.run(number, seed)
    if clock is not None:
        outcome = replace(outcome, seconds=round(clock() - began, 3))
    if folder is not None and folder.is_dir():
        _write(_file(folder, number), outcome, identity)
    return outcome


def _file(folder: Path, number: int) -> Path:
    return folder / f"set-{number:04d}.json"


def _plain(value: Any) -> Any:
    """Return a value as JSON gives it back, so that it can be compared with what a file holds."""
    return json.loads(json.dumps(value, allow_nan=False))


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def _seal(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, outcome: SetOutcome, identity: Mapping[str, Any]) -> None:
    """Write one set under a temporary name, then give it its own."""
    content = {
        "identity": identity,
        "number": outcome.number,
        "truth": dict(outcome.truth),
        "median": dict(outcome.median),
        "position": dict(outcome.position),
        "method": outcome.method,
        "effective_size": _number(outcome.effective_size),
        "pareto_k": _number(outcome.pareto_k),
        "n_simulations": outcome.n_simulations,
        "problem": outcome.problem,
        "seconds": _number(outcome.seconds),
    }
    text = json.dumps({**content, "sha256": _seal(content)}, indent=1, allow_nan=False)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_text(text + "\n", encoding="utf-8")
    os.replace(temporary, path)


def _read(path: Path, number: int, identity: Mapping[str, Any]) -> SetOutcome:
    """Read one set, or say why it cannot be part of this study."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        seal = content.pop("sha256")
        if seal != _seal(content):
            raise ValueError("its checksum is wrong")
        theirs = content["identity"]
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise ValueError(f"'{path}' is damaged ({error}); delete it, and its set is computed again") from None
    if theirs != identity:
        raise ValueError(
            f"'{path}' belongs to another study: {_difference(theirs, identity)}; choose another folder, or"
            " empty this one"
        )
    if content["number"] != number:
        raise ValueError(f"'{path}' holds set {content['number']}, not {number}; delete it")
    return SetOutcome(
        number=number,
        truth=content["truth"],
        median=content["median"],
        position=content["position"],
        method=content["method"],
        effective_size=_known(content["effective_size"]),
        pareto_k=_known(content["pareto_k"]),
        n_simulations=content["n_simulations"],
        problem=content["problem"],
        # files from before this was measured do not hold it
        seconds=_known(content.get("seconds")),
    )


def _difference(theirs: Any, ours: Mapping[str, Any]) -> str:
    """Name what two studies do differently."""
    if not isinstance(theirs, dict):
        return "it does not say which"
    keys = [key for key in sorted({*theirs, *ours}) if theirs.get(key) != ours.get(key)]
    return ", ".join(f"{key} is {_short(theirs.get(key))}, not {_short(ours.get(key))}" for key in keys)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
