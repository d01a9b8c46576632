"""Validation: values in wire form against types and constraints, all violations at once.

A `Validator` is compiled once from fields and holds no state of a validation. Values come back
normalised; nothing is raised for a wrong value.
"""

from dspex.native.validation.constraint_findings import check_constraints
from dspex.native.validation.patterns import FORMATS
from dspex.native.validation.validator import Validated, Validator, may_be_left_out
from dspex.native.validation.violation import MAX_VIOLATIONS, Violation

__all__ = [
    "FORMATS",
    "MAX_VIOLATIONS",
    "Validated",
    "Validator",
    "Violation",
    "check_constraints",
    "may_be_left_out",
]
