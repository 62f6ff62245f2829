"""What mock has to be told that no lock knows: where repositories are, and how to build."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import field, frozen

from ..model.artifacts import GpuMatrix
from ..model.gpu import is_architecture
from . import grammar
from .grammar import Refusals

__all__ = [
    "LOCAL_STREAMS",
    "STREAMS",
    "MockRepository",
    "MockSettings",
    "Switch",
    "check_settings",
]

STREAMS = "streamsolve"
"""The id of the stream repository."""

LOCAL_STREAMS = "repo"
"""Where the stream repository is, beside the configurations' directory, if it is nowhere else."""

_RESERVED = ("main", STREAMS, "local_build_repo")
_ISOLATIONS = ("auto", "nspawn", "simple")
_MANAGERS = ("dnf", "dnf4", "dnf5")
_MODULE_ACTIONS = ("enable", "disable", "install", "reset")
_LOCAL = "file:///"
_LARGEST_PRIORITY = 99
_LAST_SECOND = 2**32 - 1
"""The last one that RPM can write down."""


@frozen
class MockRepository:
    """A repository, by ``baseurl``, ``metalink`` or ``mirrorlist``, in which ``$releasever`` and
    ``$basearch`` may stand. ``gpgkeys`` are URLs of the keys that sign its packages.

    ``overlay`` says that it is on top of the base, so that no template has it, and
    ``module_hotfixes`` that no module hides its packages. ``unsigned`` gives
    up the check of signatures, which is for a distribution made on this machine alone: its address
    must begin with ``file:///``.
    """

    id: str
    baseurl: str = ""
    metalink: str = ""
    mirrorlist: str = ""
    gpgkeys: tuple[str, ...] = ()
    priority: int = 99
    overlay: bool = False
    unsigned: bool = False
    module_hotfixes: bool = False

    @property
    def addresses(self) -> tuple[tuple[str, str], ...]:
        """The options that say where it is, with their values; one, if all is well."""
        parts = ("baseurl", "metalink", "mirrorlist")
        return tuple((part, getattr(self, part)) for part in parts if getattr(self, part))

    @property
    def is_local(self) -> bool:
        """Whether it lies on the machine that builds."""
        return self.baseurl.startswith(_LOCAL)


@frozen(order=True)
class Switch:
    """A switch of a component's spec (``%bcond``): ``name`` on or off, in all of its builds."""

    component: str
    name: str
    on: bool = True


@frozen
class MockSettings:
    """How to write configurations. ``dist`` is the suffix of releases without its dot (``fc44``),
    and ``platform`` what modules call it (``platform:f44``); both may be empty.

    With ``template``, a configuration of the distribution such as ``fedora-44-x86_64.cfg``, each
    configuration begins with that one, and of ``repositories`` only overlays are added; without,
    they stand alone. ``stream_repository`` is the URL where built packages are published; empty
    means the directory ``repo`` beside the configurations' directory, wherever that lies; one that
    is not on the building machine needs ``stream_gpgkeys``.

    ``prefix`` is where everything goes in prefix mode (``/opt/app``). ``source_date_epoch`` is in
    seconds; None leaves it to each spec's changelog. ``modules`` are module commands as (action,
    module streams). ``macros`` are (name with its ``%``, value). ``gpu`` says
    for which GPU architectures streams are built; a lock has it.
    """

    releasever: str
    dist: str = ""
    repositories: tuple[MockRepository, ...] = ()
    template: str = ""
    stream_repository: str = ""
    stream_gpgkeys: tuple[str, ...] = ()
    platform: str = ""
    package_manager: str = "dnf5"
    isolation: str = "auto"
    bootstrap: bool = True
    bootstrap_image: str = ""
    prefix: str = ""
    source_date_epoch: int | None = None
    modules: tuple[tuple[str, str], ...] = ()
    macros: tuple[tuple[str, str], ...] = ()
    switches: tuple[Switch, ...] = ()
    gpu: GpuMatrix = field(factory=GpuMatrix)

    @property
    def added(self) -> tuple[MockRepository, ...]:
        """The repositories that a configuration has to name itself, besides that of the streams."""
        return tuple(each for each in self.repositories if each.overlay or not self.template)

    @property
    def publish_to(self) -> str:
        """The directory of the stream repository; a relative one is beside the configurations' own.
        That of a repository elsewhere is kept here and has to be copied there."""
        is_here = self.stream_repository.startswith(_LOCAL)
        return self.stream_repository.removeprefix("file://") if is_here else LOCAL_STREAMS

    @property
    def streams(self) -> MockRepository:
        """The stream repository. It comes before all others."""
        before = min((0, *(each.priority - 2 for each in self.repositories))) + 1
        url, keys = self.stream_repository, self.stream_gpgkeys
        return MockRepository(STREAMS, url, gpgkeys=keys, priority=before, unsigned=not keys)


