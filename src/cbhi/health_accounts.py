"""The money of a run in the classifications of the System of Health Accounts 2011 (OECD, Eurostat, WHO).

Every flow is classified once: as current health expenditure (who decides on it, HF; who provides, HP; what
for, HC), as revenue of a financing scheme (FS), as what providers spend on inputs (FP), or as outside the
boundary, with the reason. A flow can be both revenue and expenditure (a fee is), never expenditure twice,
so what schemes pass among each other is counted where it buys care. Nothing in the model is capital
formation (HK).

Amounts are payments, by the month they are made; SHA prefers what is owed. The codes are certain: they stop
at the level read in public copies of the lists (HF, HP, HC to two or three digits; FS, FP to one), and
deeper ones, such as HF.2.1.2.1 or FS.5.1, would be recalled only. Which code a flow has is our reading of the
manual, which was not at hand; places open to doubt say so in ``why``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.runs import Run, find_year
from cbhi.tables import Table

if TYPE_CHECKING:
    import pandas as pd

F8 = NDArray[np.float64]
Account = Literal["expenditure", "revenue", "provision", "outside"]

__all__ = [
    "ACCOUNTS",
    "HEALTH_ACCOUNT_COLUMNS",
    "LABELS",
    "classification_rows",
    "health_accounts",
    "health_accounts_table",
]

ACCOUNTS: tuple[Account, ...] = ("expenditure", "revenue", "provision", "outside")
HEALTH_ACCOUNT_COLUMNS = (
    "scenario",
    "replicate",
    "period",
    "months",
    "account",
    "flow",
    "payer",
    "payee",
    "hf",
    "hf_name",
    "fs",
    "fs_name",
    "hp",
    "hp_name",
    "hc",
    "hc_name",
    "fp",
    "fp_name",
    "value_rwf",
    "why",
)

LABELS = {
    "HF.1.1": "Government schemes",
    "HF.1.2": "Compulsory contributory health insurance schemes",
    "HF.1.2.1": "Social health insurance schemes",
    "HF.2.1": "Voluntary health insurance schemes",
    "HF.3.1": "Out-of-pocket excluding cost-sharing",
    "HF.3.2": "Cost-sharing with third-party payers",
    "HF.4": "Rest of the world financing schemes (non-resident)",
    "FS.1": "Transfers from government domestic revenue",
    "FS.2": "Transfers distributed by government from foreign origin",
    "FS.3": "Social insurance contributions",
    "FS.4": "Compulsory prepayment (other than FS.3)",
    "FS.5": "Voluntary prepayment",
    "FS.6": "Other domestic revenues n.e.c.",
    "FS.7": "Direct foreign transfers",
    "HP.1.1": "General hospitals",
    "HP.3.4": "Ambulatory health care centres",
    "HP.7.2": "Social health insurance agencies",
    "HP.7.3": "Private health insurance administration agencies",
    "HP.nec": "Unspecified health care providers (n.e.c.)",
    "HC.1.1": "Inpatient curative care",
    "HC.1.3": "Outpatient curative care",
    "HC.7.2": "Administration of health financing",
    "FP.1": "Compensation of employees",
    "FP.3": "Materials and services used",
}

# stand for codes that depend on whether membership is compulsory in the month: (voluntary, compulsory)
_SCHEME = "scheme"
_PREPAID = "prepaid"
_AGENCY = "agency"
_BY_LAW = {_SCHEME: ("HF.2.1", "HF.1.2"), _PREPAID: ("FS.5", "FS.4"), _AGENCY: ("HP.7.3", "HP.7.2")}
# stands for government money, part of which donors have given it: (domestic, foreign)
_PUBLIC = "public"
_BY_ORIGIN = ("FS.1", "FS.2")


class _Entry(NamedTuple):
    """One place of a flow in the accounts."""

    account: Account
    hf: str = ""
    fs: str = ""
    hp: str = ""
    hc: str = ""
    fp: str = ""
    why: str = ""


def _spending(hf: str, hp: str, hc: str, why: str = "") -> _Entry:
    return _Entry("expenditure", hf=hf, hp=hp, hc=hc, why=why)


def _revenue(hf: str, fs: str, why: str = "") -> _Entry:
    return _Entry("revenue", hf=hf, fs=fs, why=why)


def _input(hp: str, fp: str) -> _Entry:
    return _Entry("provision", hp=hp, fp=fp, why="what the provider buys with its revenue; not counted again")


def _outside(why: str) -> tuple[_Entry, ...]:
    return (_Entry("outside", why=why),)


_LIVING = _outside("households' living; no health care")
_CREDIT = _outside("credit; what it pays for is counted where it is spent")
_WITHIN = _outside("moves within the community scheme; counted where it pays for care")
_REINSURED = _outside("payments between insurers; the claims themselves are counted")
_SAVED = _outside("saving; counted when the association pays the premium")
_CENTRE, _HOSPITAL = ("HP.3.4", "HC.1.3"), ("HP.1.1", "HC.1.1")
_ALL_INPATIENT = "all hospital bills are admissions in the model"
_BY_STATUTE = "formal insurers are taken as compulsory by statute (RAMA and the like)"
_FOREIGN_PROGRAMME = "the donor's own programme; under HF.1.1 and FS.2 if government ran it"


def _direct(hf: str, fs: str, place: tuple[str, str], why: str = "") -> tuple[_Entry, ...]:
    """Return both sides of spending that a scheme pays as its revenue comes in."""
    return (_revenue(hf, fs, why), _spending(hf, *place, why))


_PLACES: dict[str, tuple[_Entry, ...]] = {
    "income": _LIVING,
    "consumption": _LIVING,
    "informal_loan": _CREDIT,
    "informal_repayment": _CREDIT,
    "estate": _LIVING,
    "contribution": (_revenue(_SCHEME, _PREPAID),),
    "subsidy_state": (_revenue(_SCHEME, _PUBLIC),),
    "subsidy_donor": (_revenue(_SCHEME, "FS.7"),),
    "subsidy_ngo": (_revenue(_SCHEME, "FS.6", "NGOs are taken as resident"),),
    "pool_share": _WITHIN,
    "pool_grant": (_revenue(_SCHEME, _PUBLIC),),
    "levy": _outside("transfer between schemes; already revenue of the formal insurers (FS.3)"),
    "bail_out_section": (_revenue(_SCHEME, _PUBLIC),),
    "bail_out_pool": (_revenue(_SCHEME, _PUBLIC),),
    "claims_outpatient": (_spending(_SCHEME, *_CENTRE),),
    "claims_outpatient_pool": (_spending(_SCHEME, *_CENTRE),),
    "claims_hospital": (_spending(_SCHEME, *_HOSPITAL, _ALL_INPATIENT),),
    "administration": (_spending(_SCHEME, _AGENCY, "HC.7.2"),),
    "copayment_health_centre": _direct("HF.3.2", "FS.6", _CENTRE),
    "copayment_hospital": _direct("HF.3.2", "FS.6", _HOSPITAL, _ALL_INPATIENT),
    "fee_health_centre": _direct("HF.3.1", "FS.6", _CENTRE),
    "fee_hospital": _direct("HF.3.1", "FS.6", _HOSPITAL, _ALL_INPATIENT),
    "formal_contribution": (_revenue("HF.1.2.1", "FS.3", _BY_STATUTE),),
    "formal_claims_health_centre": (_spending("HF.1.2.1", *_CENTRE, _BY_STATUTE),),
    "formal_claims_hospital": (_spending("HF.1.2.1", *_HOSPITAL, _BY_STATUTE),),
    "penalty": _outside("a fine, revenue of government in general"),
    "running_cost_health_centre": (_input("HP.3.4", "FP.3"),),
    "running_cost_hospital": (_input("HP.1.1", "FP.3"),),
    "salaries": (
        *_direct("HF.1.1", _PUBLIC, _CENTRE),
        _Entry("provision", hp="HP.3.4", fp="FP.1", why="the same money by factor"),
    ),
    "loan": _CREDIT,
    "loan_repayment": _CREDIT,
    "loan_interest": _CREDIT,
    "lender_equity": _CREDIT,
    "lender_borrowing": _CREDIT,
    "lender_repayment": _CREDIT,
    "lender_interest": _CREDIT,
    "lender_operating_cost": _outside("cost of lending, not of health care or of its financing schemes"),
    "deposit_interest": _CREDIT,
    "group_saving": _SAVED,
    "group_deposit": _SAVED,
    "group_withdrawal": _SAVED,
    "group_contribution": (_revenue(_SCHEME, _PREPAID),),
    "subsidy_pool": _WITHIN,
    "pool_grant_donor": (_revenue(_SCHEME, "FS.7"),),
    "budget_support": _outside(
        "donors' money in government's hands: counted where government spends it, FS.2"
    ),
    "assistance": _direct("HF.4", "FS.7", ("HP.nec", "HC.7.2"), "who gives the assistance is not modelled"),
    "national_share": _WITHIN,
    "equalisation_paid": _WITHIN,
    "equalisation_received": _WITHIN,
    "national_support": _WITHIN,
    "merged_up": _WITHIN,
    "reinsurance_premium": _REINSURED,
    "reinsurance_recovery": _REINSURED,
    "claims_hospital_section": (_spending(_SCHEME, *_HOSPITAL, _ALL_INPATIENT),),
    "performance_state": _direct("HF.1.1", _PUBLIC, _CENTRE),
    "performance_donor": _direct("HF.4", "FS.7", _CENTRE, _FOREIGN_PROGRAMME),
    "drugs": (_input("HP.3.4", "FP.3"),),
    "own_wages": (_input("HP.3.4", "FP.1"),),
    "audit": (_spending(_SCHEME, _AGENCY, "HC.7.2"),),
    "embezzlement": _outside("disappears; buys no care"),
}


def _entries(flow: str) -> tuple[_Entry, ...]:
    """Return the places of a flow; a kind of flow that nobody has classified is an error, never nothing."""
    if flow not in _PLACES:
        raise LookupError(f"flow '{flow}' has no place in the health accounts; add it to {__name__}._PLACES")
    return _PLACES[flow]


def _compulsory_months(run: Run) -> NDArray[np.bool_]:
    """Return for each month whether the law makes membership of the community scheme compulsory."""
    law = np.zeros(run.scenario.n_months, dtype=bool)
    for begin, p in run.scenario.regimes():
        law[max(0, begin - run.scenario.start) :] = p.mandate.compulsory and p.switches.mandate
    return law


def _resolve(entry: _Entry, by_law: int, by_origin: int) -> _Entry:
    """Return the entry with the codes of one regime and one origin of public money."""
    resolved = {field: _BY_LAW[code][by_law] for field, code in entry._asdict().items() if code in _BY_LAW}
    if entry.fs == _PUBLIC:
        resolved["fs"] = _BY_ORIGIN[by_origin]
    return entry._replace(**resolved)  # type: ignore[arg-type]


def _foreign_share(totals: F8) -> F8:
    """Return the part of government's payments for health that donors' budget support covers, (R,)."""
    paid = sum(
        (
            totals[:, kind]
            for kind, (name, *_) in enumerate(codes.FLOWS)
            if any(entry.fs == _PUBLIC for entry in _entries(name))
        ),
        start=np.zeros(totals.shape[0]),
    )
    given = totals[:, codes.BUDGET_SUPPORT]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(paid > 0, np.minimum(1.0, given / paid), 0.0))


def health_accounts(run: Run) -> pd.DataFrame:
    """Return every flow by reporting year in the classifications of SHA 2011.

    Parameters
    ----------
    run
        A run, such as ``cbhi.Results``.

    Returns
    -------
    pandas.DataFrame
        Columns ``HEALTH_ACCOUNT_COLUMNS``; one row a replicate, reporting year, flow, account and code, RWF
        at national scale. ``account`` is ``expenditure`` (current health expenditure: hf, hp, hc),
        ``revenue`` (of financing schemes: hf, fs), ``provision`` (what providers spend: hp, fp) or
        ``outside``; ``why`` gives the reason or the doubt. In a year in which the community scheme becomes
        compulsory its flows stand under both codes, by month. Government's payments are divided between
        FS.1 and FS.2 in proportion to donors' budget support of the year.

    Notes
    -----
    Sums over ``expenditure`` are the same by hf, hp and hc. Do not add accounts up: a fee stands both in
    ``revenue`` and in ``expenditure``, salaries in ``provision`` too.
    """
    import pandas as pd

    law = _compulsory_months(run)
    rows: list[tuple[Any, ...]] = []
    for label, begin, end in run.periods:
        monthly = run.arrays.flows[:, begin:end].sum(axis=2).astype(float)
        foreign = _foreign_share(monthly.sum(axis=1))
        regimes = [(i, law[begin:end] == bool(i)) for i in (0, 1)]
        for kind, (name, payer, payee, _) in enumerate(codes.FLOWS):
            head = (label, end - begin)
            ends = (name, codes.SECTORS[payer], codes.SECTORS[payee])
            for entry in _entries(name):
                for resolved, values in _divided(entry, monthly[:, :, kind], foreign, regimes):
                    rows += _rows(run, head, ends, resolved, values)
    return pd.DataFrame(rows, columns=list(HEALTH_ACCOUNT_COLUMNS))


def _divided(
    entry: _Entry, francs: F8, foreign: F8, regimes: list[tuple[int, NDArray[np.bool_]]]
) -> list[tuple[_Entry, F8]]:
    """Return an entry with francs (R,) under each code it has in the period."""
    parts: list[tuple[_Entry, F8]] = []
    by_law = any(code in _BY_LAW for code in entry)
    for i, months in regimes if by_law else [(0, np.ones(francs.shape[1], dtype=bool))]:
        if not months.any():
            continue
        sums = francs[:, months].sum(axis=1)
        if entry.fs == _PUBLIC:
            parts.append((_resolve(entry, i, 0), sums * (1.0 - foreign)))
            parts.append((_resolve(entry, i, 1), sums * foreign))
        else:
            parts.append((_resolve(entry, i, 0), sums))
    return parts


def _rows(
    run: Run, head: tuple[Any, ...], ends: tuple[str, str, str], entry: _Entry, francs: F8
) -> list[tuple[Any, ...]]:
    named = [
        part
        for code in (entry.hf, entry.fs, entry.hp, entry.hc, entry.fp)
        for part in (code, LABELS[code] if code else "")
    ]
    return [
        (
            run.scenario.name, int(number), *head, entry.account, *ends, *named,
            float(value) * run.weight, entry.why,
        )
        for number, value in zip(run.arrays.replicates, francs, strict=True)
    ]  # fmt: skip


def health_accounts_table(run: Run, period: str | None = None) -> Table:
    """Return the accounts of one reporting year: spending by scheme, provider and function, and revenues.

    Parameters
    ----------
    run
        A run, such as ``cbhi.Results``.
    period
        Label of a reporting year; the last complete one if not given.

    Returns
    -------
    cbhi.tables.Table
        Medians over the replicates in million RWF, and as a share of current health expenditure (medians of
        the replicates' shares; medians of parts need not add up to the median of their sum).

    Raises
    ------
    ValueError
        For a label that is no reporting year of the run.
    """
    period = run.periods[find_year(run.periods, period)][0]
    frame = health_accounts(run)
    frame = frame[frame["period"] == period]
    spending = frame[frame["account"] == "expenditure"]
    total = spending.groupby("replicate")["value_rwf"].sum()
    rows = [("current health expenditure", "", f"{total.median() / 1e6:,.1f}", _percent(total, total))]
    for title, part, code in (
        ("by financing scheme", spending, "hf"),
        ("by provider", spending, "hp"),
        ("by function", spending, "hc"),
        ("revenues of schemes", frame[frame["account"] == "revenue"], "fs"),
    ):
        rows.append((title, "", "", ""))
        for value, own in part.groupby(code):
            sums = own.groupby("replicate")["value_rwf"].sum()
            if sums.any():
                name = f"  {LABELS[str(value)]}"
                rows.append((name, str(value), f"{sums.median() / 1e6:,.1f}", _percent(sums, total)))
    n = int(run.arrays.replicates.size)
    return Table(
        title=f"Health accounts (SHA 2011) in {period}, {run.scenario.name}",
        heads=(("", "code", "million RWF", "% of CHE"),),
        rows=tuple(rows),
        notes=(
            f"medians over {n} replicate{'' if n == 1 else 's'}; payments of the year; no capital formation "
            "is modelled; revenues need not equal spending: the difference stays in the schemes",
        ),
        n_labels=2,
    )


def _percent(part: Any, whole: Any) -> str:
    shares = (part / whole).median()
    return "" if np.isnan(shares) else f"{100.0 * shares:.1f}"


def classification_rows() -> list[tuple[str, ...]]:
    """Return the mapping as text: flow, account, HF, FS, HP, HC, FP, reason or doubt."""

    def both(code: str) -> str:
        if code == _PUBLIC:
            return ", ".join(_BY_ORIGIN)
        return ", ".join(_BY_LAW.get(code, (code,)))

    return [
        (name, e.account, both(e.hf), both(e.fs), both(e.hp), both(e.hc), both(e.fp), e.why)
        for name, *_ in codes.FLOWS
        for e in _entries(name)
    ]
