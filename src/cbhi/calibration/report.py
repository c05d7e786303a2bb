"""The report of a calibration, for a sceptical referee: what was done, what came out, what cannot be said."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbhi.calibration import tables
from cbhi.calibration.evaluating import Evaluator
from cbhi.tables import WIDTH, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cbhi.calibration.forecasting import Forecast
    from cbhi.calibration.posterior import Posterior
    from cbhi.calibration.profiles import Profiles

__all__ = ["PICTURE", "TEXT", "Report", "make_report", "markdown_table"]

TEXT, PICTURE = "report.md", "calibration.png"
"""Names of the files that a report is written to."""

_NAMES = {"simulations": "simulations for the fit, all", "replicates": "simulations of a point"}
"""Settings that say more in other words."""


@dataclass(frozen=True)
class Report:
    """What a calibration found, as sentences and tables.

    Attributes
    ----------
    title
        Stands above everything.
    facts
        Pairs of name and value: seeds, counts, sizes, versions.
    says
        What the data say about each mechanism, to be quoted.
    cautions
        What a referee should know before anything else.
    parts
        Tables in order.
    posterior
        What all of it is about.
    profiles
        Profile likelihoods, if there are any.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    says: str
    cautions: tuple[str, ...]
    parts: tuple[Table, ...]
    posterior: Posterior
    profiles: Profiles | None = None

    def __str__(self) -> str:
        """Return the report as text of fixed width."""
        return self.as_text()

    def as_text(self, width: int = WIDTH) -> str:
        """Return the report as text of fixed width.

        Parameters
        ----------
        width
            Characters of a line.
        """
        head = Table(title=self.title, heads=(), rows=(), notes=(self.says, *self.cautions), facts=self.facts)
        return "\n\n".join([head.as_text(width), *(part.as_text(width) for part in self.parts)]) + "\n"

    def as_markdown(self) -> str:
        """Return the report as Markdown."""
        lines = [f"# {self.title}", "", f"> {self.says}", ""]
        for caution in self.cautions:
            lines += [f"- {_escaped(caution)}"]
        if self.facts:
            lines += ["", "| what was run | |", "|---|---|"]
            lines += [f"| {_escaped(name)} | {_escaped(value)} |" for name, value in self.facts]
        for part in self.parts:
            lines += ["", markdown_table(part)]
        return "\n".join(lines) + "\n"

    def draw(self) -> Figure:
        """Return one picture of prior and posterior of each parameter and the fit against each target.

        Raises
        ------
        ModuleNotFoundError
            When matplotlib is not installed.
        """
        from cbhi.calibration.picture import draw_posterior

        verdicts = self.posterior.verdicts(self.profiles)[: len(self.posterior.fit.priors)]
        return draw_posterior(self.posterior, verdicts, self.title)

    def save(self, directory: str | Path) -> Path:
        """Write ``report.md`` and, where matplotlib is installed, ``calibration.png`` to a folder.

        Each file is written under a temporary name and renamed.

        Parameters
        ----------
        directory
            The folder, made if need be.

        Returns
        -------
        pathlib.Path
            The folder.
        """
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            figure: Figure | None = self.draw()
        except ModuleNotFoundError as error:
            if error.name != "matplotlib":
                raise
            figure = None
        if figure is not None:
            drawn = figure
            _write(folder / PICTURE, lambda path: drawn.savefig(path, format="png"))
        picture = f"\n![Prior, posterior and fit]({PICTURE})\n" if figure is not None else ""
        _write(folder / TEXT, lambda path: path.write_text(self.as_markdown() + picture, encoding="utf-8"))
        return folder


