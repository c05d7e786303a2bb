"""One family month by month: its money, illness and care, its cover, and every decision with its reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbhi.checks import CheckError
from cbhi.family.choices import ENROLLED, errors_in_terms
from cbhi.family.run import (
    CHOICE_COLUMNS,
    MEMBER_COLUMNS,
    MOVED,
    PAID,
    PAYMENT_COLUMNS,
    RECEIVED,
    follow,
    month_columns,
    prepare,
    records_of,
)
from cbhi.family.search import check_events, check_place, check_traits, find_family, never_founded
from cbhi.family.words import check_months
from cbhi.kernels import codes
from cbhi.layouts import Layout, lay_out
from cbhi.months import format_month
from cbhi.scenarios import Scenario
from cbhi.simulation import (
    MAX_REPLICATE,
    MAX_SEED,
    Carrier,
    Progress,
    households_at_start,
    load_scenario,
    whole_number,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from cbhi.tables import Table

__all__ = ["Family", "check_family", "check_request", "household"]


@dataclass(frozen=True, eq=False)
class Family:
    """A family of a run, followed month by month. Amounts are its own francs, not at national scale.

    Attributes
    ----------
    scenario
        What was run.
    households, seed, replicate
        Which run of it; ``simulate`` with these makes the same family live the same life.
    chosen
        Why this family.
    who
        Its place, size, standing and risk when it is first seen: ``section``, ``district`` and
        ``association`` (numbers from 1), ``number`` within the section, ``since``, ``scheme_opens``,
        ``persons``, ``quintile``, ``category``, ``formal``, ``distance_km``, ``consumption_rwf_per_month``,
        ``expected_episodes_per_year``, ``taste_logits``, ``cash_rwf``.
    members
        One row for everybody who ever belonged to it: ``member`` (number), ``sex``, ``born``, ``age`` and
        ``chronic`` when first seen, ``came``, ``chronic_since``, ``left``.
    months
        One row a month. RWF: ``cash_start``; what came, ``earned``, ``informal_loan``, ``loan``; what went,
        ``consumed``, ``premium`` (own part, also where a loan pays it), ``copayments``, ``fees``,
        ``saved_with_group``, ``informal_repaid``, ``loan_repaid``, ``loan_interest``,
        ``formal_contribution``, ``penalty``, ``estate``; what moved between families, ``moved_by_marriage``
        (of either sign), ``paid_for_group_members`` and ``paid_by_group_members`` (joint liability);
        ``cash_end``. Paid by others: ``premium_by_group``, ``premium_sponsored``, ``care_by_others`` of
        ``care_billed``. Owed at the end: ``informal_debt``, ``loan_owed``, and ``group_balance``, saved less
        drawn. Counts: ``episodes`` and so on. ``cover`` is ``"active"``, ``"suspended"`` (by the scheme),
        ``"bought"`` (has yet to begin), ``"formal"`` or ``"none"``; ``insured`` members.
    payments
        One row a payment booked because of the family: ``month``, ``flow``, ``payer``, ``payee``,
        ``purpose``, ``value_rwf``, and ``cash_rwf``, what it adds to the family's cash.
    choices
        One row a decision on cover: ``month``, ``who`` decides, all terms in RWF and logits,
        ``probability``, ``draw``, ``wishes``, ``means``, ``outcome`` (``cbhi.family.choices.OUTCOMES``).
    ended
        When and why the family dissolved, or an empty text.
    sets_left_out
        Parameter sets that the scenario carries and that were not used: a family is followed with the
        scenario's own values.
    """

    scenario: Scenario
    households: int
    seed: int
    replicate: int
    chosen: str
    who: dict[str, Any]
    members: pd.DataFrame
    months: pd.DataFrame
    payments: pd.DataFrame
    choices: pd.DataFrame
    ended: str
    sets_left_out: int = 0

    def __repr__(self) -> str:
        """Return one line: which family, and what was seen of it."""
        return (
            f"<Family {self.who['number']} of section {self.who['section']}, {self.scenario.name}:"
            f" {len(self.months)} months, {len(self.choices)} decisions on cover>"
        )

    def story(self, first: str | None = None, last: str | None = None, *, everything: bool = False) -> str:
        """Return the account month by month as text, at most 100 characters a line.

        Parameters
        ----------
        first, last
            Months such as ``"2004-07"``, both included; all that there are if not given.
        everything
            Also months in which there was nothing but earning, living, saving, repaying relatives and illness
            for which no care was sought.

        Raises
        ------
        ValueError
            For what is not a month, or no month of the run.
        """
        from cbhi.family.words import story

        return story(self, first, last, everything)

    def summary(self) -> Table:
        """Return who it is and its account by calendar year, as a table that prints itself."""
        from cbhi.family.words import summarise_family

        return summarise_family(self)

    def decisions(self, first: str | None = None, last: str | None = None) -> tuple[Table, Table]:
        """Return the decisions on cover as two tables: what it was worth, RWF, and what made it wished for.

        Parameters
        ----------
        first, last
            Months such as ``"2004-07"``, both included; all that there are if not given.

        Raises
        ------
        ValueError
            For what is not a month, or no month of the run.
        """
        from cbhi.family.words import decisions_as_tables

        return decisions_as_tables(self, first, last)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, as ``family.json`` holds it."""
        from cbhi.family.files import as_dict

        return as_dict(self)

    def plot(self) -> tuple[Axes, Axes]:
        """Draw cash and debts with the months of cover behind them, and what was paid for cover and care.

        Returns
        -------
        tuple of matplotlib.axes.Axes
            The two panels; nothing is shown by this.

        Raises
        ------
        ModuleNotFoundError
            When matplotlib is not installed.
        """
        from cbhi.family.plot import plot_family

        return plot_family(self)

    def save(self, directory: str | Path) -> Path:
        """Write the tables as CSV, the account as text and everything as JSON.

        Parameters
        ----------
        directory
            Folder, made if need be.

        Returns
        -------
        pathlib.Path
            The folder.

        Raises
        ------
        OSError
            When the folder cannot be made or written; nothing is half-written.
        """
        from cbhi.family.files import save_family

        return save_family(self, Path(directory))

    def _repr_html_(self) -> str:
        from cbhi.family.words import notebook_html

        return notebook_html(self)


