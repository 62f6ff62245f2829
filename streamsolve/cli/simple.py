"""``streamsolve explain-code`` and ``streamsolve completion``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import rich_click as click

from ..errors import Code
from .screen import show

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["completion", "explain_code"]


def _complete_code(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    found = [code for code in Code if code.label.startswith(incomplete.upper())]
    return [CompletionItem(code.label, help=code.title) for code in found]


@click.command("explain-code")
@click.argument("code", required=False, metavar="[CODE]", shell_complete=_complete_code)
def explain_code(code: str | None) -> None:
    """Say what an error code means, and what to do.

    CODE is one such as SS201; without it, all of them are shown.
    """
    from ..explain import code_blocks

    codes = [Code.from_label(code)] if code else list(Code)
    show(block for one in codes for block in code_blocks(one))


@click.command()
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion for SHELL: bash, zsh or fish.

    It completes commands, options, and the names of profiles, variants, bases and error codes.

    \b
    bash:  eval "$(streamsolve completion bash)"           in ~/.bashrc
    zsh:   eval "$(streamsolve completion zsh)"            in ~/.zshrc
    fish:  streamsolve completion fish | source            in config.fish
    """
    from click.shell_completion import get_completion_class

    root = context.find_root()
    program = str(root.info_name)
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}", context)
    click.echo(found(root.command, {}, program, f"_{program.upper()}_COMPLETE").source())
