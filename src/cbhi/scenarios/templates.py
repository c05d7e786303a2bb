"""A new scenario file: its base, and the keys most often changed, commented out."""

from __future__ import annotations

from cbhi.months import format_month
from cbhi.scenarios import Scenario
from cbhi.scenarios.changes import as_toml, flat_values, known_parameters
from cbhi.scenarios.descriptions import allowed
from cbhi.words import listed

COMMON = (
    "scheme.premium_basis", "scheme.premium_rwf.poorest", "scheme.premium_rwf.middle",
    "scheme.premium_rwf.rich", "scheme.household_premium_rwf", "scheme.waiting_months",
    "scheme.premium_rule", "care.copayment_rwf", "care.coinsurance_share", "subsidy.offered",
    "subsidy.slots_share", "subsidy.state_share", "subsidy.donor_share", "subsidy.targeting",
    "mandate.compulsory", "mandate.mobilisation_effort", "mandate.penalty_rwf", "loans.offered",
    "loans.borrowers", "loans.liability", "loans.months", "loans.interest_share_per_year", "groups.savings",
    "groups.weekly_rwf", "provider.payment", "fund.pool_share", "fund.deficit_rule", "donors.exit_month",
    "donors.taper_months",
)  # fmt: skip
"""Full keys that a new file offers, by section."""


def scenario_template(base: Scenario, base_name: str, name: str, schema: str | None = None) -> str:
    """Return the text of a new scenario file.

    Parameters
    ----------
    base
        The scenario it starts from.
    base_name
        What the file calls it: a shipped name, or the path of a file.
    name
        What the new scenario is called.
    schema
        Where an editor finds the JSON Schema, or None.

    Returns
    -------
    str
        A valid scenario as it is. A line that begins with ``#`` and no space becomes a setting once this mark
        is taken away; with all of them taken away the file is valid too.
    """
    values = flat_values(base.regimes()[0][1])
    lines = [f"#:schema {schema}"] if schema else []
    lines += [
        "# Check it: cbhi check FILE     Run it: cbhi run FILE",
        f"# See what differs: cbhi diff {base_name} FILE",
        "# Only what is written here differs from the base. A line that begins with # and no space",
        "# is a setting: take the # away, the one before its [section] too.",
        "# A key in a section holds for the whole run, also where the base changes it later; to change",
        "# it from a month on, write an event. Values shown are those of the base at the start.",
        "# All keys: cbhi show, cbhi show SECTION, cbhi show KEY.",
        f"name = {_text(name)}",
        f"base = {_text(base_name)}",
        "# first and last month of the run",
        f"#from = {format_month(base.start)}-01",
        f"#to = {format_month(base.end)}-01",
    ]
    section = ""
    for key in COMMON:
        info = known_parameters()[key]
        top, rest = key.split(".", 1)
        if top != section:
            lines += ["", f"#[{top}]"]
            section = top
        unit = "" if info.unit in ("on/off", "choice") else f" [{info.unit}]"
        months = [format_month(event.month) for event in base.events if key in event.changes]
        later = f"; the base changes it in {listed(months)}" if months else ""
        lines.append(f"#{rest} = {_text(values[key])}  # {info.title}: {allowed(info)}{unit}{later}")
    lines += [
        "",
        "# An event changes keys from a month on; write as many as there are.",
        "#[[event]]",
        f"#from = {format_month(base.start + min(12, base.n_months - 1))}-01",
        '#why = "what happened"',
        f"#care.copayment_rwf = {as_toml(values['care.copayment_rwf'])}",
        "",
    ]
    return "\n".join(lines)


def _text(value: object) -> str:
    """Return a value as TOML, texts in double quotes."""
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return as_toml(value)
