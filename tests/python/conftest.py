from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest
from lora_python import Database


@pytest.fixture(params=["memory", "disk"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A fresh database, once in memory and once on disk."""
    if request.param == "memory":
        database = Database()
    else:
        database = Database("test", {"database_dir": tmp_path, "cache_bytes": 64 << 20})
    yield database
    database.close()
