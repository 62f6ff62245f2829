"""The configuration of one root, as mock reads it: Python that fills ``config_opts``.

The root is locked: its packages are installed by full name, and what a build asks for beyond them
is not found, because at that step no repository shows any package. Goals, in this order: mock takes
nothing in it for code; what is not in the lock cannot come in; the same bytes for the same lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ..model.build import Root, is_third_party
from ..model.component import PYTHON, Kind
from ..model.package import Package
from ..model.plan import Plan
from ..model.software_collections import SoftwareCollection
from .dnf_conf import (
    MAIN,
    Section,
    base_section,
    conf_lines,
    has_private,
    hidden_names,
    included,
    is_private,
    main_section,
    stream_section,
)
from .gpu_targets import gpu_environment, gpu_macros, targets_of_root
from .mock_settings import LOCAL_STREAMS, STREAMS, MockSettings
from .names import root_name
from .namespace import Namespace, namespace_of
from .python_text import block, literal

__all__ = ["NO_MORE_PACKAGES", "compilers_of", "macros_of", "mock_configuration", "requested"]

NO_MORE_PACKAGES = "--setopt=*.excludepkgs=*"
"""An option with which dnf sees what is installed and nothing else."""

_TITLE = "# Made by streamsolve from a lock; make it again rather than change it."
_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
_COMPAT_COMPILER = re.compile(r"(?P<name>gcc|clang)(?P<number>\d+)")
_COMPILERS = {"clang": ("clang", "clang++"), "gcc": ("gcc", "g++")}
_PYTHON = re.compile(r"python(\d+\.\d+)")

_REPRODUCIBLE = (
    ("%_buildhost", "reproducible"),
    ("%build_mtime_policy", "clamp_to_source_date_epoch"),
    ("%clamp_mtime_to_source_date_epoch", "1"),
    ("%source_date_epoch_from_changelog", "1"),
    ("%use_source_date_epoch_as_buildtime", "1"),
)
"""The same source gives the same package. rpm 4.20 and later read ``%build_mtime_policy``."""

_LOCAL_REPOSITORY = f"""\
# The stream repository lies beside the directory of this file, wherever that is.
streamsolve_repository = os.path.join(
    os.path.dirname(os.path.dirname(os.path.realpath(config_opts['config_file']))),
    {LOCAL_STREAMS!r},
)
if not re.fullmatch('[A-Za-z0-9/._+~-]+', streamsolve_repository):
    raise ValueError('the directory of the stream repository has letters that dnf cannot read; '
                     'name it when the configuration is made')
streamsolve_repository = 'file://' + streamsolve_repository
""".splitlines()

_SPLIT = r"""# The template's repositories, without what only the stream repository may provide.
streamsolve_conf = config_opts['dnf.conf']
if '\n[main]\n' not in '\n' + streamsolve_conf:
    raise ValueError('the template has no section [main] to build on')
if re.search(r'(?m)^[ \t]*(?:exclude|excludepkgs)[ \t]*=', streamsolve_conf):
    raise ValueError('the template excludes packages itself; use configurations that stand alone')
if re.search(OWN_SECTIONS, streamsolve_conf):
    raise ValueError('the template has a repository of a name that is added here')
streamsolve_main = re.split(r'(?m)^(?=\[(?!main\]))', streamsolve_conf, maxsplit=1)
if len(streamsolve_main) != 2:
    raise ValueError('the template has no repositories')
streamsolve_main, streamsolve_conf = streamsolve_main
streamsolve_main = re.sub(MAIN_OPTIONS, '', streamsolve_main)
streamsolve_conf = re.sub(
    r'(?m)^[ \t]*skip_if_unavailable[ \t]*=.*$', 'skip_if_unavailable=0', streamsolve_conf
)
""".splitlines()


def requested(root: Root, namespace: Namespace | None = None) -> tuple[str, ...]:
    """What dnf is asked to install, sorted: packages of the base by full name; private ones, of
    which the root sees one version only, and a third party's that no repository had, by name. A
    kernel's headers are asked for exactly: they are of no use for another kernel."""
    return tuple(sorted({_asked(package, namespace) for package in root.packages}))


