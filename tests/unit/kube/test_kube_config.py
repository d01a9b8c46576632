"""Where the API server is: a pod's account, and kubeconfigs."""

import base64
import json
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dspex.kube.config import from_kubeconfig, in_cluster, load_config


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a certificate and its key."""
    folder = tmp_path_factory.mktemp("pair")
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=t"
    command = ["openssl", *words.split(), "-keyout", "key.pem", "-out", "ca.crt"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


def kubeconfig(cluster: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
    """Return a kubeconfig of one context."""
    return {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    }


def test_a_pod_reads_its_accounts_token_anew(pair: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kubelet renews the file; after its age the new token is sent."""
    now = 0.0
    monkeypatch.setattr("dspex.kube.config.time.monotonic", lambda: now)
    (pair / "token").write_text("one\n")
    config = in_cluster("::1", "443", pair)
    assert config.server == "https://[::1]:443"
    assert config.headers() == {"Authorization": "Bearer one"}
    (pair / "token").write_text("two\n")
    assert config.headers() == {"Authorization": "Bearer one"}
    now = 61.0
    assert config.headers() == {"Authorization": "Bearer two"}


def test_a_kubeconfig_gives_server_trust_and_token(pair: Path, tmp_path: Path) -> None:
    """YAML as people have it; certificates inline or as files."""
    inline = base64.b64encode((pair / "ca.crt").read_bytes()).decode()
    cluster = {"server": "https://h:6443/", "certificate-authority-data": inline}
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(kubeconfig(cluster, {"token": "t"})))
    config = load_config({"KUBECONFIG": str(file)})
    assert config.server == "https://h:6443"
    assert isinstance(config.trust, ssl.SSLContext)
    assert config.headers() == {"Authorization": "Bearer t"}


def test_a_client_certificate_is_loaded_from_files_or_data(pair: Path, tmp_path: Path) -> None:
    """Both forms reach the TLS context; a wrong one is an error."""

    def data(name: str) -> str:
        return base64.b64encode((pair / name).read_bytes()).decode()

    inline = {"client-certificate-data": data("ca.crt"), "client-key-data": data("key.pem")}
    files = {
        "client-certificate": str(pair / "ca.crt"),
        "client-key": str(pair / "key.pem"),
    }
    file = tmp_path / "config"
    for user in (inline, files):
        file.write_text(json.dumps(kubeconfig({"server": "https://h"}, user)))
        assert from_kubeconfig(file).headers() == {}
    wrong = {"client-certificate-data": data("key.pem"), "client-key-data": data("key.pem")}
    file.write_text(json.dumps(kubeconfig({"server": "https://h"}, wrong)))
    with pytest.raises(ssl.SSLError):
        from_kubeconfig(file)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "not a kubeconfig"),
        ("current-context: there", "contexts has no 'there'"),
        (json.dumps(kubeconfig({"server": "https://h"}, {"exec": {}})), "logs in by a program"),
    ],
)
def test_a_kubeconfig_that_can_not_be_used_says_why(tmp_path: Path, text: str, words: str) -> None:
    """File and fault stand in the message."""
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(ValueError, match=words):
        from_kubeconfig(file)
