"""The documentation is up to date, runs, links to what exists and names no place of one machine."""

from __future__ import annotations

import doctest
import importlib.util
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import cbhi

ROOT = Path(__file__).resolve().parents[2]
PAGES = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if path.exists()]
MOST_HOUSEHOLDS, MOST_REPLICATES = 500, 2

FENCE = re.compile(r"^(?P<fence>```+)(?P<language>\w*)[^\n]*\n(?P<body>.*?)^(?P=fence)\s*$", re.M | re.S)
NO_RUN = re.compile(r"<!-- no-run(?::(?P<why>[^>]*))? -->\s*\Z")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def python_blocks(text: str) -> Iterator[tuple[int, str, str | None]]:
    """Yield (line, code, why it must not run) of every fenced block marked python."""
    for match in FENCE.finditer(text):
        if match["language"] in ("python", "py", "pycon"):
            line = text.count("\n", 0, match.start("body")) + 1
            marker = NO_RUN.search(text[: match.start()])
            yield line, match["body"], None if marker is None else (marker["why"] or "").strip()


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    text = re.sub(r"[`*_]", "", heading.strip().lower())
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", text))


def anchors(text: str) -> set[str]:
    prose = FENCE.sub("", text)
    return {slug(match[1]) for match in re.finditer(r"^#+ (.+)$", prose, re.M)}


def test_generated_parts_are_up_to_date() -> None:
    stale = [page_name(path) for path in generator().stale()]
    assert not stale, "run: python docs/generate.py"


def test_generated_parts_are_there() -> None:
    docs = generator()
    pages = [path.read_text(encoding="utf-8") for path in docs.DOCS.glob("*.md")]
    found = {name for text in pages for name in re.findall(r"<!-- begin: (\w+) -->", text)}
    assert found == set(docs.PARTS)


def test_every_state_variable_is_described_once() -> None:
    """A description in the generator is for a field that exists and has no comment in the source."""
    docs = generator()
    fields = {
        f"{record}.{name}": about for record, _ in docs._STATE for name, _, about in docs.fields_of(record)
    }
    assert set(docs._PLAIN) <= set(fields)
    assert all(fields[key] == about for key, about in docs._PLAIN.items()), "the source has a comment now"
    assert all(fields.values())


def test_descriptions_come_from_the_comments_of_the_source() -> None:
    fields = {name: (kind, about) for name, kind, about in generator().fields_of("Household")}
    assert fields["cover_until"][1].startswith("first absolute month without benefits")
    assert fields["cash"][0] == "whole, 8 bytes"


def test_the_schedule_follows_the_code() -> None:
    text = generator().schedule()
    order = [text.index(f"`{step}`") for step in (
        "income.live_a_month", "care.need_care", "care.visit", "fund.settle_section_claims",
        "month.enrol_section", "measure.measure_section", "pools.hand_out",
    )]  # fmt: skip
    assert order == sorted(order)


def test_every_page_is_on_the_map() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    missing = [
        p.name for p in PAGES if p.parent.name == "docs" and p.name != "index.md" and p.name not in index
    ]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_python_blocks_run(page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Blocks of a page run one after another, as a reader would type them, on a small population."""
    simulate = cbhi.simulate

    def small(*arguments: Any, **options: Any) -> Any:
        asked = options.get("households", MOST_HOUSEHOLDS)
        options["households"] = MOST_HOUSEHOLDS if asked == "all" else min(asked, MOST_HOUSEHOLDS)
        options["replicates"] = min(options.get("replicates", 1), MOST_REPLICATES)
        return simulate(*arguments, **options)

    monkeypatch.setattr(cbhi, "simulate", small)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "docs"}
    for line, code, why in python_blocks(page.read_text(encoding="utf-8")):
        place = f"{page_name(page)}:{line}"
        if why is not None:
            assert why, f"{place}: say why it does not run: <!-- no-run: the reason -->"
        elif ">>>" in code:
            example = doctest.DocTestParser().get_doctest(code, names, place, page.name, line)
            report: list[str] = []
            failed = doctest.DocTestRunner(verbose=False).run(example, out=report.append, clear_globs=False)
            assert not failed.failed, "".join(report)
            names = example.globs
        else:
            exec(compile("\n" * line + code, str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_relative_links_resolve(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    broken = []
    for match in LINK.finditer(FENCE.sub("", text)):
        link = match[1] or match[2]
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_no_path_of_this_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    folders = {ROOT, ROOT.parent, Path.home(), Path(tempfile.gettempdir())}
    folders = {folder for folder in folders if folder != Path(folder.anchor)}
    found = [str(folder) for folder in folders if re.search(rf"(?<![\w.]){re.escape(str(folder))}\b", text)]
    found += re.findall(r"(?:(?<![\w.])/(?:home|Users|root|mnt|tmp)/|\b[A-Z]:\\)\S*", text)
    assert not found


def test_marks_and_blocks_are_read() -> None:
    text = "<!-- no-run: needs a server -->\n```python\nx\n```\n\n```python\ny = 1\n```\n```text\nz\n```\n"
    assert [(code, why) for _, code, why in python_blocks(text)] == [
        ("x\n", "needs a server"),
        ("y = 1\n", None),
    ]
    assert anchors("# 8. What is `x`, and y?\n") == {"8-what-is-x-and-y"}
