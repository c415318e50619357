"""Transactions: all or nothing, what they see, who may hold the writer."""

from __future__ import annotations

import gc
import threading
import time
from pathlib import Path
from typing import Any, List

import pytest
from conftest import rows
from lora_python import Database, InvalidParamsError, LoraQueryError

WRITING = ["read_write", "readwrite", "rw"]
READING = ["read_only", "readonly", "ro"]


def count(db: Database) -> int:
    return int(rows(db, "MATCH (n) RETURN count(n) AS c")[0]["c"])


def test_transaction_gives_a_result_for_each_statement(db: Database) -> None:
    results = db.transaction(
        [
            {"query": "CREATE (:N {v: $v})", "params": {"v": 1}},
            {"query": "MATCH (n:N) RETURN n.v AS v"},
            {"query": "MATCH (n:N) SET n.v = n.v + 1 RETURN n.v AS v", "params": None},
        ]
    )
    assert [r["rows"] for r in results] == [[], [{"v": 1}], [{"v": 2}]]
    assert rows(db, "MATCH (n:N) RETURN n.v AS v") == [{"v": 2}]
    assert db.transaction([]) == []


def test_transaction_is_all_or_nothing(db: Database) -> None:
    for bad in ("RETURN 1 / 0 AS x", "RETURN nobody", "RETURN $missing AS x"):
        with pytest.raises(LoraQueryError):
            db.transaction([{"query": "CREATE (:N)"}, {"query": bad}, {"query": "CREATE (:N)"}])
        assert db.node_count == 0
    with pytest.raises(InvalidParamsError):
        db.transaction([{"query": "CREATE (:N)"}, {"query": "RETURN $x AS x", "params": {"x": object()}}])
    assert db.node_count == 0


@pytest.mark.parametrize("mode", WRITING + READING)
def test_modes(db: Database, mode: str) -> None:
    statement = [{"query": "CREATE (:N)"}]
    if mode in WRITING:
        db.transaction(statement, mode)
        assert db.node_count == 1
    else:
        with pytest.raises(LoraQueryError) as caught:
            db.transaction(statement, mode)
        assert caught.value.code == "LORA_READ_ONLY"
        assert db.transaction([{"query": "MATCH (n) RETURN count(n) AS c"}], mode=mode)[0]["rows"] == [{"c": 0}]


@pytest.mark.parametrize("mode", ["write", "", None, 5, ["rw"], "READ_WRITE"], ids=repr)
def test_wrong_modes(memory: Database, mode: Any) -> None:
    with pytest.raises(InvalidParamsError, match="mode must be one of"):
        memory.transaction([], mode)
    with pytest.raises(InvalidParamsError, match="mode must be one of"):
        memory.begin(mode)


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        ("RETURN 1", "sequence of mappings"),
        ({"query": "RETURN 1"}, "sequence of mappings"),
        (5, "sequence of mappings"),
        (["RETURN 1"], r"statements\[0\] must be a mapping with `query`"),
        ([{"query": "RETURN 1 AS x"}, {}], r"statements\[1\]"),
        ([{"query": "RETURN 1 AS x", "parameters": {}}], "unknown key `parameters`"),
        ([{"query": 5}], "must be a str"),
        ([{"query": "RETURN 1 AS x", "params": 5}], "must be a mapping"),
    ],
    ids=repr,
)
def test_wrong_statements(memory: Database, statements: Any, why: str) -> None:
    with pytest.raises(InvalidParamsError, match=why):
        memory.transaction(statements)


def test_begin_reads_its_own_writes_and_others_do_not(db: Database) -> None:
    tx = db.begin()
    tx.execute("CREATE (:N {v: 1})")
    assert tx.execute("MATCH (n:N) RETURN n.v AS v")["rows"] == [{"v": 1}]
    assert count(db) == 0
    assert db.node_count == 0
    tx.commit()
    assert count(db) == 1


def test_with_commits_or_rolls_back(db: Database) -> None:
    with db.begin() as tx:
        tx.execute("CREATE (:N)")
    assert db.node_count == 1
    with pytest.raises(RuntimeError, match="mine"):
        with db.begin() as tx:
            tx.execute("CREATE (:N)")
            raise RuntimeError("mine")
    assert db.node_count == 1
    with db.begin() as tx:
        tx.execute("CREATE (:N)")
        tx.rollback()
    assert db.node_count == 1
    with db.begin() as tx:
        tx.execute("CREATE (:N)")
        tx.commit()
    assert db.node_count == 2


def test_an_error_undoes_its_statement_only(db: Database) -> None:
    with db.begin() as tx:
        tx.execute("CREATE (:N {v: 1})")
        with pytest.raises(LoraQueryError):
            tx.execute("UNWIND [1, 0] AS d CREATE (:N {v: 10 / d})")
        with pytest.raises(InvalidParamsError):
            tx.execute("CREATE (:N {v: $v})", {"v": object()})
        tx.execute("CREATE (:N {v: 2})")
    assert rows(db, "MATCH (n:N) RETURN n.v AS v ORDER BY v") == [{"v": 1}, {"v": 2}]


