"""Variables by group of people: consumption quintile, poverty category, sex, and kind of cover.

What a run counts by stratum (quintile times true category) once a reporting year is added up here. Rates are
over the person-months of the group in the year, or, by sex, over the person-months in proportion to the women
and men at its close.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.kernels.records import F8, I8

__all__ = ["GROUPS", "Stratified", "stratified_names", "stratum_values"]

Stratified = Literal["quintile", "category", "sex", "cover"]

GROUPS: dict[str, tuple[str, ...]] = {
    "quintile": tuple(f"quintile {q + 1}" for q in range(codes.QUINTILES)),
    "category": ("poorest", "middle", "rich"),
    "sex": ("men", "women"),
    "cover": ("members", "formal sector", "no cover"),
}
"""The labels of the groups, in the order of the values."""

Cells = NDArray[np.int64]
"""Counts with the stratum tallies on the last axis."""


def _ratio(top: NDArray[np.generic] | float, bottom: NDArray[np.generic]) -> F8:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(np.asarray(bottom) > 0, top / np.asarray(bottom, dtype=float), np.nan))


def _share(top: tuple[int, ...], bottom: tuple[int, ...]) -> Callable[[Cells], F8]:
    return lambda c: _ratio(c[..., list(top)].sum(axis=-1), c[..., list(bottom)].sum(axis=-1))


def _per_person_year(*tops: int) -> Callable[[Cells], F8]:
    return lambda c: 12.0 * _ratio(c[..., list(tops)].sum(axis=-1), c[..., codes.S_PERSON_MONTHS])


def _count(*tops: int) -> Callable[[Cells], F8]:
    return lambda c: c[..., list(tops)].sum(axis=-1).astype(float)


_PEOPLE = (codes.S_PERSONS,)
_MONTHS = (codes.S_PERSON_MONTHS,)
_ENROLLED = (codes.S_BY_CASH, codes.S_BY_LOAN, codes.S_BY_GROUP, codes.S_BY_SUBSIDY)

BY_STRATUM: dict[str, Callable[[Cells], F8]] = {
    "persons": _count(codes.S_PERSONS),
    "coverage_end_share": _share((codes.S_PAID,), _PEOPLE),
    "coverage_share": _share((codes.S_INSURED_MONTHS,), _MONTHS),
    "any_insurance_share": _share((codes.S_PAID, codes.S_FORMAL), _PEOPLE),
    "formal_share": _share((codes.S_FORMAL,), _PEOPLE),
    "coverage_women_share": _share((codes.S_WOMEN_PAID,), (codes.S_WOMEN,)),
    "renewal_share": _share((codes.S_RENEWALS,), (codes.S_RENEWALS_DUE,)),
    "subsidised_share": _share((codes.S_SLOTS,), _PEOPLE),
    "visits_per_person_year": _per_person_year(codes.S_VISITS),
    "admissions_per_person_year": _per_person_year(codes.S_ADMISSIONS),
    "episodes_per_person_year": _per_person_year(codes.S_EPISODES),
    "forgone_care_per_person_year": _per_person_year(
        codes.S_FORGONE_UNSOUGHT,
        codes.S_FORGONE_CAPACITY,
        codes.S_FORGONE_REFUSED,
        codes.S_FORGONE_CASH,
    ),
    "forgone_capacity_per_person_year": _per_person_year(codes.S_FORGONE_CAPACITY),
    "forgone_refused_per_person_year": _per_person_year(codes.S_FORGONE_REFUSED),
    "forgone_cash_per_person_year": _per_person_year(codes.S_FORGONE_CASH),
    "out_of_pocket_rwf_per_person_year": _per_person_year(codes.S_OUT_OF_POCKET),
    "care_paid_by_others_rwf_per_person_year": _per_person_year(codes.S_CLAIMS),
    "catastrophic_share": _share((codes.S_CATASTROPHIC,), (codes.S_AT_ANNIVERSARY,)),
    "catastrophic_25_share": _share((codes.S_CATASTROPHIC_25,), (codes.S_AT_ANNIVERSARY,)),
    "contributions_rwf": _count(codes.S_CONTRIBUTIONS),
    "premiums_sponsored_rwf": _count(codes.S_SPONSORED),
    "enrolled_by_loan": _count(codes.S_BY_LOAN),
    "enrolled_by_group": _count(codes.S_BY_GROUP),
    "enrolled_by_cash_share": _share((codes.S_BY_CASH,), _ENROLLED),
    "enrolled_by_loan_share": _share((codes.S_BY_LOAN,), _ENROLLED),
    "enrolled_by_group_share": _share((codes.S_BY_GROUP,), _ENROLLED),
    "enrolled_by_subsidy_share": _share((codes.S_BY_SUBSIDY,), _ENROLLED),
}
"""By quintile and by category: a variable from the counts of a group."""


def _by_sex(women: int, everybody: int) -> Callable[[Cells], F8]:
    return lambda c: np.stack([c[..., everybody] - c[..., women], c[..., women]], axis=-1).astype(float)


def _person_months_by_sex(c: Cells) -> F8:
    people = _by_sex(codes.S_WOMEN, codes.S_PERSONS)(c)
    return c[..., codes.S_PERSON_MONTHS, None] * _ratio(people, people.sum(axis=-1, keepdims=True))


def _rate_by_sex(women: int, everybody: int) -> Callable[[Cells], F8]:
    return lambda c: 12.0 * _ratio(_by_sex(women, everybody)(c), _person_months_by_sex(c))


BY_SEX: dict[str, Callable[[Cells], F8]] = {
    "persons": _by_sex(codes.S_WOMEN, codes.S_PERSONS),
    "coverage_end_share": lambda c: _ratio(
        _by_sex(codes.S_WOMEN_PAID, codes.S_PAID)(c), _by_sex(codes.S_WOMEN, codes.S_PERSONS)(c)
    ),
    "visits_per_person_year": _rate_by_sex(codes.S_VISITS_WOMEN, codes.S_VISITS),
    "admissions_per_person_year": _rate_by_sex(codes.S_ADMISSIONS_WOMEN, codes.S_ADMISSIONS),
}
"""Men and women, from the counts of everybody."""


def _by_cover(members: int, formal: int, everybody: int) -> Callable[[Cells], F8]:
    return lambda c: np.stack(
        [c[..., members], c[..., formal], c[..., everybody] - c[..., members] - c[..., formal]], axis=-1
    ).astype(float)


def _rate_by_cover(members: int, formal: int, everybody: int) -> Callable[[Cells], F8]:
    months = _by_cover(codes.S_INSURED_MONTHS, codes.S_FORMAL_MONTHS, codes.S_PERSON_MONTHS)
    return lambda c: 12.0 * _ratio(_by_cover(members, formal, everybody)(c), months(c))


BY_COVER: dict[str, Callable[[Cells], F8]] = {
    "visits_per_person_year": _rate_by_cover(codes.S_VISITS_INSURED, codes.S_VISITS_FORMAL, codes.S_VISITS),
    "admissions_per_person_year": _rate_by_cover(
        codes.S_ADMISSIONS_INSURED, codes.S_ADMISSIONS_FORMAL, codes.S_ADMISSIONS
    ),
    "out_of_pocket_rwf_per_person_year": _rate_by_cover(
        codes.S_OUT_OF_POCKET_INSURED, codes.S_OUT_OF_POCKET_FORMAL, codes.S_OUT_OF_POCKET
    ),
}
"""Members whose benefits are honoured, people in formal schemes, and everybody else."""


def stratified_names(by: str) -> tuple[str, ...]:
    """Return the variables that are kept by these groups."""
    return tuple({"sex": BY_SEX, "cover": BY_COVER}.get(by, BY_STRATUM))


def stratum_values(strata: I8, name: str, by: str) -> F8:
    """Return a variable by group, at the scale of the sample.

    Parameters
    ----------
    strata
        Counts, shape (replicates, periods, strata, tallies); a stratum is quintile * 3 + category.
    name
        One of ``stratified_names(by)``.
    by
        A key of ``GROUPS``.

    Returns
    -------
    numpy.ndarray
        Shape (replicates, periods, groups).
    """
    if by == "sex":
        return BY_SEX[name](strata.sum(axis=2))
    if by == "cover":
        return BY_COVER[name](strata.sum(axis=2))
    shape = (*strata.shape[:2], codes.QUINTILES, codes.CATEGORIES, strata.shape[3])
    return BY_STRATUM[name](strata.reshape(shape).sum(axis=3 if by == "quintile" else 2))
