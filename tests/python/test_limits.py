"""The limits that README.md lists: each is hit, with what still fits beside it where that is quick."""

from __future__ import annotations

from typing import Any, Iterator

import pytest
from conftest import rows
from lora_python import Database, LoraQueryError


def refused(db: Database, query: str, params: Any = None) -> LoraQueryError:
    with pytest.raises(LoraQueryError) as caught:
        db.execute(query, params)
    assert caught.value.code == "LORA_LIMIT"
    assert len(str(caught.value)) < 1_000
    assert db.execute("RETURN 1 AS x")["rows"] == [{"x": 1}]
    return caught.value


@pytest.fixture
def roomy() -> Iterator[Database]:
    """Without a memory budget that would be hit first."""
    with Database(None, {"query_memory_bytes": 1 << 40}) as db:
        yield db


@pytest.mark.parametrize("query", ["CREATE (:`%s`)", "CREATE ()-[:`%s`]->()", "CREATE ({`%s`: 1})"])
def test_names_have_1_to_65535_bytes(db: Database, query: str) -> None:
    db.execute(query % ("x" * 65_535))
    db.execute(query % ("ä" * 32_767))
    nodes = db.node_count
    for name in ("x" * 65_536, "ä" * 32_768, ""):
        refused(db, query % name)
    assert db.node_count == nodes


def test_names_of_keys_in_maps(memory: Database) -> None:
    memory.execute("CREATE (n) SET n = $m", {"m": {"x" * 65_535: 1}})
    refused(memory, "CREATE (n) SET n += $m", {"m": {"x" * 65_536: 1}})
    assert memory.node_count == 1


def test_a_node_has_at_most_65535_labels(memory: Database) -> None:
    labels = "".join(":L%d" % i for i in range(65_536))
    refused(memory, "CREATE (n" + labels + ")")
    assert memory.node_count == 0


def test_a_property_value_has_at_most_256_mib(memory: Database) -> None:
    error = refused(memory, "CREATE ({x: $x})", {"x": "x" * ((256 << 20) + 1)})
    assert error.detail == "value size"
    memory.execute("CREATE ({x: $x})", {"x": "x" * (256 << 20)})
    assert rows(memory, "MATCH (n) RETURN size(n.x) AS s") == [{"s": 256 << 20}]


def test_a_record_has_at_most_1_gib(roomy: Database) -> None:
    value = "x" * ((256 << 20) - 64)
    error = refused(roomy, "CREATE ({a: $x, b: $x, c: $x, d: $x, e: $x})", {"x": value})
    assert error.detail == "value size"
    assert roomy.node_count == 0


def test_a_transaction_changes_at_most_2_gib(roomy: Database) -> None:
    value = "x" * (128 << 20)
    with roomy.begin() as tx:
        with pytest.raises(LoraQueryError) as caught:
            for _ in range(17):
                tx.execute("CREATE ({x: $x})", {"x": value})
        assert (caught.value.code, caught.value.detail) == ("LORA_LIMIT", "transaction size")
        kept = tx.execute("MATCH (n) RETURN count(n) AS c")["rows"][0]["c"]
        assert kept >= 1
        tx.rollback()
    assert roomy.node_count == 0


def test_a_query_has_at_most_16_mib(memory: Database) -> None:
    def query(size: int) -> str:
        return "RETURN '%s' AS x" % ("x" * (size - len("RETURN '' AS x")))

    assert len(rows(memory, query(16 << 20))[0]["x"]) > 16_000_000
    assert refused(memory, query((16 << 20) + 1)).detail == "text size"


@pytest.mark.parametrize(("opening", "closing"), ["()", "[]", ("{a: ", "}"), ("-", ""), ("NOT ", ""), ("size(", ")")])
def test_queries_are_nested_at_most_1000_levels(memory: Database, opening: str, closing: str) -> None:
    for levels in (1_001, 100_000):
        error = refused(memory, "RETURN " + opening * levels + "x" + closing * levels + " AS x")
        assert error.detail == "depth"
    assert rows(memory, "RETURN " + "(" * 900 + "1" + ")" * 900 + " AS x") == [{"x": 1}]


def test_a_result_has_at_most_65535_columns(memory: Database) -> None:
    def query(count: int) -> str:
        return "RETURN " + ", ".join("1 AS a%d" % i for i in range(count))

    assert len(rows(memory, query(65_535))[0]) == 65_535
    refused(memory, query(65_536))
