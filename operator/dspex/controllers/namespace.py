"""Namespaces with a Pool or a run: the runners' account, its rights, the workers' public keys."""

import datetime
from typing import Final

from dspex.controllers.decision import Decision, Object, Ref
from dspex.controllers.settings import Settings
from dspex.controllers.world import World
from dspex.kube.kind import CONFIG_MAP, PIPELINE_RUN, POOL, ROLE_BINDING, SERVICE_ACCOUNT
from dspex.resources.names import KEYS_CONFIG_MAP, RUNNER_ROLE_BINDING, RUNNER_SERVICE_ACCOUNT
from dspex.resources.namespace import namespace_objects

JWKS: Final = "/openid/v1/jwks"
CONFIGURATION: Final = "/.well-known/openid-configuration"

_OBJECTS: Final = (
    (ROLE_BINDING, RUNNER_ROLE_BINDING),
    (SERVICE_ACCOUNT, RUNNER_SERVICE_ACCOUNT),
    (CONFIG_MAP, KEYS_CONFIG_MAP),
)


def decide(settings: Settings, item: Object, world: World, _: datetime.datetime) -> Decision:
    """Keep what runners and workers of a namespace need, as long as there are any.

    Args:
        settings: Names the ClusterRole of runners.
        item: The namespace; nothing of it is read but its name.
        world: What is known.
    """
    namespace = item["metadata"]["name"]
    # Both are read, so that each wakes the namespace.
    inhabited = [world.any(kind, namespace) for kind in (POOL, PIPELINE_RUN)]
    if not any(inhabited):
        return Decision(delete=tuple(Ref(kind, namespace, name) for kind, name in _OBJECTS))
    objects = namespace_objects(
        namespace,
        role=settings.runner_role,
        jwks=world.path(JWKS),
        issuer=world.path(CONFIGURATION)["issuer"],
    )
    return Decision(apply=objects)
