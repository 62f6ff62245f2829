"""A first profile: drafted from what upstream says of itself, and planned until it plans."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field, frozen

from ..errors import Code, InputError, Place, nearest
from ..model.draft import Drafted
from ..model.profile import Profile
from ..model.progress import Progress, no_progress
from ..model.vendored import VendoredPackage
from .draft_advice import Advice
from .draft_bench import DraftBench, base_for, open_index, read_draft
from .draft_gaps import Gaps
from .draft_sketch import Sketch
from .draft_toml import one_line, write_draft
from .planning import Attempt
from .request import PlanRequest

__all__ = ["SCHEMES", "DraftRequest", "draft_profile", "split_source"]

SCHEMES = ("cargo", "npm", "pypi", "spec")
_ROUNDS = 100


@frozen
class DraftRequest:
    """A profile to be drafted: its ``name``, what to draft it ``source`` from as ``--from`` has it,
    and ``file`` as which messages and marks know it. ``version`` is the one to draft (empty: the
    newest). ``plan`` says on what to try it."""

    name: str
    source: str
    file: str
    version: str = ""
    plan: PlanRequest = field(factory=lambda: PlanRequest(""))


@define
class Sketched:
    """What a source gives: a sketch, facts to tell, and files that belong beside the profile, among
    them the list of what a ``lock`` bundles."""

    sketch: Sketch
    found: list[tuple[str, str]] = field(factory=list)
    files: dict[str, str] = field(factory=dict)
    lock: str = ""
    bundled: tuple[VendoredPackage, ...] = ()


def split_source(text: str) -> tuple[str, str]:
    """``SCHEME:WHAT`` as its two parts; :class:`InputError` with the nearest scheme."""
    scheme, colon, what = text.partition(":")
    if colon and what.strip() and scheme in SCHEMES:
        return scheme, what.strip()
    forms = "pypi:NAME, spec:FILE, cargo:DIR or npm:DIR"
    if scheme in SCHEMES:
        message, hint = f"{text!r} does not say what to draft from", f"write {forms}"
    elif colon:
        message, hint = f"unknown source {scheme!r}", nearest(scheme.lower(), SCHEMES)
    else:
        message, hint = f"{text!r} does not say what it is", f"write {forms}"
    raise InputError(Code.NO_DRAFT, message, place=Place("--from"), hint=hint)


def draft_profile(request: DraftRequest, *, progress: Progress = no_progress) -> Drafted:
    """Draft a profile and plan it.

    Nothing of the source is run but the macros of a spec, which RPM expands. Raises
    :class:`InputError` for a source that cannot be read and a base that is none. That there is no
    plan is told in the result.
    """
    scheme, what = split_source(request.source)
    sketched = _sketcher(scheme)(request, what, progress)
    sketched.sketch.put("default-base", base_for(request.plan.base))
    return _planned(request, sketched, progress)


def _sketcher(scheme: str) -> Callable[[DraftRequest, str, Progress], Sketched]:
    if scheme == "pypi":
        from .drafting_pypi import sketch_pypi

        return sketch_pypi
    if scheme == "spec":
        from .drafting_spec import sketch_spec

        return sketch_spec
    if scheme == "cargo":
        from .drafting_cargo import sketch_cargo

        return sketch_cargo
    from .drafting_npm import sketch_npm

    return sketch_npm


def _planned(request: DraftRequest, sketched: Sketched, progress: Progress) -> Drafted:
    """Plan, settle what stands in the way, and again; then say what a plan shows."""
    sketch = sketched.sketch

    def profile() -> Profile:
        text, _ = write_draft(sketch.draft())
        return read_draft(text, file=request.file, beside=sketched.files)

    first = profile()
    with DraftBench.open(
        request.plan, first, open_index(request.plan, progress), progress
    ) as bench:
        _add_licences(sketched, bench)
        gaps = Gaps(sketch, bench, first.component)
        attempt, failure = _settled(gaps, profile), None
        if attempt.plan is None:
            failure = bench.failure(profile(), attempt)
        else:
            attempt = Advice(gaps, profile).given(attempt)
        # What was said after the plan must be readable as well.
        profile()
        text, marks = write_draft(sketch.draft())
        return Drafted(
            request.name,
            text,
            marks,
            tuple((what, one_line(text)) for what, text in sketched.found),
            attempt.plan,
            failure,
            bench.workshop.base.name,
            bench.workshop.base.python,
            bench.why,
            sketched.files,
        )


def _add_licences(sketched: Sketched, bench: DraftBench) -> None:
    """The base knows licences of what it packages itself."""
    if not sketched.bundled or bench.why:
        return
    from .draft_native import vendored_row
    from .vendored_licences import filled_from_base

    sketched.bundled = filled_from_base(sketched.bundled, bench.workshop.pool)
    vendored_row(sketched)


def _settled(gaps: Gaps, profile: Callable[[], Profile]) -> Attempt:
    attempt = gaps.bench.attempt(profile())
    for _ in range(_ROUNDS):
        if attempt.plan is not None or not gaps.settle(attempt):
            break
        attempt = gaps.bench.attempt(profile())
    return attempt