def household(
    scenario: Scenario | str | Path | Carrier = "rwanda",
    *,
    households: int | str = 2_000,
    seed: int = 1,
    replicate: int = 0,
    pick: Mapping[str, Any] | None = None,
    find: str | Sequence[str] | None = None,
    section: int | None = None,
    number: int | None = None,
    progress: Progress | None = None,
) -> Family:
    """Follow one family through a run, month by month.

    The run is that of ``simulate`` with the same scenario, households, seed and replicate, to the last franc;
    watching changes nothing. Of a scenario with parameter sets its own values are taken (``at_point()``).
    Families are tried in the order of sections and numbers and the first that fits is taken. With ``find``,
    and when nothing is asked for, a first run with everybody watched finds it. Asked for nothing, it takes
    one that shows much: that renews cover, lets it lapse and lives to the end; or else that buys cover, or
    else the first of all.

    Parameters
    ----------
    scenario
        A scenario, or the name or file of one.
    households
        Households simulated at the start, from 1 to 10,000,000, or ``"all"``.
    seed
        Whole number from 0 to 2**63 - 1.
    replicate
        Number of the replicate, from 0.
    pick
        Traits at the start, such as ``{"quintile": 1, "category": "poorest", "size": 5, "chronic": True,
        "in_group": False}`` (``cbhi.family.search.TRAITS``).
    find
        What is to happen to it during the run, such as ``"borrows"`` or ``("subsidised", "lapses")``; all
        of them (``cbhi.family.search.EVENTS``).
    section
        Number of its section, from 1, as in ``Results.survey_frame``.
    number
        Its number within the section, from 0; families founded during the run count from 16777216.
    progress
        Called with (months done, months in all).

    Returns
    -------
    Family
        Checked: cash, payments and decisions add up exactly.

    Raises
    ------
    ValueError
        When an argument is not a whole number or out of range, the scenario has problems, or no family fits.

    Examples
    --------
    >>> family = cbhi.household("rwanda", find="borrows")
    >>> print(family.story("2004-01", "2006-12"))
    """
    given = load_scenario(scenario)
    chosen = given.at_point()
    layout, traits, events = check_request(chosen, households, pick, find, section, number)
    seed = whole_number("seed", seed, 0, MAX_SEED)
    replicate = whole_number("replicate", replicate, 0, MAX_REPLICATE)
    searched = number is None and bool(events or not traits)
    total = (2 if searched else 1) * chosen.n_months

    def tick(past: int, months: int) -> None:
        if progress is not None:
            progress(past + months, total)

    found = find_family(
        chosen, layout, seed, replicate, traits, events, section, number, lambda done: tick(0, done)
    )
    room = chosen.n_months * codes.MEMBER_SLOTS
    engine = prepare(chosen, layout, seed, replicate, rows=1, choices=room)
    past = total - chosen.n_months
    followed = follow(engine, found.row, lambda done: tick(past, done))
    if not followed.who:
        assert section is not None
        assert number is not None
        raise ValueError(never_founded(engine, section, number))
    import pandas as pd

    family = Family(
        scenario=chosen,
        households=int(layout.households.sum()),
        seed=seed,
        replicate=replicate,
        chosen=found.why,
        who=followed.who,
        members=pd.DataFrame(followed.members, columns=MEMBER_COLUMNS),
        months=pd.DataFrame(followed.months, columns=month_columns()),
        payments=pd.DataFrame(followed.payments, columns=PAYMENT_COLUMNS),
        choices=pd.DataFrame(followed.choices, columns=CHOICE_COLUMNS),
        ended=followed.ended,
        sets_left_out=0 if given.sets is None else len(given.sets),
    )
    check_family(family)
    return family


