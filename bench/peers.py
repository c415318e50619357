#!/usr/bin/env python3
"""This database and embedded graph databases from PyPI, side by side: same data, same machine, same run.

Every engine runs in a process of its own, from a virtual environment below .cache/peers, so that the package of the
same name from PyPI and ours never meet. Answers are compared with a reference before anything is timed; turns are
interleaved.

    peers.py --smoke                          a minute, nothing downloaded: ours, and what is installed already
    peers.py --size small --json out.json     all engines, memory and disk
    peers.py --engines ours,kuzu --size medium --cores both
    peers.py --size large --engines ours --only memory --workloads lookup,hop2_count
    peers.py --build old=/tmp/old --engines ours,old   two builds of ours in one run
    peers.py --compare before.json after.json          two earlier runs

Ours is taken from .venv of the checkout; LORA_PEERS_PYTHONPATH (or --ours-path) names a folder that holds lora_python
instead. On disk it is loaded by `lora-import`, from the newest build below the checkout; LORA_PEERS_TOOLS (or
--tools-path) names another folder for it.
"""

import argparse
import datetime
import json
import math
import os
import platform
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "engines"))

from dataset import SIZES, make_dataset, read_ages, read_crc, write_csv, write_headers  # noqa: E402
from reference import compute, find_program, run_program  # noqa: E402
from report import compare, tables  # noqa: E402
from workloads import WORKLOADS, Workload  # noqa: E402


class Mode(NamedTuple):
    """One way to open an engine."""

    suffix: str
    group: str  # memory, commit or interval: rivals are compared with ours of the same group
    sync: str  # in words
    options: Dict[str, Any] = {}


class Spec(NamedTuple):
    key: str
    engine: str  # key of child.MODULES
    modes: Tuple[Mode, ...]
    requirements: Tuple[str, ...] = ()  # the first that installs is taken; empty: ours
    python: Tuple[int, int] = (3, 8)  # the oldest that the package runs on
    path: str = ""
    importer: str = ""  # `lora-import` of the same build


MEMORY = Mode("mem", "memory", "none")
OURS = (
    MEMORY,
    Mode("disk-commit", "commit", "sync=commit: synced before each commit returns", {"sync": "commit"}),
    Mode("disk-interval", "interval", "sync=interval: synced every 100 ms", {"sync": "interval"}),
)
RIVAL_LORA = (MEMORY, Mode("disk", "interval", "group sync, every 1000 ms (its only mode)"))
KUZU = (
    MEMORY._replace(options={"module": "kuzu"}),
    Mode("disk", "commit", "synced before each commit returns (its only mode)", {"module": "kuzu"}),
)
LADYBUG = tuple(mode._replace(options={"module": "ladybug"}) for mode in KUZU)
SPECS = (
    Spec("ours", "lora", OURS),
    Spec("lora-0.15.0", "lora", RIVAL_LORA, ("lora-python==0.15.0",)),
    Spec("lora-0.32.1", "lora", RIVAL_LORA, ("lora-python==0.32.1",)),
    Spec("kuzu", "kuzu", KUZU, ("kuzu==0.11.3",)),
    Spec("ladybug", "kuzu", LADYBUG, ("ladybug==0.22.0", "real_ladybug==0.15.3"), (3, 10)),
    Spec(
        "grafeo",
        "grafeo",
        (MEMORY, Mode("disk", "interval", "log written at commit, not synced (its default)")),
        ("grafeo==0.6.0",),
        (3, 12),
    ),
    # A server process behind a Unix socket; it has no log, only dumps from time to time: no mode to compare on disk.
    Spec("falkordblite", "falkordb", (MEMORY,), ("falkordblite==0.11.0",), (3, 12)),
)


class Settings(NamedTuple):
    rounds: int
    box: float  # seconds of one turn
    calls: int  # most calls of one turn
    patience: float  # seconds until an engine that does not answer is ended
    load: float  # seconds
    rows: float  # seconds of loading with UNWIND, where that is not the engine's own way
    budget: float  # seconds of one workload on one engine
    restarts: int  # of an engine that crashed or was ended


