"""The JSON Schema of a flow document, for editors and other tools: pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from bot.flows.document import FORMAT, FlowDocument


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """Of format `FORMAT`. `bot.flows.check` checks more than a schema can say."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **FlowDocument.model_json_schema(),
        "title": f"Sayso flow, format {FORMAT}",
    }
