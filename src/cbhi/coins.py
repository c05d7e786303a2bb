"""From the smallest coin, in which a run counts its money, to francs, in which results are read.

A run counts every amount in whole coins (``income.smallest_coin_rwf``), so that all rounding is to whole
coins. With a coin of one franc the two are the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cbhi.kernels import codes
from cbhi.kernels.records import Choice, Interview, Output, Record

__all__ = [
    "MONEY_OF_CHOICES",
    "MONEY_OF_HOUSEHOLDS",
    "MONEY_OF_INTERVIEWS",
    "MONEY_STRATA",
    "MONEY_TALLIES",
    "in_francs",
    "record_in_francs",
]

MONEY_TALLIES = (
    codes.BILLED_HEALTH_CENTRE,
    codes.BILLED_HOSPITAL,
    codes.CLAIMS_APPROVED_SECTION,
    codes.CLAIMS_APPROVED_POOL,
    codes.CLAIMS_APPROVED_SECTION_HOSPITAL,
    codes.PAYABLES_MOVED_TO_POOL,
    codes.PAYABLES_HOSPITAL_MOVED,
    codes.DEBT_WRITTEN_OFF,
    codes.SUBSIDY_BUDGET,
    codes.LOAN_WRITTEN_OFF,
    codes.LOAN_INTEREST_CHARGED,
    codes.LOAN_INTEREST_WRITTEN_OFF,
    codes.LOAN_COVERED_BY_GROUP,
    codes.INDUCED_RWF,
    codes.UPCODED_RWF,
    codes.GHOST_RWF,
    codes.INFLATED_RWF,
    codes.CLAIMS_REJECTED_SECTION,
    codes.FRAUD_FOUND_RWF,
    codes.EMBEZZLEMENT_FOUND_RWF,
    codes.PORTABLE_CLAIMS,
    codes.PORTABLE_SETTLED,
    codes.CAPITATION_BILLED,
)
"""Tallies that are amounts of money; all others are people and events."""

MONEY_STRATA = (
    codes.S_OUT_OF_POCKET,
    codes.S_OUT_OF_POCKET_INSURED,
    codes.S_OUT_OF_POCKET_FORMAL,
    codes.S_CLAIMS,
    codes.S_CLAIMS_FORMAL,
    codes.S_CONTRIBUTIONS,
    codes.S_SPONSORED,
)
"""Tallies by stratum that are amounts of money."""


def _amounts(record: type[Record]) -> tuple[str, ...]:
    return tuple(name for name in record.__annotations__ if name.endswith("_rwf"))


MONEY_OF_INTERVIEWS = _amounts(Interview)
MONEY_OF_CHOICES = _amounts(Choice)
MONEY_OF_HOUSEHOLDS = (
    "cash", "debt", "income", "out_of_pocket", "applied", "loan", "loan_interest", "instalment",
    "group_balance",
)  # fmt: skip


def in_francs(output: Output, coin_rwf: int) -> Output:
    """Return what a replicate has written with amounts in francs; the same where a coin is one franc."""
    if coin_rwf == 1:
        return output
    tallies = output.tallies.copy()
    tallies[..., MONEY_TALLIES] *= coin_rwf
    strata = output.strata.copy()
    strata[..., MONEY_STRATA] *= coin_rwf
    return output._replace(
        flows=output.flows * coin_rwf,
        stocks=output.stocks * coin_rwf,
        tallies=tallies,
        strata=strata,
        interviews=record_in_francs(output.interviews, MONEY_OF_INTERVIEWS, coin_rwf),
    )


def record_in_francs(records: Any, amounts: tuple[str, ...], coin_rwf: int) -> Any:
    """Return a copy of records with the named amounts in francs."""
    copy = records.copy()
    for name in amounts:
        copy[name] = np.multiply(copy[name], coin_rwf)
    return copy
