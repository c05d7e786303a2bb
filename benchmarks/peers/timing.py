"""Rounds of programs in turn, and what their times say: ratios to ``cbhi`` and verdicts on targets."""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from peers.agreement import Row, compare, worst
from peers.definition import MONTHS, Counts, People, Rules, draw_people

Run = Callable[[int], Counts]
"""One simulation from a seed."""


class Peer(NamedTuple):
    """A program that computes the reduced model, and what is asked of ``cbhi`` beside it."""

    title: str
    module: str
    steps_a_year: int
    needs: str = ""  # package beyond those of cbhi
    must: float | None = None  # least ratio of its time to cbhi's
    aim: float | None = None


PEERS: dict[str, Peer] = {
    "numpy": Peer("NumPy", "peers.numpy_peer", 1, must=10.0, aim=20.0),
    "laser": Peer("LASER", "peers.laser_peer", 1, "laser-core", must=6.0, aim=12.0),
    "starsim": Peer("Starsim", "peers.starsim_peer", 1, "starsim", must=80.0, aim=150.0),
    "mesa": Peer("Mesa", "peers.mesa_peer", 1, "mesa", must=250.0, aim=500.0),
    "numpy-monthly": Peer("NumPy by the month", "peers.numpy_monthly_peer", MONTHS),
}

MONTHS_FOR_A_YEAR = (
    "a simulated year is one step of the peer and twelve of cbhi, which keeps the accounts of every month"
    " and passes through mechanisms that are neutral here"
)


@dataclass(frozen=True)
class Comparison:
    """Times of a peer and of ``cbhi``, run in turn, and whether they computed the same thing."""

    peer: Peer
    households: int
    years: int
    cbhi_seconds: tuple[float, ...]
    peer_seconds: tuple[float, ...]
    rows: tuple[Row, ...]

    @property
    def ratio(self) -> float:
        """Median time of the peer over that of ``cbhi``, for the same simulated years."""
        return statistics.median(self.peer_seconds) / statistics.median(self.cbhi_seconds)

    @property
    def spread(self) -> tuple[float, float]:
        """Smallest and largest ratio of a round."""
        ratios = [p / c for p, c in zip(self.peer_seconds, self.cbhi_seconds, strict=True)]
        return min(ratios), max(ratios)

    @property
    def ratio_per_step(self) -> float:
        """The ratio for one step of each: a year of a yearly peer, a month of ``cbhi``."""
        return self.ratio * MONTHS / self.peer.steps_a_year

    @property
    def agrees(self) -> bool:
        """Whether all figures agree within four standard errors."""
        return all(row.agrees for row in self.rows)

    def nanoseconds(self, seconds: Sequence[float]) -> float:
        """Return the median time of a household and year."""
        return statistics.median(seconds) / (self.households * self.years) * 1e9

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; the first five as every benchmark of targets has them."""
        apart = worst(self.rows)
        return {
            "name": f"{self.peer.title} / cbhi, N = {self.households:,}",
            "value": self.ratio,
            "must": self.peer.must,
            "aim": self.peer.aim,
            "ok": self.agrees and (self.peer.must is None or self.ratio >= self.peer.must),
            "cause": self.cause,
            "ratio_per_step": self.ratio_per_step,
            "ratio_smallest": self.spread[0],
            "ratio_largest": self.spread[1],
            "households": self.households,
            "years": self.years,
            "rounds": len(self.peer_seconds),
            "cbhi_ns_per_household_year": self.nanoseconds(self.cbhi_seconds),
            "peer_ns_per_household_year": self.nanoseconds(self.peer_seconds),
            "cbhi_seconds": list(self.cbhi_seconds),
            "peer_seconds": list(self.peer_seconds),
            "agrees": self.agrees,
            "furthest_apart": {"name": apart.name, "standard_errors": apart.errors},
            "figures": [{**row._asdict(), "standard_errors": row.errors} for row in self.rows],
        }

    @property
    def cause(self) -> str:
        """Why a target is missed, or nothing."""
        if not self.agrees:
            apart = worst(self.rows)
            return f"the programs differ: {apart.name} by {apart.errors:+.1f} standard errors"
        if self.peer.must is None or self.ratio >= self.peer.must:
            return ""
        enough = self.ratio_per_step >= self.peer.must
        verdict = "enough" if enough else "too little as well"
        return f"{MONTHS_FOR_A_YEAR}; for a step of each the ratio is {self.ratio_per_step:.3g}, {verdict}"


def load_peers(names: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Return the modules of those peers that can be imported, and a line for each that cannot."""
    found: dict[str, Any] = {}
    missing = []
    for name in names:
        peer = PEERS[name]
        try:
            found[name] = importlib.import_module(peer.module)
        except ModuleNotFoundError as error:
            if not peer.needs:
                raise
            missing.append(
                f"{peer.title} is left out: {error}; pip install {peer.needs}, or all with 'cbhi[peers]'"
            )
    return found, missing


def compare_in_turn(
    modules: Mapping[str, Any], households: int, rules: Rules, rounds: int, say: Callable[[str], None]
) -> dict[str, Comparison]:
    """Return the comparisons of peers with ``cbhi`` at one number of households, each round in turn.

    All simulate the same households. What is timed, by the process's own clock, is one simulation from the
    households in memory to counts by year; everybody runs once before, so that nothing is compiled.
    """
    from peers import engine

    people = draw_people(households, seed=1)
    scenario = engine.make_scenario(rules, people.sections)
    population = engine.make_population(people)
    runs: dict[str, Run] = {"cbhi": lambda seed: engine.simulate(scenario, population, seed)}
    runs.update({name: _peer_run(module, rules, people) for name, module in modules.items()})
    for run in runs.values():
        run(0)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    counts: dict[str, list[Counts]] = {name: [] for name in runs}
    for seed in range(1, rounds + 1):
        for name, run in runs.items():
            start = time.process_time()
            counts[name].append(run(seed))
            seconds[name].append(time.process_time() - start)
        said = ", ".join(f"{name} {times[-1]:.2f} s" for name, times in seconds.items())
        say(f"N = {households:,}, round {seed} of {rounds}: {said}")
    return {
        name: Comparison(
            peer=PEERS[name],
            households=households,
            years=rules.years,
            cbhi_seconds=tuple(seconds["cbhi"]),
            peer_seconds=tuple(seconds[name]),
            rows=tuple(compare(counts["cbhi"], counts[name])),
        )
        for name in modules
    }


def _peer_run(module: Any, rules: Rules, people: People) -> Run:
    return lambda seed: module.simulate(rules, people, seed)
