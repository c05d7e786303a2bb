"""Fill the generated parts of the documentation from the source.

    python docs/generate.py            # rewrite what is stale
    python docs/generate.py --check    # write nothing; exit 1 and name what is stale

A generated part stands between ``<!-- begin: NAME -->`` and ``<!-- end: NAME -->``. Descriptions of state
variables are the comments beside the fields in ``kernels/records.py``; the schedule is read from the calls
in ``kernels/month.py``; parameters and variables of the results come from ``cbhi.params`` and
``cbhi.variables``; the reference from docstrings, from the commands and from the files that a run writes.
What examples print is filled in by ``docs/examples.py``.
"""

from __future__ import annotations

import argparse
import ast
import configparser
import inspect
import io
import itertools
import re
import sys
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
PACKAGE = ROOT / "src" / "cbhi"
KERNELS = PACKAGE / "kernels"

_STORAGE = {
    "Bit": "0 or 1, a bit",
    "Two": "0 to 3, two bits",
    "Flag": "whole, 1 byte",
    "Small": "whole, 1 byte",
    "Month": "whole, 2 bytes",
    "Count": "whole, 4 bytes",
    "int": "whole, 8 bytes",
    "Real": "real, 4 bytes",
    "float": "real, 8 bytes",
    "I8": "whole, 8 bytes each",
}

# what the name of a field leaves open, for fields without a comment in the source
_PLAIN = {
    "Household.alive": "0 for a row that is free or whose household has dissolved",
    "Household.shared_frailty": "health risk that the members share, relative to 1",
    "Household.distance_km": "distance to the health centre once all facilities of the series are built",
    "Household.trust_offset": "own trust less the section's",
    "Household.n_members": "members",
    "Household.odds_insured": "odds of seeking care for an ordinary episode at the price with cover",
    "Household.odds_uninsured": "the same at the user fee",
    "Household.odds_severe_insured": "odds for a severe episode at the expected price with cover",
    "Household.odds_severe_uninsured": "the same at the user fees",
    "Household.cash": "cash in hand, RWF",
    "Household.debt": "informal debt, RWF",
    "Member.ordinal": "number within its household; part of every key, never reused",
    "Member.sex": "0 male, 1 female",
    "Member.chronic": "1 when chronically ill",
    "Member.enrolled": "1 when under the household's latest policy, active or not",
    "Member.frailty": "own health risk, relative to 1",
    "Section.district": "row of its district",
    "Section.trust": "trust in the scheme, 0 to 1",
    "Section.quality": "quality of care, 0 to 1",
    "Section.group_first": "first association",
    "Section.group_end": "one past the last association",
    "Section.wait_hours": "expected waiting",
    "Section.capacity_carry": "fraction of a consultation carried to the next month",
    "Section.fund": "money of the scheme, RWF",
    "Section.payables": "claims approved and not yet paid, RWF",
    "Section.subsidy_left": "subsidy budget of the year not yet used, RWF",
    "Section.bad_months": "months in a row with arrears beyond the limit",
    "Section.suspended": "1 while benefits are suspended",
    "Section.health_centre_cash": "money of the health centre, RWF",
    "Section.persons": "people at the end of last month",
    "Groups.households": "households that belong to it",
    "Groups.voters": "families that could vote then; -1 where none was called this month",
    "District.number": "which of the country's districts it is",
    "District.harvest": "this year's factor on incomes",
    "District.illness": "this year's factor on need",
    "District.pool": "money of the pool, RWF",
    "District.payables": "claims on the pool not yet paid, RWF",
    "District.claims_average": "slow average of claims on the pool a month, RWF",
    "District.arrears": "months of the pool's claims unpaid beyond the time of processing",
    "District.bad_months": "months in a row with arrears beyond the limit",
    "District.hospital_cash": "money of the hospital, RWF",
    "District.first_section": "row of its first section",
    "District.end_section": "one past the row of its last section",
    "District.lender_cash": "money of the lender, RWF",
    "Nation.pool": "money of the national pool beside the districts' pools, RWF",
}

