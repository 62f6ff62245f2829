"""What a webhook sent, read as what it is: a text from a stranger.

It decides nothing but which component of a lock to look at. Names in it are compared with those
that the lock has, and what is returned is the lock's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from packaging.utils import canonicalize_name

from ..errors import Code, InputError, Place
from ..model.component import Component, Kind
from ..model.plan import Plan, PlannedStream

__all__ = ["LARGEST_PAYLOAD", "component_of_payload"]

LARGEST_PAYLOAD = 4 << 20
"""In bytes. A forge's announcement of a release has some ten thousand."""

_FILE = "hook_payload"
_LONGEST_NAME = 200
_REPOSITORY = re.compile(r"(?:https?://|git@)?[A-Za-z0-9.-]+[/:](.+?)(?:\.git)?/?", re.ASCII)
_ADDRESSES = ("html_url", "clone_url", "git_http_url", "web_url", "url", "fullname")


def component_of_payload(text: str | bytes, plan: Plan) -> Component | None:
    """The component of a plan that a payload is about, None for one that the plan does not build.

    Understood are what GitHub, GitLab, Forgejo, Gitea, Bitbucket and Pagure send for pushes, tags
    and releases, and ``{"component": NAME}``. Raises :class:`InputError` (``BROKEN_PAYLOAD``) for
    what is no JSON object, too large or too deep.
    """
    document = _document(text)
    built = {build.component for build in plan.builds.builds} if plan.builds else set()
    streams = [one for one in plan.streams if one.component in built]
    stated = _text(document.get("component"))
    if stated:
        return _by_name(stated, streams, spelled=True)
    for address in _addresses(document):
        found = _by_repository(address, streams)
        if found is not None:
            return found
    for name in _names(document):
        found = _by_name(name, streams)
        if found is not None:
            return found
    return None


def _document(text: str | bytes) -> dict[str, Any]:
    if len(text) > LARGEST_PAYLOAD:
        raise _fault(f"it has more than {LARGEST_PAYLOAD >> 20} MiB")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _fault("it is no JSON document") from None
    if not isinstance(document, dict):
        raise _fault("it is no JSON object")
    return document


def _fault(what: str) -> InputError:
    return InputError(Code.BROKEN_PAYLOAD, what, place=Place(_FILE))


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= _LONGEST_NAME else ""


def _places(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Where forges tell which repository it is about."""
    for key in ("repository", "project", "repo"):
        value = document.get(key)
        if isinstance(value, dict):
            yield value
            links = value.get("links")
            html = links.get("html") if isinstance(links, dict) else None
            if isinstance(html, dict):
                yield {"url": html.get("href")}
    message = document.get("msg")
    if isinstance(message, dict):
        project = message.get("project") or message.get("repo")
        if isinstance(project, dict):
            yield project


def _addresses(document: dict[str, Any]) -> Iterator[str]:
    for place in _places(document):
        for key in _ADDRESSES:
            address = _text(place.get(key))
            if address:
                yield address


def _names(document: dict[str, Any]) -> Iterator[str]:
    for place in _places(document):
        name = _text(place.get("name"))
        if name:
            yield name


def _by_repository(address: str, streams: list[PlannedStream]) -> Component | None:
    """The component whose source is that repository, where a lock says so; of several in one
    repository the first by name."""
    match = _REPOSITORY.fullmatch(address)
    if match is None:
        return None
    for one in sorted(streams, key=lambda one: one.component):
        purl = one.source.purl
        kind, _, path = purl.removeprefix("pkg:").partition("/")
        repository = path.partition("#")[0].rpartition("@")[0]
        if kind != "pypi" and repository.lower() == match[1].lower():
            return one.component
    return None


def _by_name(name: str, streams: list[PlannedStream], *, spelled: bool = False) -> Component | None:
    for one in streams:
        component = one.component
        if spelled and component.spelled == name:
            return component
        if component.kind is Kind.DISTRIBUTION and component.name == canonicalize_name(name):
            return component
    return None
