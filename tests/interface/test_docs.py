"""The documentation is up to date, runs, links to what exists and names no place of one machine."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_HOUSEHOLDS, MOST_REPLICATES = 500, 4
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def script(name: str) -> ModuleType:
    """Return a module of the folder of the documentation."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


examples = script("examples")
generate = script("generate")
PAGES = examples.pages()


def page_name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(text: str) -> str:
    return str(examples.FENCE.sub("", text))


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    text = re.sub(r"[`*_]", "", heading.strip().lower())
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", text))


def anchors(text: str) -> set[str]:
    return {slug(match[1]) for match in re.finditer(r"^#+ (.+)$", prose(text), re.M)}


def words(text: str) -> set[str]:
    """Return the words of an output; without numbers, plurals and verdicts, which other sizes change."""
    return {word.rstrip("s") for word in re.findall(r"[A-Za-z_]{3,}", text)} - {"ye"}


def test_generated_parts_are_up_to_date() -> None:
    stale = [page_name(path) for path in generate.stale()]
    assert not stale, "run: python docs/generate.py"


def test_generated_parts_are_there() -> None:
    pages = [path.read_text(encoding="utf-8") for path in PAGES if path.name != "README.md"]
    found = {name for text in pages for name in re.findall(r"<!-- begin: (\w+) -->", text)}
    assert found == set(generate.PARTS)


def test_every_state_variable_is_described_once() -> None:
    """A description in the generator is for a field that exists and has no comment in the source."""
    fields = {
        f"{record}.{name}": about
        for record, _ in generate._STATE
        for name, _, about in generate.fields_of(record)
    }
    assert set(generate._PLAIN) <= set(fields)
    assert all(fields[key] == about for key, about in generate._PLAIN.items()), "the source has a comment now"
    assert all(fields.values())


def test_descriptions_come_from_the_comments_of_the_source() -> None:
    fields = {name: (kind, about) for name, kind, about in generate.fields_of("Household")}
    assert fields["cover_until"][1].startswith("first absolute month without benefits")
    assert fields["cash"][0] == "whole, 8 bytes"


def test_the_schedule_follows_the_code() -> None:
    text = generate.schedule()
    order = [text.index(f"`{step}`") for step in (
        "month.start_country_month", "income.live_through", "need.draw_counts", "care.treat_contacts",
        "fund.settle_section_claims", "month.enrol_section", "measure.measure_section", "pools.hand_out",
    )]  # fmt: skip
    assert order == sorted(order)


def test_the_schedule_says_under_which_conditions_a_step_is_taken() -> None:
    source = """
if ready == 0:
    first()
else:
    second()
if not willing:
    return
for h in rows:
    for k in members:
        third()
"""
    calls = list(generate._calls(ast.parse(source).body, (), 0))
    assert calls == [
        generate.Call("first", ("ready == 0",), 0),
        generate.Call("second", ("ready != 0",), 0),
        generate.Call("third", ("willing",), 2),
    ]


def test_a_step_that_comes_twice_is_opened_once() -> None:
    rows = [row for row in generate.schedule().splitlines() if "`month.seek_cover`" in row]
    assert len(rows) == 2
    first = rows[0].split("|")[1].strip()
    assert rows[1].count(f"(its steps: {first})") == 1
    assert "its steps" not in rows[0]


def test_a_month_cut_in_another_way_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "_PHASES", ("open_month", "close_month"))
    with pytest.raises(LookupError, match="run_months goes through open_month, run_sections, close_month"):
        generate.schedule()


def test_every_page_is_on_the_map() -> None:
    docs = ROOT / "docs"
    index = (docs / "index.md").read_text(encoding="utf-8")
    pages = [path.relative_to(docs).as_posix() for path in PAGES if docs in path.parents]
    assert not [page for page in pages if page != "index.md" and f"({page})" not in index]


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_examples_run_and_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    """On a small population, so numbers differ from those shown; the words may not."""
    size = examples.Size(MOST_HOUSEHOLDS, MOST_REPLICATES)
    for block, printed in examples.run_page(page, tmp_path, size):
        missing = words(block.body) - words(printed)
        place = f"{page_name(page)}:{block.line}"
        assert not missing, f"{place} shows what is not printed; run: python docs/examples.py\n{printed}"


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_relative_links_resolve(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    broken = []
    for match in LINK.finditer(prose(text)):
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


PAGE = """# Heading
<!-- no-run: needs a server -->
```python
x
```

```toml
# mine.toml
base = "rwanda"
```

```python
for line in ("one", "two", "three", "four"):
    print(line)
```

<!-- printed :1 -1: -->
```text
stale
```

```bash
cbhi check mine.toml
cbhi show care.copy  # exit code 2
```

<!-- printed -->
```text
stale
```
"""


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(examples, "ROOT", tmp_path)
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


def test_an_example_is_run_in_its_page_and_its_output_filled_in(page: Path) -> None:
    text = examples.refilled(page)
    assert "```text\none\n...\nfour\n```" in text
    assert "mine.toml: ok" in text
    assert "error: unknown key 'care.copy'" in text
    assert "stale" not in text
    assert not (page.parent / "mine.toml").exists()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("# exit code 2", "", "ended with 2"),
        ("cbhi check", "rm", "only cbhi is run here"),
        ("<!-- no-run: needs a server -->", "<!-- no-run -->", "say why it does not run"),
    ],
)
def test_what_is_wrong_with_a_page_is_said(page: Path, old: str, new: str, told: str) -> None:
    page.write_text(PAGE.replace(old, new), encoding="utf-8")
    with pytest.raises(AssertionError, match=told):
        examples.refilled(page)


def test_anchors_are_those_of_the_headings() -> None:
    assert anchors("# 8. What is `x`, and y?\n```text\n# no heading\n```\n") == {"8-what-is-x-and-y"}
