"""Groups of commands that name the nearest command when one is unknown."""

from __future__ import annotations

import rich_click as click

from ..errors import nearest

__all__ = ["Group"]

# Panels without lines: the same text in a terminal, in a pipe and in a log.
_HELP_STYLE = {
    "style_options_panel_box": None,
    "style_commands_panel_box": None,
    "max_width": 100,
}


class Group(click.RichGroup):
    """A group that shows its help when it is called without a command."""

    def __init__(self, *arguments: object, **options: object) -> None:
        options.setdefault("invoke_without_command", True)
        options.setdefault("no_args_is_help", False)
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.context_settings.setdefault("rich_help_config", _HELP_STYLE)
        self.context_settings.setdefault("help_option_names", ["-h", "--help"])

    def invoke(self, ctx: click.Context) -> object:
        """Run the sub-command, or show what there is."""
        if not ctx.args and not getattr(ctx, "_protected_args", None):
            click.echo(ctx.get_help())
            return None
        return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """In the order in which they were added: what one needs first stands first."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest names when there is no such command."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            known = [name for name in self.commands if not self.commands[name].hidden]
            raise click.UsageError(
                f"no command is called {args[0]!r}: {nearest(args[0], known)}", ctx
            )
        return super().resolve_command(ctx, args)
