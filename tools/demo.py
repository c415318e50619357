"""Loads this machine's Debian package graph into a named, durable database and asks it questions.

    .venv/bin/python tools/demo.py [--directory DIR] [--limit N]

Graph: (:Package {name})-[:HAS_VERSION]->(:Version {id, version, architecture, installed_size, ...}), a version
-[:IN_SECTION]->(:Section), -[:MAINTAINED_BY]->(:Maintainer), and -[:DEPENDS | PRE_DEPENDS | RECOMMENDS | SUGGESTS |
CONFLICTS | PROVIDES {constraint, group}]->(:Package). Alternatives (`a | b`) share a group number.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from lora_python import Database

RELATIONS = {
    "Depends": "DEPENDS",
    "Pre-Depends": "PRE_DEPENDS",
    "Recommends": "RECOMMENDS",
    "Suggests": "SUGGESTS",
    "Conflicts": "CONFLICTS",
    "Provides": "PROVIDES",
}
TARGET = re.compile(r"^\s*([a-z0-9][a-z0-9+.-]*)(?::[a-z0-9-]+)?\s*(?:\(\s*([^)]*?)\s*\))?")
BATCH = 20_000


def package_text() -> Tuple[str, str]:
    """Package descriptions and where they come from."""
    try:
        run = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=True)
        if run.stdout.count(b"\nPackage: ") > 1000:
            return run.stdout.decode("utf-8", "replace"), "apt-cache dumpavail"
    except (OSError, subprocess.CalledProcessError):
        pass
    status = Path("/var/lib/dpkg/status")
    if not status.exists():
        sys.exit("demo: neither apt-cache nor /var/lib/dpkg/status is here; the demo needs a Debian system")
    return status.read_text("utf-8", "replace"), str(status)


def stanzas(text: str) -> Iterator[Dict[str, str]]:
    for block in text.split("\n\n"):
        fields: Dict[str, str] = {}
        name = ""
        for line in block.split("\n"):
            if line[:1] in (" ", "\t"):
                if name:
                    fields[name] += line
            else:
                name, _, value = line.partition(":")
                fields[name] = value.strip()
        if fields.get("Package") and fields.get("Version"):
            yield fields


class Progress:
    """One line on a terminal, at most ten times a second; silent elsewhere but for the end."""

    def __init__(self, label: str, total: int) -> None:
        self.label, self.total, self.done = label, max(total, 1), 0
        self.start = self.shown = time.monotonic()
        self.live = sys.stderr.isatty()

    def advance(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if self.live and (now - self.shown > 0.1 or self.done >= self.total):
            self.shown = now
            filled = int(30 * self.done / self.total)
            bar = "#" * filled + "-" * (30 - filled)
            sys.stderr.write("\r%-16s [%s] %7d of %d" % (self.label, bar, self.done, self.total))
            sys.stderr.flush()

    def finish(self) -> None:
        seconds = time.monotonic() - self.start
        if self.live:
            sys.stderr.write("\r\033[K")
        rate = self.done / seconds if seconds else 0
        print("  %-16s %8d in %5.1f s  (%d a second)" % (self.label, self.done, seconds, rate))


def load(db: Database, label: str, query: str, rows: Sequence[Any]) -> None:
    bar = Progress(label, len(rows))
    for at in range(0, len(rows), BATCH):
        part = rows[at : at + BATCH]
        db.execute(query, {"rows": part})
        bar.advance(len(part))
    bar.finish()


def table(title: str, query: str, result: Dict[str, Any], seconds: float) -> None:
    columns = result["columns"]
    rows = [["" if row[c] is None else str(row[c]) for c in columns] for row in result["rows"]]
    widths = [max(len(c), *(len(r[i]) for r in rows)) if rows else len(c) for i, c in enumerate(columns)]
    widths = [min(w, 90) for w in widths]
    print("\n%s  (%.1f ms)" % (title, seconds * 1000))
    print("  " + "  ".join(c.ljust(w) for c, w in zip(columns, widths)))
    print("  " + "  ".join("-" * w for w in widths))
    for row in rows:
        print("  " + "  ".join(text[:w].ljust(w) for text, w in zip(row, widths)))


def ask(db: Database, title: str, query: str, **params: Any) -> Dict[str, Any]:
    start = time.perf_counter()
    result = db.execute(query, params)
    table(title, query, result, time.perf_counter() - start)
    return result


def read_graph(text: str) -> Tuple[List[Dict[str, Any]], Dict[str, List[Dict[str, Any]]]]:
    versions: Dict[str, Dict[str, Any]] = {}
    relations: Dict[str, List[Dict[str, Any]]] = {t: [] for t in RELATIONS.values()}
    for fields in stanzas(text):
        key = "%s=%s:%s" % (fields["Package"], fields["Version"], fields.get("Architecture", "all"))
        if key in versions:
            continue
        size = fields.get("Installed-Size", "")
        versions[key] = {
            "id": key,
            "name": fields["Package"],
            "version": fields["Version"],
            "architecture": fields.get("Architecture", "all"),
            "section": fields.get("Section", "unknown"),
            "priority": fields.get("Priority", "optional"),
            "maintainer": fields.get("Maintainer", "unknown"),
            "installed_size": int(size) if size.isdigit() else 0,
            "summary": fields.get("Description", "").split("\n")[0][:200],
        }
        for field, kind in RELATIONS.items():
            for group, alternatives in enumerate(filter(None, fields.get(field, "").split(","))):
                for alternative in alternatives.split("|"):
                    match = TARGET.match(alternative)
                    if match:
                        relations[kind].append(
                            {"from": key, "to": match.group(1), "constraint": match.group(2), "group": group}
                        )
    return list(versions.values()), relations


def build(db: Database, versions: List[Dict[str, Any]], relations: Dict[str, List[Dict[str, Any]]]) -> None:
    for label, key in (("Package", "name"), ("Version", "id"), ("Section", "name"), ("Maintainer", "name")):
        db.execute("CREATE CONSTRAINT FOR (n:%s) REQUIRE n.%s IS UNIQUE" % (label, key))
    names = {v["name"] for v in versions}
    names.update(row["to"] for rows in relations.values() for row in rows)
    load(db, "packages", "UNWIND $rows AS name CREATE (:Package {name: name})", sorted(names))
    sections = sorted({v["section"] for v in versions})
    load(db, "sections", "UNWIND $rows AS name CREATE (:Section {name: name})", sections)
    people = sorted({v["maintainer"] for v in versions})
    load(db, "maintainers", "UNWIND $rows AS name CREATE (:Maintainer {name: name})", people)
    load(
        db,
        "versions",
        """UNWIND $rows AS v
           MATCH (p:Package {name: v.name}), (s:Section {name: v.section}), (m:Maintainer {name: v.maintainer})
           CREATE (p)-[:HAS_VERSION]->(x:Version {id: v.id, name: v.name, version: v.version, priority: v.priority,
                   architecture: v.architecture, installed_size: v.installed_size, summary: v.summary}),
                  (x)-[:IN_SECTION]->(s), (x)-[:MAINTAINED_BY]->(m)""",
        versions,
    )
    for kind, rows in relations.items():
        load(
            db,
            kind.lower().replace("_", "-"),
            """UNWIND $rows AS r
               MATCH (v:Version {id: r.from}), (p:Package {name: r.to})
               CREATE (v)-[:%s {constraint: r.constraint, group: r.group}]->(p)"""
            % kind,
            rows,
        )


MOST_WANTED = """MATCH (p:Package)<-[d:DEPENDS]-(:Version)
                 RETURN p.name AS package, count(d) AS `depended on by`
                 ORDER BY `depended on by` DESC, package LIMIT 10"""


def questions(db: Database) -> None:
    ssl = db.execute(
        "MATCH (p:Package) WHERE p.name STARTS WITH 'libssl' AND (p)<-[:DEPENDS]-() "
        "RETURN p.name AS name, COUNT { (p)<-[:DEPENDS]-() } AS users ORDER BY users DESC LIMIT 1"
    )["rows"]
    library = ssl[0]["name"] if ssl else "libc6"
    ask(
        db,
        "What breaks if %s goes?" % library,
        """MATCH (p:Package {name: $name})<-[:DEPENDS|PRE_DEPENDS|HAS_VERSION*1..]-(x:Package)
           WITH DISTINCT x MATCH (x)-[:HAS_VERSION]->(v)
           RETURN count(DISTINCT x) AS packages, sum(v.installed_size) / 1024 AS `MiB installed`""",
        name=library,
    )
    ask(
        db,
        "Which of them need it directly, largest first?",
        """MATCH (p:Package {name: $name})<-[d:DEPENDS]-(v:Version)
           RETURN v.name AS package, v.version AS version, d.constraint AS constraint,
                  v.installed_size / 1024 AS MiB
           ORDER BY MiB DESC, package LIMIT 8""",
        name=library,
    )
    pair = [
        row["name"]
        for row in db.execute(
            "MATCH (p:Package)-[:HAS_VERSION]->(:Version) WHERE p.name IN $names RETURN DISTINCT p.name AS name",
            {"names": ["gnome", "firefox-esr", "libreoffice", "python3", "bash"]},
        )["rows"]
    ]
    start = next((n for n in ("gnome", "libreoffice", "firefox-esr", "python3") if n in pair), "bash")
    ask(
        db,
        "Shortest dependency path from %s to libc6" % start,
        """MATCH (a:Package {name: $start}), (b:Package {name: 'libc6'}),
                 p = shortestPath((a)-[:HAS_VERSION|DEPENDS|PRE_DEPENDS*]->(b))
           RETURN [n IN nodes(p) WHERE n:Package | n.name] AS path, length(p) / 2 AS steps""",
        start=start,
    )
    ask(db, "The ten most depended on", MOST_WANTED)
    ask(
        db,
        "Dependency cycles of two packages",
        """MATCH (a:Package)-[:HAS_VERSION]->(:Version)-[:DEPENDS|PRE_DEPENDS]->(b:Package),
                 (b)-[:HAS_VERSION]->(:Version)-[:DEPENDS|PRE_DEPENDS]->(a)
           WHERE a.name < b.name
           WITH DISTINCT a.name AS one, b.name AS other ORDER BY one, other
           RETURN count(*) AS cycles, collect(one + ' <-> ' + other)[..4] AS `for example`""",
    )
    ask(
        db,
        "Maintainers by installed size",
        """MATCH (m:Maintainer)<-[:MAINTAINED_BY]-(v:Version)
           RETURN m.name AS maintainer, count(v) AS versions, sum(v.installed_size) / 1024 AS MiB
           ORDER BY MiB DESC LIMIT 10""",
    )
    ask(
        db,
        "Packages in several versions",
        """MATCH (p:Package)-[:HAS_VERSION]->(v)
           WITH p, collect(v.version) AS versions WHERE size(versions) > 1
           RETURN count(p) AS packages,
                  collect(p.name + ' ' + versions[0] + ', ' + versions[1])[..2] AS `for example`""",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("--directory", default=str(root / "build" / "demo"), help="where the database goes")
    parser.add_argument("--limit", type=int, default=0, help="only the first N package versions")
    arguments = parser.parse_args()

    begin = time.monotonic()
    directory = Path(arguments.directory)
    database = directory / "debian.loradb"
    if database.exists():
        shutil.rmtree(database)  # every run starts afresh
    text, source = package_text()
    versions, relations = read_graph(text)
    if arguments.limit:
        versions = versions[: arguments.limit]
        kept = {v["id"] for v in versions}
        relations = {kind: [r for r in rows if r["from"] in kept] for kind, rows in relations.items()}
    print("read %d package versions from %s" % (len(versions), source))

    print("loading %s" % os.path.relpath(database))
    with Database("debian", {"database_dir": str(directory)}) as db:
        build(db, versions, relations)
        nodes, links = db.node_count, db.relationship_count
        print("  %d nodes, %d relationships" % (nodes, links))
        questions(db)
        before = db.execute(MOST_WANTED)

    start = time.perf_counter()
    with Database("debian", {"database_dir": str(directory)}) as db:
        same = db.node_count == nodes and db.relationship_count == links and db.execute(MOST_WANTED) == before
        seconds = time.perf_counter() - start
        print("\nclosed and reopened: %d nodes, %d relationships, " % (db.node_count, db.relationship_count), end="")
        print("%s (%.1f ms)" % ("all there, same answers" if same else "NOT THE SAME", seconds * 1000))
    print("%.1f s in all; the database stays in %s" % (time.monotonic() - begin, os.path.relpath(database)))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
