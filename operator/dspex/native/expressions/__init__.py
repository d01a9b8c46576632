"""CEL expressions inside `$( )`: scanned, typed, compiled, evaluated.

Beside CEL's own functions and macros (`size`, `matches`, `contains`, `startsWith`, `has`, `all`,
`exists`, `exists_one`, `map`, `filter`, `timestamp`, `duration`, …) there are

- `coalesce(a, b, …)`: the first that is present;
- `present(x)`: whether it is;
- strings: `charAt indexOf lastIndexOf lowerAscii upperAscii replace split substring trim join
  reverse`;
- lists: `sum min max mean sort distinct flatten slice reverse`, `lists.range`;
- `math.greatest least ceil floor round trunc abs sign sqrt isNaN isInf isFinite`;
- `json.encode json.decode`, `base64.encode base64.decode`.

Those that CEL and its extensions lack are in `dspex.native.expressions.library`.

CEL is loaded when the first expression that is more than a name is compiled.
"""

from dspex.native.expressions.expression import (
    AbsentValue,
    Bindings,
    Expression,
    compile_expression,
)
from dspex.native.expressions.references import expression_references, references
from dspex.native.expressions.scanner import (
    MAX_EXPRESSION,
    Embedded,
    Scanned,
    Text,
    escape,
    scan,
)
from dspex.native.expressions.scope import Scope, Variable
from dspex.native.expressions.value import CompiledValue, compile_value, text_of

__all__ = [
    "MAX_EXPRESSION",
    "AbsentValue",
    "Bindings",
    "CompiledValue",
    "Embedded",
    "Expression",
    "Scanned",
    "Scope",
    "Text",
    "Variable",
    "compile_expression",
    "compile_value",
    "escape",
    "expression_references",
    "references",
    "scan",
    "text_of",
]