def _asked(package: Package, namespace: Namespace | None) -> str:
    if not is_private(package) and not is_third_party(package):
        return package.nevra
    in_namespace = namespace is not None and is_private(package)
    return namespace.package_name(package.name) if namespace and in_namespace else package.name


def mock_configuration(root: Root, plan: Plan, settings: MockSettings) -> bytes:
    """The file of one root. Everything in it has been checked before."""
    is_beside = has_private(root) and not settings.stream_repository
    lines = [_TITLE]
    if is_beside or settings.template:
        lines += ["import os.path", "import re"]
    lines += [*_template(settings), "", *_options(root, plan, settings)]
    targets = targets_of_root(root, plan.builds.builds if plan.builds else (), settings.gpu)
    lines += ["", *_macros(root, settings, targets)]
    if is_beside:
        lines += ["", *_LOCAL_REPOSITORY]
    lines += ["", *_conf_statements(root, settings, namespace_of(plan, settings))]
    return ("\n".join(lines) + "\n").encode("ascii")


def _template(settings: MockSettings) -> list[str]:
    return [f"include({literal(settings.template)})"] if settings.template else []


def _set(key: str, value: str) -> str:
    return f"config_opts[{literal(key)}] = {value}"


def _options(root: Root, plan: Plan, settings: MockSettings) -> Iterator[str]:
    """Everything but macros and repositories."""
    yield _set("root", literal(root_name(plan, root.id)))
    yield _set("target_arch", literal(plan.arch))
    if not settings.template:
        yield _set("legal_host_arches", f"({literal(plan.arch)},)")
        yield _set("extra_chroot_dirs", "['/run/lock']")
    yield _set("releasever", literal(settings.releasever))
    if settings.dist:
        yield _set("dist", literal(settings.dist))
    yield _set("package_manager", literal(settings.package_manager))
    yield _set("isolation", literal(settings.isolation))
    yield _set("rpmbuild_networking", literal(False))
    yield from _bootstrap(settings)
    yield from _modules(settings)
    words = ("install", *requested(root, namespace_of(plan, settings)))
    yield "# The whole root as it was locked; what a build still lacks then is an error."
    yield from block(
        "config_opts['chroot_setup_cmd'] = (",
        [f"{literal(word)}," for word in words],
        ")",
    )
    yield _set("chroot_additional_packages", "[]")
    yield _set("update_before_build", literal(False))
    for manager in ("dnf", "dnf5"):
        yield _set(f"{manager}_builddep_opts", f"[{literal(NO_MORE_PACKAGES)}]")
    if has_private(root):
        yield "# A kept root would hold private packages of an earlier build."
        yield "config_opts['plugin_conf']['root_cache_enable'] = False"


def _bootstrap(settings: MockSettings) -> Iterator[str]:
    yield _set("use_bootstrap", literal(settings.bootstrap))
    if settings.bootstrap_image:
        yield _set("use_bootstrap_image", literal(settings.bootstrap))
        yield _set("bootstrap_image", literal(settings.bootstrap_image))
    elif not settings.template or not settings.bootstrap:
        # mock's own default is an image of Fedora, whatever is built.
        yield _set("use_bootstrap_image", literal(False))


def _modules(settings: MockSettings) -> list[str]:
    pairs = [f"({literal(action)}, {literal(streams)})," for action, streams in settings.modules]
    if not pairs:
        return [_set("module_setup_commands", "[]")]
    return block("config_opts['module_setup_commands'] = [", pairs, "]")


