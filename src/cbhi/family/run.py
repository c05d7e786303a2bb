"""One family followed through a run: the engine stepped month by month, its notes read in between.

The family is watched as a survey's panel is, so that every payment and event that was booked because of it is
its own; nothing else of the run changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cbhi.coins import (
    MONEY_OF_CHOICES,
    MONEY_OF_HOUSEHOLDS,
    MONEY_TALLIES,
    in_francs,
    record_in_francs,
)
from cbhi.family.choices import outcome_of, wishes_of
from cbhi.kernels import codes
from cbhi.kernels.enrolment import group_gate, is_kept_waiting, may_buy
from cbhi.kernels.notes import N_CHOICES
from cbhi.kernels.records import I8, Choice, Output
from cbhi.kernels.targeting import rank_households
from cbhi.layouts import Layout
from cbhi.months import format_month
from cbhi.replicates import Engine, begin_replicate, make_watch, run_between
from cbhi.scenarios import Scenario

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CATEGORIES",
    "CHOICE_COLUMNS",
    "MEMBER_COLUMNS",
    "MOVED",
    "PAID",
    "PAYMENT_COLUMNS",
    "RECEIVED",
    "Engine",
    "Followed",
    "follow",
    "month_columns",
    "prepare",
    "records_of",
    "step",
]

CATEGORIES = ("poorest", "middle", "rich")
_SEXES = ("man", "woman")
_MEANS = {codes.BY_CASH: "cash", codes.BY_GROUP: "association", codes.BY_LOAN: "loan"}


def _columns(named: dict[str, tuple[int, ...]], side: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Return column to flows; a flow that has no column of its own keeps its name."""
    known = {kind for kinds in named.values() for kind in kinds}
    mine = [kind for kind in range(codes.N_FLOWS) if side[kind] == codes.HOUSEHOLDS and kind not in known]
    return named | {codes.FLOWS[kind][0]: (kind,) for kind in mine}


RECEIVED = _columns(
    {"earned": (codes.INCOME,), "informal_loan": (codes.INFORMAL_LOAN,), "loan": (codes.LOAN,)},
    codes.FLOW_PAYEE,
)
"""Column of the months to the flows that bring the family cash."""

PAID = _columns(
    {
        "consumed": (codes.CONSUMPTION,),
        "premium": (codes.CONTRIBUTION,),
        "copayments": (codes.COPAYMENT_HEALTH_CENTRE, codes.COPAYMENT_HOSPITAL),
        "fees": (codes.FEE_HEALTH_CENTRE, codes.FEE_HOSPITAL),
        "saved_with_group": (codes.GROUP_SAVING,),
        "informal_repaid": (codes.INFORMAL_REPAYMENT,),
        "loan_repaid": (codes.LOAN_REPAYMENT,),
        "loan_interest": (codes.LOAN_INTEREST,),
        "formal_contribution": (codes.FORMAL_CONTRIBUTION,),
        "penalty": (codes.PENALTY,),
        "estate": (codes.ESTATE,),
    },
    codes.FLOW_PAYER,
)
"""Column of the months to the flows that take cash from the family."""

MOVED = ("moved_by_marriage", "paid_for_group_members", "paid_by_group_members")
"""Cash that moves between families, which is no flow of the accounts."""

