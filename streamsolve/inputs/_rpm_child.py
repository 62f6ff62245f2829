"""The child process that reads a spec file or a source package; run as a script, never imported.

It imports nothing of ours, so that the system's own interpreter can run it. The request is the one
argument, the answer one line on standard output, both JSON. Whatever else writes there, as a macro
of a spec may, is sent to standard error, where RPM's own words go.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
from pathlib import Path
from typing import Any

_MAGIC = b"\xed\xab\xee\xdb"
_MEMORY = 2 << 30
_WRITTEN = 64 << 20
_RPMLIB = "rpmlib("
_DYNAMIC = "rpmlib(DynamicBuildRequires)"
# What is left of a macro that RPM does not know: its own text. `%%` is a percent sign.
_MACRO = re.compile(r"%(?:%|\{[!?]*([A-Za-z_]\w*)|[!?]*([A-Za-z_]\w*))")
# Macros that only count releases and fill the change log: no dependency hangs on them, and all of
# Fedora's spec files use them, which RPM elsewhere cannot parse without.
_HARMLESS = {"autorelease": "0", "autochangelog": "%{nil}"}


def main() -> None:
    """Answer the request and leave."""
    request = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        import rpm
    except ImportError:
        answer: dict[str, Any] = {"status": "no-rpm"}
    else:
        _limit(request["seconds"])
        try:
            answer = _answer(rpm, request)
        except (OSError, MemoryError) as error:
            answer = {"status": "broken", "words": str(error) or "it needs too much memory"}
    json.dump(answer, answers)
    answers.close()
    # Interpreters have been seen to crash while they take the module's objects apart.
    os._exit(0)


def _limit(seconds: float) -> None:
    """Hold memory, time and the size of files down, for this process and all that it starts."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_WRITTEN, _WRITTEN))
    whole = int(seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole))


def _answer(rpm: Any, request: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    path = Path(request["path"])
    with path.open("rb") as stream:
        is_package = stream.read(4) == _MAGIC
    if is_package or path.name.endswith(".rpm"):
        return _of_package(rpm, path)
    return _of_spec(rpm, path, request)


def _of_package(rpm: Any, path: Path) -> dict[str, Any]:  # noqa: ANN401
    transaction = rpm.TransactionSet()
    # Who signed a package that lies on this disk is not asked; that its header is whole is.
    transaction.setVSFlags(rpm.RPMVSF_MASK_NOSIGNATURES | rpm._RPMVSF_NOPAYLOAD)
    try:
        with path.open("rb") as stream:
            header = transaction.hdrFromFdno(stream.fileno())
    except rpm.error as error:
        return {"status": "broken", "words": str(error)}
    if not header[rpm.RPMTAG_SOURCEPACKAGE]:
        return {"status": "no-source"}
    return _described(rpm, header, generates=False)


def _of_spec(rpm: Any, path: Path, request: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    if request["arch"]:
        rpm.reloadConfig(f"{request['arch']}-linux")
    for name, value in _HARMLESS.items():
        if not rpm.expandMacro(f"%{{?{name}:1}}"):
            rpm.addMacro(name, value)
    for name, value in request["macros"].items():
        rpm.addMacro(name, value)
    try:
        spec = rpm.spec(str(path), rpm.RPMSPEC_ANYARCH | rpm.RPMSPEC_FORCE)
    except (ValueError, rpm.error):
        return {"status": "broken", "words": "", "unknown": _unknown(rpm, path)}
    # The section is not run, and RPM's module tells of it in the text alone.
    generates = re.search(r"^%generate_buildrequires\b", spec.parsed, re.MULTILINE) is not None
    found = _described(rpm, spec.sourceHeader, generates)
    left = "\n".join((*found["requires"], *found["conflicts"]))
    if "%" in left:
        return {"status": "unexpanded", "words": left, "unknown": _unknown(rpm, path)}
    return found


def _described(rpm: Any, header: Any, generates: bool) -> dict[str, Any]:  # noqa: ANN401
    requires = [_text(text) for text in header[rpm.RPMTAG_REQUIRENEVRS]]
    return {
        "status": "read",
        "name": _text(header[rpm.RPMTAG_NAME]),
        "version": _text(header[rpm.RPMTAG_VERSION]),
        "release": _text(header[rpm.RPMTAG_RELEASE]),
        "epoch": header[rpm.RPMTAG_EPOCH] or 0,
        "requires": [text for text in requires if not text.startswith(_RPMLIB)],
        "conflicts": [_text(text) for text in header[rpm.RPMTAG_CONFLICTNEVRS]],
        "summary": _text(header[rpm.RPMTAG_SUMMARY] or ""),
        "url": _text(header[rpm.RPMTAG_URL] or ""),
        "licence": _text(header[rpm.RPMTAG_LICENSE] or ""),
        "generates": generates or any(text.startswith(_DYNAMIC) for text in requires),
    }


def _text(value: str) -> str:
    """Text that can be printed: RPM's module keeps bytes that are no UTF-8 as surrogates."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _unknown(rpm: Any, path: Path) -> list[tuple[int, str]]:  # noqa: ANN401
    """Where build dependencies use a macro that is unknown after all that the spec defined: line
    and name. A line that RPM cannot expand is left to RPM's own words."""
    found = []
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.split("\n"), 1):
        if not re.search(r"\bBuild(Requires|PreReq|Conflicts)\b.*:", line, re.IGNORECASE):
            continue
        try:
            expanded = rpm.expandMacro(line)
        except rpm.error:
            continue
        for match in _MACRO.finditer(expanded):
            if name := match[1] or match[2]:
                found.append((number, name))
    return found


if __name__ == "__main__":
    main()
