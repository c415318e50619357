"""One engine in a process of its own: JSON lines in, JSON lines out.

Started by peers.py as `python -I child.py {"engine": ..., "path": ..., "directory": ..., "options": ...}`. Calls are
timed here, with nothing but the engine's own package between the clock and the engine.

Requests: load, answers, turn, memory, verify, reopen, compact, close. Each gives one object with `ok`, or `error`.
"""

import ctypes
import gc
import importlib
import json
import os
import re
import resource
import signal
import sys
import time
from typing import Any, Dict, List, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = {
    "lora": ("lora_engine", "LoraEngine"),
    "kuzu": ("kuzu_engine", "KuzuEngine"),
    "grafeo": ("grafeo_engine", "GrafeoEngine"),
    "falkordb": ("falkordb_engine", "FalkorEngine"),
}


def resident(processes: List[int]) -> int:
    total = 0
    for process in ["self"] + [str(p) for p in processes]:
        with open("/proc/%s/statm" % process) as statm:
            total += int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return total


def peak(processes: List[int]) -> int:
    """The most that was ever resident in this process and these, or in a program that this one ran and waited for."""
    total = 0
    for process in ["self"] + [str(p) for p in processes]:
        with open("/proc/%s/status" % process) as status:
            total += sum(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    return max(total, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) * 1024


def cpu_seconds(processes: List[int]) -> float:
    """Of all threads of this process and of these."""
    seconds = time.process_time()
    for process in processes:
        with open("/proc/%d/stat" % process) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def fsyncs() -> Optional[int]:
    """How often the process has called fsync() or fdatasync(); None where they are not counted (fsyncs.c)."""
    try:
        return ctypes.c_ulong.in_dll(ctypes.CDLL(None), "lora_bench_fsyncs").value
    except ValueError:
        return None


def used(text: str, params: Dict[str, Any]) -> Dict[str, Any]:
    """The parameters that are in the text: some engines refuse others."""
    return {name: value for name, value in params.items() if re.search(r"\$%s\b" % name, text)}


def tree_bytes(directory: str) -> int:
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(directory) for name in names)


