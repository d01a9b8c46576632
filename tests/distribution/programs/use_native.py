"""The native engine without DSPy: a signature, its validator, a template; nothing else loaded."""

import sys

from dspex.native.signatures import compile_signature
from dspex.native.templates import compile_template

compiled = compile_signature("message -> topic: Literal['billing', 'bug'], urgent: bool")
values = {"topic": " Billing", "urgent": "true"}
validated = compiled.output_validator.validate(values, strict=False)
assert not validated.violations, validated.violations
assert validated.values == {"topic": "billing", "urgent": True}, validated.values
assert compile_template("{{ topic }}!").render(validated.values) == "billing!"
assert compiled.signature.digest.startswith("sha256:")
assert not {"dspy", "aiohttp", "pydantic.v1"} & sys.modules.keys()
