"""The reduced model in NumPy: an array a trait, whole-array expressions, ``bincount`` for sums by section."""

from __future__ import annotations

import numpy as np

from peers.definition import Counts, Numbers, People, Rules, by_district, empty_counts


def chance_of_seeking(rules: Rules, income: Numbers, price: float) -> Numbers:
    """Return the probability that an episode leads to a visit at a price; ``income`` is a month's."""
    per_day = income * 12 / 365
    return logistic(rules.seek_intercept - rules.seek_price * np.log1p(price / per_day))


def logistic(x: Numbers) -> Numbers:
    """Return the logistic distribution function."""
    return np.asarray(1 / (1 + np.exp(-x)))


def gain_of_cover(
    rules: Rules, need: Numbers, p_fee: Numbers, p_member: Numbers, premium: Numbers
) -> Numbers:
    """Return what a household reckons to gain from a year's cover, francs."""
    saved = need * (p_fee * rules.fee - p_member * rules.copayment)
    access = rules.access_value * need * (p_member - p_fee) * rules.cost
    return rules.cover_share * (saved + access) - premium


def interest_of(rules: Rules, loan: Numbers) -> Numbers:
    """Return the interest of loans, whole francs: that of a balance falling in equal instalments."""
    return np.asarray(np.rint(loan * rules.interest * (rules.instalments + 1) / 24))


class Scheme:
    """Households and sections of one simulation."""

    def __init__(self, rules: Rules, people: People, seed: int) -> None:
        self.rules = rules
        self.rng = np.random.default_rng(seed)
        self.n = people.n
        self.section = people.section
        self.households = np.bincount(people.section)
        self.counts = empty_counts(rules, people.sections)
        self.size = people.size
        self.taste = people.taste
        self.position = people.position.copy()
        self.need = rules.need * people.size * people.need
        self.premium = (rules.premium * people.size).astype(float)
        self.member = np.zeros(self.n, dtype=bool)
        self.recent = np.zeros(self.n, dtype=bool)
        self.barred_until = np.full(self.n, -1)
        self.fund = np.zeros(people.sections)

    def by_section(self, values: Numbers, rows: Numbers | None = None) -> Numbers:
        """Return sums by section over all households, or over the households in ``rows``."""
        section = self.section if rows is None else self.section[rows]
        return np.bincount(section, weights=values, minlength=self.households.size)

    def count(self, year: int, **found: Numbers) -> None:
        """Add what was found by household to the counts of the sections."""
        for name, values in found.items():
            self.counts[name][year] += self.by_section(values)

    def earn(self) -> None:
        """Set the income of the year and the chances of seeking care that follow from it."""
        rules = self.rules
        self.relative = rules.log_sd * self.position - 0.5 * rules.log_sd**2
        self.income = np.rint(rules.mean_consumption * np.exp(self.relative) * self.size / 12)
        self.p_fee = chance_of_seeking(rules, self.income, rules.fee)
        self.p_member = chance_of_seeking(rules, self.income, rules.copayment)

    def seek_care(self, year: int, covered: Numbers, months: int) -> tuple[Numbers, Numbers]:
        """Return what each household pays for the visits of so many months, and what the fund owes for it."""
        rules = self.rules
        expected = months / 12 * self.need * np.where(covered, self.p_member, self.p_fee)
        visits = self.rng.poisson(expected)
        patient = np.repeat(np.arange(self.n), visits)
        insured = covered[patient]
        mean = np.where(insured, rules.cost, rules.fee)
        log_sd = rules.bill_log_sd
        bills = np.rint(mean * self.rng.lognormal(-0.5 * log_sd**2, log_sd, patient.size))
        own = np.where(insured, np.minimum(bills, rules.copayment), bills)
        paid = np.bincount(patient, weights=own, minlength=self.n)
        claimed = np.bincount(patient, weights=bills - own, minlength=self.n)
        insured_visits = np.where(covered, visits, 0)
        self.count(
            year,
            visits_insured=insured_visits,
            visits_uninsured=visits - insured_visits,
            out_of_pocket=paid,
            claims=claimed,
        )
        return paid, claimed

    def draw_cash(self, fees: Numbers) -> Numbers:
        """Return what is left, after the fees, of the cash laid aside in January."""
        rules = self.rules
        shock = 1 + rules.shock_sd * np.sqrt(12) * (self.rng.random(self.n) - 0.5)
        return np.maximum(0, np.rint(rules.laid_aside * self.income * shock) - fees)

    def utility(self) -> Numbers:
        """Return the utility of a year's cover bought from cash."""
        rules = self.rules
        gain = gain_of_cover(rules, self.need, self.p_fee, self.p_member, self.premium)
        peers = self.by_section(self.recent) / self.households
        return (
            rules.intercept
            + rules.price_slope * gain / (12 * self.income)
            + rules.income_gradient * self.relative
            + rules.peers * peers[self.section]
            + rules.inertia * self.member
            + self.taste
        )

    def decide(self, year: int, cash: Numbers) -> Numbers:
        """Let households wish for cover and pay for it from cash or with a loan; return the loans."""
        rules = self.rules
        utility = self.utility()
        taste = self.rng.random(self.n)
        short = np.maximum(0, self.premium - cash)
        dear = utility - rules.price_slope * interest_of(rules, short) / (12 * self.income)
        wishes = taste < logistic(utility)
        borrows = wishes & (short > 0) & (year > self.barred_until) & (taste < logistic(dear))
        joins = wishes & (short == 0) | borrows
        self.recent = self.member | joins
        self.member = joins
        loan = np.where(borrows, short, 0)
        self.count(
            year,
            covered=np.where(joins, self.size, 0),
            contributions=np.where(joins, self.premium, 0),
            loans=borrows,
            lent=loan,
        )
        return loan

    def repay(self, year: int, loan: Numbers) -> None:
        """Let borrowers repay over the year, or fail to."""
        rules = self.rules
        borrowers = np.flatnonzero(loan)
        hit = borrowers[self.rng.random(borrowers.size) < rules.default_share]
        paid = np.floor(self.rng.random(hit.size) * rules.instalments)
        self.barred_until[hit] = year + rules.years_barred
        self.counts["defaults"][year] += self.by_section(np.ones(hit.size), hit)
        self.counts["lost"][year] += self.by_section(np.rint(loan[hit] * (1 - paid / rules.instalments)), hit)

    def settle(self, year: int) -> None:
        """Settle the year's premiums and claims."""
        contributions = self.counts["contributions"][year]
        administration = np.rint(self.rules.administration * contributions)
        self.fund += contributions - administration - self.counts["claims"][year]
        self.counts["fund"][year] = self.fund

    def change_position(self) -> None:
        """Move to next year's position in income."""
        persistence = self.rules.persistence
        innovation = np.sqrt(1 - persistence**2) * self.rng.standard_normal(self.n)
        self.position = persistence * self.position + innovation

    def run(self) -> Counts:
        """Run all years."""
        nobody = np.zeros(self.n, dtype=bool)
        for year in range(self.rules.years):
            self.earn()
            fees, _ = self.seek_care(year, nobody, months=1)
            loan = self.decide(year, self.draw_cash(fees))
            self.seek_care(year, self.member, months=11)
            self.repay(year, loan)
            self.settle(year)
            self.change_position()
        return by_district(self.counts)


def simulate(rules: Rules, people: People, seed: int) -> Counts:
    """Return what the reduced model counts, by year and district."""
    return Scheme(rules, people, seed).run()
