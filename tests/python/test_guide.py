"""Every example of the user guide for `lora-python`, in its order."""

from __future__ import annotations

import asyncio
import warnings
from pathlib import Path
from typing import Any, Dict, Optional

import pytest
from lora_python import (
    AsyncDatabase,
    Database,
    InvalidParamsError,
    LoraError,
    LoraQueryError,
    date,
    duration,
    is_node,
    wgs84,
)


def test_create_and_constructor_do_the_same() -> None:
    assert Database.create().execute("RETURN 1 AS x") == Database().execute("RETURN 1 AS x")


async def test_async_create() -> None:
    db = await AsyncDatabase.create()
    assert db.node_count == 0
    await db.close()


def test_first_query() -> None:
    db = Database.create()
    db.execute("CREATE (:Person {name: 'Ada', born: 1815})")
    result = db.execute("MATCH (p:Person) RETURN p.name AS name, p.born AS born")
    assert result["rows"] == [{"name": "Ada", "born": 1815}]


def test_parameterised_query() -> None:
    db = Database.create()
    db.execute("CREATE (:Person {name: 'Ada'})")
    result = db.execute("MATCH (p:Person) WHERE p.name = $name RETURN p.name AS name", {"name": "Ada"})
    assert result["rows"] == [{"name": "Ada"}]


def test_structured_results() -> None:
    db = Database.create()
    db.execute("CREATE (:Person {name: 'Ada'})")
    result = db.execute("MATCH (n:Person) RETURN n")
    seen = []
    for row in result["rows"]:
        n = row["n"]
        if is_node(n):
            seen.append((n["id"], n["labels"], n["properties"]))
    assert seen == [(0, ["Person"], {"name": "Ada"})]


def test_fastapi_route() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from fastapi import FastAPI, HTTPException
        from fastapi.testclient import TestClient

        app = FastAPI()
        held: Dict[str, AsyncDatabase] = {}

        @app.on_event("startup")
        async def _bootstrap() -> None:
            held["db"] = await AsyncDatabase.create()

        @app.get("/users/{user_id}")
        async def get_user(user_id: int) -> Any:
            try:
                res = await held["db"].execute(
                    "MATCH (u:User {id: $id}) RETURN u {.id, .handle, .tier} AS user",
                    {"id": user_id},
                )
            except LoraQueryError as exc:
                raise HTTPException(status_code=400, detail=str(exc)) from exc
            rows = res["rows"]
            if not rows:
                raise HTTPException(status_code=404)
            return rows[0]["user"]

        @app.post("/users/{user_id}")
        async def put_user(user_id: int) -> None:
            await held["db"].execute("CREATE (:User {id: $id, handle: 'ada', tier: 'pro'})", {"id": user_id})

        with TestClient(app) as client:
            assert client.get("/users/7").status_code == 404
            assert client.post("/users/7").status_code == 200
            assert client.get("/users/7").json() == {"id": 7, "handle": "ada", "tier": "pro"}
            assert client.get("/users/8").status_code == 404
            assert client.get("/users/x").status_code == 422


def test_errors() -> None:
    db = Database.create()
    with pytest.raises(LoraQueryError):
        db.execute("BAD QUERY")
    with pytest.raises(InvalidParamsError):
        db.execute("RETURN $x", {"x": object()})
    assert issubclass(LoraQueryError, LoraError)
    assert issubclass(InvalidParamsError, LoraError)


def test_sync_and_async() -> None:
    db = Database.create()
    db.execute("CREATE (:Node)")

    async def main() -> Any:
        db = await AsyncDatabase.create()
        await db.execute("CREATE (:Person {name: 'Ada'})")
        result = await db.execute("MATCH (n:Person) RETURN n.name AS name")
        await db.close()
        return result["rows"]

    assert asyncio.run(main()) == [{"name": "Ada"}]


