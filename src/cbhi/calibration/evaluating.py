"""Questions of the algorithms turned into simulations, counted, kept and watched for failures."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cbhi.calibration.executors import Workers, cut
from cbhi.calibration.journal import Journal, digest_of
from cbhi.calibration.priors import Prior
from cbhi.calibration.simulating import Answers, Plan, Task, simulate_tasks
from cbhi.kernels.records import F8

__all__ = ["Evaluator", "Failure", "Progress", "TooManyFailures"]


class TooManyFailures(RuntimeError):
    """More simulations failed than were to be tolerated; the message holds the first of them.

    Attributes
    ----------
    failures
        All of them.
    """

    def __init__(self, message: str, failures: tuple[Failure, ...] = ()) -> None:
        super().__init__(message)
        self.failures = failures


@dataclass(frozen=True)
class Failure:
    """A simulation that gave no numbers.

    Attributes
    ----------
    step
        The batch that asked for it.
    values
        Parameters in their own units.
    seed, replicate
        Of the draws.
    error
        What went wrong.
    command
        A command that repeats it.
    """

    step: str
    values: dict[str, float]
    seed: int
    replicate: int
    error: str
    command: str


@dataclass(frozen=True)
class Progress:
    """How far a calibration is.

    Attributes
    ----------
    step
        Batch that is under way.
    done, total
        Simulations of this batch.
    simulations
        All so far, those that a checkpoint answered included.
    answered
        How many of them a checkpoint answered.
    failures
        How many failed.
    seconds
        Since the first question.
    """

    step: str
    done: int
    total: int
    simulations: int
    answered: int
    failures: int
    seconds: float


@dataclass
class Evaluator:
    """The simulator of a calibration; called with a step and points it is an ``Evaluate``.

    Attributes
    ----------
    plan
        What is run and read.
    explored, carried
        Priors of the parameters; ``plan.keys`` are theirs, explored first.
    seed, replicates
        Every point is run with replicates 0 to ``replicates - 1`` of this seed, so that points share draws.
    workers
        Where simulations run.
    journal
        Keeps what is answered; None for no checkpoint.
    progress
        Told after every chunk; None for nobody.
    max_failures
        Share of all simulations that may fail, beside one.
    chunk
        Simulations that a worker is sent at once; chosen by the size of the batch if not given.
    """

    plan: Plan
    explored: tuple[Prior, ...]
    carried: tuple[Prior, ...]
    seed: int
    replicates: int
    workers: Workers
    journal: Journal | None = None
    progress: Callable[[Progress], Any] | None = None
    max_failures: float = 0.01
    chunk: int | None = None
    n_simulations: int = field(default=0, init=False)
    n_answered: int = field(default=0, init=False)
    failures: list[Failure] = field(default_factory=list, init=False)
    steps: dict[str, int] = field(default_factory=dict, init=False)
    _known: dict[str, F8] = field(default_factory=dict, init=False, repr=False)
    _began: float | None = field(default=None, init=False, repr=False)

    def __call__(self, step: str, points: F8) -> F8:
        """Return the mean over replicates of what is simulated, carried parameters at their centres.

        Parameters
        ----------
        step
            Unique name of the batch.
        points
            Standardised explored parameters, shape (n, explored).

        Returns
        -------
        numpy.ndarray
            Shape (n, targets); rows of simulations that failed are not a number.

        Raises
        ------
        TooManyFailures
            When more simulations failed than are tolerated.
        """
        return np.asarray(self.runs(step, points).mean(axis=1), dtype=np.float64)

    def runs(
        self,
        step: str,
        points: F8,
        carried: F8 | None = None,
        *,
        seed: int | None = None,
        first_replicate: int = 0,
        replicates: int | None = None,
    ) -> F8:
        """Return what is simulated in each replicate, shape (n, replicates, targets).

        Parameters
        ----------
        step
            Unique name of the batch.
        points
            Standardised explored parameters, shape (n, explored).
        carried
            Standardised carried parameters, shape (n, carried); their centres if not given.
        seed, first_replicate, replicates
            Of the draws; those of the calibration if not given.
        """
        points = self._checked(points, len(self.explored), "points")
        others = np.zeros((len(points), len(self.carried))) if carried is None else carried
        others = self._checked(others, len(self.carried), "carried")
        if len(others) != len(points):
            raise ValueError(f"there are {len(points)} points and {len(others)} of carried parameters")
        count = self.replicates if replicates is None else replicates
        chosen = self.seed if seed is None else seed
        tasks = [
            Task(tuple(row), chosen, first_replicate + replicate)
            for row in self.values_of(points, others).tolist()
            for replicate in range(count)
        ]
        answers = self._answer(step, tasks)
        return answers.reshape(len(points), count, len(self.plan.targets))

    def values_of(self, points: F8, carried: F8 | None = None) -> F8:
        """Return parameter values in their own units, shape (n, explored + carried), as ``plan.keys``."""
        points = np.atleast_2d(points)
        others = np.zeros((len(points), len(self.carried))) if carried is None else np.atleast_2d(carried)
        both = np.concatenate([points, others], axis=1)
        priors = (*self.explored, *self.carried)
        columns = [prior.to_value(both[:, i]) for i, prior in enumerate(priors)]
        return np.stack(columns, axis=1) if columns else both

    def close(self) -> None:
        """Stop the workers and let go of the checkpoint."""
        self.workers.close()
        if self.journal is not None:
            self.journal.close()

    def _checked(self, points: F8, width: int, what: str) -> F8:
        points = np.asarray(points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != width:
            raise ValueError(f"{what} must have the shape (n, {width}), got {points.shape}")
        if not np.isfinite(points).all():
            raise ValueError(f"{what} hold something that is no number")
        return points

    def _answer(self, step: str, tasks: list[Task]) -> F8:
        """Return what is known of a batch and simulate the rest, shape (tasks, targets)."""
        asked = digest_of(tasks)
        if asked in self._known:
            return self._known[asked].copy()
        self.steps[step] = self.steps.get(step, 0) + len(tasks)
        self._began = time.monotonic() if self._began is None else self._began
        values = np.full((len(tasks), len(self.plan.targets)), np.nan)
        errors = [""] * len(tasks)
        missing = np.ones(len(tasks), dtype=bool)

        def enter(first: int, answers: Answers) -> None:
            rows = slice(first, first + len(answers.errors))
            values[rows], errors[rows], missing[rows] = answers.values, answers.errors, False

        for first, answers in self.journal.answered(step, tasks) if self.journal is not None else ():
            enter(first, answers)
        self.n_answered += int((~missing).sum())
        self._tell(step, len(tasks), missing)
        places = [chunk for run in _stretches(missing) for chunk in cut(run, self.workers.count, self.chunk)]
        work = functools.partial(simulate_tasks, self.plan)
        answered = self.workers.map(work, [[tasks[row] for row in rows] for rows in places])
        for rows, answers in zip(places, answered, strict=True):
            if self.journal is not None:
                self.journal.keep(step, tasks, rows[0], answers)
            enter(rows[0], answers)
            self._tell(step, len(tasks), missing)
        self.n_simulations += len(tasks)
        self._note_failures(step, tasks, errors)
        self._known[asked] = values.copy()
        return values

    def _tell(self, step: str, total: int, missing: Any) -> None:
        if self.progress is None:
            return
        done = total - int(missing.sum())
        seconds = time.monotonic() - (self._began or 0.0)
        failed = len(self.failures)
        so_far = self.n_simulations + done
        self.progress(Progress(step, done, total, so_far, self.n_answered, failed, seconds))

    def _note_failures(self, step: str, tasks: list[Task], errors: Sequence[str]) -> None:
        for task, error in zip(tasks, errors, strict=True):
            if error:
                values = dict(zip(self.plan.keys, task.values, strict=True))
                command = self.plan.replay(task)
                self.failures.append(Failure(step, values, task.seed, task.replicate, error, command))
        allowed = 1 + self.max_failures * self.n_simulations
        if len(self.failures) > allowed:
            first = self.failures[0]
            raise TooManyFailures(
                f"{len(self.failures)} of {self.n_simulations} simulations failed; {self.max_failures:.0%}"
                f" and one are tolerated\n  the first, in step '{first.step}': {first.error}\n"
                f"  to repeat it: {first.command}",
                tuple(self.failures),
            )


def _stretches(missing: Any) -> list[list[int]]:
    """Return the rows that are missing, as stretches without gaps."""
    rows = np.flatnonzero(missing).tolist()
    found: list[list[int]] = []
    for row in rows:
        if found and found[-1][-1] == row - 1:
            found[-1].append(row)
        else:
            found.append([row])
    return found
