"""Functions and procedures that a program registers."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import time
import weakref
from typing import Any, Dict, Iterator, List

import pytest
from lora_python import AsyncDatabase, Database, InvalidParamsError, LoraError, LoraQueryError, date


def rows(db: Database, query: str, **params: Any) -> List[Dict[str, Any]]:
    return db.execute(query, params)["rows"]


def error_of(db: Database, query: str, **params: Any) -> LoraError:
    with pytest.raises(LoraError) as caught:
        db.execute(query, params)
    return caught.value


# --- functions ---


def test_function_is_called_with_plain_data_and_gives_a_value(db: Database) -> None:
    db.register_function(
        "my.join(words :: LIST<STRING>, glue :: STRING) :: STRING", lambda words, glue: glue.join(words)
    )
    assert rows(db, "RETURN my.join(['a', 'b'], '-') AS x") == [{"x": "a-b"}]
    assert rows(db, "UNWIND [['a'], ['b', 'c']] AS w RETURN MY.JOIN(w, '') AS x") == [{"x": "a"}, {"x": "bc"}]


def test_function_of_a_property_filters_sorts_and_aggregates(db: Database) -> None:
    db.execute("UNWIND [3, 1, 2] AS v CREATE (:N {v: v})")
    db.register_function("my.square(x :: INTEGER) :: INTEGER", lambda x: x * x)
    assert rows(db, "MATCH (n:N) WHERE my.square(n.v) > 1 RETURN n.v AS v ORDER BY my.square(n.v) DESC") == [
        {"v": 3},
        {"v": 2},
    ]
    assert rows(db, "MATCH (n:N) RETURN sum(my.square(n.v)) AS s") == [{"s": 14}]
    db.execute("MATCH (n:N) SET n.w = my.square(n.v)")
    assert rows(db, "MATCH (n:N) RETURN sum(n.w) AS s") == [{"s": 14}]


def test_function_sees_whole_nodes_and_may_give_them_back(memory: Database) -> None:
    memory.execute("CREATE (:P {name: 'Ada'})-[:KNOWS {since: 1}]->(:P {name: 'Mary'})")
    memory.register_function("my.name(n :: NODE) :: STRING", lambda n: n["labels"][0] + ":" + n["properties"]["name"])
    memory.register_function("my.same(n :: NODE) :: NODE", lambda n: n)
    memory.register_function("my.count(p :: PATH) :: INTEGER", lambda p: len(p["nodes"]))
    assert rows(memory, "MATCH (n:P) RETURN my.name(n) AS x ORDER BY x") == [{"x": "P:Ada"}, {"x": "P:Mary"}]
    assert rows(memory, "MATCH (n:P {name: 'Ada'})-->(m) WITH my.same(n) AS a RETURN a.name AS x") == [{"x": "Ada"}]
    assert rows(memory, "MATCH p = ()-[]->() RETURN my.count(p) AS n") == [{"n": 2}]


def test_function_result_node_that_does_not_exist_is_a_type_error(memory: Database) -> None:
    memory.register_function("my.ghost() :: NODE", lambda: {"kind": "node", "id": 123})
    assert error_of(memory, "RETURN my.ghost()").code == "LORA_TYPE"


def test_function_takes_every_kind_of_value(memory: Database) -> None:
    seen: List[Any] = []
    memory.register_function("my.see(x :: ANY?) :: ANY?", lambda x: seen.append(x) or x)
    values = [None, True, 1, 1.5, "x", [1, None], {"a": {"b": [2]}}, date("2024-01-31")]
    for value in values:
        assert rows(memory, "RETURN my.see($v) AS x", v=value) == [{"x": value}]
    assert seen == values


def test_null_needs_a_question_mark(memory: Database) -> None:
    memory.register_function("my.strict(x :: INTEGER) :: INTEGER", lambda x: x)
    memory.register_function("my.lax(x :: INTEGER?) :: INTEGER?", lambda x: x)
    memory.register_function("my.bad() :: INTEGER", lambda: None)
    assert rows(memory, "RETURN my.lax(null) AS x") == [{"x": None}]
    assert error_of(memory, "RETURN my.strict(null)").code == "LORA_TYPE"
    assert "INTEGER?" in str(error_of(memory, "RETURN my.strict(null)"))
    assert error_of(memory, "RETURN my.bad()").code == "LORA_TYPE"


def test_integer_passes_for_a_float_and_arrives_as_one(memory: Database) -> None:
    memory.register_function("my.kind(x :: FLOAT) :: STRING", lambda x: type(x).__name__)
    memory.register_function("my.half(x :: INTEGER) :: FLOAT", lambda x: x // 2)
    assert rows(memory, "RETURN my.kind(1) AS x, my.half(4) AS y") == [{"x": "float", "y": 2.0}]
    assert isinstance(rows(memory, "RETURN my.half(4) AS y")[0]["y"], float)


@pytest.mark.parametrize(
    ("query", "detail", "phase"),
    [
        ("RETURN my.f()", "InvalidNumberOfArguments", "compile time"),
        ("RETURN my.f(1, 2)", "InvalidNumberOfArguments", "compile time"),
        ("RETURN my.f('x')", "InvalidArgumentType", "compile time"),
        ("WITH $x AS x RETURN my.f(x)", "InvalidArgumentType", "runtime"),
        ("RETURN my.g(1)", "UnknownFunction", "compile time"),
        ("RETURN my.f(DISTINCT 1)", "InvalidArgumentType", "compile time"),
    ],
)
def test_wrong_calls_are_errors_before_the_callable(memory: Database, query: str, detail: str, phase: str) -> None:
    memory.register_function("my.f(x :: INTEGER) :: INTEGER", lambda x: pytest.fail("called"))
    error = error_of(memory, query, x="text")
    assert (error.detail, error.phase) == (detail, phase)


def test_wrong_result_names_the_function(memory: Database) -> None:
    memory.register_function("my.f() :: INTEGER", lambda: "text")
    memory.register_function("my.g() :: ANY", lambda: object())
    memory.register_function("my.h() :: INTEGER", lambda: 1 << 64)
    for name in ("f", "g", "h"):
        error = error_of(memory, "RETURN my.%s()" % name)
        assert error.code == "LORA_TYPE" and "`my.%s`" % name in str(error), error


def test_unknown_function_suggests_a_registered_one(memory: Database) -> None:
    memory.register_function("my.score(x :: ANY) :: FLOAT", lambda x: 1.0)
    assert "my.score" in str(error_of(memory, "RETURN other.score(1)"))


def test_volatile_function_is_called_once_a_row_and_deterministic_ones_may_be_called_less(memory: Database) -> None:
    count = iter(range(1000))
    memory.register_function("my.next() :: INTEGER", lambda: next(count))
    assert rows(memory, "UNWIND [1, 1, 1] AS x RETURN my.next() AS n") == [{"n": 0}, {"n": 1}, {"n": 2}]
    memory.register_function("my.same(x :: INTEGER) :: INTEGER", lambda x: x, deterministic=True)
    assert rows(memory, "UNWIND [1, 2] AS x RETURN my.same(x) AS n, count(*) AS c ORDER BY my.same(x)") == [
        {"n": 1, "c": 1},
        {"n": 2, "c": 1},
    ]
    assert rows(memory, "UNWIND range(1, 50) AS x RETURN sum(my.same(x)) AS s") == [{"s": 1275}]


# --- procedures ---


def test_procedure_gives_rows_as_tuples_lists_and_dicts(db: Database) -> None:
    def pairs(n: int) -> Iterator[Any]:
        yield (1, "a")
        yield [n, None]
        yield {"b": "c", "a": 3}

    db.register_procedure("my.pairs(n :: INTEGER) :: (a :: INTEGER, b :: STRING?)", pairs)
    expected = [{"a": 1, "b": "a"}, {"a": 2, "b": None}, {"a": 3, "b": "c"}]
    assert rows(db, "CALL my.pairs(2)") == expected
    assert rows(db, "CALL my.pairs", n=2) == expected
    assert rows(db, "CALL my.pairs(2) YIELD *") == expected
    assert rows(db, "UNWIND [5, 6] AS x CALL my.pairs(x) YIELD a AS y WHERE y > 3 RETURN x, y") == [
        {"x": 5, "y": 5},
        {"x": 6, "y": 6},
    ]
    db.execute("CALL my.pairs(2) YIELD a CREATE (:N {a: a})")
    assert rows(db, "MATCH (n:N) RETURN sum(n.a) AS s") == [{"s": 6}]


def test_procedure_errors_at_compile_time(memory: Database) -> None:
    memory.register_procedure("my.p(n :: INTEGER) :: (a :: INTEGER)", lambda n: [(n,)])
    assert error_of(memory, "CALL my.q(1)").detail == "ProcedureNotFound"
    assert error_of(memory, "CALL my.p()").detail == "InvalidNumberOfArguments"
    assert error_of(memory, "CALL my.p('x')").detail == "InvalidArgumentType"
    assert error_of(memory, "CALL my.p").code == "LORA_PARAMETER_MISSING"
    assert error_of(memory, "CALL my.p(1) YIELD b RETURN b").detail == "UndefinedVariable"


def test_void_procedure_passes_each_row_on(memory: Database) -> None:
    calls: List[int] = []
    memory.register_procedure("my.note(x :: INTEGER) :: VOID", lambda x: calls.append(x))
    assert rows(memory, "UNWIND [1, 2] AS x CALL my.note(x) RETURN x") == [{"x": 1}, {"x": 2}]
    assert rows(memory, "CALL my.note(3)") == []
    assert calls == [1, 2, 3]
    memory.register_procedure("my.note(x :: INTEGER) :: VOID", lambda x: [x])
    assert "VOID" in str(error_of(memory, "CALL my.note(3)"))


def test_generator_is_asked_for_what_the_query_wants_and_closed_early(memory: Database) -> None:
    made, closed = [], []

    def numbers() -> Iterator[Any]:
        try:
            for i in range(1_000_000):
                made.append(i)
                yield (i,)
        finally:
            closed.append(True)

    memory.register_procedure("my.numbers() :: (i :: INTEGER)", numbers)
    assert rows(memory, "CALL my.numbers() YIELD i RETURN i LIMIT 3") == [{"i": 0}, {"i": 1}, {"i": 2}]
    assert len(made) < 10_000
    assert closed == [True]
    with memory.stream("CALL my.numbers() YIELD i RETURN i") as stream:
        assert next(stream) == {"i": 0}
    gc.collect()
    assert closed == [True, True]
    assert len(made) < 10_000


@pytest.mark.parametrize(
    "given",
    [
        5,
        None,
        "ab",
        {"a": 1},
        [5],
        [(1,)],
        [(1, 2, 3)],
        [{"a": 1}],
        [{"a": 1, "c": 2}],
        [(1, "x")],
        [(1, None)],
        [object()],
    ],
)
def test_rows_of_the_wrong_shape_name_the_procedure(memory: Database, given: Any) -> None:
    memory.register_procedure("my.p() :: (a :: INTEGER, b :: INTEGER)", lambda: given)
    error = error_of(memory, "CALL my.p()")
    assert error.code == "LORA_TYPE" and "`my.p`" in str(error), error


def test_wrong_value_names_the_column(memory: Database) -> None:
    memory.register_procedure("my.p() :: (a :: INTEGER, b :: INTEGER)", lambda: [(1, "x")])
    assert "`b`" in str(error_of(memory, "CALL my.p()"))


def test_table_is_a_procedure(db: Database) -> None:
    db.register_procedure(
        "my.capital(country :: STRING?) :: (city :: STRING?, people :: FLOAT)",
        ["country", "city", "people"],
        [("FR", "Paris", 2), ["DE", "Berlin", 3.6], {"city": None, "country": None, "people": 0}],
    )
    assert rows(db, "CALL my.capital('FR')") == [{"city": "Paris", "people": 2.0}]
    assert rows(db, "CALL my.capital(null)") == [{"city": None, "people": 0.0}]
    assert rows(db, "CALL my.capital('XX')") == []


@pytest.mark.parametrize(
    ("columns", "table"),
    [
        (["a"], [(1,)]),
        (["a", "c"], [(1, 2)]),
        (["a", "b", "c"], []),
        (["a", "b"], [(1,)]),
        (["a", "b"], [("x", 1)]),
        (["a", "b"], [(None, 1)]),
        ("ab", [(1, 2)]),
        (["a", "b"], 5),
        (["a", "b"], ["ab"]),
        (["a", "b"], [{"a": 1}]),
        (["a", "b"], [(1, object())]),
    ],
)
def test_table_that_does_not_fit_is_refused(memory: Database, columns: Any, table: Any) -> None:
    with pytest.raises(LoraError):
        memory.register_procedure("my.p(a :: INTEGER) :: (b :: INTEGER)", columns, table)
    assert error_of(memory, "CALL my.p(1)").detail == "ProcedureNotFound"


# --- registering ---


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "f(x :: INTEGER) :: INTEGER",
        "my.f",
        "my.f(x) :: INTEGER",
        "my.f(x :: INTEGER)",
        "my.f(x :: NONSENSE) :: INTEGER",
        "my.f(x :: INTEGER, x :: INTEGER) :: INTEGER",
        "my.f(x :: INTEGER) :: ",
        "my.f(x :: INTEGER :: INTEGER",
        "my.f(x :: INTEGER) INTEGER",
        "my..f() :: INTEGER",
        "my.1f() :: INTEGER",
        "my.f(,) :: INTEGER",
        "my.f() :: (a :: INTEGER)",
        "db.f() :: INTEGER",
        "date.f() :: INTEGER",
        "Vector.f() :: INTEGER",
    ],
)
def test_bad_signatures_and_reserved_namespaces_are_refused(memory: Database, signature: str) -> None:
    with pytest.raises(LoraQueryError) as caught:
        memory.register_function(signature, lambda *a: 1)
    assert caught.value.code == "LORA_SEMANTIC"


def test_types_of_signatures_may_hold_brackets_and_commas(memory: Database) -> None:
    memory.register_function(
        "my.deep(x :: LIST<LIST<INTEGER NOT NULL>>, v :: VECTOR<FLOAT32>(3)?, n :: INTEGER | FLOAT) :: MAP",
        lambda x, v, n: {"x": x, "n": n},
    )
    assert rows(memory, "RETURN my.deep([[1]], null, 2.5) AS m") == [{"m": {"x": [[1]], "n": 2.5}}]
    assert error_of(memory, "RETURN my.deep([[null]], null, 1)").code == "LORA_TYPE"


def test_bad_arguments_of_registration(memory: Database) -> None:
    async def later() -> int:
        return 1

    bad: Any = 5
    for register in (
        lambda: memory.register_function(bad, lambda: 1),
        lambda: memory.register_function("my.f() :: INTEGER", bad),
        lambda: memory.register_function("my.f() :: INTEGER", later),
        lambda: memory.register_procedure("my.f() :: (a :: INTEGER)", bad),
        lambda: memory.register_procedure("my.f() :: (a :: INTEGER)", ["a"]),
        lambda: memory.register_function("my.f() :: INTEGER", lambda: 1, description=bad),
        lambda: memory.unregister_function(bad),
    ):
        with pytest.raises(InvalidParamsError):
            register()


def test_registering_again_replaces_and_cached_plans_are_not_used(memory: Database) -> None:
    query = "RETURN my.f(1) AS x"
    memory.register_function("my.f(x :: INTEGER) :: INTEGER", lambda x: x)
    assert rows(memory, query) == [{"x": 1}]
    memory.register_function("my.F(x :: INTEGER) :: STRING", lambda x: "new")
    assert rows(memory, query) == [{"x": "new"}]
    memory.register_function("my.f(x :: INTEGER, y :: INTEGER) :: STRING", lambda x, y: "two")
    assert error_of(memory, query).detail == "InvalidNumberOfArguments"
    memory.unregister_function("MY.f")
    assert error_of(memory, query).detail == "UnknownFunction"
    with pytest.raises(LoraQueryError) as caught:
        memory.unregister_function("my.f")
    assert caught.value.code == "LORA_NOT_FOUND"


def test_procedure_is_gone_after_unregister(memory: Database) -> None:
    memory.register_procedure("my.p() :: (a :: INTEGER)", lambda: [(1,)])
    assert rows(memory, "CALL my.p()") == [{"a": 1}]
    memory.unregister_procedure("my.p")
    assert error_of(memory, "CALL my.p()").detail == "ProcedureNotFound"
    with pytest.raises(LoraQueryError):
        memory.unregister_procedure("my.p")


def test_registrations_belong_to_one_handle() -> None:
    one, two = Database(), Database()
    one.register_function("my.f() :: INTEGER", lambda: 1)
    assert error_of(two, "RETURN my.f()").detail == "UnknownFunction"


def test_show_lists_what_is_registered(memory: Database) -> None:
    def twice(x: int) -> int:
        """Twice the number.

        More.
        """
        return 2 * x

    memory.register_function("my.twice(x :: INTEGER?) :: INTEGER?", twice)
    memory.register_procedure("my.list() :: (a :: INTEGER)", lambda: [], description="Nothing at all.")
    shown = rows(memory, "SHOW USER DEFINED FUNCTIONS YIELD *")
    assert [(r["name"], r["category"], r["description"], r["signature"]) for r in shown] == [
        ("my.twice", "User-defined", "Twice the number.", "my.twice(x :: INTEGER?) :: INTEGER?")
    ]
    names = [r["name"] for r in rows(memory, "SHOW FUNCTIONS YIELD name")]
    assert "my.twice" in names and "toUpper" in names
    assert "my.twice" not in [r["name"] for r in rows(memory, "SHOW BUILT IN FUNCTIONS YIELD name")]
    assert {"name": "my.list", "description": "Nothing at all.", "signature": "my.list() :: (a :: INTEGER)"} in rows(
        memory, "SHOW PROCEDURES YIELD name, description, signature"
    )


# --- errors ---


def test_exception_is_the_cause_of_a_query_error_and_nothing_stays(db: Database) -> None:
    def fail(x: int) -> int:
        if x > 1:
            raise ValueError("too big: %d" % x)
        return x

    db.register_function("my.fail(x :: INTEGER) :: INTEGER", fail)
    error = error_of(db, "UNWIND [1, 2] AS x CREATE (:N {x: my.fail(x)})")
    assert isinstance(error, LoraQueryError)
    assert isinstance(error.__cause__, ValueError) and str(error.__cause__) == "too big: 2"
    assert (error.code, error.type, error.detail) == ("LORA_SEMANTIC", "FunctionError", "FunctionCallFailed")
    for part in ("my.fail", "ValueError", "too big: 2", "test_callables.py", "in fail"):
        assert part in str(error)
    assert (error.line, error.column) == (1, 35)
    assert db.node_count == 0
    assert rows(db, "RETURN my.fail(1) AS x") == [{"x": 1}]


def test_exception_in_the_middle_of_a_generator(memory: Database) -> None:
    def broken() -> Iterator[Any]:
        yield (1,)
        raise KeyError("gone")

    memory.register_procedure("my.broken() :: (a :: INTEGER)", broken)
    error = error_of(memory, "CALL my.broken() YIELD a CREATE (:N {a: a})")
    assert isinstance(error.__cause__, KeyError)
    assert error.detail == "ProcedureCallFailed"
    assert memory.node_count == 0


def test_error_in_a_transaction_undoes_the_statement_only(db: Database) -> None:
    db.register_function("my.fail() :: INTEGER", lambda: 1 // 0)
    with db.begin() as tx:
        tx.execute("CREATE (:A)")
        with pytest.raises(LoraQueryError) as caught:
            tx.execute("CREATE (:B {x: my.fail()})")
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert rows(db, "MATCH (n) RETURN labels(n) AS l") == [{"l": ["A"]}]


def test_exception_of_an_inner_query_is_carried_through_both(memory: Database) -> None:
    memory.register_function("my.inner() :: ANY", lambda: memory.execute("RETURN 1 / 0"))
    error = error_of(memory, "RETURN my.inner()")
    assert isinstance(error.__cause__, LoraQueryError)
    assert error.code == error.__cause__.code == "LORA_ARITHMETIC"


def test_a_swallowed_exception_is_no_cause_of_a_later_error(memory: Database) -> None:
    memory.register_function("my.fail() :: INTEGER", lambda: 1 // 0)
    error_of(memory, "RETURN my.fail()")
    assert error_of(memory, "RETURN 1 / 0").__cause__ is None


def test_value_whose_conversion_raises(memory: Database) -> None:
    class Odd:
        def __iter__(self) -> Iterator[int]:
            raise RuntimeError("odd")

    memory.register_procedure("my.odd() :: (a :: ANY)", lambda: Odd())
    assert isinstance(error_of(memory, "CALL my.odd()").__cause__, RuntimeError)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_exceptions_that_end_the_program_pass_as_they_are(memory: Database, kind: Any) -> None:
    def stop() -> int:
        memory.execute("RETURN 1")
        raise kind("now")

    memory.register_function("my.stop() :: INTEGER", stop)
    with pytest.raises(kind):
        memory.execute("CREATE (:N {x: my.stop()})")
    assert memory.node_count == 0


# --- stopping ---


def test_ctrl_c_reaches_a_callable_of_the_main_thread(memory: Database) -> None:
    memory.register_function("my.sleep() :: INTEGER", lambda: time.sleep(30) or 1)
    started = time.monotonic()
    timer = threading.Timer(0.2, lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        memory.execute("RETURN my.sleep()")
    assert time.monotonic() - started < 20
    assert rows(memory, "RETURN 1 AS x") == [{"x": 1}]


def test_timeout_and_interrupt_stop_between_calls(memory: Database) -> None:
    memory.register_function("my.nap(x :: ANY) :: INTEGER", lambda x: time.sleep(0.01) or 1)
    with pytest.raises(LoraQueryError) as caught:
        memory.execute("UNWIND range(1, 10000) AS x RETURN sum(my.nap(x))", timeout=0.1)
    assert caught.value.code == "LORA_TIMEOUT"
    timer = threading.Timer(0.1, memory.interrupt)
    timer.start()
    assert error_of(memory, "UNWIND range(1, 10000) AS x RETURN sum(my.nap(x))").code == "LORA_INTERRUPTED"


def test_timeout_of_the_outer_statement_stops_the_inner_query(memory: Database) -> None:
    memory.register_function(
        "my.long() :: ANY",
        lambda: rows(memory, "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b RETURN sum(a * b % 7) AS s"),
    )
    started = time.monotonic()
    with pytest.raises(LoraQueryError) as caught:
        memory.execute("RETURN my.long()", timeout=0.2)
    assert caught.value.code == "LORA_TIMEOUT"
    assert time.monotonic() - started < 10


# --- calls back into the database ---


def test_callable_reads_the_last_commit_of_its_database(db: Database) -> None:
    db.execute("UNWIND range(1, 3) AS i CREATE (:N {i: i})")
    db.register_function("my.total() :: INTEGER", lambda: rows(db, "MATCH (n:N) RETURN sum(n.i) AS s")[0]["s"])
    db.register_procedure(
        "my.all() :: (n :: NODE)", lambda: ((row["n"],) for row in db.stream("MATCH (n:N) RETURN n ORDER BY n.i"))
    )
    assert rows(db, "RETURN my.total() AS t") == [{"t": 6}]
    assert rows(db, "CREATE (:N {i: 100}) WITH 1 AS one RETURN my.total() AS t") == [{"t": 6}]
    assert rows(db, "CALL my.all() YIELD n RETURN n.i AS i LIMIT 2") == [{"i": 1}, {"i": 2}]
    assert db.node_count == 4


@pytest.mark.parametrize("outer", ["RETURN my.write() AS x", "CREATE (:N) RETURN my.write() AS x"])
def test_write_from_within_is_refused_at_once(db: Database, outer: str) -> None:
    attempts: List[Any] = [
        lambda: db.execute("CREATE (:M)"),
        lambda: db.begin(),
        lambda: db.transaction([{"query": "CREATE (:M)"}]),
        lambda: list(db.stream("CREATE (:M) RETURN 1")),
        lambda: db.execute("CREATE INDEX FOR (n:N) ON (n.x)"),
        lambda: db.clear(),
        lambda: db.load_snapshot(db.save_snapshot()),
    ]
    codes: List[Any] = []

    def write() -> int:
        for attempt in attempts:
            try:
                attempt()
            except LoraQueryError as error:
                codes.append(error.code)
        return 1

    db.register_function("my.write() :: INTEGER", write)
    started = time.monotonic()
    assert rows(db, outer) == [{"x": 1}]
    assert codes == ["LORA_TRANSACTION"] * len(attempts)
    assert time.monotonic() - started < 3
    assert db.node_count == (1 if "CREATE" in outer else 0)


def test_callable_may_write_to_another_database(memory: Database) -> None:
    other = Database()
    memory.register_function("my.log(x :: INTEGER) :: INTEGER", lambda x: other.execute("CREATE (:L)") and x)
    assert rows(memory, "RETURN my.log(1) AS x") == [{"x": 1}]
    assert other.node_count == 1


def test_function_that_calls_itself_for_ever_ends_in_an_error(memory: Database) -> None:
    memory.register_function("my.again(x :: INTEGER) :: ANY", lambda x: rows(memory, "RETURN my.again($x)", x=x))
    assert isinstance(error_of(memory, "RETURN my.again(1)"), LoraQueryError)
    assert rows(memory, "RETURN 1 AS x") == [{"x": 1}]


def test_callable_closes_its_database(db: Database) -> None:
    db.register_function("my.close() :: INTEGER", lambda: db.close() or 1)
    assert error_of(db, "CREATE (:N {x: my.close()})").code == "LORA_CLOSED"
    assert error_of(db, "RETURN 1").code == "LORA_CLOSED"


def test_callable_unregisters_and_replaces_itself_while_it_runs(memory: Database) -> None:
    def once(x: int) -> int:
        if x == 1:
            memory.unregister_function("my.once")
            gc.collect()
        return x

    memory.register_function("my.once(x :: INTEGER) :: INTEGER", once)
    assert rows(memory, "UNWIND [1, 2, 3] AS x RETURN my.once(x) AS y") == [{"y": 1}, {"y": 2}, {"y": 3}]
    assert error_of(memory, "RETURN my.once(1)").detail == "UnknownFunction"

    def numbers() -> Iterator[Any]:
        for i in range(5000):
            if i == 1:
                memory.register_procedure("my.numbers() :: (i :: STRING)", lambda: [("new",)])
            yield (i,)

    memory.register_procedure("my.numbers() :: (i :: INTEGER)", numbers)
    stream = memory.stream("CALL my.numbers() YIELD i RETURN i")
    assert sum(1 for _ in stream) == 5000
    assert rows(memory, "CALL my.numbers()") == [{"i": "new"}]


# --- lifetime ---


class Counted:
    def __call__(self) -> int:
        return 1


def test_callable_is_freed_when_it_is_replaced_dropped_or_its_database_closed(memory: Database) -> None:
    for end in (
        lambda: memory.register_function("my.f() :: INTEGER", lambda: 2),
        lambda: memory.unregister_function("my.f"),
        memory.close,
    ):
        target = Counted()
        alive = weakref.ref(target)
        memory.register_function("my.f() :: INTEGER", target)
        memory.execute("RETURN my.f()")
        del target
        assert alive() is not None
        end()
        assert alive() is None


def test_database_in_a_cycle_with_its_callable_is_collected() -> None:
    gc.collect()
    db = Database()
    target = Counted()
    alive = weakref.ref(target)
    db.register_function("my.f() :: INTEGER", lambda db=db, target=target: target())
    db.register_procedure("my.p() :: (n :: INTEGER)", lambda db=db: [(db.node_count,)])
    assert rows(db, "CALL my.p() YIELD n RETURN n + my.f() AS x") == [{"x": 1}]
    gone = weakref.ref(db)
    del db, target
    gc.collect()
    assert gone() is None and alive() is None


def test_stream_keeps_the_callables_of_a_forgotten_database() -> None:
    db = Database()
    db.register_function("my.f(x :: INTEGER) :: INTEGER", lambda x, db=db: x + 1)
    stream = db.stream("UNWIND range(1, 10000) AS x RETURN my.f(x) AS y")
    assert next(stream) == {"y": 2}
    del db
    gc.collect()
    assert sum(1 for _ in stream) == 9999
    del stream
    gc.collect()


# --- threads ---


def test_one_function_in_many_threads_and_the_gil_is_free_between_calls(memory: Database) -> None:
    memory.register_function("my.inc(x :: INTEGER) :: INTEGER", lambda x: x + 1)
    results: List[Any] = []

    def work() -> None:
        for _ in range(20):
            results.append(rows(memory, "UNWIND range(1, 100) AS x RETURN sum(my.inc(x)) AS s")[0]["s"])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [5150] * 80


def test_registering_beside_running_queries(memory: Database) -> None:
    memory.register_function("my.f(x :: INTEGER) :: INTEGER", lambda x: 0)
    stop = threading.Event()
    bad: List[Any] = []

    def ask() -> None:
        while not stop.is_set():
            try:
                if rows(memory, "RETURN my.f(1) AS x")[0]["x"] not in range(200):
                    bad.append("value")
            except LoraError as error:
                bad.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(200):
        memory.register_function("my.f(x :: INTEGER) :: INTEGER", lambda x, i=i: i)
        assert rows(memory, "RETURN my.f(1) AS x") == [{"x": i}]
    stop.set()
    for thread in threads:
        thread.join()
    assert bad == []


def test_async_database_registers_the_same() -> None:
    async def main() -> Any:
        async with await AsyncDatabase.create() as db:
            await db.register_function("my.f(x :: INTEGER) :: INTEGER", lambda x: x + 1, deterministic=True)
            await db.register_procedure("my.p() :: (a :: INTEGER)", lambda: [(1,), (2,)])
            await db.register_procedure("my.t() :: (a :: INTEGER)", ["a"], [(3,)])
            result = await db.execute("CALL my.p() YIELD a RETURN sum(my.f(a)) AS s")
            table = await db.execute("CALL my.t()")
            await db.unregister_function("my.f")
            await db.unregister_procedure("my.p")
            with pytest.raises(LoraQueryError):
                await db.execute("CALL my.p()")
            return result["rows"] + table["rows"]

    assert asyncio.run(main()) == [{"s": 5}, {"a": 3}]