_STATE = (
    ("Household", "One row a household."),
    ("Member", "One row a member, up to twelve in a household."),
    ("Section", "One row a section: a scheme with its fund and its health centre."),
    ("Groups", "Associations (ibimina), within sections."),
    ("District", "One row a district: its pool, its hospital and its lender."),
    ("Nation", "One row for the country."),
)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def sentence(text: str) -> str:
    """Return the first sentence of a docstring, in one line and without a full stop."""
    first = text.strip().split("\n\n")[0]
    flat = " ".join(first.split()).replace("``", "`")
    return re.split(r"(?<=[a-z0-9)])\. ", flat)[0].rstrip(".")


# --- state variables ----------------------------------------------------------------------------------


def _trailing_comments(source: str) -> dict[int, str]:
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not token.line.strip().startswith("#"):
            found[token.start[0]] = token.string.lstrip("# ").strip()
    return found


def fields_of(record: str) -> list[tuple[str, str, str]]:
    """Return (field, storage, description) of one record of ``kernels/records.py``."""
    source = (KERNELS / "records.py").read_text(encoding="utf-8")
    comments = _trailing_comments(source)
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and node.name == record:
            rows = []
            for entry in node.body:
                if isinstance(entry, ast.AnnAssign) and isinstance(entry.target, ast.Name):
                    name = entry.target.id
                    about = comments.get(entry.lineno) or _PLAIN.get(
                        f"{record}.{name}", name.replace("_", " ")
                    )
                    rows.append((name, _STORAGE[ast.unparse(entry.annotation)], about))
            return rows
    raise LookupError(f"no record {record} in records.py")


def state() -> str:
    """Return the tables of state variables."""
    parts = []
    for record, about in _STATE:
        rows = [(f"`{name}`", storage, text) for name, storage, text in fields_of(record)]
        parts.append(f"**`{record}`**. {about}\n\n" + table(("variable", "stored as", "what it holds"), rows))
    return "\n\n".join(parts)


# --- schedule -----------------------------------------------------------------------------------------


class Kernel(NamedTuple):
    """A function of a kernel module."""

    module: str
    about: str
    node: ast.FunctionDef