def macros_of(
    root: Root, settings: MockSettings, targets: Sequence[str] = ()
) -> tuple[tuple[str, str], ...]:
    """Macros that hold for every build in the root, sorted; switches of one build are in its
    command. ``targets`` are the GPU architectures that everything in it is built for."""
    found = dict(
        (
            *_REPRODUCIBLE,
            *_prefix_macros(settings),
            *_interpreter_macros(root, settings.prefix),
            *_compiler_macros(root),
            *gpu_macros(targets),
        )
    )
    return tuple(sorted({**found, **dict(settings.macros)}.items()))


def _macros(root: Root, settings: MockSettings, targets: Sequence[str]) -> Iterator[str]:
    for name, value in macros_of(root, settings, targets):
        yield f"config_opts['macros'][{literal(name)}] = {literal(value)}"
    if settings.source_date_epoch is not None:
        epoch = literal(str(settings.source_date_epoch))
        yield f"config_opts['environment']['SOURCE_DATE_EPOCH'] = {epoch}"
    for name, value in _environment(root, settings, targets):
        yield f"config_opts['environment'][{literal(name)}] = {literal(value)}"


def _environment(
    root: Root, settings: MockSettings, targets: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Variables of a build: which compiler, for which GPUs, and where programs of private streams
    are."""
    yield from compilers_of(root)
    yield from gpu_environment(targets)
    enabled = [SoftwareCollection(name) for name in root.collections]
    first = [*([f"{settings.prefix}/bin"] if settings.prefix else []), *_programs(enabled)]
    if first:
        yield "PATH", ":".join((*first, _PATH))
    if enabled:
        yield "LD_LIBRARY_PATH", ":".join(f"{each.prefix}/root/usr/lib64" for each in enabled)


def _programs(enabled: Iterable[SoftwareCollection]) -> list[str]:
    """Where the programs of collections are: what their ``enable`` scripts put into PATH."""
    return [each.programs for each in enabled]


def _prefix_macros(settings: MockSettings) -> Iterator[tuple[str, str]]:
    """Where everything goes in prefix mode."""
    if settings.prefix:
        for name, value in Namespace("", settings.prefix).macros:
            yield f"%{name}", value


def _interpreter_macros(root: Root, prefix: str) -> Iterator[tuple[str, str]]:
    """A root whose interpreter is not the base's usual one says which: the base's own may lie in it
    as well, as a tool. One that is private lies under the prefix, if there is one."""
    for stream in root.streams:
        named = _PYTHON.fullmatch(stream.package)
        if stream.component == PYTHON and named:
            yield "%python3_pkgversion", named[1]
            if prefix and stream.build:
                yield "%__python3", f"{prefix}/bin/{stream.package}"


def compilers_of(root: Root) -> tuple[tuple[str, str], ...]:
    """The variables with which builds find a compiler that is not the base's usual one, sorted.

    A compat package such as ``gcc15`` calls its programs ``gcc-15`` and ``g++-15``. ``nvcc`` has
    its own word for the compiler that it calls.
    """
    found: dict[str, str] = {}
    for stream in root.streams:
        named = _COMPAT_COMPILER.fullmatch(stream.package)
        if stream.component.kind is Kind.TOOLCHAIN:
            found |= _of_collection(stream.package, root)
        if stream.component.kind is not Kind.TOOLCHAIN or not named:
            continue
        plain, plus = _COMPILERS[named["name"]]
        number = named["number"]
        found |= {"CC": f"{plain}-{number}", "CXX": f"{plus}-{number}"}
        found |= {"CUDAHOSTCXX": f"{plus}-{number}", "NVCC_CCBIN": f"{plus}-{number}"}
    return tuple(sorted(found.items()))


def _of_collection(package: str, root: Root) -> dict[str, str]:
    """The same where a compiler is of a Software Collection: its programs bear the usual names, and
    lie under its prefix."""
    for collection in map(SoftwareCollection, root.collections):
        if names := _COMPILERS.get(collection.plain(package)):
            plain, plus = (f"{collection.programs}/{name}" for name in names)
            return {"CC": plain, "CXX": plus, "CUDAHOSTCXX": plus, "NVCC_CCBIN": plus}
    return {}


def _compiler_macros(root: Root) -> Iterator[tuple[str, str]]:
    """RPM's words for the compiler. The plugin that annotates what the usual gcc compiles cannot be
    loaded by another version of it."""
    found = dict(compilers_of(root))
    if found:
        yield "%__cc", found["CC"]
        yield "%__cxx", found["CXX"]
        yield "%__cpp", f"{found['CC']} -E"
        yield "%_annobin_gcc_plugin", "%{nil}"


# -- dnf.conf --------------------------------------------------------------------------------------


def _conf_statements(
    root: Root, settings: MockSettings, namespace: Namespace | None
) -> Iterator[str]:
    """``dnf.conf`` of the root, and that of the bootstrap root, which sees nothing private."""
    hidden = hidden_names(root, namespace)
    own = [base_section(each, hidden) for each in settings.added]
    plain = [base_section(each, ()) for each in settings.added]
    if has_private(root):
        streams = stream_section(settings.streams, included(root, namespace))
        own.append(streams)
        # mock mounts a local repository into the bootstrap root, where dnf runs, only if the
        # bootstrap root's own dnf.conf has it.
        plain.append(_disabled(streams))
    if settings.template:
        yield from _on_template(own, plain, hidden, bootstrap=settings.bootstrap)
        return
    main = main_section(settings)
    if settings.bootstrap:
        yield from _text_statement("bootstrap_dnf.conf", [main, *plain])
    yield from _text_statement("dnf.conf", [main, *own])


def _disabled(section: Section) -> Section:
    options = dict(section.options) | {"enabled": "0"}
    return Section(section.name, tuple(sorted(options.items())))


def _on_template(
    own: Sequence[Section], plain: Sequence[Section], hidden: Sequence[str], *, bootstrap: bool
) -> Iterator[str]:
    """Statements that change the template's text: names excluded, options held, sections added."""
    added = sorted({STREAMS, *(section.name for section in own)})
    names = "|".join(map(re.escape, added))
    keys = "|".join(key for key, _ in MAIN)
    patterns = {
        "OWN_SECTIONS": rf"(?m)^\[(?:{names})\]",
        "MAIN_OPTIONS": rf"(?m)^[ \t]*(?:{keys})[ \t]*=.*\n",
    }
    for line in _SPLIT:
        for name, pattern in patterns.items():
            line = line.replace(name, literal(pattern))
        yield line
    if hidden:
        excluded = literal(f"\nexcludepkgs={','.join(hidden)}")
        yield "streamsolve_conf = re.sub("
        yield "    r'(?m)^\\[[^\\]\\n]+\\][ \\t]*$',"
        yield f"    lambda section: section[0] + {excluded},"
        yield "    streamsolve_conf,"
        yield ")"
    main = literal("[main]\n" + "".join(f"{key}={value}\n" for key, value in MAIN))
    yield f"streamsolve_main = streamsolve_main.replace('[main]\\n', {main}, 1)"
    if bootstrap:
        opening = "config_opts['bootstrap_dnf.conf'] = config_opts['dnf.conf'] + ("
        yield from block(opening, _expressions(plain), ")")
    opening = "config_opts['dnf.conf'] = streamsolve_main + streamsolve_conf + ("
    yield from block(opening, _expressions(own), ")")


def _text_statement(key: str, sections: Sequence[Section]) -> list[str]:
    return block(f"config_opts[{literal(key)}] = (", _expressions(sections), ")")


def _expressions(sections: Sequence[Section]) -> list[str]:
    """The sections' text as string literals, one for each line. The address of a stream repository
    that lies beside the configurations is known only when they are read."""
    lines = conf_lines(sections)
    return [
        "'baseurl=' + streamsolve_repository + '\\n'"
        if line == "baseurl="
        else literal(f"{line}\n")
        for line in lines or [""]
    ]
