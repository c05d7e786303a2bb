"""The reduced model with laser-core: agents and sections in LaserFrames, a component an event, Numba kernels.

Written as LASER's documentation teaches: parameters in a PropertySet, components that add their properties
and have a ``step(tick)``, kernels in ``prange`` with one tally a thread, Numba's own random numbers seeded by
``laser.core.random``. Needs the package ``laser-core``.
"""

# ruff: noqa: NPY002 - inside kernels, LASER uses the generator that Numba has for NumPy's old functions

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import laser.core.random
import numba as nb
import numpy as np
from laser.core import LaserFrame, PropertySet

from peers.definition import COUNTED, Counts, People, Rules, by_district


@nb.njit(nogil=True, parallel=True, cache=True)
def _earn(position, size, income, relative, mean, log_sd):  # type: ignore[no-untyped-def]
    for i in nb.prange(position.size):
        relative[i] = log_sd * position[i] - 0.5 * log_sd * log_sd
        income[i] = round(mean * math.exp(relative[i]) * size[i] / 12)


@nb.njit(nogil=True, parallel=True, cache=True)
def _change_position(position, persistence):  # type: ignore[no-untyped-def]
    innovation = math.sqrt(1 - persistence * persistence)
    for i in nb.prange(position.size):
        position[i] = persistence * position[i] + innovation * np.random.standard_normal()


@nb.njit(nogil=True, cache=True)
def _bill(mean, log_sd):  # type: ignore[no-untyped-def]
    return round(mean * np.random.lognormal(-0.5 * log_sd * log_sd, log_sd))


@nb.njit(nogil=True, parallel=True, cache=True)
def _seek(income, p_fee, p_member, intercept, slope, fee, copayment):  # type: ignore[no-untyped-def]
    for i in nb.prange(income.size):
        per_day = income[i] * 12 / 365
        p_fee[i] = 1 / (1 + math.exp(-(intercept - slope * math.log1p(fee / per_day))))
        p_member[i] = 1 / (1 + math.exp(-(intercept - slope * math.log1p(copayment / per_day))))


@nb.njit(nogil=True, parallel=True, cache=True)
def _visit_in_january(  # type: ignore[no-untyped-def]
    section, need, p_fee, income, cash, fee, log_sd, laid_aside, shock_sd, visits, out_of_pocket
):
    for i in nb.prange(section.size):
        thread = nb.get_thread_id()
        n = np.random.poisson(need[i] * p_fee[i] / 12)
        fees = 0
        for _ in range(n):
            fees += _bill(fee, log_sd)
        shock = 1 + shock_sd * math.sqrt(12) * (np.random.random() - 0.5)
        cash[i] = max(0, round(laid_aside * income[i] * shock) - fees)
        visits[thread, section[i]] += n
        out_of_pocket[thread, section[i]] += fees


@nb.njit(nogil=True, parallel=True, cache=True)
def _visit_from_february(  # type: ignore[no-untyped-def]
    section, need, p_fee, p_member, member, share, fee, cost, log_sd, copayment, insured, uninsured,
    out_of_pocket, claims,
):  # fmt: skip
    for i in nb.prange(section.size):
        thread, s = nb.get_thread_id(), section[i]
        n = np.random.poisson(share * need[i] * (p_member[i] if member[i] else p_fee[i]))
        own = 0
        claimed = 0
        for _ in range(n):
            if member[i]:
                bill = _bill(cost, log_sd)
                part = min(bill, copayment)
                own += part
                claimed += bill - part
            else:
                own += _bill(fee, log_sd)
        if member[i]:
            insured[thread, s] += n
        else:
            uninsured[thread, s] += n
        out_of_pocket[thread, s] += own
        claims[thread, s] += claimed


@nb.njit(nogil=True, parallel=True, cache=True)
def _count_recent(section, recent, found):  # type: ignore[no-untyped-def]
    for i in nb.prange(section.size):
        if recent[i]:
            found[nb.get_thread_id(), section[i]] += 1