def _write(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file under a temporary name and rename it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _escaped(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def markdown_table(table: Table) -> str:
    """Return a table as Markdown: a heading, the rows, and the notes below."""
    lines = [f"## {table.title}", ""]
    if table.facts:
        lines += [f"- {_escaped(name)}: {_escaped(value)}" for name, value in table.facts] + [""]
    if table.heads:
        heads = [" ".join(part for part in column if part) for column in zip(*table.heads, strict=True)]
        lines.append("| " + " | ".join(map(_escaped, heads)) + " |")
        lines.append("|" + "|".join("---" if i < table.n_labels else "--:" for i in range(len(heads))) + "|")
        lines += ["| " + " | ".join(_escaped(cell.strip()) for cell in row) + " |" for row in table.rows]
        lines.append("")
    return "\n".join([*lines, *(f"{note}  " for note in table.notes)])


def make_report(
    posterior: Posterior, profiles: Profiles | None = None, forecast: Forecast | None = None
) -> Report:
    """Return the report on a posterior.

    Parameters
    ----------
    posterior
        What was found.
    profiles
        Of ``fit.profiles()``; without them their table is left out, and verdicts rest on the draws alone.
    forecast
        Of later figures, which then have a table too.
    """
    fit = posterior.fit
    found = fit.identifiability()
    parts = [
        posterior.summary(profiles),
        tables.fit_table(fit),
        tables.predictive_table(fit, posterior.predictive_checks()),
        tables.direction_table(found),
        tables.correlation_table(posterior),
        tables.bias_table(fit),
        tables.covariance_table(fit),
    ]
    if profiles is not None:
        parts.append(tables.profile_table(profiles))
    if forecast is not None:
        parts.append(forecast.summary())
    parts += [tables.modes_table(fit), tables.draws_table(posterior)]
    name = fit.scenario.name if fit.scenario is not None else "calibration"
    return Report(
        title=f"{name}: what the data say, and what they do not",
        facts=_facts(posterior, profiles),
        says=posterior.explain(profiles),
        cautions=_cautions(posterior, profiles, forecast),
        parts=tuple(parts),
        posterior=posterior,
        profiles=profiles,
    )


def _facts(posterior: Posterior, profiles: Profiles | None) -> tuple[tuple[str, str], ...]:
    """Return what was run, as pairs of name and value."""
    fit = posterior.fit
    facts = [
        ("targets", str(len(fit.targets))),
        ("free parameters", str(len(fit.priors))),
        ("carried parameters", str(len(fit.carried))),
        ("seed", str(fit.problem.seed)),
        ("points for the mode", str(fit.search.n_simulations)),
        ("points for the draws", str(posterior.n_simulations)),
    ]
    if profiles is not None:
        facts.append(("points for profiles", str(profiles.n_simulations)))
    known = {name for name, _ in facts}
    settings = dict(fit.settings)
    evaluator = fit.problem.evaluate
    if isinstance(evaluator, Evaluator):
        # draws and profiles have been simulated since these were noted
        settings["failures"] = len(evaluator.failures)
    for key, value in settings.items():
        name = _NAMES.get(key, key.replace("_", " "))
        if name not in known:
            facts.append((name, _shown(value)))
    return tuple(facts)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cautions(posterior: Posterior, profiles: Profiles | None, forecast: Forecast | None) -> tuple[str, ...]:
    """Return what a referee should know first."""
    fit = posterior.fit
    later = "what is published later than the last target was not looked at"
    if forecast is not None:
        later = f"the {len(forecast.later)} later figures were not fitted, and the forecast is scored by them"
    cautions = [
        f"Held out: figures marked 'check' were neither fitted nor used to choose anything here; {later}.",
        "All of this supposes that the model and the stated errors are right: no draw from a posterior tells"
        " how wrong a model is beyond its stated discrepancy.",
    ]
    warning = fit.identifiability().warning()
    if warning is not None:
        cautions.append(f"More parameters than information: {warning}.")
    if len(fit.modes) > 1:
        cautions.append(f"{len(fit.modes)} local modes lie within five nats: the fit is not unique.")
    weak = [target.name for target in fit.targets if target.confidence in ("recalled", "assumption")]
    if weak:
        cautions.append(f"Figures whose source is not at hand: {', '.join(weak)}.")
    if profiles is not None and any(one.better_mode > 1.0 for one in profiles.profiles):
        cautions.append("A profile found a point more than one nat better than the mode; search longer.")
    if posterior.pareto_k > 0.7:
        cautions.append(f"Pareto k is {posterior.pareto_k:.2f}: the weights of the draws cannot be trusted.")
    return tuple(cautions)
