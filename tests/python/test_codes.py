"""Every code that a caller can cause is caused here, once; what cannot be caused is listed with its reason."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Callable, Dict

import pytest
from lora_python import Database, InvalidParamsError, LoraError, LoraQueryError, vector

ENDLESS = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b WITH a, b WHERE a + b < 0 RETURN count(*) AS c"

ALL = (
    "PARSE SEMANTIC TYPE ARITHMETIC PARAMETER_MISSING INVALID_PARAMS READ_ONLY NOT_FOUND CONSTRAINT UNIQUE_CONSTRAINT "
    "NOT_NULL_CONSTRAINT FOREIGN_KEY TRANSACTION INVALID_VECTOR TIMEOUT INTERRUPTED MEMORY_LIMIT DATABASE_NAME CONFIG "
    "LIMIT CLOSED FORKED LOCKED IO DISK_FULL CORRUPTION FORMAT_VERSION SNAPSHOT_CODEC SNAPSHOT_CRYPTO UNSUPPORTED "
    "INTERNAL"
).split()
NOT_CAUSED_HERE = {
    "FORKED": "needs a process of its own, below",
    "INTERNAL": "only a bug raises it",
    "NOT_NULL_CONSTRAINT": "existence constraints are not offered yet",
}


def run(*queries: str) -> Callable[[Database, Path], Any]:
    return lambda db, path: [db.execute(query) for query in queries]


def twice_open(db: Database, path: Path) -> None:
    with Database("app", {"database_dir": path}):
        Database("app", {"database_dir": path})


def closed(db: Database, path: Path) -> None:
    db.close()
    db.execute("RETURN 1 AS x")


def writer_held(db: Database, path: Path) -> None:
    with db.begin():
        db.execute("CREATE (:N)")


def interrupted(db: Database, path: Path) -> None:
    import threading

    done = threading.Event()

    def interrupt() -> None:
        while not done.wait(0.02):
            db.interrupt()

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        db.execute(ENDLESS)
    finally:
        done.set()
        thread.join()


def wrong_password(db: Database, path: Path) -> None:
    key = {"type": "key", "key": bytes(32)}
    db.load_snapshot(db.save_snapshot(options={"encryption": key}))


def damaged(db: Database, path: Path) -> None:
    data = db.save_snapshot()
    assert isinstance(data, bytes)
    db.load_snapshot(data[:-1])


CAUSES: Dict[str, Callable[[Database, Path], Any]] = {
    "PARSE": run("RETURN"),
    "SEMANTIC": run("RETURN nobody"),
    "TYPE": run("RETURN date('yesterday') AS x"),
    "ARITHMETIC": run("RETURN 1 / 0 AS x"),
    "PARAMETER_MISSING": run("RETURN $x AS x"),
    "INVALID_PARAMS": lambda db, path: db.execute("RETURN $x AS x", {"x": object()}),
    "READ_ONLY": lambda db, path: db.begin("ro").execute("CREATE (:N)"),
    "NOT_FOUND": run("DROP INDEX nothing"),
    "CONSTRAINT": run(*["CREATE CONSTRAINT c FOR (n:%s) REQUIRE n.x IS UNIQUE" % label for label in "AB"]),
    "UNIQUE_CONSTRAINT": run(
        "CREATE CONSTRAINT FOR (n:A) REQUIRE n.x IS UNIQUE", "CREATE (:A {x: 1})", "CREATE (:A {x: 1})"
    ),
    "FOREIGN_KEY": run("CREATE (:A)-[:R]->(:B)", "MATCH (a:A) DELETE a"),
    "TRANSACTION": writer_held,
    "INVALID_VECTOR": run("RETURN vector([1, 2], 3, FLOAT32) AS v"),
    "TIMEOUT": lambda db, path: db.execute(ENDLESS, timeout=0.01),
    "INTERRUPTED": interrupted,
    "MEMORY_LIMIT": lambda db, path: Database(None, {"query_memory_bytes": 1 << 20}).execute(
        "UNWIND range(1, 10000000) AS i RETURN collect(toString(i)) AS l"
    ),
    "DATABASE_NAME": lambda db, path: Database("../app", {"database_dir": path}),
    "CONFIG": lambda db, path: Database(None, {"database_dir": path}),
    "LIMIT": run("CREATE (:`" + "x" * 65_536 + "`)"),
    "CLOSED": closed,
    "LOCKED": twice_open,
    "IO": lambda db, path: db.load_snapshot(path / "none"),
    "DISK_FULL": lambda db, path: db.save_snapshot("/dev/full"),
    "CORRUPTION": damaged,
    "FORMAT_VERSION": lambda db, path: db.load_snapshot(b"LORACOL1" + bytes(100)),
    "SNAPSHOT_CODEC": lambda db, path: db.save_snapshot(options={"compression": "lz4"}),
    "SNAPSHOT_CRYPTO": wrong_password,
    "UNSUPPORTED": run("CREATE OR REPLACE INDEX i FOR (n:A) ON (n.x)"),
}


@pytest.mark.parametrize("code", sorted(CAUSES))
def test_the_code_has_a_cause(memory: Database, tmp_path: Path, code: str) -> None:
    if code == "DISK_FULL" and not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    with pytest.raises(LoraError) as caught:
        CAUSES[code](memory, tmp_path)
    error = caught.value
    assert error.code == "LORA_" + code
    assert str(error).startswith("LORA_%s: " % code)
    assert type(error) is (InvalidParamsError if code == "INVALID_PARAMS" else LoraQueryError)


def test_no_code_is_left_out() -> None:
    assert set(CAUSES) | set(NOT_CAUSED_HERE) == set(ALL)
    assert not set(CAUSES) & set(NOT_CAUSED_HERE)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_gets_forked() -> None:
    code = """
        import os, sys
        from lora_python import Database, LoraError
        db = Database()
        if os.fork() == 0:
            try:
                db.execute("RETURN 1 AS x")
            except LoraError as error:
                print(error.code, flush=True)
            os._exit(0)
        os.wait()
    """
    child = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
    assert child.stdout == "LORA_FORKED\n"


def test_a_vector_parameter_with_bad_contents_is_a_wrong_parameter(memory: Database) -> None:
    with pytest.raises(InvalidParamsError):
        memory.execute("RETURN $v AS v", {"v": vector([1, 2], 3, "FLOAT32")})
