"""A worker process from its start to its end: ready, and gone when its parent lets go."""

import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

CONFIG = {"pool": "small", "model": {"name": "openai/none", "apiBase": "http://127.0.0.1:9/v1"}}
DEADLINE = time.monotonic() + 30


def ready(address: str) -> bool:
    """Ask whether it is ready."""
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=5) as reply:
            return bool(reply.status == 200)
    except urllib.error.HTTPError:
        return False


with tempfile.TemporaryDirectory() as folder:
    config = Path(folder) / "pool.json"
    config.write_text(json.dumps(CONFIG))
    worker = subprocess.Popen(
        [sys.executable, "-I", "-m", "dspex_worker", "--config", str(config), "--exit-with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert worker.stdin is not None
        assert worker.stdout is not None
        address = json.loads(worker.stdout.readline())["address"]
        while not ready(address):
            assert worker.poll() is None, worker.returncode
            assert time.monotonic() < DEADLINE, "not ready within 30 s"
            time.sleep(0.05)
        with urllib.request.urlopen(f"{address}/v1/info", timeout=5) as reply:
            info = json.loads(reply.read())
        assert "Predict" in info["modules"], info
        worker.stdin.close()
        assert worker.wait(timeout=20) == 0, worker.returncode
    finally:
        worker.kill()
        worker.wait()
