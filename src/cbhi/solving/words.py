"""What a search found, in words, as a table and as files: the answer, or what stands in the way."""

from __future__ import annotations

import itertools
import json
import math
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbhi.tables import Scale, Table, scale_of
from cbhi.variables import VARIABLES

if TYPE_CHECKING:
    from cbhi.solving import Evaluation, Solution

__all__ = ["SOLUTION_FILES", "as_dict", "explain", "save_solution", "tabulate"]

SOLUTION_FILES = ("evaluations.csv", "summary.txt", "solution.json")
_LAPSES = {
    "lapse_inattentive_share": "do not act in time",
    "lapse_unwilling_share": "do not wish to",
    "lapse_unaffordable_share": "cannot pay",
    "lapse_subsidy_lost_share": "lose their subsidy",
}
_COLUMNS = (
    "result: median of the goal's variable over replicates, with their 5-95 % spread. Means: members at the"
    " end; surplus, income less claims approved and other expenses; unpaid, claims owed at the end; turned"
    " away over arrears, members' contacts per person and year."
)
_FULL = 0.995  # shares above this are as good as all
_AWAY = 0.02  # contacts per person and year that are worth a warning
_LATE = 0.02  # growth of unpaid claims, over claims approved, that is worth one


def explain(solution: Solution) -> tuple[str, ...]:
    """Return sentences: the answer and how it is known, or the nearest value and what stands in the way."""
    if solution.reached:
        return (*_answer(solution), *_costs(solution), *_shape(solution))
    return (*_failure(solution), *_shape(solution), *_obstacles(solution))


def _named(solution: Solution, value: float) -> str:
    return f"{solution.parameter} = {solution.lever.show(value)}"


def _figure(name: str, value: float) -> str:
    """Return a value of a variable with its unit."""
    scale = scale_of(VARIABLES[name].unit, abs(value))
    unit = scale.unit if scale.unit == "%" or "RWF" in scale.unit else VARIABLES[name].unit
    return f"{scale.show(value)} {unit}".strip()


def _period(solution: Solution) -> str:
    return "-".join(dict.fromkeys(solution.period))


def _asked(solution: Solution) -> str:
    n = solution.replicates
    runs = (
        "the one replicate" if n == 1 else f"at least {_percent(solution.probability, 0)} of {n} replicates"
    )
    return f"{solution.goal} in {_period(solution)}, in {runs}"


def _outcome(solution: Solution, one: Evaluation) -> str:
    """Return what a value gave: median, spread, share that meets."""
    name = solution.goal.variable
    spread = (
        f", 5-95 % {_figure(name, one.low)} to {_figure(name, one.high)}" if solution.replicates > 1 else ""
    )
    return (
        f"median {_figure(name, one.median)}{spread}; met in {_percent(one.share_met, 0)} of the replicates"
    )


def _answer(solution: Solution) -> list[str]:
    """Say the solution and its neighbour that fails."""
    value = float(solution.value)
    outcome = _outcome(solution, solution.at)
    lines = [f"{_named(solution, value)} [{solution.unit}] meets {_asked(solution)}: {outcome}."]
    if math.isinf(solution.precision):
        low, high = (solution.lever.show(end) for end in solution.ends)
        lines.append(
            f"Every value tried from {low} to {high} meets the goal, so it does not bind; given is the one"
            f" nearest to the scenario's own, {solution.lever.show(solution.lever.present)}."
        )
        return lines
    failing = [one for one in _neighbours(solution) if not one.meets]
    next_one = min(failing, key=lambda one: abs(abs(one.value - value) - solution.precision))
    step = solution.lever.step
    close = "one step on" if solution.precision < 1.5 * step else "the next value tried"
    met = _percent(next_one.share_met, 0)
    lines.append(f"At {solution.lever.show(next_one.value)}, {close}, it is met in {met} only.")
    if solution.precision >= 1.5 * step:
        lines.append(
            f"So the limit is known to {solution.lever.show(solution.precision)}; more evaluations"
            " (max_evaluations) would narrow it."
        )
    lines.append("The value was chosen on these replicates; a run with another seed is a test of it.")
    return lines