def kernels() -> dict[str, Kernel]:
    """Return every function of the kernel modules by its name; names must be unique."""
    found: dict[str, Kernel] = {}
    for path in sorted(KERNELS.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                if node.name in found:
                    raise LookupError(f"two kernels are called {node.name}")
                found[node.name] = Kernel(path.stem, sentence(ast.get_docstring(node) or ""), node)
    return found


class Call(NamedTuple):
    """A call in a kernel: of what, under which conditions, inside how many loops."""

    name: str
    when: tuple[str, ...]
    loops: int


def _negated(test: ast.expr) -> str:
    """Return the opposite of a condition, as the code would have it."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return ast.unparse(test.operand)
    if isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.Eq, ast.NotEq)) and len(test.ops) == 1:
        other = ast.NotEq() if isinstance(test.ops[0], ast.Eq) else ast.Eq()
        return ast.unparse(ast.Compare(test.left, [other], test.comparators))
    return f"not {ast.unparse(test)}" if isinstance(test, ast.Name) else f"not ({ast.unparse(test)})"


def _calls(statements: list[ast.stmt], when: tuple[str, ...], loops: int) -> Iterator[Call]:
    """Yield the calls of a function in the order of the source."""
    for node in statements:
        if isinstance(node, ast.If):
            yield from _calls(node.body, (*when, ast.unparse(node.test)), loops)
            yield from _calls(node.orelse, (*when, _negated(node.test)), loops)
            if isinstance(node.body[-1], ast.Return):
                when = (*when, _negated(node.test))
        elif isinstance(node, (ast.For, ast.While)):
            yield from _calls(node.body, when, loops + 1)
        else:
            inner = [n for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
            for call in sorted(inner, key=lambda n: (n.lineno, n.col_offset)):
                yield Call(ast.unparse(call.func), when, loops)


# a month is cut in three for threads; a reader wants to know what is in them
_PHASES = ("open_month", "run_sections", "close_month")
# steps whose own calls are shown below them, and who goes through their loops, the outer one first
_OPENED = {
    "open_month": ("country",),
    "run_sections": ("section",),
    "close_month": ("country",),
    "start_country_month": ("section or district",),
    "start_year": ("section",),
    "month_of_section": ("section",),
    "start_of_month": ("block", "household"),
    "refresh_section": ("household",),
    "refresh_rows": ("household",),
    "live_in_block": ("block",),
    "put_savings_aside": ("household",),
    "enforce_mandate": ("household",),
    "divide_contacts": ("household",),
    "take_notice": ("household",),
    "treat_section": ("section",),
    "give_care": ("patient", "contact"),
    "treat_contacts": ("contact",),
    "settle_contacts": ("contact",),
    "sell_cover": ("section",),
    "enrol_section": ("section",),
    "seek_cover": ("household",),
    "pass_anniversaries": ("household",),
    "begin_years": ("household",),
    "live_years": ("block", "household"),
    "marry_couples": ("couple",),
    "found_household": ("household",),
    "fund_pools": ("district",),
    "settle_pools": ("pool",),
    "close_district_month": ("district",),
}
# arithmetic that is part of a step rather than a step
_ARITHMETIC = (
    "approx", "codes", "columns", "compiling", "cover", "draws", "linking", "lowering", "money", "optimising",
    "records", "remembering",
)  # fmt: skip
# functions that look something up for a step
_LOOKED_UP = ("outstanding", "place_on_ring", "served_at_home")


class Schedule:
    """The steps of a month, numbered, in the order of the calls in the source."""

    def __init__(self) -> None:
        self.known = kernels()
        self.rows: list[tuple[str, ...]] = []
        self._shown: dict[str, str] = {}

    def _steps(self, name: str) -> list[Call]:
        """Return the calls of a function that are steps; the same call repeated is one."""
        calls = [
            call
            for call in _calls(self.known[name].node.body, (), 0)
            if call.name in self.known
            and call.name not in _LOOKED_UP
            and self.known[call.name].module not in _ARITHMETIC
        ]
        return [call for call, _ in itertools.groupby(calls)]

    def walk(self, name: str, above: str, who: str, count: int = 0) -> int:
        """Add the steps of a function below the number ``above``, after ``count``; return the last one's."""
        for call in self._steps(name):
            count += 1
            number = f"{above}{count}"
            loops = _OPENED[name]
            whom = loops[min(call.loops, len(loops)) - 1] if call.loops > 0 else who
            self._add(call, number, whom)
        return count

    def _add(self, call: Call, number: str, whom: str) -> None:
        kernel = self.known[call.name]
        condition = " and ".join(f"`{test}`" for test in call.when)
        shown = self._shown.get(call.name)
        about = f"{kernel.about} (its steps: {shown})" if shown else kernel.about
        self.rows.append((number, whom, f"`{kernel.module}.{call.name}`", about, condition))
        if call.name in _OPENED and not shown:
            self._shown[call.name] = number
            self.walk(call.name, f"{number}.", whom)


def schedule() -> str:
    """Return the month as a numbered table, read from the calls in ``kernels/month.py``."""
    month = Schedule()
    phases = tuple(call.name for call in month._steps("run_months"))
    if phases != _PHASES:
        raise LookupError(f"run_months goes through {', '.join(phases)}, not {', '.join(_PHASES)}")
    last = 0
    for phase in phases:
        last = month.walk(phase, "", "country", last)
    unseen = sorted(set(_OPENED) - set(_PHASES) - set(month._shown))
    if unseen:
        raise LookupError(f"no step of a month any more: {', '.join(unseen)}")
    return table(("step", "for each", "function", "what happens", "only when"), month.rows)


def draws() -> str:
    """Return the table of decision codes."""
    source = (KERNELS / "codes.py").read_text(encoding="utf-8")
    comments = _trailing_comments(source)
    entity = ""
    rows = []
    for number, line in enumerate(source.splitlines(), start=1):
        if line.startswith("# entity:"):
            entity = line.split(":", 1)[1].strip()
        match = re.match(r"(DRAW_\w+) = (\d+)", line)
        if match:
            rows.append((match[2], f"`{match[1]}`", entity, comments.get(number, "")))
    return table(("code", "name", "entity", "what is drawn"), rows)


def rooms() -> str:
    """Return the kernel modules from the lowest up, in the order of the import contract."""
    contract = configparser.ConfigParser()
    contract.read(ROOT / ".importlinter", encoding="utf-8")
    # modules side by side on one floor are separated by a bar
    layers = contract["importlinter:contract:kernels"]["layers"].replace("|", " ").split()
    rows = []
    for module in reversed(layers):
        text = ast.get_docstring(ast.parse((KERNELS / f"{module}.py").read_text(encoding="utf-8")))
        rows.append((f"`{module}`", sentence(text or "")))
    return table(("module", "what it holds"), rows)


def floors() -> str:
    """Return the modules of the package from the lowest floor up, in the order of the import contract."""
    contract = configparser.ConfigParser()
    contract.read(ROOT / ".importlinter", encoding="utf-8")
    layers = contract["importlinter:contract:package"]["layers"].split("\n")
    rows = []
    for number, layer in enumerate(reversed([layer for layer in layers if layer.strip()])):
        for module in (name.strip() for name in layer.split("|")):
            folder = PACKAGE / module
            source = folder / "__init__.py" if folder.is_dir() else PACKAGE / f"{module}.py"
            about = sentence(ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or "")
            rows.append((str(number), f"`{module}{'/' if folder.is_dir() else ''}`", about))
    return table(("floor", "module", "what it holds"), rows)


# --- parameters and variables -------------------------------------------------------------------------


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.10g}".replace(",", " ")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, dict):
        return ", ".join(f"{month}: {_number(entry)}" for month, entry in value.items())
    if isinstance(value, (int, float)):
        return _number(value)
    return str(value)


