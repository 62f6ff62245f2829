"""Make the embedded extracts of an application again, from bases and the package index.

They lie beside its profile: ``upstream.jsonl``, and ``bases/NAME-ARCH.jsonl`` for each base. No two
applications share one. A base whose extract is there already keeps it, and what the upstream
extract holds for it, unless it is read again. Upstream's extract holds what builds need as well;
a base's does not, since build roots are solved on whole bases alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from attrs import evolve, frozen

from ..errors import Code, InputError
from ..inputs.base_definitions import find_definition
from ..inputs.bases import EXTRACTS, extract_path, open_base
from ..inputs.embedded_base import read_extract as read_base_extract
from ..inputs.embedded_base import write_extract as write_base_extract
from ..inputs.index import PackageIndex
from ..inputs.profiles import load_profile
from ..inputs.shipped import default_cache
from ..inputs.transport import Transport
from ..model.component import PYTHON, Component, Kind, distribution
from ..model.package import Base, Package
from ..model.profile import Profile
from ..model.progress import Progress, no_progress
from ..model.root import RootRequest, RootSolution
from ..model.rpm_language import RichDependency, parse_dependency
from ..solving import PackagePool
from ..storage import write_atomically
from .base_offers import BaseOffers
from .crawl import Crawl
from .facts import Facts

__all__ = ["RefreshFiles", "refresh_files", "refresh_profile"]

_UPSTREAM = "upstream.jsonl"


@frozen
class RefreshFiles:
    """What a refresh makes: the ``upstream`` extract and those of ``bases``, in the order in which
    they were named. ``kept`` are the extracts of other bases, which stay as they are. There
    is no upstream extract of an application that no package index is asked for."""

    upstream: Path | None
    bases: tuple[Path, ...]
    kept: tuple[Path, ...]

    @property
    def written(self) -> tuple[Path, ...]:
        """Those that may be written, the upstream extract first."""
        return (*((self.upstream,) if self.upstream else ()), *self.bases)


def refresh_files(
    application: str, bases: Sequence[str], *, arch: str = "x86_64", output: Path | None = None
) -> RefreshFiles:
    """The files that :func:`refresh_profile` makes with the same arguments; no base is opened.

    Raises :class:`InputError` when two bases would have one file.
    """
    return _files(load_profile(application), bases, arch, output)


def refresh_profile(
    application: str,
    bases: Sequence[str],
    *,
    arch: str = "x86_64",
    cache: Path | None = None,
    index_url: str = "",
    output: Path | None = None,
    progress: Progress = no_progress,
) -> tuple[Path, ...]:
    """Write the extracts of ``bases`` and of the index near an application, and return the files
    that changed, sorted; one that would stay the same is not touched.

    ``output`` is a directory, if not that of the profile. Everything is made before anything is
    written.
    """
    profile = load_profile(application)
    files = _files(profile, bases, arch, output)
    store = cache or default_cache()
    transport = Transport(cache=store, progress=progress)
    index = PackageIndex(transport, endpoint=index_url or None, cache=store, arch=arch)
    kept = [read_base_extract(path.read_text("utf-8"), file=str(path)) for path in files.kept]
    opened = [open_base(name, arch=arch, transport=transport) for name in bases]
    made: dict[Path, str] = {}
    with ExitStack() as stack:

        def offers_of(base: Base) -> BaseOffers:
            pool = PackagePool.open(
                base.repositories, arch=base.arch, cache=store, progress=progress
            )
            return BaseOffers(stack.enter_context(pool), base, profile)

        fresh = [offers_of(base) for base in opened]
        names: tuple[str, ...] = ()
        if files.upstream is not None:
            crawl = Crawl(profile, index, [*fresh, *map(offers_of, kept)], progress)
            crawl.run()
            made[files.upstream] = crawl.text()
            names = crawl.in_use
        for path, offers in zip(files.bases, fresh, strict=True):
            packages = _near(offers, profile, names)
            made[path] = write_base_extract(_extract(offers.base, offers.python, packages))
    return _write(made)


def _files(profile: Profile, bases: Sequence[str], arch: str, output: Path | None) -> RefreshFiles:
    where = output or Path(profile.directory)
    paths = tuple(extract_path(_base_name(name), arch, where / EXTRACTS) for name in bases)
    for path in paths:
        if paths.count(path) > 1:
            raise InputError(
                Code.BAD_OPTION,
                f"two bases are called {path.stem.removesuffix(f'-{arch}')!r}",
                hint="name each base once",
            )
    found = sorted((where / EXTRACTS).glob("*.jsonl"))
    upstream = where / _UPSTREAM if Facts(profile).of_python else None
    return RefreshFiles(upstream, paths, tuple(p for p in found if p not in paths))


def _base_name(name_or_directory: str) -> str:
    """What :func:`open_base` calls a base."""
    definition = find_definition(name_or_directory)
    return definition.name if definition else Path(name_or_directory).expanduser().resolve().name


def _write(made: dict[Path, str]) -> tuple[Path, ...]:
    changed = [
        path
        for path, text in sorted(made.items())
        if not path.is_file() or path.read_bytes() != text.encode()
    ]
    for path in changed:
        write_atomically(path, made[path].encode())
    return tuple(changed)


def _extract(base: Base, python: str, packages: dict[str, tuple[Package, ...]]) -> Base:
    repositories = tuple(
        evolve(repository, content=packages.get(repository.id, ()))
        for repository in base.repositories
    )
    return evolve(base, python=python, repositories=repositories, embedded=True)


def _near(
    offers: BaseOffers, profile: Profile, names: Sequence[str]
) -> dict[str, tuple[Package, ...]]:
    """The base's packages of what can be reached, with all that each needs to be installed."""
    pool = offers.pool
    components = [
        *((PYTHON,) if Facts(profile).of_python else ()),
        *(distribution(name) for name in names),
        *(rule.component for rule in profile.rules),
    ]
    found: dict[str, Package] = {}
    for component in components:
        for package in _packages(offers, component):
            solution = pool.solve(RootRequest((f"{package.name} = {package.evr}",)))
            members = solution.packages if isinstance(solution, RootSolution) else ()
            for member in (package, *members):
                found[f"{member.repository} {member.nevra}"] = member
    found.update(_conditional(found, pool))
    for need in profile.native_needs:
        solution = pool.solve(RootRequest(need.requires))
        if isinstance(solution, RootSolution):
            found.update({f"{p.repository} {p.nevra}": p for p in solution.packages})
    for series in profile.interpreters:
        for package in pool.sources(f"python{series}"):
            found[f"{package.repository} {package.nevra}"] = evolve(package, requires=())
    grouped: dict[str, list[Package]] = {}
    for package in found.values():
        grouped.setdefault(package.repository, []).append(package)
    return {repository: tuple(sorted(of)) for repository, of in grouped.items()}


def _conditional(found: Mapping[str, Package], pool: PackagePool) -> dict[str, Package]:
    """What packages need beside others that are there: ``(tex(bm.sty) if /usr/bin/dvipng)``. None
    of those was there when each was solved alone."""
    added: dict[str, Package] = {}
    for package in found.values():
        asked = [
            str(rich.operands[1])
            for text in package.requires
            if text.startswith("(") and " if " in text
            for rich in (parse_dependency(text),)
            if isinstance(rich, RichDependency) and rich.operator == "if"
        ]
        there = [
            text
            for text in sorted(set(asked))
            if any(f"{p.repository} {p.nevra}" in found for p in pool.providers(text))
        ]
        if there:
            solution = pool.solve(RootRequest((f"{package.name} = {package.evr}", *there)))
            if isinstance(solution, RootSolution):
                added.update({f"{p.repository} {p.nevra}": p for p in solution.packages})
    return added


def _packages(offers: BaseOffers, component: Component) -> Iterable[Package]:
    for stream in offers.of(component):
        yield stream.package
        if component.kind is Kind.DISTRIBUTION:
            yield from offers.extra_packages(stream.package)
