"""Reads a configuration the way mock does: includes put in as text, executed, then rendered.

opened = read_configuration(path, config_directory=tmp_path / "etc")
opened["dnf.conf"]

mock looks for ``include(…)`` at the beginnings of lines, evaluates the argument, and puts the text
of that file in its place; the file's backslashes are read as those of a regular expression's
replacement. Then it executes the whole with ``config_opts``, and from there on renders each string
that is asked for until it stays as it is, five times at most, with its own dictionary from the
package index.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from templated_dictionary import TemplatedDictionary

__all__ = ["configuration", "read_configuration"]

_INCLUDE = re.compile(r"^\s*include\((.*)\)", re.MULTILINE)
_ALIASES = {
    "dnf.conf": ["yum.conf", "dnf4.conf", "dnf5.conf"],
    "dnf4_builddep_opts": ["dnf_builddep_opts"],
}


def _defaults(path: Path) -> dict[str, Any]:
    """What mock sets before it reads anything, as far as our files or a template touch it."""
    return {
        "config_file": str(path),
        "plugin_conf": {"root_cache_enable": True},
        "environment": {"HOME": "/builddir"},
        "macros": {"%_topdir": "/builddir/build"},
        "use_bootstrap": True,
        "use_bootstrap_image": True,
        "bootstrap_image": "fedora:latest",
        "chroot_setup_cmd": ("groupinstall", "buildsys-build"),
        "update_before_build": True,
        "user_agent": "Mock ({{ root }}; {{ target_arch }})",
    }


def _with_includes(path: Path, directory: Path) -> str:
    text = path.read_text("utf-8")
    for argument in _INCLUDE.findall(text):
        included = _with_includes(directory / eval(argument), directory)
        text = _INCLUDE.sub(included, text, count=1)
    return text


def read_configuration(path: Path, *, config_directory: Path) -> TemplatedDictionary:
    """``config_opts`` with the rendering switched on. ``config_directory`` is mock's own."""
    config_opts = TemplatedDictionary(alias_spec=_ALIASES)
    for key, value in _defaults(path).items():
        config_opts[key] = value
    exec(_with_includes(path, config_directory), {}, {"config_opts": config_opts})
    config_opts["__jinja_expand"] = True
    return config_opts


def configuration(path: Path, *, config_directory: Path) -> dict[str, Any]:
    """Every option, rendered; the bootstrap root's own ones keep their names."""
    opened = read_configuration(path, config_directory=config_directory)
    return {key: opened[key] for key in opened if not key.startswith("_")}
