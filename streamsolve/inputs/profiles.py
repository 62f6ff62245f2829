"""Profiles: an application as data, read from TOML into frozen values.

``docs/profile-format.md`` describes the format, ``schemas/profile-1.schema.json`` its shape for
editors. Every fault of a profile and of the files that it includes is reported at once.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import evolve
from packaging.version import Version

from ..errors import Code, ErrorCollector, InputError, Place, nearest
from ..model.component import Component, Origin, distribution
from ..model.profile import ComponentRule, Policy, Profile, Variant
from .notation import (
    interpreter_order,
    read_any_component,
    read_distribution,
    read_homepage,
    read_interpreter,
    read_local,
    read_name,
    read_requirement,
    read_version,
)
from .profile_application import (
    read_application,
    read_own_licence,
    read_stated,
    with_own_package,
)
from .profile_checks import check_rows
from .profile_files import SHIPPED, file_text, included_file, included_text
from .profile_gpu import read_gpu
from .profile_image import read_image
from .profile_kernel import read_module
from .profile_rows import Rows, read_origin, read_rows
from .profile_vendored import read_vendored
from .shipped import profiles_directory
from .tables import Table, Unreadable
from .toml_places import TomlDocument, parse_toml, toml_data

__all__ = [
    "COMPONENT_SCHEMA",
    "PROFILE_SCHEMA",
    "SHIPPED",
    "check_component_file",
    "included_text",
    "is_component_file",
    "list_profiles",
    "load_profile",
    "parse_component_file",
    "parse_profile",
    "schema_text",
    "shipped_rules",
]

PROFILE_SCHEMA = "streamsolve.profile/1"
COMPONENT_SCHEMA = "streamsolve.component/1"

_COMPONENT_FAMILY = COMPONENT_SCHEMA.partition("/")[0]
_PROFILE_FILE = "profile.toml"


def schema_text(schema: str = PROFILE_SCHEMA) -> str:
    """The JSON Schema of a profile, or of a component file, as it is shipped."""
    from importlib.resources import files

    name = schema.removeprefix("streamsolve.").replace("/", "-")
    return files("streamsolve").joinpath("schemas", f"{name}.schema.json").read_text("utf-8")


def list_profiles() -> tuple[str, ...]:
    """The names of the shipped profiles, sorted."""
    found = profiles_directory().glob(f"*/{_PROFILE_FILE}")
    return tuple(sorted(path.parent.name for path in found))


def load_profile(name_or_path: str) -> Profile:
    """A shipped profile by its name, or one from a TOML file, or from a directory with one.

    A name that is shipped comes before a file or directory of that name. :class:`InputError` when
    there is neither, with the nearest names; all faults at once when it cannot be used.
    """
    shipped = list_profiles()
    if name_or_path in shipped:
        root = profiles_directory()
        return _load(root / name_or_path / _PROFILE_FILE, f"{name_or_path}/{_PROFILE_FILE}")
    path = Path(name_or_path) if name_or_path else None
    if path is not None and path.is_dir() and (path / _PROFILE_FILE).is_file():
        return _load(path / _PROFILE_FILE, str(path / _PROFILE_FILE))
    if path is not None and path.is_file():
        return _load(path, name_or_path)
    if path is not None and (path.is_dir() or "/" in name_or_path or path.suffix == ".toml"):
        what = f"no {_PROFILE_FILE} in" if path.is_dir() else "no such file:"
        raise InputError(
            Code.UNKNOWN_APPLICATION,
            f"{what} {name_or_path}",
            hint=f"shipped profiles: {', '.join(shipped) or 'none'}",
        )
    raise InputError(
        Code.UNKNOWN_APPLICATION,
        f"unknown application {name_or_path!r}",
        hint=nearest(name_or_path, shipped),
    )


def _load(path: Path, shown: str) -> Profile:
    profile = parse_profile(
        file_text(path, shown),
        file=shown,
        includes=lambda name: included_text(path.parent, name, included_file(shown, name)),
    )
    return evolve(profile, directory=str(path.parent))


def parse_profile(text: str, *, file: str, includes: Callable[[str], str]) -> Profile:
    """Read a profile.

    ``file`` is what places call it. ``includes`` gives the text of an included file, named as in
    the profile, or raises :class:`InputError`. ``digest`` is the sha256 over the sha256 of each
    file, the profile's first, the others in the order of ``include``, then of ``[[vendored]]``.
    """
    errors = ErrorCollector(Code.BROKEN_PROFILE)
    top = Table(parse_toml(text, file=file, code=Code.BROKEN_PROFILE), errors)
    _check_schema(top, PROFILE_SCHEMA)
    texts, included = _read_includes(top, includes)
    names = _variant_names(top)
    rows = Rows()
    read_rows(top, rows, names)
    for other in included:
        _check_schema(other, COMPONENT_SCHEMA)
        read_rows(other, rows, names)
        _close_component_file(other)
    variants = tuple(_variant(top, name) for name in names)
    vendored = read_vendored(top, names, includes)
    digest = _digest((text, *texts, *vendored.texts))
    profile = _profile(top, file, digest, rows, variants)
    profile = evolve(profile, vendored=vendored.of(profile.component))
    top.close()
    check_rows(rows, variants, errors)
    errors.raise_if_any(f"{file} is no usable profile")
    return profile


def is_component_file(name: str) -> bool:
    """Whether that is a file which says that it is one for profiles to include."""
    path = Path(name)
    if not path.is_file():
        return False
    try:
        written = toml_data(file_text(path, name)).get("schema")
    except (InputError, ValueError):
        # What cannot be read is told by whoever reads it for its content.
        return False
    return isinstance(written, str) and written.partition("/")[0] == _COMPONENT_FAMILY


def check_component_file(name: str) -> None:
    """Check a file that profiles include, by itself; all faults at once.

    The variants that it names are those of the profile that includes it, so they are not checked.
    """
    parse_component_file(file_text(Path(name), name), file=name)


def shipped_rules() -> tuple[ComponentRule, ...]:
    """The components of all shipped files for profiles to include, in the order of the files."""
    directory = profiles_directory() / "components"
    found: list[ComponentRule] = []
    for path in sorted(directory.glob("*.toml")):
        shown = f"components/{path.name}"
        found += parse_component_file(file_text(path, shown), file=shown)
    return tuple(found)


def parse_component_file(text: str, *, file: str) -> tuple[ComponentRule, ...]:
    """Read a file that profiles include as far as it can be read without a profile: what it says of
    components that are no distributions."""
    errors = ErrorCollector(Code.BROKEN_PROFILE)
    top = Table(parse_toml(text, file=file, code=Code.BROKEN_PROFILE), errors)
    _check_schema(top, COMPONENT_SCHEMA)
    rows = Rows()
    read_rows(top, rows, _AnyVariant())
    _close_component_file(top)
    errors.raise_if_any(f"{file} cannot be included by a profile")
    return tuple(value for value, _ in rows.rules)


class _AnyVariant(tuple[str, ...]):
    """The variants of a profile that is not known: each name may be one."""

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        return True


def _digest(texts: tuple[str, ...]) -> str:
    whole = hashlib.sha256()
    for text in texts:
        whole.update(hashlib.sha256(text.encode()).digest())
    return whole.hexdigest()


def _check_schema(top: Table, expected: str) -> None:
    written = top.text("schema")
    if written and written != expected:
        family = expected.rpartition("/")[0]
        hint = f"expected {expected!r}"
        if written.startswith(f"{family}/"):
            hint += "; it may be written for another version of streamsolve"
        top.fault(f"unknown schema {written!r}", "schema", hint=hint)


def _read_includes(
    top: Table, includes: Callable[[str], str]
) -> tuple[tuple[str, ...], tuple[Table, ...]]:
    """The texts of the included files and their tables; what cannot be had is noted."""
    seen: set[str] = set()

    def read(name: str, place: Place) -> tuple[str, TomlDocument]:
        if posixpath.isabs(name) or not name:
            raise Unreadable(f"{name!r} is no path relative to this file")
        shown = included_file(top.document.file, name)
        if shown in seen:
            raise Unreadable(f"{name!r} is included twice")
        seen.add(shown)
        try:
            text = includes(name)
        except InputError as error:
            raise InputError(
                Code.BROKEN_PROFILE, f"the included file {name!r} {error.message}", place=place
            ) from None
        return text, parse_toml(text, file=shown, code=Code.BROKEN_PROFILE)

    found = top.values("include", read)
    return (
        tuple(text for text, _ in found),
        tuple(Table(document, top.errors) for _, document in found),
    )


def _close_component_file(top: Table) -> None:
    if top.kind("include") is not None:
        top.fault("an included file cannot include others", "include")
    top.close()


def _variant_names(top: Table) -> tuple[str, ...]:
    """The variants in the order they are written; known before anything refers to them."""
    table = top.table("variants", required=True)
    if not tuple(table) and isinstance(top.data.get("variants"), dict):
        top.fault("a profile needs at least one variant", "variants")
    for name in table:
        table.key(name, read_name, "")
    return tuple(table)


def _variant(top: Table, name: str) -> Variant:
    row = top.table("variants").table(name)
    wheel, files = read_stated(top, row)
    value = Variant(
        name=name,
        summary=row.text("summary", ""),
        wheel=wheel,
        files=files,
        needs=row.values("needs", read_requirement),
        local=_local_labels(row.table("local")),
        gpu=read_gpu(row.table("gpu")),
        place=row.place(),
    )
    row.close()
    return value


def _local_labels(table: Table) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for written in table:
        name = _distribution_key(table, written, found)
        found[name] = table.value(written, read_local, "")
    return found


def _distribution_key(table: Table, written: str, found: Mapping[str, object]) -> str:
    name = table.key(written, read_distribution, distribution(written)).name
    if name in found:
        table.fault(f"{name} is named twice, in two spellings", written)
    return name


def _names(table: Table) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for written in table:
        name = _distribution_key(table, written, found)
        found[name] = table.value(written, read_distribution, distribution(name)).name
    return found


def _minutes(table: Table) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for written in table:
        component: Component = table.key(written, read_any_component, distribution(written))
        if component.name in found:
            table.fault(f"{component.name} is named twice", written)
        found[component.name] = table.number(written, 1)
    return found


def _interpreters(top: Table) -> tuple[str, ...]:
    written = top.values("interpreters", read_interpreter)
    for position, version in enumerate(written):
        if version in written[:position]:
            top.fault(f"{version} is named twice", "interpreters")
    return tuple(sorted(set(written), key=interpreter_order, reverse=True))


def _policy(table: Table) -> Policy:
    if "proprietary" not in table:
        table.kind("proprietary")
        table.close()
        return Policy()
    origins: tuple[Origin, ...] = table.values("proprietary", read_origin)
    table.close()
    return Policy(tuple(sorted(set(origins), key=lambda origin: origin.value)))


def _default_variant(top: Table, variants: tuple[Variant, ...]) -> str:
    """The one that is named, or the only one."""
    names = [variant.name for variant in variants]
    if "default-variant" not in top and len(names) <= 1:
        top.kind("default-variant")
        return names[0] if names else ""
    default = top.text("default-variant")
    if default and names and default not in names:
        top.fault(
            f"there is no variant {default!r}", "default-variant", hint=nearest(default, names)
        )
    return default


def _profile(
    top: Table, file: str, digest: str, rows: Rows, variants: tuple[Variant, ...]
) -> Profile:
    name = top.value("name", read_name, "none")
    component = read_application(top, name)
    costs = top.table("costs")
    profile = Profile(
        name=name,
        component=component,
        version=top.value("version", read_version, Version("0")),
        variants=variants,
        default_variant=_default_variant(top, variants),
        default_base=top.text("default-base"),
        file=file,
        digest=digest,
        summary=top.text("summary", ""),
        homepage=top.value("homepage", read_homepage, "", required=False),
        policy=_policy(top.table("policy")),
        names=_names(top.table("names")),
        relaxations=tuple(value for value, _ in rows.relaxations),
        omissions=tuple(value for value, _ in rows.omissions),
        externals=tuple(value for value, _ in rows.externals),
        prebuilt=tuple(value for value, _ in rows.prebuilt),
        source_repositories=tuple(value for value, _ in rows.source_repositories),
        direct_references=tuple(value for value, _ in rows.direct_references),
        bundled=tuple(value for value, _ in rows.bundled),
        groups=tuple(value for value, _ in rows.groups),
        native_needs=tuple(value for value, _ in rows.native_needs),
        build_rules=tuple(value for value, _ in rows.build_rules),
        build_tools=tuple(value for value, _ in rows.build_tools),
        rules=with_own_package(component, tuple(value for value, _ in rows.rules)),
        costs=_minutes(costs.table("minutes")),
        pure_cost=costs.number("pure", 1),
        native_cost=costs.number("native", 4),
        image=read_image(top.table("image")),
        module=read_module(top.table("module"), component),
        licence=read_own_licence(top),
    )
    costs.close()
    if top.kind("interpreters") is None:
        return profile
    return evolve(profile, interpreters=_interpreters(top))
