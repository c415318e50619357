"""Labels, types, keys and values from a user's text: given as parameters they are names and data, never Cypher."""

from __future__ import annotations

import pytest
from conftest import rows
from lora_python import Database, LoraQueryError

HOSTILE = [
    "A) DETACH DELETE n //",
    "A`) DETACH DELETE n //",
    "A` {x: 1}) MATCH (m) DETACH DELETE m RETURN 1 //",
    "`",
    "``",
    "A\\u0060) DETACH DELETE n //",
    "\\`",
    "' OR 1 = 1 //",
    '" OR "" = "',
    "A:B",
    "A|B",
    "A&B",
    "!A",
    "%",
    "*",
    "$x",
    "$($x)",
    "{x}",
    "a.b",
    "a; MATCH (n) DETACH DELETE n",
    "/* */",
    "A\n) DETACH DELETE n //",
    "null",
    "DELETE",
    " A ",
    "\u2019; DROP",
    "\uff40) DETACH DELETE n //",
    "A\u202e) DETACH",
]


@pytest.fixture
def guarded(db: Database) -> Database:
    db.execute("CREATE (:A {x: 1})-[:R {x: 1}]->(:B {x: 2})")
    return db


@pytest.mark.parametrize("text", HOSTILE)
def test_dynamic_names_are_names(guarded: Database, text: str) -> None:
    db, params = guarded, {"t": text}
    assert rows(db, "MATCH (n:$($t)) RETURN n", params) == []
    assert rows(db, "MATCH ()-[r:$($t)]->() RETURN r", params) == []
    assert rows(db, "MATCH (n) WHERE n:$($t) RETURN n", params) == []
    assert rows(db, "MATCH (n) RETURN n[$t] AS x", params) == [{"x": None}] * 2
    assert (db.node_count, db.relationship_count) == (2, 1)
    db.execute("MATCH (a:A) CREATE (n:$($t))-[:$($t)]->(a) SET n[$t] = $t", params)
    got = rows(
        db, "MATCH (n:$($t))-[r:$($t)]->(:A) RETURN labels(n) AS l, type(r) AS t, keys(n) AS k, n[$t] AS x", params
    )
    assert got == [{"l": [text], "t": text, "k": [text], "x": text}]
    assert rows(db, "MATCH (n) WHERE $t IN labels(n) AND n[$t] = $t RETURN count(n) AS c", params) == [{"c": 1}]
    db.execute("MATCH (n:A) SET n:$($t) SET n += {m: 1}", params)
    db.execute("MATCH (n:A) REMOVE n:$($t) REMOVE n[$t]", params)
    assert rows(db, "MATCH (n:A) RETURN labels(n) AS l, n.x AS x, n.m AS m") == [{"l": ["A"], "x": 1, "m": 1}]
    assert (db.node_count, db.relationship_count) == (3, 2)
    assert db.verify()["ok"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_name_in_backticks_is_a_name(guarded: Database, text: str) -> None:
    """What a program does that builds query text itself: every backtick doubled."""
    db, name = guarded, "`" + text.replace("`", "``") + "`"
    db.execute("CREATE (:%s {%s: 1})" % (name, name))
    assert rows(db, "MATCH (n:%s) RETURN labels(n) AS l, keys(n) AS k" % name) == [{"l": [text], "k": [text]}]
    assert rows(db, "MATCH (n:%s) RETURN n.%s AS %s" % (name, name, name)) == [{text: 1}]
    assert (db.node_count, db.relationship_count) == (3, 1)


@pytest.mark.parametrize("text", HOSTILE)
def test_values_are_data(guarded: Database, text: str) -> None:
    db, params = guarded, {"t": text, "m": {text: text}}
    assert rows(db, "MATCH (n) WHERE n.x = $t RETURN n", params) == []
    assert rows(db, "RETURN $t AS t, $m AS m, [$t] AS l, $t = $t AS e", params) == [
        {"t": text, "m": {text: text}, "l": [text], "e": True}
    ]
    assert rows(db, "WITH $t AS t RETURN t CONTAINS $t AS c, t STARTS WITH $t AS s", params) == [{"c": True, "s": True}]
    db.execute("CREATE (n:C) SET n = $m", params)
    assert rows(db, "MATCH (n:C) RETURN properties(n) AS p", params) == [{"p": {text: text}}]
    assert (db.node_count, db.relationship_count) == (3, 1)


@pytest.mark.parametrize("value", [1, None, True, 1.5, {"a": 1}, [1], [None], ["A", 2], ""])
def test_dynamic_names_that_are_no_text(guarded: Database, value: object) -> None:
    for query in ("CREATE (n:$($t))", "MATCH (n:A) SET n:$($t)", "MATCH (a:A) CREATE (a)-[:$($t)]->(a)"):
        with pytest.raises(LoraQueryError) as caught:
            guarded.execute(query, {"t": value})
        assert caught.value.code in ("LORA_TYPE", "LORA_SEMANTIC", "LORA_LIMIT"), (query, caught.value)
    assert (guarded.node_count, guarded.relationship_count) == (2, 1)
