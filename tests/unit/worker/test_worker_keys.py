"""Who is let in by a worker in a cluster: ServiceAccount tokens, verified offline."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurve,
    generate_private_key,
)
from jwt.algorithms import ECAlgorithm

from dspex.bridge.protocol import EXECUTE_PATH, INFO_PATH
from dspex.errors import ConfigurationError
from dspex_worker.accounts import MAX_CACHED, Accounts, ForbiddenCallerError, UnknownCallerError
from dspex_worker.config import WorkerConfig
from fakes.cluster_keys import ISSUER, ClusterKeys, publish
from fakes.processes import eventually
from fakes.serving import serving

pytestmark = pytest.mark.slow

KEYS = ClusterKeys()
OTHER = ClusterKeys("k2")


def accounts(folder: Path, **more: Any) -> Accounts:
    """Make a verifier for the Pool `small` of the namespace `shop`."""
    publish(folder, [KEYS])
    return Accounts(folder, namespace="shop", pool="small", allowed=("reports",), **more)


@pytest.mark.parametrize("account", ["dspex-runner", "reports"])
def test_runs_and_allowed_clients_are_let_in(tmp_path: Path, account: str) -> None:
    """By a token of the Pool's audience, in any spelling of Bearer."""
    verifier = accounts(tmp_path)
    verifier.verify(f"Bearer {KEYS.token(account)}")
    verifier.verify(f"bearer  {KEYS.token(account)} ")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("", "no bearer token"),
        ("Basic abc", "no bearer token"),
        ("Bearer ", "no bearer token"),
        ("Bearer nonsense", "not valid"),
        (f"Bearer {KEYS.token(pool='other')}", "audience is not dspex.dev/shop/small"),
        (f"Bearer {KEYS.token(audience='https://kubernetes.default.svc')}", "audience"),
        (f"Bearer {KEYS.token(iss='https://elsewhere')}", "not valid"),
        (f"Bearer {KEYS.token(seconds=-20)}", "expired"),
        (f"Bearer {KEYS.token(exp=None)}", "exp"),
        (f"Bearer {KEYS.token(sub=None)}", "sub"),
        (f"Bearer {KEYS.token(nbf=9e9)}", "not valid yet"),
        (f"Bearer {OTHER.token()}", "not among the cluster's"),
        (f"Bearer {KEYS.token()[:-12]}AAAAAAAAAAAA", "not valid"),
    ],
)
def test_a_bad_token_is_turned_away_with_its_reason(
    tmp_path: Path, header: str, words: str
) -> None:
    """Each with what is wrong about it; nothing of the token is quoted."""
    with pytest.raises(UnknownCallerError) as caught:
        accounts(tmp_path).verify(header)
    assert words in str(caught.value)
    assert header.partition(" ")[2] not in str(caught.value) or not header.partition(" ")[2]


def test_a_token_without_a_signature_or_signed_by_the_public_key_is_no_token(
    tmp_path: Path,
) -> None:
    """`none` and HMAC with the published key as its secret are the well-known tricks."""
    verifier = accounts(tmp_path)
    claims = jwt.decode(KEYS.token(), options={"verify_signature": False})
    secret = str(KEYS.public["n"])
    for forged in (
        jwt.encode(claims, "", algorithm="none", headers={"kid": "k1"}),
        jwt.encode(claims, secret, algorithm="HS256", headers={"kid": "k1"}),
    ):
        with pytest.raises(UnknownCallerError, match="not valid"):
            verifier.verify(f"Bearer {forged}")


@pytest.mark.parametrize(("account", "namespace"), [("default", "shop"), ("dspex-runner", "other")])
def test_another_account_is_forbidden_by_name(tmp_path: Path, account: str, namespace: str) -> None:
    """Its token is good, and the answer says who it is and what would let it in."""
    token = KEYS.token(account, namespace=namespace, audience="dspex.dev/shop/small")
    with pytest.raises(ForbiddenCallerError) as caught:
        accounts(tmp_path).verify(f"Bearer {token}")
    assert f"system:serviceaccount:{namespace}:{account}" in str(caught.value)
    assert "allowedClients" in str(caught.value)