def _failure(solution: Solution) -> list[str]:
    """Say what was not reached, the nearest value, and whether that is a limit or a peak."""
    value = float(solution.value)
    lever = solution.lever
    low, high = solution.ends
    lines = [
        f"{_asked(solution)}: not reached by any {solution.parameter} from {lever.show(low)} to"
        f" {lever.show(high)} [{solution.unit}].",
        f"Nearest: {_named(solution, value)}, {_outcome(solution, solution.at)}.",
    ]
    if len({(one.attained, one.median) for one in solution.evaluations}) == 1:
        lines.append(
            f"{solution.parameter} does not move {solution.goal.variable} at all: every value gives the same."
            " Is what it belongs to switched on in this scenario?"
        )
    elif value in (low, high):
        allowed = lever.inside(lever.low, lever.high) if math.isfinite(lever.high - lever.low) else (-1, -1)
        word = "lowest" if value == low else "highest"
        if value in allowed:
            lines.append(
                f"What binds is the range: {lever.show(value)} is the {word} {solution.parameter} allowed."
            )
        else:
            lines.append(
                f"What binds is the search: {lever.show(value)} is the {word} value searched; allowed are"
                f" {lever.low:g} to {lever.high:g} (low, high)."
            )
    else:
        lines.append(
            f"What binds is the response itself: {solution.goal.variable} is best at"
            f" {lever.show(value)}, inside the range."
        )
        lines += [_beyond(solution, side) for side in _neighbours(solution)]
    return lines


def _neighbours(solution: Solution) -> list[Evaluation]:
    """Return the values tried on either side of the nearest."""
    place = solution.evaluations.index(solution.at)
    return [solution.evaluations[i] for i in (place - 1, place + 1) if 0 <= i < len(solution.evaluations)]


def _beyond(solution: Solution, side: Evaluation) -> str:
    """Say what going on to a neighbouring value does."""
    name = solution.goal.variable
    at = solution.at
    verb = "Raising" if side.value > at.value else "Lowering"
    start = f"{verb} it to {solution.lever.show(side.value)}"
    if side.attained == at.attained:
        return f"{start} changes nothing{_members(at, side)}."
    moves = f"{_figure(name, at.attained)} to {_figure(name, side.attained)}"
    many = f"what {_percent(solution.probability, 0)} of the replicates attain goes from {moves}"
    return f"{start} leads away from the goal: {many}{_members(at, side)}."


def _members(one: Evaluation, other: Evaluation) -> str:
    before, after = one.means["coverage_end_share"], other.means["coverage_end_share"]
    if math.isnan(before + after) or abs(after - before) < 0.005:
        return ""
    verb = "falls" if after < before else "rises"
    return f", coverage {verb} from {_percent(before)} to {_percent(after)}"


def _costs(solution: Solution) -> list[str]:
    """Warn when the goal is met by paying late or by turning members away."""
    at = solution.at
    lines = []
    if at.arrears_growth > max(0.0, _LATE * at.means["claims_approved_rwf"]):
        growth, owed = (_figure("arrears_rwf", x) for x in (at.arrears_growth, at.means["arrears_rwf"]))
        lines.append(
            f"WARNING: there, claims unpaid grow by {growth} over {_period(solution)}, to {owed} (means): the"
            " providers lend that to the scheme."
        )
    if at.turned_away > _AWAY:
        lines.append(
            f"WARNING: there, members are turned away over arrears, {at.turned_away:.2f} contacts per person"
            " and year."
        )
    others = [one for one in solution.evaluations if one.meets and one is not at and one.turned_away > _AWAY]
    # to turn members away saves money, so only there it is a false way to the goal
    if others and at.turned_away <= _AWAY and solution.goal.variable.endswith("_rwf"):
        first, last = others[0], others[-1]
        which = solution.lever.show(first.value)
        if last is not first:
            which += f" to {solution.lever.show(last.value)}"
        most = max(one.turned_away for one in others)
        lines.append(
            f"At {which} it is met too, but there members are turned away over arrears, up to {most:.2f}"
            " contacts per person and year."
        )
    return lines


def _shape(solution: Solution) -> list[str]:
    """Warn when the response turns, or is met in several stretches."""
    lines = []
    others = _other_changes(solution)
    if others:
        lines.append(
            f"The goal turns {solution.crossings} times between met and not met over the values tried; given"
            f" is the change nearest to the scenario's own value. It also turns between {others}; a search"
            " there takes low and high."
        )
    if not solution.monotone:
        chance = " (in one run, so it may be chance)" if solution.replicates == 1 else ""
        lines.append(
            f"The response is not monotone: {solution.goal.variable} both rises and falls over the"
            f" {len(solution.evaluations)} values tried{chance}."
        )
    return lines


