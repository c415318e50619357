"""Checks that compilers do not make: layers, listed files, header guards, disabled tests. Exit code 1 when any fails.

    python3 tools/tidy.py [ROOT]

Standard library only. Run by ctest and by `./tools/dev lint`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, List, Tuple

# Rank of a file: it may include files of its own rank and below. The longest prefix that fits counts.
LAYERS: List[Tuple[str, int]] = [
    ("kv/", 0),
    ("graph/", 10),
    ("cypher/syntax/", 20),
    ("cypher/functions/", 21),
    ("cypher/expr/", 22),
    ("cypher/bind/", 23),
    ("cypher/procedures/", 24),
    ("cypher/plan/", 25),
    ("cypher/exec/", 26),
    ("cypher/", 27),
    ("python/", 30),
    ("tools/", 31),
    ("tests/", 40),
    ("bench/", 41),
]
NEIGHBOURS_FROM = 30  # files of these ranks may name a header beside them without its folder
# graph's values stand below its store.
VALUE_FILES = re.compile(
    r"graph/(ids|value|value_\w+|word|packed_list|temporal\w*|spatial|vector|text|json|time_zone)\.(h|cpp)$"
)
# Third-party headers that only some files may include.
CONFINED: List[Tuple[str, str, str]] = [
    (r"rocksdb/", r"kv/rocks_\w+\.(h|cpp)$|tests/|bench/", "kv/rocks_*"),
    (r"flatbuffers/|generated/graph/|.*_generated\.h", r"graph/record\.cpp$", "graph/record.cpp"),
    (r"pybind11/", r"python/src/", "python/src"),
]
LINE_MAX = 120
SOURCE = (".h", ".cpp")
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')
TODO = re.compile(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))")
DISABLED_CPP = re.compile(r"\bTEST(?:_F|_P)?\s*\(\s*\w+\s*,\s*DISABLED_|\bDISABLED_\w+\s*,|GTEST_SKIP\s*\(\s*\)\s*;")
DISABLED_PY = re.compile(r"@pytest\.mark\.(skip|xfail)\b(?!\s*\((?=.*reason\s*=|.*[\"']))|pytest\.skip\(\s*\)")

Report = Callable[[str, int, str], None]


def tracked_files(root: Path) -> List[str]:
    """Paths below root that are the project's: what git knows or would add, all files where there is no git."""
    try:
        run = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root,
            capture_output=True,
            check=True,
        )
        names = run.stdout.decode("utf-8").split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = [str(path.relative_to(root)) for path in root.rglob("*") if not hidden(path.relative_to(root))]
    return sorted({name for name in names if name and (root / name).is_file()})


def hidden(path: Path) -> bool:
    return any(part.startswith((".", "build")) for part in path.parts)


def rank(path: str) -> int:
    best = ("", -1)
    for prefix, value in LAYERS:
        if path.startswith(prefix) and len(prefix) > len(best[0]):
            best = (prefix, value)
    if VALUE_FILES.match(path):
        return 9
    return best[1]


def check_includes(path: str, lines: Iterable[str], known: set[str], report: Report) -> None:
    own = rank(path)
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quoted, target = match.group(1) == '"', match.group(2)
        for pattern, allowed, where in CONFINED:
            if re.match(pattern, target) and not re.match(allowed, path):
                report(path, number, f"`{target}` may be included in {where} only")
        if not quoted:
            continue
        if rank(target) < 0 and own >= NEIGHBOURS_FROM and str(Path(path).parent / target) in known:
            continue
        if rank(target) < 0 and not target.startswith("generated/"):
            report(path, number, f"`{target}`: write the path from the repository's root")
        elif target not in known and not target.startswith(("generated/", "graph/record_generated")):
            report(path, number, f"`{target}` does not exist")
        elif own >= 0 and rank(target) > own:
            report(path, number, f"`{target}` is of a higher layer; layers point down")


def check_text(path: str, lines: List[str], report: Report) -> None:
    disabled = DISABLED_PY if path.endswith(".py") else DISABLED_CPP
    own = path == "tools/tidy.py"
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_MAX:
            report(path, number, f"the line has {len(line)} characters, {LINE_MAX} are allowed")
        if "\t" in line and not path.endswith("Makefile"):
            report(path, number, "a tab; use spaces")
        if line != line.rstrip():
            report(path, number, "white space at the end of the line")
        if own:
            continue
        if TODO.search(line):
            report(path, number, "a TODO needs the number of its issue: TODO(#12)")
        if disabled.search(line) and "reason" not in (lines[number - 2] if number > 1 else "").lower():
            report(path, number, "a disabled test needs a reason, in the call or in a comment above")


def check_header(path: str, lines: List[str], report: Report) -> None:
    if not any(line.strip() == "#pragma once" for line in lines):
        report(path, 1, "the header lacks #pragma once")


def check_listed(root: Path, files: List[str], report: Report) -> None:
    """Each .cpp stands in the CMakeLists.txt or *.cmake file of its folder or of one above."""
    lists: Dict[str, List[str]] = {}
    for name in files:
        if name.endswith("CMakeLists.txt") or name.endswith(".cmake"):
            folder = str(Path(name).parent)
            text = re.sub(r"#.*", "", (root / name).read_text("utf-8"))
            lists.setdefault("" if folder == "." else folder, []).append(text)
    everything = "\n".join(text for texts in lists.values() for text in texts)
    for name in files:
        if not name.endswith(".cpp") or "${PROJECT_SOURCE_DIR}/" + name in everything:
            continue
        path = Path(name)
        if not any(mentions(text, path, folder) for folder in folders_above(path) for text in lists.get(folder, [])):
            report(name, 1, "no CMakeLists.txt lists this file")


def folders_above(path: Path) -> Iterator[str]:
    for folder in path.parents:
        yield "" if str(folder) == "." else str(folder)


def mentions(text: str, path: Path, folder: str) -> bool:
    relative = str(path.relative_to(folder)) if folder else str(path)
    if re.search(rf"(?<![\w/]){re.escape(relative)}(?!\w)", text):
        return True
    # foreach(name a b c): a list of stems and a pattern such as ${name}_test.cpp.
    for variable, stems, body in re.findall(r"foreach\((\w+)\s+([^)]*)\)(.*?)endforeach", text, re.S):
        for pattern in re.findall(r"[\w/$\{\}]*\$\{" + variable + r"\}[\w/]*\.cpp", body):
            if any(pattern.replace("${" + variable + "}", stem) == relative for stem in stems.split()):
                return True
    return False


def main(arguments: List[str]) -> int:
    root = Path(arguments[0] if arguments else Path(__file__).resolve().parent.parent)
    files = tracked_files(root)
    known = set(files)
    problems: List[str] = []

    def report(path: str, line: int, message: str) -> None:
        problems.append(f"{path}:{line}: {message}")

    for name in files:
        if not name.endswith((*SOURCE, ".py", ".pyi")) or name.startswith("tests/fuzz/corpus/"):
            continue
        try:
            lines = (root / name).read_text("utf-8").split("\n")
        except UnicodeDecodeError:
            report(name, 1, "not UTF-8")
            continue
        check_text(name, lines, report)
        if name.endswith(SOURCE):
            check_includes(name, lines, known, report)
        if name.endswith(".h"):
            check_header(name, lines, report)
    check_listed(root, files, report)
    for problem in problems:
        print(problem)
    if problems:
        print(f"{len(problems)} problems", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
