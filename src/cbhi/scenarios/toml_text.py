"""TOML with the line of every key, and all mistakes of a text at once.

``tomllib`` stops at the first mistake and forgets where things stood. Here a text is first cut into
statements, each of which tomllib reads alone; a statement that cannot be read becomes a problem and the rest
is read all the same. Of a valid text the content is what tomllib returns.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import Any

from cbhi.months import explain_date
from cbhi.words import nearest

Path = tuple[str | int, ...]
"""From the top of the text: names of tables and keys, and numbers (from 0) inside arrays."""


class _Unreadable:
    """Stands where a value could not be read, so that its key is still known."""

    def __repr__(self) -> str:
        return "<unreadable>"


UNREADABLE = _Unreadable()


@dataclass
class Document:
    """A TOML text that has been read.

    Attributes
    ----------
    content
        What stands in it, as tomllib gives it; ``UNREADABLE`` where a value could not be read.
    lines
        The line, from 1, in which each key, table or array element first stands.
    problems
        (line, what is wrong), in order of lines; empty for a valid text.
    """

    content: dict[str, Any] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)

    def line(self, path: Path) -> int | None:
        """Return the line of a path, or of the nearest table around it; None at the top.

        Parameters
        ----------
        path
            Names and numbers from the top of the text.
        """
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return None


_BARE = re.compile(r"[A-Za-z0-9_-]+")
_LOOKS_LIKE_HEADER = re.compile(r"\s*\[\[?\s*[A-Za-z_\"'][\w.\"' -]*\]{1,2}\s*(#.*)?$")
_LOOKS_LIKE_KEY = re.compile(r"\s*[A-Za-z_\"'][\w.\"'-]*\s*=")


class _Stop(Exception):
    """A place at which the text cannot be read on."""


@dataclass
class _Scan:
    """A place in a text that moves on."""

    text: str
    at: int = 0
    twice: str = ""  # a key that an inline table holds twice

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1

    def skip(self, newlines: bool) -> None:
        """Pass spaces and, where lines may end, newlines and comments."""
        blank = " \t\r\n" if newlines else " \t"
        while self.at < len(self.text):
            if self.peek() in blank:
                self.at += 1
            elif newlines and self.peek() == "#":
                self.pass_comment()
            else:
                return

    def pass_comment(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def string(self) -> str:
        """Pass a quoted text of any of the four kinds; return it as written."""
        begin, quote = self.at, self.peek()
        if self.text.startswith(quote * 3, self.at):
            self.at += 3
            while not self.text.startswith(quote * 3, self.at):
                if self.at >= len(self.text):
                    raise _Stop
                self.at += 2 if quote == '"' and self.peek() == "\\" else 1
            # up to two quotes may stand before the three that close
            while self.text.startswith(quote * 4, self.at):
                self.at += 1
            self.at += 3
        else:
            self.at += 1
            while self.peek() != quote:
                if self.peek() in ("", "\n"):
                    raise _Stop
                self.at += 2 if quote == '"' and self.peek() == "\\" else 1
            self.at += 1
        return self.text[begin : self.at]

    def key(self) -> tuple[str, ...]:
        """Pass a key of one or several parts; return the parts."""
        parts = []
        while True:
            self.skip(newlines=False)
            if self.peek() in ("'", '"'):
                quoted = self.string()
                try:
                    parts.append(str(tomllib.loads(f"x = {quoted}")["x"]))
                except tomllib.TOMLDecodeError:
                    raise _Stop from None
            elif match := _BARE.match(self.text, self.at):
                parts.append(match[0])
                self.at = match.end()
            else:
                raise _Stop
            self.skip(newlines=False)
            if self.peek() != ".":
                return tuple(parts)
            self.at += 1

    def value(self, path: Path, lines: dict[Path, int]) -> None:
        """Pass a value; note the line of every key and element inside it."""
        first = self.peek()
        if first in ("'", '"'):
            self.string()
        elif first == "[":
            self.array(path, lines)
        elif first == "{":
            self.table(path, lines)
        else:
            begin = self.at
            while self.peek() not in ("", "\n", ",", "]", "}", "#"):
                self.at += 1
            if not self.text[begin : self.at].strip():
                raise _Stop

    def array(self, path: Path, lines: dict[Path, int]) -> None:
        """Pass an array, which may run over several lines."""
        self.at += 1
        number = 0
        while True:
            self.skip(newlines=True)
            if self.peek() == "]":
                self.at += 1
                return
            lines.setdefault((*path, number), self.line())
            self.value((*path, number), lines)
            number += 1
            self.skip(newlines=True)
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != "]":
                raise _Stop

    def table(self, path: Path, lines: dict[Path, int]) -> None:
        """Pass an inline table; lines inside are passed over too, though not every TOML allows them."""
        self.at += 1
        while True:
            self.skip(newlines=True)
            if self.peek() == "}":
                self.at += 1
                return
            line = self.line()
            parts = self.key()
            if (*path, *parts) in lines:
                self.twice = ".".join(parts)
            for depth in range(1, len(parts) + 1):
                lines.setdefault((*path, *parts[:depth]), line)
            if self.peek() != "=":
                raise _Stop
            self.at += 1
            self.skip(newlines=False)
            self.value((*path, *parts), lines)
            self.skip(newlines=True)
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != "}":
                raise _Stop


class _Reader:
    """Reads statement by statement into one document."""

    def __init__(self, text: str) -> None:
        # as TOML has it, a line may end in carriage return and newline
        self.text = text.replace("\r\n", "\n")
        self.document = Document()
        self.table: Path = ()  # of the last header
        self.headers: dict[Path, int] = {}
        self.lost = False  # after a header that cannot be read, nobody knows where keys belong
        try:
            tomllib.loads(text)
            self.valid = True
        except tomllib.TOMLDecodeError as error:
            self.valid = False
            self.error = str(error)

    def read(self) -> Document:
        scan = _Scan(self.text)
        while True:
            scan.skip(newlines=True)
            if not scan.peek():
                break
            if scan.peek() == "[":
                self.header(scan)
            else:
                self.assignment(scan)
        document = self.document
        if not self.valid and not document.problems:
            # every statement is fine alone, and still the text is not: tomllib says where
            document.problems.append(_of_tomllib(self.error, self.text))
        document.problems.sort(key=lambda problem: problem[0])
        return document

    def problem(self, line: int, text: str) -> None:
        self.document.problems.append((line, text))

    # headers ---------------------------------------------------------------------------------------

    def header(self, scan: _Scan) -> None:
        begin, line = scan.at, scan.line()
        is_array = scan.text.startswith("[[", scan.at)
        scan.at += 2 if is_array else 1
        try:
            parts = scan.key()
            close = "]]" if is_array else "]"
            if not scan.text.startswith(close, scan.at):
                raise _Stop
            scan.at += len(close)
            scan.skip(newlines=False)
            if scan.peek() not in ("", "\n", "#"):
                raise _Stop
            scan.pass_comment()
        except _Stop:
            scan.at = begin
            self.broken_header(scan, line)
            return
        self.open_table(parts, is_array, line)

    def broken_header(self, scan: _Scan, line: int) -> None:
        """Say what is wrong with a header, and go on under the name it was meant to have."""
        begin = scan.at
        scan.pass_comment()
        written = scan.text[begin : scan.at].split("#")[0].strip()
        name = written.strip("[] \t")
        parts = tuple(part.strip(" '\"") for part in name.split("."))
        if "=" in written or not all(_BARE.fullmatch(part) for part in parts):
            self.problem(line, f"'{_short(written)}' is no header; a section is written [loans]")
            self.lost = True
            return
        is_array = written.startswith("[[") or written.endswith("]]")
        right = f"[[{name}]]" if is_array else f"[{name}]"
        self.problem(line, f"'{_short(written)}' lacks a bracket or a quote; write {right}")
        self.open_table(parts, is_array, line)

    def open_table(self, parts: tuple[str, ...], is_array: bool, line: int) -> None:
        self.lost = False
        self.table = self.resolve(parts[:-1])
        name = parts[-1]
        here = self.enter(self.table, line)
        if here is None:
            return
        path = (*self.table, name)
        existing = here.get(name)
        if is_array:
            if not isinstance(existing, list) or path not in self.headers:
                if existing is not None:
                    self.again(line, f"[[{'.'.join(parts)}]]", path)
                existing = here[name] = []
            self.headers.setdefault(path, line)
            self.document.lines.setdefault(path, line)
            self.table = (*path, len(existing))
            existing.append({})
            self.document.lines[self.table] = line
            return
        if isinstance(existing, list) and path in self.headers:
            # [event] among [[event]]: what follows is meant as one more of them
            shown = ".".join(parts)
            self.problem(line, f"[{shown}] stands in single brackets here and in double brackets in line"
                         f" {self.headers[path]}; write [[{shown}]]")  # fmt: skip
            self.table = (*path, len(existing))
            existing.append({})
            self.document.lines[self.table] = line
            return
        if path in self.headers:
            self.problem(
                line,
                f"section [{'.'.join(parts)}] is opened a second time; line {self.headers[path]} opens it",
            )
        elif existing is not None and not isinstance(existing, dict):
            self.again(line, ".".join(str(part) for part in path), path)
            existing = here[name] = {}
        self.headers.setdefault(path, line)
        self.document.lines.setdefault(path, line)
        here.setdefault(name, {})
        self.table = path

    def resolve(self, parts: tuple[str, ...]) -> Path:
        """Return the path of a header's tables; an array of tables means its last one."""
        path: Path = ()
        here: Any = self.document.content
        for part in parts:
            path = (*path, part)
            here = here.get(part) if isinstance(here, dict) else None
            if isinstance(here, list) and here:
                path = (*path, len(here) - 1)
                here = here[-1]
        return path

    def enter(self, path: Path, line: int) -> dict[str, Any] | None:
        """Return the table at a path, made where it is missing."""
        here: Any = self.document.content
        for depth, part in enumerate(path, start=1):
            self.document.lines.setdefault(path[:depth], line)
            here = here[part] if isinstance(part, int) else here.setdefault(part, {})
            if here is UNREADABLE:
                return None
            if not isinstance(here, (dict, list)):
                self.again(line, ".".join(str(p) for p in path[:depth]), path[:depth])
                return None
        return here if isinstance(here, dict) else None

    def again(self, line: int, name: str, path: Path) -> None:
        first = self.document.lines.get(path)
        where = f", first in line {first}" if first else ""
        self.problem(line, f"'{name}' is given twice{where}; keep one of them")

    # keys and values -------------------------------------------------------------------------------

    def assignment(self, scan: _Scan) -> None:
        begin, line = scan.at, scan.line()
        try:
            parts = scan.key()
            if scan.peek() != "=":
                raise _Stop
        except _Stop:
            scan.at = begin
            scan.pass_comment()
            self.broken_key(scan.text[begin : scan.at], line)
            return
        scan.at += 1
        scan.skip(newlines=False)
        value_at = scan.at
        path = (*self.table, *parts)
        inner: dict[Path, int] = {}
        value: Any = UNREADABLE
        try:
            scan.value(path, inner)
            scan.skip(newlines=False)
            if scan.peek() not in ("", "\n", "#"):
                raise _Stop
            value = tomllib.loads(f"x = {scan.text[value_at : scan.at]}")["x"]
            if not self.valid and self.swallowed(scan.text[value_at : scan.at]):
                raise _Stop
        except (_Stop, tomllib.TOMLDecodeError):
            value = UNREADABLE
            if scan.twice:
                self.problem(line, f"{self.name_of(parts)}: '{scan.twice}' is given twice; keep one of them")
                scan.twice = ""
                scan.pass_comment()
            else:
                value = self.broken_value(scan, parts, value_at)
        self.put(parts, value, inner, line)

    @staticmethod
    def swallowed(value: str) -> bool:
        """Say whether a value that ran over several lines took in what looks like other statements."""
        if value[:1] in ("'", '"'):
            return False
        lines = value.split("\n")[1:]
        return any(_LOOKS_LIKE_HEADER.match(text) or _LOOKS_LIKE_KEY.match(text) for text in lines)

    def put(self, parts: tuple[str, ...], value: Any, inner: dict[Path, int], line: int) -> None:
        """Write a value into the content and the lines of its keys into the map."""
        if self.lost:
            return
        here = self.enter((*self.table, *parts[:-1]), line)
        if here is None:
            return
        path = (*self.table, *parts)
        if parts[-1] in here:
            shown = path if not any(isinstance(part, int) for part in path) else parts
            self.again(line, ".".join(str(part) for part in shown), path)
            return
        here[parts[-1]] = value
        self.document.lines.setdefault(path, line)
        for place, at in inner.items():
            self.document.lines.setdefault(place, at)

    def broken_key(self, written: str, line: int) -> None:
        """Say what is wrong with a line that is neither a header nor a key with a value."""
        text = written.split("#")[0].strip()
        if re.fullmatch(r"[\w.\"' -]+\]{1,2}", text):
            close = "]" * (len(text) - len(text.rstrip("]")))
            name = text.strip("[] ")
            self.problem(line, f"'{_short(text)}' lacks a bracket; write {'[' * len(close)}{name}{close}")
            if _BARE.fullmatch(name.replace(".", "")):
                self.open_table(tuple(name.split(".")), len(close) == 2, line)
            return
        match = re.match(r"([\w.-]+)\s*(:=|:|\s)\s*([^\s=].*)$", text)
        if match:
            self.problem(line, f"'{_short(text)}' lacks '='; write {match[1]} = {match[3].strip()}")
            parts = tuple(match[1].split("."))
            if all(_BARE.fullmatch(part) for part in parts):
                self.put(parts, UNREADABLE, {}, line)
            return
        if "=" in text:
            key = text.split("=")[0].strip()
            if key.count('"') % 2 or key.count("'") % 2:
                self.problem(line, f"the key {_short(key)} lacks a closing quote")
                self.bare_key(key, line)
                return
            what = f"the key '{_short(key)}' may hold letters, digits, '_' and '-' only"
            self.problem(
                line, f"{what}; other keys stand in quotes" if key else "a key is missing before '='"
            )
            return
        self.problem(line, f"'{_short(text)}' is neither a section nor a key with a value; write key = value")

    def bare_key(self, key: str, line: int) -> None:
        """Note the key that was meant, so that nothing is called missing for want of a quote."""
        name = key.replace('"', "").replace("'", "").strip()
        if name:
            self.put((name,), UNREADABLE, {}, line)

    def name_of(self, parts: tuple[str, ...]) -> str:
        """Return a key with the names of the tables around it, inside the array of tables where it stands."""
        around: tuple[str, ...] = ()
        for part in self.table:
            around = () if isinstance(part, int) else (*around, part)
        return ".".join((*around, *parts))

    def broken_value(self, scan: _Scan, parts: tuple[str, ...], begin: int) -> Any:
        """Say what is wrong with a value, at the line where it can be mended, and pass over it.

        Returns the value where it is plain what was meant.
        """
        text = scan.text
        end = text.find("\n", begin)
        end = len(text) if end < 0 else end
        first = text.count("\n", 0, begin) + 1
        line_text = text[begin:end]
        closing = _unclosed(line_text)
        if closing and closing[0] in "]}":
            # lines that belong to the value end where another statement seems to begin
            stop = end
            # a table whose first line ends in a brace or a comma was broken on purpose
            broken = closing[0] == "}" and _without_texts(line_text)[-1:] in "{,"
            while stop < len(text):
                after = text.find("\n", stop + 1)
                after = len(text) if after < 0 else after
                following = text[stop + 1 : after]
                if _LOOKS_LIKE_HEADER.match(following):
                    break
                if _LOOKS_LIKE_KEY.match(following) and not broken:
                    break
                stop = after
                if _unclosed(text[begin:stop]) == "":
                    break
            scan.at = stop
            whole = text[begin:stop]
            if _unclosed(whole) == "":
                return self.broken_lines(self.name_of(parts), whole, first)
        elif closing in ("'''", '"""'):
            scan.at = len(text)
        else:
            scan.at = end
        self.problem(first, f"{self.name_of(parts)}: {_diagnose(line_text, parts[-1])}")
        return UNREADABLE

    def broken_lines(self, key: str, value: str, first: int) -> Any:
        """Say what is wrong inside an array or an inline table that runs over several lines."""
        if value.startswith("{"):
            joined = " ".join(re.sub(r"#.*", "", value).split())
            joined = re.sub(r",\s*}$", "}", joined)
            try:
                meant = tomllib.loads(f"x = {joined}")["x"]
            except tomllib.TOMLDecodeError:
                self.problem(first, f"{key}: {_diagnose(joined, key)}")
                return UNREADABLE
            self.problem(first, f"{key}: a table in braces stands on one line; write it without line breaks")
            return meant
        try:
            tomllib.loads(f"x = {value}")
        except tomllib.TOMLDecodeError as error:
            line, _ = _of_tomllib(str(error), value)
            self.problem(first + line - 1, f"{key}: {_diagnose(value.splitlines()[line - 1], key)}")
        return UNREADABLE


