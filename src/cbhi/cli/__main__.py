"""``python -m cbhi.cli``, the same as the command ``cbhi``."""

from cbhi.cli import main

main()
