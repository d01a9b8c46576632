"""What the expressions' absent values, wire forms and errors add to CEL."""

from cel_expr_python import cel

from dspex.native.expressions import Scope, Variable, compile_expression
from dspex.native.types import FLOAT, STR
from performance.measure import Contender, compare
from performance.row import Row

SOURCE = "inputs.score > 0.5 && inputs.topic == 'billing' ? inputs.topic : 'other'"
PLAIN = "inputs.topic"
TYPES = {"inputs.score": FLOAT, "inputs.topic": STR}
VALUES = {"inputs.score": 0.75, "inputs.topic": "billing"}


def expression() -> list[Row]:
    """Evaluate a compiled expression, and a plain reference, which needs no CEL."""
    return [_row("expression: evaluate", SOURCE), _row("reference: evaluate", PLAIN)]


def _row(name: str, source: str) -> Row:
    scope = Scope({name: Variable(type_, may_be_absent=False) for name, type_ in TYPES.items()})
    compiled = compile_expression(source, scope)
    ours = Contender(name="ours", run=lambda _: compiled.evaluate(VALUES))
    rival = _cel(source)
    return Row(name=name, rival=rival.name, measured=compare(ours, rival))


def _cel(source: str) -> Contender:
    types = {"inputs.score": cel.Type.DOUBLE, "inputs.topic": cel.Type.STRING}
    compiled = cel.NewEnv(variables=types).compile(source)
    return Contender(name="CEL alone", run=lambda _: compiled.eval(data=VALUES).plain_value())
