"""Public functions and classes are documented as numpydoc asks: judged by numpydoc itself."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from numpydoc.validate import validate

import cbhi

NOT_ASKED = {
    "EX01": "examples are in the pages, which are run",
    "SA01": "what belongs together is in the reference",
    "ES01": "a good summary needs no second one",
    "PR04": "types live in annotations",
    "PR06": "and so do their names",
    "PR08": "descriptions may begin with a number or a symbol",
    "RT03": "the type can say all",
    "RT04": "descriptions may begin with a name in code style",
}
"""Codes of numpydoc that are no mistake here, and why."""


def modules() -> Iterator[ModuleType]:
    """Yield the modules whose functions users call beside the names of the package."""
    for name in (
        "accounts",
        "checks",
        "datasets",
        "health_accounts",
        "psa",
        "run_indicators",
        "testing",
        "verification",
    ):
        yield importlib.import_module(f"cbhi.{name}")
    for package in (cbhi.indicators, cbhi.limits):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(module.name)


def _is_private(module: str) -> bool:
    return not module.startswith("cbhi") or "._" in module


def public() -> Iterator[tuple[str, Any]]:
    """Yield (full name, object) of every public function, class, method and property."""
    things = [getattr(cbhi, name) for name in cbhi.__all__]
    for module in modules():
        names = getattr(module, "__all__", [name for name in vars(module) if name[0] != "_"])
        things += [thing for name in names if (thing := getattr(module, name)) is not None]
    things += [importlib.import_module("cbhi.comparison.differences").Difference]
    things += [importlib.import_module("cbhi.tables").Table]
    for thing in things:
        if not (inspect.isfunction(thing) or inspect.isclass(thing)) or _is_private(thing.__module__):
            continue
        if "<locals>" in thing.__qualname__:
            continue  # a strategy is wrapped by Hypothesis and cannot be found by its name
        name = f"{thing.__module__}.{thing.__qualname__}"
        yield name, thing
        if inspect.isclass(thing) and not getattr(thing, "_is_protocol", False):
            for member, value in vars(thing).items():
                if member[0] != "_" and (inspect.isfunction(value) or isinstance(value, property)):
                    yield f"{name}.{member}", value


PUBLIC = dict(public())


def problems(name: str, thing: Any) -> list[str]:
    """Return what numpydoc finds wrong with a docstring."""
    asked = [(code, text) for code, text in validate(name)["errors"] if code not in NOT_ASKED]
    if (inspect.getdoc(thing) or "").startswith("Return "):
        # the summary says what comes back
        asked = [(code, text) for code, text in asked if code != "RT01"]
    if inspect.isclass(thing):
        # the arguments of a frozen dataclass are its attributes, and documented as such
        asked = [(code, text) for code, text in asked if code != "PR01"]
    return [f"{code} {text}" for code, text in asked]


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring(name: str) -> None:
    assert not problems(name, PUBLIC[name])


def test_what_users_call_is_looked_at() -> None:
    some = {
        "cbhi.simulation.simulate", "cbhi.results.Results.values", "cbhi.comparison.Comparison.difference",
        "cbhi.indicators.equity.gini", "cbhi.checks.check_all",
    }  # fmt: skip
    assert some <= set(PUBLIC)
    assert len(PUBLIC) > 200


def test_a_missing_argument_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def simulate(scenario: str, households: int) -> None:
        """Simulate a scenario.

        Parameters
        ----------
        scenario
            Its name.
        """

    monkeypatch.setattr("cbhi.simulation.simulate", simulate)
    assert any("households" in text for text in problems("cbhi.simulation.simulate", simulate))
