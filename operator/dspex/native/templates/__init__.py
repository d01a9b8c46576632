"""Templates: minijinja, strict, bounded, without a way out.

The language is Jinja's with these bounds: no `include`, `import`, `from` or `extends` (there is one
template and no files); no methods of strings (`{{ x|upper }}`, not `{{ x.upper() }}`); values are
read-only; an undefined name is an error. Text is written as it is, without HTML escapes, and
`tojson` writes plain JSON. None prints as `None`, True as `True`: use `default(…, true)`, `if` or
`tojson` where another text is wanted.
"""

from dspex.native.templates.template import (
    MAX_OUTPUT,
    MAX_SOURCE,
    Template,
    compile_template,
)

__all__ = ["MAX_OUTPUT", "MAX_SOURCE", "Template", "compile_template"]
