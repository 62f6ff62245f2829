"""Where drafts are tried: a base and an index that are opened once, and a profile that changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from attrs import define, evolve

from ..errors import Code, InputError, InputErrors
from ..inputs.base_definitions import find_definition, list_bases
from ..inputs.profiles import included_text, parse_profile
from ..model.conflict import Failure
from ..model.package import Base
from ..model.profile import Profile
from ..model.progress import Progress, no_progress
from .planning import Attempt, Workshop
from .questions import failure_of
from .request import PlanRequest
from .upstream import Upstream

if TYPE_CHECKING:
    from ..inputs.index import PackageIndex

__all__ = ["DraftBench", "base_for", "open_index", "read_draft"]

_UNREACHABLE = frozenset({Code.REPOSITORY_UNREACHABLE, Code.OFFLINE_NOT_CACHED})
_PYTHON = "3.14"
"""The interpreter of the base that there is none: everything is private there anyway."""
_GLIBC = (2, 42)


def read_draft(text: str, *, file: str, beside: Mapping[str, str] | None = None) -> Profile:
    """A draft as the profile that it will be, with the texts of files ``beside`` it by their names;
    :class:`InputErrors` if it is none."""
    known = beside or {}

    def included(name: str) -> str:
        return known[name] if name in known else included_text(Path(), name)

    return parse_profile(text, file=file, includes=included)


def base_for(asked: str) -> str:
    """What a draft names as its base: the base asked for if it is known by that name or by the name
    of its directory, else the newest numbered Fedora that is known."""
    for name in (asked, Path(asked).expanduser().resolve().name if asked else ""):
        if name and find_definition(name) is not None:
            return name
    names = [each.name for each in list_bases()]
    numbered = [name for name in names if name.rpartition("-")[2].isdigit()]
    fedora = [name for name in numbered if name.startswith("fedora-")]
    return max(fedora or numbered or names, key=lambda n: (len(n), n), default="")


def open_index(request: PlanRequest, progress: Progress = no_progress) -> PackageIndex:
    """The package index that a request means."""
    from ..inputs.index import PackageIndex
    from ..inputs.shipped import default_cache
    from ..inputs.transport import Transport

    cache = request.cache or default_cache()
    transport = Transport(offline=request.offline, cache=cache, progress=progress)
    return PackageIndex(
        transport, endpoint=request.index_url or None, cache=cache, arch=request.arch
    )


@define
class DraftBench:
    """A context manager. ``why`` says why the base could not be had, where it could not: then
    drafts are planned on nothing, so that everything is private."""

    workshop: Workshop
    index: PackageIndex
    why: str = ""

    @classmethod
    def open(
        cls, request: PlanRequest, profile: Profile, index: PackageIndex, progress: Progress
    ) -> DraftBench:
        """Open the base for a first draft. :class:`InputError` for a base that is none; one that
        cannot be reached is told in :attr:`why`."""
        asked, why, base = evolve(request, fresh=True), "", None
        try:
            workshop = Workshop.open(asked, progress, profile=profile)
        except InputError as error:
            if not _is_unreachable(error):
                raise
            why = error.errors[0].message if isinstance(error, InputErrors) else error.message
            base = Base(profile.default_base, request.arch, _PYTHON, (), glibc=_GLIBC)
            workshop = Workshop.open(
                evolve(asked, overlays=(), modules=()), progress, profile=profile, base=base
            )
        return cls(workshop, index, why)

    def __enter__(self) -> DraftBench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.workshop.__exit__(kind, error, trace)

    def attempt(self, profile: Profile) -> Attempt:
        """Plan a draft."""
        workshop = self._with(profile)
        return workshop.attempt(workshop.request)

    def failure(self, profile: Profile, attempt: Attempt) -> Failure:
        """Why a draft has no plan, with repairs that were solved."""
        workshop = self._with(profile)
        return failure_of(workshop, workshop.request, attempt)

    def _with(self, profile: Profile) -> Workshop:
        upstream = Upstream(None, self.index, offline=self.workshop.request.offline)
        self.workshop = evolve(self.workshop, profile=profile, upstream=upstream)
        return self.workshop


def _is_unreachable(error: InputError) -> bool:
    faults = error.errors if isinstance(error, InputErrors) else (error,)
    return all(fault.code in _UNREACHABLE for fault in faults)
