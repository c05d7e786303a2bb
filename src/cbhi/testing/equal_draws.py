"""Properties of two runs on the same draws: what one change does to each household, and to nobody else.

Draws are keyed by household, month and decision, so that two scenarios meet the same luck. With the
surroundings frozen (``freeze_surroundings``) a household's path depends on its own rules and luck alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.kernels.records import I8
from cbhi.layouts import HOUSEHOLDS_PER_SECTION
from cbhi.populations import Population
from cbhi.replicates import Engine, run_between
from cbhi.scenarios import Scenario
from cbhi.scenarios.changes import known_parameters
from cbhi.testing.core import Broken, Outcome, Property
from cbhi.testing.examples import Case, begin
from cbhi.testing.surroundings import freeze_surroundings, scale_values

__all__ = ["ON_EQUAL_DRAWS"]

# ranks among all, by definition
_RANKS = ("quintile",)
_SUBSIDIES = ("subsidy.offered",)
# a lender who turns nobody away
_UNRATIONED: dict[str, Any] = {
    "loans__borrowers": "everyone",
    "loans__liability": "individual",
    "loans__equity_rwf_per_person": 1e6,
    "loans__capital_ratio": 0.0,
    "loans__liquidity_share": 0.0,
    "loans__borrowing_limit": 100.0,
}
_PREMIUMS = (
    "scheme.premium_rwf.poorest",
    "scheme.premium_rwf.middle",
    "scheme.premium_rwf.rich",
    "scheme.household_premium_rwf",
)
_POWERS = (1, 3)


def one_more_household(case: Case) -> Outcome:
    """One more household leaves every other household's path unchanged."""
    scenario = freeze_surroundings(case.scenario)
    # one section, with room for one more
    n = min(case.households, HOUSEHOLDS_PER_SECTION - 2)
    engines = [begin(scenario, size, case.seed) for size in (n, n + 1)]
    for t in range(scenario.n_months):
        for engine in engines:
            run_between(engine, t, t + 1)
        fewer, more = (engine.state.households[:n] for engine in engines)
        for name in fewer.dtype.names or ():
            _same(case, t, name, fewer[name], more[name], skip=_RANKS)
        flows, other = (_by_household(engine, engine.state.watch.flows, n) for engine in engines)
        for kind in range(codes.N_FLOWS):
            _same(case, t, f"{codes.FLOWS[kind][0]} so far", flows[:, kind], other[:, kind])
    members, others = (engine.state.members[:n] for engine in engines)
    for name in members.dtype.names or ():
        _same(case, scenario.n_months - 1, f"members' {name}", members[name].sum(1), others[name].sum(1))
    return Outcome(bool((engines[1].state.households[n].alive) != 0))


def _same(
    case: Case, month: int, what: str, ours: NDArray[Any], theirs: NDArray[Any], skip: tuple[str, ...] = ()
) -> None:
    wrong = ours != theirs
    if what not in skip and wrong.any():
        h = int(np.flatnonzero(wrong)[0])
        raise Broken(
            f"{what} of household {h} differs with one more household: {case.place(month=month)}:"
            f" {ours[h]} without, {theirs[h]} with it"
        )


def _by_household(engine: Engine, noted: I8, n: int) -> I8:
    place = engine.state.households["watched"][:n].astype(np.int64)
    return np.where((place > 0)[:, None], noted[np.maximum(place, 1) - 1], 0)


_Sale = tuple[Engine, int] | None


def _first_sale(scenario: Scenario, case: Case) -> _Sale:
    """Return a run at the end of the first month in which cover is on sale, and that month; or None."""
    engine = case.begin(scenario)
    open_months = np.flatnonzero(engine.calendar["is_open"])
    if open_months.size == 0:
        return None
    first = int(open_months[0])
    run_between(engine, 0, first + 1)
    return engine, first


def _enrolled(engine: Engine) -> NDArray[np.bool_]:
    return np.asarray(engine.state.households["cover_until"] > 0)


