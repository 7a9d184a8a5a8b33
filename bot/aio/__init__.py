"""Helpers for asyncio: batching, a short-lived cache, background tasks. They know nothing of Sayso."""
