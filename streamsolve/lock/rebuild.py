"""From a lock's document, whose shape is right, back to the plan and the settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from ..errors import Place
from ..model.artifacts import GpuMatrix
from ..model.build import (
    Build,
    BuildNeed,
    BuildOrder,
    BuildPlan,
    Isolation,
    Leak,
    LeakKind,
    Level,
    NeedOrigin,
    NeedRole,
    Root,
    RootStream,
    Stage,
    Substitute,
)
from ..model.component import Component, Kind, Origin, Scope
from ..model.lock import LockRepository, LockSettings, LockSpec
from ..model.module_filter import ActiveModule, ModuleReason
from ..model.package import Package
from ..model.plan import (
    Burden,
    Demander,
    HeldBack,
    HostRequirement,
    Notice,
    Plan,
    PlannedStream,
    Reason,
    ReasonKind,
    Relaxed,
    RepositoryId,
    Summary,
)
from ..model.requirement import Requirement
from ..model.stream import Source
from .demanders import derived_demanders
from .kernel_pairs import rebuilt_pair
from .overlays import rebuilt_overlays
from .vendored import rebuilt_vendored

__all__ = ["rebuilt_plan", "rebuilt_settings"]

_Document = Mapping[str, Any]
_KINDS = {kind.value: kind for kind in Kind}


def rebuilt_plan(document: _Document) -> Plan:
    """The plan of a lock."""
    application, base = document["application"], document["base"]
    builds = _builds(document)
    streams = _streams(document["streams"])
    return Plan(
        application=application["name"],
        version=Version(application["version"]),
        variant=application["variant"],
        base=base["name"],
        arch=base["arch"],
        repositories=tuple(
            RepositoryId(each["id"], each["repomd_sha256"]) for each in base["repositories"]
        ),
        python=document["python"],
        summary=Summary(**document["summary"]),
        streams=streams,
        burden=Burden(
            document["burden"]["base_packages_changed"],
            tuple(document["burden"]["would_conflict"]),
            tuple(document["burden"]["would_add"]),
        ),
        warnings=tuple(Notice(each["code"], each["text"]) for each in document["warnings"]),
        held_back=tuple(_held_back(each) for each in document["held_back"]),
        relaxed=tuple(_relaxed(each) for each in document["relaxed"]),
        host=tuple(_host(each) for each in document["host"]),
        runtime_packages=tuple(package.nevra for package in builds.runtime.packages),
        isolation=_isolation(document["isolation"]),
        builds=builds,
        modules=tuple(_module(each) for each in base.get("modules", ())),
        overlays=rebuilt_overlays(
            base.get("overlays", ()),
            {each["id"]: each["priority"] for each in base["repositories"]},
        ),
        vendored=rebuilt_vendored(
            document.get("vendored", ()), (stream.component for stream in streams)
        ),
        kernel_pair=rebuilt_pair(document.get("kernel_pair"), _component, _requirement),
        demands=tuple(document["settings"]["demands"]),
    )


def _module(document: _Document) -> ActiveModule:
    return ActiveModule(**{**document, "reason": ModuleReason(document["reason"])})


def rebuilt_settings(document: _Document) -> LockSettings:
    """The settings of a lock."""
    settings, base = document["settings"], document["base"]
    return LockSettings(
        profile=settings["profile"]["name"],
        profile_sha256=settings["profile"]["sha256"],
        python=settings.get("python", ""),
        version=settings.get("version", ""),
        arch=settings["arch"],
        overlays=tuple(settings["overlays"]),
        relaxed=tuple(
            (each.get("by", ""), each["component"], each["specifier"])
            for each in settings["relaxed"]
        ),
        demands=tuple(settings["demands"]),
        checks=settings["checks"],
        specs=tuple(LockSpec(**each) for each in settings["specs"]),
        tool=document["tool"],
        base_release=base.get("release", ""),
        base_python=base.get("python", ""),
        build_group=tuple(base["build_group"]),
        repositories=tuple(
            LockRepository(
                each["id"],
                each["priority"],
                each.get("sources", False),
                each.get("module_hotfixes", False),
            )
            for each in base["repositories"]
        ),
        gpu=GpuMatrix(
            tuple(settings.get("gpu", {}).get("architectures", ())),
            {name: tuple(of) for name, of in settings.get("gpu", {}).get("of", {}).items()},
        ),
        modules=tuple(settings.get("modules", ())),
    )


# -- streams ---------------------------------------------------------------------------------------


def _component(text: str) -> Component:
    kind, colon, name = text.partition(":")
    if colon and kind in _KINDS:
        return Component(_KINDS[kind], name)
    return Component(Kind.DISTRIBUTION, text)


def _streams(documents: Iterable[_Document]) -> tuple[PlannedStream, ...]:
    listed = [(_stream(document), document.get("required_by")) for document in documents]
    derived = derived_demanders([stream for stream, _ in listed])
    return tuple(
        evolve(stream, required_by=derived(stream) if asked is None else _demanders(asked))
        for stream, asked in listed
    )


def _stream(document: _Document) -> PlannedStream:
    source, reason = document.get("source", {}), document["reason"]
    return PlannedStream(
        component=_component(document["component"]),
        version=Version(document["version"]) if "version" in document else None,
        origin=Origin(document["origin"]),
        package=document.get("package", ""),
        source=Source(source.get("purl", ""), source.get("filename", ""), source.get("sha256", "")),
        requirements=_by_text(_requirement(each) for each in document["requirements"]),
        required_by=(),
        reason=Reason(
            ReasonKind(reason["kind"]),
            reason.get("base_version", ""),
            _demanders(reason.get("demands", ())),
            reason.get("text", ""),
        ),
        prebuilt=document.get("prebuilt", False),
        licence=document.get("licence", ""),
        cost=document.get("cost", 0),
        extras=tuple(document.get("extras", ())),
        repository=document.get("repository", ""),
        build_only=document.get("build_only", False),
    )


def _by_text(requirements: Iterable[Requirement]) -> tuple[Requirement, ...]:
    return tuple(sorted(requirements, key=str))


def _demanders(documents: Iterable[_Document]) -> tuple[Demander, ...]:
    found = [Demander(_component(each["by"]), _requirement(each)) for each in documents]
    return tuple(sorted(found, key=lambda each: (each.component, str(each.requirement))))


def _requirement(document: _Document) -> Requirement:
    component = _component(document["on"])
    specifier = SpecifierSet(document["specifier"])
    extras = tuple(document["extras"].split(",")) if "extras" in document else ()
    bracket = f"[{','.join(extras)}]" if extras else ""
    url = document.get("url", "")
    tail = f" @ {url}" if url else str(specifier)
    return Requirement(
        component,
        specifier,
        document.get("text") or f"{component.name}{bracket}{tail}",
        extras,
        document.get("marker", ""),
        url,
        Scope(document.get("scope", Scope.RUN.value)),
        Place(document.get("file", ""), document.get("line", 0), document.get("path", "")),
    )


def _held_back(document: _Document) -> HeldBack:
    return HeldBack(
        _component(document["component"]),
        Version(document["version"]),
        Version(document["newest"]),
        _demanders(document.get("by", ())),
    )


def _relaxed(document: _Document) -> Relaxed:
    return Relaxed(
        _component(document["by"]),
        _requirement(document["stated"]),
        _requirement(document["counts"]),
        document["reason"],
    )


def _host(document: _Document) -> HostRequirement:
    return HostRequirement(
        _requirement(document["requirement"]),
        _component(document["by"]),
        document.get("evidence", ""),
    )


# -- roots and builds ------------------------------------------------------------------------------


def _builds(document: _Document) -> BuildPlan:
    packages = {name: _package(each) for name, each in document["packages"].items()}
    common = tuple(packages[name] for name in document["common"])
    roots = [
        _root(each, packages, () if each["id"] == "runtime" else common)
        for each in document["roots"]
    ]
    order = document["order"]
    return BuildPlan(
        runtime=next(root for root in roots if root.id == "runtime"),
        roots=tuple(root for root in roots if root.id != "runtime"),
        builds=tuple(_build(each) for each in document["builds"]),
        order=BuildOrder(
            levels=tuple(
                Level(tuple(level["builds"]), level["longest"], level["total"])
                for level in order["levels"]
            ),
            critical_path=tuple(order["critical_path"]),
            minutes=order["minutes"],
            schedule=tuple((each["builders"], each["minutes"]) for each in order["schedule"]),
        ),
    )


def _package(document: _Document) -> Package:
    epoch = f"{document['epoch']}:" if "epoch" in document else ""
    release = f"-{document['release']}" if "release" in document else ""
    return Package(
        name=document["name"],
        evr=f"{epoch}{document['version']}{release}",
        arch=document["arch"],
        repository=document["repository"],
        provides=tuple(document.get("provides", ())),
        requires=tuple(document.get("requires", ())),
        conflicts=tuple(document.get("conflicts", ())),
        obsoletes=tuple(document.get("obsoletes", ())),
        source=document.get("source", ""),
        checksum=document.get("checksum", ""),
        size=document.get("size", 0),
    )


def _root(document: _Document, packages: Mapping[str, Package], common: Iterable[Package]) -> Root:
    held = [*common, *(packages[name] for name in document["packages"])]
    return Root(
        id=document["id"],
        packages=tuple(sorted(held, key=lambda p: (p.name, p.evr, p.arch, p.repository))),
        streams=tuple(
            RootStream(
                _component(each["component"]),
                Version(each["version"]),
                Origin(each["origin"]),
                each["package"],
                each.get("build", ""),
            )
            for each in document["streams"]
        ),
        asked=tuple(document["asked"]),
        tools=tuple(document.get("tools", ())),
        collections=tuple(document.get("collections", ())),
    )


def _build(document: _Document) -> Build:
    return Build(
        id=document["id"],
        component=_component(document["component"]),
        version=Version(document["version"]),
        stage=Stage(document["stage"]),
        root=document["root"],
        needs=_needs(document["needs"]),
        after=tuple(document["after"]),
        cost=document["cost"],
        left_out=_needs(document.get("left_out", ())),
        substitutes=tuple(
            Substitute(_component(each["component"]), each["instead"])
            for each in document.get("substitutes", ())
        ),
    )


def _needs(documents: Iterable[_Document]) -> tuple[BuildNeed, ...]:
    return tuple(
        BuildNeed(
            each["text"],
            NeedOrigin(each["origin"]),
            NeedRole(each["role"]),
            each.get("place", ""),
            each.get("component", ""),
            each.get("applied", ""),
        )
        for each in documents
    )


def _isolation(document: _Document) -> Isolation:
    return Isolation(
        tuple(
            Leak(
                LeakKind(each["kind"]),
                each["package"],
                each.get("capability", ""),
                each.get("other", ""),
                each.get("root", ""),
            )
            for each in document["leaks"]
        ),
        document["roots"],
        document["packages"],
        document["provides"],
    )
