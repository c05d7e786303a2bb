"""JSON Schema of scenario files, for editors that complete and check them while they are written."""

from __future__ import annotations

from typing import Any, get_args

from cbhi.params import Confidence, ParameterInfo, Parameters
from cbhi.scenarios import scenario_names
from cbhi.scenarios.changes import SERIES_RANGE, groups_of_keys, known_parameters, sections

_DATE = r"^\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?$"
_MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"

Schema = dict[str, Any]


def scenario_schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) of a scenario file.

    Returns
    -------
    dict
        Plain values, ready for JSON. Sections, keys, units, ranges and choices are those of ``cbhi.params``;
        in an event only what can change over time is allowed. Dates are texts, as editors for TOML see them.
    """
    head = {
        "name": _text("What tables and files call the scenario."),
        "about": _text("One line that `cbhi list` prints."),
        "base": {
            **_text(
                "The scenario that this one starts from: a shipped name, or a .toml file beside this one."
            ),
            "examples": list(scenario_names()),
        },
        "country": _text("The country whose published figures stand beside the model, such as rwanda."),
        "parameter_sets": _text(
            "File of parameter sets beside this one, such as my-sets.csv; none drops those of the base."
        ),
        "from": _date("First month of the run."),
        "to": _date("Last month of the run."),
    }
    dated = {name: _table(name, only_dated=True) for name in sections()}
    event = {
        "type": "object",
        "title": "event",
        "description": "Changes of parameters from one month on.",
        "properties": {
            "from": _date("Month from which the changes hold."),
            "why": _text("The reason, for tables and pictures."),
            **{name: table for name, table in dated.items() if table["properties"]},
        },
        "required": ["from"],
        "minProperties": 2,
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cbhi scenario",
        "description": "Rules of a run of cbhi; a file says only what differs from its base.",
        "type": "object",
        "properties": {
            **head,
            **{name: _table(name) for name in sections()},
            "event": {"type": "array", "items": event, "description": "Dated changes, each under [[event]]."},
            "sources": _sources(),
        },
        "additionalProperties": False,
        "$defs": {"source": _source()},
    }


def _text(about: str) -> Schema:
    return {"type": "string", "description": about}


def _date(about: str) -> Schema:
    return {"type": "string", "pattern": _DATE, "description": f"{about} Such as 2011-07-01."}


def _table(group: str, only_dated: bool = False) -> Schema:
    """Return the schema of a section, or of a table inside one."""
    properties: Schema = {}
    for key in groups_of_keys()[group]:
        name, *deeper = key[len(group) + 1 :].split(".")
        if deeper:
            properties.setdefault(name, _table(f"{group}.{name}", only_dated))
        elif known_parameters()[key].datable or not only_dated:
            properties[name] = _parameter(known_parameters()[key])
    table: Schema = {
        "type": "object",
        "title": group,
        "properties": properties,
        "additionalProperties": False,
    }
    model: Any = Parameters
    for part in group.split("."):
        model = model.model_fields[part].annotation
    if model.__doc__:
        table["description"] = model.__doc__
    return table


def _parameter(info: ParameterInfo) -> Schema:
    about = f"{info.title} [{info.unit}]; {info.source} ({info.confidence})"
    schema: Schema = {"title": info.key, "description": about, "default": info.default}
    if info.key in SERIES_RANGE:
        low, high = SERIES_RANGE[info.key]
        entry = {"type": "number", "minimum": low, "maximum": high}
        return {
            **schema,
            "type": "object",
            "patternProperties": {_MONTH: entry},
            "additionalProperties": False,
            "minProperties": 1,
        }
    if info.choices:
        return {**schema, "enum": list(info.choices)}
    if isinstance(info.default, bool):
        return {**schema, "type": "boolean"}
    if isinstance(info.default, str):
        pattern = f"{_MONTH}|^never$" if info.default == "never" else _MONTH
        return {**schema, "type": "string", "pattern": pattern}
    schema["type"] = "integer" if isinstance(info.default, int) else "number"
    if info.low is not None:
        schema["minimum"] = info.low
    if info.high is not None:
        schema["maximum"] = info.high
    return schema


def _source() -> Schema:
    """Return the schema of one source."""
    return {
        "type": "object",
        "properties": {
            "source": _text("Where the value comes from."),
            "confidence": {"enum": list(get_args(Confidence)), "description": "How well it is known."},
        },
        "required": ["source", "confidence"],
        "additionalProperties": False,
    }


def _sources() -> Schema:
    """Return the schema of the sources: the full key in quotes, then where its value comes from."""
    return {
        "type": "object",
        "description": "Full key in quotes to the source of the value given in this file.",
        "properties": {key: {"$ref": "#/$defs/source"} for key in known_parameters()},
        "additionalProperties": False,
    }
