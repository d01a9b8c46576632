"""What the templates' limits and errors add to minijinja."""

import minijinja

from dspex.native.templates import compile_template
from performance.measure import Contender, compare
from performance.row import Row

SOURCE = """\
Dear {{ name }},
{% if urgent %}we look at it now.{% else %}we will write to you within two days.{% endif %}
{% for item in items %}- {{ item }}
{% endfor %}"""
VALUES = {"name": "Ada", "urgent": True, "items": ["charged twice", "no receipt", "wrong address"]}


def template() -> list[Row]:
    """Render a letter with a condition and a short list."""
    compiled = compile_template(SOURCE)
    alone = minijinja.Environment(templates={"t": SOURCE})
    ours = Contender(name="ours", run=lambda _: compiled.render(VALUES))
    rival = Contender(name="minijinja alone", run=lambda _: alone.render_template("t", **VALUES))
    return [Row(name="template: render", rival=rival.name, measured=compare(ours, rival))]
