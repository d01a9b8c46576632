"""The Python API: what `import dspex` gives, over the compiler, the engine and local workers.

Callers find every function in `dspex` itself. A file here is a part of the API: pure functions
(`signature`, `validation`, `template`, `reference`, `builder`), what runs (`predict`, `run`,
`project`) and what these share (`background`: one event loop for the process; `session`: its
settings and its warm workers).
"""
