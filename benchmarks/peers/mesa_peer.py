"""The reduced model with Mesa: one agent a household, one a section, stages of a year, a data collector.

Written as Mesa's tutorials teach: agents made by ``create_agents``, ``AgentSet.do`` for each stage in turn, a
``DataCollector`` that asks the section agents. Needs the package ``mesa``.
"""

from __future__ import annotations

import math
from typing import Any

import mesa
import numpy as np

from peers.definition import COUNTED, Counts, People, Rules, by_district


class SectionFund(mesa.Agent):
    """A section: its households' neighbourhood, its fund and what is counted in it."""

    def __init__(self, model: Scheme, households: int) -> None:
        super().__init__(model)
        self.households = households
        self.recent_members = 0
        self.peers = 0.0
        self.fund = 0
        self.open_year()

    def open_year(self) -> None:
        """Forget last year's counts, and show neighbours how many of them were members lately."""
        for name in COUNTED:
            if name != "fund":
                setattr(self, name, 0)
        self.peers = self.recent_members / self.households
        self.recent_members = 0

    def settle(self) -> None:
        """Settle the year's premiums and claims."""
        administration = round(self.model.rules.administration * self.contributions)
        self.fund += self.contributions - administration - self.claims


class Household(mesa.Agent):
    """A household that earns, falls ill, and may join the scheme of its section."""

    def __init__(
        self, model: Scheme, section: SectionFund, size: int, position: float, need: float, taste: float
    ) -> None:
        super().__init__(model)
        self.section = section
        self.size = size
        self.position = position
        self.need = model.rules.need * size * need
        self.taste = taste
        self.member = False
        self.barred_until = -1
        self.loan = 0

    def earn(self) -> None:
        """Set the income of the year and the chances of seeking care that follow from it."""
        rules = self.model.rules
        self.relative = rules.log_sd * self.position - 0.5 * rules.log_sd**2
        self.income = round(rules.mean_consumption * math.exp(self.relative) * self.size / 12)
        self.p_fee = self.chance_of_seeking(rules.fee)
        self.p_member = self.chance_of_seeking(rules.copayment)

    def chance_of_seeking(self, price: float) -> float:
        """Return the probability that an episode leads to a visit at a price."""
        rules = self.model.rules
        per_day = self.income * 12 / 365
        return 1 / (1 + math.exp(-rules.seek_intercept + rules.seek_price * math.log(1 + price / per_day)))

    def draw_bill(self, mean: float) -> int:
        """Return the bill of a visit."""
        log_sd = self.model.rules.bill_log_sd
        return round(mean * self.random.lognormvariate(-0.5 * log_sd**2, log_sd))

    def pay_fees(self) -> None:
        """Seek care in January without cover; keep what is left of the cash laid aside."""
        rules = self.model.rules
        visits = self.model.rng.poisson(self.need * self.p_fee / 12)
        fees = sum(self.draw_bill(rules.fee) for _ in range(visits))
        shock = 1 + rules.shock_sd * math.sqrt(12) * (self.random.random() - 0.5)
        self.cash = max(0, round(rules.laid_aside * self.income * shock) - fees)
        self.section.visits_uninsured += visits
        self.section.out_of_pocket += fees

    def utility(self) -> float:
        """Return the utility of a year's cover bought from cash."""
        rules = self.model.rules
        saved = self.need * (self.p_fee * rules.fee - self.p_member * rules.copayment)
        access = rules.access_value * self.need * (self.p_member - self.p_fee) * rules.cost
        gain = rules.cover_share * (saved + access) - rules.premium * self.size
        return (
            rules.intercept
            + rules.price_slope * gain / (12 * self.income)
            + rules.income_gradient * self.relative
            + rules.peers * self.section.peers
            + rules.inertia * self.member
            + self.taste
        )

    def decide(self) -> None:
        """Wish for cover, and pay for it from cash or with a loan."""
        rules = self.model.rules
        utility = self.utility()
        taste = self.random.random()
        joins = taste < 1 / (1 + math.exp(-utility))
        due = rules.premium * self.size
        short = max(0, due - self.cash)
        self.loan = 0
        if joins and short > 0:
            interest = round(short * rules.interest * (rules.instalments + 1) / 24)
            dear = utility - rules.price_slope * interest / (12 * self.income)
            joins = self.model.year > self.barred_until and taste < 1 / (1 + math.exp(-dear))
            if joins:
                self.loan = short
        if joins or self.member:
            self.section.recent_members += 1
        self.member = joins
        if joins:
            self.section.covered += self.size
            self.section.contributions += due

    def seek_care(self) -> None:
        """Seek care from February to December."""
        rules = self.model.rules
        chance = self.p_member if self.member else self.p_fee
        visits = self.model.rng.poisson(rules.cover_share * self.need * chance)
        if not self.member:
            self.section.visits_uninsured += visits
            self.section.out_of_pocket += sum(self.draw_bill(rules.fee) for _ in range(visits))
            return
        self.section.visits_insured += visits
        for _ in range(visits):
            bill = self.draw_bill(rules.cost)
            own = min(bill, rules.copayment)
            self.section.out_of_pocket += own
            self.section.claims += bill - own

    def repay(self) -> None:
        """Repay the loan, or fail to."""
        if self.loan == 0:
            return
        rules = self.model.rules
        self.section.loans += 1
        self.section.lent += self.loan
        if self.random.random() < rules.default_share:
            paid = int(self.random.random() * rules.instalments)
            self.section.defaults += 1
            self.section.lost += round(self.loan * (1 - paid / rules.instalments))
            self.barred_until = self.model.year + rules.years_barred

    def change_income(self) -> None:
        """Move to next year's position in income."""
        persistence = self.model.rules.persistence
        innovation = math.sqrt(1 - persistence**2)
        self.position = persistence * self.position + innovation * self.random.gauss(0.0, 1.0)


class Scheme(mesa.Model):
    """Sections and their households."""

    def __init__(self, rules: Rules, people: People, seed: int) -> None:
        super().__init__(seed=seed)
        self.rules = rules
        self.year = 0
        SectionFund.create_agents(self, people.sections, np.bincount(people.section).tolist())
        self.sections = self.agents_by_type[SectionFund]
        sections = list(self.sections)
        Household.create_agents(
            self,
            people.n,
            [sections[s] for s in people.section],
            people.size.tolist(),
            people.position.tolist(),
            people.need.tolist(),
            people.taste.tolist(),
        )
        self.households = self.agents_by_type[Household]
        self.datacollector = mesa.DataCollector(
            agenttype_reporters={SectionFund: {name: name for name in COUNTED}}
        )

    def step(self) -> None:
        """Run one year, stage by stage."""
        self.sections.do("open_year")
        for stage in ("earn", "pay_fees", "decide", "seek_care", "repay", "change_income"):
            self.households.do(stage)
        self.sections.do("settle")
        self.datacollector.collect(self)
        self.year += 1


def simulate(rules: Rules, people: People, seed: int) -> Counts:
    """Return what the reduced model counts, by year and district."""
    model = Scheme(rules, people, seed)
    for _ in range(rules.years):
        model.step()
    found: Any = model.datacollector.get_agenttype_vars_dataframe(SectionFund)
    shape = (rules.years, people.sections)
    return by_district({name: found[name].to_numpy(dtype=float).reshape(shape) for name in COUNTED})