@nb.njit(nogil=True, parallel=True, cache=True)
def _decide(  # type: ignore[no-untyped-def]
    tick, section, size, need, taste, income, relative, p_fee, p_member, cash, peers, member, recent,
    barred_until, loan, premium, intercept, slope, gradient, access_value, peer_weight, inertia, fee, cost,
    copayment, share, interest_rate, covered, contributions,
):  # fmt: skip
    for i in nb.prange(section.size):
        due = premium * size[i]
        saved = need[i] * (p_fee[i] * fee - p_member[i] * copayment)
        access = access_value * need[i] * (p_member[i] - p_fee[i]) * cost
        gain = share * (saved + access) - due
        consumption = 12.0 * income[i]
        utility = intercept + slope * gain / consumption + gradient * relative[i] + taste[i]
        utility += peer_weight * peers[section[i]] + (inertia if member[i] else 0.0)
        u = np.random.random()
        joins = u < 1 / (1 + math.exp(-utility))
        loan[i] = 0
        short = due - cash[i]
        if joins and short > 0:
            dear = utility - slope * round(short * interest_rate) / consumption
            joins = tick > barred_until[i] and u < 1 / (1 + math.exp(-dear))
            if joins:
                loan[i] = short
        recent[i] = member[i] or joins
        member[i] = joins
        if joins:
            covered[nb.get_thread_id(), section[i]] += size[i]
            contributions[nb.get_thread_id(), section[i]] += due


@nb.njit(nogil=True, parallel=True, cache=True)
def _collect(  # type: ignore[no-untyped-def]
    tick, section, loan, barred_until, share, instalments, years_barred, loans, lent, defaults, lost
):
    for i in nb.prange(section.size):
        if loan[i] == 0:
            continue
        thread, s = nb.get_thread_id(), section[i]
        loans[thread, s] += 1
        lent[thread, s] += loan[i]
        if np.random.random() < share:
            paid = math.floor(np.random.random() * instalments)
            defaults[thread, s] += 1
            lost[thread, s] += round(loan[i] * (1 - paid / instalments))
            barred_until[i] = tick + years_barred


class Income:
    """The household's month of income, and its yearly change."""

    def __init__(self, model: Model, position: Any) -> None:
        self.model = model
        model.people.add_scalar_property("position", dtype=np.float32)
        model.people.add_scalar_property("income", dtype=np.int32)
        model.people.add_scalar_property("relative", dtype=np.float32)
        model.people.position[:] = position

    def step(self, tick: int) -> None:
        """Set the income of the year, from the second year on after its change."""
        people, p = self.model.people, self.model.params
        if tick > 0:
            _change_position(people.position, p.persistence)
        _earn(people.position, people.size, people.income, people.relative, p.mean_consumption, p.log_sd)


class Fees:
    """Visits of January, which nobody has cover for, and the cash that they leave."""

    def __init__(self, model: Model) -> None:
        self.model = model
        model.people.add_scalar_property("p_fee", dtype=np.float32)
        model.people.add_scalar_property("p_member", dtype=np.float32)
        model.people.add_scalar_property("cash", dtype=np.int32)

    def step(self, tick: int) -> None:
        """Seek care in January and pay for it."""
        people, p = self.model.people, self.model.params
        _seek(
            people.income, people.p_fee, people.p_member, p.seek_intercept, p.seek_price, p.fee, p.copayment
        )
        visits, out_of_pocket = self.model.tallies(2)
        _visit_in_january(
            people.section, people.need, people.p_fee, people.income, people.cash, p.fee, p.bill_log_sd,
            p.laid_aside, p.shock_sd, visits, out_of_pocket,
        )  # fmt: skip
        self.model.count(tick, visits_uninsured=visits, out_of_pocket=out_of_pocket)


class Enrolment:
    """The wish for cover, and cash or a loan to pay for it."""

    def __init__(self, model: Model, taste: Any) -> None:
        self.model = model
        model.people.add_scalar_property("taste", dtype=np.float32)
        model.people.add_scalar_property("member", dtype=np.bool_, default=False)
        model.people.add_scalar_property("recent", dtype=np.bool_, default=False)
        model.people.add_scalar_property("barred_until", dtype=np.int32, default=-1)
        model.people.add_scalar_property("loan", dtype=np.int32)
        model.people.taste[:] = taste

    def step(self, tick: int) -> None:
        """Let households decide."""
        people, p = self.model.people, self.model.params
        found, covered, contributions = self.model.tallies(3)
        _count_recent(people.section, people.recent, found)
        peers = found.sum(axis=0) / self.model.nodes.households
        _decide(
            tick, people.section, people.size, people.need, people.taste, people.income, people.relative,
            people.p_fee, people.p_member, people.cash, peers, people.member, people.recent,
            people.barred_until, people.loan, p.premium, p.intercept, p.price_slope, p.income_gradient,
            p.access_value, p.peers, p.inertia, p.fee, p.cost, p.copayment, p.cover_share,
            p.interest * (p.instalments + 1) / 24, covered, contributions,
        )  # fmt: skip
        self.model.count(tick, covered=covered, contributions=contributions)