def test_snapshot_file(tmp_path: Path) -> None:
    path = str(tmp_path / "graph.bin")
    db = Database.create()
    db.execute("CREATE (:Person {name: 'Ada'})")
    meta = db.save_snapshot(path)
    assert (meta["nodeCount"], meta["relationshipCount"]) == (1, 0)
    db = Database.create()
    db.load_snapshot(path)
    assert db.execute("MATCH (p:Person) RETURN p.name AS name")["rows"] == [{"name": "Ada"}]


async def test_async_snapshot_file(tmp_path: Path) -> None:
    path = tmp_path / "graph.bin"
    db = await AsyncDatabase.create()
    await db.execute("CREATE (:Person {name: 'Ada'})")
    await db.save_snapshot(path)
    db2 = await AsyncDatabase.create()
    await db2.load_snapshot(path)
    assert db2.node_count == 1
    await db.close()
    await db2.close()


def test_named_database(tmp_path: Path) -> None:
    directory = str(tmp_path / "data")
    db = Database.create("app", {"database_dir": directory})
    db.execute("CREATE (:Person {name: 'Ada'})")
    assert (tmp_path / "data" / "app.loradb").is_dir()
    db.close()
    db = Database("app", {"database_dir": directory})
    assert db.execute("MATCH (p:Person) RETURN p.name AS name")["rows"] == [{"name": "Ada"}]
    db.close()


async def test_async_named_database(tmp_path: Path) -> None:
    db = await AsyncDatabase.create("app", {"database_dir": str(tmp_path)})
    await db.execute("CREATE (:Person {name: 'Ada'})")
    await db.close()
    db = await AsyncDatabase.create("app", {"database_dir": str(tmp_path)})
    assert db.node_count == 1
    await db.close()


def test_bulk_insert() -> None:
    db = Database.create()
    rows = [{"id": i, "name": f"user-{i}"} for i in range(100)]
    db.execute("UNWIND $rows AS row CREATE (:User {id: row.id, name: row.name})", {"rows": rows})
    assert db.node_count == 100
    assert db.execute("MATCH (u:User) RETURN u.name AS name ORDER BY u.id LIMIT 1")["rows"] == [{"name": "user-0"}]


def test_typed_helpers() -> None:
    db = Database.create()
    db.execute(
        "CREATE (:Trip {when: $when, span: $span, origin: $origin})",
        {"when": date("2026-05-01"), "span": duration("PT90M"), "origin": wgs84(4.89, 52.37)},
    )
    row = db.execute("MATCH (t:Trip) RETURN t.when AS w, t.span AS s, t.origin AS o")["rows"][0]
    assert row["w"] == date("2026-05-01")
    assert row["s"]["kind"] == "duration"
    assert row["o"] == wgs84(4.89, 52.37)


class UserRepo:
    def __init__(self, db: Database):
        self._db = db

    def upsert(self, user_id: int, handle: str) -> None:
        self._db.execute(
            """
            MERGE (u:User {id: $id})
            ON CREATE SET u.created = timestamp()
            SET u.handle = $handle, u.updated = timestamp()
            """,
            {"id": user_id, "handle": handle},
        )

    def find_by_handle(self, handle: str) -> Optional[Dict[str, Any]]:
        res = self._db.execute(
            "MATCH (u:User {handle: $handle}) RETURN u {.*} AS user",
            {"handle": handle},
        )
        rows = res["rows"]
        return rows[0]["user"] if rows else None


def test_repository_pattern() -> None:
    repo = UserRepo(Database())
    assert repo.find_by_handle("ada") is None
    repo.upsert(1, "ada")
    repo.upsert(1, "countess")
    assert repo.find_by_handle("ada") is None
    user = repo.find_by_handle("countess")
    assert user is not None
    assert set(user) == {"id", "handle", "created", "updated"}
    assert user["id"] == 1
    assert user["updated"] >= user["created"]


def test_other_methods() -> None:
    db = Database()
    db.execute("CREATE (:A)-[:R]->(:B)")
    assert db.node_count == 2
    assert db.relationship_count == 1
    db.clear()
    assert (db.node_count, db.relationship_count) == (0, 0)
    db.close()
