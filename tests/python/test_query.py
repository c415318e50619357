"""Queries and results: shapes, order, columns, plans. What Cypher itself does is tested by the scenarios."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any, Dict

import pytest
from conftest import rows
from lora_python import Database, LoraQueryError, QueryResult


def test_a_result_has_exactly_columns_and_rows(db: Database) -> None:
    result = db.execute("RETURN 1 AS one, 'x' AS letter")
    assert type(result) is QueryResult
    assert isinstance(result, dict)
    assert list(result) == ["columns", "rows"]
    assert result == {"columns": ["one", "letter"], "rows": [{"one": 1, "letter": "x"}]}


def test_column_order_is_kept_in_columns_and_rows(db: Database) -> None:
    result = db.execute("RETURN 3 AS z, 1 AS a, 2 AS m")
    assert result["columns"] == ["z", "a", "m"]
    assert list(result["rows"][0]) == ["z", "a", "m"]


def test_columns_are_named_as_written(db: Database) -> None:
    db.execute("CREATE (:P {name: 'Ada'})")
    assert db.execute("MATCH (n:P) RETURN n.name, count(*)")["columns"] == ["n.name", "count(*)"]


def test_columns_are_there_without_rows(db: Database) -> None:
    assert db.execute("MATCH (n:Nobody) RETURN n.name AS name, n") == {"columns": ["name", "n"], "rows": []}


def test_a_write_without_return_has_no_rows(db: Database) -> None:
    assert db.execute("CREATE (:A)") == {"columns": [], "rows": []}


@pytest.mark.parametrize("name", ["__class__", "__dict__", "__slots__", "items", "ä ö", "n.name", "`"])
def test_any_column_name_works_for_one_row_and_for_many(memory: Database, name: str) -> None:
    quoted = "`" + name.replace("`", "``") + "`"
    for count in (1, 3_000):
        result = memory.execute("UNWIND range(1, %d) AS i RETURN i AS %s" % (count, quoted))
        assert result["columns"] == [name]
        assert [r[name] for r in result["rows"]] == list(range(1, count + 1))


@pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 1_000, 2_047, 2_048, 2_049, 10_000])
def test_every_row_is_a_dict_of_its_own(memory: Database, count: int) -> None:
    result = rows(memory, "UNWIND range(1, $n) AS i RETURN i, toString(i) AS s, null AS nothing", {"n": count})
    assert result == [{"i": i, "s": str(i), "nothing": None} for i in range(1, count + 1)]
    if count > 1:
        result[0]["added"] = 1
        del result[0]["i"]
        assert list(result[1]) == ["i", "s", "nothing"]


def test_wide_rows(memory: Database) -> None:
    for width in (1, 29, 30, 31, 300):
        query = "UNWIND range(1, 600) AS i RETURN " + ", ".join("i + %d AS c%d" % (c, c) for c in range(width))
        result = rows(memory, query)
        assert result[599] == {"c%d" % c: 600 + c for c in range(width)}


def test_results_are_plain_data(db: Database) -> None:
    db.execute("CREATE (:P {name: 'Ada', tags: ['a', 'b']})-[:R {w: 1.5}]->(:Q)")
    result = db.execute("MATCH p = (a)-[r]->(b) RETURN p, a, r, [a, {b: b}] AS nested")
    assert json.loads(json.dumps(result)) == result
    assert copy.deepcopy(result) == result
    assert pickle.loads(pickle.dumps(result)) == result


def test_a_trailing_semicolon_is_fine_and_two_statements_are_not(db: Database) -> None:
    assert rows(db, "RETURN 1 AS x;") == [{"x": 1}]
    with pytest.raises(LoraQueryError) as caught:
        db.execute("RETURN 1 AS x; RETURN 2 AS y")
    assert caught.value.code == "LORA_PARSE"


def test_a_failed_statement_leaves_nothing_and_the_handle_goes_on(db: Database) -> None:
    with pytest.raises(LoraQueryError):
        db.execute("UNWIND [1, 2, 0] AS d CREATE (:N {v: 10 / d})")
    assert db.node_count == 0
    db.execute("CREATE (:N)")
    assert db.node_count == 1


def test_counts_follow_writes(db: Database) -> None:
    db.execute("UNWIND range(1, 10) AS i CREATE (:A)-[:R]->(:B)")
    assert (db.node_count, db.relationship_count) == (20, 10)
    db.execute("MATCH (a:A) DETACH DELETE a")
    assert (db.node_count, db.relationship_count) == (10, 0)
    db.clear()
    assert (db.node_count, db.relationship_count) == (0, 0)


def test_ids_are_not_used_again_after_clear(db: Database) -> None:
    first = rows(db, "CREATE (n) RETURN id(n) AS id")[0]["id"]
    db.clear()
    assert rows(db, "CREATE (n) RETURN id(n) AS id")[0]["id"] > first


def test_indexes_stay_after_clear(db: Database) -> None:
    db.execute("CREATE INDEX people FOR (n:Person) ON (n.name)")
    db.clear()
    assert [r["name"] for r in rows(db, "SHOW INDEXES YIELD name, type WHERE type = 'RANGE' RETURN name")] == ["people"]


def nodes_of(tree: Dict[str, Any]) -> int:
    assert set(tree) == {"id", "operator", "details", "estimated_rows", "children"}
    assert isinstance(tree["id"], int) and isinstance(tree["operator"], str) and isinstance(tree["details"], str)
    return 1 + sum(map(nodes_of, tree["children"]))


def test_explain_has_its_exact_shape_and_never_runs(db: Database) -> None:
    plan = db.explain("CREATE (n:A {x: $missing}) RETURN n.x AS x")
    assert set(plan) == {"query", "shape", "result_columns", "tree"}
    assert plan["query"] == "CREATE (n:A {x: $missing}) RETURN n.x AS x"
    assert plan["shape"] == "mutating"
    assert plan["result_columns"] == ["x"]
    assert nodes_of(plan["tree"]) >= 2
    assert db.node_count == 0
    assert db.explain("MATCH (n) RETURN n")["shape"] == "readOnly"


def test_profile_runs_and_measures(db: Database) -> None:
    profile = db.profile("UNWIND range(1, 100) AS i CREATE (n:A {i: i}) RETURN n.i AS i")
    assert set(profile) == {"plan", "metrics"}
    metrics = profile["metrics"]
    assert set(metrics) == {"total_elapsed_ns", "total_rows", "mutated", "per_operator"}
    assert metrics["mutated"] is True
    assert metrics["total_rows"] == 100
    assert metrics["total_elapsed_ns"] > 0
    assert len(metrics["per_operator"]) == nodes_of(profile["plan"]["tree"])
    for identity, measured in metrics["per_operator"].items():
        assert isinstance(identity, int)
        assert set(measured) == {"rows", "db_hits", "elapsed_ns", "next_calls"}
    assert db.node_count == 100
    assert db.profile("MATCH (n:A) RETURN n")["metrics"]["mutated"] is False


def test_explain_and_profile_as_prefixes(db: Database) -> None:
    assert db.execute("EXPLAIN CREATE (:A)")["columns"] == ["operator", "details", "estimated_rows", "id"]
    assert db.node_count == 0


def test_verify_and_stats(db: Database) -> None:
    db.execute("CREATE (:A)-[:R]->(:B)")
    for level in ("quick", "full"):
        assert db.verify(level) == {"ok": True, "errors": []}
    stats = db.stats()
    assert stats["commits"] >= 1
    assert all(isinstance(k, str) for k in stats)


def test_sync_and_checkpoint_change_nothing(db: Database) -> None:
    db.execute("CREATE (:A)")
    db.sync()
    db.checkpoint()
    db.checkpoint(compact=True)
    assert db.node_count == 1
