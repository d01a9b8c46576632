"""Calls to a worker in the cluster: the token alone decides who is let in."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec
import pytest

from dspex.bridge.protocol import EXECUTE_PATH, Call
from dspex.native.signatures import parse_signature
from stage import model
from stage.kubectl import Kubectl, is_true
from stage.manifests import pool
from stage.release import Release
from stage.space import namespace, staffed

PROGRAM = """
import json, sys, urllib.error, urllib.request
for token in json.load(sys.stdin):
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = token
    asked = urllib.request.Request(sys.argv[1], sys.argv[2].encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(asked) as reply:
            print(json.dumps([reply.status, reply.read().decode()]))
    except urllib.error.HTTPError as error:
        print(json.dumps([error.code, error.read().decode()]))
"""


class Reply(NamedTuple):
    """What a worker answered: HTTP status and body."""

    status: int
    body: str


@pytest.fixture(scope="module")
def shop(release: Release) -> Iterator[Kubectl]:
    """Yield kubectl in a namespace with a stub model, a Pool, and one that has another client."""
    with staffed(release) as kubectl:
        kubectl("create", "serviceaccount", "friend")
        kubectl.apply(pool("open", allowedClients=["friend"]))
        kubectl.until("dpool", "open", is_true("Ready"))
        yield kubectl


def token(kubectl: Kubectl, account: str, audience: str) -> str:
    """Ask the API server for a ServiceAccount's token."""
    return kubectl("create", "token", account, f"--audience={audience}").strip()


def audience(kubectl: Kubectl, name: str = "small") -> str:
    """Return what a Pool's workers expect as a token's audience."""
    return f"dspex.dev/{kubectl.namespace}/{name}"


def call(
    kubectl: Kubectl, headers: Mapping[str, str | None], name: str = "small"
) -> dict[str, Reply]:
    """Send a call with each of some Authorization headers, from a pod of the namespace."""
    endpoint = kubectl.get("dpool", name)["status"]["endpoint"]
    asked = Call(
        module="Predict",
        signature=parse_signature("question -> answer").to_wire(),
        inputs={"question": "direct"},
        timeout=20,
    )
    printed = kubectl(
        *("exec", "-i", f"deployment/{model.NAME}", "--", "python", "-c", PROGRAM),
        f"http://{endpoint}{EXECUTE_PATH}",
        msgspec.json.encode(asked).decode(),
        stdin=json.dumps(list(headers.values())),
    )
    replies = [Reply(*json.loads(line)) for line in printed.splitlines()]
    return dict(zip(headers, replies, strict=True))


def test_the_runners_token_is_let_in(shop: Kubectl) -> None:
    """With the Pool's audience and the namespace's runner a call is answered."""
    right = token(shop, "dspex-runner", audience(shop))
    [reply] = call(shop, {"right": f"Bearer {right}"}).values()
    assert reply.status == 200, reply
    assert json.loads(reply.body)["outputs"] == {"answer": "re: direct"}


def test_every_other_token_is_refused(shop: Kubectl, release: Release) -> None:
    """None, garbage, another audience, account or namespace, an altered one; nothing is quoted."""
    right = token(shop, "dspex-runner", audience(shop))
    with namespace(release) as elsewhere:
        elsewhere("create", "serviceaccount", "dspex-runner")
        foreign = token(elsewhere, "dspex-runner", audience(shop))
    unknown = {
        "none": None,
        "empty": "Bearer ",
        "garbage": "Bearer garbage",
        "no JWT": "Bearer a.b.c",
        "another scheme": f"Basic {right}",
        "for the API server": f"Bearer {shop('create', 'token', 'dspex-runner').strip()}",
        "for another Pool": f"Bearer {token(shop, 'dspex-runner', audience(shop, 'open'))}",
        "a longer life": f"Bearer {altered(right, exp=4_000_000_000)}",
        "an expired one": f"Bearer {altered(right, exp=1)}",
        "without a signature": f"Bearer {unsigned(right)}",
    }
    forbidden = {
        "another account": f"Bearer {token(shop, 'default', audience(shop))}",
        "one that another Pool allows": f"Bearer {token(shop, 'friend', audience(shop))}",
        "another namespace": f"Bearer {foreign}",
    }
    asked = dict(model.asked(shop))
    replies = call(shop, {**unknown, **forbidden})
    statuses = {name: reply.status for name, reply in replies.items()}
    assert statuses == dict.fromkeys(unknown, 401) | dict.fromkeys(forbidden, 403)
    assert model.asked(shop) == asked, "the model was asked"
    for name, reply in replies.items():
        assert json.loads(reply.body)["reason"] == "RequestRefused"
        assert right[-20:] not in reply.body, name


def test_an_allowed_client_is_let_in(shop: Kubectl) -> None:
    """A ServiceAccount that allowedClients names may call, and the runner still may."""
    given = {
        name: f"Bearer {token(shop, name, audience(shop, 'open'))}"
        for name in ("friend", "dspex-runner", "default")
    }
    replies = call(shop, given, "open")
    assert {name: reply.status for name, reply in replies.items()} == {
        "friend": 200,
        "dspex-runner": 200,
        "default": 403,
    }


def altered(text: str, **claims: int) -> str:
    """Return a token with other claims under the old signature."""
    head, body, signature = text.split(".")
    return f"{head}.{_encoded({**_decoded(body), **claims})}.{signature}"


def unsigned(text: str) -> str:
    """Return a token that says of itself that it needs no signature."""
    head, body, _ = text.split(".")
    return f"{_encoded({**_decoded(head), 'alg': 'none'})}.{body}."


def _decoded(part: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def _encoded(part: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