_BY_OTHERS = {
    "premium_by_group": (codes.GROUP_CONTRIBUTION,),
    "premium_sponsored": (codes.SUBSIDY_STATE, codes.SUBSIDY_DONOR, codes.SUBSIDY_NGO, codes.SUBSIDY_POOL),
}
_EVENTS = {
    "episodes": (codes.EPISODES,),
    "contacts_wanted": (codes.CONTACTS_WANTED,),
    "visits": (codes.VISITS_INSURED, codes.VISITS_UNINSURED, codes.VISITS_FORMAL),
    "visits_insured": (codes.VISITS_INSURED,),
    "admissions": (codes.ADMISSIONS,),
    "forgone_unsought": (codes.FORGONE_UNSOUGHT,),
    "forgone_capacity": (codes.FORGONE_CAPACITY,),
    "forgone_refused": (codes.FORGONE_REFUSED,),
    "forgone_cash": (codes.FORGONE_CASH,),
    "births": (codes.BIRTHS,),
    "deaths": (codes.DEATHS,),
    "enrolments": (codes.ENROLMENTS,),
    "penalties": (codes.PENALTIES,),
    "gate_refusals": (codes.GATE_REFUSALS,),
    "loans_refused": (codes.LOANS_REFUSED,),
    "loan_months_late": (codes.LOAN_MONTHS_LATE,),
    "loan_defaults": (codes.LOAN_DEFAULTS,),
}
_STATUS = (
    "cover", "insured", "cover_from", "cover_until", "lapsed", "paid_by", "has_slot", "quintile", "category",
    "listed_category", "association", "consumption_per_month", "kept_waiting",
)  # fmt: skip
MEMBER_COLUMNS = ["member", "sex", "born", "age", "chronic", "came", "chronic_since", "left"]
PAYMENT_COLUMNS = ["month", "flow", "payer", "payee", "purpose", "value_rwf", "cash_rwf"]
CHOICE_COLUMNS = [
    "month", "who",
    *(name for name in Choice.__annotations__ if name not in ("month", "watched", "means")),
    "own_part_rwf", "means", "wishes", "outcome",
]  # fmt: skip


def month_columns() -> list[str]:
    """Return the columns of the account, in order."""
    money = ["cash_start", *RECEIVED, *PAID, *MOVED, "cash_end", *_BY_OTHERS, "care_billed", "care_by_others"]
    owed = ["informal_debt", "loan_owed", "group_balance"]
    return ["month", *money, *owed, *_EVENTS, "persons", "married_away", "people", *_STATUS]


def records_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table of the account as dictionaries, values as plain Python."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


class Followed(NamedTuple):
    """What was seen of a family, and what the whole run wrote."""

    output: Output
    who: dict[str, Any]
    members: list[dict[str, Any]]
    months: list[dict[str, Any]]
    payments: list[dict[str, Any]]
    choices: list[dict[str, Any]]
    ended: str


class _Snapshot(NamedTuple):
    """The family and its notes at the end of a month."""

    hh: Any
    members: Any
    flows: I8
    tallies: I8
    moved: int
    n_choices: int


def prepare(
    scenario: Scenario, layout: Layout, seed: int, replicate: int, rows: int, choices: int, share: float = 0.0
) -> Engine:
    """Return a run before its first month, households ranked as that month will rank them.

    Parameters
    ----------
    scenario, layout, seed, replicate
        As in a run of ``simulate``.
    rows
        Room for watched households.
    choices
        Room for decisions that are written down.
    share
        Of the households that are watched by lot; 1 for all.
    """
    watch = make_watch(rows, scenario.n_months, choices=choices)
    engine = begin_replicate(scenario, layout, seed, replicate, share, watch)
    first = engine.rules[0]
    # the first month does it once more, with the same outcome
    rank_households(
        engine.state.households, engine.state.sections, first.poorest_share, first.rich_share, engine.work
    )
    return engine


def step(engine: Engine, t: int) -> None:
    """Run month ``t`` of an engine, counted from 0."""
    run_between(engine, t, t + 1)


