"""The API server's client over HTTP: paths, patches, and errors that say what was asked."""

from collections.abc import AsyncIterator

import pytest

from dspex.kube.client import KubeClient
from dspex.kube.config import ClusterConfig
from dspex.kube.errors import ConflictError, ForbiddenError, InvalidError, KubeError, NotFoundError
from dspex.kube.kind import CONFIG_MAP, KINDS, LEASE, PIPELINE_RUN, Kind
from fakes.kube_server import KubeServer

ITEM = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "a", "namespace": "shop", "uid": "u-1"},
    "data": {"k": "v"},
}


@pytest.fixture
async def server() -> AsyncIterator[KubeServer]:
    """Yield a server in memory."""
    async with KubeServer() as made:
        yield made


@pytest.fixture
async def client(server: KubeServer) -> AsyncIterator[KubeClient]:
    """Yield a client with a token."""
    config = ClusterConfig(server.address, token="t-1")
    async with KubeClient(config, manager="tests") as made:
        yield made


async def test_an_object_is_created_read_listed_and_deleted(
    server: KubeServer, client: KubeClient
) -> None:
    """The verbs meet at one path, with the token on each request."""
    await client.create(ITEM)
    found = await client.get(CONFIG_MAP, "shop", "a")
    assert found["data"] == {"k": "v"}
    assert [item async for item in client.pages(CONFIG_MAP, "shop")] == [found]
    await client.delete(CONFIG_MAP, "shop", "a")
    assert await client.find(CONFIG_MAP, "shop", "a") is None
    assert {headers["Authorization"] for _, _, headers in server.seen} == {"Bearer t-1"}
    assert server.seen[0][:2] == ("POST", "/api/v1/namespaces/shop/configmaps")


async def test_deleting_what_is_gone_or_another_is_no_error(
    server: KubeServer, client: KubeClient
) -> None:
    """The uid guards a namesake: it stays."""
    await client.delete(CONFIG_MAP, "shop", "never")
    await client.create(ITEM)
    await client.delete(CONFIG_MAP, "shop", "a", uid="u-2")
    assert await client.find(CONFIG_MAP, "shop", "a") is not None
    await client.delete(CONFIG_MAP, "shop", "a", uid="u-1")
    assert server.objects == {}


async def test_patches_say_what_they_are(server: KubeServer, client: KubeClient) -> None:
    """Apply and merge differ in their content type; a status patch goes to the subresource."""
    await client.apply(ITEM)
    await client.merge(PIPELINE_RUN, "shop", "r", {}, "status")
    (_, applied, first), (_, merged, second) = server.seen
    assert first["Content-Type"] == "application/apply-patch+yaml"
    assert second["Content-Type"] == "application/merge-patch+json"
    assert applied == "/api/v1/namespaces/shop/configmaps/a"
    assert merged == "/apis/dspex.dev/v1alpha1/namespaces/shop/pipelineruns/r/status"


@pytest.mark.parametrize(
    ("status", "kind", "transient"),
    [
        (403, ForbiddenError, False),
        (404, NotFoundError, False),
        (409, ConflictError, False),
        (422, InvalidError, False),
        (429, KubeError, True),
        (503, KubeError, True),
    ],
)
async def test_refusals_have_a_kind_and_the_servers_words(
    server: KubeServer, client: KubeClient, status: int, kind: type[KubeError], transient: bool
) -> None:
    """What was asked, and why it was refused, stand in the message."""
    server.refuse.append((status, {"message": "no such luck", "reason": "Why"}))
    with pytest.raises(kind, match="GET /api/v1/namespaces/shop/configmaps/a: no such luck") as got:
        await client.get(CONFIG_MAP, "shop", "a")
    assert (got.value.status, got.value.reason, got.value.transient) == (status, "Why", transient)


async def test_an_answer_that_is_no_json_is_quoted(server: KubeServer, client: KubeClient) -> None:
    """A proxy's page in place of the API server's answer."""
    server.refuse.append((502, "<html>bad gateway</html>"))
    with pytest.raises(KubeError, match="bad gateway"):
        await client.raw("/readyz")


async def test_a_server_that_is_away_is_a_transient_error() -> None:
    """Nobody listens: status 0, and the request is counted."""
    async with KubeClient(ClusterConfig("http://127.0.0.1:1"), manager="tests") as client:
        with pytest.raises(KubeError, match="GET /readyz") as got:
            await client.raw("/readyz")
        assert got.value.transient
        assert client.requests == {("GET", 0): 1}


async def test_a_client_that_is_not_open_says_so() -> None:
    """A fault of ours, not of the server."""
    with pytest.raises(RuntimeError, match="async with"):
        await KubeClient(ClusterConfig("http://127.0.0.1:1"), manager="tests").raw("/")


def test_every_kind_is_found_by_its_manifest() -> None:
    """Version and kind lead back to the kind; paths differ."""
    for kind in KINDS:
        assert Kind.of({"apiVersion": kind.version, "kind": kind.name}) is kind
    assert len({kind.path() for kind in KINDS}) == len(KINDS)
    assert LEASE.path("n", "l") == "/apis/coordination.k8s.io/v1/namespaces/n/leases/l"
