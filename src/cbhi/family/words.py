"""A family's account in words: month by month, by year, and decision by decision."""

from __future__ import annotations

import html
import textwrap
from typing import TYPE_CHECKING, Any

from cbhi.family.choices import OUTCOMES
from cbhi.family.run import records_of
from cbhi.kernels.enrolment import GATE_BOUND
from cbhi.months import format_month, parse_month
from cbhi.tables import WIDTH, Table

if TYPE_CHECKING:
    import pandas as pd

    from cbhi.family import Family

__all__ = ["check_months", "decisions_as_tables", "notebook_html", "story", "summarise_family", "within"]

Row = dict[str, Any]
_ADULT = 15
_INDENT = " " * 9
# name in the account to what the month's first line says of it
_CAME = {
    "earned": "earned",
    "loan": "lent by the lender",
    "informal_loan": "lent by relatives",
    "paid_by_group_members": "paid on its loan by its association",
}
_WENT = {
    "consumed": "lived on",
    "premium": "premium",
    "copayments": "co-payments",
    "fees": "fees for care",
    "saved_with_group": "saved with its association",
    "informal_repaid": "repaid to relatives",
    "formal_contribution": "formal insurance",
    "penalty": "fine",
    "paid_for_group_members": "paid for defaulters of its association",
    "estate": "left as an estate",
}
_SEEN = ("visits", "forgone_capacity", "forgone_refused", "forgone_cash", "loan_repaid")
# what fills every month
_QUIET = frozenset(("earned", "consumed", "informal_repaid", "saved_with_group", "formal_contribution"))


def check_months(first: str | None, last: str | None, begin: str, end: str) -> None:
    """Refuse a span that is no span, or reaches beyond the months from ``begin`` to ``end``."""
    for word, month in (("first", first), ("last", last)):
        if month is not None:
            parse_month(month)
            if not begin <= month <= end:
                raise ValueError(f"the {word} month, {month}, is outside {begin} to {end}")
    if first is not None and last is not None and first > last:
        raise ValueError(f"the first month, {first}, is after the last, {last}")


def within(frame: pd.DataFrame, family: Family, first: str | None, last: str | None) -> pd.DataFrame:
    """Return the rows of a frame with months from ``first`` to ``last``; see ``Family.story``."""
    run = family.scenario
    check_months(first, last, format_month(run.start), format_month(run.end))
    low, high = first or "", last or "9999-99"
    return frame[(frame["month"] >= low) & (frame["month"] <= high)]


def story(family: Family, first: str | None, last: str | None, everything: bool) -> str:
    """Return the account month by month; see ``Family.story``."""
    choices: dict[str, list[Row]] = {}
    for choice in records_of(family.choices):
        choices.setdefault(choice["month"], []).append(choice)
    lines: list[str] = []
    earlier: Row | None = None
    begin = str(within(family.months, family, first, last)["month"].min())
    for row in records_of(within(family.months, family, None, last)):
        told = _events(row, earlier)
        told += [_decision(choice, row) for choice in choices.get(row["month"], ())]
        if row["enrolments"]:
            told.append(_bought(row))
        if row["month"] >= begin and (everything or told or _is_eventful(row)):
            told = [*_care(row), *told]
            lines += textwrap.wrap(f"{row['month']}  {_money(row)}", WIDTH, subsequent_indent=_INDENT)
            for text in told:
                lines += textwrap.wrap(
                    f"- {text}", WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT + "  "
                )
        earlier = row
    if family.ended and (last is None or last >= family.ended.split()[2].rstrip(":")):
        lines.append(family.ended)
    return "\n".join(lines) or "nothing but earning, living, repaying relatives and illness without care"


def _is_eventful(row: Row) -> bool:
    return any(row[name] for name in (*_CAME, *_WENT, *_SEEN) if name not in _QUIET)


def _money(row: Row) -> str:
    """Return the cash of a month: what came, what went."""
    came = [f"{words} {row[name]:,}" for name, words in _CAME.items() if row[name]]
    went = [f"{words} {row[name]:,}" for name, words in _WENT.items() if row[name]]
    if row["loan_repaid"] or row["loan_interest"]:
        went.append(f"instalment {row['loan_repaid'] + row['loan_interest']:,}")
    moved = row["moved_by_marriage"]
    if moved:
        (came if moved > 0 else went).append(
            f"{'brought' if moved > 0 else 'taken along'} by marriage {abs(moved):,}"
        )
    owed = [
        f"{words} {row[name]:,}"
        for name, words in (("informal_debt", "relatives"), ("loan_owed", "the lender"))
        if row[name]
    ]
    said = f"cash {row['cash_start']:,} -> {row['cash_end']:,}: {', '.join([*came, *went])}"
    return f"{said}; owes {' and '.join(owed)}" if owed else said


