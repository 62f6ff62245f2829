"""The directory that a lock was emitted into, and where a run keeps what.

``results/BUILD/`` is what a build made, with its record; ``logs/BUILD/NUMBER/`` is what was said in
each try; ``running/BUILD/`` belongs to a build that runs or failed; ``repo/`` is the stream
repository.
"""

from __future__ import annotations

import ast
import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import field, frozen

from ..emit.dnf_conf import is_private
from ..emit.emitted_for import EmittedFor, read_emitted_for
from ..emit.grammar import Refusals
from ..emit.mock import MAKEFILE
from ..emit.mock_config import requested
from ..emit.mock_settings import LOCAL_STREAMS
from ..emit.names import Names, builds_of, configuration_path, names_of, root_name
from ..emit.namespace import Namespace
from ..emit.runtime_package import with_runtime
from ..emit.writer import LIST
from ..errors import Code, ErrorCollector, InputError, Place
from ..model.build import Build, BuildPlan, Root
from ..model.plan import Plan

__all__ = ["BuildDirectory"]

_LOCK = "lock"
_COMMAND = re.compile(r" --uniqueext=([A-Za-z0-9._-]+)((?: [A-Za-z0-9_-]+)*) --resultdir=")
"""What a build has for options, between what all have."""

_PREFIX = re.compile(r"^config_opts\['macros'\]\['%_prefix'\] = '([^']+)'$", re.MULTILINE)
_READABLE = re.compile(r"[A-Za-z0-9/._+~-]+")
"""What dnf takes in the address of a repository; the configurations refuse all others."""