class Care:
    """Visits from February on, their bills and claims."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def step(self, tick: int) -> None:
        """Seek care for the rest of the year."""
        people, p = self.model.people, self.model.params
        insured, uninsured, out_of_pocket, claims = self.model.tallies(4)
        _visit_from_february(
            people.section, people.need, people.p_fee, people.p_member, people.member, p.cover_share, p.fee,
            p.cost, p.bill_log_sd, p.copayment, insured, uninsured, out_of_pocket, claims,
        )  # fmt: skip
        self.model.count(
            tick,
            visits_insured=insured,
            visits_uninsured=uninsured,
            out_of_pocket=out_of_pocket,
            claims=claims,
        )


class Loans:
    """The fate of loans."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def step(self, tick: int) -> None:
        """Collect the loans of the year."""
        people, p = self.model.people, self.model.params
        loans, lent, defaults, lost = self.model.tallies(4)
        _collect(
            tick, people.section, people.loan, people.barred_until, p.default_share, p.instalments,
            p.years_barred, loans, lent, defaults, lost,
        )  # fmt: skip
        self.model.count(tick, loans=loans, lent=lent, defaults=defaults, lost=lost)


class Fund:
    """The section's account."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def step(self, tick: int) -> None:
        """Add premiums less administration, take off claims."""
        nodes = self.model.nodes
        before = nodes.fund[tick - 1] if tick > 0 else 0
        administration = np.rint(self.model.params.administration * nodes.contributions[tick])
        nodes.fund[tick] = before + nodes.contributions[tick] - administration - nodes.claims[tick]


class Model:
    """Frames of people and sections, and the components in the order of a year."""

    def __init__(self, params: PropertySet, people: People) -> None:
        self.params = params
        self.people = LaserFrame(capacity=people.n)
        self.people.add_scalar_property("section", dtype=np.int32)
        self.people.add_scalar_property("size", dtype=np.int32)
        self.people.add_scalar_property("need", dtype=np.float32)
        self.people.section[:] = people.section
        self.people.size[:] = people.size
        self.people.need[:] = params.need * people.size * people.need
        self.nodes = LaserFrame(capacity=people.sections)
        self.nodes.add_scalar_property("households", dtype=np.int32)
        self.nodes.households[:] = np.bincount(people.section)
        for name in COUNTED:
            self.nodes.add_vector_property(name, length=params.nticks, dtype=np.int64)
        self.components: Sequence[Any] = (
            Income(self, people.position),
            Fees(self),
            Enrolment(self, people.taste),
            Care(self),
            Loans(self),
            Fund(self),
        )

    def tallies(self, n: int) -> list[Any]:
        """Return empty tallies by thread and section."""
        return [np.zeros((nb.get_num_threads(), self.nodes.count), dtype=np.int64) for _ in range(n)]

    def count(self, tick: int, **tallies: Any) -> None:
        """Add tallies of all threads to what sections count."""
        for name, tally in tallies.items():
            getattr(self.nodes, name)[tick] += tally.sum(axis=0)

    def run(self) -> None:
        """Run all ticks."""
        for tick in range(self.params.nticks):
            for component in self.components:
                component.step(tick)


def simulate(rules: Rules, people: People, seed: int) -> Counts:
    """Return what the reduced model counts, by year and district."""
    laser.core.random.seed(seed)
    derived = {"nticks": rules.years, "log_sd": rules.log_sd, "cover_share": rules.cover_share}
    model = Model(PropertySet(asdict(rules), derived), people)
    model.run()
    return by_district({name: getattr(model.nodes, name).astype(float) for name in COUNTED})