def test_a_token_is_verified_once_until_it_expires(tmp_path: Path) -> None:
    """The second time costs a look-up; past its end it is turned away as any other."""
    now = time.time()
    moments = [now]
    verifier = accounts(tmp_path, clock=lambda: moments[0])
    header = f"Bearer {KEYS.token(seconds=100)}"
    verifier.verify(header)
    began = time.perf_counter()
    for _ in range(100):
        verifier.verify(header)
    assert time.perf_counter() - began < 0.05
    moments[0] = now + 120
    with pytest.raises(UnknownCallerError, match="expired"):
        verifier.verify(header)


def test_the_memory_for_tokens_is_bounded(tmp_path: Path) -> None:
    """The oldest are forgotten, which costs them no more than another look."""
    verifier = accounts(tmp_path)
    for _ in range(MAX_CACHED + 5):
        verifier._remember(KEYS.token.__name__ + str(_), time.time() + 60)
    assert len(verifier._good) == MAX_CACHED


def test_changed_keys_are_read_anew(tmp_path: Path) -> None:
    """A new key counts at once; one that was taken away lets nobody in, known tokens neither."""
    now = [time.time()]
    verifier = accounts(tmp_path, clock=lambda: now[0])
    old = f"Bearer {KEYS.token()}"
    verifier.verify(old)
    publish(tmp_path, [OTHER])
    verifier.verify(f"Bearer {OTHER.token()}")
    now[0] += 2
    with pytest.raises(UnknownCallerError, match="not among"):
        verifier.verify(old)


def test_files_that_cant_be_read_leave_the_former_keys(tmp_path: Path) -> None:
    """Half written or gone for a moment: callers are let in as before."""
    now = [time.time()]
    verifier = accounts(tmp_path, clock=lambda: now[0])
    for text in ("{", "[]", '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}, {"kty": "?"}]}'):
        (tmp_path / "jwks.json").write_text(text)
        now[0] += 2
        verifier.verify(f"Bearer {KEYS.token()}")
    (tmp_path / "jwks.json").unlink()
    now[0] += 2
    verifier.verify(f"Bearer {KEYS.token()}")


@pytest.mark.parametrize(
    "text",
    [
        '{"keys": null}',
        '{"keys": 5}',
        '{"keys": ["x"]}',
        '{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "alg": "none"}]}',
        '{"keys": [{"kty": "RSA"}, {}]}',
        "null",
    ],
)
def test_a_key_set_of_a_strange_form_leaves_the_former_keys(tmp_path: Path, text: str) -> None:
    """Nothing that stands in the file ends a worker that verifies already."""
    now = [time.time()]
    verifier = accounts(tmp_path, clock=lambda: now[0])
    (tmp_path / "jwks.json").write_text(text)
    now[0] += 2
    verifier.verify(f"Bearer {KEYS.token()}")


def test_a_key_that_is_not_known_spoils_no_other(tmp_path: Path) -> None:
    """A cluster that changes its keys may name one of a kind that this worker can't use."""
    strange = [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "k9"}, {"kty": "?"}]
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [*strange, KEYS.public]}))
    (tmp_path / "issuer").write_text(ISSUER)
    Accounts(tmp_path, namespace="shop", pool="small").verify(f"Bearer {KEYS.token()}")


@pytest.mark.parametrize(("curve", "algorithm"), [(SECP256R1(), "ES256"), (SECP384R1(), "ES384")])
def test_keys_on_curves_verify_too(tmp_path: Path, curve: EllipticCurve, algorithm: str) -> None:
    """Many clusters sign with one; its token is let in, and another key's is not."""
    own, other = generate_private_key(curve), generate_private_key(curve)
    public = json.loads(ECAlgorithm.to_jwk(own.public_key()))
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [{**public, "kid": "k1"}]}))
    (tmp_path / "issuer").write_text(ISSUER)
    verifier = Accounts(tmp_path, namespace="shop", pool="small")
    claims = jwt.decode(KEYS.token(), options={"verify_signature": False})
    named = {"kid": "k1"}
    verifier.verify(f"Bearer {jwt.encode(claims, own, algorithm=algorithm, headers=named)}")
    with pytest.raises(UnknownCallerError, match="not valid"):
        verifier.verify(f"Bearer {jwt.encode(claims, other, algorithm=algorithm, headers=named)}")


