"""A draft from a spec file or a source package, which RPM reads."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.utils import canonicalize_name

from ..errors import Code, InputError, Place
from ..inputs.spec_files import SpecBuild, read_spec
from ..model.progress import Progress
from ..model.vendored_licence import spdx_licence
from .draft_native import (
    begin_native,
    build_row,
    drafted_version,
    readable_dependencies,
    shown_source,
    source_row,
)
from .draft_sketch import short_summary
from .drafting import DraftRequest, Sketched
from .drafting_pypi import sketch_distribution

__all__ = ["sketch_spec"]

_PREFIX = re.compile(r"^python(?:3(?:\.\d+)?)?-")
"""What names of Python packages begin with: those of specs, and those of packages that some specs
have, for instance the ones that ``emit mock`` writes."""

_PYTHON_BUILDS = re.compile(
    r"pyproject-rpm-macros\b.*|"
    r"\(?python3(?:\.\d+)?dist\((?:setuptools|flit-core|poetry-core|hatchling|pdm-backend|pip|"
    r"wheel|maturin|scikit-build-core|meson-python)\).*"
)
_OF_PYTHON = re.compile(r"python3-devel\b.*|pyproject-rpm-macros\b.*|\(?python3(?:\.\d+)?dist\(.*")


def sketch_spec(request: DraftRequest, what: str, progress: Progress) -> Sketched:
    """A Python spec is drafted from the distribution that it packages, any other one as itself."""
    spec = read_spec(Path(what).expanduser(), arch=request.plan.arch)
    version = str(drafted_version(request.version, _upstream(spec.version), Place(what)))
    if _is_python(spec):
        return _python(request, what, spec, version, progress)
    return _native(request, what, spec, version)


def _upstream(version: str) -> str:
    """RPM writes what comes before a release with ``~``, and behind one with ``^``. A number behind
    ``~`` is a snapshot, which PEP 440 has no word for: the tilde stays, so that it is asked for."""
    return re.sub(r"~(?=[A-Za-z])", "", version.partition("^")[0])


def _is_python(spec: SpecBuild) -> bool:
    names = spec.build_requires
    generated = spec.generates and any(text.startswith("python3-devel") for text in names)
    return (
        generated
        or _PREFIX.match(spec.name) is not None
        or any(_PYTHON_BUILDS.fullmatch(text) for text in names)
    )


def _python(
    request: DraftRequest, what: str, spec: SpecBuild, version: str, progress: Progress
) -> Sketched:
    project = _PREFIX.sub("", spec.name)
    try:
        sketched = sketch_distribution(
            request, project, version, progress, origin=shown_source(request.source)
        )
    except InputError as error:
        if error.code is not Code.INDEX_NO_PROJECT:
            raise
        raise InputError(
            error.code,
            f"it packages a Python distribution, and {error.message} ({project} {version})",
            place=Place(what),
            hint=f"{error.hint}. With another name or version: --from pypi:NAME, --version V",
        ) from None
    texts = [text for text in spec.build_requires if not _OF_PYTHON.fullmatch(text)]
    _build(sketched, what, spec, str(canonicalize_name(project)), texts)
    return sketched


def _native(request: DraftRequest, what: str, spec: SpecBuild, version: str) -> Sketched:
    licence = spdx_licence(spec.licence)
    sketch = begin_native(
        request,
        drafted_version(version, "", Place(what)),
        spec.version,
        summary=spec.summary,
        homepage=spec.url,
        licence=licence,
        package=spec.name,
    )
    found = [
        ("package", f"{spec.name} {spec.version}: {short_summary(spec.summary)}"),
        ("licence", licence or "none stated"),
    ]
    sketched = Sketched(sketch, found)
    source_row(sketch, spec.name, [("source", spec.url)])
    _build(sketched, what, spec, f"package:{spec.name}", list(spec.build_requires))
    return sketched


def _build(
    sketched: Sketched, what: str, spec: SpecBuild, component: str, texts: list[str]
) -> None:
    """The build requirements of the spec, so that the profile does without it."""
    good, bad = readable_dependencies(texts)
    left = f" These cannot be read and are left out: {', '.join(bad)}." if bad else ""
    build_row(
        sketched.sketch,
        component,
        requires=good,
        comment=f"BuildRequires of {spec.file}.",
        decide=f"are these BuildRequires all that it needs?{left}" if left else "",
    )
    count = len(spec.build_requires)
    told = f"{count} BuildRequires; `--builds --spec {component}={what}` reads the spec itself"
    sketched.found.append(("builds with", told))