def follow(engine: Engine, row: int, tick: Callable[[int], None]) -> Followed:
    """Run an engine to its end and write down what one family pays, undergoes and decides.

    Parameters
    ----------
    engine
        A run before its first month, with room for one watched household and its decisions.
    row
        The family's row; it may be founded during the run.
    tick
        Called after each month with the number of months done.
    """
    hh = engine.state.households[row]
    section = _section_of(engine, row)
    who: dict[str, Any] = {}
    people: dict[int, dict[str, Any]] = {}
    months: list[dict[str, Any]] = []
    payments: list[dict[str, Any]] = []
    choices: list[dict[str, Any]] = []
    ended = ""
    before: _Snapshot | None = None
    if hh.alive != 0:
        hh.watched = 1
        who = _describe(engine, row, section, engine.scenario.start, "at the start")
        before = _snapshot(engine, row)
        _count_in(people, before, engine.scenario.start - 1, "at the start")
    for t in range(engine.scenario.n_months):
        now = engine.scenario.start + t
        step(engine, t)
        tick(t + 1)
        if before is None:
            if hh.alive != 0:
                # founded by the marriage of this month, after everything else that happens in it
                hh.watched = 1
                who = _describe(engine, row, section, now, f"founded by a marriage in {format_month(now)}")
                before = _snapshot(engine, row)
                _count_in(people, before, now, "founded it")
            continue
        if ended:
            continue
        after = _snapshot(engine, row)
        month = _month(engine, section, before, after, t)
        months.append(month)
        payments += _payments(before, after, month)
        choices += _choices(engine, before, after, now)
        _move_people(people, before, after, month, now)
        if after.hh.alive == 0:
            why = (
                "its last member died" if month["deaths"] else "its last member married into a new household"
            )
            ended = f"dissolved in {format_month(now)}: {why}"
        before = after
    output = in_francs(engine.output, engine.fixed.coin_rwf)
    return Followed(output, who, list(people.values()), months, payments, choices, ended)


def _section_of(engine: Engine, row: int) -> int:
    return int(np.searchsorted(engine.state.sections["limit"], row, side="right"))


def _snapshot(engine: Engine, row: int) -> _Snapshot:
    watch = engine.state.watch
    coin = engine.fixed.coin_rwf
    tallies = watch.tallies[0].copy()
    tallies[list(MONEY_TALLIES)] *= coin
    return _Snapshot(
        record_in_francs(engine.state.households[row], MONEY_OF_HOUSEHOLDS, coin),
        engine.state.members[row].copy(),
        watch.flows[0] * coin,
        tallies,
        int(watch.moved[0]) * coin,
        int(watch.used[N_CHOICES]),
    )


def _describe(engine: Engine, row: int, section: int, now: int, since: str) -> dict[str, Any]:
    """Return who a family is when it is first seen."""
    hh = engine.state.households[row]
    sec = engine.state.sections[section]
    opens = int(sec.opens)
    return {
        "section": int(sec.number) + 1,
        "district": int(engine.layout.district_number[sec.district]) + 1,
        "number": int(hh.ordinal),
        "since": since,
        "scheme_opens": format_month(opens) if opens <= engine.scenario.end else "not during the run",
        "persons": int(hh.n_members),
        "quintile": int(hh.quintile) + 1,
        "category": CATEGORIES[int(hh.category)],
        "association": None if int(hh.group) == codes.NO_GROUP else int(hh.group) + 1,
        "formal": bool(hh.formal),
        "distance_km": float(hh.distance_km),
        "consumption_rwf_per_month": int(hh.income) * engine.fixed.coin_rwf,
        "expected_episodes_per_year": float(hh.rate_enrolled) + float(hh.rate_other),
        "taste_logits": float(hh.taste),
        "cash_rwf": int(hh.cash) * engine.fixed.coin_rwf,
    }


def _count_in(people: dict[int, dict[str, Any]], seen: _Snapshot, now: int, joined: str) -> None:
    for k in range(int(seen.hh.n_members)):
        member = seen.members[k]
        number = int(member.ordinal)
        if number not in people:
            people[number] = {
                "member": number,
                "sex": _SEXES[int(member.sex)],
                "born": format_month(int(member.born)),
                "age": (now + 1 - int(member.born)) // 12,
                "chronic": bool(member.chronic),
                "came": joined,
                "chronic_since": "",
                "left": "",
            }


def _move_people(
    people: dict[int, dict[str, Any]], before: _Snapshot, after: _Snapshot, month: dict[str, Any], now: int
) -> None:
    """Note who was born, fell chronically ill, died or married this month."""
    when = format_month(now)
    was = {int(before.members[k].ordinal): before.members[k] for k in range(int(before.hh.n_members))}
    stays = {int(after.members[k].ordinal): after.members[k] for k in range(int(after.hh.n_members))}
    told = []
    gone = [number for number in was if number not in stays]
    how = "died or married" if month["deaths"] and month["married_away"] else "died"
    how = how if month["deaths"] else "married"
    for number in gone:
        age = (now - int(was[number].born)) // 12
        people[number]["left"] = f"{how} in {when}"
        told.append(f"member {number}, a {people[number]['sex']} of {age}, {how}")
    for number, member in stays.items():
        if number in was and member.chronic and not was[number].chronic:
            people[number]["chronic_since"] = when
            told.append(f"member {number} fell chronically ill")
    new = [number for number in stays if number not in was]
    _count_in(people, after, now, f"born in {when}")
    told += [f"member {number} was born" for number in new]
    month["people"] = "; ".join(told)