def _loses_nobody(case: Case, ours: _Sale, theirs: _Sale, what: str, spared: bool = False) -> bool:
    """Refuse a better offer under which a household does not enrol that did; return whether anybody does.

    With ``spared`` only households are looked at that have paid no fine by then.
    """
    if ours is None or theirs is None:
        return False
    before, after = _enrolled(ours[0]), _enrolled(theirs[0])
    lost = before & ~after
    if spared:
        fines = _by_household(theirs[0], theirs[0].state.watch.flows, before.size)[:, codes.PENALTY]
        lost &= fines == 0
    if lost.any():
        h = int(np.flatnonzero(lost)[0])
        row = ours[0].state.households[h]
        raise Broken(
            f"{what} removes the enrolment of household {int(row.ordinal)}:"
            f" {case.place(month=ours[1])}, {int(before.sum())} households enrolled without,"
            f" {int(after.sum())} with it"
        )
    return bool(before.any() or after.any())


def _offer(case: Case, **more: Any) -> Scenario:
    """Return the scenario of the example, all schemes open, slots fixed and credit for all who ask."""
    frozen = freeze_surroundings(
        case.scenario, keep=("subsidy.offered", "loans.offered"), **_UNRATIONED, **more
    )
    # slots that only depend on ranks, and budgets that never bind
    return frozen.replace(
        {
            "switches.rollout": False,
            "subsidy.state_budget_rwf_per_person": 1e9,
            "subsidy.state_share": 0.0,
            "subsidy.cross_subsidy_share": 0.0,
        },
        name=frozen.name,
    )


def lower_premium(case: Case) -> Outcome:
    """A lower premium never removes a household's enrolment in the first open month."""
    base = _offer(case)
    sold = False
    dearer = _first_sale(base, case)
    for share in (0.9, 0.5, 0.0):

        def cheaper(key: str, value: Any, share: float = share) -> Any:
            return _whole_coins(base, value * share) if key in _PREMIUMS else value

        cheap = _first_sale(scale_values(base, cheaper), case)
        sold |= _loses_nobody(case, dearer, cheap, f"a premium x {share:g}")
        dearer = cheap
    return Outcome(sold)