def _range(info: Any) -> str:
    if info.choices:
        return " or ".join(info.choices)
    if info.unit == "on/off":
        return "on or off"
    if isinstance(info.default, dict):
        return "series, not negative"
    if info.low is None and info.high is None:
        return ""
    return f"{_number(info.low)} to {_number(info.high)}"


def parameters() -> str:
    """Return the tables of parameters, one a section."""
    from cbhi.params import Parameters, parameter_table

    known = parameter_table()
    parts = []
    head = ("key", "what it is", "unit", "default", "range", "source", "confidence", "datable")
    for section, field in Parameters.model_fields.items():
        about = sentence(getattr(field.annotation, "__doc__", "") or "")
        rows = []
        for key, info in known.items():
            if key.split(".")[0] == section:
                rows.append(
                    (
                        f"`{key.removeprefix(section + '.')}`", info.title, info.unit, _value(info.default),
                        _range(info), info.source, info.confidence, "yes" if info.datable else "no",
                    )
                )  # fmt: skip
        parts.append(
            f"## {section}\n\n{re.sub(r' ?[(]MODEL [0-9.]+[)]', '', about)}.\n\n" + table(head, rows)
        )
    return "\n\n".join(parts)


def counts() -> str:
    """Return how many parameters there are by confidence."""
    from cbhi.params import parameter_table

    total: dict[str, int] = {}
    for info in parameter_table().values():
        if info.unit != "on/off":
            total[info.confidence] = total.get(info.confidence, 0) + 1
    rows = [(name, str(total[name])) for name in sorted(total, key=lambda name: -total[name])]
    return table(("confidence of the default", "parameters, switches left out"), rows)


def variables() -> str:
    """Return the table of variables of the results."""
    from cbhi import variables as kept
    from cbhi.strata import GROUPS, stratified_names

    rows = []
    for name, variable in kept.VARIABLES.items():
        rows.append(
            (
                f"`{name}`", variable.unit, variable.about,
                "no" if name in kept.YEARLY_ONLY else "yes",
                ", ".join(by for by in GROUPS if name in stratified_names(by)) or "-",
                "yes" if variable.scaled else "no",
            )
        )  # fmt: skip
    return table(("name", "unit", "what it is", "by month", "by group", "scaled to the country"), rows)


def health_accounts() -> str:
    """Return the place of every flow in the System of Health Accounts, and the labels of the codes."""
    from cbhi import health_accounts as sha

    labels = table(("code", "label"), [(f"`{code}`", label) for code, label in sha.LABELS.items()])
    head = ("flow", "account", "scheme", "revenue", "provider", "function", "factor", "reason or doubt")
    return table(head, [(f"`{row[0]}`", *row[1:]) for row in sha.classification_rows()]) + "\n\n" + labels


