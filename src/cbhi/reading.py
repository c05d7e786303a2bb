"""Read a folder back, whatever was saved to it: the results of a run, or a comparison."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cbhi.loading import load as load_results
from cbhi.results import Results

if TYPE_CHECKING:
    from cbhi.comparison import Comparison

__all__ = ["load"]


def load(directory: str | Path) -> Results | Comparison:
    """Read what ``save``, ``cbhi run`` or ``cbhi compare -o`` wrote to a folder.

    Parameters
    ----------
    directory
        The folder, such as ``"out/rwanda"``.

    Returns
    -------
    Results or Comparison
        Equal to what was saved: scenarios, sources and all arrays, bit for bit. A comparison where the folder
        holds ``comparison.json``, results where it holds ``run.json``.

    Raises
    ------
    ValueError
        When the folder holds neither, or both, or was written by a newer or another program, or a file was
        damaged or changed since, or the files do not belong together. Nothing is unpickled.
    OSError
        When a file cannot be read.

    Examples
    --------
    >>> results = cbhi.load("out/rwanda")
    >>> results.to_frame("coverage_end_share", every="year")
    """
    from cbhi.comparison.files import RECORD

    if not isinstance(directory, (str, Path)):
        return load_results(directory)  # which says what is wanted
    folder = Path(directory)
    if not (folder / RECORD).is_file():
        return load_results(folder)
    if (folder / "run.json").is_file():
        raise ValueError(
            f"'{folder}' holds the results of a run (run.json) and a comparison ({RECORD}); move one of them"
            " to a folder of its own"
        )
    from cbhi.comparison import load_comparison

    return load_comparison(folder)
