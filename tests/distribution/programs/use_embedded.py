"""The engine of the embedded model, without the model: that one is fetched when it is needed."""

import xllamacpp

from dspex_worker.lm.embedded import EmbeddedModel

xllamacpp.CommonParams()
assert callable(EmbeddedModel.complete)
