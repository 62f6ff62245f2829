"""What many parts of a lock are written with: requirements, who demands them, what is left out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

from ..errors import Place
from ..model.component import Scope
from ..model.plan import Demander
from ..model.requirement import Requirement

__all__ = ["Document", "demander_documents", "each_once", "given", "requirement_document"]

Document = dict[str, Any]


def demander_documents(demanders: Iterable[Demander]) -> list[Document]:
    """Who demands something, and what."""
    return each_once(
        {"by": demander.component.spelled, **requirement_document(demander.requirement)}
        for demander in demanders
    )


def requirement_document(requirement: Requirement) -> Document:
    """What it is on, and what it allows. Its text follows from the rest but where it does not."""
    name = requirement.component.name
    bracket = f"[{','.join(requirement.extras)}]" if requirement.extras else ""
    usual = f"{name}{bracket}{requirement.specifier}"
    if requirement.url:
        usual = f"{name}{bracket} @ {requirement.url}"
    scope = "" if requirement.scope is Scope.RUN else requirement.scope.value
    return {
        "on": requirement.component.spelled,
        "specifier": str(requirement.specifier),
        **given(
            extras=",".join(requirement.extras),
            marker=requirement.marker,
            url=requirement.url,
            scope=scope,
            text="" if requirement.text == usual else requirement.text,
            **_place(requirement.place),
        ),
    }


def _place(place: Place) -> Document:
    """Where it is stated. Of a file only its name: where it lies is the machine's business."""
    file = PurePath(place.file)
    near = file.name if file.is_absolute() or ".." in file.parts else place.file
    return {"file": near, "line": place.line, "path": place.path}


def given(**members: object) -> Document:
    """The members that are not empty: what is left out means nothing, none, no."""
    return {name: value for name, value in members.items() if value}


def each_once(documents: Iterable[Document]) -> list[Document]:
    """Sorted and each once."""
    by_text = {json.dumps(document): document for document in documents}
    return [by_text[text] for text in sorted(by_text)]
