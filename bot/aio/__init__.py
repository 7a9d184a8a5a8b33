"""Helpers for asyncio: batching, bounded retries, background tasks."""
