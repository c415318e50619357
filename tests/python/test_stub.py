"""The stub matches the module, and typed programs check."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

pytest.importorskip("mypy")

PACKAGE_PARENT = str(Path(__import__("lora_python").__file__).parent.parent)

PROGRAM = """
import asyncio
import datetime
from pathlib import Path
from typing import Dict, List, Optional

from lora_python import (
    AsyncDatabase, Database, InvalidParamsError, LoraError, LoraNode, LoraParams, LoraPoint, LoraQueryError,
    QueryResult, SnapshotMeta, Transaction, binary, date, duration, is_node, is_point, vector, wgs84,
)


def people(db: Database, born: int) -> List[str]:
    params: LoraParams = {"born": born, "when": date(datetime.date(2024, 1, 1)), "at": wgs84(4.89, 52.37)}
    result: QueryResult = db.execute("MATCH (p:P) WHERE p.born = $born RETURN p", params, timeout=1.5)
    names: List[str] = []
    for row in result["rows"]:
        value: object = row["p"]
        if is_node(value):
            node: LoraNode = value
            labels: List[str] = node["labels"]
            names.append(str(node["properties"]["name"]) + labels[0])
        elif is_point(value):
            point: LoraPoint = value
            x: float = point["x"]
            names.append(str(x))
    return names


def save(db: Database, path: Path) -> Optional[int]:
    meta = db.save_snapshot(path)
    assert isinstance(meta, dict)
    loaded: SnapshotMeta = db.load_snapshot(path)
    return loaded["walLsn"]


def change(db: Database) -> Dict[str, object]:
    with db.begin("rw") as tx:
        inner: Transaction = tx
        inner.execute("CREATE (:P {v: $v, b: $b, d: $d})",
                      {"v": vector([1, 2], 2, "INTEGER8"), "b": binary(b"x"), "d": duration("PT1H")})
    try:
        for row in db.stream("MATCH (n) RETURN n"):
            row["n"]
    except LoraQueryError as error:
        code: Optional[str] = error.code
        line: Optional[int] = error.line
        print(code, line)
    except (InvalidParamsError, LoraError):
        pass
    return db.explain("RETURN 1")


def register(db: Database) -> None:
    def rows(n: int) -> List[Dict[str, object]]:
        return [{"a": n}]

    db.register_function("my.f(x :: INTEGER) :: INTEGER", lambda x: x, deterministic=True, description="Itself.")
    db.register_procedure("my.p(n :: INTEGER) :: (a :: INTEGER)", rows)
    db.register_procedure("my.t() :: (a :: INTEGER)", ["a"], [(1,), {"a": 2}])
    db.unregister_function("my.f")


async def main() -> int:
    async with await AsyncDatabase.create("app", {"database_dir": "."}) as db:
        await db.register_function("my.f() :: INTEGER", lambda: 1)
        await db.register_procedure("my.t() :: (a :: INTEGER)", ["a"], [[1]], description="One.")
        async with db.begin() as tx:
            result: QueryResult = await tx.execute("RETURN 1 AS x")
        async for row in db.stream("RETURN 1 AS x"):
            row["x"]
        transaction = await db.begin("ro")
        await transaction.rollback()
        return len(result["rows"]) + db.node_count


asyncio.run(main())
"""

WRONG = """
from lora_python import Database, date, is_node
db = Database()
db.execute(5)
db.execute("x", timeout="soon")
date(5)
n: str = db.node_count
db.nothing()
value: object = {}
if is_node(value):
    value["nothing"]
"""


def mypy(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": PACKAGE_PARENT, "PATH": "/usr/bin:/bin", "HOME": "/tmp"},
    )


def check(program: str, tmp_path: Path) -> List[str]:
    file = tmp_path / "program.py"
    file.write_text(program)
    result = mypy("mypy", "--strict", "--no-incremental", "--cache-dir", str(tmp_path / "cache"), str(file))
    assert result.stderr == ""
    return [line for line in result.stdout.split("\n") if ": error:" in line]


# What pybind11 adds to each of its classes; their members are compared all the same.
ALLOWED = r"""
lora_python\._native\.(CancelToken|Database|Stream|Transaction)
lora_python\._native\.(Database|Stream|Transaction)\.__init__
"""


def test_the_stub_matches_the_module(tmp_path: Path) -> None:
    (tmp_path / "allowed").write_text(ALLOWED)
    result = mypy("mypy.stubtest", "lora_python._native", "--allowlist", str(tmp_path / "allowed"))
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_typed_program_checks(tmp_path: Path) -> None:
    assert check(PROGRAM, tmp_path) == []


def test_mistakes_are_found(tmp_path: Path) -> None:
    errors = check(WRONG, tmp_path)
    assert [int(line.split(":")[1]) for line in errors] == [4, 5, 6, 7, 8, 11]
