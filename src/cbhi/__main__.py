"""``python -m cbhi`` is the command line."""

from cbhi.cli import main

main()