def check_settings(settings: MockSettings, refusals: Refusals) -> None:
    """Note every value that cannot be written out."""
    check = refusals.check
    check(settings.releasever, grammar.RELEASE, "settings.releasever")
    refusals.check_one_of(settings.package_manager, _MANAGERS, "settings.package_manager")
    refusals.check_one_of(settings.isolation, _ISOLATIONS, "settings.isolation")
    optional = (
        (settings.dist, grammar.DIST, "settings.dist"),
        (settings.template, grammar.CONFIGURATION, "settings.template"),
        (settings.platform, grammar.MODULES, "settings.platform"),
        (settings.bootstrap_image, grammar.IMAGE, "settings.bootstrap_image"),
        (settings.prefix, grammar.DIRECTORY, "settings.prefix"),
    )
    for value, expected, path in optional:
        if value:
            check(value, expected, path)
    if not 0 <= (settings.source_date_epoch or 0) <= _LAST_SECOND:
        refusals.note("it is before 1970 or after 2106", "settings.source_date_epoch")
    for number, key in enumerate(settings.stream_gpgkeys):
        check(key, grammar.URL, f"settings.stream_gpgkeys[{number}]")
    _check_stream_repository(settings, refusals)
    _check_repositories(settings, refusals)
    _check_spec_settings(settings, refusals)
    _check_gpu(settings.gpu, refusals)


def _check_stream_repository(settings: MockSettings, refusals: Refusals) -> None:
    path = "settings.stream_repository"
    if settings.streams.is_local:
        # It is a directory for the shell and for make as well.
        refusals.check(settings.publish_to, grammar.DIRECTORY, path)
    elif settings.stream_repository:
        refusals.check(settings.stream_repository, grammar.URL, path)
        _needs_key(settings.stream_gpgkeys, "settings.stream_gpgkeys", refusals)


def _check_repositories(settings: MockSettings, refusals: Refusals) -> None:
    seen: set[str] = set()
    for number, repository in enumerate(settings.repositories):
        path = f"settings.repositories[{number}]"
        for message, part in _faults_of(repository):
            refusals.note(message, f"{path}.{part}")
        for key_number, key in enumerate(repository.gpgkeys):
            refusals.check(key, grammar.URL, f"{path}.gpgkeys[{key_number}]")
        if not repository.unsigned:
            _needs_key(repository.gpgkeys, f"{path}.gpgkeys", refusals)
        if repository.id in seen:
            refusals.note(f"{grammar.shown(repository.id)} is there twice", f"{path}.id")
        seen.add(repository.id)
    if not settings.template and not settings.repositories:
        refusals.note(
            "a configuration that stands alone needs the base's repositories",
            "settings.repositories",
            "name a template of the distribution, or the repositories",
        )


def _faults_of(repository: MockRepository) -> Iterator[tuple[str, str]]:
    """What cannot be written of one repository, as (message, its part)."""
    shown = grammar.shown
    if not grammar.NAME.allows(repository.id):
        yield f"{shown(repository.id)} is not {grammar.NAME.expected}", "id"
    elif repository.id in _RESERVED:
        yield f"{shown(repository.id)} is a name that the configurations use themselves", "id"
    if len(repository.addresses) != 1:
        yield "exactly one of baseurl, metalink and mirrorlist is needed", "baseurl"
    for part, address in repository.addresses:
        if not grammar.URL.allows(address):
            yield f"{shown(address)} is not {grammar.URL.expected}", part
    if not -_LARGEST_PRIORITY <= repository.priority <= _LARGEST_PRIORITY:
        yield f"{repository.priority} is no priority of dnf's", "priority"
    if repository.unsigned and not repository.is_local:
        yield "only what lies on the machine that builds may be unsigned", "unsigned"


def _needs_key(keys: tuple[str, ...], path: str, refusals: Refusals) -> None:
    if not keys:
        refusals.note(
            "packages are used only if their signature is checked, and no key is named",
            path,
            "name the URL of the key that signs them",
        )


def _check_spec_settings(settings: MockSettings, refusals: Refusals) -> None:
    """Macros, switches and modules."""
    for number, (action, streams) in enumerate(settings.modules):
        refusals.check_one_of(action, _MODULE_ACTIONS, f"settings.modules[{number}]")
        refusals.check(streams, grammar.MODULES, f"settings.modules[{number}]")
    names = [name for name, _ in settings.macros]
    for number, (name, value) in enumerate(settings.macros):
        path = f"settings.macros[{number}]"
        refusals.check(name, grammar.MACRO_NAME, path)
        refusals.check(value, grammar.MACRO_VALUE, path)
        if name in names[:number]:
            refusals.note(f"{grammar.shown(name)} is there twice", path)
    for number, switch in enumerate(settings.switches):
        refusals.check(switch.component, grammar.SPELLED, f"settings.switches[{number}].component")
        refusals.check(switch.name, grammar.SWITCH, f"settings.switches[{number}].name")


def _check_gpu(matrix: GpuMatrix, refusals: Refusals) -> None:
    for path, names in (
        ("settings.gpu.architectures", matrix.architectures),
        *((f"settings.gpu.of[{grammar.shown(of)}]", names) for of, names in matrix.of.items()),
    ):
        for name in names:
            if not is_architecture(name):
                refusals.note(f"{grammar.shown(name)} is no GPU architecture", path)
