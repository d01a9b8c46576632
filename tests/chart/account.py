"""A ServiceAccount's token at work: requests to the API server as its pod would make them."""

import base64
import http.client
import json
import ssl
import weakref
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from stage.kubectl import Kubectl

GROUP: Final = "/apis/dspex.dev/v1alpha1"
MERGE: Final = "application/merge-patch+json"
APPLY: Final = "application/apply-patch+yaml"


@dataclass(frozen=True)
class Answer:
    """What the API server said.

    Attributes:
        status: HTTP status.
        body: The object, or the Status that says why not.
    """

    status: int
    body: dict[str, Any]

    @property
    def message(self) -> str:
        """Why it was refused."""
        return str(self.body.get("message", ""))


class Account:
    """One connection to the API server with one token, open as long as this is referred to."""

    def __init__(self, kubectl: Kubectl, token: str) -> None:
        config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
        cluster = config["clusters"][0]["cluster"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        place = urlsplit(cluster["server"])
        self._connection = http.client.HTTPSConnection(
            place.hostname or "", place.port, context=ssl.create_default_context(cadata=authority)
        )
        weakref.finalize(self, self._connection.close)
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def ask(self, method: str, path: str, body: Any = None, kind: str = "") -> Answer:
        """Send one request.

        Args:
            method: HTTP method.
            path: From the server's root.
            body: JSON, or None.
            kind: Content type of the body. Default: application/json.
        """
        headers = {**self._headers, "Content-Type": kind or "application/json"}
        sent = None if body is None else json.dumps(body)
        self._connection.request(method, path, sent, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        return Answer(answer.status, json.loads(text) if text.startswith(b"{") else {})

    def may(self, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Say whether RBAC lets it, by the server's own judgement; `resource` may be `a/b`."""
        name, _, sub = resource.partition("/")
        asked = {
            "verb": verb,
            "group": group,
            "resource": name,
            "subresource": sub,
            "namespace": namespace,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = self.ask("POST", path, review)
        assert answer.status == 201, answer
        return bool(answer.body["status"]["allowed"])

    def rules(self, namespace: str) -> list[dict[str, list[str]]]:
        """Return all rules on resources that hold for it in a namespace, cluster-wide ones too."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        }
        answer = self.ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", review)
        assert answer.status == 201, answer
        found: list[dict[str, list[str]]] = answer.body["status"]["resourceRules"]
        return found


@dataclass(frozen=True)
class Runner:
    """A pod like a run's, and what it can do with its token.

    Attributes:
        account: Its requests.
        uid: Of the pod.
        namespace: Of pod and run.
    """

    account: Account
    uid: str
    namespace: str

    def read(self, run: str) -> Answer:
        """Read a run as a runner does: by a patch of its status that changes nothing."""
        return self.account.ask("PATCH", self._status(run), {}, MERGE)

    def claim(self, run: str, epoch: int, uid: str = "", version: str = "") -> Answer:
        """Claim a run; `uid` is what it says of itself, its own by default."""
        metadata = {"metadata": {"resourceVersion": version}} if version else {}
        runner = {"epoch": epoch, "podUID": uid or self.uid, "phase": "Running"}
        body = {**metadata, "status": {"runner": runner}}
        return self.account.ask("PATCH", self._status(run), body, MERGE)

    def tell(self, run: str, epoch: int, **status: Any) -> Answer:
        """Write the runner's part of the status by server-side apply."""
        body = {
            "apiVersion": "dspex.dev/v1alpha1",
            "kind": "PipelineRun",
            "metadata": {"name": run},
            "status": {
                "runner": {"epoch": epoch, "podUID": self.uid, "phase": "Running"},
                **status,
            },
        }
        path = f"{self._status(run)}?fieldManager=dspex-runner&force=true"
        return self.account.ask("PATCH", path, body, APPLY)

    def keep(self, name: str, run: dict[str, Any], *, owned: bool = True) -> Answer:
        """Create a run's data, owned by the run."""
        owner = {
            "apiVersion": "dspex.dev/v1alpha1",
            "kind": "PipelineRun",
            "name": run["metadata"]["name"],
            "uid": run["metadata"]["uid"],
        }
        body = {
            "apiVersion": "dspex.dev/v1alpha1",
            "kind": "PipelineRunData",
            "metadata": {"name": name, "ownerReferences": [owner] if owned else []},
            "spec": {"runRef": {"name": owner["name"]}, "checkpoint": {"steps": {}}},
        }
        return self.account.ask("POST", self.path("pipelinerundata"), body)

    def path(self, plural: str, name: str = "") -> str:
        """Return the path of a kind, or of an object of it, in the pod's namespace."""
        whole = f"{GROUP}/namespaces/{self.namespace}/{plural}"
        return f"{whole}/{name}" if name else whole

    def _status(self, run: str) -> str:
        return f"{self.path('pipelineruns', run)}/status"


def pod_of(run: dict[str, Any], ending: str) -> str:
    """Return the name that the Job of a run gives to a pod; `ending` has five characters."""
    name = run["metadata"]["name"][:36].rstrip("-")
    return f"{name}-{run['metadata']['uid'][-12:]}-{ending}"


def runner(kubectl: Kubectl, pod: str, account: str = "dspex-runner") -> Runner:
    """Make a pod that never starts, with a token bound to it as the kubelet's tokens are."""
    made = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod},
        "spec": {
            "serviceAccountName": account,
            "schedulingGates": [{"name": "dspex.dev/never"}],
            "containers": [{"name": "none", "image": "none"}],
        },
    }
    kubectl.apply(made)
    uid = kubectl.get("pod", pod)["metadata"]["uid"]
    bound = ("--bound-object-kind=Pod", f"--bound-object-name={pod}", f"--bound-object-uid={uid}")
    token = kubectl("create", "token", account, *bound).strip()
    return Runner(Account(kubectl, token), uid, kubectl.namespace)
