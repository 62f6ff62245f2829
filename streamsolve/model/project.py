"""What a project of the package index says of itself."""

from __future__ import annotations

from attrs import frozen

__all__ = ["ProjectFacts"]


@frozen
class ProjectFacts:
    """What an sdist or a wheel says of itself, as it is written there.

    ``name`` and ``version`` are the metadata's; ``archive`` is the file that was read, an sdist
    (``.tar.gz``, ``.zip``, …) or a wheel, and ``directory`` the directory that an sdist unpacks to
    (empty: its name without the suffix). ``license_expression`` is PEP 639's field, ``licence`` the
    older free text. ``modules`` are the top-level modules that are installed; empty means that
    nobody knows, and all are packaged. ``scripts`` are names of commands in ``bin``. ``archful``
    says that there are sources of compiled parts outside of tests and documentation.
    ``license_files`` says that the metadata names licence files.
    """

    name: str
    version: str
    archive: str = ""
    directory: str = ""
    summary: str = ""
    license_expression: str = ""
    licence: str = ""
    classifiers: tuple[str, ...] = ()
    url: str = ""
    modules: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    archful: bool = False
    license_files: bool = False