class Child:
    def __init__(self, config: Dict[str, Any]) -> None:
        sys.path.insert(0, HERE)
        if config.get("path"):
            sys.path.insert(0, config["path"])
        from base import BY_ROWS, Clock, TooSlow
        from workloads import BY_KEY, FIRST_SCANS

        module, name = MODULES[config["engine"]]
        self.make = getattr(importlib.import_module(module), name)
        self.workloads, self.first_scans = BY_KEY, FIRST_SCANS
        self.clock, self.too_slow, self.by_rows = Clock, TooSlow, BY_ROWS
        self.config = config
        self.context: Dict[str, Any] = {}
        self.done: Dict[str, int] = {}
        self.empty = 0
        # Kuzu and its successor reserve terabytes of addresses; the parent watches what all really use.
        if config["engine"] not in ("kuzu", "falkordb") and config.get("memory"):
            resource.setrlimit(resource.RLIMIT_DATA, (config["memory"], config["memory"]))
        self.engine = self.open()

    def open(self) -> Any:
        return self.make(self.config.get("directory"), self.config.get("options") or {})

    def hello(self) -> Dict[str, Any]:
        # The first query is before the memory is measured: it loads what the engine needs to run at all.
        self.engine.execute("RETURN 1 AS n", {})
        self.trim()
        self.empty = resident(self.engine.processes())
        return {
            "version": self.engine.version(),
            "facts": self.engine.facts(),
            "processes": self.engine.processes(),
            "empty": self.empty,
            "python": "%d.%d.%d" % sys.version_info[:3],
        }

    def trim(self) -> None:
        gc.collect()
        try:
            ctypes.CDLL(None).malloc_trim(0)
        except AttributeError:
            pass

    def load(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """In the engine's own way or, if `rows` is set, with UNWIND; `by_rows` says whether both are one."""
        self.context = request["context"]
        clock = self.clock(request["limit"])
        load = self.engine.load_by_rows if request["rows"] else self.engine.load
        try:
            way = load(request["data"], clock)
        except self.too_slow:
            if not request["rows"]:
                raise
            # What was not finished says nothing; the nodes are, once relationships have been timed.
            finished = {"nodes": clock.seconds["nodes"]} if "edges" in clock.seconds else {}
            return {"seconds": finished, "late": "> %d s" % request["limit"]}
        clock.seconds.setdefault("total", sum(clock.seconds.values()))
        return {
            "way": way,
            "by_rows": way.startswith(self.by_rows),
            "seconds": clock.seconds,
            **self.memory(request),
            "peak": peak(self.engine.processes()),
        }

    def memory(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """What the engine holds: without Python's garbage and what malloc has not given back yet."""
        self.trim()
        return {"bytes": resident(self.engine.processes()) - self.empty}

    def runner(self, workload: Any) -> Any:
        return self.engine.execute_once if workload.params == "text" else self.engine.execute

    def one(self, workload: Any, i: int) -> Any:
        """Runs call number `i`; its result and its time in ns."""
        text, params = workload.call(self.engine.dialect, i, self.context)
        if workload.before is not None:
            self.engine.execute(workload.before, used(workload.before, params))
            params = used(text, params)
        run = self.runner(workload)
        start = time.perf_counter_ns()
        result = run(text, params)
        spent = time.perf_counter_ns() - start
        self.done[workload.key] = i + 1
        return result, spent

    def answers(self, request: Dict[str, Any]) -> Dict[str, Any]:
        workload = self.workloads[request["workload"]]
        until = time.perf_counter() + request["box"]
        answers = []
        first = self.done.get(workload.key, 0)
        for i in range(first, first + request["calls"]):
            rows = self.engine.rows(self.one(workload, i)[0])
            answers.append([[len(rows), sum(row[0] for row in rows)]] if workload.reduce else rows)
            if time.perf_counter() > until:
                break
        return {"first": first, "answers": answers}

    def turn(self, request: Dict[str, Any]) -> Dict[str, Any]:
        workload = self.workloads[request["workload"]]
        times: List[int] = []
        gc.collect()
        gc.disable()
        cpu, synced = cpu_seconds(self.engine.processes()), fsyncs()
        try:
            until = time.perf_counter() + request["box"]
            i = self.done.get(workload.key, 0)
            while len(times) < request["calls"]:
                times.append(self.one(workload, i)[1])
                i += 1
                if time.perf_counter() > until:
                    break
        finally:
            gc.enable()
        cpu = cpu_seconds(self.engine.processes()) - cpu
        return {"times": times, "cpu": cpu, "fsyncs": None if synced is None else (fsyncs() or 0) - synced}

    def verify(self, request: Dict[str, Any]) -> Dict[str, Any]:
        workload = self.workloads[request["workload"]]
        rows = self.engine.rows(self.engine.execute(workload.verify, {}))
        expected = workload.base + workload.factor * self.done.get(workload.key, 0)
        return {"found": rows[0][0] if rows else None, "expected": expected}

    def reopen(self, request: Dict[str, Any]) -> Dict[str, Any]:
        start = time.perf_counter()
        self.engine.close()
        closed = time.perf_counter()
        size = tree_bytes(self.config["directory"])
        gc.collect()
        opening = time.perf_counter()
        self.engine = self.open()
        rows = self.engine.rows(self.one(self.workloads["lookup"], 0)[0])
        ready = time.perf_counter()
        answer = {"close": closed - start, "open": ready - opening, "bytes": size, "answer": rows}
        for key in self.first_scans:
            begin = time.perf_counter()
            self.engine.rows(self.one(self.workloads[key], 0)[0])
            answer[key] = time.perf_counter() - begin
        return answer

    def compact(self, request: Dict[str, Any]) -> Dict[str, Any]:
        """Size on disk after compacting and closing, where the engine can compact."""
        if not self.engine.compact():
            return {}
        self.engine.close()
        size = tree_bytes(self.config["directory"])
        self.engine = self.open()
        return {"bytes": size}

    def close(self, request: Dict[str, Any]) -> Dict[str, Any]:
        self.engine.close()
        return {}


def die_with_parent() -> None:
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    except AttributeError:
        pass


def main() -> None:
    die_with_parent()
    # Engines may print: their output goes to stderr, the protocol keeps the pipe.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def reply(answer: Dict[str, Any]) -> None:
        out.write(json.dumps(answer, default=repr) + "\n")
        out.flush()

    def failed(error: Optional[BaseException]) -> Dict[str, Any]:
        return {"error": "%s: %s" % (type(error).__name__, str(error).strip())}

    try:
        child = Child(json.loads(sys.argv[1]))
        reply(dict(child.hello(), ok=True))
    except Exception as error:  # the parent reports it
        reply(failed(error))
        return
    for line in sys.stdin:
        request = json.loads(line)
        try:
            reply(dict(getattr(child, request["op"])(request), ok=True))
        except BaseException as error:  # a panic of a Rust engine is no Exception
            reply(failed(error))
        if request["op"] == "close":
            break


if __name__ == "__main__":
    main()