@frozen
class BuildDirectory:
    """Paths in it, by build. ``shown`` is what the user calls it, ``path`` is absolute.
    ``namespace`` is that of the private packages where everything lies under a prefix."""

    shown: Path
    plan: Plan
    builds: BuildPlan
    names: Names
    path: Path
    namespace: Namespace | None = None
    _options: dict[str, tuple[str, ...]] = field(factory=dict, init=False, eq=False, repr=False)

    @classmethod
    def of(cls, directory: Path, plan: Plan, *, file: str = "", digest: str = "") -> BuildDirectory:
        """Raises :class:`InputErrors` (``CANNOT_BUILD``) for a directory that this plan was not
        emitted into, or whose configurations look for the stream repository elsewhere. ``file`` is
        the lock's name; ``digest`` its digest, if it is to be the very lock that was emitted."""
        planned = builds_of(plan, file, code=Code.CANNOT_BUILD)
        refusals = Refusals(file)
        path = Path(os.path.abspath(directory))  # noqa: PTH100
        emitted = _emitted(path)
        namespace = _namespace(path, plan, emitted)
        builds = with_runtime(plan, planned, namespace)
        names = names_of(builds, refusals)
        refusals.raise_if_any()
        found = cls(directory, plan, builds, names, path, namespace)
        found._check(emitted, digest)
        return found

    # -- paths

    def name(self, build: Build) -> str:
        """What a build is called in files."""
        return self.names.builds[build.id]

    def configuration(self, root: str) -> Path:
        """The configuration of a root."""
        return self.path / configuration_path(root)

    def options(self, build: Build) -> tuple[str, ...]:
        """mock's options for one build, as they were emitted."""
        return self._options[build.id]

    def source(self, build: Build) -> Path:
        """The source package of a build's stream."""
        return self.path / "srpms" / self.names.sources[build.stream]

    def spec(self, build: Build) -> Path:
        """The directory of the spec of a build's stream, which need not be there."""
        return self.path / "specs" / self.names.sources[build.stream].removesuffix(".src.rpm")

    @property
    def sources(self) -> Path:
        """The directory of upstream's files."""
        return self.path / "sources"

    def results(self, build: Build) -> Path:
        """What a build made."""
        return self.path / "results" / self.name(build)

    def running(self, build: Build) -> Path:
        """What belongs to a build while it runs."""
        return self.path / "running" / self.name(build)

    def logs(self, build: Build) -> Path:
        """The logs of all tries of a build."""
        return self.path / "logs" / self.name(build)

    @property
    def repository(self) -> Path:
        """The stream repository."""
        return self.path / LOCAL_STREAMS

    @property
    def staging(self) -> Path:
        """For what is not ready."""
        return self.path / "running" / ".staging"

    def told(self, path: Path) -> str:
        """A path in it as the user would write it."""
        return str(self.shown / path.relative_to(self.path))

    # -- one run at a time

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else builds in it inside. Raises :class:`InputError` (``CANNOT_BUILD``) that says
        who does. A process that is killed holds nothing any more."""
        path = self.path / "running" / _LOCK
        try:
            path.parent.mkdir(exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise self.unwritable(error) from None
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._taken(os.pread(handle, 32, 0)) from None
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(handle)

    def _taken(self, written: bytes) -> InputError:
        holder = written.strip().decode("ascii", "replace")
        who = f"process {holder}" if holder.isdigit() else "another process"
        return InputError(
            Code.CANNOT_BUILD,
            f"{who} builds in it",
            place=Place(str(self.shown)),
            hint="wait until it is done, or stop it: what it has built stays",
        )

    def unwritable(self, error: OSError) -> InputError:
        """That a file of the directory cannot be written or read."""
        where = Place(str(error.filename or self.shown))
        return InputError(
            Code.CANNOT_BUILD,
            f"the build cannot go on: {error.strerror or error}",
            place=where,
            hint="what was built stays: mend this and run the same command again",
        )

    # -- whether it is of this plan

    def _check(self, emitted: EmittedFor | None, digest: str) -> None:
        faults = ErrorCollector(Code.CANNOT_BUILD)
        if not (self.path / LIST).is_file():
            faults.add(
                f"it has no {LIST}: nothing was emitted into it",
                Place(str(self.shown)),
                f"`streamsolve emit mock LOCK -o {self.shown}` makes it",
            )
            faults.raise_if_any("nothing was built:")
        if emitted is not None and emitted.lock and digest not in ("", emitted.lock):
            faults.add(
                f"another lock was emitted into it: {emitted.lock}, not {digest}",
                Place(self.told(self.path / LIST)),
                f"emit the lock into {self.shown} again: what is built and stays the same is kept",
            )
            faults.raise_if_any("nothing was built:")
        used = {build.root for build in self.builds.builds}
        for root in self.builds.roots:
            if root.id in used:
                self._check_root(root, faults)
        if not _READABLE.fullmatch(os.path.realpath(self.path)):
            faults.add(
                "its path has letters that dnf cannot read in the address of a repository",
                Place(str(self.shown)),
                "build in a directory of letters, digits and '._+~-'",
            )
        self._take_options(emitted, faults)
        faults.raise_if_any("nothing was built:")

    def _take_options(self, emitted: EmittedFor | None, faults: ErrorCollector) -> None:
        """What was asked for when it was emitted, which is in no lock. A list that does not say it
        is of an earlier version: the Makefile does."""
        if emitted is None:
            self._read_options(faults)
            return
        place, again = Place(self.told(self.path / LIST)), f"emit the lock into {self.shown} again"
        for build in self.builds.builds:
            words = emitted.options.get(build.id)
            if words is None:
                faults.add(f"it does not say how {build.id} is built", place, again)
                break
            self._options[build.id] = words

    def _read_options(self, faults: ErrorCollector) -> None:
        """The same from the Makefile."""
        path = self.path / MAKEFILE
        place, again = Place(self.told(path)), f"emit the lock into {self.shown} again"
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            text = ""
        commands = dict[str, str](_COMMAND.findall(text))
        for build in self.builds.builds:
            words = commands.get(self.name(build))
            if words is None:
                faults.add(f"it does not say how {build.id} is built", place, again)
                break
            self._options[build.id] = tuple(words.split())

    def _check_root(self, root: Root, faults: ErrorCollector) -> None:
        path = self.configuration(root.id)
        place, again = Place(self.told(path)), f"emit the lock into {self.shown} again"
        try:
            settings, has_streams = _read(path.read_text("utf-8"))
        except OSError as error:
            faults.add(f"it cannot be read: {error.strerror}", place, again)
            return
        except (SyntaxError, ValueError):
            faults.add("it is no configuration", place, again)
            return
        if settings.get("root") != root_name(self.plan, root.id):
            faults.add("it is of another plan: its root has another name", place, again)
            return
        setup = settings.get("chroot_setup_cmd")
        words = set(setup) if isinstance(setup, tuple) else set()
        missing = sorted({*requested(root, self.namespace)} - words)
        if missing:
            faults.add(f"it is not of this lock: it does not install {missing[0]}", place, again)
        elif any(map(is_private, root.packages)) and not has_streams:
            faults.add(
                "it looks for the stream repository elsewhere, where nothing is published",
                place,
                "emit the lock again without --stream-repo, and copy repo/ when all is built; or "
                f"`make -C {self.shown}`",
            )


def _emitted(path: Path) -> EmittedFor | None:
    """What the list in the directory says of what it was emitted for, if it does."""
    try:
        return read_emitted_for((path / LIST).read_bytes())
    except OSError:
        return None


def _namespace(path: Path, plan: Plan, emitted: EmittedFor | None) -> Namespace | None:
    """The namespace that was emitted for; where the list does not say, as the runtime root's
    configuration shows it."""
    if emitted is not None:
        return Namespace(plan.application, emitted.prefix) if emitted.prefix else None
    if plan.builds is None:
        return None
    try:
        text = (path / configuration_path(plan.builds.runtime.id)).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    prefix = _PREFIX.search(text)
    return Namespace(plan.application, prefix[1]) if prefix else None


def _read(text: str) -> tuple[Mapping[str, object], bool]:
    """The plain values of a configuration, which is not run, and whether its stream repository is
    the one beside it."""
    settings, beside = dict[str, object](), False
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Name(id="streamsolve_repository"):
                beside = True
            case ast.Assign(
                targets=[
                    ast.Subscript(value=ast.Name(id="config_opts"), slice=ast.Constant(str(key)))
                ]
            ):
                try:
                    settings[key] = ast.literal_eval(node.value)
                except ValueError:
                    continue
    return settings, beside
