"""Check many properties on many examples of a scenario, and say what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import strategies as st

from cbhi.scenarios import Scenario
from cbhi.simulation import MAX_SEED, load_scenario, whole_number
from cbhi.testing.always import OF_ONE_RUN
from cbhi.testing.core import KINDS, Kind, Outcome, Property, PropertyFailed
from cbhi.testing.equal_draws import ON_EQUAL_DRAWS
from cbhi.testing.examples import Case
from cbhi.testing.expectation import IN_EXPECTATION
from cbhi.testing.repeats import OF_TWO_RUNS
from cbhi.testing.strategies import Size, events, populations, scenarios, schemes
from cbhi.words import suggest

__all__ = ["PROPERTIES", "Report", "Row", "cases", "check_properties", "properties_of"]

PROPERTIES: dict[str, Property] = {
    p.name: p for p in (*OF_ONE_RUN, *OF_TWO_RUNS, *ON_EQUAL_DRAWS, *IN_EXPECTATION)
}
"""Every property by its name."""

Clock = Callable[[], float]
Seen = Callable[[int, int], None]
# runs that the search for a small example may take, beside those that find a first one
_SHRINKING = 500
_QUIET: dict[str, Any] = dict(
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    verbosity=hypothesis.Verbosity.quiet,
    report_multiple_bugs=False,
)


@dataclass
class Row:
    """What was seen of one property.

    Attributes
    ----------
    checked
        The property.
    examples
        Examples on which it was checked.
    exercised
        Those that had anything to say about it.
    seconds, slowest
        Of all examples and of the slowest; 0 where no clock was given.
    slowest_case
        The slowest example, or the one with most household-months where no clock was given.
    outcome
        What the last example that had something to say has shown.
    failure
        The failure with the smallest example, or None.
    """

    checked: Property
    examples: int = 0
    exercised: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    slowest_case: Case | None = field(default=None, repr=False)
    outcome: Outcome | None = None
    failure: PropertyFailed | None = None

    def note(self, case: Case, outcome: Outcome | None, seconds: float) -> None:
        """Count one example.

        Parameters
        ----------
        case
            The example.
        outcome
            What was seen, or None where the property failed.
        seconds
            What it took; 0 where there is no clock.
        """
        self.examples += 1
        self.seconds += seconds
        larger = self.slowest_case is None or case.size > self.slowest_case.size
        if seconds > self.slowest or (seconds == self.slowest == 0.0 and larger):
            self.slowest, self.slowest_case = seconds, case
        if outcome is None or outcome.exercised:
            self.exercised += 1
            self.outcome = outcome or self.outcome

    @property
    def verdict(self) -> str:
        """ "ok", "not met", "undecided" or "FAILED"."""
        if self.failure is not None:
            return "FAILED"
        return self.outcome.verdict if self.outcome is not None else "not met"


@dataclass
class Report:
    """What was seen of the properties of a scenario; printed, a table.

    Attributes
    ----------
    scenario
        Name of what was checked.
    rows
        One a property.
    timed
        Whether a clock was given.
    """

    scenario: str
    rows: list[Row]
    timed: bool = False

    @property
    def ok(self) -> bool:
        """Whether no property failed."""
        return not self.failures

    @property
    def failures(self) -> list[PropertyFailed]:
        """The failures, each with its smallest example."""
        return [row.failure for row in self.rows if row.failure is not None]

    def raise_failures(self) -> None:
        """Raise the first failure, if there is any, for use inside a test.

        Raises
        ------
        PropertyFailed
            When a property does not hold.
        """
        for failure in self.failures:
            raise failure

    def __str__(self) -> str:
        """Return the table, and below it what failed."""
        last = "slowest, s" if self.timed else "largest, household-months"
        head = f"{'property':<24}  {'kind':<14}  {'examples':>8}  {'met':>6}  {last:>10}  result"
        lines = [f"properties of {self.scenario!r}", head, "-" * len(head)]
        for row in self.rows:
            size = row.slowest_case.size if row.slowest_case is not None else 0
            cost = f"{row.slowest:.2f}" if self.timed else f"{size}"
            lines.append(
                f"{row.checked.name:<24}  {row.checked.kind:<14}  {row.examples:>8,}  {row.exercised:>6,}"
                f"  {cost:>{max(10, len(last))}}  {_result(row)}"
            )
        lines += ["", *(str(failure) for failure in self.failures)] if self.failures else []
        return "\n".join(lines)


def _result(row: Row) -> str:
    outcome = row.outcome
    if row.failure is None and outcome is not None and outcome.figure is not None:
        return f"{row.verdict}: {outcome.figure:.3g} (s.e. {outcome.standard_error:.2g}) {outcome.unit}"
    if row.verdict == "not met":
        return f"not met: needs {row.checked.needs}" if row.checked.needs else "not met"
    return row.verdict


def properties_of(names: Iterable[str] | None = None, kinds: Iterable[Kind] | None = None) -> list[Property]:
    """Return properties by name or by kind, in the order of ``PROPERTIES``.

    Parameters
    ----------
    names
        Names; all if not given.
    kinds
        Kinds, of ``"always"``, ``"equal draws"`` and ``"in expectation"``; all if not given.

    Returns
    -------
    list of Property
        Those that are asked for.

    Raises
    ------
    ValueError
        For an unknown name, with the nearest one, or an unknown kind.
    """
    wanted = list(PROPERTIES) if names is None else list(names)
    for name in wanted:
        if name not in PROPERTIES:
            raise ValueError(
                f"unknown property '{name}'{suggest(name, PROPERTIES)}; all names: {', '.join(PROPERTIES)}"
            )
    sorts = KINDS if kinds is None else tuple(kinds)
    for kind in sorts:
        if kind not in KINDS:
            raise ValueError(f"unknown kind '{kind}'; there are: {', '.join(KINDS)}")
    return [p for p in PROPERTIES.values() if p.name in wanted and p.kind in sorts]


@st.composite
def cases(
    draw: st.DrawFn,
    base: Scenario | str | Path | None = None,
    size: Size = "small",
    most_households: int = 120,
    vary: bool = True,
) -> Case:
    """Draw examples: a scenario, a size and a seed, and in one of three a table of households.

    Parameters
    ----------
    draw
        Given by Hypothesis.
    base
        A scenario, or the name or file of one, whose contract and dated changes are varied; without it
        scenarios are random as a whole.
    size
        Of the random part, ``"small"`` or ``"large"``.
    most_households
        Households at most, from 1.
    vary
        Vary contract and dates of the base; otherwise only size and seed.

    Returns
    -------
    Case
        Shrinks to the base, few households and seed 0.
    """
    if base is None:
        scenario = draw(scenarios(size))
    else:
        scenario = load_scenario(base).at_point()
        if vary:
            scenario = draw(schemes(scenario, size))
            scenario = draw(events(scenario, size))
    households = draw(
        st.integers(1, most_households) | st.integers(most_households // 2 + 1, most_households)
    )
    seed = draw(st.integers(0, 2**31))
    if not draw(st.sampled_from((False, False, True))):
        return Case(scenario, households, seed)
    people = draw(populations(size))
    return Case(scenario, people.n_households, seed, population=people)


def check_properties(
    scenario: Scenario | str | Path | None,
    *,
    examples: int = 20,
    names: Iterable[str] | None = None,
    kinds: Iterable[Kind] | None = None,
    households: int = 120,
    in_expectation: int = 2_000,
    vary: bool = True,
    seed: int = 1,
    clock: Clock | None = None,
    progress: Seen | None = None,
) -> Report:
    """Check properties on a scenario, and on random contracts, events, sizes and seeds on top of it.

    The first example is the scenario as it is. A property that fails is searched for a small example; what is
    reported is the smallest found.

    Parameters
    ----------
    scenario
        A scenario, or the name or file of one; None for scenarios that are random as a whole.
    examples
        Examples for each property that holds always or on equal draws, from 1 to 1,000,000.
    names, kinds
        Properties, as in ``properties_of``; all if not given.
    households
        Households of an example at most, from 1 to 10,000.
    in_expectation
        Households of the one comparison for each property in expectation, from 100 to 100,000.
    vary
        Vary contract and dated changes; otherwise only size and seed.
    seed
        Of the search, from 0 to 2**63 - 1; the same seed gives the same examples.
    clock
        Gives seconds, such as ``time.perf_counter``; without it the report names the largest example instead
        of the slowest.
    progress
        Called with (examples done, examples in all).

    Returns
    -------
    Report
        A table when printed; ``ok`` says whether all is well.

    Raises
    ------
    ValueError
        When an argument is out of range, or the scenario has problems.
    """
    chosen = None if scenario is None else load_scenario(scenario).at_point()
    wanted = properties_of(names, kinds)
    n = whole_number("examples", examples, 1, 1_000_000)
    most = whole_number("households", households, 1, 10_000)
    many = whole_number("in_expectation", in_expectation, 100, 100_000)
    first_seed = whole_number("seed", seed, 0, MAX_SEED)
    rows = {p.name: Row(p) for p in wanted}
    random = cases(chosen, "small", most, vary)
    each = [p for p in wanted if p.kind != "in expectation"]
    done = 0

    def look(case: Case, among: list[Property]) -> None:
        for one in among:
            began = clock() if clock is not None else 0.0
            outcome = None
            try:
                outcome = one.check_case(case)
            except PropertyFailed as error:
                known = rows[one.name].failure
                if known is None or known.case is None or case.size < known.case.size:
                    rows[one.name].failure = error
            rows[one.name].note(case, outcome, clock() - began if clock is not None else 0.0)

    def count(case: Case) -> None:
        nonlocal done
        look(case, each)
        done += 1
        if progress is not None:
            progress(done, n)

    left = n if chosen is None else n - 1
    if each:
        if chosen is not None:
            count(Case(chosen, most, first_seed, thorough=True))
        if left > 0:
            _run(random, count, left, first_seed)
    for one in wanted:
        if one.kind == "in expectation" and chosen is not None:
            look(Case(chosen, many, first_seed), [one])
    for row in rows.values():
        if row.failure is not None and row.checked.kind != "in expectation" and left > 0:
            row.failure = _smallest(row.checked, row.failure, random, left, first_seed)
    return Report(
        chosen.name if chosen is not None else "random scenarios", list(rows.values()), clock is not None
    )


def _run(random: st.SearchStrategy[Case], look: Callable[[Case], None], examples: int, seed: int) -> None:
    """Let Hypothesis draw examples and look at each."""

    @hypothesis.seed(seed)
    @hypothesis.settings(max_examples=examples, phases=[hypothesis.Phase.generate], **_QUIET)
    @hypothesis.given(random)
    def each(case: Case) -> None:
        look(case)

    each()


class _Enough(BaseException):
    """The search for a small example has gone on for long enough."""


def _smallest(
    checked: Property, known: PropertyFailed, random: st.SearchStrategy[Case], examples: int, seed: int
) -> PropertyFailed:
    """Return the failure with the smallest example that Hypothesis finds, or the one that is known."""
    last, calls = known, 0

    def look(case: Case) -> None:
        nonlocal last, calls
        calls += 1
        if calls > examples + _SHRINKING:
            raise _Enough
        try:
            checked.check_case(case)
        except PropertyFailed as error:
            last = error
            raise

    @hypothesis.seed(seed)
    # as many as before, so that the same examples are met until one fails
    @hypothesis.settings(max_examples=examples, **_QUIET)
    @hypothesis.given(random)
    def search(case: Case) -> None:
        look(case)

    try:
        search()
    except PropertyFailed as error:
        # what Hypothesis raises in the end is its smallest example
        return error
    except _Enough:
        pass
    return last
