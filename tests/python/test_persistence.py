"""Named databases: names, options, locks, reopening, and a child that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, List

import pytest
from conftest import rows
from lora_python import Database, InvalidParamsError, LoraQueryError


def run(code: str, *args: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("app", "app.loradb"),
        ("app.loradb", "app.loradb"),
        ("A+b_c-9", "A+b_c-9.loradb"),
        ("team/app", "team/app.loradb"),
        ("team\\app", "team/app.loradb"),
        ("a/b/c.loradb", "a/b/c.loradb"),
        ("a" * 200, "a" * 200 + ".loradb"),
    ],
)
def test_names_and_their_directories(tmp_path: Path, name: str, path: str) -> None:
    directory = tmp_path / "not" / "there"
    with Database(name, {"database_dir": directory}) as db:
        db.execute("CREATE (:N)")
    assert (directory / path).is_dir()
    with Database.create(name, {"databaseDir": str(directory)}) as db:
        assert db.node_count == 1


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../app",
        "a/../b",
        "a/./b",
        "a//b",
        "/app",
        "/tmp/app",
        "\\app",
        "app/",
        "a\\\\b",
        "C:app",
        "my app",
        " app",
        "app\n",
        "app\0",
        "app.db",
        "a.b.loradb",
        ".loradb",
        ".hidden",
        "a.loradb/b",
        "ä",
        "app\u2044x",
        "\ud800",
        "%2e%2e",
        "~",
        "$HOME",
        "a" * 201,
        "a" * 100_000,
    ],
    ids=lambda n: repr(n)[:30],
)
def test_hostile_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(LoraQueryError) as caught:
        Database(name, {"database_dir": tmp_path})
    assert caught.value.code == "LORA_DATABASE_NAME"
    assert len(str(caught.value)) < 600
    assert list(tmp_path.iterdir()) == []


def test_names_do_not_leave_through_links(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    (inside / "app.loradb").symlink_to(outside / "app.loradb")
    for name in ("link/app", "app"):
        with pytest.raises(LoraQueryError) as caught:
            Database(name, {"database_dir": inside})
        assert caught.value.code == "LORA_DATABASE_NAME"
    assert list(outside.iterdir()) == []


def test_a_directory_that_is_not_text(tmp_path: Path) -> None:
    directory = os.fsencode(tmp_path) + b"/\xff\xfe"
    with Database("app", {"database_dir": os.fsdecode(directory)}) as db:
        db.execute("CREATE (:N)")
    assert os.path.isdir(directory + b"/app.loradb")


def test_a_name_alone_is_in_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Database("app") as db:
        db.execute("CREATE (:N)")
    assert (tmp_path / "app.loradb").is_dir()


def test_reopening_finds_everything(tmp_path: Path) -> None:
    options = {"database_dir": tmp_path}
    with Database("app", options) as db:
        db.execute("CREATE (:P {name: 'Ada', when: date('1815-12-10')})-[:KNOWS {since: 1833}]->(:P {name: 'Charles'})")
        db.execute("CREATE INDEX names FOR (n:P) ON (n.name)")
        db.execute("CREATE CONSTRAINT ids FOR (n:Q) REQUIRE n.id IS UNIQUE")
        before = rows(db, "MATCH (a)-[r]->(b) RETURN a, r, b")
    for _ in range(3):
        with Database("app", options) as db:
            assert rows(db, "MATCH (a)-[r]->(b) RETURN a, r, b") == before
            assert {r["name"] for r in rows(db, "SHOW INDEXES YIELD name")} >= {"names"}
            assert [r["name"] for r in rows(db, "SHOW CONSTRAINTS YIELD name")] == ["ids"]
            assert (db.node_count, db.relationship_count) == (2, 1)
            assert db.verify() == {"ok": True, "errors": []}


def test_ids_go_on_after_reopening(tmp_path: Path) -> None:
    with Database("app", {"database_dir": tmp_path}) as db:
        last = rows(db, "UNWIND range(1, 10) AS i CREATE (n) RETURN max(id(n)) AS m")[0]["m"]
        db.clear()
    with Database("app", {"database_dir": tmp_path}) as db:
        assert rows(db, "CREATE (n) RETURN id(n) AS i")[0]["i"] > last


def test_create_if_missing(tmp_path: Path) -> None:
    with pytest.raises(LoraQueryError) as caught:
        Database("app", {"database_dir": tmp_path, "create_if_missing": False})
    assert caught.value.code in ("LORA_NOT_FOUND", "LORA_IO")
    assert "app.loradb" in str(caught.value)
    assert not (tmp_path / "app.loradb").exists()


def files_of(directory: Path) -> List[Any]:
    return sorted((str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in directory.rglob("*"))


def test_read_only(tmp_path: Path) -> None:
    options = {"database_dir": tmp_path, "read_only": True}
    with pytest.raises(LoraQueryError):
        Database("app", options)
    assert list(tmp_path.iterdir()) == []
    with Database("app", {"database_dir": tmp_path}) as db:
        db.execute("CREATE (:N {v: 1})")
        with pytest.raises(LoraQueryError) as caught:
            Database("app", options)
        assert caught.value.code == "LORA_LOCKED"
    before = files_of(tmp_path)
    with Database("app", options) as db:
        assert rows(db, "MATCH (n:N) RETURN n.v AS v") == [{"v": 1}]
        for call in (lambda: db.execute("CREATE (:N)"), lambda: db.begin(), db.clear, lambda: db.load_snapshot(b"x")):
            with pytest.raises(LoraQueryError) as caught:
                call()
            assert caught.value.code == "LORA_READ_ONLY"
        assert db.verify() == {"ok": True, "errors": []}
        snapshot = db.save_snapshot()
    assert files_of(tmp_path) == before
    with Database() as copy:
        assert copy.load_snapshot(snapshot)["nodeCount"] == 1


@pytest.mark.parametrize("sync", ["commit", "interval", "off"])
def test_sync_levels_all_keep_what_was_closed(tmp_path: Path, sync: str) -> None:
    with Database("app", {"database_dir": tmp_path, "sync": sync}) as db:
        for i in range(20):
            db.execute("CREATE (:N {i: $i})", {"i": i})
        db.sync()
    with Database("app", {"database_dir": tmp_path}) as db:
        assert db.node_count == 20


def test_a_second_handle_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with Database("app", {"database_dir": tmp_path}):
        with pytest.raises(LoraQueryError) as caught:
            Database("app", {"database_dir": tmp_path})
        assert caught.value.code == "LORA_LOCKED"
        assert str(os.getpid()) in str(caught.value)
    Database("app", {"database_dir": tmp_path}).close()


HOLDER = """
    import sys
    from lora_python import Database
    db = Database("app", {"database_dir": sys.argv[1]})
    db.execute("CREATE (:N)")
    print("open", flush=True)
    sys.stdin.read()
