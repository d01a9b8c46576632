"""Why a run can't be run at all, or not by this process."""


class UnfitError(Exception):
    """The run can't be started: what it was given is wrong. Its last word says so.

    Attributes:
        reason: CamelCase, for its status.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class LostRunError(Exception):
    """The run is another pod's, or is no more: this process must not write another word."""


class FinishedRunError(Exception):
    """A former process has said the run's last word already."""
