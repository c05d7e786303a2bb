"""Booking of contacts: who can pay, and what a section's visits come to, by hand."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from support import flows, households, rule, strata, tallies, update

from cbhi.kernels import booking, codes
from cbhi.kernels.records import Contact, Section, record_table

# two visits of a first household, that has cash for the first of them only; an admission of a formal
# household; one without a place, one refused, one elsewhere
CONTACTS: dict[str, list[int]] = dict(
    household=[0, 0, 1, 2, 2, 2],
    outcome=[0, 0, 0, booking.NO_PLACE, booking.REFUSED, 0],
    payer=[booking.PAYS_SCHEME, booking.PAYS_NOBODY, booking.PAYS_FORMAL, 0, 0, booking.PAYS_SCHEME],
    covered=[1, 1, 1, 1, 1, 0],
    insured=[1, 0, 1, 0, 0, 0],
    card_found=[0, 1, 0, 0, 0, 0],
    admitted=[0, 0, 1, 1, 0, 0],
    away=[0, 0, 0, 0, 0, 1],
    stratum=[3, 3, 4, 5, 5, 5],
    is_woman=[1, 1, 0, 1, 1, 1],
    centre=[1_000, 700, 900, 50, 50, 600],
    added=[7, 0, 0, 1, 1, 0],
    ward=[0, 0, 20_000, 9, 9, 0],
    own_centre=[200, 700, 90, 5, 5, 150],
    own_ward=[0, 0, 2_000, 3, 3, 0],
)


class TestBooking:
    def book(self, cuts: tuple[int, ...] = (0, 6), **rules: Any) -> Any:
        hhs, contacts, sections = households(3), record_table(Contact, 6), record_table(Section, 1)
        hhs["cash"], hhs["income"] = [600, 50_000, 1_000], 0
        hhs["out_of_pocket"] = 10
        for name, values in CONTACTS.items():
            contacts[name] = values
        f, t, q, hospital = flows(), tallies(), strata(), np.zeros(2, dtype=np.int64)
        update(sections[0], health_centre_cash=5, revenue_month=3, hospital_month=1)
        claims = n_claims = 0
        for begin, end in itertools.pairwise(cuts):
            more, n_more = booking.book_contacts(
                hhs, contacts, begin, end, sections[0], rule(**rules), hospital, q, f, t
            )
            claims, n_claims = claims + more, n_claims + n_more
        return hhs, contacts, sections[0], f, t, q, hospital, (claims, n_claims)

    def test_who_can_pay(self) -> None:
        hhs, contacts, *_ = self.book()
        assert contacts["outcome"].tolist() == [
            booking.SERVED, booking.NO_CASH, booking.SERVED, booking.NO_PLACE, booking.REFUSED,
            booking.SERVED,
        ]  # fmt: skip
        assert hhs["cash"].tolist() == [400, 47_910, 850]
        assert hhs["out_of_pocket"].tolist() == [210, 2_100, 160]

    def test_money(self) -> None:
        _, _, sec, f, t, _, hospital, claims = self.book()
        assert claims == (800, 1)
        booked = {
            codes.COPAYMENT_HEALTH_CENTRE: 200 + 90 + 150, codes.COPAYMENT_HOSPITAL: 2_000,
            codes.FORMAL_CLAIMS_HEALTH_CENTRE: 810, codes.FORMAL_CLAIMS_HOSPITAL: 18_000,
        }  # fmt: skip
        assert {int(k): int(f[k]) for k in np.flatnonzero(f)} == booked
        # the formal insurer pays at once; what was paid elsewhere is not in the till
        assert (sec.health_centre_cash, sec.revenue_month) == (5 + 200 + 900, 3 + 200 + 900)
        assert (hospital.tolist(), sec.hospital_month) == ([0, 20_000], 1)
        assert (t[codes.BILLED_HEALTH_CENTRE], t[codes.BILLED_HOSPITAL]) == (2_500, 20_000)
        assert (t[codes.INDUCED_RWF], t[codes.UPCODED_RWF]) == (7, 0)

    def test_visits(self) -> None:
        *_, t, q, _, _ = self.book()
        counted = dict(
            VISITS_INSURED=1, VISITS_UNINSURED=1, VISITS_FORMAL=1, VISITS_BORROWED_CARD=1, CARDS_FOUND=1,
            REFUSED_AND_PAID=1, FORGONE_CASH=1, FORGONE_CAPACITY=1, FORGONE_REFUSED=1, ADMISSIONS=1,
            VISITS_REFUSED=0, VISITS_ELSEWHERE=0,
        )  # fmt: skip
        assert {name: int(t[getattr(codes, name)]) for name in counted} == counted
        of = {name: q[:, getattr(codes, f"S_{name}")] for name in (
            "VISITS", "VISITS_WOMEN", "VISITS_INSURED", "VISITS_FORMAL", "OUT_OF_POCKET", "CLAIMS",
            "CLAIMS_FORMAL", "ADMISSIONS_FORMAL", "ADMISSIONS_WOMEN", "FORGONE_CASH", "FORGONE_CAPACITY",
            "FORGONE_REFUSED",
        )}  # fmt: skip
        assert {name: column[3:6].tolist() for name, column in of.items()} == dict(
            VISITS=[1, 1, 1], VISITS_WOMEN=[1, 0, 1], VISITS_INSURED=[1, 0, 0], VISITS_FORMAL=[0, 1, 0],
            OUT_OF_POCKET=[200, 2_090, 150], CLAIMS=[800, 18_810, 450], CLAIMS_FORMAL=[0, 18_810, 0],
            ADMISSIONS_FORMAL=[0, 1, 0], ADMISSIONS_WOMEN=[0, 0, 0], FORGONE_CASH=[1, 0, 0],
            FORGONE_CAPACITY=[0, 0, 1], FORGONE_REFUSED=[0, 0, 1],
        )  # fmt: skip
        assert q[:3].sum() == 0

    @pytest.mark.parametrize("pools", [True, False])
    def test_admissions_of_members_are_claims(self, pools: bool) -> None:
        hhs, contacts, sections = households(1), record_table(Contact, 1), record_table(Section, 1)
        hhs["cash"] = 3_000
        update(contacts[0], payer=booking.PAYS_SCHEME, admitted=1, ward=9_000, own_ward=900)
        hospital, t = np.zeros(2, dtype=np.int64), tallies()
        r = rule(sections_pay_hospital=int(not pools))
        booking.book_contacts(hhs, contacts, 0, 1, sections[0], r, hospital, strata(), flows(), t)
        assert hospital.tolist() == [8_100 * pools, 900]
        assert sections[0].hospital_month == 8_100 * (not pools)
        assert t[codes.CLAIMS_APPROVED_POOL] == 8_100 * pools
        assert t[codes.CLAIMS_APPROVED_SECTION_HOSPITAL] == 8_100 * (not pools)

    def test_in_parts_the_same(self) -> None:
        whole, parts = self.book(), self.book((0, 1, 4, 6))
        for a, b in zip(whole, parts, strict=True):
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
