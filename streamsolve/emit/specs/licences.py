"""The licence field of a spec, from the metadata of a distribution: SPDX, or none that is known."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...model.project import ProjectFacts
from .generator import classifier_licences, is_spdx
from .task import SpecTask

__all__ = ["UNKNOWN_LICENCE", "licence_of", "licence_words"]

UNKNOWN_LICENCE = "LicenseRef-Not-Known"
"""What the field says where the metadata says nothing that can be read as SPDX."""

_CLASSIFIER = "License :: "
_EXPRESSION = re.compile(r"[A-Za-z0-9.+()-]+(?: [A-Za-z0-9.+()-]+)*", re.ASCII)
_LONGEST = 1000


def licence_of(task: SpecTask) -> str:
    """An SPDX expression: the metadata's own, else what the generator's table has for its
    classifiers, else its free text where that is SPDX; :data:`UNKNOWN_LICENCE` where it is none."""
    project = task.material.project
    for text in _stated(project, task.stream.licence):
        if _is_licence(text):
            return text
    for classifiers in _classifiers(project, task.stream.licence):
        found = _from_table(classifiers)
        if _is_licence(found):
            return found
    return UNKNOWN_LICENCE


def licence_words(task: SpecTask) -> str:
    """What is said of the licence, for whoever has to read it; empty where nothing is."""
    project = task.material.project
    stated = (project.license_expression, project.licence) if project is not None else ()
    return next((text for text in (*stated, task.stream.licence) if text.strip()), "")


def _stated(project: ProjectFacts | None, planned: str) -> Iterator[str]:
    if project is not None:
        yield project.license_expression.strip()
        if not any(each.startswith(_CLASSIFIER) for each in project.classifiers):
            yield project.licence.strip()
    yield planned.strip()


def _classifiers(project: ProjectFacts | None, planned: str) -> Iterator[tuple[str, ...]]:
    """What may be known of it as classifiers: of several, all count."""
    if project is not None:
        yield tuple(
            each
            for each in project.classifiers
            if each.startswith(_CLASSIFIER) and each.count("::") > 1
        )
    # A plan keeps the end of a classifier alone.
    yield tuple(f"License :: OSI Approved :: {each.strip()}" for each in planned.split(";"))


def _from_table(classifiers: tuple[str, ...]) -> str:
    """What the generator's table has for classifiers; empty where it knows one of them not, or
    where one stands for several licences."""
    found = [classifier_licences().get(each) for each in classifiers]
    known = [each for each in found if each]
    return " AND ".join(dict.fromkeys(known)) if len(known) == len(found) else ""


def _is_licence(text: str) -> bool:
    """Whether a text can stand in the field: SPDX, and nothing else than its letters."""
    is_plain = len(text) <= _LONGEST and _EXPRESSION.fullmatch(text) is not None
    return is_plain and is_spdx(text)
