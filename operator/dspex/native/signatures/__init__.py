"""Signatures: parse DSPy's strings, print them, compile them to schemas and validators.

Nothing here imports or evaluates what a string names; every mistake comes back as a
`SignatureError` with its place.
"""

from dspex.native.signatures.assignable import assignable
from dspex.native.signatures.compile import (
    CompiledSignature,
    check_field,
    compile_fields,
    compile_signature,
)
from dspex.native.signatures.constraints import (
    constraint_names,
    constraints_from,
    constraints_to,
)
from dspex.native.signatures.names import (
    check_field_name,
    check_name,
    is_valid_field_name,
    is_valid_name,
)
from dspex.native.signatures.override import FieldOverride, with_overrides
from dspex.native.signatures.parser import parse_signature
from dspex.native.signatures.prompt import (
    default_instructions,
    infer_prefix,
    prompt_description,
    prompt_prefix,
)
from dspex.native.signatures.schema import record_schema, type_schema
from dspex.native.signatures.signature import MAX_FIELDS, Signature, from_fields
from dspex.native.signatures.tokens import MAX_LENGTH
from dspex.native.signatures.type_parser import MAX_DEPTH, parse_type
from dspex.native.signatures.wire_form import (
    field_from_wire,
    field_to_wire,
    fields_from_wire,
    fields_to_wire,
)
from dspex.native.validation.constraint_findings import check_constraints

__all__ = [
    "CompiledSignature",
    "FieldOverride",
    "MAX_DEPTH",
    "MAX_FIELDS",
    "MAX_LENGTH",
    "Signature",
    "assignable",
    "check_constraints",
    "check_field",
    "check_field_name",
    "check_name",
    "compile_fields",
    "compile_signature",
    "constraint_names",
    "constraints_from",
    "constraints_to",
    "default_instructions",
    "field_from_wire",
    "field_to_wire",
    "fields_from_wire",
    "fields_to_wire",
    "from_fields",
    "infer_prefix",
    "is_valid_field_name",
    "is_valid_name",
    "parse_signature",
    "parse_type",
    "prompt_description",
    "prompt_prefix",
    "record_schema",
    "type_schema",
    "with_overrides",
]
