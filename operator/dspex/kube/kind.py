"""The kinds that are read or written: where each is found at the API server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind.

    Attributes:
        version: `v1`, or group and version.
        name: CamelCase, as in manifests.
        plural: As in URLs.
    """

    version: str
    name: str
    plural: str

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the path of an object, of all of a namespace, or of all."""
        root = "/api/v1" if self.version == "v1" else f"/apis/{self.version}"
        within = f"/namespaces/{namespace}" if namespace else ""
        parts = [self.plural, *(part for part in (name, subresource) if part)]
        return f"{root}{within}/{'/'.join(parts)}"

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> "Kind":
        """Return the kind of an object.

        Raises:
            KeyError: None of those that are known here.
        """
        return _BY_NAME[item["apiVersion"], item["kind"]]


_OURS: Final = "dspex.dev/v1alpha1"
SIGNATURE: Final = Kind(_OURS, "Signature", "signatures")
POOL: Final = Kind(_OURS, "Pool", "pools")
PIPELINE: Final = Kind(_OURS, "Pipeline", "pipelines")
PIPELINE_RUN: Final = Kind(_OURS, "PipelineRun", "pipelineruns")
RUN_DATA: Final = Kind(_OURS, "PipelineRunData", "pipelinerundata")
DEPLOYMENT: Final = Kind("apps/v1", "Deployment", "deployments")
JOB: Final = Kind("batch/v1", "Job", "jobs")
POD: Final = Kind("v1", "Pod", "pods")
SERVICE: Final = Kind("v1", "Service", "services")
CONFIG_MAP: Final = Kind("v1", "ConfigMap", "configmaps")
SECRET: Final = Kind("v1", "Secret", "secrets")
SERVICE_ACCOUNT: Final = Kind("v1", "ServiceAccount", "serviceaccounts")
EVENT: Final = Kind("events.k8s.io/v1", "Event", "events")
ROLE_BINDING: Final = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
NETWORK_POLICY: Final = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
DISRUPTION_BUDGET: Final = Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
NAMESPACE: Final = Kind("v1", "Namespace", "namespaces")
LEASE: Final = Kind("coordination.k8s.io/v1", "Lease", "leases")

KINDS: Final = (
    SIGNATURE,
    POOL,
    PIPELINE,
    PIPELINE_RUN,
    RUN_DATA,
    DEPLOYMENT,
    JOB,
    POD,
    SERVICE,
    CONFIG_MAP,
    SECRET,
    SERVICE_ACCOUNT,
    EVENT,
    ROLE_BINDING,
    NETWORK_POLICY,
    DISRUPTION_BUDGET,
    NAMESPACE,
    LEASE,
)
"""All of them."""

_BY_NAME: Final = {(kind.version, kind.name): kind for kind in KINDS}