def _care(row: Row) -> list[str]:
    """Return who fell ill and what became of it."""
    if not row["episodes"]:
        return []
    parts = []
    if row["visits"]:
        cover = {0: "without cover", row["visits"]: "with cover"}.get(
            row["visits_insured"], f"{row['visits_insured']} with cover"
        )
        cover = "formal cover" if row["cover"] == "formal" else cover
        hospital = f", {row['admissions']} in hospital" if row["admissions"] else ""
        own = row["copayments"] + row["fees"]
        parts.append(
            f"{_count(row['visits'], 'visit')} {cover}{hospital}: billed {row['care_billed']:,}, the family"
            f" pays {own:,}" + (f", others {row['care_by_others']:,}" if row["care_by_others"] else "")
        )
    for name, words in (
        ("forgone_unsought", "sought no care"),
        ("forgone_capacity", "turned away for want of a place"),
        ("forgone_refused", "turned away because of the scheme's arrears"),
        ("forgone_cash", "could not raise the money for care"),
    ):
        if row[name]:
            parts.append(f"{row[name]} {words}")
    return [f"{row['episodes']} fell ill: {'; '.join(parts)}"]


def _events(row: Row, earlier: Row | None) -> list[str]:
    """Return what else happened: people, slots, cover that began or ended, mandate, loans."""
    told = [row["people"]] if row["people"] else []
    if earlier is not None and row["persons"]:
        if row["has_slot"] != earlier["has_slot"]:
            told.append("gets a subsidy slot" if row["has_slot"] else "no longer holds a subsidy slot")
        if row["association"] != earlier["association"]:
            told.append(f"joins association {row['association']}" if row["association"] > 0 else "leaves it")
        began = row["cover"] != earlier["cover"]
        if began and row["cover"] in ("active", "suspended", "formal"):
            told.append(
                {
                    "active": f"benefits begin for {row['insured']} of {row['persons']} members",
                    "suspended": "the scheme has suspended its benefits",
                    "formal": "now has formal cover, through employment",
                }[row["cover"]]
            )
        elif began and earlier["cover"] == "formal":
            told.append("formal cover ends")
    if row["lapsed"]:
        told.append(f"cover has ended: {row['lapsed']}")
    if row["gate_refusals"]:
        told.append("is refused a public service for having no cover")
    if row["loan_months_late"]:
        told.append("is behind with its loan")
    if row["loan_defaults"]:
        told.append("defaults on its loan; what is left is written off")
    if row["kept_waiting"]:
        told.append("notices the scheme, but its association has not agreed on cover yet")
    return told


def _decision(choice: Row, row: Row) -> str:
    """Return one decision: what it weighed, whether it wished, and what came of it."""
    who = "weighs cover" if choice["who"] == "family" else f"{choice['who']} weighs cover"
    months = round(12 * choice["cover_share"])
    sponsored = f", sponsors {choice['sponsored_rwf']:,}" if choice["sponsored_rwf"] else ""
    head = (
        f"{who} for {months} months: own part {choice['own_part_rwf']:,}{sponsored}, gain"
        f" {_signed(choice['gain_rwf'])} RWF"
    )
    odds = f"p {choice['probability']:.2f}, draw {choice['draw']:.2f}"
    if choice["unasked"]:
        wish = "the authorities register it with its slot, at no cost"
    elif choice["gate"] == GATE_BOUND:
        wish = "its association has voted for cover, and so it is bound"
    elif choice["again"]:
        wish = "still wishes for it, as before in this membership year"
    else:
        wish = f"wishes ({odds})" if choice["wishes"] else f"does not wish ({odds})"
    return f"{head}; {wish}{_result(choice, row)}"


