"""Fit parameters to published figures, and say what the figures do and do not tell about them.

``calibration`` joins a scenario, ``priors`` and ``targets``; ``settings`` reads all three from a file.
``simulating``, ``executors``, ``journal`` and ``evaluating`` turn the questions of the algorithms into
simulations. What the algorithms see of all this is the ``Problem`` of ``core``.
"""

from cbhi.calibration.calibration import Calibration
from cbhi.calibration.core import CalibrationNotConverged
from cbhi.calibration.evaluating import TooManyFailures
from cbhi.calibration.priors import Prior
from cbhi.calibration.settings import CalibrationFileError, calibration_names
from cbhi.calibration.targets import SharedError, Target, fit_targets

__all__ = [
    "Calibration",
    "CalibrationFileError",
    "CalibrationNotConverged",
    "Prior",
    "SharedError",
    "Target",
    "TooManyFailures",
    "calibration_names",
    "fit_targets",
]
