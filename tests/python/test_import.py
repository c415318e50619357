"""Database.import_csv(): arguments, results, errors. database_import_test.cpp tests what the engine does."""

import asyncio
from pathlib import Path
from typing import Any, Dict

import pytest
from lora_python import AsyncDatabase, Database, InvalidParamsError, LoraQueryError


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "people.csv").write_text("id:ID(P){id-type:int},name,tags:string[]\n1,Ada,x;y\n2,Bob,\n")
    (tmp_path / "towns.tsv").write_text("key:ID(T)\tsize:int\nParis\t2\n")
    (tmp_path / "knows.csv").write_text(":START_ID(P),:END_ID(P),since:int\n1,2,1999\n2,1,\n")
    return tmp_path


@pytest.mark.parametrize("named", [False, True])
def test_files_become_a_graph(files: Path, named: bool) -> None:
    db = Database("app", {"database_dir": str(files)}) if named else Database()
    with db:
        counts = db.import_csv({"Person:Human": [files / "people.csv"]}, {"KNOWS": str(files / "knows.csv")})
        assert counts == {"nodes": 2, "relationships": 2, "skipped": 0}
        assert db.import_csv({"": files / "towns.tsv"}, separator="\t") == {
            "nodes": 1,
            "relationships": 0,
            "skipped": 0,
        }
        rows = db.execute(
            "MATCH (a:Human)-[r:KNOWS]->(b:Person) RETURN a.id AS a, b.name AS b, r.since AS s, a.tags AS t ORDER BY a"
        )["rows"]
        assert rows == [{"a": 1, "b": "Bob", "s": 1999, "t": ["x", "y"]}, {"a": 2, "b": "Ada", "s": None, "t": None}]
        assert db.execute("MATCH (n) WHERE n.key = 'Paris' RETURN labels(n) AS l, n.size AS s")["rows"] == [
            {"l": [], "s": 2}
        ]


def test_an_error_names_file_and_line_and_leaves_nothing(files: Path) -> None:
    db = Database()
    (files / "bad.csv").write_text(":START_ID(P),:END_ID(P)\n1,2\n1,3\n")
    with pytest.raises(LoraQueryError) as error:
        db.import_csv({"P": files / "people.csv"}, {"R": files / "bad.csv"})
    assert error.value.code == "LORA_NOT_FOUND"
    assert "bad.csv`, line `3`" in str(error.value)
    assert (db.node_count, db.relationship_count) == (0, 0)
    counts = db.import_csv({"P": files / "people.csv"}, {"R": files / "bad.csv"}, skip_dangling=True)
    assert counts == {"nodes": 2, "relationships": 1, "skipped": 1}
    with pytest.raises(LoraQueryError, match="none.csv"):
        db.import_csv({"P": files / "none.csv"})
    assert db.node_count == 2


@pytest.mark.parametrize(
    "arguments",
    [
        {"nodes": ["people.csv"]},
        {"nodes": {1: "people.csv"}},
        {"nodes": {"P": 1}},
        {"nodes": {"P": ["people.csv", None]}},
        {"nodes": {"P": ""}},
        {"nodes": {"\ud800": "people.csv"}},
        {"relationships": "knows.csv"},
        {"relationships": {"A:B": "knows.csv"}},
        {"separator": ""},
        {"separator": ",,"},
        {"separator": '"'},
        {"separator": "\n"},
        {"separator": "é"},
        {"separator": ";"},
        {"separator": None},
        {"list_separator": ","},
        {"skip_dangling": 1},
    ],
)
def test_wrong_arguments_are_refused(arguments: Dict[str, Any]) -> None:
    db = Database()
    with pytest.raises(InvalidParamsError) as error:
        db.import_csv(**arguments)
    assert str(error.value).encode()
    assert db.execute("RETURN 1 AS one")["rows"] == [{"one": 1}]


def test_a_closed_or_read_only_database_takes_nothing(files: Path) -> None:
    with Database("app", {"database_dir": str(files)}):
        pass
    with Database("app", {"database_dir": str(files), "read_only": True}) as db:
        with pytest.raises(LoraQueryError) as error:
            db.import_csv({"P": files / "people.csv"})
        assert error.value.code == "LORA_READ_ONLY"
    with pytest.raises(LoraQueryError) as error:
        db.import_csv({"P": files / "people.csv"})
    assert error.value.code == "LORA_CLOSED"


def test_a_coroutine_imports_beside_others(files: Path) -> None:
    async def main() -> Any:
        async with await AsyncDatabase.create() as db:
            one, two = await asyncio.gather(
                db.import_csv({"P": files / "people.csv"}, {"R": files / "knows.csv"}),
                db.import_csv({"T": files / "towns.tsv"}, separator="\t"),
            )
            return one["nodes"], two["nodes"], db.node_count

    assert asyncio.run(main()) == (2, 1, 3)
