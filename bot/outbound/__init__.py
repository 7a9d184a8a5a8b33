"""Outgoing and incoming texts."""