def comparison() -> str:
    """Return the comparison of partners as it stands; only benchmarks/partners_rwanda.py makes it anew."""
    text = (DOCS / "partners.md").read_text(encoding="utf-8")
    found = next(match for match in _PART.finditer(text) if match[2] == "comparison")
    return found[0].removeprefix(found[1]).removesuffix(found[3]).strip()


# --- reference ----------------------------------------------------------------------------------------


def _quoted(value: Any) -> str:
    return '"' + value + '"' if isinstance(value, str) else repr(value)


def _typed(parameter: inspect.Parameter) -> str:
    """Return a parameter with its type and default, as it is written."""
    star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
    default = "" if parameter.default is parameter.empty else f" = {_quoted(parameter.default)}"
    return f"{star}{parameter.name}: {parameter.annotation}{default}"


def _about(thing: Any) -> str:
    """Return the first paragraph of a docstring in one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split()).replace("``", "`")


def _public() -> dict[str, Any]:
    import cbhi

    return {name: getattr(cbhi, name) for name in cbhi.__all__ if not name.startswith("__")}


def names() -> str:
    """Return the functions and modules of the package."""
    rows = []
    for name, thing in _public().items():
        if inspect.isfunction(thing):
            rows.append(f"### `cbhi.{name}`\n\n```text\n{_signature(name, thing)}\n```\n\n{_about(thing)}")
    others = [
        (
            f"`cbhi.{name}`",
            "module" if inspect.ismodule(thing) else type(thing).__name__,
            sentence(_about(thing)),
        )
        for name, thing in _public().items()
        if not inspect.isfunction(thing) and not inspect.isclass(thing)
    ]
    told = {"`cbhi.VARIABLES`": "name of each variable of the results, with its unit and what it is"}
    others = [(name, kind, told.get(name, about)) for name, kind, about in others]
    return "\n\n".join([*rows, "### Other names\n\n" + table(("name", "kind", "what it holds"), others)])


def _signature(name: str, function: Any) -> str:
    """Return a signature with types, one argument a line where it is long."""
    signature = inspect.signature(function)
    parameters = []
    bare = False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not bare:
            parameters.append("*")
        bare = bare or parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        parameters.append(_typed(parameter))
    line = f"{name}({', '.join(parameters)}) -> {signature.return_annotation}"
    if len(line) <= 100:
        return line
    return f"{name}(\n    " + ",\n    ".join(parameters) + f",\n) -> {signature.return_annotation}"


def members() -> str:
    """Return attributes and methods of the public classes."""
    from cbhi.comparison.differences import Difference
    from cbhi.tables import Table

    parts = []
    returned = {"differences.Difference": Difference, "tables.Table": Table}
    for name, thing in {**_public(), **returned}.items():
        if not inspect.isclass(thing) or issubclass(thing, BaseException):
            continue
        rows = []
        for member, value in vars(thing).items():
            if member.startswith("_"):
                continue
            if isinstance(value, property):
                rows.append((f"`.{member}`", "", sentence(_about(value))))
            elif inspect.isfunction(value):
                given = _arguments(value)
                rows.append((f"`.{member}()`", f"`{given}`" if given else "", sentence(_about(value))))
        if (plus := vars(thing).get("__add__")) is not None:
            rows.append(("`a + b`", "", sentence(_about(plus))))
        if (item := vars(thing).get("__getitem__")) is not None:
            rows.append(("`x[name]`", "", sentence(_about(item))))
        head = table(("member", "arguments", "what it gives"), rows) if rows else ""
        fields = ", ".join(
            f"`{field}`" for field in getattr(thing, "__dataclass_fields__", {}) if field[0] != "_"
        )
        parts.append(
            "\n\n".join(
                part
                for part in (
                    f"### `cbhi.{name}`",
                    f"{_about(thing)}",
                    f"Fields: {fields}." if fields else "",
                    head,
                )
                if part
            )
        )
    errors = [
        (f"`cbhi.{name}`", thing.__bases__[0].__name__, sentence(_about(thing)))
        for name, thing in _public().items()
        if inspect.isclass(thing) and issubclass(thing, BaseException)
    ]
    return "\n\n".join([*parts, "### Exceptions\n\n" + table(("name", "kind of", "when"), errors)])


def _arguments(method: Any) -> str:
    """Return the arguments of a method with their defaults, without their types."""
    words = []
    bare = False
    for parameter in list(inspect.signature(method).parameters.values())[1:]:
        if parameter.kind is parameter.KEYWORD_ONLY and not bare:
            words.append("*")
            bare = True
        star = "*" if parameter.kind is parameter.VAR_POSITIONAL else ""
        default = "" if parameter.default is parameter.empty else f"={_quoted(parameter.default)}"
        words.append(f"{star}{parameter.name}{default}")
    return ", ".join(words)


def commands() -> str:
    """Return every command with its arguments and options."""
    import click

    from cbhi.cli import main

    context = click.Context(main)
    parts = []
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        usage = " ".join(
            parameter.make_metavar(context)
            for parameter in command.params
            if isinstance(parameter, click.Argument)
        )
        rows = []
        for parameter in command.params:
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context)):
                option, about = record
                rows.append((f"`{option}`", " ".join(about.split()).replace("  [", " [")))
        about = " ".join((command.help or "").replace("\b", "").split("Examples:")[0].split())
        text = f"### `cbhi {name} {usage}".rstrip() + f"`\n\n{about}"
        parts.append(text + ("\n\n" + table(("option", "what it does"), rows) if rows else ""))
    return "\n\n".join(parts)


def files() -> str:
    """Return the files of a folder of results, with the columns of each table."""
    import cbhi
    from cbhi import saving

    few = cbhi.scenario("rwanda-rules").replace({}, end="1999-12")
    frames = saving._frames(cbhi.simulate(few, households=20, survey=5))
    rows = [
        (f"`{name}.csv`", about, ", ".join(f"`{column}`" for column in frames[name]().columns))
        for name, about in saving.TABLES.items()
    ]
    return table(("table", "what it holds", "columns"), rows)


def exit_codes() -> str:
    """Return the exit codes of the commands."""
    from cbhi.cli import errors

    rows = [
        (0, "done"),
        (errors.CHECK_FAILED, "a check failed, or no value meets the goal of `solve`"),
        (
            errors.BAD_INPUT,
            "bad input, a full disk or too little memory: the message says where, what and how to mend it; no"
            " results were written",
        ),
        (errors.MISSING_PACKAGE, "an optional package is missing: the message has the line that installs it"),
        (
            errors.INTERRUPTED,
            "interrupted, by Ctrl-C or a request to end (SIGTERM); `run` keeps finished replicates,"
            " `calibrate` what it simulated, and both print how to resume",
        ),
    ]
    return table(("code", "meaning"), [(str(code), about) for code, about in rows])


PARTS: dict[str, Callable[[], str]] = {
    "state": state,
    "schedule": schedule,
    "draws": draws,
    "floors": floors,
    "rooms": rooms,
    "parameters": parameters,
    "counts": counts,
    "variables": variables,
    "comparison": comparison,
    "health_accounts": health_accounts,
    "names": names,
    "members": members,
    "commands": commands,
    "files": files,
    "exit_codes": exit_codes,
}
_PART = re.compile(r"(<!-- begin: (\w+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)


def filled(text: str) -> str:
    """Return a page with its generated parts made anew."""

    def part(match: re.Match[str]) -> str:
        body = PARTS[match[2]]()
        return f"{match[1]}\n{body}\n\n{match[3]}" if body else f"{match[1]}{match[3]}"

    return _PART.sub(part, text)


def stale() -> dict[Path, str]:
    """Return what each page should hold, for the pages that differ."""
    wanted = {}
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        if (new := filled(text)) != text:
            wanted[path] = new
    return wanted


def main() -> int:
    """Write or check; return the exit code."""
    parser = argparse.ArgumentParser(description="Fill the generated parts of the documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    arguments = parser.parse_args()
    wanted = stale()
    for path, text in wanted.items():
        sys.stdout.write(f"{path.relative_to(ROOT)}: {'stale' if arguments.check else 'rewritten'}\n")
        if not arguments.check:
            path.write_text(text, encoding="utf-8")
    return 1 if wanted and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
