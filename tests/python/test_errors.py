"""Errors: classes, codes, the standard's words, places in the text, and hints."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any, Dict, Optional

import pytest
from conftest import rows
from lora_python import Database, InvalidParamsError, LoraError, LoraQueryError


def error_of(db: Database, query: str, params: Any = None) -> LoraQueryError:
    with pytest.raises(LoraQueryError) as caught:
        db.execute(query, params)
    error = caught.value
    assert str(error).startswith(str(error.code) + ": ")
    assert db.execute("RETURN 1 AS x")["rows"] == [{"x": 1}]
    return error


CASES = [
    ("RETURN", "LORA_PARSE", "SyntaxError", "compile time", None),
    ("BAD QUERY", "LORA_PARSE", "SyntaxError", "compile time", None),
    ("", "LORA_PARSE", "SyntaxError", "compile time", None),
    ("RETURN 'open", "LORA_PARSE", "SyntaxError", "compile time", None),
    ("RETURN x", "LORA_SEMANTIC", "SyntaxError", "compile time", "UndefinedVariable"),
    ("RETURN 1 AS a, 2 AS a", "LORA_SEMANTIC", "SyntaxError", "compile time", "ColumnNameConflict"),
    ("RETURN nosuch(1) AS x", "LORA_SEMANTIC", "SyntaxError", "compile time", "UnknownFunction"),
    ("RETURN 9223372036854775808 AS x", "LORA_PARSE", "SyntaxError", "compile time", "IntegerOverflow"),
    ("RETURN $x AS x", "LORA_PARAMETER_MISSING", "ParameterMissing", None, None),
    ("UNWIND [0] AS z RETURN 1 / z AS x", "LORA_ARITHMETIC", "ArithmeticError", "runtime", None),
    ("CREATE (:A)-[:R]->(b) WITH b DELETE b", "LORA_FOREIGN_KEY", None, "runtime", "DeleteConnectedNode"),
    ("CALL no.such.procedure()", None, "ProcedureError", None, "ProcedureNotFound"),
    ("LOAD CSV FROM 'file:///etc/passwd' AS l RETURN l", "LORA_CONFIG", None, None, None),
]


@pytest.mark.parametrize(("query", "code", "kind", "phase", "detail"), CASES, ids=[c[0][:30] or "empty" for c in CASES])
def test_codes_and_words(
    memory: Database,
    query: str,
    code: Optional[str],
    kind: Optional[str],
    phase: Optional[str],
    detail: Optional[str],
) -> None:
    error = error_of(memory, query)
    wanted = {"code": code, "type": kind, "phase": phase, "detail": detail}
    seen = {name: getattr(error, name) for name, value in wanted.items() if value is not None}
    assert seen == {name: value for name, value in wanted.items() if value is not None}


def test_constraint_errors(db: Database) -> None:
    db.execute("CREATE CONSTRAINT one FOR (n:P) REQUIRE n.id IS UNIQUE")
    db.execute("CREATE (:P {id: 1})")
    assert error_of(db, "CREATE (:P {id: 1})").code == "LORA_UNIQUE_CONSTRAINT"
    assert error_of(db, "CREATE CONSTRAINT two FOR (n:Q) REQUIRE n.id IS NOT NULL").code == "LORA_UNSUPPORTED"
    assert "22N" in str(error_of(db, "CREATE CONSTRAINT one FOR (n:R) REQUIRE n.id IS UNIQUE"))
    assert db.node_count == 1


def test_a_failed_statement_leaves_nothing_and_the_handle_goes_on(db: Database) -> None:
    db.execute("CREATE CONSTRAINT one FOR (n:P) REQUIRE n.id IS UNIQUE")
    db.execute("CREATE (:P {id: 1})")
    failing = {
        "UNWIND [2000, 2001, 1] AS id CREATE (:P {id: id})": "LORA_UNIQUE_CONSTRAINT",
        "CREATE (:AT) WITH [1] AS x RETURN toInteger(x)": "LORA_TYPE",
        "UNWIND [2, 1, 0] AS x CREATE (:Q {v: 10 / x})": "LORA_ARITHMETIC",
    }
    for number, (query, code) in enumerate(failing.items()):
        assert error_of(db, query).code == code
        assert db.node_count == number + 1
        db.execute("CREATE (:P {id: $id})", {"id": number + 2})
        assert rows(db, "MATCH (n) RETURN count(n) AS c, max(n.id) AS m") == [{"c": number + 2, "m": number + 2}]
    assert db.verify() == {"ok": True, "errors": []}


def test_the_place_is_shown_with_a_caret(memory: Database) -> None:
    error = error_of(memory, "MATCH (person:P)\nRETURN persom.name")
    assert (error.line, error.column, error.offset) == (2, 8, 24)
    lines = str(error).split("\n")
    shown = next(i for i, line in enumerate(lines) if "RETURN persom.name" in line)
    assert lines[shown + 1].index("^") == lines[shown].index("persom")
    assert "did you mean `person`" in str(error)


def test_columns_count_characters_and_offsets_count_bytes(memory: Database) -> None:
    error = error_of(memory, "RETURN 'äöü\U0001f600' + nobody")
    assert error.column == len("RETURN 'äöü\U0001f600' + ") + 1
    assert error.offset == len("RETURN 'äöü\U0001f600' + ".encode())


def test_hints_for_functions_and_clauses(memory: Database) -> None:
    assert "toUpper" in str(error_of(memory, "RETURN toUpperr('x') AS x"))
    assert "MATCH" in str(error_of(memory, "MTCH (n) RETURN n"))


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("SELECT * FROM P", "MATCH (n:Label) WHERE ... RETURN"),
        ("MATCH (n) RETURN count(*) GROUP BY n.x", "grouped by the columns without an aggregate"),
        ("MATCH (n) WHERE n.x LIKE 'a' RETURN n", "CONTAINS"),
        ("INSERT (:P)", "CREATE or MERGE"),
        ("BEGIN", "begin()"),
        ("commit", "begin()"),
        ("MATCH (n)->(m) RETURN n", "`-[:TYPE]->`"),
        ("MATCH (n:P) WHERE name = 'Ada' RETURN n", "`n.name`"),
        ("MATCH (n:P) SET name = 'Ada'", "`n.name`"),
        ("MATCH (n) WHERE n.x == 1 RETURN n", "one `=`"),
        ("MATCH (n) WITH n.name RETURN n", "add AS"),
        ("RETURN 'open", "add a `'`"),
        ("MATCH (n)", "add RETURN"),
        ("CREATE INDEX ON :P(name)", "FOR (n:Label) ON (n.property)"),
        ("RETURN 1 AS x; RETURN 2 AS x", "one by one"),
    ],
)
def test_hints_for_common_mistakes(memory: Database, query: str, hint: str) -> None:
    assert hint in str(error_of(memory, query)).split("\n")[-1]


@pytest.mark.parametrize(
    ("params", "hint"),
    [
        (None, "none were given"),
        ({}, "none were given"),
        ({"$name": 1}, "given without the `$`"),
        ({"names": 1}, "did you mean `names`"),
        ({"other": 1}, "`$name` is missing"),
    ],
    ids=repr,
)
def test_a_missing_parameter_says_what_was_given_instead(memory: Database, params: Any, hint: str) -> None:
    error = error_of(memory, "RETURN $name AS x", params)
    assert error.code == "LORA_PARAMETER_MISSING"
    assert hint in str(error)


HUGE = "A" * 1_000_000


@pytest.mark.parametrize(
    "call",
    [
        lambda db: db.load_snapshot(HUGE),
        lambda db: db.save_snapshot(HUGE),
        lambda db: db.load_snapshot(b"", HUGE),
        lambda db: db.begin(HUGE),
        lambda db: db.verify(HUGE),
        lambda db: db.execute("RETURN '%s' AS a nonsense" % HUGE),
        lambda db: db.execute("RETURN $`%s` AS x" % HUGE),
        lambda db: db.execute("RETURN `%s` AS x" % HUGE),
        lambda db: db.execute("RETURN %s() AS x" % HUGE),
        lambda db: db.execute("CALL %s()" % HUGE),
        lambda db: db.execute("RETURN date($x) AS x", {"x": HUGE}),
        lambda db: db.execute("RETURN 1 AS x", {"x": {"kind": "date", "iso": HUGE}}),
        lambda db: db.transaction([{HUGE: 1, "query": "RETURN 1"}]),
        lambda db: Database("app", {HUGE: 1}),
        lambda db: Database("app", {"sync": HUGE}),
        lambda db: Database("app", {"database_dir": HUGE}),
        lambda db: Database(HUGE),
    ],
)
def test_messages_stay_short_whatever_was_given(memory: Database, call: Any) -> None:
    with pytest.raises(LoraError) as caught:
        call(memory)
    assert len(str(caught.value)) < 5_000


def test_errors_without_a_place_have_none(memory: Database) -> None:
    error = error_of(memory, "RETURN $p AS x")
    assert error.line is None or error.line == 1
    memory.close()
    with pytest.raises(LoraQueryError) as caught:
        memory.execute("RETURN 1 AS x")
    assert (caught.value.code, caught.value.line, caught.value.column, caught.value.offset) == (
        "LORA_CLOSED",
        None,
        None,
        None,
    )


def test_the_tree_of_classes() -> None:
    assert issubclass(LoraError, Exception)
    assert issubclass(LoraQueryError, LoraError)
    assert issubclass(InvalidParamsError, LoraError)
    assert not issubclass(InvalidParamsError, LoraQueryError)
    mine = LoraError("made by hand")
    assert (mine.code, mine.type, mine.line) == (None, None, None)


def test_errors_can_be_pickled_and_copied(memory: Database) -> None:
    error = error_of(memory, "RETURN nobody")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is LoraQueryError
        assert (str(twin), twin.code, twin.line, twin.detail) == (str(error), error.code, error.line, error.detail)


def test_every_member_of_a_closed_handle_says_so(tmp_path: Path) -> None:
    db = Database("app", {"database_dir": tmp_path})
    tx, stream = db.begin("ro"), db.stream("UNWIND range(1, 100000) AS i RETURN i")
    db.close()
    db.close()
    calls: Dict[str, Any] = {
        "execute": lambda: db.execute("RETURN 1 AS x"),
        "stream": lambda: db.stream("RETURN 1 AS x"),
        "transaction": lambda: db.transaction([{"query": "RETURN 1 AS x"}]),
        "begin": lambda: db.begin(),
        "explain": lambda: db.explain("RETURN 1 AS x"),
        "profile": lambda: db.profile("RETURN 1 AS x"),
        "save_snapshot": lambda: db.save_snapshot(),
        "save_snapshot file": lambda: db.save_snapshot(tmp_path / "s"),
        "load_snapshot": lambda: db.load_snapshot(b"x"),
        "load_snapshot file": lambda: db.load_snapshot(tmp_path / "s"),
        "clear": db.clear,
        "sync": db.sync,
        "checkpoint": db.checkpoint,
        "verify": db.verify,
        "stats": db.stats,
        "node_count": lambda: db.node_count,
        "relationship_count": lambda: db.relationship_count,
        "tx": lambda: tx.execute("RETURN 1 AS x"),
        "commit": lambda: tx.commit(),
        "next": lambda: list(stream),
    }
    for name, call in calls.items():
        with pytest.raises(LoraQueryError) as caught:
            call()
        assert caught.value.code == "LORA_CLOSED", name
    db.interrupt()
    tx.rollback()
    stream.close()
    assert repr(db) == "<lora_python.Database closed>"


# --- options ---


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"databse_dir": "."}, "did you mean `database_dir`"),
        ({"databaseDirr": "."}, "did you mean `databaseDir`"),
        ({"Sync": "off"}, "did you mean `sync`"),
        ({"cacheBytess": 1}, "did you mean `cacheBytes`"),
        ({"zzz": 1}, "known are database_dir"),
        ({5: 1}, "must be str"),
        ({"sync": "always"}, "commit, interval, off"),
        ({"sync": 1}, "commit, interval, off"),
        ({"read_only": 1}, "True or False"),
        ({"cache_bytes": "1"}, "integer"),
        ({"cache_bytes": True}, "integer"),
        ({"cache_bytes": 1}, "from 1048576"),
        ({"busy_timeout_ms": -1}, "from 0"),
        ({"query_timeout_ms": 2**64}, "from 0"),
        ({"sync_interval_ms": 0}, "from 1"),
        ({"database_dir": 5}, "PathLike"),
        ({"database_dir": ""}, "empty"),
        ({"database_dir": "a\0b"}, "null byte"),
        ({"database_dir": "\ud800"}, "no path has"),
        ({"database_dir": ".", "databaseDir": "."}, "twice"),
        ({"on_corruption": "ignore"}, "error, recover"),
        ([("sync", "off")], "must be a mapping"),
        ("sync", "must be a mapping"),
    ],
    ids=repr,
)
def test_wrong_options(tmp_path: Path, options: Any, hint: str) -> None:
    with pytest.raises(InvalidParamsError) as caught:
        Database("app", options)
    assert caught.value.code == "LORA_INVALID_PARAMS"
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"database_dir": "."},
        {"read_only": True},
        {"sync": "commit"},
        {"create_if_missing": False},
        {"on_corruption": "recover"},
        {"open_wal": True},
        {"openWal": {}},
        {"snapshot_every_commits": 5},
    ],
    ids=repr,
)
def test_options_that_do_not_fit(options: Dict[str, Any]) -> None:
    with pytest.raises(LoraQueryError) as caught:
        Database(None, options)
    assert caught.value.code == "LORA_CONFIG"
    if "wal" in str(options).lower() or "snapshot" in str(options):
        assert "open_wal" in str(caught.value)
        assert "Database(name, options)" in str(caught.value)


def test_options_in_both_spellings(tmp_path: Path) -> None:
    for options in (
        {"database_dir": tmp_path, "sync": "interval", "sync_interval_ms": 10, "cache_bytes": 1 << 26},
        {"databaseDir": str(tmp_path), "syncIntervalMs": 10, "cacheBytes": 1 << 26, "busyTimeoutMs": 1, "sync": "off"},
        {"databaseDir": tmp_path, "readOnly": None, "importDir": None, "onCorruption": "error"},
    ):
        with Database("app", options) as db:
            assert db.node_count >= 0


@pytest.mark.parametrize("name", [5, b"app", ["app"], {"database_dir": "."}], ids=repr)
def test_a_name_must_be_text(name: Any) -> None:
    with pytest.raises(InvalidParamsError, match="must be a str"):
        Database(name)


def test_query_timeout(memory: Database) -> None:
    endless = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b WITH a, b WHERE a + b < 0 RETURN count(*) AS c"
    with pytest.raises(LoraQueryError) as caught:
        memory.execute(endless, timeout=0.05)
    assert caught.value.code == "LORA_TIMEOUT"
    with Database(None, {"query_timeout_ms": 50}) as limited:
        with pytest.raises(LoraQueryError) as caught:
            limited.execute(endless)
        assert caught.value.code == "LORA_TIMEOUT"


def test_memory_limit() -> None:
    with Database(None, {"query_memory_bytes": 1 << 22}) as db:
        error = error_of(db, "UNWIND range(1, 10000000) AS i RETURN collect(toString(i)) AS l")
        assert error.code == "LORA_MEMORY_LIMIT"
