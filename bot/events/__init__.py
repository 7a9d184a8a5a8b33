"""Consumers of the ledger, the path by which events reach them, and recovery after a crash."""
