"""Streams: lazy, flat in memory, atomic when they write, and safe to leave at any point."""

from __future__ import annotations

import gc
import os
import threading
import time
from typing import Any, List

import pytest
from conftest import rows
from lora_python import Database, InvalidParamsError, LoraQueryError

MANY = 10_000_000


def resident_mib() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_a_stream_gives_the_rows_of_execute(db: Database) -> None:
    db.execute("UNWIND range(1, 5000) AS i CREATE (:N {i: i})")
    query = "MATCH (n:N) RETURN n.i AS i, n ORDER BY i"
    assert list(db.stream(query)) == db.execute(query)["rows"]


def test_columns_are_known_before_between_and_after_rows(db: Database) -> None:
    stream = db.stream("UNWIND [1, 2] AS b RETURN b, 1 AS a")
    assert stream.columns() == ["b", "a"]
    assert next(stream) == {"b": 1, "a": 1}
    assert stream.columns() == ["b", "a"]
    assert list(stream) == [{"b": 2, "a": 1}]
    assert stream.columns() == ["b", "a"]
    assert list(db.stream("MATCH (n:Nobody) RETURN n")) == []


def test_the_first_row_comes_before_the_rest_is_made(memory: Database) -> None:
    memory.execute("UNWIND range(1, 3200) AS i CREATE (:N {i: i})")
    for query in ("UNWIND range(1, %d) AS i RETURN i" % MANY, "MATCH (a:N), (b:N) RETURN a.i AS i, b"):
        times = []
        for _ in range(20):  # the best of them: other programs run on this machine too
            start = time.perf_counter()
            stream = memory.stream(query)
            assert next(stream)["i"] == 1
            times.append(time.perf_counter() - start)
            stream.close()
        assert min(times) < 0.005


def test_memory_stays_flat(memory: Database) -> None:
    stream = memory.stream("UNWIND range(1, %d) AS i RETURN i, 'row number ' + toString(i) AS text" % MANY)
    for _ in range(10_000):
        next(stream)
    before = highest = resident_mib()
    count = 10_000
    for _ in stream:
        count += 1
        if count % 100_000 == 0:
            highest = max(highest, resident_mib())
    assert count == MANY
    assert highest - before < 32


def test_parameters_and_errors_of_streams(db: Database) -> None:
    assert list(db.stream("UNWIND $l AS x RETURN x", {"l": [1, 2]})) == [{"x": 1}, {"x": 2}]
    with pytest.raises(LoraQueryError):
        db.stream("RETURN nobody")
    with pytest.raises(LoraQueryError) as caught:
        db.stream("RETURN $x AS x")
    assert caught.value.code == "LORA_PARAMETER_MISSING"
    with pytest.raises(InvalidParamsError):
        db.stream("RETURN 1 AS x", {"x": object()})
    stream = db.stream("UNWIND [1, 0] AS x RETURN 1 / x AS y")
    with pytest.raises(LoraQueryError) as caught:
        list(stream)
    assert caught.value.code == "LORA_ARITHMETIC"
    assert list(stream) == []


def test_a_stream_sees_the_moment_it_was_made(db: Database) -> None:
    db.execute("UNWIND range(1, 3000) AS i CREATE (:N)")
    stream = db.stream("MATCH (n:N) RETURN id(n) AS i")
    first = next(stream)
    db.execute("MATCH (n:N) DETACH DELETE n")
    db.execute("CREATE (:N)")
    assert 1 + sum(1 for _ in stream) == 3_000
    assert first["i"] >= 0
    assert len(list(db.stream("MATCH (n:N) RETURN n"))) == 1


def test_a_writing_stream_commits_when_it_is_exhausted(db: Database) -> None:
    stream = db.stream("UNWIND range(1, 10) AS i CREATE (n:N {i: i}) RETURN n.i AS i")
    assert [row["i"] for row in stream] == list(range(1, 11))
    assert db.node_count == 10
    assert list(db.stream("CREATE (:M)")) == []
    assert db.node_count == 11


def test_a_writing_stream_that_is_left_early_rolls_back(db: Database) -> None:
    query = "UNWIND range(1, 5000) AS i CREATE (n:N {i: i}) RETURN n.i AS i"
    stream = db.stream(query)
    next(stream)
    stream.close()
    assert db.node_count == 0
    with db.stream(query) as stream:
        next(stream)
    assert db.node_count == 0
    stream = db.stream(query)
    next(stream)
    del stream
    gc.collect()
    assert db.node_count == 0
    db.execute("CREATE (:N)")
    assert db.node_count == 1


