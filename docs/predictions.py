"""Write docs/predictions.md and docs/predictions.csv from what `cbhi predict` wrote to a folder.

    cbhi predict rwanda -o out/predictions
    python docs/predictions.py out/predictions

The page is never typed: its tables are those of the run, and its head says what made them and when.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

DOCS = Path(__file__).resolve().parent
PAGE, TABLE = DOCS / "predictions.md", DOCS / "predictions.csv"

WORDS = """# Predictions written down before anybody compares them

<!-- Written by docs/predictions.py; do not edit by hand. -->

What `{scenario}` says about {first} to {last}, years that no figure of the fit reaches: written by one
command, as a table with bands, before anybody has compared it with what happened. **Nobody has compared these
figures with what happened.** Whoever does should judge the bands as well as the medians: a model whose 90 %
bands miss more than one figure in ten is too sure of itself.

<!-- no-run: minutes -->
```bash
{command}
```

{date}, cbhi {version}, {households:,} households, {replicates} runs, {sets}, seed {seed}, engine
`{engine}`. Rules are inputs, not predictions: premiums by category, the subsidised share and the transfer of
the scheme in July 2015 are in the scenario with their dates; what is not known of later years (enforcement,
tariffs, donor money) stays as it was. {about_bands} [predictions.csv](predictions.csv) holds every figure of
both tables, `outcome` by `period`, at full precision.

```text
{tables}
```
"""


def page(folder: Path) -> str:
    """Return the page for what a folder holds."""
    record = json.loads((folder / "predictions.json").read_text(encoding="utf-8"))
    tables = (folder / "predictions.txt").read_text(encoding="utf-8").rstrip()
    sets = record["n_param_sets"]
    if sets > 1:
        words, about = f"{sets} parameter sets", "The bands hold doubt about parameters, and chance."
    else:
        words = "one parameter set"
        about = "The bands hold chance alone, and are too narrow for that reason."
    return WORDS.format(
        scenario=record["scenario"],
        first=record["from"],
        last=record["to"],
        command=record["command"],
        date=record["date"],
        version=record["versions"]["cbhi"],
        households=record["households"],
        replicates=record["replicates"],
        sets=words,
        seed=record["seed"],
        engine=record["engine"],
        about_bands=about,
        tables=tables,
    )


def main() -> None:
    """Write the page and the table beside it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder that cbhi predict wrote")
    folder = parser.parse_args().folder
    PAGE.write_text(page(folder), encoding="utf-8")
    shutil.copyfile(folder / "predictions.csv", TABLE)
    print(f"{PAGE.name} and {TABLE.name} written")


if __name__ == "__main__":
    main()
