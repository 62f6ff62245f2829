"""The JSON Schemas that come with the tool."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["shipped_schema"]


@cache
def shipped_schema(name: str) -> dict[str, Any]:
    """A schema by its name and number, such as ``plan-1``. It is read once: leave it as it is."""
    path = resources.files("streamsolve").joinpath("schemas", f"{name}.schema.json")
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema
