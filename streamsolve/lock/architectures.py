"""Locks of two architectures side by side: what has to differ between them is no difference."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve, frozen

from ..model.build import BuildPlan, Root
from ..model.package import Package
from ..model.plan import PlannedStream
from .reader import Lock

__all__ = ["side_by_side"]

_ISA = {"x86_64": "x86-64", "aarch64": "aarch-64", "ppc64le": "ppc-64", "s390x": "s390-64"}


def side_by_side(old: Lock, new: Lock) -> tuple[Lock, Lock]:
    """Two locks of different architectures, the packages of both in the words of the first one.

    Each architecture has repositories and files of its own, so that digests of both are left out,
    and wheels that are for one alone; the architecture in names of repositories counts as the first
    one's. Versions, origins, requirements, roots and builds stay, and that the architecture is
    another.
    """
    arch = old.plan.arch
    return _Telling(old.plan.arch, arch).lock(old), _Telling(new.plan.arch, arch).lock(new)


def _without_wheel(stream: PlannedStream) -> PlannedStream:
    """A stream without the file of a wheel that is for one architecture."""
    name = stream.source.filename
    if not name.endswith(".whl") or name.endswith("-any.whl"):
        return stream
    return evolve(stream, source=evolve(stream.source, filename="", sha256=""))


@frozen
class _Telling:
    """What is of one architecture, told as if it were of another."""

    own: str
    arch: str

    def lock(self, lock: Lock) -> Lock:
        plan, settings = lock.plan, lock.settings
        repositories = (
            evolve(each, id=self._name(each.id), repomd_sha256="") for each in plan.repositories
        )
        used = (evolve(each, id=self._name(each.id)) for each in settings.repositories)
        return evolve(
            lock,
            plan=evolve(
                plan,
                repositories=tuple(sorted(repositories, key=lambda one: one.id)),
                streams=tuple(map(_without_wheel, plan.streams)),
                builds=plan.builds and self._builds(plan.builds),
            ),
            settings=evolve(settings, repositories=tuple(sorted(used, key=lambda one: one.id))),
        )

    def _builds(self, builds: BuildPlan) -> BuildPlan:
        roots = tuple(map(self._root, builds.roots))
        return evolve(builds, runtime=self._root(builds.runtime), roots=roots)

    def _root(self, root: Root) -> Root:
        packages = tuple(sorted(map(self._package, root.packages)))
        return evolve(root, packages=packages, asked=self._texts(root.asked))

    def _package(self, package: Package) -> Package:
        return evolve(
            package,
            arch=self.arch if package.arch == self.own else package.arch,
            repository=self._name(package.repository),
            checksum="",
            size=0,
            provides=self._texts(package.provides),
            requires=self._texts(package.requires),
            conflicts=self._texts(package.conflicts),
            obsoletes=self._texts(package.obsoletes),
        )

    def _name(self, name: str) -> str:
        return name.replace(self.own, self.arch)

    def _texts(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Dependencies: RPM writes the architecture of a package behind its name."""
        own, told = (f"({_ISA.get(arch, arch)})" for arch in (self.own, self.arch))
        return tuple(sorted(text.replace(own, told) for text in texts))
