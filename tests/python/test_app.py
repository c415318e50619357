"""The service of python/README.md: on a named database, killed, started again, nothing lost."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

httpx = pytest.importorskip("httpx")
pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

README = Path(__file__).parent.parent.parent / "python" / "README.md"


def app_source() -> str:
    match = re.search(r"^```python\n(# app\.py\n.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert match is not None, "python/README.md has no block that begins with `# app.py`"
    return match.group(1)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Service:
    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.client = httpx.Client(base_url="http://127.0.0.1:%d" % self.port, trust_env=False, timeout=30)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "app:app", "--host", "127.0.0.1", "--port", str(self.port)],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(directory), *sys.path])},
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                self.client.get("/docs")
                return
            except httpx.TransportError:
                assert self.process.poll() is None, "the service ended"
                assert time.monotonic() < deadline, "the service does not answer"
                time.sleep(0.05)

    def stop(self, number: int) -> int:
        self.client.close()
        self.process.send_signal(number)
        return self.process.wait(60)


def test_a_killed_service_has_its_data_when_it_starts_again(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(app_source())
    service = Service(tmp_path)
    try:
        call: Any = service.client
        assert call.get("/people/ada").status_code == 404
        for name in ("ada", "charles", "mary"):
            assert call.put("/people/%s" % name, json={"born": 1800}).status_code == 200
        assert call.put("/people/ada", json={"born": 1815}).status_code == 200
        assert call.put("/people/ada/knows/charles").status_code == 200
        assert call.put("/people/ada/knows/nobody").status_code == 404
        assert call.put("/people/ada", json={"born": "long ago"}).status_code == 422
        expected = {"name": "ada", "born": 1815, "knows": ["charles"]}
        assert call.get("/people/ada").json() == expected
    finally:
        service.stop(signal.SIGKILL)
    assert (tmp_path / "data" / "people.loradb").is_dir()

    service = Service(tmp_path)
    try:
        assert service.client.get("/people/ada").json() == expected
        assert service.client.get("/people").json() == ["ada", "charles", "mary"]
    finally:
        code = service.stop(signal.SIGTERM)
    assert code in (0, -signal.SIGTERM)
