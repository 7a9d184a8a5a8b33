"""Contacts: the one place that creates and changes them."""
