"""Sayso decides here: consent, cards, conversations, flows and texts. No HTTP, no HTML."""
