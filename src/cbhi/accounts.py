"""Each partner's account, and what each brings: money, credit, hours, people enrolled, and how well aimed.

Plain functions of the arrays that a run leaves, at national scale; ``cbhi.Results`` offers them as methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.limits.credit import break_even_interest
from cbhi.runs import Run, describe_span, find_year, scenarios_of
from cbhi.tables import Table

if TYPE_CHECKING:
    import pandas as pd

F8 = NDArray[np.float64]

__all__ = [
    "ACCOUNT_COLUMNS",
    "RESOURCE_COLUMNS",
    "accounts_frame",
    "lender_frame",
    "partners_as_table",
    "resources_frame",
]

ACCOUNT_COLUMNS = ("replicate", "period", "months", "partner", "item", "counterpart", "purpose", "value_rwf")
RESOURCE_COLUMNS = ("replicate", "period", "months", "partner", "kind", "value", "unit")


def accounts_frame(run: Run) -> pd.DataFrame:
    """Return the account of every partner by reporting year.

    Parameters
    ----------
    run
        A run, such as ``cbhi.Results``.

    Returns
    -------
    pandas.DataFrame
        Columns replicate, period, months, partner, item, counterpart, purpose, value_rwf. ``opening`` and
        ``closing`` are what the partner holds (for government, donors, NGOs, formal insurers, reinsurers and
        the rest of the world the net position since the start); every other item is a flow, positive
        when received and negative when paid. Opening plus flows equals closing, to the franc before weights.
    """
    import pandas as pd

    rows: list[tuple[Any, ...]] = []
    for label, begin, end in run.periods:
        flows = run.arrays.flows[:, begin:end].sum(axis=(1, 2))
        opening = run.arrays.stocks[:, begin].sum(axis=1)
        closing = run.arrays.stocks[:, end].sum(axis=1)
        for i, replicate in enumerate(run.arrays.replicates):
            for sector, partner in enumerate(codes.SECTORS):
                head = (int(replicate), label, end - begin, partner)
                rows.append((*head, "opening", "", "balance", opening[i, sector]))
                for kind, (name, payer, payee, purpose) in enumerate(codes.FLOWS):
                    if payer == payee or sector not in (payer, payee):
                        continue
                    sign, other = (1, payer) if sector == payee else (-1, payee)
                    rows.append((*head, name, codes.SECTORS[other], purpose, sign * flows[i, kind]))
                rows.append((*head, "closing", "", "balance", closing[i, sector]))
    frame = pd.DataFrame(rows, columns=list(ACCOUNT_COLUMNS))
    frame["value_rwf"] = frame["value_rwf"].astype(float) * run.weight
    return frame


class _Contribution(NamedTuple):
    """What a partner puts in: flows of money and of credit, people enrolled through it, its hours."""

    money: tuple[int, ...] = ()
    credit: tuple[int, ...] = ()
    persons: int | None = None
    poor: int | None = None
    subsidy: int | None = None  # the flow by which its part of the subsidised people is reckoned
    hours: int | None = None  # a gauge, hours


_PARTNERS: dict[str, _Contribution] = {
    "households": _Contribution(
        money=(
            codes.CONTRIBUTION,
            codes.COPAYMENT_HEALTH_CENTRE,
            codes.COPAYMENT_HOSPITAL,
            codes.FEE_HEALTH_CENTRE,
            codes.FEE_HOSPITAL,
        ),
        persons=codes.PERSONS_BY_CASH,
        poor=codes.POOR_BY_CASH,
    ),
    "groups": _Contribution(
        money=(codes.GROUP_CONTRIBUTION,),
        persons=codes.PERSONS_BY_GROUP,
        poor=codes.POOR_BY_GROUP,
        hours=codes.GAUGE_MEETING_HOURS,
    ),
    "lenders": _Contribution(credit=(codes.LOAN,), persons=codes.PERSONS_BY_LOAN, poor=codes.POOR_BY_LOAN),
    "section_funds": _Contribution(hours=codes.GAUGE_AUDIT_HOURS),
    "pools": _Contribution(money=(codes.SUBSIDY_POOL,), subsidy=codes.SUBSIDY_POOL),
    "government": _Contribution(
        money=codes.PAID_BY_GOVERNMENT,
        subsidy=codes.SUBSIDY_STATE,
    ),
    "donors": _Contribution(
        money=codes.PAID_BY_DONORS,
        subsidy=codes.SUBSIDY_DONOR,
    ),
    "ngos": _Contribution(money=(codes.SUBSIDY_NGO,), subsidy=codes.SUBSIDY_NGO),
    "formal_insurers": _Contribution(money=(codes.LEVY,)),
    "reinsurers": _Contribution(money=(codes.REINSURANCE_RECOVERY,)),
}
_SUBSIDIES = (codes.SUBSIDY_STATE, codes.SUBSIDY_DONOR, codes.SUBSIDY_NGO, codes.SUBSIDY_POOL)


def _share(top: F8, bottom: F8) -> F8:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(bottom > 0, top / bottom, np.nan))


def resources_frame(run: Run) -> pd.DataFrame:
    """Return what each partner brings by reporting year, whatever it takes out elsewhere.

    Parameters
    ----------
    run
        A run, such as ``cbhi.Results``.

    Returns
    -------
    pandas.DataFrame
        Columns replicate, period, months, partner, kind, value, unit; one row where a kind applies:

        - ``money``, RWF put into the scheme or into care;
        - ``credit``, RWF lent in the year (health providers: claims that they wait for at its end);
        - ``hours`` given (groups: meetings; section funds: audit; providers: clinicians' hours);
        - ``persons enrolled`` through it, counted once per policy (by own cash, by the association's
          savings, by a loan, by a subsidy: in proportion to who paid it);
        - ``targeting``, the share of these who belong to the truly poorest category.
    """
    import pandas as pd

    a = run.arrays
    rows: list[tuple[Any, ...]] = []
    for label, begin, end in run.periods:
        flows = a.flows[:, begin:end].sum(axis=(1, 2)).astype(float)
        tallies = a.tallies[:, begin:end].sum(axis=(1, 2)).astype(float)
        gauges = a.gauges[:, begin:end].sum(axis=(1, 2))
        closing = a.stocks[:, end].sum(axis=1).astype(float)
        subsidies = flows[:, list(_SUBSIDIES)].sum(axis=1)
        found: list[tuple[str, str, F8, str]] = []
        for partner, part in _PARTNERS.items():
            if part.money:
                found.append((partner, "money", flows[:, list(part.money)].sum(axis=1), "RWF"))
            if part.credit:
                found.append((partner, "credit", flows[:, list(part.credit)].sum(axis=1), "RWF"))
            if part.hours is not None:
                found.append((partner, "hours", gauges[:, part.hours], "hours"))
            persons = poor = None
            if part.persons is not None and part.poor is not None:
                persons, poor = tallies[:, part.persons], tallies[:, part.poor]
            elif part.subsidy is not None:
                share = np.nan_to_num(_share(flows[:, part.subsidy], subsidies))
                persons = share * tallies[:, codes.PERSONS_BY_SUBSIDY]
                poor = share * tallies[:, codes.POOR_BY_SUBSIDY]
            if persons is not None and poor is not None:
                found.append((partner, "persons enrolled", persons, "persons"))
                found.append((partner, "targeting", _share(poor, persons), "share"))
        a_year = np.array([p.provider.hours_per_year for p in _rules_at(run, end - 1)])
        clinicians = gauges[:, codes.GAUGE_CLINICIANS] + gauges[:, codes.GAUGE_OWN_CLINICIANS]
        hours = clinicians * a_year / 12.0
        found.append(("health_centres", "hours", hours, "hours"))
        for partner, stocks in (
            ("health_centres", (codes.STOCK_PAYABLES_SECTION, codes.STOCK_POOL_OWES_CENTRES)),
            ("hospitals", (codes.STOCK_PAYABLES_SECTION_HOSPITAL, codes.STOCK_PAYABLES_POOL)),
        ):
            waits = closing[:, list(stocks)].sum(axis=1)
            if partner == "hospitals":
                waits = waits - closing[:, codes.STOCK_POOL_OWES_CENTRES]
            found.append((partner, "credit", waits, "RWF"))
        for partner, kind, values, unit in found:
            scale = 1.0 if unit == "share" else run.weight
            for replicate, value in zip(a.replicates, values, strict=True):
                head = (int(replicate), label, end - begin, partner)
                rows.append((*head, kind, float(value) * scale, unit))
    return pd.DataFrame(rows, columns=list(RESOURCE_COLUMNS))


def _rules_at(run: Run, month: int) -> list[Any]:
    """Return the parameters in force in a month of the run, of each replicate."""
    at = run.scenario.start + month
    return [[p for begin, p in own.regimes() if begin <= at][-1] for own in scenarios_of(run)]


def lender_frame(run: Run) -> pd.DataFrame:
    """Return the lenders' balance sheet, losses and break-even rate by reporting year.

    Parameters
    ----------
    run
        A run, such as ``cbhi.Results``.

    Returns
    -------
    pandas.DataFrame
        One row a replicate and year: money, loans, deposits, borrowing and equity at the end (RWF), what
        was lent and written off (RWF), ``loss_share`` (written off over what fell due: lent less the change
        of loans outstanding), ``late_share`` (borrowing households with something overdue),
        ``break_even_rate`` a year at the refinancing and operating cost in force and that loss (MODEL.md 2.5,
        ``cbhi.limits.break_even_interest``; not a number where all is lost), and ``interest_rate`` charged.
    """
    import pandas as pd

    a = run.arrays
    rows = []
    for label, begin, end in run.periods:
        rules = _rules_at(run, end - 1)
        flows = a.flows[:, begin:end].sum(axis=(1, 2)).astype(float) * run.weight
        tallies = a.tallies[:, begin:end].sum(axis=(1, 2)).astype(float)
        opening = a.stocks[:, begin].sum(axis=1).astype(float) * run.weight
        closing = a.stocks[:, end].sum(axis=1).astype(float) * run.weight
        lost = tallies[:, codes.LOAN_WRITTEN_OFF] * run.weight
        due = flows[:, codes.LOAN] - (closing - opening)[:, codes.STOCK_LOANS]
        loss = _share(lost, due)
        late = _share(tallies[:, codes.LOAN_MONTHS_LATE], tallies[:, codes.LOAN_MONTHS])
        for i, replicate in enumerate(a.replicates):
            money, loans, deposits, borrowing = (
                float(closing[i, code])
                for code in (
                    codes.LENDERS,
                    codes.STOCK_LOANS,
                    codes.STOCK_GROUP_DEPOSITS,
                    codes.STOCK_LENDER_BORROWING,
                )
            )
            p, rate = rules[i].loans, np.nan
            if loss[i] < 1.0:
                rate = break_even_interest(
                    p.borrowing_interest_share_per_year, p.operating_cost_per_year, float(loss[i])
                )
            rows.append(
                {
                    "replicate": int(replicate),
                    "period": label,
                    "months": end - begin,
                    "money_rwf": money,
                    "loans_rwf": loans,
                    "deposits_rwf": deposits,
                    "borrowing_rwf": borrowing,
                    "equity_rwf": money + loans - deposits - borrowing,
                    "lent_rwf": float(flows[i, codes.LOAN]),
                    "written_off_rwf": float(lost[i]),
                    "loss_share": float(loss[i]),
                    "late_share": float(late[i]),
                    "break_even_rate": float(rate),
                    "interest_rate": p.interest_share_per_year,
                }
            )
    return pd.DataFrame(rows)


_HEAD = ("partner", "holds", "received", "paid", "brings", "lends", "enrols", "of these", "hours")
_UNDER = ("", "at the end", "", "", "", "", "people", "poorest", "given")


def partners_as_table(run: Run, period: str | None = None) -> Table:
    """Return every partner's account and what it brings in one reporting year.

    Parameters
    ----------
    run
        A run, such as ``cbhi.Results``.
    period
        Label of a reporting year; the last complete one if not given.

    Returns
    -------
    cbhi.tables.Table
        Medians over the replicates: money in million RWF, people and hours in thousands.

    Raises
    ------
    ValueError
        For a label that is no reporting year of the run.
    """
    year = run.periods[find_year(run.periods, period)]
    period = year[0]
    accounts = accounts_frame(run)
    accounts = accounts[accounts["period"] == period]
    resources = resources_frame(run)
    resources = resources[resources["period"] == period]
    brought = resources.groupby(["partner", "kind"])["value"].median()
    rows = []
    for partner in codes.SECTORS:
        own = accounts[accounts["partner"] == partner]
        flows = own[~own["item"].isin(("opening", "closing"))]
        sums = [
            flows.assign(value_rwf=(sign * flows["value_rwf"]).clip(lower=0.0))
            .groupby("replicate")["value_rwf"]
            .sum()
            .median()
            for sign in (1, -1)
        ]
        holds = own[own["item"] == "closing"]["value_rwf"].median()
        # adding zero turns a rounded -0 into 0
        cells = [f"{round(value / 1e6) + 0:,d}" for value in (holds, *sums)]
        for kind, factor, form in (
            ("money", 1e-6, ",.0f"),
            ("credit", 1e-6, ",.0f"),
            ("persons enrolled", 1e-3, ",.0f"),
            ("targeting", 100.0, ".0f"),
            ("hours", 1e-3, ",.0f"),
        ):
            value = brought.get((partner, kind), np.nan)
            known = not np.isnan(value)
            cells.append(format(value * factor, form) + ("%" if kind == "targeting" else "") if known else "")
        rows.append((partner.replace("_", " "), *cells))
    span = describe_span(run.scenario.start, year)
    return Table(
        title=f"Partners in {period}, {span} (medians; money in million RWF, people and hours in thousands)",
        heads=(_HEAD, _UNDER),
        rows=tuple(rows),
        notes=(
            "holds: money; for government and those below it, received less paid since the start",
            "brings: money put into the scheme or into care; it is passed on, so the column does not add up",
        ),
    )