def check_request(
    scenario: Scenario,
    households: int | str,
    pick: Mapping[str, Any] | None,
    find: str | Sequence[str] | None,
    section: int | None,
    number: int | None,
    first: str | None = None,
    last: str | None = None,
) -> tuple[Layout, dict[str, Any], tuple[str, ...]]:
    """Say what is wrong with a request for a family before anything is simulated.

    Parameters
    ----------
    scenario, households, pick, find, section, number
        As in ``household``.
    first, last
        As in ``Family.story``.

    Returns
    -------
    tuple
        Layout of the run, traits and events asked for.

    Raises
    ------
    ValueError
        As ``household`` does; and for months outside the run.
    """
    layout = lay_out(scenario, households_at_start(scenario, households))
    traits, events = check_traits(pick), check_events(find)
    if number is not None and (traits or events):
        raise ValueError(f"number = {number} names one family; leave out pick and find, or leave out number")
    check_place(layout, section, number)
    check_months(first, last, format_month(scenario.start), format_month(scenario.end))
    return layout, traits, events


def check_family(family: Family) -> None:
    """Check that a family's account explains itself, to the franc and to the head.

    Parameters
    ----------
    family
        From ``cbhi.household``.

    Raises
    ------
    CheckError
        When cash does not follow from what came and went, payments are not those of the account, people or
        episodes do not add up, or the terms of a decision do not make its utility and its outcome.
    """
    rows = records_of(family.months)
    problems: list[str] = []
    cash: dict[str, int] = {}
    flows: dict[tuple[str, str], int] = {}
    for payment in records_of(family.payments):
        cash[payment["month"]] = cash.get(payment["month"], 0) + payment["cash_rwf"]
        key = (payment["month"], payment["flow"])
        flows[key] = flows.get(key, 0) + payment["value_rwf"]
    outcomes: dict[str, list[str]] = {}
    for choice in records_of(family.choices):
        outcomes.setdefault(choice["month"], []).append(choice["outcome"])
        problems += [f"{choice['month']}: {error}" for error in errors_in_terms(choice)]
    for before, row in zip([None, *rows], rows, strict=False):
        sums = _sums_of(row, cash.get(row["month"], 0), flows)
        if before is not None:
            sums["cash at the start"] = (before["cash_end"], row["cash_start"])
            persons = before["persons"] + row["births"] - row["deaths"] - row["married_away"]
            sums["persons"] = (persons, row["persons"])
        enrols = any(outcome in ENROLLED for outcome in outcomes.get(row["month"], ()))
        sums["enrolments explained by a decision"] = (int(row["enrolments"] > 0), int(enrols))
        problems += [
            f"{row['month']}: {name}: expected {expected:,}, found {found:,}"
            for name, (expected, found) in sums.items()
            if expected != found
        ]
        if not 0 <= row["paid_by_group_members"] <= row["loan_repaid"] + row["loan_interest"]:
            problems.append(f"{row['month']}: {row['paid_by_group_members']:,} RWF of cash unexplained")
    if problems:
        more = f"; and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise CheckError(f"the account of {family!r} does not add up: {problems[0]}{more}")


def _sums_of(
    row: Mapping[str, Any], cash: int, flows: Mapping[tuple[str, str], int]
) -> dict[str, tuple[int, int]]:
    """Return what a month of the account must satisfy, as name to (expected, found)."""
    marriage, paid_for, paid_by = (row[name] for name in MOVED)
    came = sum(row[name] for name in RECEIVED) + marriage + paid_by
    went = sum(row[name] for name in PAID) + paid_for
    forgone = row["forgone_capacity"] + row["forgone_refused"] + row["forgone_cash"]
    sums = {
        "cash at the end": (row["cash_start"] + came - went, row["cash_end"]),
        "payments": (row["cash_end"] - row["cash_start"], cash),
        "contacts": (row["visits"] + forgone, row["contacts_wanted"]),
        "episodes": (row["contacts_wanted"] + row["forgone_unsought"], row["episodes"]),
        "bills": (row["copayments"] + row["fees"] + row["care_by_others"], row["care_billed"]),
    }
    for name, kinds in (RECEIVED | PAID).items():
        booked = sum(flows.get((row["month"], codes.FLOWS[kind][0]), 0) for kind in kinds)
        sums[name] = (booked, row[name])
    return sums
