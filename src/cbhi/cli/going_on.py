"""What ``cbhi calibrate`` says when it ends before its time: what is kept, and the command that goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cbhi.cli.errors import BAD_INPUT, CHECK_FAILED, INTERRUPTED, NOTHING, fail, of_system
from cbhi.cli.resume import command_to_resume

if TYPE_CHECKING:
    from cbhi.cli.errors import Outcome


@contextlib.contextmanager
def ending_early(outcome: Outcome) -> Iterator[None]:
    """Turn a calibration that found no answer, was stopped, or was left alone, into a message and a code."""
    from cbhi.calibration import CalibrationNotConverged, TooManyFailures
    from cbhi.calibration.executors import lost_a_worker

    try:
        yield
    except (CalibrationNotConverged, TooManyFailures) as error:
        fail(f"error: {error}", CHECK_FAILED)
    except KeyboardInterrupt:
        again = _going_on(outcome)
        said = again.lstrip("\n") if again and outcome.said == NOTHING else f"{outcome.said}{again}"
        fail(f"interrupted: {said}", INTERRUPTED)
    except MemoryError:
        fail(f"error: {outcome.of_memory()}, or take fewer --workers{_going_on(outcome)}", BAD_INPUT)
    except OSError as error:
        fail(f"error: {of_system(error)}{_going_on(outcome)}", BAD_INPUT)
    except Exception as error:
        if not lost_a_worker(error):
            raise
        lost = "a worker was ended by the system, often for lack of memory; take fewer --workers"
        fail(f"error: {lost}{_going_on(outcome)}", BAD_INPUT)


def _going_on(outcome: Outcome) -> str:
    """Return how to go on with what is kept, as a line of its own, or nothing where nothing is kept."""
    if outcome.checkpoint is None or not any(outcome.checkpoint.glob("*.json")):
        return ""
    return f"\nwhat was simulated is kept; go on with: {command_to_resume()}"
