"""The worker: an aiohttp server that runs DSPy modules for pipelines.

It imports `dspex.native` (without expressions), `dspex.bridge.protocol`, `dspex.api` and
`dspex.errors`, and nothing else of `dspex`.
"""
