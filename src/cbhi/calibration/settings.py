"""Calibration files: which parameters are fitted to which figures, with priors, errors and sources.

A file is TOML. Everything that is wrong in it is said at once, each with its line.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cbhi.calibration.calibration import Calibration, with_discrepancy
from cbhi.calibration.priors import FAMILIES, Prior
from cbhi.calibration.targets import DISCREPANCY, SharedError, Target, fit_targets, keep_shared_errors
from cbhi.datasets import data_dir
from cbhi.scenarios import Scenario, scenario
from cbhi.scenarios.changes import explain_unknown, known_parameters
from cbhi.scenarios.toml_text import UNREADABLE, Document, read_toml
from cbhi.words import listed, suggest

__all__ = ["CalibrationFileError", "calibration_names", "calibrations_dir", "read_calibration"]

_HEAD: Mapping[str, tuple[type, ...]] = {
    "name": (str,),
    "about": (str,),
    "scenario": (str,),
    "country": (str,),
    "households": (int,),
    "replicates": (int,),
    "seed": (int,),
    "until": (int,),
    "max_failures": (int, float),
    "leave_out": (list,),
}
_TABLES = ("discrepancy", "explored", "carried", "target", "shared_error")
_PRIOR = ("prior", "low", "high", "source", "confidence")
_NUMBERS = tuple(dict.fromkeys(name for names in FAMILIES.values() for name in names))
_TARGET: Mapping[str, tuple[type, ...]] = {
    "name": (str,),
    "variable": (str,),
    "period": (int, str),
    "value": (int, float),
    "sd": (int, float),
    "kind": (str,),
    "discrepancy": (int, float),
    "source": (str,),
    "confidence": (str,),
    "use": (str,),
}
_SHARED: Mapping[str, tuple[type, ...]] = {
    "targets": (list,),
    "sd": (int, float),
    "relative": (bool,),
    "why": (str,),
}
_KINDS = {str: "a text", int: "a whole number", list: "a list", float: "a number", bool: "true or false"}


class CalibrationFileError(ValueError):
    """A calibration file that cannot be used.

    Attributes
    ----------
    place
        The file.
    problems
        One line each, all found at once.
    """

    def __init__(self, place: str, problems: Iterable[str]) -> None:
        self.place = place
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{place} has {count} problem{'s' if count != 1 else ''}"
        super().__init__("\n".join([head, *(f"  {problem}" for problem in self.problems)]))

    def __reduce__(self) -> Any:
        return CalibrationFileError, (self.place, self.problems)


def calibrations_dir() -> Path:
    """Return the folder of the shipped calibrations."""
    return data_dir() / "calibrations"


def calibration_names() -> tuple[str, ...]:
    """Return the names of the shipped calibrations."""
    return tuple(sorted(path.stem for path in calibrations_dir().glob("*.toml")))


def read_calibration(
    name: str | Path,
    *,
    seed: int | None = None,
    households: int | None = None,
    replicates: int | None = None,
    until: int | None = None,
) -> Calibration:
    """Return a shipped calibration by name, or one from a TOML file.

    Parameters
    ----------
    name
        Such as ``"rwanda"``, or the path of a ``.toml`` file.
    seed, households, replicates
        In place of the file's.
    until
        Last reporting year that is fitted, in place of the file's.

    Raises
    ------
    CalibrationFileError
        When there is no such calibration, or with every problem of the file at once.
    """
    path = _find(str(name))
    try:
        document = read_toml(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise CalibrationFileError(
            path.name, ["not a UTF-8 text; save the file with encoding UTF-8"]
        ) from None
    file = _File(path, document)
    file.read_head()
    given = {"seed": seed, "households": households, "replicates": replicates, "until": until}
    file.head.update({word: value for word, value in given.items() if value is not None})
    return file.calibration()


def _find(name: str) -> Path:
    if name.endswith(".toml"):
        path = Path(name)
        if path.is_file():
            return path
        others = [p.name for p in path.parent.glob("*.toml")] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, others, n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise CalibrationFileError(name, [f"the file '{path}' does not exist{hint}"])
    path = calibrations_dir() / f"{name}.toml"
    known = calibration_names()
    if path.is_file() and "/" not in name:
        return path
    hint = suggest(name, known)
    raise CalibrationFileError(
        f"calibration '{name}'",
        [f"no such calibration{hint or ';'} shipped: {listed(known)}; or give a .toml file"],
    )


class _File:
    """One calibration file while it is read."""

    def __init__(self, path: Path, document: Document) -> None:
        self.path = path
        self.document = document
        self.head: dict[str, Any] = {}
        self.told: list[tuple[int, str]] = list(document.problems)

    def problem(self, at: tuple[str | int, ...], text: str) -> None:
        """Note what is wrong, each line of a text at the line of its place."""
        for line in text.splitlines():
            self.told.append((self.document.line(at) or 0, line))

    def read_head(self) -> None:
        """Read the words above the first table, and note names that nobody knows."""
        for word, value in self.document.content.items():
            if word in _TABLES or value is UNREADABLE:
                continue
            if word not in _HEAD:
                near = suggest(word, (*_HEAD, *_TABLES))
                self.problem(
                    (word,), f"unknown word '{word}'{near or f'; there are {listed((*_HEAD, *_TABLES))}'}"
                )
            elif not _is_one_of(value, _HEAD[word]):
                self.problem((word,), f"{word} must be {_KINDS[_HEAD[word][-1]]}, got {value!r}")
            elif isinstance(value, list) and not all(isinstance(one, str) for one in value):
                self.problem((word,), f"{word} must be a list of texts, got {value!r}")
            else:
                self.head[word] = value

    def calibration(self) -> Calibration:
        """Return the calibration that the file describes."""
        chosen = self._scenario()
        explored, carried = self._priors("explored"), self._priors("carried")
        if not self.document.content.get("explored"):
            self.problem(
                ("explored",), "no parameter is explored; write one as [explored.enrolment.intercept]"
            )
        targets, shared = self._targets(chosen)
        self._stop()
        assert chosen is not None
        words = ("households", "replicates", "seed", "max_failures", "name")
        try:
            return Calibration(
                chosen,
                explored,
                targets,
                carried=carried,
                shared_errors=shared,
                base=self._base(),
                **{word: self.head[word] for word in words if word in self.head},
            )
        except ValueError as error:
            for line in str(error).splitlines():
                self.problem(self._place(line), line)
        self._stop()
        raise AssertionError("a calibration was refused without a problem")

    def _stop(self) -> None:
        if self.told:
            self.told.sort(key=lambda one: one[0] or 10**9)
            name = self.path.name
            lines = [f"{name}:{line}: {text}" if line else f"{name}: {text}" for line, text in self.told]
            raise CalibrationFileError(name, dict.fromkeys(lines))

    def _place(self, text: str) -> tuple[str | int, ...]:
        """Return the path of what a problem names first."""
        for number, entry in self._raw("target"):
            if text.startswith(f"target {entry.get('name')}:"):
                return ("target", number)
        for path in self.document.lines:
            name = ".".join(str(part) for part in path[1:])
            # a number counts entries, and may stand in any text
            if name and name in text and all(isinstance(part, str) for part in path):
                return path
        return next(((word,) for word in self.head if text.startswith(f"{word} ")), ())

    def _base(self) -> str:
        """Return what another scenario file calls the scenario: a name, or a path from anywhere."""
        name = str(self.head["scenario"])
        return str((self.path.parent / name).resolve()) if name.endswith(".toml") else name

    def _scenario(self) -> Scenario | None:
        name = self.head.get("scenario")
        if name is None:
            if "scenario" not in self.document.content:
                self.problem((), "'scenario' is missing; example: scenario = \"rwanda-rules\"")
            return None
        try:
            return scenario(self._base())
        except ValueError as error:
            self.problem(("scenario",), f"scenario: {error}".replace("\n", "; "))
        return None

    def _table(self, word: str) -> Mapping[str, Any]:
        table = self.document.content.get(word, {})
        if table is UNREADABLE:
            return {}
        if not isinstance(table, Mapping):
            self.problem((word,), f"'{word}' is a table; its header is written [{word}]")
            return {}
        return table

    def _priors(self, word: str) -> tuple[Prior, ...]:
        found: list[Prior] = []
        self._walk((word,), self._table(word), found)
        return tuple(found)

    def _walk(self, path: tuple[str | int, ...], table: Mapping[str, Any], found: list[Prior]) -> None:
        """Read the priors of a table: [explored.care.need] and [explored."care.need"] are alike."""
        for name, value in table.items():
            at = (*path, name)
            key = ".".join(str(part) for part in at[1:])
            if value is UNREADABLE:
                continue
            if not isinstance(value, Mapping):
                self.problem(at, f"'{name}' belongs to no parameter; a prior is written [{path[0]}.{key}]")
            elif key in known_parameters() or any(word in value for word in (*_PRIOR, *_NUMBERS)):
                prior = self._prior(at, key, value)
                if prior is not None:
                    found.append(prior)
            elif any(isinstance(inner, Mapping) for inner in value.values()):
                self._walk(at, value, found)
            else:
                self.problem(at, explain_unknown(key))

    def _prior(self, at: tuple[str | int, ...], key: str, said: Mapping[str, Any]) -> Prior | None:
        unknown = [word for word in said if word not in (*_PRIOR, *_NUMBERS)]
        for word in unknown:
            self.problem(
                (*at, word), f"prior of {key}: unknown word '{word}'{suggest(word, (*_PRIOR, *_NUMBERS))}"
            )
        if "prior" not in said:
            self.problem(at, f"prior of {key}: 'prior' is missing; it is {listed(FAMILIES, 'or')}")
        if unknown or "prior" not in said or UNREADABLE in said.values():
            return None
        try:
            return Prior(
                key=key,
                family=str(said["prior"]),
                numbers={word: said[word] for word in _NUMBERS if word in said},
                source=str(said.get("source", "")),
                confidence=str(said.get("confidence", "")),
                low=said.get("low"),
                high=said.get("high"),
            )
        except ValueError as error:
            for line in str(error).splitlines():
                inner = _word_of(line.removeprefix(f"prior of {key}: "))
                self.problem((*at, inner) if inner in said else at, line)
        return None

    def _targets(self, chosen: Scenario | None) -> tuple[tuple[Target, ...], tuple[SharedError, ...]]:
        """Return the figures that are fitted, with discrepancies, and the errors that these share."""
        country = self.head.get("country", chosen.country if chosen is not None else "")
        own = self._own_targets()
        every: list[Target] = []
        found: list[Target] = []
        until, leave_out = self.head.get("until"), self.head.get("leave_out", ())
        if country:
            try:
                every += fit_targets(country)
                found += fit_targets(country, until=until, leave_out=leave_out)
            except ValueError as error:
                self.problem(self._place(str(error)), str(error))
                return (), ()
        elif not own and chosen is not None:
            self.problem((), "there are no targets: name a 'country' with data, or write [[target]]")
        every += own
        found += [t for t in own if until is None or not t.period.isdigit() or int(t.period) <= until]
        return self._with_errors(every, found)

    def _with_errors(
        self, every: list[Target], found: list[Target]
    ) -> tuple[tuple[Target, ...], tuple[SharedError, ...]]:
        """Return figures that are left with the errors of the file, which may name all that there were."""
        table = {word: value for word, value in self._table("discrepancy").items() if value is not UNREADABLE}
        entries = [entry for _, entry in self._raw("target")]
        # an entry that cannot be used was told already
        names = {target.name for target in every} | {str(entry.get("name")) for entry in entries}
        for word, value in list(table.items()):
            said = None
            if word not in names and word not in DISCREPANCY:
                said = (
                    f"discrepancy of '{word}': no such kind or target{suggest(word, [*DISCREPANCY, *names])}"
                )
            elif not _is_one_of(value, (int, float)) or not 0.0 <= value < math.inf:
                said = f"discrepancy of {word} must be a number from 0 up, got {value!r}"
            if said is not None:
                self.problem(("discrepancy", word), said)
                del table[word]
        left = {target.name for target in found}
        kinds = with_discrepancy(
            tuple(found),
            {word: value for word, value in table.items() if word in DISCREPANCY or word in left},
        )
        # what an entry says of itself counts for more than what is said of its kind
        told = {entry.get("name") for entry in entries if "discrepancy" in entry}
        targets = tuple(
            before if before.name in told and before.name not in table else after
            for before, after in zip(found, kinds, strict=True)
        )
        shared = []
        for number, error in self._shared():
            unknown = [name for name in error.targets if name not in names]
            for name in unknown:
                near = suggest(name, sorted(names))
                self.problem(("shared_error", number), f"shared error: there is no target '{name}'{near}")
            if not unknown:
                shared.append(error)
        return keep_shared_errors(shared, targets)

    def _own_targets(self) -> list[Target]:
        found = []
        for number, said in self._entries("target", _TARGET):
            missing = [word for word in ("name", "variable", "period", "value") if word not in said]
            for word in missing:
                self.problem(("target", number), f"[[target]]: '{word}' is missing")
            if missing:
                continue
            try:
                found.append(Target(**{"sd": None, **said, "period": str(said["period"])}))
            except ValueError as error:
                self.problem(("target", number), str(error))
        return found

    def _shared(self) -> list[tuple[int, SharedError]]:
        found = []
        for number, said in self._entries("shared_error", _SHARED):
            if "targets" not in said or "sd" not in said:
                self.problem(("shared_error", number), "[[shared_error]] needs 'targets' and 'sd'")
                continue
            try:
                found.append((number, SharedError(**said)))
            except ValueError as error:
                self.problem(("shared_error", number), str(error))
        return found

    def _raw(self, word: str) -> list[tuple[int, Mapping[str, Any]]]:
        """Return the entries of a table in double brackets as they stand, each with its number."""
        entries = self.document.content.get(word, [])
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            return []
        return list(enumerate(entries))

    def _entries(self, word: str, known: Mapping[str, tuple[type, ...]]) -> list[tuple[int, dict[str, Any]]]:
        """Return the entries of a table in double brackets that can be used, each with its number."""
        entries = self.document.content.get(word, [])
        if entries is not UNREADABLE and (
            not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries)
        ):
            self.problem((word,), f"'{word}' stands in double brackets: [[{word}]]")
        found = []
        for number, entry in self._raw(word):
            right = {}
            for name, value in entry.items():
                at = (word, number, name)
                if name not in known:
                    self.problem(at, f"[[{word}]]: unknown word '{name}'{suggest(name, known)}")
                elif value is UNREADABLE:
                    continue
                elif not _is_one_of(value, known[name]):
                    self.problem(at, f"[[{word}]]: {name} must be {_KINDS[known[name][-1]]}, got {value!r}")
                elif isinstance(value, list) and not all(isinstance(one, str) for one in value):
                    self.problem(at, f"[[{word}]]: {name} must be a list of texts, got {value!r}")
                else:
                    right[name] = value
            if all(name in right for name in entry if name in known):
                found.append((number, right))
        return found


def _is_one_of(value: Any, kinds: tuple[type, ...]) -> bool:
    """Say whether a value is of one of some types; true and false are no numbers."""
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _word_of(problem: str) -> str:
    """Return the word of a prior that a problem is about, or an empty text."""
    if match := re.search(r"has no '(\w+)'", problem):
        return match[1]
    first = problem.split()[0]
    return "prior" if first == "family" else first
