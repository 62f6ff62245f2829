"""The runtime package of a namespace: its directories, and a script that enables the application.

    . /opt/app/enable

``PATH`` finds its programs. Its libraries are found by the run paths that they are linked with, and
``LD_LIBRARY_PATH`` is left as it is: it would hold for programs of the base as well. ``PYTHONPATH``
is set only where the base's own interpreter runs the application.
"""

from __future__ import annotations

from ...model.plan import Plan
from ..mock_settings import MockSettings
from ..names import release_of
from ..namespace import Namespace
from ..runtime_package import runtime_stream
from .versioning import spelled_for_rpm
from .written import changelog_date

__all__ = ["runtime_files"]

_ENABLE = """\
# Made by streamsolve: puts {application} first in this shell. Use it with `. {prefix}/enable`.
PATH={prefix}/bin${{PATH:+:$PATH}}
MANPATH={prefix}/share/man:${{MANPATH:-}}
PKG_CONFIG_PATH={libraries}/pkgconfig:{prefix}/share/pkgconfig${{PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}}
export PATH MANPATH PKG_CONFIG_PATH
"""
_PYTHON = """\
PYTHONPATH={libraries}/python{series}/site-packages:{prefix}/lib/python{series}/site-packages${{PYTHONPATH:+:$PYTHONPATH}}
export PYTHONPATH
"""
_SPEC = """\
# Made by streamsolve from a lock; make it again rather than change it.
%global _prefix {prefix}

Name:           {name}
Version:        {version}
Release:        {release}%{{?dist}}
Summary:        Directories and environment of {application}
License:        MIT
Source0:        enable
BuildArch:      noarch

%description
The directories under {prefix}, and a script that puts the programs of
{application} first in a shell.

%prep
%setup -q -c -T

%build

%install
install -D -p -m 644 %{{SOURCE0}} %{{buildroot}}%{{_prefix}}/enable
for directory in bin etc include lib lib64 libexec sbin share var; do
    mkdir -p %{{buildroot}}%{{_prefix}}/$directory
done

%files
%dir %{{_prefix}}
%dir %{{_prefix}}/*/
%{{_prefix}}/enable

%changelog
* {date} streamsolve <streamsolve@localhost>
- The runtime package of {application}
"""


def runtime_files(
    plan: Plan,
    namespace: Namespace,
    settings: MockSettings,
    directory: str,
    *,
    private_python: bool,
) -> dict[str, bytes]:
    """The files of the runtime package by path, in ``directory``. It requires nothing: the
    application's package requires it."""
    values = {
        "application": namespace.application,
        "date": changelog_date(settings),
        "libraries": f"{namespace.prefix}/lib64",
        "name": namespace.runtime,
        "prefix": namespace.prefix,
        "release": release_of(runtime_stream(plan, namespace)),
        "series": plan.python,
        "version": spelled_for_rpm(plan.version),
    }
    enable = _ENABLE if private_python else _ENABLE + _PYTHON
    return {
        f"{directory}/{namespace.runtime}.spec": _SPEC.format(**values).encode("ascii"),
        f"{directory}/enable": enable.format(**values).encode("ascii"),
    }
