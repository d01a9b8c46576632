"""The kinds that are reconciled: one line each."""

import functools
from collections.abc import Mapping
from types import MappingProxyType

from dspex.controllers import namespace, pipeline, pipelinerun, pool, signature
from dspex.controllers.registration import Registration
from dspex.controllers.run_view import OWNED
from dspex.controllers.settings import Settings
from dspex.kube.kind import NAMESPACE, PIPELINE, PIPELINE_RUN, POOL, SIGNATURE, Kind


def registrations(settings: Settings) -> Mapping[Kind, Registration]:
    """Return the controllers by kind."""
    within = functools.partial(namespace.decide, settings)
    workers = functools.partial(pool.decide, pool.pool_settings(settings))
    runs = functools.partial(pipelinerun.decide, pipelinerun.runner_settings(settings))
    made = (
        Registration(kind=SIGNATURE, decide=signature.decide),
        Registration(kind=POOL, decide=workers, lag=0.2),
        Registration(kind=PIPELINE, decide=pipeline.decide, lag=0.5),
        Registration(
            kind=PIPELINE_RUN,
            decide=runs,
            owned=OWNED,
            done=pipelinerun.done,
            run=True,
            lag=0.05,
        ),
        Registration(kind=NAMESPACE, decide=within, lag=0.5),
    )
    return MappingProxyType({each.kind: each for each in made})
