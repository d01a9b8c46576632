"""The native signatures against DSPy's, in one clean interpreter without a tracer."""

import json
import os
import subprocess
import sys

MEASURE = """
import json, timeit, warnings
warnings.simplefilter("ignore")
import dspy
from dspex.native.field import Field
from dspex.native.signatures import compile_signature, constraints_from, parse_signature, parse_type
from dspex.native.validation import Validator

TEXT = "question: str, context: list[str] -> answer: str"

def best(call, number):
    return min(timeit.repeat(call, number=number, repeat=7)) / number

limits = constraints_from({"maxLength": 100, "pattern": "^[a-z]*$"})
fields = [Field(name=f"f{i}", type=parse_type("str"), constraints=limits) for i in range(5)]
fields += [Field(name=f"g{i}", type=parse_type("list[int] | None")) for i in range(5)]
values = {field.name: "abc" if field.name[0] == "f" else [1, 2, 3] for field in fields}
validator = Validator(fields)
assert validator.validate(values).valid
print(json.dumps({
    "dspy": best(lambda: dspy.Signature(TEXT), 20),
    "parse": best(lambda: parse_signature(TEXT), 100),
    "memoised": best(lambda: compile_signature(TEXT), 1000),
    "validate": best(lambda: validator.validate(values), 100),
}))
"""


def test_parsing_and_validating_are_as_fast_as_promised() -> None:
    """Parsing is 10 times faster than DSPy, memoised 500 times; ten fields take under 0.1 ms."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    run = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True, env=clean
    )
    seconds = json.loads(run.stdout)
    assert seconds["dspy"] / seconds["parse"] > 10, seconds
    assert seconds["dspy"] / seconds["memoised"] > 500, seconds
    assert seconds["validate"] < 100e-6, seconds
