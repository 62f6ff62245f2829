"""Explanations on top of the model: text for readers, JSON documents for programs.

Pure functions: they read no file but the package's own schema, and know no terminal.
"""

from __future__ import annotations

from .build_text import build_blocks
from .burden_text import burden_blocks
from .command import Command
from .conflict_text import conflict_sentence, failure_blocks, repair_step
from .document import (
    SCHEMA,
    document_text,
    errors_document,
    failure_document,
    plan_document,
    plan_schema,
)
from .fault_text import code_blocks, fault_blocks
from .isolation_text import isolation_blocks
from .markup import (
    Block,
    Line,
    Row,
    Span,
    Style,
    Table,
    blank,
    lay_out,
    paragraph,
    plain,
)
from .plan_text import plan_blocks
from .question_text import chains_to, why_blocks, why_not_blocks
from .versions import version_ranges

__all__ = [
    "SCHEMA",
    "Block",
    "Command",
    "Line",
    "Row",
    "Span",
    "Style",
    "Table",
    "blank",
    "build_blocks",
    "burden_blocks",
    "chains_to",
    "code_blocks",
    "conflict_sentence",
    "document_text",
    "errors_document",
    "failure_blocks",
    "failure_document",
    "fault_blocks",
    "isolation_blocks",
    "lay_out",
    "paragraph",
    "plain",
    "plan_blocks",
    "plan_document",
    "plan_schema",
    "repair_step",
    "version_ranges",
    "why_blocks",
    "why_not_blocks",
]
