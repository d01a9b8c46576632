"""An answer of a model, whichever engine it came from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer.

    Attributes:
        text: What the model wrote.
        prompt_tokens: Tokens of the prompt, 0 where they are not known.
        completion_tokens: Tokens of the answer, 0 where they are not known.
        finished: False where a token limit cut it.
    """

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finished: bool = True
