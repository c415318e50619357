"""AsyncDatabase: the loop keeps ticking, cancelling stops the engine, nothing is left behind."""

from __future__ import annotations

import asyncio
import contextvars
import time
from pathlib import Path
from typing import Any, AsyncIterator, List

import pytest
from lora_python import AsyncDatabase, InvalidParamsError, LoraQueryError

ENDLESS = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b WITH a, b WHERE a + b < 0 RETURN count(*) AS c"


@pytest.fixture(params=["memory", "disk"])
async def adb(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AsyncDatabase]:
    if request.param == "memory":
        database = await AsyncDatabase.create()
    else:
        database = await AsyncDatabase.create("test", {"database_dir": tmp_path})
    yield database
    await database.close()


async def rows(db: AsyncDatabase, query: str, params: Any = None) -> List[Any]:
    result: List[Any] = (await db.execute(query, params))["rows"]
    return result


async def test_fifty_concurrent_calls_give_right_answers(adb: AsyncDatabase) -> None:
    await adb.execute("UNWIND range(0, 49) AS i CREATE (:N {i: i})")

    async def ask(i: int) -> None:
        assert await rows(adb, "MATCH (n:N {i: $i}) RETURN n.i AS i", {"i": i}) == [{"i": i}]
        await adb.execute("MATCH (n:N {i: $i}) SET n.seen = true", {"i": i})

    await asyncio.gather(*(ask(i) for i in range(50)))
    assert await rows(adb, "MATCH (n:N) WHERE n.seen RETURN count(n) AS c") == [{"c": 50}]


async def test_the_loop_ticks_while_a_query_runs(adb: AsyncDatabase) -> None:
    ticks = 0
    running = True

    async def ticker() -> None:
        nonlocal ticks
        while running:
            ticks += 1
            await asyncio.sleep(0.005)

    task = asyncio.create_task(ticker())
    with pytest.raises(LoraQueryError) as caught:
        await adb.execute(ENDLESS, timeout=1.5)
    running = False
    await task
    assert caught.value.code == "LORA_TIMEOUT"
    assert ticks > 20


async def test_cancelling_the_task_interrupts_the_query(adb: AsyncDatabase) -> None:
    for call in (
        lambda: adb.execute(ENDLESS),
        lambda: adb.profile(ENDLESS),
        lambda: adb.transaction([{"query": ENDLESS}]),
        lambda: adb.execute("UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b CREATE (:N)"),
    ):
        task = asyncio.ensure_future(call())
        await asyncio.sleep(0.1)
        start = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - start < 5
    assert adb.node_count == 0
    assert await rows(adb, "RETURN 1 AS x") == [{"x": 1}]
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(adb.execute(ENDLESS), 0.1)


async def test_cancelling_one_task_leaves_the_others(adb: AsyncDatabase) -> None:
    doomed = asyncio.ensure_future(adb.execute(ENDLESS))
    other = asyncio.ensure_future(
        adb.execute("UNWIND range(1, 2000000) AS i WITH i WHERE i % 2 = 0 RETURN count(i) AS c")
    )
    await asyncio.sleep(0.05)
    doomed.cancel()
    assert (await other)["rows"] == [{"c": 1_000_000}]
    with pytest.raises(asyncio.CancelledError):
        await doomed


async def test_async_for_and_early_exit(adb: AsyncDatabase) -> None:
    stream = adb.stream("UNWIND range(1, 5000) AS i RETURN i")
    assert await stream.columns() == ["i"]
    assert [row["i"] async for row in stream] == list(range(1, 5_001))
    assert [row async for row in stream] == []
    async with adb.stream("UNWIND range(1, 100000000) AS i RETURN i") as stream:
        async for row in stream:
            if row["i"] == 10:
                break
    await stream.close()
    assert [row async for row in stream] == []


async def test_writing_streams_commit_or_roll_back(adb: AsyncDatabase) -> None:
    query = "UNWIND range(1, 3000) AS i CREATE (n:N) RETURN i"
    async with adb.stream(query) as stream:
        async for _ in stream:
            break
    assert adb.node_count == 0
    assert len([row async for row in adb.stream(query)]) == 3_000
    assert adb.node_count == 3_000