def _result(choice: Row, row: Row) -> str:
    """Return what came of a wish, where that is not said later with what was bought."""
    short = choice["own_part_rwf"] - choice["spare_cash_rwf"]
    has = f"{choice['spare_cash_rwf']:,} above its buffer"
    if choice["outcome"] == "could not pay":
        group = f", its association {choice['group_limit_rwf']:,}" if choice["group_limit_rwf"] else ""
        return f", but cannot pay: it has {has}{group}"
    if choice["outcome"] == "loan too dear":
        return (
            f", but has {has}, and with {choice['loan_cost_rwf']:,} for a loan of {short:,} it does not"
            f" (p {choice['probability_with_loan']:.2f})"
        )
    if choice["outcome"] == "lender refused":
        return f", but has {has}, and the lender refuses a loan of {short:,}"
    return ", but has to join an association first" if choice["outcome"] == "kept waiting" else ""


def _bought(row: Row) -> str:
    """Return what was bought and what paid for it."""
    paid = []
    if row["premium"]:
        how = {"loan": "with the help of a loan", "informal loan": "borrowing from relatives"}
        means = row["paid_by"].removesuffix(" and subsidy")
        paid.append(f"it pays {row['premium']:,} {how.get(means, 'from cash')}")
    if row["premium_by_group"]:
        paid.append(f"its association pays {row['premium_by_group']:,}")
    if row["premium_sponsored"]:
        paid.append(f"sponsors pay {row['premium_sponsored']:,}")
    until = f" that goes on to {row['cover_until']}"
    if row["cover_from"] > row["month"]:
        until = f" from {row['cover_from']} to {row['cover_until']}"
    return f"has cover{until}: {'; '.join(paid) or 'nothing is to pay'}"


