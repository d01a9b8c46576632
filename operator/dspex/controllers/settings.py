"""What the operator is told by its environment; the chart sets all of it."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from dspex.errors import ConfigurationError, Diagnostic

LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The operator's settings.

    Attributes:
        namespaces: Those that are watched; empty for all.
        namespace: The operator's own, where its Lease is.
        identity: Name of its pod, or of the machine with the process.
        runner_image: Image of a run's Job.
        worker_image: Image of a Pool's workers.
        embedded_image: Image of the workers whose model is embedded.
        pull_policy: When these are pulled.
        pull_secrets: Names of Secrets by which a run's pod pulls its image, in the run's namespace.
        runner_role: ClusterRole that the runners of a namespace are bound to.
        elect: Whether it takes a Lease before it works.
        lease: The Lease's name.
        log_level: debug, info, warning or error.
        host: Address that its ports are opened on.
        port: Of /healthz, /readyz and /metrics; 0 for any.
        webhook_port: Of the webhook; 0 for any.
        certificates: Folder with the webhook's tls.crt and tls.key; without them there is none.
    """

    namespaces: tuple[str, ...] = ()
    namespace: str = "dspex-system"
    identity: str = ""
    runner_image: str = "dspex/operator:dev"
    worker_image: str = "dspex/worker:dev"
    embedded_image: str = "dspex/worker:dev-embedded"
    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()
    runner_role: str = "dspex-runner"
    elect: bool = True
    lease: str = "dspex"
    log_level: str = "info"
    host: str = "0.0.0.0"  # noqa: S104 -- a pod's own address
    port: int = 8080
    webhook_port: int = 9443
    certificates: str = "/etc/dspex/webhook"


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of an environment.

    Raises:
        ConfigurationError: A variable has a value that is none of its own.
    """

    def given(name: str, default: str) -> str:
        return environment.get(name) or default

    own = Settings()
    return Settings(
        namespaces=_names(given("DSPEX_NAMESPACES", "")),
        namespace=given("DSPEX_OPERATOR_NAMESPACE", own.namespace),
        identity=given("POD_NAME", f"{socket.gethostname()}-{os.getpid()}"),
        runner_image=given("DSPEX_RUNNER_IMAGE", own.runner_image),
        worker_image=given("DSPEX_WORKER_IMAGE", own.worker_image),
        embedded_image=given("DSPEX_WORKER_EMBEDDED_IMAGE", own.embedded_image),
        pull_policy=given("DSPEX_IMAGE_PULL_POLICY", own.pull_policy),
        pull_secrets=_names(given("DSPEX_IMAGE_PULL_SECRETS", "")),
        runner_role=given("DSPEX_RUNNER_CLUSTER_ROLE", own.runner_role),
        elect=_one_of(environment, "DSPEX_LEADER_ELECTION", ("true", "false"), "true") == "true",
        lease=given("DSPEX_LEASE_NAME", own.lease),
        log_level=_one_of(environment, "DSPEX_LOG_LEVEL", LEVELS, own.log_level),
        host=given("DSPEX_HOST", own.host),
        port=_port(environment, "DSPEX_PORT", own.port),
        webhook_port=_port(environment, "DSPEX_WEBHOOK_PORT", own.webhook_port),
        certificates=given("DSPEX_WEBHOOK_CERTIFICATES", own.certificates),
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, text.split(","))))


def _one_of(
    environment: Mapping[str, str], name: str, allowed: tuple[str, ...], default: str
) -> str:
    value = (environment.get(name) or default).lower()
    if value not in allowed:
        raise _wrong(name, value, f"one of {', '.join(allowed)}")
    return value


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    value = environment.get(name) or str(default)
    if not value.isdecimal() or int(value) > 65535:
        raise _wrong(name, value, "a port from 0 to 65535")
    return int(value)


def _wrong(name: str, value: str, expected: str) -> ConfigurationError:
    return ConfigurationError(
        Diagnostic(
            code="InvalidSetting",
            message=f"the environment variable {name} is {value!r}",
            expected=expected,
            remedy=f"set {name} anew, or leave it out",
        )
    )