"""


def test_another_process_is_named_by_its_pid(tmp_path: Path) -> None:
    child = run(HOLDER, tmp_path)
    assert child.stdout is not None
    assert child.stdout.readline() == "open\n"
    with pytest.raises(LoraQueryError) as caught:
        Database("app", {"database_dir": tmp_path})
    assert caught.value.code == "LORA_LOCKED"
    assert str(child.pid) in str(caught.value)
    child.communicate()
    assert child.returncode == 0
    with Database("app", {"database_dir": tmp_path}) as db:
        assert db.node_count == 1


WRITER = """
    import sys
    from lora_python import Database
    db = Database("app", {"database_dir": sys.argv[1], "sync": sys.argv[2]})
    i = 0
    while True:
        with db.begin() as tx:
            tx.execute("CREATE (:N {i: $i})", {"i": i})
            tx.execute("CREATE (:N {i: $i})", {"i": i})
        i += 1
        print(i, flush=True)
"""


@pytest.mark.parametrize("sync", ["commit", "interval", "off"])
def test_kill_9_loses_no_acknowledged_commit(tmp_path: Path, sync: str) -> None:
    acknowledged = 0
    for _ in range(2):
        child = run(WRITER, tmp_path, sync)
        assert child.stdout is not None
        count = 0
        while count < 25:
            count = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        count = max([count, *map(int, child.stdout.read().split())])
        child.communicate()
        acknowledged += count
        with Database("app", {"database_dir": tmp_path}) as db:
            assert db.verify() == {"ok": True, "errors": []}
            assert db.node_count % 2 == 0
            assert db.node_count >= 2 * acknowledged
            acknowledged = db.node_count // 2


def test_handles_open_at_exit_are_closed(tmp_path: Path) -> None:
    code = """
        import sys
        from lora_python import Database
        db = Database("app", {"database_dir": sys.argv[1], "sync": "interval", "sync_interval_ms": 60000})
        db.execute("CREATE (:N)")
        tx = db.begin()
        tx.execute("CREATE (:Lost)")
        stream = db.stream("UNWIND range(1, 1000) AS i RETURN i")
        next(stream)
    """
    child = run(code, tmp_path)
    assert child.communicate()[0] == ""
    assert child.returncode == 0
    with Database("app", {"database_dir": tmp_path}) as db:
        assert rows(db, "MATCH (n) RETURN labels(n) AS l") == [{"l": ["N"]}]


def test_a_query_of_a_daemon_thread_does_not_stop_the_exit(tmp_path: Path) -> None:
    code = """
        import threading, time
        from lora_python import Database
        db = Database()
        query = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b WITH a, b WHERE a + b < 0 RETURN a"
        threading.Thread(target=lambda: db.execute(query), daemon=True).start()
        time.sleep(0.2)
    """
    child = run(code)
    child.communicate(timeout=60)
    assert child.returncode == 0


def test_a_callable_of_a_daemon_thread_does_not_stop_the_exit() -> None:
    code = """
        import threading, time
        from lora_python import Database
        db = Database()
        def slow():
            time.sleep(0.4)
            return db.execute("RETURN 1 AS one")[0]["one"]
        db.register_function("my.slow() :: INTEGER", slow)
        threading.Thread(target=lambda: db.execute("RETURN my.slow()"), daemon=True).start()
        time.sleep(0.1)
    """
    for _ in range(3):
        child = run(code)
        child.communicate(timeout=60)
        assert child.returncode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    code = """
        import gc, os, sys
        from lora_python import Database, LoraQueryError
        db = Database("app", {"database_dir": sys.argv[1]})
        db.execute("CREATE (:N)")
        tx = db.begin()
        tx.execute("CREATE (:M)")
        stream = db.stream("UNWIND range(1, 10000) AS i RETURN i")
        next(stream)
        pid = os.fork()
        if pid == 0:
            codes = set()
            calls = [lambda: db.execute("RETURN 1 AS x"), lambda: db.node_count, lambda: db.begin(), tx.commit,
                     lambda: tx.execute("RETURN 1 AS x"), lambda: list(stream), db.sync, db.save_snapshot, db.stats,
                     lambda: db.stream("RETURN 1 AS x"), db.clear, lambda: db.explain("RETURN 1 AS x"),
                     lambda: Database(), lambda: Database("other", {"database_dir": sys.argv[1]})]
            for call in calls:
                try:
                    call()
                    codes.add("no error")
                except LoraQueryError as error:
                    codes.add(error.code)
            repr(db)
            db.interrupt()
            db.close()
            del tx, stream
            gc.collect()
            print(codes, flush=True)
            sys.exit(0 if codes == {"LORA_FORKED"} else 1)
        _, status = os.waitpid(pid, 0)
        tx.execute("CREATE (:M)")
        tx.commit()
        print(status, db.node_count, sum(1 for _ in stream))
    """
    child = run(code, tmp_path)
    try:
        output = child.communicate(timeout=60)[0]
    finally:
        child.kill()
    assert output.split("\n")[:2] == ["{'LORA_FORKED'}", "0 3 9999"]
    assert child.returncode == 0
    with Database("app", {"database_dir": tmp_path}) as db:
        assert db.node_count == 3


def test_a_child_may_open_databases_when_its_parent_has_not(tmp_path: Path) -> None:
    code = """
        import os, sys
        from lora_python import Database
        for n in range(2):
            pid = os.fork()
            if pid == 0:
                with Database("app", {"database_dir": sys.argv[1]}) as db:
                    db.execute("CREATE (:N)")
                sys.exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
        with Database("app", {"database_dir": sys.argv[1]}) as db:
            print(db.node_count)
    """
    child = run(code, tmp_path)
    assert child.communicate(timeout=60)[0] == "2\n"


def test_keyboard_interrupt_stops_a_query(tmp_path: Path) -> None:
    code = """
        import os, signal, threading, time
        from lora_python import Database
        db = Database()
        query = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b WITH a, b WHERE a + b < 0 RETURN a"
        threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        start = time.monotonic()
        try:
            db.execute(query)
        except KeyboardInterrupt:
            assert time.monotonic() - start < 10
            print(db.execute("RETURN 1 AS x")["rows"])
        try:
            tx = db.begin()
            threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
            tx.execute(query)
        except KeyboardInterrupt:
            print(tx.execute("RETURN 2 AS x")["rows"])
    """
    child = run(code)
    assert child.communicate(timeout=60)[0] == "[{'x': 1}]\n[{'x': 2}]\n"


def test_a_file_where_the_database_should_be(tmp_path: Path) -> None:
    for content in (b"LORADB2\0 and more", b"PK\x03\x04", b""):
        (tmp_path / "app.loradb").write_bytes(content)
        with pytest.raises(LoraQueryError) as caught:
            Database("app", {"database_dir": tmp_path})
        assert caught.value.code == ("LORA_FORMAT_VERSION" if b"LORADB2" in content else "LORA_CONFIG")
        assert (tmp_path / "app.loradb").read_bytes() == content


def test_load_csv_only_below_import_dir(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "people.csv").write_text("name,born\nAda,1815\n")
    (tmp_path / "secret.csv").write_text("a\n")
    with Database(None, {"import_dir": tmp_path / "in"}) as db:
        read = "LOAD CSV WITH HEADERS FROM $file AS row RETURN row.name AS name, row.born AS born"
        assert rows(db, read, {"file": "file:///people.csv"}) == [{"name": "Ada", "born": "1815"}]
        for file in ("file:///../secret.csv", "file:///etc/passwd", "http://127.0.0.1/x.csv", "file:///none.csv"):
            with pytest.raises(LoraQueryError):
                db.execute(read, {"file": file})
    with Database() as db:
        with pytest.raises(LoraQueryError):
            db.execute(read, {"file": "file:///people.csv"})


def test_wrong_types_of_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LoraQueryError) as caught:
        Database("app", {"database_dir": tmp_path / "file"})
    assert caught.value.code == "LORA_IO"
    assert "file" in str(caught.value)
    with pytest.raises(InvalidParamsError):
        Database("app", {"database_dir": None, "sync": object()})
