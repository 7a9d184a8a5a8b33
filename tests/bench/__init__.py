"""Measures: `python -m tests.bench`. Every claim is a ratio of figures from one run."""
