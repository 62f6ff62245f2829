"""The top of the command tree, and what becomes of errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import rich_click as click
from click.exceptions import Exit

from .._version import __version__
from ..errors import Code, ExitCode, StreamsolveError
from . import debian as _debian  # noqa: F401 - adds a command to base
from . import emit_containers as _emit_containers  # noqa: F401 - adds commands to emit
from . import emit_oci as _emit_oci  # noqa: F401
from . import emit_sbom as _emit_sbom  # noqa: F401
from . import profile_new as _profile_new  # noqa: F401 - adds a command to profile
from .artifacts import artifacts
from .build import build
from .cache import cache
from .copr import copr
from .doctor import doctor
from .emit import emit
from .emit_lists import add_list_commands
from .faults import usage_error
from .graph import graph
from .groups import Group
from .lock import lock, update
from .lock_questions import check, diff, verify
from .modules import modules
from .planning import plan
from .questions import held_back, why, why_not
from .screen import OutputError, show_error, show_json
from .simple import completion, explain_code
from .sources import sources
from .trees import base, config, profile
from .vendored import vendored

__all__ = ["root", "run"]

PROGRAM = "streamsolve"
_COMPLETION_VARIABLE = "_STREAMSOLVE_COMPLETE"
_WRITERS = ("click", "rich", "rich_click")
_TRACEBACK_VARIABLE = "STREAMSOLVE_TRACEBACK"


@click.group(cls=Group)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
def root() -> None:
    """Plan which dependency streams of an application come from a base distribution as they are,
    and which must be private.

    \b
    Begin with:  streamsolve plan vllm
    """


for command in (
    plan,
    why,
    why_not,
    held_back,
    graph,
    lock,
    check,
    verify,
    artifacts,
    diff,
    update,
    emit,
    sources,
    build,
    copr,
    doctor,
    profile,
    vendored,
    base,
    modules,
    config,
    cache,
    explain_code,
    completion,
):
    root.add_command(command)

add_list_commands(emit)


def run(arguments: Sequence[str]) -> int:
    """Run the command; errors are shown and turned into exit codes.

    Interrupts and what keeps the output from being written go through.
    """
    if _COMPLETION_VARIABLE in os.environ:
        root.main(list(arguments), prog_name=PROGRAM, complete_var=_COMPLETION_VARIABLE)
    as_json = "--json" in arguments
    try:
        with root.make_context(PROGRAM, list(arguments)) as context:
            root.invoke(context)
    except Exit as error:
        return int(error.exit_code)
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        return _fail(usage_error(error), as_json)
    except StreamsolveError as error:
        return _fail(error, as_json)
    except (BrokenPipeError, OutputError):
        raise
    except Exception as error:  # noqa: BLE001  the last resort: no traceback for users
        if isinstance(error, OSError) and _is_of_output(error):
            raise OutputError(error.errno, error.strerror) from None
        return _fail(_defect(error), as_json)
    return ExitCode.PLAN


def _is_of_output(error: OSError) -> bool:
    """Whether it was raised where click writes a help text or such: it opens no other file."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = trace.tb_frame.f_globals.get("__name__", "") if trace is not None else ""
    return error.filename is None and module.partition(".")[0] in _WRITERS


def _fail(error: StreamsolveError, as_json: bool) -> int:
    from ..explain import errors_document

    show_error(error)
    if as_json:
        show_json(errors_document(error))
    return ExitCode.DEFECT if error.code is Code.DEFECT else error.exit_code


def _defect(error: Exception) -> StreamsolveError:
    if os.environ.get(_TRACEBACK_VARIABLE, "") not in ("", "0"):
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return StreamsolveError(Code.DEFECT, f"streamsolve failed: {what}", hint=Code.DEFECT.advice)
