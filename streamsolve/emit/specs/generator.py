"""The generator of specs, pyp2spec: the one module that touches it. It is asked for nothing that
would look anything up.

It comes with the extra ``specs``; each function raises :class:`InputError` (``MISSING_TOOL``)
without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources

from ...errors import Code, InputError

__all__ = ["classifier_licences", "filled_in", "is_spdx"]

_HINT = "install streamsolve with the extra `specs`, or `pip install pyp2spec`"
_TABLE = "classifiers_to_fedora.json"


def filled_in(configuration: Mapping[str, object]) -> str:
    """The spec for a configuration of the generator's."""
    try:
        import pyp2spec.conf2spec as conf2spec
    except ImportError:
        raise _missing() from None
    _compile_once()
    text: str = conf2spec.fill_in_template(conf2spec.ConfigFile(dict(configuration)), False)
    return text


@cache
def _compile_once() -> None:
    """The generator compiles its template anew for each spec, which takes longer than all else:
    the same text is the same template."""
    import pyp2spec.conf2spec as conf2spec

    template = getattr(conf2spec, "Template", None)
    if template is not None:
        setattr(conf2spec, "Template", cache(template))  # noqa: B010 - it has no types


@cache
def classifier_licences() -> Mapping[str, str | None]:
    """The generator's table: an SPDX expression for each classifier that stands for one licence."""
    # Its module that reads the table imports a client of HTTP as well.
    try:
        text = resources.files("pyp2spec").joinpath(_TABLE).read_text(encoding="utf-8")
    except ImportError:
        raise _missing() from None
    table: Mapping[str, str | None] = json.loads(text)
    return table


@cache
def is_spdx(text: str) -> bool:
    """Whether a text is an expression of licences that SPDX knows."""
    try:
        from license_expression import ExpressionError
    except ImportError:
        raise _missing() from None
    try:
        _licensing().parse(text, validate=True)
    except (ExpressionError, ValueError, TypeError, AttributeError):
        return False
    return True


@cache
def _licensing():  # type: ignore[no-untyped-def]  # noqa: ANN202 - of a library without types
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


def _missing() -> InputError:
    return InputError(
        Code.MISSING_TOOL, "specs are generated with pyp2spec, which is not installed", hint=_HINT
    )
