"""What the expressions of a trigger's runTemplate may read, and the inputs that come of them."""

import datetime
from collections.abc import Mapping
from typing import Any, Final

from dspex.api.trigger import Trigger
from dspex.native.expressions import Scope, Variable, compile_value
from dspex.native.types import DATETIME, STR

NAME: Final = "trigger.name"
TIME: Final = "trigger.time"
DIGEST: Final = "trigger.digest"


def trigger_variables(trigger: Trigger) -> Mapping[str, Variable]:
    """Declare what the inputs of a trigger's runs may read."""
    declared = {NAME: Variable(STR), TIME: Variable(DATETIME)}
    return declared if trigger.on_change is None else {**declared, DIGEST: Variable(STR)}


def run_inputs(trigger: Trigger, time: datetime.datetime, digest: str) -> dict[str, Any]:
    """Return the inputs of a run in wire form, their expressions evaluated.

    Args:
        trigger: One of a pipeline that compiles.
        time: The time that the run is for, with time zone.
        digest: The plan's.

    Raises:
        NativeError: An expression failed on these values, such as a division by zero.
    """
    template = trigger.run_template
    if template is None or not template.inputs:
        return {}
    moment = time.astimezone(datetime.UTC).isoformat()
    values = {NAME: trigger.name, TIME: moment, DIGEST: digest}
    compiled = compile_value(dict(template.inputs), Scope(trigger_variables(trigger)))
    found: dict[str, Any] = compiled.evaluate(values)
    return found
