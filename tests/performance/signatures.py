"""Signatures in DSPy's string syntax as people write them, from a question to a contract."""

from typing import Final

SIGNATURES: Final = (
    "question -> answer",
    "question: str -> answer: str",
    "context, question -> answer",
    "context: list[str], question: str -> answer: str, citations: list[int]",
    "text -> summary",
    "document: str, max_words: int -> summary: str, keywords: list[str]",
    "sentence -> sentiment: bool",
    "sentence: str -> sentiment: Literal['positive', 'negative', 'neutral']",
    "message: str -> topic: Literal['billing', 'bug', 'other'], urgent: bool, summary: str",
    "ticket: str, history: list[str] -> queue: str, priority: int, reasons: list[str]",
    "claim: str, evidence: list[str] -> verdict: Literal['true', 'false', 'unclear'], score: float",
    "question: str, tables: dict[str, list[str]] -> sql: str",
    "invoice: str -> number: str, total: float, due: Optional[str], lines: list[dict[str, float]]",
    "contract: str -> parties: list[str], clauses: dict[str, str], risks: list[tuple[str, float]]",
    "transcript: str, rubric: dict[str, str] -> scores: dict[str, int], comment: str",
    "email: str -> intent: Literal['buy', 'cancel', 'ask'], order: int | None, entities: set[str]",
    "query: str, passages: list[str] -> relevant: list[bool], best: Optional[int]",
    "source: str, language: str -> translation: str",
    "code: str, error: str -> diagnosis: str, patch: str, confidence: float",
    "resume: str, job: str -> match: float, missing: list[str], years: Union[int, float]",
    "user: str, profile: dict[str, Any] -> recommendations: list[str], explanation: str",
    "post: str -> allowed: bool, labels: list[Literal['spam', 'hate', 'adult', 'violence']]",
    "report: str -> findings: list[dict[str, list[tuple[str, int]]]], severity: int, notes: str",
    "goal: str, state: dict[str, str], tools: list[str] -> plan: list[str], done: bool",
)
"""Each is accepted by `dspy.Signature` and by `parse_signature`, and means the same to both."""