async def test_cancelling_a_stream_closes_it(adb: AsyncDatabase) -> None:
    async def drain() -> None:
        async for _ in adb.stream("UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b CREATE (:N) RETURN a"):
            pass

    task = asyncio.create_task(drain())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await adb.execute("CREATE (:N)")
    assert adb.node_count == 1


async def test_a_stream_is_lazy_until_it_is_read(adb: AsyncDatabase) -> None:
    stream = adb.stream("RETURN nobody")
    with pytest.raises(LoraQueryError):
        await stream.__anext__()
    unread = adb.stream("CREATE (:N) RETURN 1 AS x")
    await unread.close()
    with pytest.raises(LoraQueryError) as caught:
        await unread.columns()
    assert caught.value.code == "LORA_CLOSED"
    assert adb.node_count == 0


async def test_begin_awaited_and_in_async_with(adb: AsyncDatabase) -> None:
    tx = await adb.begin()
    await tx.execute("CREATE (:N)")
    assert (await tx.execute("MATCH (n) RETURN count(n) AS c"))["rows"] == [{"c": 1}]
    await tx.rollback()
    await tx.rollback()
    assert adb.node_count == 0
    async with adb.begin() as tx:
        await tx.execute("CREATE (:N)")
    assert adb.node_count == 1
    with pytest.raises(RuntimeError, match="mine"):
        async with adb.begin("rw") as tx:
            await tx.execute("CREATE (:N)")
            raise RuntimeError("mine")
    assert adb.node_count == 1
    async with adb.begin("ro") as tx:
        with pytest.raises(LoraQueryError) as caught:
            await tx.execute("CREATE (:N)")
        assert caught.value.code == "LORA_READ_ONLY"
    with pytest.raises(InvalidParamsError):
        adb.begin("write")


async def test_a_task_that_holds_the_writer_is_told_at_once(adb: AsyncDatabase) -> None:
    data = await adb.save_snapshot()
    async with adb.begin() as tx:
        await tx.execute("CREATE (:N)")
        for call in (
            lambda: adb.execute("CREATE (:M)"),
            adb.begin,
            adb.clear,
            lambda: adb.load_snapshot(data),
            lambda: adb.transaction([{"query": "CREATE (:M)"}]),
        ):
            start = time.monotonic()
            with pytest.raises(LoraQueryError) as caught:
                await call()
            assert caught.value.code == "LORA_TRANSACTION"
            assert time.monotonic() - start < 2


async def test_writers_of_many_tasks_queue(adb: AsyncDatabase) -> None:
    async def write(n: int) -> None:
        async with adb.begin() as tx:
            await tx.execute("MERGE (c:Counter) SET c.n = coalesce(c.n, 0) + 1")
            await asyncio.sleep(0)
            await tx.execute("CREATE (:N {n: $n})", {"n": n})

    await asyncio.gather(*(write(n) for n in range(30)))
    assert await rows(adb, "MATCH (c:Counter) RETURN c.n AS n") == [{"n": 30}]


async def test_many_waiting_writers_do_not_keep_the_holder_or_readers_from_a_thread(adb: AsyncDatabase) -> None:
    tx = await adb.begin()
    waiting = [asyncio.ensure_future(adb.execute("CREATE (:W)")) for _ in range(150)]
    await asyncio.sleep(0.3)
    start = time.monotonic()
    assert await rows(adb, "MATCH (n) RETURN count(n) AS c") == [{"c": 0}]
    await tx.execute("CREATE (:H)")
    await tx.commit()
    assert time.monotonic() - start < 3
    await asyncio.gather(*waiting)
    assert adb.node_count == 151


async def test_a_cancelled_begin_gives_the_writer_back(adb: AsyncDatabase) -> None:
    holder = await adb.begin()
    waiting = asyncio.create_task(adb.execute("CREATE (:N)"))
    second = asyncio.ensure_future(_begin(adb))
    await asyncio.sleep(0.1)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    await holder.rollback()
    await waiting
    await adb.execute("CREATE (:N)")
    assert adb.node_count == 2


