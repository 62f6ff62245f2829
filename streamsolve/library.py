"""The library's few functions: load a profile, load a base, plan, look at the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .inputs.base_definitions import list_bases as _definitions
from .inputs.bases import open_base, parse_overlay, shipped_extracts
from .inputs.profiles import list_profiles, load_profile
from .inputs.shipped import default_cache
from .inputs.transport import Transport
from .model.package import Base
from .model.plan import Plan
from .model.profile import Profile
from .model.progress import Progress, no_progress
from .planner import PlanRequest, make_plan

if TYPE_CHECKING:
    from .lock import Lock
    from .model.shared import SharedPlan
    from .model.verification import Verification

__all__ = [
    "list_bases",
    "list_profiles",
    "load_base",
    "load_profile",
    "make_lock",
    "plan",
    "plan_shared",
    "verify_lock",
]


def list_bases() -> tuple[str, ...]:
    """The names of the base definitions that come with the tool, sorted."""
    return tuple(sorted(definition.name for definition in _definitions()))


def load_base(
    name_or_directory: str,
    *,
    application: str = "",
    arch: str = "x86_64",
    overlays: Sequence[str] = (),
    offline: bool = False,
    cache: Path | None = None,
    progress: Progress = no_progress,
) -> Base:
    """A base by the name of its definition or by directory; ``overlays`` are ``NAME=URL``.

    With ``application``, the extract of the base that comes with the tool for that application is
    taken where there is one and no overlay; it suffices for that application alone.
    Raises :class:`streamsolve.InputError` for an unknown base or a repository that cannot be used.
    """
    transport = Transport(offline=offline, cache=cache or default_cache(), progress=progress)
    return open_base(
        name_or_directory,
        arch=arch,
        transport=transport,
        overlays=[parse_overlay(text) for text in overlays],
        extracts=shipped_extracts(application) if application else None,
    )


def plan(
    application: str | Profile,
    *,
    base: str | Base = "",
    variant: str = "",
    arch: str = "x86_64",
    python: str = "",
    offline: bool = False,
    cache: Path | None = None,
    progress: Progress = no_progress,
    builds: bool = False,
    specs: Mapping[str, str] | None = None,
    checks: str = "free",
) -> Plan:
    """Plan an application on a base: which streams come from it, which must be private, and why.

    Empty values mean the profile's defaults. With ``builds`` the plan also says how each private
    stream gets built, which needs a whole base; ``specs`` are spec files or source packages by
    component, and ``checks`` says when tests count (``free``, ``always``, ``never``). Raises
    :class:`streamsolve.NoPlanError`, whose ``failure`` holds the conflicts and the repairs, and
    :class:`streamsolve.InputError`.
    """
    return make_plan(
        _request(application, base, variant, arch, python, offline, cache, builds, specs, checks),
        progress=progress,
        profile=application if isinstance(application, Profile) else None,
        base=base if isinstance(base, Base) else None,
    ).plan


def plan_shared(
    applications: Sequence[str | Profile],
    *,
    base: str | Base = "",
    arch: str = "x86_64",
    python: str = "",
    offline: bool = False,
    cache: Path | None = None,
    progress: Progress = no_progress,
    builds: bool = False,
    checks: str = "free",
) -> SharedPlan:
    """Plan two to eight applications together: the fewest sets of streams for all, why there are
    not fewer, and what they share.

    Each is a profile, which is taken in its default variant, or a text as ``streamsolve plan
    --shared`` takes it (``vllm:cpu``, ``pytorch-cuda``). An empty base is the one that is the
    default of all. With ``builds`` build roots are compared as well. Raises
    :class:`streamsolve.NoPlanError` for an application that has no plan even alone, and
    :class:`streamsolve.InputError`.
    """
    from .planner.shared import plan_shared as shared
    from .planner.shared_names import applications_named

    return shared(
        _request("", base, "", arch, python, offline, cache, builds, None, checks),
        applications_named(applications),
        progress=progress,
        base=base if isinstance(base, Base) else None,
    )


def make_lock(
    application: str | Profile,
    *,
    base: str | Base = "",
    variant: str = "",
    arch: str = "x86_64",
    python: str = "",
    offline: bool = False,
    cache: Path | None = None,
    progress: Progress = no_progress,
    specs: Mapping[str, str] | None = None,
    checks: str = "free",
) -> str:
    """Plan an application with its builds, as :func:`plan` does, and return the text of its lock.

    Written to a file it is what ``streamsolve lock`` writes. Raises what :func:`plan` raises, and
    :class:`streamsolve.InputError` for a plan that leaks.
    """
    from .planner.locking import make_lock as lock

    _, text = lock(
        _request(application, base, variant, arch, python, offline, cache, True, specs, checks),
        progress=progress,
        profile=application if isinstance(application, Profile) else None,
        base=base if isinstance(base, Base) else None,
    )
    return text


def verify_lock(
    lock: Lock,
    *,
    base: str = "",
    profile: str = "",
    overlays: Sequence[str] = (),
    offline: bool = False,
    cache: Path | None = None,
    progress: Progress = no_progress,
) -> Verification:
    """Whether a lock can still be done today: ``holds``, or what is gone or changed.

    Empty names mean the lock's own. What could not be looked at is in ``unseen``. Raises
    :class:`streamsolve.InputError` for a base or an index that cannot be used.
    """
    from .planner.verifying import verify_lock as verify

    given = PlanRequest(
        application=profile,
        base=base,
        arch=lock.settings.arch,
        overlays=tuple(overlays),
        offline=offline,
        cache=cache,
    )
    return verify(lock, given, progress=progress)


def _request(
    application: str | Profile,
    base: str | Base,
    variant: str,
    arch: str,
    python: str,
    offline: bool,
    cache: Path | None,
    builds: bool,
    specs: Mapping[str, str] | None,
    checks: str,
) -> PlanRequest:
    return PlanRequest(
        application=application if isinstance(application, str) else application.name,
        variant=variant,
        base=base if isinstance(base, str) else base.name,
        arch=arch if isinstance(base, str) else base.arch,
        python=python,
        offline=offline,
        cache=cache,
        builds=builds,
        specs=tuple(sorted((specs or {}).items())),
        checks=checks,
    )