SETTINGS = {
    "smoke": Settings(2, 0.02, 200, 4, 20, 5, 1, 2),
    "small": Settings(5, 0.2, 2000, 15, 240, 60, 5, 2),
    "medium": Settings(5, 0.3, 2000, 60, 600, 30, 10, 2),
    "large": Settings(2, 0.5, 2000, 120, 1200, 300, 20, 1),
}
PYTHON_MAKES = 1_000_000  # relationships; more are left to the C++ program, which takes seconds for what takes minutes
MEMORY_LIMIT = (
    os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
)  # of one engine; one that passes it is ended


def most_resident(pid: int) -> int:
    """The most memory that a process ever had, 0 if it is gone."""
    try:
        with open("/proc/%d/status" % pid) as status:
            return sum(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except OSError:
        return 0


def resident(pid: int) -> int:
    try:
        with open("/proc/%d/statm" % pid) as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


class Use(NamedTuple):
    """Processor seconds of the machine since it started."""

    there: float
    busy: float
    ours: float  # of this process, of its children that ended, and of the processes named


def use_of_machine(processes: Sequence[int]) -> Use:
    tick = os.sysconf("SC_CLK_TCK")
    with open("/proc/stat") as stat:
        fields = [int(field) for field in stat.readline().split()[1:9]]  # what guests use is in the first ones
    ours = sum(os.times()[:4])
    for process in processes:
        try:
            with open("/proc/%d/stat" % process) as stat:
                own = stat.read().rsplit(")", 1)[1].split()
            ours += sum(map(int, own[11:15])) / tick
        except (OSError, IndexError):
            pass
    return Use(sum(fields) / tick, (sum(fields) - fields[3] - fields[4]) / tick, ours)


def used_by_others(before: Use, after: Use) -> float:
    """The share of the machine, 0 to 1, that work which is none of ours had between the two."""
    others = (after.busy - before.busy) - (after.ours - before.ours)
    return max(0.0, others / max(after.there - before.there, 0.01))


# --- environments ---


def find_python(oldest: Tuple[int, int]) -> Optional[str]:
    """This interpreter, or another of this machine that is new enough."""
    if sys.version_info[:2] >= oldest:
        return sys.executable
    candidates = [shutil.which("python3.%d" % minor) for minor in range(oldest[1], oldest[1] + 4)]
    pyenv = os.path.join(os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv")), "versions")
    if os.path.isdir(pyenv):
        candidates += [os.path.join(pyenv, name, "bin", "python3") for name in sorted(os.listdir(pyenv))]
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK):
            code = "import sys; sys.exit(sys.version_info[:2] < %r)" % (oldest,)
            if subprocess.call([candidate, "-I", "-c", code], stderr=subprocess.DEVNULL) == 0:
                return candidate
    return None


class Environment(NamedTuple):
    python: str
    module: str = ""  # of the requirement taken


def environment(spec: Spec, cache: str, install: bool) -> Environment:
    """The interpreter that has the engine's package; raises RuntimeError saying why there is none."""
    reasons = []
    for requirement in spec.requirements:
        home = os.path.join(cache, requirement.replace("==", "-"))
        python = os.path.join(home, "bin", "python")
        module = requirement.split("==")[0]
        if os.path.exists(os.path.join(home, ".installed")):
            return Environment(python, module)
        if not install:
            reasons.append("%s is not installed" % requirement)
            continue
        base = find_python(spec.python)
        if base is None:
            reasons.append("%s needs Python %d.%d" % ((requirement,) + spec.python))
            continue
        shutil.rmtree(home, ignore_errors=True)
        os.makedirs(cache, exist_ok=True)
        print("installing %s" % requirement, file=sys.stderr)
        try:
            subprocess.run([base, "-m", "venv", home], check=True, capture_output=True, text=True, timeout=120)
            pip = [python, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", requirement]
            subprocess.run(pip, check=True, capture_output=True, text=True, timeout=900)
        except (OSError, subprocess.SubprocessError) as error:
            said = str(getattr(error, "stderr", "") or error).strip().splitlines()
            reasons.append("%s does not install: %s" % (requirement, said[-1] if said else "no reason given"))
            continue
        with open(os.path.join(home, ".installed"), "w"):
            pass
        return Environment(python, module)
    raise RuntimeError("; ".join(reasons))


def our_python() -> str:
    python = os.path.join(ROOT, ".venv", "bin", "python")
    return python if os.access(python, os.X_OK) else sys.executable


# --- one engine in a child process ---


class Failed(Exception):
    """The engine answered with an error."""


class Gone(Exception):
    """The child is no more: it crashed, or took too long and was ended."""


class Peer:
    def __init__(
        self,
        spec: Spec,
        mode: Mode,
        found: Environment,
        databases: str,
        data: str,
        settings: Settings,
        preload: Optional[str],
    ) -> None:
        self.spec, self.mode, self.settings = spec, mode, settings
        self.name = "%s-%s" % (spec.key, mode.suffix)
        self.found = found
        self.options = dict(mode.options)
        if not spec.requirements:  # ours
            self.options.update(importer=spec.importer)
        if "module" in self.options:
            self.options["module"] = found.module
        self.databases, self.data = databases, data
        self.preload = preload
        self.process: Optional[subprocess.Popen] = None
        self.buffer = b""
        self.also: List[int] = []
        self.hello: Dict[str, Any] = {}
        self.directory: Optional[str] = None
        self.loaded: Dict[str, Any] = {}  # in its own way
        self.by_rows: Dict[str, Any] = {}  # with UNWIND
        self.after_reads: Optional[int] = None  # bytes
        self.most = 0  # bytes
        self.reopened: List[Dict[str, Any]] = []
        self.compacted: Optional[int] = None  # bytes
        self.results: Dict[str, Dict[str, Any]] = {}
        self.restarts = 0
        self.dead = ""

    def start(self) -> None:
        self.directory = directory = None
        if self.mode.group != "memory":
            self.directory = directory = tempfile.mkdtemp(prefix=self.name + "-", dir=self.databases)
        config = {
            "engine": self.spec.engine,
            "path": self.spec.path,
            "directory": directory,
            "options": self.options,
            "memory": MEMORY_LIMIT,
        }
        keep = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        if directory is not None and self.preload is not None:
            keep["LD_PRELOAD"] = " ".join(filter(None, (self.preload, keep.get("LD_PRELOAD"))))
        self.buffer = b""
        self.process = subprocess.Popen(
            [self.found.python, "-I", os.path.join(HERE, "engines", "child.py"), json.dumps(config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=keep,
        )
        try:  # a rival that takes all memory should be what the kernel ends
            with open("/proc/%d/oom_score_adj" % self.process.pid, "w") as adjust:
                adjust.write("1000")
        except OSError:
            pass
        self.hello = self._read(self.settings.patience)
        self.also = [pid for pid in self.hello.get("processes", ()) if pid > 1]  # 0 would be this process's own group
        self._pause()

    def ask(self, patience: Optional[float] = None, **request: Any) -> Dict[str, Any]:
        if self.process is None:
            raise Gone(self.dead or "not started")
        self.process.send_signal(signal.SIGCONT)
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            pass  # the read below says what became of it
        answer = self._read(patience or self.settings.patience)
        self._pause()
        return answer

    def _pause(self) -> None:
        """An engine that waits does nothing in the background: its cleaning up belongs to its own turns."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)

    def _read(self, patience: float) -> Dict[str, Any]:
        assert self.process is not None and self.process.stdout is not None
        until = time.monotonic() + patience
        while b"\n" not in self.buffer:
            left = until - time.monotonic()
            if left <= 0:
                self.kill()
                raise Gone("> %d s" % patience)
            if not select.select([self.process.stdout], [], [], min(left, 0.1))[0]:
                now = resident(self.process.pid)
                self.most = max(self.most, now)
                if now > MEMORY_LIMIT:
                    self.kill()
                    raise Gone("> %.0f GB of memory" % (MEMORY_LIMIT / 1e9))
                continue
            part = os.read(self.process.stdout.fileno(), 1 << 20)
            if not part:
                code = self.process.wait()
                self.kill()
                how = signal.Signals(-code).name if code < 0 else "exit %d" % code
                if self.most > MEMORY_LIMIT / 2:  # what it was refused is not known
                    how += ", had used %.1f GB of %.1f" % (self.most / 1e9, MEMORY_LIMIT / 1e9)
                raise Gone("crashed (%s)" % how)
            self.buffer += part
        line, self.buffer = self.buffer.split(b"\n", 1)
        answer: Dict[str, Any] = json.loads(line)
        if "error" in answer:
            self._pause()
            raise Failed(answer["error"])
        return answer

    def note_most(self) -> None:
        if self.process is not None:
            self.most = max(self.most, sum(map(most_resident, [self.process.pid] + self.also)))  # 0 after a crash

    def kill(self) -> None:
        self.note_most()
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                try:
                    if stream is not None:
                        stream.close()
                except OSError:
                    pass
        for pid in self.also:  # a server that the engine started
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        self.also = []
        if self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)

    def close(self) -> None:
        self.note_most()
        if self.process is not None:
            try:
                self.ask(op="close")
            except (Failed, Gone):
                pass
        self.kill()

    def load(self, context: Dict[str, Any], rows: bool = False) -> Dict[str, Any]:
        limit = self.settings.rows if rows else self.settings.load
        parameters = {key: context[key] for key in ("starts", "names", "pairs", "persons")}
        return self.ask(limit * 2 + 30, op="load", data=self.data, context=parameters, limit=limit, rows=rows)

    def load_both(self, context: Dict[str, Any]) -> None:
        """In its own way and, in a process and a database of their own that are closed then, with UNWIND."""
        self.loaded = self.load(context)
        if self.loaded["by_rows"]:
            self.by_rows = self.loaded
            return
        scratch = Peer(self.spec, self.mode, self.found, self.databases, self.data, self.settings, self.preload)
        try:
            scratch.start()
            self.by_rows = scratch.load(context, rows=True)
        except (Failed, Gone) as error:
            self.by_rows = {"seconds": {}, "error": str(error).splitlines()[0][:160]}
        else:
            scratch.close()
        finally:
            scratch.kill()

    def again(self, context: Dict[str, Any]) -> None:
        """After the child went: a new one with the same data, a few times."""
        if self.process is not None or self.dead:
            return
        if self.restarts == self.settings.restarts:
            self.dead = "ended %d times" % (self.restarts + 1)
            return
        self.restarts += 1
        try:
            self.start()
            self.load(context)
        except (Failed, Gone) as error:
            self.dead = "no restart: %s" % error
            self.kill()


# --- judging ---


def same(found: Any, expected: Any) -> bool:
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    if isinstance(found, (int, float)) and isinstance(expected, (int, float)):
        return math.isclose(found, expected, rel_tol=1e-9)
    return bool(found == expected)


def right(workload: Workload, found: List[Any], expected: List[Any]) -> bool:
    if workload.ordered:
        return same(found, expected)
    return same(sorted(found, key=repr), sorted(expected, key=repr))


def judge(workload: Workload, answer: Dict[str, Any], context: Dict[str, Any]) -> str:
    """Empty if all answers are right, else what is wrong with them."""
    wrong, first = 0, ""
    walks = workload.key == "hop3_count"
    for offset, found in enumerate(answer["answers"]):
        i = answer["first"] + offset
        expected = workload.expected(i, context)
        if walks:
            all_walks = context["answers"]["hop3_walks"]
            walks = same(found, all_walks[i % len(all_walks)])
        if not right(workload, found, expected):
            wrong += 1
            first = first or "%s instead of %s" % (shorten(found), shorten(expected))
    if not wrong:
        return ""
    why = "walks, a relationship may repeat" if walks else first
    return "%d of %d answers: %s" % (wrong, len(answer["answers"]), why)


def shorten(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


# --- running ---


def run_workload(workload: Workload, peers: List[Peer], context: Dict[str, Any], settings: Settings) -> None:
    times: Dict[str, List[List[int]]] = {}
    cpu: Dict[str, float] = {}
    synced: Dict[str, int] = {}
    spent: Dict[str, float] = {}

    def failed(peer: Peer, error: Exception) -> None:
        result = peer.results[workload.key]
        result["error"] = str(error).splitlines()[0][:160]
        times.pop(peer.name, None)
        peer.again(context)

    for peer in peers:
        result = peer.results[workload.key] = {}
        if peer.dead:
            result["error"] = peer.dead
            continue
        # Answers first; they warm up as well.
        begin = time.monotonic()
        checks = 2 if workload.write or workload.params == "none" else len(context["starts"])
        try:
            answer = peer.ask(op="answers", workload=workload.key, calls=checks, box=settings.budget / 3)
            if not workload.write or workload.answers:
                result["wrong"] = judge(workload, answer, context)
                result["checked"] = len(answer["answers"])
            times[peer.name] = []
        except (Failed, Gone) as error:
            failed(peer, error)
        spent[peer.name] = time.monotonic() - begin

    for turn in range(settings.rounds):
        for peer in peers[turn % len(peers) :] + peers[: turn % len(peers)]:
            if peer.name not in times or (spent[peer.name] > settings.budget and times[peer.name]):
                continue
            begin = time.monotonic()
            try:
                reply = peer.ask(op="turn", workload=workload.key, calls=settings.calls, box=settings.box)
                times[peer.name].append(reply["times"])
                cpu[peer.name] = cpu.get(peer.name, 0.0) + reply["cpu"]
                if reply["fsyncs"] is not None:
                    synced[peer.name] = synced.get(peer.name, 0) + reply["fsyncs"]
            except (Failed, Gone) as error:
                failed(peer, error)
            spent[peer.name] += time.monotonic() - begin

    for peer in peers:
        if peer.name not in times:
            continue
        result = peer.results[workload.key]
        result.update(summary(times[peer.name]))
        result["cpu"] = cpu[peer.name] / result["n"] * 1e6
        if workload.write and peer.name in synced:
            result["fsyncs"] = synced[peer.name] / result["n"]
        if workload.verify:
            try:
                found = peer.ask(op="verify", workload=workload.key)
                if found["found"] != found["expected"]:
                    result["wrong"] = "%r arrived instead of %d" % (found["found"], found["expected"])
            except (Failed, Gone) as error:
                result["wrong"] = "not verified: %s" % str(error).splitlines()[0][:120]
                peer.again(context)


def summary(turns: List[List[int]]) -> Dict[str, Any]:
    pooled = sorted(ns for turn in turns for ns in turn)

    def at(share: float) -> float:
        return pooled[min(len(pooled) - 1, int(share * len(pooled)))] / 1e3

    medians = [sorted(turn)[len(turn) // 2] / 1e3 for turn in turns]
    return {"n": len(pooled), "p50": at(0.5), "p99": at(0.99), "min": pooled[0] / 1e3, "turns": medians}


def run_group(
    peers: List[Peer], workloads: List[Workload], context: Dict[str, Any], settings: Settings
) -> Dict[str, float]:
    """Loads all, then workload by workload; the share of the machine that others had during each."""

    def processes() -> List[int]:
        return [pid for peer in peers if peer.process is not None for pid in [peer.process.pid] + peer.also]

    before = use_of_machine(processes())
    for peer in peers:
        progress("loading %s" % peer.name)
        try:
            peer.start()
            peer.load_both(context)
        except (Failed, Gone) as error:
            peer.dead = "load: %s" % str(error).splitlines()[0][:160]
            peer.kill()
    others = {"load": used_by_others(before, use_of_machine(processes()))}
    changed = False
    for workload in workloads:
        progress(workload.title)
        before = use_of_machine(processes())
        if workload.write and not changed:
            changed = True
            for peer in peers:
                if peer.process is not None:
                    try:
                        peer.after_reads = peer.ask(op="memory")["bytes"]
                    except (Failed, Gone) as error:
                        progress("%s, memory after the reads: %s" % (peer.name, error))
                        peer.again(context)
        run_workload(workload, peers, context, settings)
        others[workload.key] = used_by_others(before, use_of_machine(processes()))
    for peer in peers:
        if peer.mode.group != "memory" and peer.process is not None:
            progress("reopening %s" % peer.name)
            try:
                for _ in range(min(3, settings.rounds)):
                    peer.reopened.append(peer.ask(op="reopen"))
            except (Failed, Gone) as error:
                peer.reopened.append({"error": str(error).splitlines()[0][:160]})
            try:
                peer.compacted = peer.ask(settings.load, op="compact").get("bytes")
            except (Failed, Gone) as error:
                peer.reopened.append({"error": "compact: %s" % str(error).splitlines()[0][:160]})
        peer.close()
    return others


def progress(text: str) -> None:
    print("%s  %s" % (time.strftime("%H:%M:%S"), text), file=sys.stderr)


# --- the machine ---


def machine() -> Dict[str, Any]:
    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as lines:
            cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), cpu)
    except OSError:
        pass
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "cores_there": os.cpu_count() or 1,
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": "%s %s" % (platform.system(), platform.release()),
    }


def count_fsyncs(cache: str) -> Optional[str]:
    """The library that counts fsyncs, built; None (and said) where there is no C compiler."""
    library = os.path.join(cache, "fsyncs.so")
    source = os.path.join(HERE, "engines", "fsyncs.c")
    try:
        subprocess.run(
            [os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", "-o", library, source],
            check=True,
            capture_output=True,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError) as error:
        print("fsyncs are not counted: %s" % error, file=sys.stderr)
        return None
    return library


def fsync_time(directory: str) -> float:
    """The median of some fsyncs of 4 KiB each, appended to a file, in microseconds."""
    times = []
    with tempfile.TemporaryFile(dir=directory) as file:
        for _ in range(51):
            file.write(b"x" * 4096)
            file.flush()
            start = time.perf_counter()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - start) * 1e6)
    return sorted(times)[len(times) // 2]


def commit() -> str:
    try:
        git = ["git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=10"]
        return subprocess.check_output(git, text=True, stderr=subprocess.DEVNULL).strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


# --- main ---


def make_files(size: str, folder: str) -> Tuple[Dict[str, Any], str]:
    """Writes the CSV files of this size into `folder`; the answers about them, and who gave those."""
    os.makedirs(folder, exist_ok=True)
    persons, knows = SIZES[size]
    program = find_program(ROOT)
    if program is not None:
        try:
            answers = run_program(program, persons, knows, folder)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            print("%s does not run, is it up to date? (%s)" % (program, error), file=sys.stderr)
        else:
            for name in ("persons", "knows"):
                if read_crc(os.path.join(folder, name + ".csv")) != answers["digest"][name + "_crc32"]:
                    raise SystemExit("%s wrote a damaged %s.csv" % (program, name))
            wanted = {w.answers or w.key for w in WORKLOADS if w.params != "ids" and (w.answers or not w.write)}
            if not wanted <= set(answers["answers"]):
                raise SystemExit("%s does not know all workloads; build it again" % program)
            return answers, "the C++ reference"
    if knows > PYTHON_MAKES:
        raise SystemExit("size %s needs bench/reference; build it (LORA_BUILD_BENCH=ON)" % size)
    data = make_dataset(persons, knows)
    write_csv(data, folder)
    return compute(data), "the Python reference (bench/reference is not built)"


def find_importer(options: argparse.Namespace, spec: Spec) -> str:
    """`lora-import` of a build of ours: in the folder named, in the checkout the module lies in, or in this one."""
    named = options.tools_path or os.environ.get("LORA_PEERS_TOOLS", "")
    if named and spec.key == "ours":
        importer = os.path.join(os.path.abspath(named), "lora-import")
        return importer if os.access(importer, os.X_OK) else ""
    checkouts = [os.path.dirname(spec.path)] if spec.path else []
    if spec.key == "ours":
        checkouts.append(ROOT)
    found = [find_program(checkout, "tools/lora-import") for checkout in checkouts]
    return next(filter(None, found), "")


def choose(options: argparse.Namespace) -> List[Spec]:
    ours_path = options.ours_path or os.environ.get("LORA_PEERS_PYTHONPATH", "")
    specs = [
        spec._replace(path=os.path.abspath(ours_path)) if spec.key == "ours" and ours_path else spec for spec in SPECS
    ]
    for build in options.build:
        name, _, path = build.partition("=")
        if not path or not os.path.isdir(os.path.join(path, "lora_python")):
            raise SystemExit("--build takes NAME=FOLDER, where FOLDER holds lora_python, not `%s`" % build)
        specs.insert(1, Spec(name, "lora", OURS, path=os.path.abspath(path)))
    specs = [spec if spec.requirements else spec._replace(importer=find_importer(options, spec)) for spec in specs]
    if not options.engines:
        return specs
    wanted = options.engines.split(",")
    known = [spec.key for spec in specs]
    for name in wanted:
        if name not in known:
            raise SystemExit("unknown engine `%s`; known are %s" % (name, ", ".join(known)))
    return [spec for spec in specs if spec.key in wanted]


class Prepared(NamedTuple):
    """What runs on one core and on two have in common."""

    size: str
    cache: str
    folder: str  # of the CSV files
    found: List[Tuple[Spec, Environment]]
    missing: Dict[str, str]
    context: Dict[str, Any]
    digest: Dict[str, Any]
    judged_by: str


def prepare(options: argparse.Namespace) -> Prepared:
    size = "smoke" if options.smoke else options.size
    cache = os.path.abspath(options.cache)
    install = not (options.smoke or options.no_install)
    found: List[Tuple[Spec, Environment]] = []
    missing: Dict[str, str] = {}
    for spec in choose(options):
        try:
            found.append((spec, environment(spec, cache, install) if spec.requirements else Environment(our_python())))
        except RuntimeError as error:
            missing[spec.key] = str(error)
            print("%s: %s" % (spec.key, error), file=sys.stderr)

    progress("making the data (%s)" % size)
    folder = os.path.join(cache, "data", size)
    answers, judged_by = make_files(size, folder)
    write_headers(folder)
    context = dict(answers, ages=read_ages(folder), names=[rows[0][0] for rows in answers["answers"]["lookup"]])
    context["persons"] = len(context["ages"])
    return Prepared(size, cache, folder, found, missing, context, answers["digest"], judged_by)


def measure(options: argparse.Namespace, prepared: Prepared) -> Dict[str, Any]:
    settings = SETTINGS[prepared.size]
    if options.rounds:
        settings = settings._replace(rounds=options.rounds)
    cache, folder, context = prepared.cache, prepared.folder, prepared.context
    workloads = [w for w in WORKLOADS if not options.workloads or w.key in options.workloads.split(",")]
    load_before = os.getloadavg()[0]
    peers: List[Peer] = []
    interrupted = False
    others: Dict[str, Dict[str, float]] = {}
    preload = None if options.only == "memory" else count_fsyncs(cache)
    with tempfile.TemporaryDirectory(prefix="databases-", dir=options.directory or cache) as databases:
        sync_time = None if options.only == "memory" else fsync_time(databases)
        for in_memory in (True, False):
            if options.only and (options.only == "memory") != in_memory:
                continue
            group = [
                Peer(spec, mode, where, databases, folder, settings, preload)
                for spec, where in prepared.found
                for mode in spec.modes
                if (mode.group == "memory") == in_memory
            ]
            peers += group
            try:
                chosen = [w for w in workloads if in_memory or w.disk]
                others["memory" if in_memory else "disk"] = run_group(group, chosen, context, settings)
            except KeyboardInterrupt:
                interrupted = True
            finally:
                for peer in group:
                    peer.kill()
            if interrupted:
                break
    return {
        "date": datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z"),
        "commit": commit(),
        "machine": machine(),
        "size": prepared.size,
        "digest": prepared.digest,
        "reference": prepared.judged_by,
        "settings": settings._asdict(),
        "load": [load_before, os.getloadavg()[0]],
        "others": others,
        "fsync": sync_time,
        "missing": prepared.missing,
        "interrupted": interrupted,
        "peers": [
            {
                "name": peer.name,
                "key": peer.spec.key,
                "group": peer.mode.group,
                "sync": peer.mode.sync,
                "hello": peer.hello,
                "loaded": peer.loaded,
                "by_rows": peer.by_rows,
                "after_reads": peer.after_reads,
                "most": peer.most,
                "compacted": peer.compacted,
                "reopened": peer.reopened,
                "dead": peer.dead,
                "results": peer.results,
            }
            for peer in peers
        ],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--smoke", action="store_true", help="tiny data, no downloads, under a minute")
    parser.add_argument("--size", choices=sorted(SIZES), default="small")
    parser.add_argument("--engines", help="names separated by commas: %s" % ", ".join(spec.key for spec in SPECS))
    parser.add_argument("--workloads", help="keys separated by commas: %s" % ", ".join(w.key for w in WORKLOADS))
    parser.add_argument("--only", choices=("memory", "disk"), help="one half of the run")
    parser.add_argument("--json", metavar="FILE", help="write all figures there")
    parser.add_argument("--rounds", type=int, help="turns of each engine and workload")
    parser.add_argument(
        "--cores", help="processor cores that the engines may use (default: all); both: a run on one, then one on two"
    )
    parser.add_argument("--no-install", action="store_true", help="leave out engines that are not installed yet")
    parser.add_argument("--ours-path", metavar="FOLDER", help="a folder that holds lora_python, instead of .venv")
    parser.add_argument("--tools-path", metavar="FOLDER", help="a folder that holds lora-import, for ours on disk")
    parser.add_argument("--build", action="append", default=[], metavar="NAME=FOLDER", help="another build of ours")
    parser.add_argument(
        "--cache",
        metavar="FOLDER",
        default=os.path.join(ROOT, ".cache", "peers"),
        help="where engines are installed and data is kept (default: .cache/peers)",
    )
    parser.add_argument("--directory", help="where databases are made (default: the cache)")
    parser.add_argument("--compare", nargs=2, metavar=("BEFORE", "AFTER"), help="compare two files of --json")
    options = parser.parse_args()
    if options.compare:
        return compare(*options.compare)
    all_cores = sorted(os.sched_getaffinity(0))
    core_counts = [len(all_cores)]
    if options.cores == "both":
        core_counts = [1, 2]
    elif options.cores is not None:
        if not options.cores.isdecimal() or int(options.cores) < 1:
            parser.error("--cores takes a number from 1 on, or `both`")
        core_counts = [int(options.cores)]
    if max(core_counts) > len(all_cores):
        parser.error("there are %d cores" % len(all_cores))
    unknown = set(options.workloads.split(",") if options.workloads else ()) - {w.key for w in WORKLOADS}
    if unknown:
        parser.error("unknown workloads: %s" % ", ".join(sorted(unknown)))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up, and report what there is
    prepared = prepare(options)
    reports: List[Dict[str, Any]] = []
    for cores in core_counts:
        os.sched_setaffinity(0, all_cores[:cores])  # of this process, and so of all that it starts
        reports.append(measure(options, prepared))
        if options.json:  # after each run, so that none is lost
            with open(options.json, "w") as out:
                json.dump(reports[0] if len(core_counts) == 1 else {"runs": reports}, out, indent=1)
        print(tables(reports[-1]) + ("\n" if cores != core_counts[-1] else ""), flush=True)
        if reports[-1]["interrupted"]:
            break
    ours = [peer for report in reports for peer in report["peers"] if peer["key"] == "ours"]
    bad = any(peer["dead"] or any(r.get("wrong") or "error" in r for r in peer["results"].values()) for peer in ours)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
