"""The reduced model in NumPy with the engine's months: cash, debt, claims and instalments move every month.

What it counts has the same law as in the yearly programs; the months between are there because the engine has
them, so that a month can be compared with a month.
"""

from __future__ import annotations

import numpy as np

from peers.definition import CASH_IN_HAND, MONTHS, Counts, Numbers, People, Rules, by_district
from peers.numpy_peer import Scheme, interest_of

NEVER = -1


class MonthlyScheme(Scheme):
    """Households and sections that keep accounts by the month."""

    def __init__(self, rules: Rules, people: People, seed: int) -> None:
        super().__init__(rules, people, seed)
        self.cash = np.zeros(self.n)
        self.debt = np.zeros(self.n)
        self.payables = np.zeros(people.sections)
        self.loan = np.zeros(self.n)
        self.instalment = np.zeros(self.n)
        self.left = np.zeros(self.n, dtype=int)  # instalments to come
        self.stops = np.full(self.n, NEVER)  # pays none of the last so many

    def live(self, month: int) -> None:
        """Earn, repay debts and consume."""
        rules = self.rules
        shock = 1 + rules.shock_sd * np.sqrt(12) * (self.rng.random(self.n) - 0.5)
        self.cash += np.rint(self.income * shock)
        if month == 0:
            self.cash = np.rint(rules.laid_aside * self.cash)
            return
        kept = 0 if month == MONTHS - 1 else np.rint(CASH_IN_HAND * self.income)
        surplus = np.maximum(0, self.cash - kept)
        self.debt -= np.minimum(self.debt, surplus)
        self.cash -= surplus

    def pay(self, amount: Numbers) -> None:
        """Take amounts from cash, and borrow what is missing from friends."""
        short = np.maximum(0, amount - self.cash)
        self.debt += short
        self.cash += short - amount

    def take_loans(self, loan: Numbers) -> None:
        """Set the terms and the fate of new loans."""
        rules = self.rules
        new = np.flatnonzero(loan)
        self.loan[new] = loan[new]
        self.cash[new] += loan[new]
        self.instalment[new] = np.ceil((loan + interest_of(rules, loan))[new] / rules.instalments)
        self.left[new] = rules.instalments
        hit = new[self.rng.random(new.size) < rules.default_share]
        self.stops[new] = NEVER
        self.stops[hit] = rules.instalments - np.floor(self.rng.random(hit.size) * rules.instalments)

    def collect(self, year: int) -> None:
        """Collect an instalment of every loan, and write off those that stop."""
        rules = self.rules
        borrows = self.loan > 0
        stopped = borrows & (self.left <= self.stops)
        self.pay(np.where(borrows & ~stopped, self.instalment, 0))
        self.left[borrows] -= 1
        hit = np.flatnonzero(stopped)
        lost = np.rint(self.loan[hit] * (self.left[hit] + 1) / rules.instalments)
        self.counts["defaults"][year] += self.by_section(np.ones(hit.size), hit)
        self.counts["lost"][year] += self.by_section(lost, hit)
        self.barred_until[hit] = year + rules.years_barred
        self.loan[hit] = 0
        self.loan[self.left == 0] = 0

    def pay_claims(self, claims: Numbers) -> None:
        """Pay what the funds owe as far as their money goes."""
        self.payables += claims
        paid = np.minimum(self.payables, self.fund)
        self.payables -= paid
        self.fund -= paid

    def sell_cover(self, year: int) -> None:
        """Let households join, and put their premiums into the funds."""
        loan = self.decide(year, self.cash)
        self.take_loans(loan)
        self.pay(np.where(self.member, self.premium, 0))
        contributions = self.counts["contributions"][year]
        self.fund += contributions - np.rint(self.rules.administration * contributions)

    def run(self) -> Counts:
        """Run all months."""
        nobody = np.zeros(self.n, dtype=bool)
        for t in range(self.rules.years * MONTHS):
            year, month = divmod(t, MONTHS)
            if month == 0:
                self.earn()
            self.live(month)
            own, claimed = self.seek_care(year, nobody if month == 0 else self.member, months=1)
            self.pay(own)
            self.pay_claims(self.by_section(claimed))
            self.collect(year)
            if month == 0:
                self.sell_cover(year)
            if month == MONTHS - 1:
                self.counts["fund"][year] = self.fund - self.payables
                self.change_position()
        return by_district(self.counts)


def simulate(rules: Rules, people: People, seed: int) -> Counts:
    """Return what the reduced model counts, by year and district."""
    return MonthlyScheme(rules, people, seed).run()
