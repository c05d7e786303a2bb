"""What all tests have in common."""

from __future__ import annotations

import os

# Matrices of calibrations are small: threads of linear algebra gain nothing there, and wait for each other
# where processors are shared, twenty times as long as the work takes. Read when NumPy is imported, which the
# tests do after this file; processes that they start inherit it.
for _library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")
