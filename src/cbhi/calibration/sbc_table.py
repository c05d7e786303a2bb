"""What a simulation-based calibration showed: shares of intervals that held the truth, and a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cbhi.calibration.by_chance import at_least, binomial_p, holm, share_outside
from cbhi.calibration.evenness import chi_square_p, kolmogorov_smirnov_p, share_expected, snapped
from cbhi.calibration.sbc import SetOutcome
from cbhi.calibration.scoring import interval_holds
from cbhi.kernels.records import F8
from cbhi.tables import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EACH_WITHIN", "MOST_NOT_CONVERGED", "POOLED_WITHIN", "Study"]

POOLED_WITHIN = (0.86, 0.94)
"""What the 90 % intervals of all parameters together must cover."""
EACH_WITHIN = (0.84, 0.96)
"""What the 90 % intervals of each parameter, and of each effect, must cover."""
MOST_NOT_CONVERGED = 0.02
"""Largest share of sets that the procedure may refuse to give a posterior for."""
RARE = 0.025
"""Probability, for a right procedure, below which a finding is not put down to chance.

One quantity far from 90 % and many a little outside are two ways to be called wrong: together one in twenty.
"""

_TITLES = {
    "parameter": "parameters",
    "carried": "parameters that are carried along",
    "effect": "effects of a policy",
}


@dataclass(frozen=True)
class Study:
    """The outcomes of synthetic data sets, all of one procedure.

    Attributes
    ----------
    parameters
        Explored parameters, whose intervals are pooled.
    effects
        Other quantities.
    outcomes
        One a set.
    carried
        Parameters that are not explored but carried along to first order.
    about
        Names and values of what was studied, printed above the table.
    members
        Equally weighted members of the posterior among which effects are placed: their positions are one of
        ``members + 1`` numbers. 0 where positions are continuous, as those of parameters always are.
    """

    parameters: tuple[str, ...]
    effects: tuple[str, ...]
    outcomes: tuple[SetOutcome, ...]
    carried: tuple[str, ...] = ()
    about: tuple[tuple[str, str], ...] = ()
    members: int = 0

    @property
    def converged(self) -> tuple[SetOutcome, ...]:
        """Sets with a posterior that its own diagnostics accept; all shares are over these."""
        return tuple(outcome for outcome in self.outcomes if outcome.converged)

    @property
    def _kinds(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return (("parameter", self.parameters), ("carried", self.carried), ("effect", self.effects))

    def positions(self, names: Sequence[str]) -> F8:
        """Return where the truths lie in the posteriors, shape (converged sets, names)."""
        rows = [[outcome.position[name] for name in names] for outcome in self.converged]
        places = np.asarray(rows, dtype=np.float64).reshape(len(rows), len(names))
        for column, name in enumerate(names):
            places[:, column] = snapped(places[:, column], self._members_of(name))
        return places

    def _members_of(self, name: str) -> int:
        return self.members if name in self.effects else 0

    def pooled(self, level: float = 0.9) -> tuple[float, float]:
        """Return the share of intervals of all parameters that hold the truth, and its Monte Carlo error.

        The intervals of one set depend on each other, so the error is that of a mean over sets (each set a
        cluster); it is not a number for fewer than two sets.
        """
        held = interval_holds(self.positions(self.parameters), level)
        if held.shape[0] == 0:
            return math.nan, math.nan
        by_set = held.mean(axis=1)
        n = by_set.size
        error = float(by_set.std(ddof=1) / math.sqrt(n)) if n > 1 else math.nan
        return float(by_set.mean()), error

    def to_frame(self) -> pd.DataFrame:
        """Return one row a parameter and effect.

        Returns
        -------
        pandas.DataFrame
            ``quantity``, ``kind`` (``parameter``, ``carried`` or ``effect``), ``n_sets``, ``covered_50`` and
            ``covered_90`` (shares), ``error_90`` (binomial standard error if the share were 0.9),
            ``ks_p`` and ``chi_square_p`` (that the places of the truth are spread evenly), ``within_must``,
            ``outside_by_chance`` (probability that a right procedure misses this must), ``binomial_p`` (exact
            and two-sided, that a right procedure's share is as far off) and ``holm_p`` (the same with Holm's
            allowance for the number of quantities looked at).
        """
        import pandas as pd

        rows = [
            {"quantity": name, "kind": kind, **self._coverage(name)}
            for kind, names in self._kinds
            for name in names
        ]
        adjusted = holm([row["binomial_p"] for row in rows])
        return pd.DataFrame([{**row, "holm_p": p} for row, p in zip(rows, adjusted, strict=True)])

    def sets_frame(self) -> pd.DataFrame:
        """Return one row a set and quantity: truth, posterior median, place of the truth, and how it went.

        ``seconds`` are those of one worker for the whole set; missing where they are not known.
        """
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for outcome in self.outcomes:
            for name in (*self.parameters, *self.carried, *self.effects):
                rows.append(
                    {
                        "set": outcome.number,
                        "quantity": name,
                        "truth": outcome.truth.get(name, math.nan),
                        "median": outcome.median.get(name, math.nan),
                        "position": outcome.position.get(name, math.nan),
                        "method": outcome.method,
                        "effective_size": outcome.effective_size,
                        "pareto_k": outcome.pareto_k,
                        "n_simulations": outcome.n_simulations,
                        "seconds": outcome.seconds,
                        "problem": outcome.problem,
                    }
                )
        return pd.DataFrame(rows)

    def _coverage(self, name: str) -> dict[str, Any]:
        positions = self.positions([name])[:, 0]
        n = positions.size
        if n == 0:
            missing = dict.fromkeys(
                ("covered_50", "covered_90", "error_90", "ks_p", "chi_square_p"), math.nan
            )
            unknown = {"outside_by_chance": math.nan, "binomial_p": math.nan}
            return {"n_sets": 0, **missing, "within_must": False, **unknown}
        covered = float(interval_holds(positions, 0.9).mean())
        expected = share_expected(self._members_of(name), 0.9)
        return {
            "n_sets": n,
            "covered_50": float(interval_holds(positions, 0.5).mean()),
            "covered_90": covered,
            "error_90": math.sqrt(0.9 * 0.1 / n),
            "ks_p": kolmogorov_smirnov_p(positions, self._members_of(name)),
            "chi_square_p": chi_square_p(positions, self._members_of(name)),
            "within_must": _inside(covered, EACH_WITHIN),
            "outside_by_chance": share_outside(n, expected, EACH_WITHIN),
            "binomial_p": binomial_p(round(covered * n), n, expected),
        }

    @property
    def passed(self) -> bool:
        """Whether all musts are met: pooled, each parameter, each effect, and sets without a posterior.

        Strictly so: a right procedure of few sets misses some of them by chance, which ``verdict`` tells.
        """
        if not self.converged:
            return False
        missing = 1.0 - len(self.converged) / len(self.outcomes)
        return (
            _inside(self.pooled()[0], POOLED_WITHIN)
            and bool(self.to_frame()["within_must"].all())
            and missing <= MOST_NOT_CONVERGED
        )

    def summary(self) -> Table:
        """Return coverage of the intervals and the verdict, in plain language."""
        frame = self.to_frame()
        rows: list[tuple[str, ...]] = []
        for kind, title in _TITLES.items():
            part = frame[frame["kind"] == kind]
            if len(part):
                rows.append((title, *[""] * 6))
            rows += [_row(dict(row)) for _, row in part.iterrows()]
        pooled_90, error = self.pooled(0.9)
        pooled_50, _ = self.pooled(0.5)
        rows.append(
            (
                "all explored parameters together",
                _per_cent(pooled_50),
                _per_cent(pooled_90),
                _per_cent(error),
                "",
                "",
                _verdict(pooled_90, POOLED_WITHIN, by_chance=self._pooled_by_chance()),
            )
        )
        return Table(
            title=f"How often intervals held the truth, over {len(self.converged)} synthetic data sets",
            heads=(
                ("", "50 %", "90 %", "Monte Carlo", "KS", "chi-square", ""),
                ("", "interval", "interval", "error", "p", "p", "within the must"),
            ),
            rows=tuple(rows),
            facts=(*self.about, *self._facts()),
            notes=self._notes(),
        )

    def _facts(self) -> tuple[tuple[str, str], ...]:
        sizes = [o.effective_size for o in self.converged]
        tails = [o.pareto_k for o in self.converged if math.isfinite(o.pareto_k)]
        runs = [o.n_simulations for o in self.converged]
        methods = {
            m: sum(o.method == m for o in self.converged) for m in sorted({o.method for o in self.converged})
        }
        return (
            (
                "synthetic data sets",
                f"{len(self.outcomes)}, {len(self.converged)} with an accepted posterior",
            ),
            ("method", ", ".join(f"{name} {count}" for name, count in methods.items()) or "-"),
            ("simulations a set", _middle(runs, 0)),
            ("effective size", _middle(sizes, 0)),
            ("Pareto k", _middle(tails, 2)),
        )

    def _notes(self) -> tuple[str, ...]:
        low, high = (100 * bound for bound in POOLED_WITHIN)
        each_low, each_high = (100 * bound for bound in EACH_WITHIN)
        missing = len(self.outcomes) - len(self.converged)
        share = missing / len(self.outcomes)
        notes = [
            f"Musts: 90 % intervals of all parameters together cover {low:.0f} to {high:.0f} %, of each"
            f" parameter and effect {each_low:.0f} to {each_high:.0f} %; at most"
            f" {100 * MOST_NOT_CONVERGED:.0f} % of the sets without an accepted posterior.",
            "Monte Carlo error: standard error of the share from the number of sets alone; in the last row"
            " the intervals of one set count as one cluster.",
            *self._notes_on_chance(),
            "KS and chi-square p: small values say that the truth's place in the posterior is not spread"
            " evenly; of twenty tests one is below 0.05 by chance.",
        ]
        if missing:
            reasons = sorted({outcome.problem for outcome in self.outcomes if not outcome.converged})
            notes.append(
                f"Left out of all shares: {missing} sets ({100 * share:.1f} %) without an accepted posterior:"
                f" {'; '.join(reasons)}"
            )
        notes.append(self.verdict())
        return tuple(notes)

    def _notes_on_chance(self) -> list[str]:
        frame = self.to_frame()
        if not self.converged or frame.empty:
            return []
        expected, so_many = self._outside_by_chance(frame)
        outside = int((~frame["within_must"]).sum())
        return [
            f"Outside their must: {outside} of {len(frame)} quantities; a right procedure has"
            f" {expected:.1f} outside with so many sets (binomial), and as many as here or more with"
            f" probability {so_many:.2f} if quantities do not depend on each other.",
            f"'by chance?': outside, but a right procedure is as far from 90 % with probability {RARE:g} or"
            f" more, Holm's allowance for {len(frame)} quantities made; in the last row: less than two Monte"
            " Carlo errors from 90 %.",
        ]

    def _outside_by_chance(self, frame: pd.DataFrame) -> tuple[float, float]:
        """Return how many a right procedure has outside, and the probability of as many as here or more."""
        chances = frame["outside_by_chance"].to_numpy(dtype=np.float64)
        return float(chances.sum()), at_least(int((~frame["within_must"]).sum()), chances)

    def _pooled_by_chance(self) -> bool:
        covered, error = self.pooled()
        # one set has no error, and shows nothing
        return not abs(covered - 0.9) >= 2.0 * error

    def verdict(self) -> str:
        """Return the verdict: musts met, missed as chance makes a right procedure miss them, or missed."""
        covered, error = self.pooled()
        if not self.converged:
            return "Verdict: no set has a posterior that its own diagnostics accept."
        if self.passed:
            return (
                f"Verdict: all musts are met; the intervals mean what they say ({100 * covered:.1f} % for"
                " 90 %)."
            )
        missed = [*self._missed_together(covered, error), *self._missed_each(), *self._missed_sets()]
        beyond = [words for words, by_chance in missed if not by_chance]
        chance = [words for words, by_chance in missed if by_chance]
        if not beyond:
            return (
                f"Verdict: not all musts are met, but within what chance gives a right procedure of"
                f" {len(self.converged)} sets: {'; '.join(chance)}. Neither shown right nor shown wrong: more"
                " sets tell."
            )
        rest = f"; what chance may explain: {'; '.join(chance)}" if chance else ""
        return f"Verdict: not all musts are met, beyond what chance gives: {'; '.join(beyond)}{rest}."

    def _missed_together(self, covered: float, error: float) -> list[tuple[str, bool]]:
        """Return what is said where all parameters together miss their must, and whether by chance."""
        if _inside(covered, POOLED_WITHIN):
            return []
        kind = "too narrow" if covered < POOLED_WITHIN[0] else "too wide"
        words = f"intervals are {kind} ({100 * covered:.1f} +- {100 * error:.1f} % for 90 %)"
        return [(words, self._pooled_by_chance())]

    def _missed_each(self) -> list[tuple[str, bool]]:
        """Return the quantities outside their must, those beyond chance first, and whether by chance."""
        frame = self.to_frame()
        found = []
        for by_chance in (False, True):
            chosen = frame[~frame["within_must"] & ((frame["holm_p"] >= RARE) == by_chance)]
            listed = ", ".join(
                f"{row['quantity']} {100 * row['covered_90']:.1f} %" for row in chosen.to_dict("records")
            )
            if listed:
                found.append((f"outside the must: {listed}", by_chance))
        expected, so_many = self._outside_by_chance(frame)
        if so_many < RARE:
            outside = int((~frame["within_must"]).sum())
            found.append((f"{outside} of {len(frame)} are outside, {expected:.1f} expected", False))
        return found

    def _missed_sets(self) -> list[tuple[str, bool]]:
        """Return what is said where too many sets have no posterior, and whether by chance."""
        missing, n = len(self.outcomes) - len(self.converged), len(self.outcomes)
        if missing <= MOST_NOT_CONVERGED * n:
            return []
        so_many = at_least(missing, np.full(n, MOST_NOT_CONVERGED))
        return [(f"{missing} of {n} sets have no accepted posterior", so_many >= RARE)]


def _row(row: dict[Any, Any]) -> tuple[str, ...]:
    return (
        f"  {row['quantity']}",
        _per_cent(row["covered_50"]),
        _per_cent(row["covered_90"]),
        _per_cent(row["error_90"]),
        _p_value(row["ks_p"]),
        _p_value(row["chi_square_p"]),
        _verdict(row["covered_90"], EACH_WITHIN, by_chance=row["holm_p"] >= RARE),
    )


def _inside(value: float, bounds: tuple[float, float]) -> bool:
    """Say whether a share lies within bounds; a hair of room, because shares are ratios."""
    return bounds[0] - 1e-9 <= value <= bounds[1] + 1e-9


def _verdict(covered: float, bounds: tuple[float, float], *, by_chance: bool) -> str:
    if math.isnan(covered):
        return "-"
    if _inside(covered, bounds):
        return "yes"
    side = "narrow" if covered < bounds[0] else "wide"
    return f"NO, too {side}" + (", by chance?" if by_chance else "")


def _per_cent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100.0 * share:.1f} %"


def _p_value(p: float) -> str:
    if math.isnan(p):
        return "-"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _middle(values: Sequence[float], decimals: int) -> str:
    """Return the median of numbers and how far they reach."""
    if not len(values):
        return "-"
    low, median, high = np.min(values), np.median(values), np.max(values)
    return f"{median:,.{decimals}f} ({low:,.{decimals}f} to {high:,.{decimals}f})"