def read_toml(text: str) -> Document:
    """Read a TOML text with the line of every key and all its mistakes.

    Parameters
    ----------
    text
        The content of a file.

    Returns
    -------
    Document
        Content, lines and problems; of a valid text the content is what ``tomllib.loads`` returns.
    """
    return _Reader(text).read()


def _short(text: str, width: int = 60) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _of_tomllib(error: str, text: str) -> tuple[int, str]:
    """Return (line, message) of what tomllib says."""
    match = re.search(r" \(at line (\d+), column \d+\)$", error)
    line = int(match[1]) if match else max(1, len(text.splitlines()))
    said = re.sub(r" \(at .*\)$", "", error)
    return line, f"not valid TOML: {said[:1].lower()}{said[1:]}"


def _unclosed(text: str) -> str:
    """Return what would close the last thing that a text leaves open: a bracket, a quote, or nothing."""
    scan = _Scan(text)
    closing: list[str] = []
    while scan.peek():
        mark = scan.peek()
        if mark in ("'", '"'):
            try:
                begin = scan.at
                scan.string()
            except _Stop:
                return mark * 3 if text.startswith(mark * 3, begin) else mark
        elif mark == "#":
            scan.pass_comment()
        else:
            if mark in "[{":
                closing.append("]" if mark == "[" else "}")
            elif mark in "]}" and closing:
                closing.pop()
            scan.at += 1
    return closing[-1] if closing else ""