@pytest.mark.parametrize("seconds", [-9.0, 9.0])
def test_clocks_may_differ_by_a_little(tmp_path: Path, seconds: float) -> None:
    """Ten seconds early or late are let in, twelve are not."""
    now = time.time()
    moments = [now]
    verifier = accounts(tmp_path, clock=lambda: moments[0])
    token = f"Bearer {KEYS.token(nbf=now, exp=now + 100)}"
    moments[0] = now + (seconds if seconds < 0 else 100 + seconds)
    verifier.verify(token)
    moments[0] += seconds / 3
    with pytest.raises(UnknownCallerError, match=r"not valid yet|expired"):
        accounts(tmp_path, clock=lambda: moments[0]).verify(token)


def test_a_folder_without_keys_is_a_configuration_error(tmp_path: Path) -> None:
    """It names the folder, what belongs there and who puts it there."""
    with pytest.raises(ConfigurationError) as caught:
        Accounts(tmp_path / "none", namespace="shop", pool="small")
    assert "dspex-keys" in str(caught.value)
    assert "jwks.json" in str(caught.value)


async def test_calls_need_a_token_and_probes_and_metrics_do_not(tmp_path: Path) -> None:
    """Over HTTP: 401 and 403 with a Failure that says why."""
    config = WorkerConfig(pool="small", namespace="shop")
    async with serving(config, accounts=accounts(tmp_path)) as worker:

        async def ask(path: str, token: str = "", method: str = "GET") -> tuple[int, str]:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            url = worker.base + path
            async with worker.session.request(method, url, headers=headers) as reply:
                return reply.status, await reply.text()

        for path in ("/healthz", "/readyz", "/metrics"):
            assert (await ask(path))[0] == 200, path
        status, text = await ask(EXECUTE_PATH, method="POST")
        assert (status, json.loads(text)["reason"]) == (401, "RequestRefused")
        status, text = await ask(INFO_PATH, KEYS.token("default"))
        assert status == 403
        assert "default" in json.loads(text)["message"]
        assert (await ask(INFO_PATH, KEYS.token()))[0] == 200
        # A good token and no readable call.
        assert (await ask(EXECUTE_PATH, KEYS.token(), "POST"))[0] == 400


async def test_the_worker_as_a_process_verifies_by_its_folder(tmp_path: Path) -> None:
    """`--keys DIR` does it; `allowedClients` of the configuration count."""
    publish(tmp_path / "keys", [KEYS])
    config = tmp_path / "pool.json"
    config.write_text(
        json.dumps({"pool": "small", "namespace": "shop", "allowedClients": ["reports"]})
    )
    command = [sys.executable, "-m", "dspex_worker", "--config", str(config), "--keys"]
    refused = subprocess.run(
        [*command, str(tmp_path / "nothing")], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "dspex-keys" in refused.stderr
    process = subprocess.Popen(
        [*command, str(tmp_path / "keys")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        base = json.loads(process.stdout.readline())["address"]
        async with aiohttp.ClientSession() as session:

            async def status(token: str) -> int:
                headers = {"Authorization": f"Bearer {token}"}
                async with session.get(base + INFO_PATH, headers=headers) as reply:
                    return reply.status

            assert await status(KEYS.token("reports")) == 200
            assert await status(KEYS.token("default")) == 403
            assert await status(OTHER.token()) == 401
    finally:
        process.terminate()
        await eventually(lambda: process.poll() is not None)
        process.stdout.close()
