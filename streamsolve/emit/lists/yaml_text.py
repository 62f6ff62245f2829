"""YAML as all these tools read it."""

from __future__ import annotations

from typing import Any

__all__ = ["yaml_bytes"]


def yaml_bytes(document: Any) -> bytes:  # noqa: ANN401  whatever YAML can hold
    """A document, its keys in the order given. What looks like a number stays the text it is."""
    import yaml

    text: str = yaml.safe_dump(
        document, sort_keys=False, default_flow_style=False, allow_unicode=True, width=100
    )
    return text.encode()
