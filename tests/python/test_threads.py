"""One handle, many threads: right answers, other threads keep running, close at any moment."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any, Callable, List

import pytest
from conftest import rows
from lora_python import Database, LoraQueryError

ENDLESS = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b WITH a, b WHERE a + b < 0 RETURN count(*) AS c"


def in_threads(count: int, work: Callable[[int], Any]) -> None:
    failures: List[BaseException] = []

    def guarded(n: int) -> None:
        try:
            work(n)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_readers_get_their_own_answers(db: Database) -> None:
    db.execute("UNWIND range(0, 99) AS i CREATE (:N {i: i})")

    def work(n: int) -> None:
        for k in range(100):
            i = (n * 13 + k) % 100
            assert rows(db, "MATCH (x:N {i: $i}) RETURN x.i AS i, $tag AS t", {"i": i, "tag": [n, k]}) == [
                {"i": i, "t": [n, k]}
            ]

    in_threads(8, work)


def test_no_write_is_lost(db: Database) -> None:
    db.execute("CREATE (:Counter {n: 0})")

    def work(n: int) -> None:
        for _ in range(25):
            db.execute("MATCH (c:Counter) SET c.n = c.n + 1 CREATE (:W {t: $t})", {"t": n})

    in_threads(4, work)
    assert rows(db, "MATCH (c:Counter) RETURN c.n AS n") == [{"n": 100}]
    assert db.node_count == 101


def test_readers_see_whole_commits(db: Database) -> None:
    db.execute("CREATE (:P {side: 'a', v: 0}), (:P {side: 'b', v: 0})")
    done = threading.Event()

    def work(n: int) -> None:
        if n == 0:
            try:
                for i in range(1, 60):
                    db.execute("MATCH (p:P) SET p.v = $i", {"i": i})
            finally:
                done.set()
        else:
            while not done.is_set():
                (row,) = rows(db, "MATCH (p:P) RETURN min(p.v) AS low, max(p.v) AS high")
                assert row["low"] == row["high"]

    in_threads(3, work)


def test_other_threads_run_while_a_query_does(memory: Database) -> None:
    ticks: List[float] = []
    done = threading.Event()

    def ticker() -> None:
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.005)

    thread = threading.Thread(target=ticker)
    thread.start()
    start = time.monotonic()
    with pytest.raises(LoraQueryError):
        memory.execute(ENDLESS, timeout=1.5)
    end = time.monotonic()
    done.set()
    thread.join()
    during = [t for t in ticks if start <= t <= end]
    assert len(during) > 20


def test_a_big_result_lets_other_threads_in(memory: Database) -> None:
    done = threading.Event()
    ticks: List[float] = []

    def ticker() -> None:
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    thread = threading.Thread(target=ticker)
    thread.start()
    result = rows(memory, "UNWIND range(1, 500000) AS i RETURN i, [i] AS l, {k: i} AS m")
    done.set()
    thread.join()
    assert len(result) == 500_000
    assert result[-1] == {"i": 500_000, "l": [500_000], "m": {"k": 500_000}}
    assert max(b - a for a, b in zip(ticks, ticks[1:])) < 1.0


def test_interrupt_stops_all_running_queries(memory: Database) -> None:
    codes: List[Any] = []

    def work(n: int) -> None:
        if n == 0:
            time.sleep(0.3)
            memory.interrupt()
            return
        try:
            memory.execute(ENDLESS)
        except LoraQueryError as error:
            codes.append(error.code)

    in_threads(4, work)
    assert codes == ["LORA_INTERRUPTED"] * 3
    assert rows(memory, "RETURN 1 AS x") == [{"x": 1}]


def test_close_ends_running_queries(db: Database) -> None:
    codes: List[Any] = []

    def work(n: int) -> None:
        if n == 0:
            time.sleep(0.3)
            db.close()
            return
        try:
            db.execute(ENDLESS)
        except LoraQueryError as error:
            codes.append(error.code)

    in_threads(4, work)
    assert codes == ["LORA_CLOSED"] * 3


def test_close_from_many_threads(db: Database) -> None:
    db.execute("CREATE (:N)")
    in_threads(8, lambda n: db.close())
    assert repr(db).endswith("closed>")


def test_close_while_others_start_queries(db: Database) -> None:
    def work(n: int) -> None:
        if n == 0:
            time.sleep(0.05)
            db.close()
            return
        while True:
            try:
                if n % 2:
                    db.execute("CREATE (:N {v: $v})", {"v": "x" * 100})
                else:
                    for _ in db.stream("MATCH (n:N) RETURN n"):
                        pass
            except LoraQueryError as error:
                assert error.code == "LORA_CLOSED"
                return

    in_threads(6, work)


def test_the_signal_handler_of_the_main_thread_may_use_the_handle(memory: Database) -> None:
    import signal

    seen: List[Any] = []

    def handler(number: int, frame: Any) -> None:
        seen.append(rows(memory, "RETURN 'in handler' AS x"))
        raise TimeoutError("from the handler")

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(TimeoutError, match="from the handler"):
            memory.execute(ENDLESS)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert seen == [[{"x": "in handler"}]]


def test_threads_with_small_stacks(memory: Database) -> None:
    memory.execute("CREATE (:N {v: [1, 2, 3]})")
    answers: List[Any] = []
    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=lambda: answers.append(rows(memory, "MATCH (n:N) RETURN n.v AS v")))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert answers == [[{"v": [1, 2, 3]}]]


def test_conversions_of_many_threads_do_not_mix(memory: Database) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:

        class Slow(dict):  # type: ignore[type-arg]
            pass

        import types

        def work(n: int) -> None:
            data = [{"a%d" % n: i, "b": types.MappingProxyType({"c": [n, i]})} for i in range(300)]
            for _ in range(10):
                expected = [{"a%d" % n: i, "b": {"c": [n, i]}} for i in range(300)]
                assert rows(memory, "RETURN $x AS x", {"x": data}) == [{"x": expected}]

        in_threads(6, work)
    finally:
        sys.setswitchinterval(interval)
