"""What runner and worker say to each other: messages and their codecs."""

from dspex.bridge.protocol.messages import (
    EXECUTE_PATH,
    INFO_PATH,
    PROTOCOL_VERSION,
    Answer,
    Call,
    Exchange,
    Failure,
    Feedback,
    Info,
    Timings,
    Usage,
)

__all__ = [
    "EXECUTE_PATH",
    "INFO_PATH",
    "PROTOCOL_VERSION",
    "Answer",
    "Call",
    "Exchange",
    "Failure",
    "Feedback",
    "Info",
    "Timings",
    "Usage",
]
