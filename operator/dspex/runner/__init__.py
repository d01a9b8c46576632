"""The program of a run's pod: reads the frozen plan, runs it, and tells how it goes.

`python -m dspex.runner` is the door. `Session` is one process' part of the run: it claims the run
(`OwnRun`), goes on where a former process ended (`Journal`), and writes its progress (`Reporter`).
"""