def _whole_coins(scenario: Scenario, amount: float) -> int:
    coin = scenario.regimes()[0][1].income.smallest_coin_rwf
    return int(amount // coin) * coin


def higher_subsidy(case: Case) -> Outcome:
    """A higher subsidy never removes a household's enrolment in the first open month."""
    sold = False
    base = _offer(
        case,
        subsidy__offered=True,
        subsidy__slots_share=_slots(case),
        switches__subsidies=True,
        subsidy__premium_share=0.0,
    )
    less = _first_sale(base, case)
    for share in (0.3, 0.7, 1.0):
        more = _first_sale(base.replace({"subsidy.premium_share": share}, name=base.name), case)
        sold |= _loses_nobody(case, less, more, f"a subsidy of {share:g} of the premium")
        less = more
    return Outcome(sold)


def _slots(case: Case) -> float:
    """Return the share of people with a slot: that of the example, or half where it has none."""
    return case.scenario.regimes()[0][1].subsidy.slots_share or 0.5


def mandate(case: Case) -> Outcome:
    """A mandate never removes the enrolment, in the first open month, of a household not fined by then."""
    base = _offer(case, mandate__compulsory=False, switches__mandate=True)
    law = base.replace({"mandate.compulsory": True}, name=base.name)
    before, after = _first_sale(base, case), _first_sale(law, case)
    return Outcome(_loses_nobody(case, before, after, "a mandate", spared=True))


def money(case: Case) -> Outcome:
    """Money in a unit that is a power of two smaller, the coin too, changes no count of people or events."""
    compared = 0
    for power in _POWERS:
        scaled = _in_smaller_units(case.scenario, 2**power)
        if scaled is None:
            continue
        people = _people_in_smaller_units(case.population, 2**power)
        other = case.simulate(scaled, **({} if people is None else {"population": people}))
        _same_but_for_units(case, other, 2**power)
        compared += 1
    return Outcome(compared > 0)


def _in_smaller_units(scenario: Scenario, factor: int) -> Scenario | None:
    """Return the scenario with every amount of money times ``factor``, or None where one leaves its range."""
    known = known_parameters()

    def change(key: str, value: Any) -> Any:
        return value * factor if "RWF" in known[key].unit else value

    try:
        return scale_values(scenario, change)
    except ValueError:
        return None


def _people_in_smaller_units(people: Population | None, factor: int) -> Population | None:
    """Return supplied people with their money times ``factor``."""
    if people is None:
        return None
    households = {
        name: values * factor if name.endswith("_rwf") else values
        for name, values in people.households.items()
    }
    size, probability = people.bills
    bills = {"size": size, "probability": probability} if size.size else None
    return Population(households, people.members, bills)


def _same_but_for_units(case: Case, other: Any, factor: int) -> None:
    ours, theirs = case.results.arrays, other.arrays
    in_francs = {
        name: [i for i, code in enumerate(names) if _is_money(name, code)] for name, names in _NAMES.items()
    }
    for name, names in _NAMES.items():
        values, found = getattr(ours, name), getattr(theirs, name)
        expected = values.copy()
        expected[..., in_francs[name]] *= factor
        wrong = expected != found
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            where = f"reporting year {place[1]}" if name == "strata" else case.place(month=place[1])
            raise Broken(
                f"money times {factor} changes {names[place[-1]]}: {where}: {expected[place]} expected,"
                f" found {found[place]}"
            )


_NAMES: dict[str, tuple[str, ...]] = {
    "flows": tuple(name for name, *_ in codes.FLOWS),
    "stocks": tuple(codes.STOCKS),
    "tallies": tuple(codes.TALLIES),
    "strata": tuple(codes.STRATUM_TALLIES),
}


def _is_money(array: str, name: str) -> bool:
    """Say whether what is counted under a name is money."""
    return array in ("flows", "stocks") or name.endswith("_rwf") or name in _MONEY_TALLIES


_MONEY_TALLIES = (
    "billed_health_centre", "billed_hospital", "claims_approved_section", "claims_approved_pool",
    "claims_approved_section_hospital", "claims_rejected_section", "payables_moved_to_pool",
    "payables_hospital_moved", "debt_written_off", "subsidy_budget", "loan_written_off",
    "loan_interest_charged", "loan_interest_written_off", "loan_covered_by_group", "portable_claims",
    "portable_settled", "capitation_billed", "out_of_pocket", "out_of_pocket_insured",
    "out_of_pocket_formal", "claims", "claims_formal", "contributions", "sponsored",
)  # fmt: skip

ON_EQUAL_DRAWS = (
    Property(
        "one more household",
        "With the surroundings frozen, one more household leaves every other household's path unchanged.",
        "equal draws",
        "",
        one_more_household,
    ),
    Property(
        "lower premium",
        "With fixed slots and credit for all who ask, a lower premium never removes a household's enrolment"
        " in the first open month.",
        "equal draws",
        "somebody who enrols in the first open month",
        lower_premium,
    ),
    Property(
        "higher subsidy",
        "With fixed slots and credit for all who ask, a higher subsidy never removes a household's enrolment"
        " in the first open month.",
        "equal draws",
        "somebody who enrols in the first open month",
        higher_subsidy,
    ),
    Property(
        "mandate",
        "A mandate never removes a household's enrolment in the first open month, unless a fine has taken the"
        " cash for it.",
        "equal draws",
        "somebody who enrols in the first open month",
        mandate,
    ),
    Property(
        "money",
        "All amounts of money times a power of two, the smallest coin too, leave every count of people and"
        " events unchanged, and every amount times that power.",
        "equal draws",
        "amounts that stay in their ranges",
        money,
    ),
)
"""Properties of two runs on the same draws."""
