"""What the streams of a locked plan carry in their own source, as the lock writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..model.component import Component, Kind
from ..model.difference import Change, VendoredChange, VendoredDiff
from ..model.vendored import Ecosystem, Vendored, VendoredPackage, vendored_digest
from .shape import text_of

__all__ = [
    "false_digests",
    "rebuilt_vendored",
    "vendored_changes",
    "vendored_documents",
    "vendored_of",
]

_Document = Mapping[str, Any]
_TEXTS = ("name", "version", "source", "licence", "licence_of", "checksum")


def vendored_documents(vendored: Iterable[Vendored]) -> list[_Document]:
    """A document for each component, sorted, with the digest of all that it carries."""
    return [
        {
            "component": each.component.spelled,
            **({"reason": each.reason} if each.reason else {}),
            "digest": vendored_digest(each.packages),
            "packages": [_package(package) for package in sorted(each.packages)],
        }
        for each in sorted(vendored, key=lambda one: one.component)
    ]


def _package(package: VendoredPackage) -> _Document:
    texts = {key: getattr(package, key) for key in _TEXTS}
    found = {"ecosystem": package.ecosystem.value, **{k: v for k, v in texts.items() if v}}
    return {**found, "development": True} if package.development else found


def rebuilt_vendored(
    documents: Sequence[_Document], components: Iterable[Component]
) -> tuple[Vendored, ...]:
    """The same from a lock; ``components`` are those of its streams."""
    by_name = {component.spelled: component for component in components}
    return tuple(
        Vendored(
            by_name[each["component"]],
            tuple(_rebuilt(package) for package in each["packages"]),
            reason=each.get("reason", ""),
        )
        for each in documents
    )


def vendored_of(documents: Iterable[_Document]) -> tuple[Vendored, ...]:
    """The same from a document ``streamsolve.plan/1``."""
    return tuple(
        Vendored(
            Component(Kind(each["component"]["kind"]), each["component"]["name"]),
            tuple(map(_rebuilt, each["packages"])),
        )
        for each in documents
    )


def _rebuilt(document: _Document) -> VendoredPackage:
    texts = {key: text_of(document.get(key) or "") for key in _TEXTS}
    return VendoredPackage(
        ecosystem=Ecosystem(document["ecosystem"]),
        development=document.get("development", False),
        **texts,
    )


def false_digests(document: _Document) -> Iterator[tuple[str, str]]:
    """What is wrong in a lock's document whose shape is right, each with its path: a component of
    which there is no stream, and a digest that is not that of its packages."""
    known = {stream["component"] for stream in document["streams"]}
    for number, each in enumerate(document.get("vendored", ())):
        if each["component"] not in known:
            component = f"vendored[{number}].component"
            yield component, f"there is no stream of {each['component']!r}"
        if vendored_digest(map(_rebuilt, each["packages"])) != each["digest"]:
            yield f"vendored[{number}].digest", "it is not that of the packages below it"


# -- what changed ----------------------------------------------------------------------------------


def vendored_changes(old: Iterable[Vendored], new: Iterable[Vendored]) -> tuple[VendoredDiff, ...]:
    """What changed in what each component carries, sorted; none where nothing did."""
    before, after = ({each.component: each for each in side} for side in (old, new))
    found = []
    for component in sorted(before.keys() | after.keys()):
        was = before[component].packages if component in before else ()
        now = after[component].packages if component in after else ()
        if was != now:
            found.append(
                VendoredDiff(
                    component.spelled, len(was), len(now), tuple(sorted(_changes(was, now)))
                )
            )
    return tuple(found)


def _changes(
    old: Sequence[VendoredPackage], new: Sequence[VendoredPackage]
) -> Iterator[VendoredChange]:
    """One for each package and version that differs: a name's versions are compared one with one,
    since several may be there at once."""
    before, after = _by_name(old), _by_name(new)
    for ecosystem, name in before.keys() | after.keys():
        mine, theirs = before.get((ecosystem, name), {}), after.get((ecosystem, name), {})
        for key in mine.keys() & theirs.keys():
            if mine[key] != theirs[key]:
                yield _change(Change.CHANGED, mine[key], theirs[key])
        gone = [mine[key] for key in sorted(mine.keys() - theirs.keys())]
        come = [theirs[key] for key in sorted(theirs.keys() - mine.keys())]
        for number in range(max(len(gone), len(come))):
            was, now = gone[number : number + 1], come[number : number + 1]
            kind = Change.CHANGED if was and now else Change.IN if now else Change.OUT
            yield _change(kind, was[0] if was else None, now[0] if now else None)


def _by_name(
    packages: Iterable[VendoredPackage],
) -> dict[tuple[str, str], dict[tuple[str, str], VendoredPackage]]:
    found: dict[tuple[str, str], dict[tuple[str, str], VendoredPackage]] = {}
    for each in packages:
        of_name = found.setdefault((each.ecosystem.value, each.name), {})
        of_name[each.version, each.source] = each
    return found


def _change(
    kind: Change, old: VendoredPackage | None, new: VendoredPackage | None
) -> VendoredChange:
    one = new or old
    assert one is not None  # noqa: S101  (says it to mypy)
    return VendoredChange(
        kind,
        one.ecosystem.value,
        one.name,
        old.version if old else "",
        new.version if new else "",
        old.licence if old else "",
        new.licence if new else "",
    )
