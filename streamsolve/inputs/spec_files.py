"""Spec files and source packages that the packager gives: what building them needs.

RPM itself reads them, in a child process: reading a spec runs its ``%(…)`` macros, with the rights
of whoever asks. So never read one from a place that is not trusted. The child has a time limit, an
environment without anything of the user's, and a home of its own that is gone afterwards.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import frozen

from ..errors import Code, ErrorCollector, InputError, InputErrors, Place

__all__ = ["SpecBuild", "conditionals", "read_spec"]

_CHILD = Path(__file__).with_name("_rpm_child.py")
_SYSTEM_PYTHONS = ("/usr/bin/python3", "/usr/libexec/platform-python")
_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
_MACRO_NAME = re.compile(r"[A-Za-z_]\w{2,}", re.ASCII)
_LINES_SHOWN = 12
_LINE_LENGTH = 300
_TAIL = 1 << 16


@frozen
class SpecBuild:
    """What a spec file or a source package says of its build.

    ``build_requires`` and ``build_conflicts`` are texts in RPM's language, sorted, each once.
    ``generates`` says that the spec asks for more while it is built
    (``%generate_buildrequires``), which is not run here. ``release`` is ``0`` where the spec has it
    counted (``%autorelease``) and RPM here cannot. ``file`` is what messages call it. ``licence``
    is as its tag has it.
    """

    name: str
    version: str
    release: str
    epoch: str
    build_requires: tuple[str, ...]
    build_conflicts: tuple[str, ...]
    generates: bool
    file: str
    summary: str = ""
    url: str = ""
    licence: str = ""


def conditionals(with_: Iterable[str] = (), without: Iterable[str] = ()) -> dict[str, str]:
    """The macros that ``rpmbuild --with X --without Y`` defines."""
    return {
        **{f"_with_{name}": f"--with-{name}" for name in with_},
        **{f"_without_{name}": f"--without-{name}" for name in without},
    }


def read_spec(
    path: Path, *, macros: Mapping[str, str] | None = None, seconds: float = 20, arch: str = ""
) -> SpecBuild:
    """Read a ``.spec`` file, or the header of a source package (``.src.rpm``).

    ``macros`` are defined before a spec is read, ``arch`` is what it is read for (the machine's own
    if empty); neither matters for a source package. Sources need not lie beside the spec.

    Raises :class:`InputError`: ``BROKEN_SPEC`` with RPM's words for what cannot be parsed, takes
    longer than ``seconds`` or is no source; :class:`InputErrors` of that code for every line of
    build requirements with a macro that RPM here does not know; ``MISSING_TOOL`` without RPM's
    Python module; ``BAD_OPTION`` for names that no macro can have.
    """
    if not path.is_file():
        raise _broken(path, "no such file")
    for name in macros or {}:
        if not _MACRO_NAME.fullmatch(name):
            raise InputError(Code.BAD_OPTION, f"{name!r} is no name that a macro of RPM can have")
    where = path.resolve()
    with tempfile.TemporaryDirectory(prefix="streamsolve-") as home:
        request = {
            "path": str(where),
            "macros": {**_directories(where.parent, home), **(macros or {})},
            "seconds": seconds,
            "arch": arch,
        }
        answer, words = _ask(path, json.dumps(request), Path(home), seconds)
    return _read(path, answer, words)


def _directories(sources: Path, home: str) -> dict[str, str]:
    """Where RPM is to look for sources, and where it may write."""
    return {"_sourcedir": str(sources), "_specdir": str(sources), "_topdir": home, "_tmppath": home}


def _ask(path: Path, request: str, home: Path, seconds: float) -> tuple[Any, str]:
    """The child's answer and what was written to standard error, by the first Python that has the
    module: the one that runs this, which may find the system's, else the system's own."""
    for python in dict.fromkeys((sys.executable, *_SYSTEM_PYTHONS)):
        if not python or not Path(python).is_file():
            continue
        answer, words = _run(path, [python, "-I", "-B", str(_CHILD), request], home, seconds)
        if answer != {"status": "no-rpm"}:
            return answer, words
    raise InputError(
        Code.MISSING_TOOL,
        "reading a spec file needs RPM's Python module",
        place=Place(str(path)),
        hint="install the system's package python3-rpm",
    )


def _run(path: Path, command: list[str], home: Path, seconds: float) -> tuple[Any, str]:
    """Run the child to its end; its answer is None where it gave none that can be read."""
    environment = {"PATH": _PATH, "HOME": str(home), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    with (home / "stderr").open("w+b") as words:
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=words,
            cwd=home,
            env=environment,
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                raise _broken(
                    path,
                    f"it takes longer than {seconds:g} s to read",
                    hint="a macro of it may wait for something; `rpmspec --parse` shows where",
                ) from None
            finally:
                if process.returncode is None:
                    # The macros' own processes are of its group.
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
        words.seek(0)
        said = _shown(words.read(_TAIL))
    answer = None
    if process.returncode == 0:
        with suppress(ValueError):
            answer = json.loads(output)
    elif process.returncode < 0:
        said = said or f"it was ended by {_signal_name(-process.returncode)}"
    return answer, said


def _signal_name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def _shown(words: bytes) -> str:
    """The first lines, without what a terminal would act on."""
    text = words.decode("utf-8", "replace")
    lines = ["".join(c if c.isprintable() else " " for c in line) for line in text.splitlines()]
    kept = [line[:_LINE_LENGTH].rstrip() for line in lines if line.strip()]
    more = ["…"] if len(kept) > _LINES_SHOWN else []
    return "\n  ".join([*kept[:_LINES_SHOWN], *more])


def _read(path: Path, answer: Any, words: str) -> SpecBuild:  # noqa: ANN401 - JSON of the child
    if not isinstance(answer, dict):
        raise _broken(path, "RPM ended while it was read", words)
    if answer["status"] == "no-source":
        raise _broken(path, "it is a binary package", "give the source package (.src.rpm)")
    if answer["status"] != "read":
        raise _not_read(path, answer, words)
    return SpecBuild(
        name=answer["name"],
        version=answer["version"],
        release=answer["release"],
        epoch=str(answer["epoch"]),
        build_requires=tuple(sorted(set(answer["requires"]))),
        build_conflicts=tuple(sorted(set(answer["conflicts"]))),
        generates=answer["generates"],
        file=path.name,
        summary=answer["summary"],
        url=answer["url"],
        licence=answer["licence"],
    )


def _not_read(path: Path, answer: dict[str, Any], words: str) -> InputError:
    """Why a spec is not read: where it is for unknown macros, each line that has one of those. A
    line of which RPM says nothing may be one that does not count (``%if``)."""
    told = answer["words"] or words
    collector = ErrorCollector(Code.BROKEN_SPEC)
    for line, name in dict.fromkeys(map(tuple, answer.get("unknown", ()))):
        if re.search(rf"%[{{!?]*{name}\b", told):
            collector.add(
                f"its build requirements use the macro %{name}, which RPM here does not know",
                Place(str(path), line),
            )
    if not collector.errors:
        return _broken(path, "RPM cannot read it", told)
    if answer["status"] == "broken":
        collector.add("RPM cannot read it", Place(str(path)), told)
    return InputErrors(
        Code.BROKEN_SPEC,
        "the spec file uses macros of its distribution; define them, or give the source package"
        " (.src.rpm) that was made from it there",
        collector.errors,
    )


def _broken(path: Path, message: str, hint: str = "") -> InputError:
    return InputError(Code.BROKEN_SPEC, message, place=Place(str(path)), hint=hint)
