"""Helpers for asyncio: batching and background tasks. They know nothing of Sayso."""
