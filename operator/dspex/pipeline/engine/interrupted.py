"""How a step that was told to end unwinds."""


class InterruptedStepError(Exception):
    """The step was told to end and gave up; the level that told it knows why."""