def _count(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def _signed(value: float) -> str:
    return f"{round(value) + 0:+,}" if round(value) else "0"


def _member(member: Row) -> str:
    word = {"man": "boy", "woman": "girl"}[member["sex"]] if member["age"] < _ADULT else member["sex"]
    return f"{word} {member['age']}" + (" (chronically ill)" if member["chronic"] else "")


def _facts(family: Family) -> tuple[tuple[str, str], ...]:
    who = family.who
    first = records_of(family.members[~family.members["came"].str.startswith("born")])
    group = f"association {who['association']}" if who["association"] else "no association"
    formal = ", formal cover" if who["formal"] else ""
    return (
        ("Family", f"{who['number']} of section {who['section']}, district {who['district']}"),
        ("Chosen", family.chosen),
        ("Seen", who["since"]),
        ("Members", ", ".join(_member(member) for member in first)),
        ("Standing", f"{who['category']}, quintile {who['quintile']}{formal}"),
        ("Lives on", f"{who['consumption_rwf_per_month']:,} RWF a month"),
        ("Health centre", f"{who['distance_km']:.1f} km away"),
        ("Belongs to", group),
        ("Expects", f"{who['expected_episodes_per_year']:.1f} episodes a year"),
        ("Scheme opens", who["scheme_opens"]),
        ("Run", f"{family.scenario.name}, {family.households:,} households, seed {family.seed},"
                f" replicate {family.replicate}"),
        *_parameters(family),
    )  # fmt: skip


def _parameters(family: Family) -> tuple[tuple[str, str], ...]:
    """Say that a scenario's own values were taken where it carries parameter sets."""
    if not family.sets_left_out:
        return ()
    return (("Parameters", f"the scenario's own values, none of its {family.sets_left_out} parameter sets"),)


def summarise_family(family: Family) -> Table:
    """Return who it is and its account by calendar year; see ``Family.summary``."""
    months = family.months.assign(year=family.months["month"].str[:4])
    months["own_care"] = months["copayments"] + months["fees"]
    months["group_and_sponsors"] = months["premium_by_group"] + months["premium_sponsored"]
    forgone = [name for name in months.columns if name.startswith("forgone_")]
    months["no_care"] = months[forgone].sum(axis=1)
    months["covered"] = (months["insured"] > 0) | (months["cover"] == "formal")
    summed = {
        "earned": ("", "earned"), "consumed": ("lived", "on"), "premium": ("premium", "own"),
        "group_and_sponsors": ("", "others"), "own_care": ("care", "own"), "care_by_others": ("", "others"),
        "episodes": ("", "ill"), "visits": ("", "visits"), "no_care": ("no", "care"),
        "covered": ("months", "cover"),
    }  # fmt: skip
    years = months.groupby("year", sort=True)
    sums, last = years[list(summed)].sum(), years[["persons", "cash_end", "informal_debt"]].last()
    rows = [
        (
            str(year),
            f"{last.loc[year, 'persons']:,}",
            *(f"{sums.loc[year, name]:,}" for name in summed),
            f"{last.loc[year, 'cash_end']:,}",
        )
        for year in sums.index
    ]
    decided = family.choices["outcome"].value_counts()
    told = ", ".join(f"{name} {n}" for name, n in decided.items()) or "none"
    return Table(
        title=f"{family.scenario.name}: one family, in its own francs",
        facts=_facts(family),
        heads=tuple(
            (*left, *(head[place] for head in summed.values()), right)
            for place, (left, right) in enumerate(((("", ""), ""), (("year", "size"), "cash")))
        ),
        rows=tuple(rows),
        notes=(
            "RWF but for size (members), ill (episodes), visits, no care (episodes without) and cover. Own is"
            " what the family paid; others are its association and sponsors, and for care its scheme or"
            " formal insurer. Size and cash at the end of the year.",
            f"Decisions on cover: {told}.",
            *((f"The family {family.ended}.",) if family.ended else ()),
        ),
    )


def decisions_as_tables(family: Family, first: str | None, last: str | None) -> tuple[Table, Table]:
    """Return what cover was worth and what made it wished for; see ``Family.decisions``."""
    choices = records_of(within(family.choices, family, first, last))
    alone = all(choice["who"] == "family" for choice in choices)

    def labels(choice: Row) -> tuple[str, ...]:
        return (choice["month"], *(() if alone else (choice["who"],)))

    heads = ("month",) if alone else ("month", "who")
    worth = {
        "saving_rwf": "saves", "risk_premium_rwf": "risk", "access_rwf": "access", "sanction_rwf": "sanction",
        "own_part_rwf": "own part", "hassle_rwf": "hassle", "gain_rwf": "gain",
    }  # fmt: skip
    first_table = Table(
        title="What cover was worth, RWF, and what came of it",
        heads=((*heads, "outcome", "years", "honoured", *worth.values()),),
        rows=tuple(
            (
                *labels(choice),
                choice["outcome"],
                f"{choice['cover_share']:.2f}",
                f"{100 * choice['honoured_share']:.0f} %",
                *(f"{round(choice[name]):,}" for name in worth),
            )
            for choice in choices
        ),
        n_labels=len(heads) + 1,
        notes=(
            "gain = years x (honoured x (saves + risk + access) + sanction) - own part - hassle. saves:"
            " expected payments for care that cover spares in a year; risk: worth of their smaller spread;"
            " access: worth of care otherwise forgone; sanction: expected fine and refused services;"
            " honoured: share of contacts in which the scheme's arrears let cover count.",
            *_said_outcomes(choices),
        ),
    )
    terms = {
        "intercept": "base", "from_gain": "gain", "from_income": "income", "from_peers": "peers",
        "from_trust": "trust", "from_quality": "quality", "from_habit": "habit",
        "from_mobilisation": "campaign", "taste": "taste", "utility": "sum", "probability": "p",
        "draw": "draw",
    }  # fmt: skip
    second = Table(
        title="What made it wish for cover, logits",
        heads=((*heads, *terms.values()),),
        rows=tuple(
            (
                *labels(choice),
                *(f"{round(choice[name], 2) + 0.0:.2f}" for name in terms),
            )
            for choice in choices
        ),
        n_labels=len(heads),
        notes=(
            "The sum makes the probability p over the draw of a membership year; it wishes when the draw lies"
            " below p, when it wished before in that year, or when it is registered or bound by a vote.",
        ),
    )
    return first_table, second


def _said_outcomes(choices: list[Row]) -> tuple[str, ...]:
    """Return what the outcomes that occur mean."""
    seen = dict.fromkeys(choice["outcome"] for choice in choices)
    return (" ".join(f"{name}: {OUTCOMES[name]}." for name in seen),) if seen else ("No decisions.",)


def notebook_html(family: Family) -> str:
    """Return who it is, with decisions and account to fold out, as HTML without scripts or styles."""
    worth, wish = family.decisions()
    folds = (
        ("Decisions on cover", worth.as_html() + wish.as_html()),
        ("Month by month", f"<pre>{html.escape(family.story())}</pre>"),
    )
    parts = ["<div>", summarise_family(family).as_html()]
    parts += [f"<details><summary>{title}</summary>\n{body}\n</details>" for title, body in folds]
    return "\n".join([*parts, "</div>"])
