"""Properties that hold in every run, seen by running an example again in another way."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from cbhi import checks
from cbhi.halting import Halted, run_until
from cbhi.months import format_month
from cbhi.packing import pack_calendar, pack_rules
from cbhi.populations import Population
from cbhi.reading import load
from cbhi.replicates import Engine, run_between, written_by
from cbhi.results import Results, join_results, select_replicates
from cbhi.scenarios import Scenario
from cbhi.storage import read_arrays, write_arrays
from cbhi.testing.core import Broken, Outcome, Property
from cbhi.testing.examples import REPLICATES, Case
from cbhi.testing.recorder import record_draws

__all__ = ["OF_TWO_RUNS", "require_equal"]

# with the compiler off, where a household-month takes about a millisecond
_MONTHS_IN_PYTHON, _HOUSEHOLDS_IN_PYTHON = 15, 10


def require_equal(ours: Results, theirs: Results, what: str, case: Case, months: int | None = None) -> None:
    """Refuse two runs that differ, in any integer or the last bit of a real number.

    Parameters
    ----------
    ours, theirs
        Two runs of the same replicates.
    what
        What ought to make no difference.
    case
        The example, to say where.
    months
        Compare only so many months, and only what is written by month.

    Raises
    ------
    Broken
        At the first number that differs.
    """
    for name, values in ours.arrays._asdict().items():
        other = getattr(theirs.arrays, name)
        if months is not None:
            if name not in ("flows", "stocks", "tallies", "gauges"):
                continue
            last = months + (name == "stocks")
            values, other = values[:, :last], other[:, :last]
        if np.array_equal(values, other):
            continue
        where = "another shape"
        if values.shape == other.shape:
            place = tuple(int(i) for i in np.argwhere(values != other)[0])
            monthly = name in ("flows", "stocks", "tallies", "gauges")
            where = case.place(place[0], place[1] - (name == "stocks")) if monthly else f"at {place}"
            where = f"{where}, {list(place[2:])}" if monthly else where
            where += f": {values[place]} and {other[place]}"
        raise Broken(f"{what} changes {name}: {where}")


def determinism(case: Case) -> Outcome:
    """Workers, batches and the order of replicates change nothing."""
    two = case.simulate(case.scenario, workers=2)
    require_equal(case.results, two, "the number of workers", case)
    last = case.simulate(case.scenario, first_replicate=REPLICATES - 1, replicates=1)
    first = case.simulate(case.scenario, replicates=REPLICATES - 1)
    require_equal(case.results, join_results([last, first]), "running the last replicate first", case)
    require_equal(
        select_replicates(case.results, {REPLICATES - 1}), last, "leaving out other replicates", case
    )
    silent = case.simulate(case.scenario, survey=0)
    for name in ("flows", "stocks", "tallies", "strata"):
        if not np.array_equal(getattr(case.results.arrays, name), getattr(silent.arrays, name)):
            raise Broken(f"interviewing households changes {name}")
    return Outcome()


def saving(case: Case) -> Outcome:
    """What is saved and loaded is equal to what was run."""
    with tempfile.TemporaryDirectory(prefix="cbhi-") as folder:
        file = Path(folder) / "arrays.npz"
        write_arrays(case.results, file)
        again, _ = read_arrays(file, case.scenario)
        require_equal(case.results, again, "writing and reading arrays", case)
        if case.thorough:
            whole = load(case.results.save(Path(folder) / "run"))
            assert isinstance(whole, Results)
            require_equal(case.results, whole, "saving and loading a run", case)
            if whole != case.results or whole.scenario != case.scenario:
                raise Broken("saving and loading a run changes what was run")
    return Outcome()


def splitting(case: Case) -> Outcome:
    """A run halted at the turn of a year, saved, loaded and finished gives the same integers."""
    n = case.scenario.n_months
    turns = [t for t in range(1, n) if (case.scenario.start + t) % 12 == 0] or [max(1, n // 2)]
    turn = turns[case.seed % len(turns)]
    halted = run_until(
        case.scenario,
        format_month(case.scenario.start + turn),
        households=case.households if case.population is None else None,
        seed=case.seed,
        survey=case.households,
        population=case.population,
    )
    with tempfile.TemporaryDirectory(prefix="cbhi-") as folder:
        resumed = Halted.load(halted.save(Path(folder) / "halted.npz")).finish()
    first = select_replicates(case.results, {0})
    require_equal(first, resumed, f"halting at {halted.month}, saving, loading and going on", case)
    written, _ = written_by(case.engine)
    for name in ("flows", "stocks", "tallies", "gauges", "strata"):
        stepped = getattr(written, name)
        if not np.array_equal(stepped, getattr(first.arrays, name)[0]):
            raise Broken(f"running month by month instead of in whole years changes {name}")
    return Outcome()


def _rules_differ_from(ours: Scenario, theirs: Scenario) -> int:
    """Return the first month, counted from 0, in which rules, prices or dates in force differ."""
    rules, others = pack_rules(ours), pack_rules(theirs)
    calendar, other_calendar = pack_calendar(ours, rules), pack_calendar(theirs, others)
    for t in range(ours.n_months):
        price, other_price = rules[calendar["price_month"][t]], others[other_calendar["price_month"][t]]
        if rules[t] != others[t] or calendar[t] != other_calendar[t] or price != other_price:
            return t
    return ours.n_months


def timing(case: Case) -> Outcome:
    """Nothing happens before the rules allow it, and no dated change is felt before its date."""
    checks.check_timing(case.results)
    scenario = case.scenario
    dated = [e for e in scenario.events if scenario.start < e.month <= scenario.end]
    if not dated:
        return Outcome(False)
    last = dated[-1].month
    kept = tuple(event for event in scenario.events if event.month < last)
    without = Scenario(scenario.name, scenario.start, scenario.end, dict(scenario.values), kept)
    since = _rules_differ_from(scenario, without)
    rolling = all(p.scheme.calendar == "rolling" for s in (scenario, without) for _, p in s.regimes())
    if rolling and since < last - scenario.start:
        raise Broken(
            f"the change of {format_month(last)} is in force from {format_month(scenario.start + since)},"
            " and nothing is sold ahead"
        )
    other = case.simulate(without)
    require_equal(case.results, other, f"the change of {format_month(last)}, before its date,", case, since)
    return Outcome(since > 0)


def storage_order(case: Case) -> Outcome:
    """The rows in which households are stored decide nothing, as long as they keep their numbers."""
    scenario = case.scenario.replace(_ORDERLY, name=case.scenario.name)
    regimes = [p for _, p in scenario.regimes()]
    if any(p.scheme.enrolment_unit == "person" for p in regimes):
        scenario = scenario.replace({"loans.offered": False}, name=scenario.name)
    if any((p.scheme, p.subsidy) != (regimes[0].scheme, regimes[0].subsidy) for p in regimes) or (
        regimes[0].scheme.premium_rule != "set"
    ):
        # slots given out at one premium may be too dear at the next
        scenario = scenario.replace({"subsidy.offered": False}, name=scenario.name)
    kept, mixed = (case.begin(scenario) for _ in range(2))
    _shuffle(mixed)
    for engine in (kept, mixed):
        run_between(engine, 0, scenario.n_months)
    for name in ("flows", "stocks", "tallies", "strata"):
        ours, theirs = getattr(kept.output, name), getattr(mixed.output, name)
        if not np.array_equal(ours, theirs):
            place = tuple(int(i) for i in np.argwhere(ours != theirs)[0])
            monthly = name != "strata"
            where = case.place(month=place[0] - (name == "stocks")) if monthly else f"at {place}"
            raise Broken(
                f"storing households in another order changes {name}: {where}, {list(place[1:])}:"
                f" {ours[place]} and {theirs[place]}"
            )
    ours, theirs = (np.sort(engine.state.households, order=_IDENTITY) for engine in (kept, mixed))
    for name in ours.dtype.names or ():
        if name not in ("watched", "group") and not np.array_equal(ours[name], theirs[name]):
            h = int(np.flatnonzero(ours[name] != theirs[name])[0])
            raise Broken(
                f"storing households in another order changes the {name} of a household at the end:"
                f" {ours[name][h]} and {theirs[name][h]}"
            )
    return Outcome(bool((kept.state.sections["end"] - kept.state.sections["first"] > 1).any()))


def table_order(case: Case) -> Outcome:
    """The order of the rows of supplied tables decides nothing."""
    people = case.population if case.population is not None else _some_people(case)
    runs = [
        case.simulate(case.scenario, households=None, population=one, survey=people.n_households)
        for one in (people, _other_way_round(people))
    ]
    require_equal(runs[0], runs[1], "another order of the rows of a supplied table", case)
    return Outcome(people.n_households > 1)


def _some_people(case: Case) -> Population:
    """Return households with numbers and tastes of their own, in two sections."""
    rows = np.arange(case.households)
    numbers = (7 * rows + case.seed) % 5_003
    tastes = np.sin(rows)  # any spread will do
    return Population({"section": 1 + rows % 2, "household": numbers, "taste": tastes})


def _other_way_round(people: Population) -> Population:
    """Return the same people in another order of rows; members of one household keep theirs."""
    last_first = np.arange(people.n_households)[::-1]
    households = {name: values[last_first] for name, values in people.households.items()}
    members = None
    if people.members is not None:
        homes = people.members["section"] * 2**32 + people.members["household"]
        order = np.argsort(-homes, kind="stable")
        members = {name: values[order] for name, values in people.members.items()}
    size, probability = people.bills
    bills = {"size": size, "probability": probability} if size.size else None
    return Population(households, members, bills)


# where chance is not keyed but the order of households' numbers decides: whom a bride meets first, who founds
# an association together, who is served first from an association's box, or from a budget for slots that
# births have made too small, and who pays the last franc of a debt that an association shares
_ORDERLY = {
    "demography.marriages": 0.0,
    "demography.births": 0.0,
    "groups.required": False,
    "groups.savings": False,
    "loans.liability": "individual",
    "subsidy.state_budget_rwf_per_person": 1e9,
}
# enough to tell households of one run apart: section numbers are not stored with them
_IDENTITY = ["ordinal", "z", "taste", "shared_frailty", "distance_km"]


def _shuffle(engine: Engine) -> None:
    """Store the households of each section in another order: every third first, each third backwards."""
    state = engine.state
    for sec in state.sections:
        rows = np.arange(int(sec.first), int(sec.end))
        order = np.concatenate([rows[start::3][::-1] for start in (2, 0, 1)])
        for table in (state.households, state.members):
            table[rows] = table[order].copy()


def draw_keys(case: Case) -> Outcome:
    """No two decisions share a draw, and no two households, sections or districts do."""
    scenario = case.scenario
    if scenario.n_months > _MONTHS_IN_PYTHON:
        scenario = scenario.replace(end=format_month(scenario.start + _MONTHS_IN_PYTHON - 1))
    found = record_draws(scenario, min(case.households, _HOUSEHOLDS_IN_PYTHON), case.seed)
    if found.problem:
        raise Broken(f"{found.problem} (in a run of {found.draws} draws with the compiler off)")
    return Outcome(found.draws > 0)


OF_TWO_RUNS = (
    Property(
        "timing",
        "No subsidy, fine, loan, pool or cover appears before the rules bring it in, and a dated change"
        " leaves every month before it as it was, but for prices and dates of cover sold ahead.",
        "always",
        "an event inside the run",
        timing,
    ),
    Property("save and load", "What is saved and loaded is equal to what was run.", "always", "", saving),
    Property(
        "determinism",
        "The same seed gives the same integers for any number of workers, order and batches of replicates,"
        " and number of interviews.",
        "always",
        "",
        determinism,
    ),
    Property(
        "splitting",
        "Halting at the turn of a year, saving, loading and going on gives the same integers, and so does"
        " going on month by month.",
        "always",
        "",
        splitting,
    ),
    Property(
        "storage order",
        "The order in which households are stored decides nothing, as long as they keep their numbers and"
        " nothing scarce is handed out in the order of numbers: no births, marriages, savings or required"
        " associations, no joint debts, no loans to single persons, no slots at premiums that change.",
        "always",
        "two households in a section",
        storage_order,
    ),
    Property(
        "table order",
        "The order of the rows in a supplied table of households decides nothing, as long as they keep their"
        " numbers.",
        "always",
        "two households",
        table_order,
    ),
    Property(
        "draw keys",
        "Every random decision has a draw of its own: different addresses have different counters, and no two"
        " households, sections or districts ask at one address.",
        "always",
        "",
        draw_keys,
    ),
)
"""Properties that need the example to be run again."""