def _other_changes(solution: Solution) -> str:
    """Return the other stretches in which the goal turns, as text."""
    show = solution.lever.show
    found = [
        f"{show(a.value)} and {show(b.value)}"
        for a, b in itertools.pairwise(solution.evaluations)
        if a.meets != b.meets and not _is_found(solution, a, b)
    ]
    return ", ".join(found)


def _is_found(solution: Solution, a: Evaluation, b: Evaluation) -> bool:
    """Say whether two neighbours are the sides of the change that was closed in on."""
    here = solution.at in (a, b)
    return here and math.isclose(b.value - a.value, solution.precision, abs_tol=0.5 * solution.lever.step)


def _obstacles(solution: Solution) -> list[str]:
    """Say what the results hold against the goal, at the nearest value."""
    means = solution.at.means
    lines = []
    if solution.goal.variable.endswith("_rwf"):
        flows = [
            f"{word} {_figure(name, means[name])}"
            for name, word in (
                ("contributions_rwf", "households' premiums"),
                ("subsidies_rwf", "premiums paid by others"),
                ("claims_approved_rwf", "claims approved"),
                ("claims_paid_rwf", "claims paid"),
                ("administration_rwf", "administration"),
                ("scheme_surplus_rwf", "surplus"),
            )
        ]
        lines.append(
            f"There, on average: {', '.join(flows)}; coverage {_percent(means['coverage_end_share'])}."
        )
        own = _present(solution)
        if own is not None and own.value != solution.at.value and _members(own, solution.at):
            members = _members(own, solution.at).removeprefix(", ")
            lines.append(f"Against the scenario's own {solution.lever.show(own.value)}, {members}.")
    else:
        lines += _out_of_cover(solution)
    if means["load"] > 1.0 or means["forgone_capacity_per_person_year"] > 0.01:
        lines.append(
            f"Health centres are asked for {_percent(means['load'], 0)} of what they can do;"
            f" {means['forgone_capacity_per_person_year']:.2f} contacts per person and year are turned away."
        )
    return lines


def _present(solution: Solution) -> Evaluation | None:
    """Return the value tried that is nearest to the scenario's own."""
    place = solution.lever.place
    own = place(solution.lever.present)
    return min(solution.evaluations, key=lambda one: abs(place(one.value) - own), default=None)


def _out_of_cover(solution: Solution) -> list[str]:
    """Say who is not covered at the nearest value, and why."""
    means, goal = solution.at.means, solution.goal
    covered, formal = means["coverage_end_share"], means["formal_share"]
    closed = 1.0 - means["schemes_open_share"]
    ceiling = max(0.0, 1.0 - closed - formal)
    without = []
    if closed > 1.0 - _FULL:
        without.append(f"{_percent(closed)} of people have no open scheme")
    if formal > 1.0 - _FULL:
        without.append(f"{_percent(formal)} are in formal schemes")
    lines = [f"There, on average: {'; '.join([f'coverage is {_percent(covered)}', *without])}."]
    if goal.variable.startswith("coverage_") and goal.sense == ">=" and goal.target > ceiling:
        lines.append(
            f"What binds is who can join at all, {_percent(ceiling)} of people: the goal lies above that."
        )
    lapses = {name: means[name] for name in _LAPSES if means[name] > 0.0005}
    if lapses:
        ordered = sorted(lapses, key=lambda name: -lapses[name])
        parts = ", ".join(f"{_percent(lapses[name])} {_LAPSES[name]}" for name in ordered)
        lines.append(
            f"Of the member households due to renew, {_percent(sum(lapses.values()))} lapse: {parts}."
        )
    return lines


def _percent(share: float, decimals: int = 1) -> str:
    return f"{100.0 * share:.{decimals}f} %"


