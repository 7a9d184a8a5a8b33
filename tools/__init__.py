"""What the Makefile runs. None of it is in the wheel."""