def test_a_finished_transaction_refuses_work(db: Database) -> None:
    for end in ("commit", "rollback"):
        tx = db.begin()
        getattr(tx, end)()
        for call in (lambda tx=tx: tx.execute("RETURN 1 AS x"), lambda tx=tx: tx.commit()):  # type: ignore[misc]
            with pytest.raises(LoraQueryError) as caught:
                call()
            assert caught.value.code == "LORA_TRANSACTION"
        tx.rollback()
        tx.rollback()


def test_a_collected_transaction_rolls_back(db: Database) -> None:
    tx = db.begin()
    tx.execute("CREATE (:N)")
    del tx
    gc.collect()
    db.execute("CREATE (:M)")
    assert db.node_count == 1


def test_a_read_only_transaction_pins_its_version(db: Database) -> None:
    db.execute("CREATE (:N)")
    with db.begin("read_only") as tx:
        db.execute("CREATE (:N)")
        assert tx.execute("MATCH (n) RETURN count(n) AS c")["rows"] == [{"c": 1}]
        with pytest.raises(LoraQueryError) as caught:
            tx.execute("CREATE (:N)")
        assert caught.value.code == "LORA_READ_ONLY"
    assert count(db) == 2


def test_the_same_thread_is_told_at_once(db: Database) -> None:
    with db.begin() as tx:
        tx.execute("CREATE (:N)")
        for call in (lambda: db.execute("CREATE (:M)"), lambda: db.begin(), lambda: db.clear()):
            start = time.monotonic()
            with pytest.raises(LoraQueryError) as caught:
                call()
            assert caught.value.code == "LORA_TRANSACTION"
            assert time.monotonic() - start < 1
    assert count(db) == 1


def test_another_thread_waits_for_the_busy_timeout_and_learns_who_holds_the_writer(tmp_path: Path) -> None:
    with Database("app", {"database_dir": tmp_path, "busy_timeout_ms": 200}) as db:
        caught: List[LoraQueryError] = []
        waited: List[float] = []

        def write(timeout: Any) -> None:
            start = time.monotonic()
            try:
                db.execute("CREATE (:M)", timeout=timeout)
            except LoraQueryError as error:
                caught.append(error)
            waited.append(time.monotonic() - start)

        tx = db.begin()
        tx.execute("CREATE (:Holder)")
        for timeout in (None, 0.05):
            thread = threading.Thread(target=write, args=(timeout,))
            thread.start()
            thread.join()
        assert [error.code for error in caught] == ["LORA_TRANSACTION"] * 2
        assert 0.15 < waited[0] < 3
        assert waited[1] < 3
        assert "begin" in str(caught[0]) or "transaction" in str(caught[0])
        tx.commit()
        db.execute("CREATE (:M)")
        assert count(db) == 2


def test_writers_queue_and_all_get_their_turn(db: Database) -> None:
    def work(n: int) -> None:
        for i in range(20):
            with db.begin() as tx:
                tx.execute("CREATE (:N {t: $t, i: $i})", {"t": n, "i": i})
                tx.execute("MERGE (c:Counter) SET c.n = coalesce(c.n, 0) + 1")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(db, "MATCH (c:Counter) RETURN c.n AS n") == [{"n": 80}]


def test_a_transaction_may_move_but_not_run_in_two_threads(db: Database) -> None:
    tx = db.begin()
    thread = threading.Thread(target=lambda: tx.execute("CREATE (:N)"))
    thread.start()
    thread.join()
    tx.execute("CREATE (:N)")
    slow = threading.Thread(
        target=lambda: tx.execute("UNWIND range(1, 3000000) AS i WITH i WHERE i < 0 RETURN count(i) AS c")
    )
    slow.start()
    time.sleep(0.05)
    try:
        tx.execute("RETURN 1 AS x")
    except LoraQueryError as error:
        assert error.code == "LORA_TRANSACTION"
        assert "thread" in str(error)
    slow.join()
    tx.commit()
    assert count(db) == 2


def test_closing_the_handle_ends_a_transaction_and_the_block_says_so(db: Database) -> None:
    with pytest.raises(LoraQueryError) as caught:
        with db.begin() as tx:
            tx.execute("CREATE (:N)")
            db.close()
    assert caught.value.code == "LORA_CLOSED"


def test_a_transaction_keeps_its_database_alive() -> None:
    tx = Database().begin()
    gc.collect()
    tx.execute("CREATE (:N)")
    assert tx.execute("MATCH (n) RETURN count(n) AS c")["rows"] == [{"c": 1}]
    tx.commit()