def tabulate(solution: Solution) -> Table:
    """Return the values tried and the answer; see ``Solution.summary``."""
    name = solution.goal.variable
    scale = _scale(name, [x for one in solution.evaluations for x in (one.low, one.high)])
    money, owed = (
        _scale(key, [one.means[key] for one in solution.evaluations])
        for key in ("scheme_surplus_rwf", "arrears_rwf")
    )
    rows = []
    for one in solution.evaluations:
        spread = f"{scale.show(one.low)} to {scale.show(one.high)}"
        mark = ("solution" if solution.reached else "nearest") if one is solution.at else ""
        rows.append(
            (
                solution.lever.show(one.value),
                scale.show(one.median),
                "-" if solution.replicates == 1 else spread,
                f"{_percent(one.share_met, 0)}",
                f"{100 * one.means['coverage_end_share']:.1f}",
                money.show(one.means["scheme_surplus_rwf"]),
                owed.show(one.means["arrears_rwf"]),
                f"{one.turned_away:.2f}",
                mark,
            )
        )
    keys = ", ".join(solution.lever.keys)
    base = solution.scenario.name.removesuffix(f" + {solution.scenario.name.rpartition(' + ')[2]}")
    n = solution.replicates
    size = solution.households if isinstance(solution.households, str) else f"{solution.households:,}"
    runs = f"{'one replicate' if n == 1 else f'{n} replicates'} of {size} households{_sets(solution)}"
    facts = (
        ("scenario", base),
        ("varied", solution.parameter + (f" ({keys})" if keys != solution.parameter else "")),
        ("unit", solution.unit),
        ("searched", " to ".join(solution.lever.show(end) for end in solution.ends)),
        ("goal", f"{solution.goal} in {_period(solution)}"),
        ("wanted in", f"{_percent(solution.probability, 0)} of the replicates"),
        ("each value", f"{runs}, seed {solution.seed}, the same random numbers"),
    )
    return Table(
        title=f"Which {solution.parameter} meets {solution.goal}?",
        heads=(
            ("", "result,", "5-95 %", "goal", "members,", "surplus,", "unpaid,", "turned", ""),
            ("value", scale.unit, "of the runs", "met in", "%", money.unit, owed.unit, "away", ""),
        ),
        rows=tuple(rows),
        notes=(*solution.explanation, _COLUMNS),
        facts=facts,
    )


def _sets(solution: Solution) -> str:
    """Return how many parameter sets the replicates have, or nothing where all have the same."""
    own = solution.scenario
    if not own.is_uncertain:
        return ""
    return f" with {len({own.set_of(r) for r in range(solution.replicates)})} parameter sets"


def _scale(name: str, values: list[float]) -> Scale:
    known = [abs(x) for x in values if math.isfinite(x)]
    return scale_of(VARIABLES[name].unit, max(known, default=math.nan))


def as_dict(solution: Solution) -> dict[str, Any]:
    """Return the answer, and the solved scenario, as plain values for JSON."""
    return {
        "parameter": solution.parameter,
        "keys": list(solution.lever.keys),
        "unit": solution.unit,
        "value": solution.value,
        "reached": solution.reached,
        "goal": str(solution.goal),
        "period": list(solution.period),
        "probability": solution.probability,
        "share_met": solution.at.share_met,
        "means": {name: _finite(value) for name, value in solution.at.means.items()},
        "attained": _finite(solution.at.attained),
        "p05": _finite(solution.at.low),
        "p50": _finite(solution.at.median),
        "p95": _finite(solution.at.high),
        "precision": None if math.isinf(solution.precision) else solution.precision,
        "monotone": solution.monotone,
        "crossings": solution.crossings,
        "explanation": list(solution.explanation),
        "households": solution.households,
        "replicates": solution.replicates,
        "seed": solution.seed,
        "tried": [
            {"value": one.value, "attained": _finite(one.attained), "share_met": one.share_met}
            for one in solution.evaluations
        ],
        "scenario": solution.scenario.as_dict(),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def save_solution(solution: Solution, directory: Path) -> Path:
    """Write the values tried, the answer and the solved scenario; see ``Solution.save``."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".saving-", dir=directory) as place:
            staged = Path(place)
            solution.to_frame().to_csv(staged / "evaluations.csv", index=False, lineterminator="\n")
            (staged / "summary.txt").write_text(f"{solution.summary()}\n", encoding="utf-8")
            text = json.dumps(as_dict(solution), indent=2, ensure_ascii=False, allow_nan=False)
            (staged / "solution.json").write_text(f"{text}\n", encoding="utf-8")
            for file in SOLUTION_FILES:
                os.replace(staged / file, directory / file)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(
            error.errno or 0, f"the solution cannot be written to '{directory}': {reason}"
        ) from error
    return directory
