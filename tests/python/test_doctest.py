"""Everything that the documentation shows runs: docstrings, and the code blocks of the README files."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from typing import List, Tuple

import lora_python
import pytest

ROOT = Path(__file__).parent.parent.parent
MODULES = [
    "lora_python",
    *("lora_python." + m.name for m in pkgutil.iter_modules(lora_python.__path__) if m.name != "_native"),
]


def blocks(path: Path, language: str) -> List[Tuple[int, str]]:
    """The fenced blocks of a language: line number and text."""
    text = path.read_text(encoding="utf-8")
    found = re.finditer(r"^```" + re.escape(language) + r"\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [(text.count("\n", 0, m.start()) + 2, m.group(1)) for m in found]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    failed, tried = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert failed == 0
    if name in ("lora_python", "lora_python.database", "lora_python.handles", "lora_python.types", "lora_python.aio"):
        assert tried > 0


PYTHON_BLOCKS = [
    pytest.param(path, line, text, id="%s:%d" % (path.relative_to(ROOT), line))
    for path in (ROOT / "README.md", ROOT / "python" / "README.md")
    for line, text in blocks(path, "python")
]


@pytest.mark.parametrize(("path", "line", "text"), PYTHON_BLOCKS)
def test_python_blocks(path: Path, line: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block is a program of its own; `# prints:` comments after a print say what comes out."""
    monkeypatch.chdir(tmp_path)
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n" * (line - 1) + text],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert result.returncode == 0, "%s:%d\n%s" % (path, line, result.stderr)
    promised = [m.group(1).strip() for m in re.finditer(r"print\(.*\) *# (.*)$", text, re.MULTILINE)]
    printed = result.stdout.split("\n")
    assert [p for p in promised if p not in printed] == []


def test_there_are_blocks() -> None:
    assert len(PYTHON_BLOCKS) >= 2


def test_the_cpp_block_against_an_install_tree(tmp_path: Path) -> None:
    tree = os.environ.get("LORA_BUILD_DIR")
    if not tree:
        pytest.skip("LORA_BUILD_DIR names no build tree; ./tools/dev test sets it")
    ((_, text),) = blocks(ROOT / "README.md", "cpp")
    source = tmp_path / "extracted.cpp"
    source.write_text(text)
    prefix, build = tmp_path / "prefix", tmp_path / "build"
    for command in (
        ["cmake", "--install", str(Path(tree).resolve()), "--prefix", str(prefix), "--component", "development"],
        [
            "cmake",
            "-S",
            str(ROOT / "tests" / "consumer"),
            "-B",
            str(build),
            "-DCMAKE_PREFIX_PATH=%s" % prefix,
            "-DCONSUMER_SOURCE=%s" % source,
        ],
        ["cmake", "--build", str(build)],
        [str(build / "consumer")],
        [str(build / "consumer")],  # again, on the database that it left
    ):
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert result.returncode == 0, " ".join(command) + "\n" + result.stdout + result.stderr
    assert result.stdout == "Ada knows Charles\n"
    check_installed_headers(prefix / "include", tmp_path)


def check_installed_headers(include: Path, scratch: Path) -> None:
    """Each compiles alone, and none shows a library that is the engine's own affair."""
    headers = sorted(path.relative_to(include) for path in include.rglob("*.h"))
    assert len(headers) > 5
    source = scratch / "headers.cpp"
    for header in headers:
        source.write_text("#include <%s>\n" % header)
        folders = ["-I", str(include), "-I", str(include / "loradb")]
        command = ["c++", "-std=c++20", "-fsyntax-only", "-MD", "-MF", str(scratch / "included"), *folders, str(source)]
        result = subprocess.run(command, capture_output=True, text=True)
        assert result.returncode == 0, "%s\n%s" % (header, result.stderr)
        included = (scratch / "included").read_text()
        assert str(header) in included
        for library in ("rocksdb/", "flatbuffers/", "pybind11/"):
            assert "/" + library not in included, "%s includes %s" % (header, library)
