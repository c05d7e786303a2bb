"""One simulation of a calibration: a pure function of a plan, parameter values, a seed and a replicate.

Workers keep simulators between calls, because a simulator that has run once runs again without asking for
memory or drawing the same population. What they keep changes nothing in what they return.
"""

from __future__ import annotations

import functools
import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cbhi.calibration.targets import Target, read_targets
from cbhi.kernels.records import F8
from cbhi.scenarios import Scenario
from cbhi.simulators import Simulator

__all__ = ["Answers", "Plan", "Task", "simulate_tasks"]

_KEPT_PLANS = 2


class Task(NamedTuple):
    """One simulation that is asked for.

    Attributes
    ----------
    values
        Parameter values in their own units, in the order of ``Plan.keys``.
    seed, replicate
        Of the draws.
    """

    values: tuple[float, ...]
    seed: int
    replicate: int


class Answers(NamedTuple):
    """What simulations gave.

    Attributes
    ----------
    values
        Shape (tasks, targets), in the units of the targets; not a number where a simulation failed.
    errors
        One text a task; empty where nothing went wrong.
    """

    values: F8
    errors: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What all simulations of a calibration have in common; small, and safe to send to other processes.

    Attributes
    ----------
    scenario
        What is run, over the months that the targets need.
    keys
        Parameters that a task sets.
    targets, places
        What is read, and the places of its periods (``targets.check_targets``).
    households
        Households at the start.
    origin
        A Python expression for the scenario, for the command that repeats a simulation.
    """

    scenario: Scenario
    keys: tuple[str, ...]
    targets: tuple[Target, ...]
    places: tuple[int, ...]
    households: int
    origin: str = "scenario"

    @functools.cached_property
    def fingerprint(self) -> str:
        """A hash of what decides the answers."""
        read = [[target.variable, place] for target, place in zip(self.targets, self.places, strict=True)]
        content = [self.scenario.fingerprint(), self.keys, read, self.households]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    def replay(self, task: Task) -> str:
        """Return a command that repeats one simulation."""
        changes = dict(zip(self.keys, task.values, strict=True))
        run = f"run({changes!r}, seed={task.seed}, replicate={task.replicate})"
        return f'python -c "import cbhi; cbhi.Simulator({self.origin}, households={self.households}).{run}"'


def simulate_tasks(plan: Plan, tasks: Sequence[Task]) -> Answers:
    """Simulate some tasks one after another.

    A simulation that raises, or that has no number for a target, is answered by not-a-number and the text of
    what went wrong; it stops no other. What the machine lacks is no answer: it may be there the next time.

    Parameters
    ----------
    plan
        What they have in common.
    tasks
        What is asked for.

    Raises
    ------
    MemoryError
        When a simulation does not fit into memory.
    OSError
        When the system fails, such as a disk that is full or a file that cannot be read.
    """
    values = np.full((len(tasks), len(plan.targets)), np.nan)
    errors = []
    with _simulator(plan) as simulator:
        for row, task in enumerate(tasks):
            try:
                values[row] = _simulate(plan, simulator, task)
                errors.append("")
            except (MemoryError, OSError):
                raise
            except Exception as error:  # whatever it is, it is told, and other simulations go on
                values[row] = np.nan
                errors.append(f"{type(error).__name__}: {error}")
    return Answers(values, tuple(errors))


def _simulate(plan: Plan, simulator: Simulator, task: Task) -> F8:
    changes = dict(zip(plan.keys, task.values, strict=True))
    results = simulator.run(changes, seed=task.seed, replicate=task.replicate)
    values: F8 = read_targets(results, plan.targets, plan.places)[0]
    missing = [t.name for t, value in zip(plan.targets, values, strict=True) if not np.isfinite(value)]
    if missing:
        raise ArithmeticError(f"no number for {', '.join(missing)}")
    return values


# simulators that nobody is using, by plan; threads come and go, simulators stay
_idle: OrderedDict[str, list[Simulator]] = OrderedDict()
_idle_lock = threading.Lock()


@contextmanager
def _simulator(plan: Plan) -> Iterator[Simulator]:
    """Lend a simulator to this thread: one that ran the plan before, where there is one.

    One with which something ended otherwise is dropped, and what it holds of memory with it.
    """
    with _idle_lock:
        waiting = _idle.get(plan.fingerprint)
        found = waiting.pop() if waiting else None
    simulator = found or Simulator(plan.scenario, households=plan.households)
    yield simulator
    with _idle_lock:
        _idle.setdefault(plan.fingerprint, []).append(simulator)
        _idle.move_to_end(plan.fingerprint)
        while len(_idle) > _KEPT_PLANS:
            _idle.popitem(last=False)