def test_a_writing_stream_holds_the_writer(db: Database) -> None:
    stream = db.stream("UNWIND range(1, 5000) AS i CREATE (n:N {i: i}) RETURN n.i AS i")
    next(stream)
    with pytest.raises(LoraQueryError) as caught:
        db.execute("CREATE (:M)")
    assert caught.value.code == "LORA_TRANSACTION"
    assert rows(db, "MATCH (n) RETURN count(n) AS c") == [{"c": 0}]
    stream.close()
    db.execute("CREATE (:M)")


def test_close_is_idempotent_and_ends_the_loop(db: Database) -> None:
    stream = db.stream("UNWIND range(1, 100000) AS i RETURN i")
    seen = []
    for row in stream:
        seen.append(row["i"])
        if len(seen) == 10:
            stream.close()
            stream.close()
    assert seen == list(range(1, 11))
    assert next(stream, None) is None


def test_the_handle_may_be_closed_inside_the_loop(db: Database) -> None:
    seen = []
    with pytest.raises(LoraQueryError) as caught:
        for row in db.stream("UNWIND range(1, 100000) AS i RETURN i"):
            seen.append(row["i"])
            if len(seen) == 10:
                db.close()
    assert caught.value.code == "LORA_CLOSED"
    assert seen[:10] == list(range(1, 11))


def test_writes_inside_a_reading_loop(db: Database) -> None:
    db.execute("UNWIND range(1, 100) AS i CREATE (:N {i: i})")
    for row in db.stream("MATCH (n:N) RETURN n.i AS i"):
        db.execute("CREATE (:M {i: $i})", row)
    assert rows(db, "MATCH (m:M) RETURN count(m) AS c, sum(m.i) AS s") == [{"c": 100, "s": 5050}]


def test_a_stream_keeps_its_database_alive() -> None:
    stream = Database().stream("UNWIND range(1, 10000) AS i RETURN i")
    gc.collect()
    assert sum(1 for _ in stream) == 10_000


def test_many_open_streams(memory: Database) -> None:
    memory.execute("UNWIND range(1, 10) AS i CREATE (:N {i: i})")
    streams = [memory.stream("MATCH (n:N) RETURN n.i AS i ORDER BY i") for _ in range(200)]
    assert all([next(s) == {"i": 1} for s in streams])
    assert all([[r["i"] for r in s] == list(range(2, 11)) for s in streams])


def test_a_stream_may_move_between_threads(db: Database) -> None:
    stream = db.stream("UNWIND range(1, 10000) AS i RETURN i")
    seen: List[Any] = []

    def take() -> None:
        for _ in range(2_500):
            seen.append(next(stream)["i"])

    for _ in range(4):
        thread = threading.Thread(target=take)
        thread.start()
        thread.join()
    assert seen == list(range(1, 10_001))


def test_closing_from_another_thread_stops_a_long_step(memory: Database) -> None:
    stream = memory.stream(
        "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b WITH a, b WHERE a + b < 0 RETURN a"
    )
    timer = threading.Timer(0.2, stream.close)
    timer.start()
    start = time.monotonic()
    try:
        assert list(stream) == []
    except LoraQueryError as error:
        assert error.code == "LORA_INTERRUPTED"
    assert time.monotonic() - start < 10
    timer.join()


def test_rows_of_large_values_come_a_few_at_a_time(memory: Database) -> None:
    """2 048 rows of 1 MB at once are more than the memory budget."""
    for query in (
        "UNWIND range(1, 3000) AS i RETURN string.repeat('a', 1000000) + i AS s",
        "UNWIND range(1, 3000) AS i WITH string.repeat('a', 1000000) + i AS s UNWIND [1] AS k RETURN s, k",
    ):
        assert sum(1 for _ in memory.stream(query)) == 3_000
    assert memory.execute(
        "UNWIND range(1, 3000) AS i WITH string.repeat('a', 1000000) + i AS s RETURN max(size(s)) AS m"
    )["rows"] == [{"m": 1_000_004}]
