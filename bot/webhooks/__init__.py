"""Webhooks out: what happens is queued for each endpoint with the change that caused it, and posted by workers."""
