"""Usage errors of click as errors of ours."""

from __future__ import annotations

import rich_click as click

from ..errors import Code, InputError

__all__ = ["usage_error"]


def usage_error(error: click.ClickException) -> InputError:
    """The same fault, with the help of its command as the next step."""
    message = error.format_message()
    message = message[:1].lower() + message[1:].rstrip(".")
    context = getattr(error, "ctx", None)
    hint = f"`{context.command_path} --help` shows what it takes" if context else ""
    return InputError(Code.BAD_OPTION, message, hint=hint)