def _month(engine: Engine, section: int, before: _Snapshot, after: _Snapshot, t: int) -> dict[str, Any]:
    """Return one row of the account."""
    now = engine.scenario.start + t
    flows = after.flows - before.flows
    tallies = after.tallies - before.tallies
    received = {name: int(flows[list(kinds)].sum()) for name, kinds in RECEIVED.items()}
    paid = {name: int(flows[list(kinds)].sum()) for name, kinds in PAID.items()}
    moved = after.moved - before.moved
    for_members = int(tallies[codes.LOAN_COVERED_BY_GROUP])
    expected = int(before.hh.cash) + sum(received.values()) - sum(paid.values()) + moved - for_members
    # under joint liability an association's other members pay a part of what a defaulter still owes
    by_members = int(after.hh.cash) - expected if tallies[codes.LOAN_DEFAULTS] > 0 else 0
    events = {name: int(tallies[list(kinds)].sum()) for name, kinds in _EVENTS.items()}
    billed = int(tallies[codes.BILLED_HEALTH_CENTRE] + tallies[codes.BILLED_HOSPITAL])
    return {
        "month": format_month(now),
        "cash_start": int(before.hh.cash),
        **received,
        **paid,
        **dict(zip(MOVED, (moved, for_members, by_members), strict=True)),
        "cash_end": int(after.hh.cash),
        **{name: int(flows[list(kinds)].sum()) for name, kinds in _BY_OTHERS.items()},
        "care_billed": billed,
        "care_by_others": billed - paid["copayments"] - paid["fees"],
        "informal_debt": int(after.hh.debt),
        "loan_owed": int(after.hh.loan) + int(after.hh.loan_interest),
        "group_balance": int(after.hh.group_balance),
        **events,
        "persons": int(after.hh.n_members),
        "married_away": int(before.hh.n_members)
        + events["births"]
        - events["deaths"]
        - int(after.hh.n_members),
        "people": "",
        **_status(engine, section, before, after, tallies, t),
    }


def _status(
    engine: Engine, section: int, before: _Snapshot, after: _Snapshot, tallies: I8, t: int
) -> dict[str, Any]:
    """Return what the family's cover and standing are in a month."""
    now = engine.scenario.start + t
    hh = after.hh
    had = int(before.hh.cover_from) <= now < int(before.hh.cover_until) and int(before.hh.n_enrolled) > 0
    if hh.formal != 0:
        cover = "formal"
    elif tallies[codes.INSURED] > 0:
        cover = "active"
    elif had and hh.alive != 0:
        cover = "suspended"
    elif int(hh.cover_until) > now + 1:
        cover = "bought"
    else:
        cover = "none"
    bought = hh.alive != 0 and int(hh.cover_until) > now and cover != "formal"
    ended = (
        int(before.hh.cover_until) == now and int(before.hh.n_enrolled) > 0 and cover in ("none", "bought")
    )
    return {
        "cover": cover,
        "insured": int(tallies[codes.INSURED]),
        "cover_from": format_month(int(hh.cover_from)) if bought else "",
        "cover_until": format_month(int(hh.cover_until) - 1) if bought else "",
        "lapsed": _why_lapsed(int(before.hh.standing)) if ended else "",
        "paid_by": _paid_by(after, tallies) if tallies[codes.ENROLMENTS] > 0 else "",
        "has_slot": bool(hh.subsidised) and hh.alive != 0,
        "quintile": int(hh.quintile) + 1,
        "category": CATEGORIES[int(hh.category)],
        "listed_category": CATEGORIES[int(hh.listed_category)],
        "association": -1 if int(hh.group) == codes.NO_GROUP else int(hh.group) + 1,
        "consumption_per_month": int(hh.income),
        "kept_waiting": _is_kept_waiting(engine, section, before, after, t),
    }


