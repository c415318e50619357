from __future__ import annotations

import gc
import signal
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
from lora_python import Database

# A shell starts what it runs in the background with SIGINT ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=["memory", "disk"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A fresh database, once in memory and once on disk."""
    if request.param == "memory":
        database = Database()
    else:
        database = Database("test", {"database_dir": tmp_path, "cache_bytes": 64 << 20})
    yield database
    database.close()
    gc.collect()  # streams and transactions that a test dropped


@pytest.fixture
def memory() -> Iterator[Database]:
    """A fresh database in memory, for tests where the store makes no difference."""
    database = Database()
    yield database
    database.close()


def rows(database: Database, query: str, params: Any = None) -> List[Dict[str, Any]]:
    result: List[Dict[str, Any]] = database.execute(query, params)["rows"]
    return result
