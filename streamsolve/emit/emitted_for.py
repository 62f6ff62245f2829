"""What a directory was emitted for, as ``emitted.json`` keeps it beside the digests of the files.

    {"lock": "sha256:…", "prefix": "/opt/app", "builds": {"torch@2.14.0": {"name": …, "root": …,
     "options": […], "source": …}}}

Whoever builds needs to read no Makefile: what was asked for when it was emitted is in no lock.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from ..model.plan import Plan
from . import grammar
from .commands import mock_options
from .grammar import Refusals
from .mock_settings import MockSettings
from .names import names_of
from .namespace import namespace_of
from .runtime_package import with_runtime

__all__ = ["EmittedFor", "emitted_for", "read_emitted_for"]

_OPTION = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


@frozen
class EmittedFor:
    """Which lock it was (its digest, empty where nobody said), the prefix (empty: none), and mock's
    options for each build, by its id."""

    lock: str
    prefix: str
    options: Mapping[str, tuple[str, ...]] = field(factory=dict)


def emitted_for(plan: Plan, settings: MockSettings, digest: str) -> Mapping[str, object]:
    """The document, for a plan and settings that :func:`emit_mock` has emitted; ``digest`` is the
    lock's."""
    if plan.builds is None:
        return {"lock": digest}
    builds = with_runtime(plan, plan.builds, namespace_of(plan, settings))
    refusals = Refusals("")
    names = names_of(builds, refusals)
    refusals.raise_if_any()
    return {
        "lock": digest,
        "prefix": settings.prefix,
        "builds": {
            build.id: {
                "name": names.builds[build.id],
                "options": list(mock_options(build, settings)),
                "root": build.root,
                "source": names.sources[build.stream],
            }
            for build in builds.builds
        },
    }


def read_emitted_for(text: str | bytes) -> EmittedFor | None:
    """What it says; None for a text that does not, or not in this form. Options are plain words,
    since a program gets them."""
    try:
        found: dict[str, Any] = json.loads(text)
        options = {str(id): tuple(of["options"]) for id, of in found["builds"].items()}
        words = [word for of in options.values() for word in of]
        good = all(isinstance(word, str) and _OPTION.fullmatch(word) for word in words)
        lock, prefix = found["lock"], found["prefix"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    is_text = isinstance(lock, str) and isinstance(prefix, str)
    if not good or not is_text or (prefix and not grammar.DIRECTORY.allows(prefix)):
        return None
    return EmittedFor(lock, prefix, options)