def _why_lapsed(standing: int) -> str:
    """Return why cover that has ended was not renewed, as the household's standing tells."""
    return {
        codes.STANDING_UNWILLING: "did not wish to renew",
        codes.STANDING_UNAFFORDABLE: "could not pay",
    }.get(standing, "did not act in time")


def _paid_by(after: _Snapshot, tallies: I8) -> str:
    """Return what paid for the cover bought this month."""
    if tallies[codes.PERSONS_BY_SUBSIDY] > 0:
        return "subsidy"
    own = _MEANS[int(after.hh.financed_by)]
    if own == "cash" and tallies[codes.PREMIUMS_BORROWED] > 0:
        own = "informal loan"
    return f"{own} and subsidy" if after.hh.sponsored != 0 else own


def _is_kept_waiting(engine: Engine, section: int, before: _Snapshot, after: _Snapshot, t: int) -> bool:
    """Return whether an association kept the family from deciding in a month in which it would have."""
    now = engine.scenario.start + t
    hh, cal = after.hh, engine.calendar[t]
    sec = engine.state.sections[section]
    idle = hh.alive == 0 or hh.acts == 0 or hh.formal != 0 or now < sec.opens
    if idle or after.n_choices > before.n_choices or not may_buy(int(hh.cover_until), now, cal):
        return False
    if cal.before_start != 0 and hh.subsidised != 0:
        return False
    return bool(is_kept_waiting(hh, group_gate(hh, sec, engine.state.groups, now, cal, engine.rules[t])))


def _payments(before: _Snapshot, after: _Snapshot, month: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the payments of a month, each with what it adds to the family's cash."""
    rows = []
    for kind in map(int, np.flatnonzero(after.flows != before.flows)):
        name, payer, payee, purpose = codes.FLOWS[kind]
        value = int(after.flows[kind] - before.flows[kind])
        sign = (payee == codes.HOUSEHOLDS) - (payer == codes.HOUSEHOLDS)
        ends = (codes.SECTORS[payer], codes.SECTORS[payee])
        rows.append(_payment(month["month"], name, *ends, purpose, value, sign * value))
    for name, sign in zip(MOVED, (1, -1, 1), strict=True):
        value = month[name]
        if value != 0:
            purpose = "marriage" if name == MOVED[0] else "credit"
            rows.append(
                _payment(month["month"], name, "households", "households", purpose, abs(value), sign * value)
            )
    return rows


def _payment(
    month: str, flow: str, payer: str, payee: str, purpose: str, value: int, cash: int
) -> dict[str, Any]:
    return {
        "month": month,
        "flow": flow,
        "payer": payer,
        "payee": payee,
        "purpose": purpose,
        "value_rwf": value,
        "cash_rwf": cash,
    }


def _choices(engine: Engine, before: _Snapshot, after: _Snapshot, now: int) -> list[dict[str, Any]]:
    """Return the decisions on cover of a month, with what became of each."""
    joined = int(after.tallies[codes.ENROLMENTS] - before.tallies[codes.ENROLMENTS]) > 0
    refused = int(after.tallies[codes.LOANS_REFUSED] - before.tallies[codes.LOANS_REFUSED]) > 0
    renews = int(before.hh.cover_until) > now
    rows = []
    notes = engine.state.watch.choices[before.n_choices : after.n_choices]
    for note in record_in_francs(notes, MONEY_OF_CHOICES, engine.fixed.coin_rwf):
        terms = {name: note[name].item() for name in note.dtype.names if name not in ("month", "watched")}
        outcome = outcome_of(terms, joined, refused, renews)
        who = "family" if terms["member"] < 0 else f"member {terms['member']}"
        rows.append(
            {
                "month": format_month(now),
                "who": who,
                **terms,
                "own_part_rwf": terms["premium_rwf"] - terms["sponsored_rwf"],
                "means": _MEANS.get(terms["means"], "none"),
                "wishes": wishes_of(terms),
                "outcome": outcome,
            }
        )
    return rows
