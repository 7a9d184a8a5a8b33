"""Conversations, cards and the live feed."""
