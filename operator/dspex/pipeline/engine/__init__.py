"""The engine: one asyncio run of a plan, with the semantics of docs/semantics.md.

`Engine` is the door. Inside, a `Level` runs one plan (the run's, or a sub-pipeline's), a `StepRun`
one step's life, an `Execution` the attempts of one item.
"""

from dspex.pipeline.engine.clock import Clock, system_clock
from dspex.pipeline.engine.engine import Engine
from dspex.pipeline.engine.run import Resume, RunIdentity

__all__ = ["Clock", "Engine", "Resume", "RunIdentity", "system_clock"]
