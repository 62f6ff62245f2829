"""Usage errors of click as errors of ours."""

from __future__ import annotations

import rich_click as click
from click.exceptions import MissingParameter, NoSuchOption

from ..errors import Code, InputError, nearest

__all__ = ["usage_error"]


def usage_error(error: click.ClickException) -> InputError:
    """The same fault, with the help of its command as the next step."""
    context = getattr(error, "ctx", None)
    if isinstance(error, NoSuchOption):
        message = _no_such_option(error, context)
    elif isinstance(error, MissingParameter) and isinstance(error.param, click.Argument):
        message = f"missing argument {error.param.human_readable_name!r}"
    else:
        message = error.format_message()
        message = message[:1].lower() + message[1:].rstrip(".")
    hint = f"`{context.command_path} --help` shows what it takes" if context else ""
    return InputError(Code.BAD_OPTION, message, hint=hint)


def _no_such_option(error: NoSuchOption, context: click.Context | None) -> str:
    """In the words in which an unknown command is told."""
    parameters = context.command.get_params(context) if context else []
    known = [name for one in parameters for name in one.opts if name.startswith("--")]
    return f"no option is called {error.option_name!r}: {nearest(error.option_name, known)}"
