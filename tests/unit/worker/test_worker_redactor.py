"""Secrets are taken out of what a model is told."""

import pytest

from dspex_worker.tools.redactor import Redactor, worker_redactor


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcdefghijk refused", "Authorization: Bearer [redacted] refused"),
        ("at https://me:pass@host/x", "at https://[redacted]@host/x"),
        ("key sk-abcdefghijklmnopqrst", "key [redacted]"),
        ("?api_key=12345678&a=1", "?api_key=[redacted]&a=1"),
        ('{"password": "hush"}', '{"password": "[redacted]"}'),
        ("the token is wrong", "the token is wrong"),
        ("no basic needs", "no basic needs"),
    ],
)
def test_what_looks_like_a_secret_is_not_told_in_an_error(text: str, shown: str) -> None:
    """Headers, URLs, keys and settings; ordinary words stay."""
    assert Redactor().shown(text) == shown
    assert Redactor().known(text) == text


def test_the_worker_knows_its_own_secrets() -> None:
    """Its token and key, what the Pool says, and what a variable's name says."""
    environment = {
        "DSPEX_WORKER_TOKEN": "worker-token",
        "DSPEX_MODEL_API_KEY": "model-key-1",
        "DSPEX_TOOL_0_0": "header-value",
        "DSPEX_TOOL_0_1": "of-a-config-map",
        "SHOP_URL": "from-a-secret",
        "SHOP_PASSWORD": "long-password",
        "PIN_TOKEN": "short",
        "LANG": "en_US.UTF-8",
    }
    redactor = worker_redactor(["SHOP_URL", "DSPEX_TOOL_0_0"], environment)
    text = " ".join(environment.values())
    assert redactor.known(text) == (
        "[redacted] [redacted] [redacted] of-a-config-map [redacted] [redacted] short en_US.UTF-8"
    )


def test_a_secret_that_holds_another_is_taken_whole() -> None:
    """Nothing of the longer one stays."""
    assert Redactor(["abcdefgh", "abcdefgh-ijkl"]).known("abcdefgh-ijkl") == "[redacted]"
