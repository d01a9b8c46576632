"""Secrets and ConfigMaps of a local run."""

from pathlib import Path

import pytest

from dspex.errors import ConfigurationError
from dspex.local import Assignment, Sources, Store, missing, read_assignment


def test_a_variable_gives_a_secret() -> None:
    """`name/key=env:VAR` reads the environment."""
    flag = read_assignment(
        Store.SECRET, "llm/api-key=env:OPENAI_API_KEY", environment={"OPENAI_API_KEY": "sk-1"}
    )
    assert flag == Assignment("llm", "api-key", b"sk-1")


def test_a_file_gives_a_config_map(tmp_path: Path) -> None:
    """`name/key=file:PATH` reads a file, byte for byte."""
    file = tmp_path / "rules=1.txt"
    file.write_text("be kind\n")
    flag = read_assignment(Store.CONFIG_MAP, f"texts/rules.txt=file:{file}")
    assert flag == Assignment("texts", "rules.txt", b"be kind\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "llm",
        "llm/api-key",
        "llm/api-key=sk-1",
        "llm=env:A",
        "LLM/k=env:A",
        "l/k=env:",
        "/k=env:A",
    ],
)
def test_another_form_is_refused_with_an_example(text: str) -> None:
    """The error shows what a flag looks like, and never a value as if it were a source."""
    with pytest.raises(ConfigurationError, match="--secret llm/api-key=env:LLM_API_KEY"):
        read_assignment(Store.SECRET, text, environment={"A": "1"})


def test_a_variable_that_is_not_set_is_named() -> None:
    """No empty secret comes out of a forgotten export."""
    with pytest.raises(ConfigurationError, match="the environment variable NOPE is not set"):
        read_assignment(Store.SECRET, "llm/k=env:NOPE", environment={})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The system's words and the path come back."""
    with pytest.raises(ConfigurationError, match=r"none\.txt: No such file or directory"):
        read_assignment(Store.CONFIG_MAP, f"c/k=file:{tmp_path}/none.txt")
    with pytest.raises(ConfigurationError, match="Is a directory"):
        read_assignment(Store.CONFIG_MAP, f"c/k=file:{tmp_path}")


def test_flags_win_over_documents_key_by_key() -> None:
    """A flag replaces one key and leaves the document's others."""
    sources = Sources(
        secrets={"llm": {"a": b"doc", "b": b"doc"}},
        config_maps={"texts": {"t": "doc"}},
        secret_flags=[Assignment("llm", "a", b"flag"), Assignment("new", "k", b"flag")],
        config_map_flags=[Assignment("texts", "u", b"flag")],
    )
    assert sources.secret("llm", "a") == "flag"
    assert sources.secret("llm", "b") == "doc"
    assert sources.secret("new", "k") == "flag"
    assert sources.config_maps == {"texts": {"t": "doc", "u": "flag"}}
    assert sources.config_map("texts", "t") == "doc"


def test_a_missing_key_prints_the_flag_that_would_give_it() -> None:
    """The remedy can be pasted."""
    sources = Sources(secrets={"llm": {"token": b""}})
    with pytest.raises(ConfigurationError) as caught:
        sources.secret("llm", "api-key")
    text = str(caught.value)
    assert "key 'api-key' of Secret 'llm' is not there" in text
    assert "found: the keys token" in text
    assert "--secret llm/api-key=env:LLM_API_KEY" in text
    with pytest.raises(ConfigurationError, match="--config-map texts/rules=file:PATH"):
        sources.config_map("texts", "rules")
    assert "found" not in str(missing(Store.SECRET, "a", "b"))


def test_bytes_that_are_no_text_are_refused() -> None:
    """A binary value can be neither a header nor a ConfigMap's text."""
    with pytest.raises(ConfigurationError, match="'k' of Secret 'llm' is not UTF-8 text"):
        Sources(secrets={"llm": {"k": b"\xff"}}).secret("llm", "k")
    with pytest.raises(ConfigurationError, match="ConfigMap"):
        Sources(config_map_flags=[Assignment("c", "k", b"\xff")])
