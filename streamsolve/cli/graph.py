"""``streamsolve graph``."""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click

from ..errors import Code, InputError, Place
from .options import application_argument, plan_request, read_settings, target_options
from .planning import demand_option, fresh_option, relax_option
from .progress import progress_display
from .screen import show

__all__ = ["graph"]

_DASH = Path("-")


@click.command()
@application_argument
@target_options
@demand_option
@relax_option
@fresh_option
@click.option("--builds", is_flag=True, help="Plan builds too, and show them in their order.")
@click.option("--dot", "as_dot", is_flag=True, help="Write DOT, the language of Graphviz.")
@click.option("--svg", "as_svg", is_flag=True, help="Write a picture; needs streamsolve[graph].")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write to FILE, - for standard output. A name that ends in .svg or .dot says what.",
)
def graph(
    application: str,
    demands: tuple[str, ...],
    relax: tuple[str, ...],
    fresh: bool,
    builds: bool,
    as_dot: bool,
    as_svg: bool,
    output: Path | None,
    **options: object,
) -> None:
    """Show the plan of APP as a graph: its streams level by level, and what needs what.

    Without options, the levels as text.
    """
    from ..explain import lay_out, plain
    from ..explain.graph import dot_text, graph_blocks, plan_graph
    from ..planner import make_plan

    kind = _kind(as_dot, as_svg, output)
    settings = read_settings(options)
    with progress_display() as progress:
        request = plan_request(
            application, settings, demands=demands, relax=relax, fresh=fresh, builds=builds
        )
        plan = make_plan(request, progress=progress).plan
    if kind == "text" and output in (None, _DASH):
        show(graph_blocks(plan), colour=settings.colour)
        return
    if kind == "svg":
        from ..explain.graph_svg import svg_text

        text = svg_text(plan_graph(plan))
    else:
        text = (
            dot_text(plan_graph(plan)) if kind == "dot" else plain(lay_out(graph_blocks(plan), 80))
        )
    _write(text, output)


def _kind(as_dot: bool, as_svg: bool, output: Path | None) -> str:
    """What is to be written, before anything is planned."""
    if as_dot and as_svg:
        raise InputError(Code.BAD_OPTION, "--dot and --svg cannot be given together")
    if output not in (None, _DASH) and not output.parent.is_dir():
        raise InputError(
            Code.BAD_OPTION,
            f"cannot be written: there is no directory {output.parent}",
            place=Place(str(output)),
        )
    by_name = output.suffix.lstrip(".") if output is not None else ""
    if as_svg:
        return "svg"
    return "dot" if as_dot else by_name if by_name in ("svg", "dot") else "text"


def _write(text: str, output: Path | None) -> None:
    from ..storage import write_atomically

    if output is None or output == _DASH:
        click.echo(text.encode(), file=sys.stdout.buffer, nl=False)
        return
    try:
        write_atomically(output, text.encode())
    except OSError as error:
        raise InputError(
            Code.BAD_OPTION,
            f"cannot be written: {error.strerror or error}",
            place=Place(str(output)),
            hint="give -o a file in a directory that you may write to",
        ) from None
