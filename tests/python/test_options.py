"""Every option does what its name says, in both spellings."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from conftest import rows
from lora_python import Database, LoraError, LoraQueryError
from lora_python.options import DATABASE_OPTIONS

ENDLESS = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b WITH a, b WHERE a + b < 0 RETURN count(*) AS c"


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


@pytest.fixture(params=["snake", "camel"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Database]:
    spell = camel if request.param == "camel" else str

    def open_it(**options: Any) -> Database:
        options.setdefault("database_dir", tmp_path)
        return Database("app", {spell(name): value for name, value in options.items()})

    return open_it


def code_of(call: Callable[[], Any]) -> Any:
    with pytest.raises(LoraError) as caught:
        call()
    return caught.value.code


def test_database_dir(opened: Any, tmp_path: Path) -> None:
    with opened(database_dir=str(tmp_path / "there")):
        assert (tmp_path / "there" / "app.loradb").is_dir()


def test_create_if_missing(opened: Any, tmp_path: Path) -> None:
    assert code_of(lambda: opened(create_if_missing=False)) == "LORA_NOT_FOUND"
    assert list(tmp_path.iterdir()) == []
    opened(create_if_missing=True).close()
    opened(create_if_missing=False).close()


def test_read_only(opened: Any) -> None:
    with opened() as db:
        db.execute("CREATE (:N)")
    with opened(read_only=True) as db:
        assert db.node_count == 1
        assert code_of(lambda: db.execute("CREATE (:N)")) == "LORA_READ_ONLY"


def test_sync_decides_how_many_commits_are_synced(opened: Any) -> None:
    syncs: Dict[str, int] = {}
    for level in ("commit", "interval", "off"):
        with opened(sync=level, sync_interval_ms=60_000) as db:
            before = db.stats()["syncs"]
            for _ in range(20):
                db.execute("CREATE (:N)")
            syncs[level] = db.stats()["syncs"] - before
    assert syncs["commit"] >= 20
    assert syncs["interval"] <= 1
    assert syncs["off"] <= 1


def test_sync_interval_ms(opened: Any) -> None:
    with opened(sync="interval", sync_interval_ms=10) as db:
        before = db.stats()["syncs"]
        deadline = time.monotonic() + 20
        while db.stats()["syncs"] < before + 3:
            db.execute("CREATE (:N)")
            time.sleep(0.02)
            assert time.monotonic() < deadline


def test_cache_bytes(opened: Any) -> None:
    limits = []
    for size in (64 << 20, 128 << 20):
        with opened(cache_bytes=size) as db:
            limits.append(db.stats()["cache_bytes_limit"])
            assert 0 < limits[-1] <= size
    assert limits[0] < limits[1]


def test_busy_timeout_ms(opened: Any) -> None:
    with opened(busy_timeout_ms=150) as db:
        waited: List[float] = []

        def write() -> None:
            start = time.monotonic()
            assert code_of(lambda: db.execute("CREATE (:N)")) == "LORA_TRANSACTION"
            waited.append(time.monotonic() - start)

        with db.begin():
            thread = threading.Thread(target=write)
            thread.start()
            thread.join()
        assert 0.14 < waited[0] < 4


def test_query_timeout_ms(opened: Any) -> None:
    with opened(query_timeout_ms=50) as db:
        assert code_of(lambda: db.execute(ENDLESS)) == "LORA_TIMEOUT"
        assert code_of(lambda: list(db.stream(ENDLESS))) == "LORA_TIMEOUT"
        with db.begin() as tx:
            assert code_of(lambda: tx.execute(ENDLESS)) == "LORA_TIMEOUT"
        # The shorter one counts.
        start = time.monotonic()
        assert code_of(lambda: db.execute(ENDLESS, timeout=50)) == "LORA_TIMEOUT"
        assert time.monotonic() - start < 10


def test_query_memory_bytes(opened: Any) -> None:
    greedy = "UNWIND range(1, 10000000) AS i RETURN collect(toString(i)) AS l"
    with opened(query_memory_bytes=1 << 22) as db:
        assert code_of(lambda: db.execute(greedy)) == "LORA_MEMORY_LIMIT"
        assert code_of(lambda: db.execute("UNWIND range(1, 1000000) AS i CREATE (:N {t: toString(i)})")) in (
            "LORA_MEMORY_LIMIT",
        )
        assert db.node_count == 0


def test_items_of_a_shared_list_do_not_count_for_each_row() -> None:
    """A thousand rows unwind one list of 160 kB: 200 000 rows pass, none is kept."""
    with Database(None, {"query_memory_bytes": 32 << 20}) as db:
        db.execute("UNWIND range(0, 999) AS i CREATE (:N {k: i, l: range(0, 1999)})")
        items = [{"a": i, "t": "x" * 800} for i in range(200)]
        for query in (
            "MATCH (n:N) UNWIND $rows AS x RETURN count(x.t) AS c",
            "MATCH (n:N) WITH n, $rows AS r UNWIND r AS x RETURN count(x.a) AS c",
        ):
            assert db.execute(query, {"rows": items})["rows"] == [{"c": 200_000}]
        assert db.execute("MATCH (n:N) RETURN sum(size(n.l)) AS c, count(n.l) AS n")["rows"] == [
            {"c": 2_000_000, "n": 1_000}
        ]


def test_import_dir(opened: Any, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1\n")
    with opened(import_dir=str(tmp_path)) as db:
        assert rows(db, "LOAD CSV FROM 'file:///a.csv' AS r RETURN r") == [{"r": ["1"]}]


def test_on_corruption(opened: Any, tmp_path: Path) -> None:
    with opened() as db:
        for i in range(50):
            db.execute("CREATE (:N {i: $i, t: $t})", {"i": i, "t": "x" * 1000})
        # Copied while it is open: all commits are in the log, as after a kill.
        files = {path.name: path.read_bytes() for path in (tmp_path / "app.loradb").iterdir() if path.is_file()}
    (log,) = [name for name in files if name.endswith(".log") and len(files[name]) > 10_000]
    data = bytearray(files[log])
    data[len(data) // 2] ^= 0xFF
    files[log] = bytes(data)
    for path in (tmp_path / "app.loradb").iterdir():
        path.unlink()
    for name, content in files.items():
        (tmp_path / "app.loradb" / name).write_bytes(content)
    assert code_of(lambda: opened(on_corruption="error")) == "LORA_CORRUPTION"
    assert code_of(opened) == "LORA_CORRUPTION"
    with opened(on_corruption="recover") as db:
        assert 0 < db.node_count < 50
        assert db.verify() == {"ok": True, "errors": []}
        count = db.node_count
        assert rows(db, "MATCH (n:N) RETURN max(n.i) AS m") == [{"m": count - 1}]
        db.execute("CREATE (:N {i: 100})")
    with opened() as db:
        assert db.node_count == count + 1


def test_every_option_has_a_test_here() -> None:
    tested = {name[len("test_") :] for name in globals() if name.startswith("test_")}
    assert {name for name in DATABASE_OPTIONS if not any(t.startswith(name) for t in tested)} == set()


def test_an_option_of_none_is_not_given(tmp_path: Path) -> None:
    with Database(None, dict.fromkeys(DATABASE_OPTIONS)) as db:
        assert db.node_count == 0
    with pytest.raises(LoraQueryError):
        Database(None, {"database_dir": tmp_path})
