"""What the operator is told by its environment."""

from typing import Any

import pytest

from dspex.controllers.settings import Settings, read_settings
from dspex.errors import ConfigurationError

TEXTS = {
    "DSPEX_OPERATOR_NAMESPACE": "namespace",
    "POD_NAME": "identity",
    "DSPEX_RUNNER_IMAGE": "runner_image",
    "DSPEX_WORKER_IMAGE": "worker_image",
    "DSPEX_WORKER_EMBEDDED_IMAGE": "embedded_image",
    "DSPEX_IMAGE_PULL_POLICY": "pull_policy",
    "DSPEX_RUNNER_CLUSTER_ROLE": "runner_role",
    "DSPEX_LEASE_NAME": "lease",
    "DSPEX_HOST": "host",
    "DSPEX_WEBHOOK_CERTIFICATES": "certificates",
}


def test_an_empty_environment_gives_the_defaults() -> None:
    """But for the name, which is this machine's and process'."""
    found = read_settings({})
    assert found == Settings(identity=found.identity)
    assert found.identity
    assert found.namespaces == ()
    assert found.elect
    assert (found.port, found.webhook_port, found.log_level) == (8080, 9443, "info")


@pytest.mark.parametrize(("variable", "attribute"), TEXTS.items())
def test_each_text_is_taken_as_it_is(variable: str, attribute: str) -> None:
    """An empty one counts as left out."""
    assert getattr(read_settings({variable: "some-text"}), attribute) == "some-text"
    empty = getattr(read_settings({variable: ""}), attribute)
    assert empty == getattr(read_settings({}), attribute)


@pytest.mark.parametrize(
    ("variable", "value", "attribute", "meant"),
    [
        ("DSPEX_NAMESPACES", "shop", "namespaces", ("shop",)),
        ("DSPEX_NAMESPACES", " shop, lab ,,", "namespaces", ("shop", "lab")),
        ("DSPEX_IMAGE_PULL_SECRETS", "registry,other", "pull_secrets", ("registry", "other")),
        ("DSPEX_IMAGE_PULL_SECRETS", "registry, mirror", "pull_secrets", ("registry", "mirror")),
        ("DSPEX_LEADER_ELECTION", "false", "elect", False),
        ("DSPEX_LEADER_ELECTION", "True", "elect", True),
        ("DSPEX_LOG_LEVEL", "DEBUG", "log_level", "debug"),
        ("DSPEX_PORT", "0", "port", 0),
        ("DSPEX_PORT", "65535", "port", 65535),
        ("DSPEX_WEBHOOK_PORT", "10443", "webhook_port", 10443),
    ],
)
def test_lists_words_and_ports_are_read(
    variable: str, value: str, attribute: str, meant: Any
) -> None:
    """Spaces and upper case do no harm."""
    assert getattr(read_settings({variable: value}), attribute) == meant


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("DSPEX_LEADER_ELECTION", "maybe", "one of true, false"),
        ("DSPEX_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("DSPEX_PORT", "65536", "a port from 0 to 65535"),
        ("DSPEX_PORT", "-1", "a port from 0 to 65535"),
        ("DSPEX_WEBHOOK_PORT", "https", "a port from 0 to 65535"),
    ],
)
def test_a_wrong_value_is_refused_with_its_remedy(variable: str, value: str, expected: str) -> None:
    """Which variable, what it is, what was expected, and how to mend it."""
    with pytest.raises(ConfigurationError) as refused:
        read_settings({variable: value})
    [found] = refused.value.diagnostics
    assert found.message == f"the environment variable {variable} is {value!r}"
    assert found.expected == expected
    assert found.remedy == f"set {variable} anew, or leave it out"


def test_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none is given."""
    monkeypatch.setenv("DSPEX_LEASE_NAME", "mine")
    assert read_settings().lease == "mine"
