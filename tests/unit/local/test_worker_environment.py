"""What a worker process sees of the environment."""

from dspex.local.environment import worker_environment


def test_little_is_inherited() -> None:
    """Paths, locale, certificates and proxies come along; other programs' secrets do not."""
    parent = {
        "PATH": "/bin",
        "HOME": "/h",
        "XDG_CACHE_HOME": "/c",
        "LC_ALL": "C",
        "https_proxy": "http://p",
        "SSL_CERT_FILE": "/ca",
        "DSPEX_CACHE": "/d",
        "OPENAI_API_KEY": "sk-secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "PYTHONSTARTUP": "/x.py",
    }
    environment = worker_environment(token="t", parent=parent)
    assert environment == {
        "PATH": "/bin",
        "HOME": "/h",
        "XDG_CACHE_HOME": "/c",
        "LC_ALL": "C",
        "https_proxy": "http://p",
        "SSL_CERT_FILE": "/ca",
        "DSPEX_CACHE": "/d",
        "DSPEX_WORKER_TOKEN": "t",
    }


def test_the_key_comes_from_the_pools_secret_alone() -> None:
    """A key in the caller's environment never reaches an endpoint that no manifest gave it to."""
    parent = {"DSPEX_MODEL_API_KEY": "callers", "DSPEX_WORKER_TOKEN": "old"}
    assert worker_environment(token="t", parent=parent) == {"DSPEX_WORKER_TOKEN": "t"}
    environment = worker_environment(token="t", api_key="pools", parent=parent)
    assert environment["DSPEX_MODEL_API_KEY"] == "pools"


def test_the_pools_variables_win_but_never_over_token_and_key() -> None:
    """`env` of a Pool sets what it likes, apart from what guards the worker."""
    pool = {"HOME": "/pool", "SHOP": "1", "DSPEX_WORKER_TOKEN": "weak"}
    environment = worker_environment(token="t", pool=pool, parent={"HOME": "/h"})
    assert environment == {"HOME": "/pool", "SHOP": "1", "DSPEX_WORKER_TOKEN": "t"}