_THOUSANDS = re.compile(r"(?<![\w.'\"-])([+-]?\d{1,3}(?:(?:,|'| )\d{3})+)(?![\w.])")
_BOOLEAN = {"yes": "true", "on": "true", "no": "false", "off": "false", "true": "true", "false": "false"}


def _without_texts(value: str) -> str:
    """Return a value with its quoted texts blanked and its comment cut off."""
    plain = re.sub(r"\"(?:\\.|[^\"\\])*\"|'[^']*'", '""', value)
    return plain.split("#")[0].strip()


def _diagnose(value: str, key: str) -> str:
    """Return what is probably wrong with a value that TOML cannot read, and how to write it."""
    plain = _without_texts(value)
    if not plain:
        return f"a value is missing after '='; write {key} = value"
    closing = _unclosed(value)
    if closing in ("'", '"') and plain[0] not in "'\"[{":
        return f"the opening quote {closing} is missing"
    if closing:
        what = {"]": "bracket ']'", "}": "brace '}'"}.get(closing, f"quote {closing}")
        return f"the closing {what} is missing"
    if match := _THOUSANDS.search(plain):
        whole = re.sub(r"[,' ]", "", match[1])
        return f"{match[1]} is written {whole}, without separators"
    if match := re.search(r"([+-]?\d+(?:\.\d+)?)\s*%", plain):
        return f"{match[1]} % is written {float(match[1]) / 100:g}"
    if re.match(r"[+-]?\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?$", plain) and not re.match(r"\d+\.\d+$", plain):
        return explain_date(plain)
    if match := re.fullmatch(r"([+-]?\d+),(\d+)", plain):
        return f"{plain} is written {match[1]}.{match[2]}, with a point"
    if match := re.fullmatch(r"([+-]?)\.(\d+)|([+-]?\d+)\.", plain):
        right = f"{match[1]}0.{match[2]}" if match[2] else f"{match[3]}.0"
        return f"{plain} is written {right}"
    if re.fullmatch(r"[+-]?0\d+", plain):
        return f"{plain} is written {int(plain)}, without leading zeros"
    if (found := _BOOLEAN.get(plain.lower())) is not None:
        return f"{plain} is written {found}"
    return _diagnose_text(plain)


def _diagnose_text(plain: str) -> str:
    """Return what is probably wrong with a value that is no number, no date and closed."""
    if plain.count('"') % 2 or plain.count("'") % 2:
        bare = plain.strip("\"' ")
        return f'a quote is missing; write "{bare}"'
    if plain.endswith("]") and not plain.startswith("["):
        return "the opening bracket '[' is missing"
    if plain.endswith("}") and not plain.startswith("{"):
        return "the opening brace '{' is missing"
    if match := re.fullmatch(r"[A-Za-z_][\w -]*", plain):
        if (near := nearest(plain, ("true", "false"), loose=False)) is not None:
            return f"{plain} is neither a text nor a number; did you mean {near}?"
        return f'a text stands in quotes; write "{match[0]}"'
    if plain.startswith(("[", "{")):
        if re.search(r"[=\[{,]\s*,|=\s*[}\]]", plain):
            return "a value is missing between commas or brackets"
        if plain.startswith("{") and re.search(r"[\w\"'\]}]\s+[\w\"'.-]+\s*=", plain):
            return "a comma is missing between two entries"
        return f"'{_short(plain)}' cannot be read; entries are divided by commas"
    return f"'{_short(plain)}' is neither a number, a date, true, false nor a text in quotes"
