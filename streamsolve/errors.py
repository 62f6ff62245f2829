"""Errors that a user can act on: each has a stable code, a place and a next step.

Codes are grouped by where the fault lies: ``SS1xx`` profiles and settings, ``SS2xx`` bases and
repositories, ``SS3xx`` the package index, ``SS4xx`` no plan exists, ``SS5xx`` the system,
``SS6xx`` locks and builds, ``SS7xx`` build farms, ``SS9xx`` a defect of ours.
A code is never reused for something else.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum, IntEnum
from typing import Any

__all__ = [
    "BuildFailedError",
    "Code",
    "ErrorCollector",
    "ExitCode",
    "InputError",
    "InputErrors",
    "NoPlanError",
    "Place",
    "StaleLockError",
    "StreamsolveError",
    "nearest",
]


class ExitCode(IntEnum):
    """What the command returns to the shell."""

    PLAN = 0
    DEFECT = 1
    BAD_INPUT = 2
    NO_PLAN = 3
    BUILD_FAILED = 4
    STALE_LOCK = 5


class Code(Enum):
    """The stable codes. The value is (code, title, what to do about it)."""

    UNKNOWN_APPLICATION = (
        "SS101",
        "unknown application",
        "No profile has that name. `streamsolve profile list` prints the names that exist; a path "
        "to a TOML file works too.",
    )
    UNKNOWN_VARIANT = (
        "SS102",
        "unknown variant",
        "The profile has no variant of that name. `streamsolve profile show APP` lists them.",
    )
    BROKEN_PROFILE = (
        "SS103",
        "broken profile",
        "The profile does not follow its format. Every fault is listed with its place; mend them "
        "and run `streamsolve profile check FILE`. The format is described by the JSON Schema that "
        "`streamsolve profile check --schema` prints.",
    )
    BROKEN_SPEC = (
        "SS107",
        "a spec file cannot be used",
        "The file given with `--spec` is no spec file or source package that RPM can parse. The "
        "message holds what RPM says; `rpmspec --parse FILE` shows the same.",
    )
    BROKEN_SETTINGS = (
        "SS104",
        "broken settings",
        "A settings file does not follow its format. `streamsolve config show --origin` shows "
        "which files are read and what each one says.",
    )
    BAD_OPTION = (
        "SS105",
        "bad option value",
        "An option or an environment variable has a value that cannot be used; the message says "
        "which and what is expected.",
    )
    BAD_REQUIREMENT = (
        "SS106",
        "bad requirement",
        "The text is not a requirement as PEP 508 defines it. The caret shows the fault.",
    )
    BROKEN_FOREIGN_LOCK = (
        "SS117",
        "another tool's lock that cannot be read",
        "A Cargo.lock, package-lock.json or pnpm-lock.yaml, or what lies beside it, is not what "
        "its tool writes. Every fault is listed with its place; let the tool make the lock again.",
    )
    BROKEN_VENDORED = (
        "SS118",
        "a broken list of vendored packages",
        "The file that a profile's [[vendored]] names does not follow its format. Make it again "
        "with `streamsolve vendored LOCK -o FILE`.",
    )
    NO_DRAFT = (
        "SS119",
        "no profile can be drafted from that",
        "`streamsolve profile new NAME --from` takes pypi:NAME, spec:FILE, cargo:DIR or npm:DIR. "
        "The message says what was looked for and not found there.",
    )
    BROKEN_MANIFEST = (
        "SS120",
        "a broken manifest",
        "The Cargo.toml or package.json that a profile was to be drafted from does not follow its "
        "format. The message says where.",
    )
    PROFILE_EXISTS = (
        "SS121",
        "there is a profile already",
        "A profile of that name comes with streamsolve, or a file is in the way. Nothing was "
        "written. Choose another name or directory, or write it anyway with `--force`.",
    )
    KERNEL_PAIR_EXCLUDED = (
        "SS122",
        "a kernel and a module that do not go together",
        "It is known that this kernel module does not build or run with that kernel; the message "
        "has the fact and where it is from. Lock another branch of the module with "
        "`--app-version`, or for another kernel. A fact that does not hold for you can be relaxed "
        "when the lock is made: `--relax MODULE:kernel<7.0`.",
    )
    KERNEL_PAIR_UNFIT = (
        "SS123",
        "a kernel and module that do not do for the application",
        "What the application needs of the machine is not what this kernel and module are: a newer "
        "driver, another kernel, base or architecture. The message says which and who needs it.",
    )
    UNCLEAR_APPLICATION = (
        "SS125",
        "applications that cannot be planned together",
        "`streamsolve plan APP APP… --shared` takes two to eight applications, each once: profiles "
        "by name or file, with a variant as PROFILE:VARIANT or NAME-VARIANT.",
    )
    BROKEN_LOCK_SET = (
        "SS126",
        "a broken lock of several architectures",
        "The file does not hold one whole lock for each architecture that it names, or was changed "
        "by hand. Make it again with `streamsolve lock APP --arch A --arch B -o FILE`.",
    )
    WHICH_ARCH = (
        "SS127",
        "a lock of several architectures where one is needed",
        "Name the architecture behind the file: FILE#ARCH, such as app.lock.json#aarch64.",
    )
    UNKNOWN_BASE = (
        "SS201",
        "unknown base",
        "The base is neither the name of a definition (`streamsolve base list`) nor a directory.",
    )
    NO_REPODATA = (
        "SS202",
        "no repository metadata",
        "No directory `repodata/` was found where a repository was expected. Run `createrepo_c` "
        "there, or give the directory above.",
    )
    WRONG_CHECKSUM = (
        "SS203",
        "wrong checksum",
        "A file is not the one that the repository's repomd.xml describes. The mirror may be in "
        "the middle of an update: try again, or use another mirror. It is never used as it is.",
    )
    TRUNCATED_FILE = (
        "SS204",
        "truncated or damaged file",
        "A file ends early or does not decompress. Fetch it again; if it lies in the cache, "
        "delete the file that the message names.",
    )
    REPOSITORY_UNREACHABLE = (
        "SS205",
        "repository cannot be reached",
        "Every mirror failed. Check the address and the network (proxies and CA settings are taken "
        "from the environment), or use a local copy with `--base DIRECTORY`.",
    )
    OFFLINE_NOT_CACHED = (
        "SS206",
        "offline and not cached",
        "`--offline` was given and the file is not in the cache. Run the same command once "
        "without `--offline`.",
    )
    BROKEN_REPOSITORY = (
        "SS207",
        "broken repository metadata",
        "repomd.xml or a file that it names is not what the format says. Run `createrepo_c` again.",
    )
    BROKEN_BASE = (
        "SS208",
        "broken base definition",
        "The base definition does not follow its format. Every fault is listed with its place.",
    )
    BROKEN_MODULES = (
        "SS209",
        "broken module metadata",
        "A document of a repository's modules.yaml, or one that was given, does not follow the "
        "format modulemd. Every fault is listed with its line.",
    )
    UNKNOWN_MODULE = (
        "SS210",
        "no such module or stream",
        "The repositories have no module or stream of that name. "
        "`streamsolve modules list` shows those that there are.",
    )
    BROKEN_PACKAGES = (
        "SS211",
        "a broken list of packages",
        "A Packages file of Debian or Ubuntu does not follow its format, or cannot be read. Each "
        "fault is listed with its line; `apt-get update` fetches the files again.",
    )
    UNKNOWN_OVERLAY = (
        "SS212",
        "no such overlay",
        "A repository was given by name alone, and none is known by that name, or not for this "
        "base. `streamsolve base list` shows those that are known; any other is NAME=URL.",
    )
    BROKEN_OVERLAY = (
        "SS213",
        "broken definition of an overlay",
        "The definition of an overlay does not follow its format. Every fault is listed with its "
        "place.",
    )
    REPOSITORIES_NOT_GIVEN = (
        "SS214",
        "the base's repositories are not given",
        "Nobody but its subscribers can read the repositories of this base. Name a mirror of each, "
        "or a directory that `dnf reposync` filled, with `--repo ID=URL`, or under `[repos]` in "
        "`streamsolve.toml`.",
    )
    INDEX_UNREACHABLE = (
        "SS301",
        "package index cannot be reached",
        "The package index did not answer. Check the network, or plan with `--offline` from what "
        "the profile embeds and the cache holds.",
    )
    INDEX_NO_PROJECT = (
        "SS302",
        "no such distribution on the index",
        "The index has no project of that name. If the base ships it under another name, say so in "
        "the profile's `[names]`.",
    )
    INDEX_BAD_METADATA = (
        "SS303",
        "metadata of a distribution cannot be read",
        "Neither the wheel nor the sdist gave metadata that can be read.",
    )
    NO_PLAN = (
        "SS401",
        "no plan exists",
        "The requirements contradict each other, or ask for a version that does not exist. Each "
        "conflict is shown as a chain from the application; the repairs below it were solved again "
        "before they were shown.",
    )
    MISSING_TOOL = (
        "SS501",
        "a tool of the system is missing",
        "The command needs a package of the operating system; the message names it.",
    )
    BROKEN_LOCK = (
        "SS601",
        "a lock that cannot be used",
        "The file is no lock, was changed by hand, or contradicts itself. Every fault is listed "
        "with its place. Make it again with `streamsolve lock`.",
    )
    STALE_LOCK = (
        "SS602",
        "the lock is stale",
        "What the lock was made from has changed. `streamsolve verify FILE` says what, and "
        "`streamsolve update FILE` makes a new lock with as few changes as possible.",
    )
    NEEDS_WHOLE_BASE = (
        "SS603",
        "a whole base is needed",
        "What comes with the tool of a base suffices to choose streams, not to solve build roots, "
        "nor to say what `--with` leads to beyond an application's own requirements. Name the "
        "base's repositories with `--base DIRECTORY`, or let them be fetched by leaving out "
        "`--offline`, for a plan with `--fresh`.",
    )
    LEAKS = (
        "SS604",
        "the plan leaks",
        "Something private would reach the base, or the base something private. Such a plan can "
        "be looked at with `streamsolve plan --builds`, and is never locked. Each leak is listed "
        "with what to do about it.",
    )
    NOT_EMITTED = (
        "SS605",
        "cannot be written out",
        "A value of the lock or of an option is not what the files that mock, make and the shell "
        "read can hold, or a file is in the way. Nothing was written; each fault is listed.",
    )
    SOURCES_MISSING = (
        "SS607",
        "upstream's files are missing",
        "A file that a lock or a spec names is not there, is another one, or cannot be had. Each "
        "is named. `streamsolve sources LOCK -o DIR` brings what can be had, and goes on where it "
        "stopped.",
    )
    NO_SOURCE_PACKAGE = (
        "SS608",
        "a source package cannot be made",
        "rpmbuild cannot make a source package from a spec and the files that it names, or one "
        "that was given cannot be read. The message holds what is wrong.",
    )
    BUILD_FAILED = (
        "SS609",
        "a build failed",
        "mock failed, or what it made is not what was planned. The end of each log is shown with "
        "the root that it failed in and the path of the whole log. What was built stays: the same "
        "`streamsolve build` goes on from there.",
    )
    CANNOT_BUILD = (
        "SS610",
        "cannot be built here",
        "The directory is not one that the lock was emitted into, source packages are missing, "
        "another command builds in it, or it cannot be written. Nothing that was built is lost: "
        "mend what the message names and run the same command again.",
    )
    BROKEN_ARTIFACT = (
        "SS611",
        "an artifact that cannot be read",
        "A wheel, a library or GPU code in it is damaged, cut off, or of a form that is not known. "
        "The message names the file and where in it. Build it again; if it is as its tools made "
        "it, please report it.",
    )
    BAD_PACKAGE_FILE = (
        "SS612",
        "an RPM file that cannot be used",
        "The file is no RPM, is damaged or cut off, or holds what no honest package does: a path "
        "that leads elsewhere, a device, a size that is not true. Nothing was made of it. Fetch it "
        "again from where it should be.",
    )
    BAD_IMAGE = (
        "SS613",
        "no image can be made",
        "The packages or the base image cannot be made one image: files are in conflict, a package "
        "of the lock is not at hand, or the base image is not one that can be read. Each fault is "
        "listed, and nothing was written.",
    )
    NOT_FOR_COPR = (
        "SS701",
        "cannot be built in COPR as asked",
        "The lock, an option, the project or a chroot does not go together with COPR. Nothing was "
        "changed or submitted; every fault is listed.",
    )
    FARM_CREDENTIALS = (
        "SS702",
        "COPR does not know who asks",
        "Put the API token that COPR's page /api/ shows into ~/.config/copr, name another such "
        "file with `--config FILE`, or set COPR_LOGIN and COPR_TOKEN. A token is valid for half a "
        "year.",
    )
    FARM_REFUSED = (
        "SS703",
        "COPR refused",
        "COPR understood the request and will not do it; the message is its own. What was "
        "submitted before goes on there, and the same `streamsolve copr push` goes on from it.",
    )
    FARM_UNREACHABLE = (
        "SS704",
        "COPR cannot be reached",
        "COPR did not answer, or only with faults of its own, however often it was asked. What was "
        "submitted goes on there: run the same command again later. Nothing is built twice.",
    )
    BROKEN_JOURNAL = (
        "SS705",
        "a journal of builds that cannot be used",
        "The file beside the lock in which `copr push` notes what it submits is damaged, about "
        "another project, or in use by another push. Without it, builds are found by asking COPR.",
    )
    BROKEN_PAYLOAD = (
        "SS706",
        "a webhook's payload that cannot be read",
        "What a webhook sends has to be one JSON document of moderate size that names a project.",
    )
    DEFECT = (
        "SS900",
        "a defect in streamsolve",
        "Please report it with the command line and the output of `streamsolve --version`. "
        "`STREAMSOLVE_TRACEBACK=1` shows where it happened.",
    )

    @property
    def label(self) -> str:
        """The code as it is printed, such as ``SS201``."""
        return self.value[0]

    @property
    def title(self) -> str:
        """What happened, in three words."""
        return self.value[1]

    @property
    def advice(self) -> str:
        """What a user can do about it."""
        return self.value[2]

    @classmethod
    def from_label(cls, label: str) -> Code:
        """Look up ``SS201``; raises :class:`InputError` with the nearest codes."""
        for code in cls:
            if code.label == label.upper():
                return code
        labels = [code.label for code in cls]
        raise InputError(
            cls.BAD_OPTION,
            f"there is no error code {label!r}",
            hint=f"known codes: {', '.join(labels)}",
        )


class Place:
    """Where something was written: a file as the user named it, a line from 1, a path in it."""

    __slots__ = ("file", "line", "path")

    def __init__(self, file: str = "", line: int = 0, path: str = "") -> None:
        self.file = file
        self.line = line
        self.path = path

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (where, self.path) if part)

    def __repr__(self) -> str:
        return f"Place({self.file!r}, {self.line}, {self.path!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Place):
            return NotImplemented
        return (self.file, self.line, self.path) == (other.file, other.line, other.path)

    def __hash__(self) -> int:
        return hash((self.file, self.line, self.path))


class StreamsolveError(Exception):
    """Base of all errors that the library raises on purpose.

    ``code`` is stable, ``place`` says where (empty when there is none), ``hint`` is the next step.
    """

    exit_code = ExitCode.BAD_INPUT

    def __init__(
        self, code: Code, message: str, *, place: Place | None = None, hint: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.place = place or Place()
        self.hint = hint

    def __str__(self) -> str:
        where = str(self.place)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text}\n  {self.hint}" if self.hint else text


class InputError(StreamsolveError):
    """One fault in what the user gave."""


class BuildFailedError(StreamsolveError):
    """A build that failed where its result is what was asked for; the command ends with 4."""

    exit_code = ExitCode.BUILD_FAILED


class StaleLockError(StreamsolveError):
    """A lock that is not what would be locked today; the command ends with 5."""

    exit_code = ExitCode.STALE_LOCK


class InputErrors(InputError):
    """All faults of one input, in the order of their places."""

    def __init__(self, code: Code, message: str, errors: Iterable[InputError]) -> None:
        self.errors = tuple(errors)
        super().__init__(code, message)

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  {error}" for error in self.errors)])


class NoPlanError(StreamsolveError):
    """No plan exists. ``failure`` is a :class:`streamsolve.Failure`: why, and what would help.

    ``universe`` is the whole selection problem as a document, if it was asked for.
    """

    exit_code = ExitCode.NO_PLAN

    def __init__(
        self,
        message: str,
        failure: Any,  # noqa: ANN401 - the model's type, which this module cannot import
        universe: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(Code.NO_PLAN, message)
        self.failure = failure
        self.universe = universe or {}


class ErrorCollector:
    """Gathers the faults of one input, so that the user sees all of them at once."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.errors: list[InputError] = []

    def add(self, message: str, place: Place, hint: str = "") -> None:
        """Note one fault and go on."""
        self.errors.append(InputError(self.code, message, place=place, hint=hint))

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Note an :class:`InputError` that is raised inside, and go on."""
        try:
            yield
        except InputErrors as error:
            self.errors.extend(error.errors)
        except InputError as error:
            self.errors.append(error)

    def raise_if_any(self, summary: str) -> None:
        """Raise one :class:`InputErrors` if anything was noted."""
        if self.errors:
            ordered = sorted(self.errors, key=lambda e: (e.place.file, e.place.line, e.place.path))
            raise InputErrors(self.code, summary, ordered)


def nearest(name: str, known: Iterable[str], *, at_most: int = 3) -> str:
    """A sentence that names the nearest known names, or all of them when none is near."""
    names = sorted(set(known))
    close = difflib.get_close_matches(name, names, n=at_most, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    if not names:
        return "none is known"
    shown = ", ".join(names[:12])
    return f"known: {shown}{', …' if len(names) > 12 else ''}"
