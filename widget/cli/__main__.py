"""`python -m widget.cli`: the command `sayso` without its script."""

from widget.cli import main

main()
