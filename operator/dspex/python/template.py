"""`dspex.render_template`."""

import asyncio
from collections.abc import Mapping
from typing import Any

from dspex.native.templates import compile_template
from dspex.native.types import ANY
from dspex.native.wire import to_wire
from dspex.python.places import argument


def render_template(source: str, values: Mapping[str, Any] | None = None, /, **more: Any) -> str:
    """Render a Jinja template as a template step does: strict, bounded in fuel and size.

    Args:
        source: The template; compiled once and kept.
        values: Values by name; dates, bytes and sets are rendered in wire form.
        more: The same as keywords; they win.

    Raises:
        TemplateError: Its syntax is wrong; with line and caret.
        NativeError: TemplateFailed for an undefined name, TemplateLimitExceeded past the bounds.
    """
    with argument("source"):
        template = compile_template(source)
    given = {**(values or {}), **more}
    return template.render({name: to_wire(ANY, value) for name, value in given.items()})


async def arender_template(
    source: str, values: Mapping[str, Any] | None = None, /, **more: Any
) -> str:
    """As `render_template`; off the loop."""
    return await asyncio.to_thread(render_template, source, values, **more)
