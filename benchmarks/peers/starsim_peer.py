"""The reduced model with Starsim: an agent a household, a module with states, distributions and results.

Written as Starsim's tutorials teach: parameters and distributions by ``define_pars``, traits by
``define_states``, draws by agent with ``rvs(uids)`` (which Starsim makes common random numbers), whole-array
expressions in ``step``. Bills are several an agent, for which Starsim has no draw by agent: they are drawn by
number. Needs the package ``starsim``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import starsim as ss

from peers.definition import FIRST_YEAR, Counts, People, Rules, by_district, empty_counts


class Scheme(ss.Module):
    """Insurance schemes of sections."""

    def __init__(self, rules: Rules, households: People) -> None:
        super().__init__()
        self.rules = rules
        self.households = households
        log_sd = rules.bill_log_sd
        self.define_pars(
            shock=ss.uniform(low=-0.5, high=0.5),
            visits_january=ss.poisson(lam=lambda module, sim, uids: module.expected_january[uids]),
            visits=ss.poisson(lam=lambda module, sim, uids: module.expected[uids]),
            bill=ss.lognorm_im(mean=-0.5 * log_sd**2, sigma=log_sd),
            taste_of_year=ss.random(),
            default=ss.bernoulli(p=rules.default_share),
            stops=ss.random(),
            innovation=ss.normal(loc=0.0, scale=np.sqrt(1 - rules.persistence**2)),
        )
        self.define_states(
            ss.FloatArr("section"),
            ss.FloatArr("size"),
            ss.FloatArr("position"),
            ss.FloatArr("need"),
            ss.FloatArr("taste"),
            ss.FloatArr("income"),
            ss.FloatArr("relative"),
            ss.FloatArr("p_fee"),
            ss.FloatArr("p_member"),
            ss.FloatArr("expected_january"),
            ss.FloatArr("expected"),
            ss.FloatArr("cash"),
            ss.FloatArr("loan"),
            ss.FloatArr("barred_until", default=-1),
            ss.BoolArr("member", default=False),
            ss.BoolArr("recent", default=False),
        )

    def init_post(self) -> None:
        """Fill in the households' traits."""
        super().init_post()
        given = self.households
        self.section[:] = given.section
        self.size[:] = given.size
        self.position[:] = given.position
        self.need[:] = self.rules.need * given.size * given.need
        self.taste[:] = given.taste
        self.counts = empty_counts(self.rules, given.sections)
        self.households_of_section = np.bincount(given.section)
        self.fund = np.zeros(given.sections)

    def sum_by_section(self, values: Any, uids: Any = None) -> Any:
        """Return a sum over the agents of each section."""
        section = self.section.values if uids is None else self.section[uids]
        n = self.households.sections
        return np.bincount(section.astype(int), weights=np.asarray(values, dtype=float), minlength=n)

    def count(self, **found: Any) -> None:
        """Add what was found by section to the counts of this year."""
        for name, values in found.items():
            self.counts[name][self.ti] += values

    def chance_of_seeking(self, price: float) -> Any:
        """Return the probability that an episode leads to a visit at a price."""
        rules = self.rules
        logit = rules.seek_intercept - rules.seek_price * np.log1p(price / (self.income * 12 / 365))
        return 1 / (1 + np.exp(-logit))

    def draw_bills(self, mean: Any, n: int) -> Any:
        """Return the bills of ``n`` visits."""
        return np.rint(mean * self.pars.bill.rvs(n))

    def step(self) -> None:
        """Run one year."""
        self.earn()
        self.pay_fees()
        self.decide()
        self.seek_care()
        self.repay()
        self.settle()
        uids = self.sim.people.auids
        self.position[uids] = self.rules.persistence * self.position[uids] + self.pars.innovation.rvs(uids)

    def earn(self) -> None:
        """Set the income of the year and the chances of seeking care that follow from it."""
        rules, uids = self.rules, self.sim.people.auids
        self.relative[uids] = rules.log_sd * self.position - 0.5 * rules.log_sd**2
        self.income[uids] = np.rint(rules.mean_consumption * np.exp(self.relative) * self.size / 12)
        self.p_fee[uids] = self.chance_of_seeking(rules.fee)
        self.p_member[uids] = self.chance_of_seeking(rules.copayment)

    def pay_fees(self) -> None:
        """Seek care in January without cover; keep what is left of the cash laid aside."""
        rules, uids = self.rules, self.sim.people.auids
        self.expected_january[uids] = self.need * self.p_fee / 12
        visits = self.pars.visits_january.rvs(uids)
        payer = np.repeat(np.arange(len(uids)), visits)
        bills = self.draw_bills(rules.fee, len(payer))
        fees = np.bincount(payer, weights=bills, minlength=len(uids))
        shock = 1 + rules.shock_sd * np.sqrt(12) * self.pars.shock.rvs(uids)
        self.cash[uids] = np.maximum(0, np.rint(rules.laid_aside * self.income * shock) - fees)
        self.count(visits_uninsured=self.sum_by_section(visits), out_of_pocket=self.sum_by_section(fees))

    def utility(self) -> Any:
        """Return the utility of a year's cover bought from cash."""
        rules = self.rules
        saved = self.need * (self.p_fee * rules.fee - self.p_member * rules.copayment)
        access = rules.access_value * self.need * (self.p_member - self.p_fee) * rules.cost
        gain = rules.cover_share * (saved + access) - rules.premium * self.size
        peers = (self.sum_by_section(self.recent) / self.households_of_section)[
            self.section.values.astype(int)
        ]
        return (
            rules.intercept
            + rules.price_slope * gain / (12 * self.income)
            + rules.income_gradient * self.relative
            + rules.peers * peers
            + rules.inertia * self.member
            + self.taste
        )

    def decide(self) -> None:
        """Wish for cover, and pay for it from cash or with a loan."""
        rules, uids = self.rules, self.sim.people.auids
        utility = self.utility()
        taste = self.pars.taste_of_year.rvs(uids)
        due = rules.premium * self.size
        short = np.maximum(0, due - self.cash)
        interest = np.rint(short * rules.interest * (rules.instalments + 1) / 24)
        dear = utility - rules.price_slope * interest / (12 * self.income)
        wishes = taste < 1 / (1 + np.exp(-utility))
        wishes_loan = taste < 1 / (1 + np.exp(-dear))
        borrows = (short > 0) & (self.barred_until < self.ti) & wishes & wishes_loan
        joins = (wishes & (short == 0)) | borrows
        self.loan[uids] = np.where(borrows, short, 0)
        self.recent[uids] = self.member | joins
        self.member[uids] = joins
        self.count(
            covered=self.sum_by_section(np.where(joins, self.size, 0)),
            contributions=self.sum_by_section(np.where(joins, due, 0)),
        )

    def seek_care(self) -> None:
        """Seek care from February to December."""
        rules, uids = self.rules, self.sim.people.auids
        self.expected[uids] = rules.cover_share * self.need * np.where(self.member, self.p_member, self.p_fee)
        visits = self.pars.visits.rvs(uids)
        patient = np.repeat(uids, visits)
        insured = self.member[patient]
        bills = self.draw_bills(np.where(insured, rules.cost, rules.fee), len(patient))
        own = np.where(insured, np.minimum(bills, rules.copayment), bills)
        self.count(
            visits_insured=self.sum_by_section(np.where(self.member, visits, 0)),
            visits_uninsured=self.sum_by_section(np.where(self.member, 0, visits)),
            out_of_pocket=self.sum_by_section(own, patient),
            claims=self.sum_by_section(bills - own, patient),
        )

    def repay(self) -> None:
        """Let borrowers repay their loans, or fail to."""
        rules = self.rules
        borrowers = (self.loan > 0).uids
        hit = self.pars.default.filter(borrowers)
        paid = np.floor(self.pars.stops.rvs(hit) * rules.instalments)
        self.barred_until[hit] = self.ti + rules.years_barred
        self.count(
            loans=self.sum_by_section(np.ones(len(borrowers)), borrowers),
            lent=self.sum_by_section(self.loan[borrowers], borrowers),
            defaults=self.sum_by_section(np.ones(len(hit)), hit),
            lost=self.sum_by_section(np.rint(self.loan[hit] * (1 - paid / rules.instalments)), hit),
        )

    def settle(self) -> None:
        """Settle the year's premiums and claims."""
        contributions = self.counts["contributions"][self.ti]
        administration = np.rint(self.rules.administration * contributions)
        self.fund += contributions - administration - self.counts["claims"][self.ti]
        self.count(fund=self.fund)


def simulate(rules: Rules, people: People, seed: int) -> Counts:
    """Return what the reduced model counts, by year and district."""
    scheme = Scheme(rules, people)
    sim = ss.Sim(
        n_agents=people.n,
        start=FIRST_YEAR,
        stop=FIRST_YEAR + rules.years - 1,
        dt=ss.years(1),
        rand_seed=seed,
        modules=scheme,
        copy_inputs=False,
        use_aging=False,
        verbose=0,
    )
    sim.run()
    return by_district(scheme.counts)
