"""What a draft's plan shows that somebody has to decide, or may want to know before building."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import define
from packaging.version import Version

from ..inputs.project_description import repository_purl
from ..model.component import Kind, Origin
from ..model.draft import DraftKey
from ..model.plan import Plan, PlannedStream, ReasonKind
from ..model.profile import Profile
from ..model.upstream import Release
from .draft_bench import DraftBench
from .draft_gaps import Gaps, describe_release
from .draft_sketch import Sketch
from .planning import Attempt
from .upstream import usable

__all__ = ["Advice"]

_CUDA = "accelerator:cuda"
_TOOLKIT = ("cuda-toolkit", "nvidia-cuda-runtime")


@define
class Advice:
    """Adds marks to a sketch that has a plan. ``profile`` reads the sketch as it is by then."""

    gaps: Gaps
    profile: Callable[[], Profile]

    @property
    def sketch(self) -> Sketch:
        """The sketch that is added to."""
        return self.gaps.sketch

    @property
    def bench(self) -> DraftBench:
        """Where it is tried."""
        return self.gaps.bench

    def given(self, attempt: Attempt) -> Attempt:
        """Note all that there is; the attempt is another one where a need was added that changes
        the plan."""
        attempt = self._accelerator(self._shipped(attempt))
        plan = attempt.plan
        if plan is None:
            return attempt
        told = {rule.component for rule in self.profile().build_rules}
        for stream in self._private(plan):
            self._name(stream)
            self._newer_without_sdist(stream)
            if stream.component not in told:
                self._build(stream)
        return attempt

    def _private(self, plan: Plan) -> Iterator[PlannedStream]:
        for stream in plan.of_origin(Origin.PRIVATE):
            if stream.kind is Kind.DISTRIBUTION and stream.version is not None:
                yield stream

    def _shipped(self, attempt: Attempt) -> Attempt:
        """Include the shipped files that have a source for a newer release than was taken, where
        there is a plan with them."""
        before = set(self.sketch.includes)
        for stream in self._private(attempt.plan) if attempt.plan is not None else ():
            row = self.gaps.shipped.get(stream.component.name)
            if row is not None and row.file not in before and self._newer(stream):
                self.sketch.include(row.file)
        if self.sketch.includes == before:
            return attempt
        again = self.bench.attempt(self.profile())
        if again.plan is None:
            self.sketch.includes = before
            return attempt
        return again

    # -- accelerators --------------------------------------------------------------------------

    def _accelerator(self, attempt: Attempt) -> Attempt:
        """Say which CUDA it is, so that the limits of that count; only a comment where there is no
        plan with it."""
        number = _cuda_of(attempt.plan) if attempt.plan is not None else ""
        before, led = self.sketch.variant.get("needs"), self.gaps.leader == _CUDA
        if not number or (before is not None and not before.suggested and not led):
            return attempt
        if led:
            before = self.gaps.unled_needs
        need = f"{_CUDA} =={number}"
        told = (
            f"the plan uses NVIDIA's packages for CUDA {number}: is this the CUDA to ship? What it "
            "asks of compilers, glibc and driver counts."
        )
        self.sketch.variant["needs"] = DraftKey("needs", (need,), decide=told)
        stricter = self.bench.attempt(self.profile())
        if stricter.plan is not None:
            if before is not None:
                self._keep_extras(before, need, told)
            return stricter
        told = (
            f"the plan uses NVIDIA's packages for CUDA {number}. With this need there is no plan "
            "on this base (compilers, glibc or driver do not fit that CUDA): choose another base, "
            "another release, or say in [[relax]] why it is good enough."
        )
        if led:
            # Without any CUDA there is no plan either.
            self.sketch.variant["needs"] = DraftKey("needs", (_CUDA,), decide=told)
            return attempt
        needs = (need, *(before.value if before is not None else ()))
        also = f" Also: {before.decide}" if before is not None else ""
        self.sketch.variant["needs"] = DraftKey(
            "needs", needs, decide=f"{told}{also}", suggested=True
        )
        return attempt

    def _keep_extras(self, before: DraftKey, need: str, told: str) -> None:
        extras = ", ".join(f'"{text}"' for text in before.value)
        self.sketch.variant["needs"] = DraftKey(
            "needs", (need,), decide=f"{told} Which extras belong to it as well: {extras}?"
        )

    # -- streams -------------------------------------------------------------------------------

    def _name(self, stream: PlannedStream) -> None:
        """The base may ship it under another name."""
        name = stream.component.name
        if stream.reason.kind is not ReasonKind.NOT_IN_BASE or name in self.sketch.names:
            return
        other = self.gaps.base_name(name)
        if other:
            self.sketch.names[name] = DraftKey(
                name,
                other,
                decide=f"the base's python3-{name} provides {other} and no {name}. If that is the "
                "same, it need not be private.",
                suggested=True,
            )

    def _newer_without_sdist(self, stream: PlannedStream) -> None:
        """An old release may have been taken because newer ones have no source."""
        name, newer = stream.component.name, self._newer(stream)
        if not newer or name in self.gaps.shipped:
            return
        told = describe_release(self.bench.index, name, newer[-1])
        purl = repository_purl(told.urls) or f"pkg:generic/{name}"
        self.sketch.row(
            "source",
            name,
            [DraftKey("purl", f"{purl}@v{{version}}")],
            decide=f"{name} {newer[-1]} has no sdist on the index, so {stream.version} is taken. "
            "With a source of it, or with [[prebuilt]], the newer one could be chosen.",
            suggested=True,
        )

    def _newer(self, stream: PlannedStream) -> list[Version]:
        """The releases without sdist that are newer than the one in the plan, and that all who
        require it let in; none of the application, whose version is said, and of what has a table.
        """
        name, version = stream.component.name, stream.version
        stated = self.sketch.has(name, "source", "prebuilt", "external")
        if version is None or stated or stream.reason.kind is ReasonKind.APPLICATION:
            return []
        return [
            release.version
            for release in usable(self.bench.index.releases(name))
            if release.version > version
            and not release.sdists
            and all(by.requirement.allows(release.version) for by in stream.required_by)
        ]

    def _build(self, stream: PlannedStream) -> None:
        """What is compiled, and that no spec of the base tells how to build."""
        name = stream.component.name
        if stream.prebuilt or self._has_base_spec(name):
            return
        of_source = self.sketch.has(name, "source")
        release = self._release(stream)
        if not of_source and (release is None or release.pure):
            return
        if of_source:
            told = f"{name} is built from its repository: what does that need?"
        elif release is not None and release.wheels:
            told = f"{name} is compiled: which libraries of the base does that need?"
        else:
            told = (
                f"{name} may be compiled, which no wheel tells: if it is, which libraries of the "
                "base does that need?"
            )
        keys = [DraftKey("needs", ("setuptools",))] if of_source else []
        if release is None or not release.pure:
            keys.append(DraftKey("requires", ("NAME-devel",)))
        self.sketch.row("build", name, keys, decide=told, suggested=True)

    def _release(self, stream: PlannedStream) -> Release | None:
        public = Version(stream.version.public) if stream.version is not None else None
        listed = self.bench.index.releases(stream.component.name)
        return next((release for release in listed if release.version == public), None)

    def _has_base_spec(self, name: str) -> bool:
        """Whether the base's own source package says what building it needs."""
        pool = self.bench.workshop.pool
        packages = pool.providers(f"python3dist({name})")[:1]
        return any(pool.sources(package.source) for package in packages if package.source)


def _cuda_of(plan: Plan) -> str:
    """The release of CUDA whose packages a plan uses (``13.0``), empty for none."""
    for name in _TOOLKIT:
        for stream in plan.of_origin(Origin.EXTERNAL):
            own = stream.component.name
            if stream.version is not None and (own == name or own.startswith(f"{name}-cu")):
                return f"{stream.version.release[0]}.{stream.version.minor}"
    return ""
