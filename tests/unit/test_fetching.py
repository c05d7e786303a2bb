"""Asking for records ahead of time changes nothing, compiled or not, and names fields that there are."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from numba.core.errors import TypingError

from cbhi.kernels import codes
from cbhi.kernels.fetching import fetching
from cbhi.kernels.records import Household, Member, Rule, record_table

fetch_household = fetching("cash", "z", "alive", "subsidised")
fetch_members = fetching("born", "sex", "frailty")
fetch_rule = fetching("attention")
fetch_unknown = fetching("born", "pension")

compiled = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="says what the compiler makes of it")


def sum_of_cash(households: Any, members: Any, rules: Any) -> int:
    total = 0
    for h in range(households.size):
        fetch_household(households[h])
        fetch_members(members[h])
        fetch_members(members[h][4])
        fetch_rule(rules[0])
        total += int(households[h].cash)
    return total


def some_tables() -> tuple[Any, Any, Any]:
    households = record_table(Household, 9)
    households["cash"] = np.arange(9)
    return households, record_table(Member, (9, codes.MEMBER_SLOTS)), record_table(Rule, 1)


@pytest.mark.parametrize("of", [lambda f: f, numba.njit])
def test_nothing_is_changed(of: Any) -> None:
    tables = some_tables()
    before = [table.buffer.copy() for table in tables]
    assert of(sum_of_cash)(*tables) == 36
    for table, bytes_before in zip(tables, before, strict=True):
        np.testing.assert_array_equal(table.buffer, bytes_before)


@compiled
def test_every_field_of_every_kind_of_table_is_asked_for() -> None:
    kernel = numba.njit(sum_of_cash)
    kernel(*some_tables())
    (code,) = kernel.inspect_llvm().values()
    calls = [line for line in code.splitlines() if "call void @llvm.prefetch" in line]
    assert len(calls) >= 4 + 3 + 3 + 1


@compiled
def test_unknown_fields_and_what_is_no_record_are_refused() -> None:
    households, members, _ = some_tables()

    def number(hh: Any) -> None:
        fetch_members(hh.cash)

    def unknown(mm: Any) -> None:
        fetch_unknown(mm)

    with pytest.raises(TypingError):
        numba.njit(number)(households[0])
    with pytest.raises(TypingError):
        numba.njit(unknown)(members[0])