async def _begin(db: AsyncDatabase) -> Any:
    return await db.begin()


async def test_the_other_members(adb: AsyncDatabase, tmp_path: Path) -> None:
    await adb.execute("CREATE (:A)-[:R]->(:B)")
    assert (adb.node_count, adb.relationship_count) == (2, 1)
    assert repr(adb) == "<lora_python.AsyncDatabase nodes=2 relationships=1>"
    assert (await adb.explain("MATCH (n) RETURN n"))["shape"] == "readOnly"
    assert (await adb.profile("MATCH (n) RETURN n"))["metrics"]["total_rows"] == 2
    assert await adb.verify() == {"ok": True, "errors": []}
    assert (await adb.stats())["commits"] >= 1
    assert [r["rows"] for r in await adb.transaction([{"query": "RETURN 1 AS x"}])] == [[{"x": 1}]]
    await adb.sync()
    await adb.checkpoint(compact=True)
    await adb.interrupt()
    data = await adb.save_snapshot()
    meta = await adb.save_snapshot(tmp_path / "s.bin")
    assert isinstance(meta, dict)
    await adb.clear()
    assert adb.node_count == 0
    await adb.load_snapshot(data)
    await adb.load_snapshot(tmp_path / "s.bin")
    assert adb.node_count == 2


async def test_after_close_every_call_says_closed(adb: AsyncDatabase) -> None:
    stream = adb.stream("UNWIND range(1, 100000) AS i RETURN i")
    await stream.__anext__()
    tx = await adb.begin("ro")
    await adb.close()
    await adb.close()
    for call in (
        lambda: adb.execute("RETURN 1 AS x"),
        lambda: adb.stream("RETURN 1 AS x").__anext__(),
        lambda: adb.transaction([]),
        adb.begin,
        lambda: adb.explain("RETURN 1 AS x"),
        lambda: adb.profile("RETURN 1 AS x"),
        adb.save_snapshot,
        lambda: adb.load_snapshot(b""),
        adb.clear,
        adb.sync,
        adb.checkpoint,
        adb.verify,
        adb.stats,
        tx.commit,
        lambda: tx.execute("RETURN 1 AS x"),
    ):
        with pytest.raises(LoraQueryError) as caught:
            await call()
        assert caught.value.code == "LORA_CLOSED"
    with pytest.raises(LoraQueryError):
        adb.node_count  # noqa: B018
    await tx.rollback()
    await stream.close()
    assert repr(adb) == "<lora_python.AsyncDatabase closed>"


async def test_close_ends_running_queries(adb: AsyncDatabase) -> None:
    tasks = [asyncio.ensure_future(adb.execute(ENDLESS)) for _ in range(3)]
    await asyncio.sleep(0.2)
    await adb.close()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(result, LoraQueryError)
        assert result.code == "LORA_CLOSED"


async def test_the_context_is_copied_to_the_worker(adb: AsyncDatabase) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("outer")
    seen: List[str] = []

    class Writer:
        def write(self, piece: bytes) -> int:
            seen.append(variable.get())
            return len(piece)

    await adb.save_snapshot(Writer())
    assert set(seen) == {"outer"}


async def test_errors_of_arguments_come_as_they_do_synchronously(adb: AsyncDatabase) -> None:
    with pytest.raises(InvalidParamsError, match=r'params\["x"\]'):
        await adb.execute("RETURN 1 AS x", {"x": object()})
    with pytest.raises(InvalidParamsError):
        await adb.transaction("RETURN 1")  # type: ignore[arg-type]
    with pytest.raises(InvalidParamsError):
        await AsyncDatabase.create("x", {"nothing": 1})


def test_a_handle_may_be_used_by_several_loops_one_after_another() -> None:
    db = AsyncDatabase()
    for n in range(3):
        asyncio.run(_create_and_count(db, n + 1))
    asyncio.run(db.close())


async def _create_and_count(db: AsyncDatabase, expected: int) -> None:
    await db.execute("CREATE (:N)")
    assert db.node_count == expected
