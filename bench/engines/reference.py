#!/usr/bin/env python3
"""What `bench/reference.cpp` computes, in plain Python: expected answers over adjacency lists.

Used where the C++ program is not built, and to check it: `reference.py --compare PROGRAM` exits with 0 if both make the
same data and the same answers.
"""

import argparse
import glob
import json
import math
import os
import subprocess
import sys
from typing import Any, Dict, List, Optional, Set, Tuple

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from dataset import SIZES, Dataset, SplitMix, digest, make_dataset  # noqa: E402

STARTS = 20
PAIRS = 10


def _top(counted: List[Tuple[int, int]], n: int) -> List[List[int]]:
    ordered = sorted(counted, key=lambda pair: (-pair[0], pair[1]))
    return [[key, count] for count, key in ordered[:n]]


def _distances(out: List[Set[int]], start: int, limit: int) -> Tuple[Dict[int, int], bool]:
    """Distance of each node within `limit` steps, and whether a way leads back to the start."""
    found = {start: 0}
    back = False
    layer = [start]
    for length in range(1, limit + 1):
        following = []
        for a in layer:
            for b in out[a]:
                back = back or b == start
                if b not in found:
                    found[b] = length
                    following.append(b)
        layer = following
    return found, back


def compute(data: Dataset, starts: int = STARTS, pairs: int = PAIRS) -> Dict[str, Any]:
    persons = data.persons
    out: List[Set[int]] = [set() for _ in persons]
    followers = [0] * len(persons)
    for k in data.knows:
        out[k.source].add(k.target)
        followers[k.target] += 1
    answers: Dict[str, List[Any]] = {}

    def add(workload: str, rows: Any) -> None:
        answers.setdefault(workload, []).append([[rows]] if isinstance(rows, int) else rows)

    random = SplitMix(7)
    start_ids = []
    for _ in range(starts):
        p = random.below(len(persons))
        start_ids.append(p)
        paths: Dict[int, int] = {}
        hop2 = filtered = walks3 = mutual = triangles = 0
        for a in out[p]:
            mutual += p in out[a]
            for b in out[a]:
                hop2 += 1
                paths[b] = paths.get(b, 0) + 1
                filtered += persons[b].age > 60
                triangles += b in out[p]
                walks3 += len(out[b])
        add("lookup", [[persons[p].name]])
        add("name_equality", 1)  # names are unique
        add("hop1_count", len(out[p]))
        add("hop1_rows", [[a, persons[a].name] for a in sorted(out[p])])
        add("hop2_count", hop2)
        add("hop2_distinct", len(paths))
        add("hop2_filter", filtered)
        add("hop3_count", walks3 - mutual)
        add("hop3_walks", walks3)
        add("triangles_around", triangles)
        add("fof_recommend", _top([(n, x) for x, n in paths.items() if x != p and x not in out[p]], 10))
        eldest = sorted(out[p], key=lambda f: (-persons[f].age, f))[:5]
        older = [(sum(persons[g].age > 40 and g != p for g in out[f]), f) for f in eldest]
        add("ten_lines", [[f, persons[f].age, n] for n, f in sorted(older, key=lambda pair: (-pair[0], pair[1]))])
        found, back = _distances(out, p, 3)
        add("var1_3_distinct", len(found) - 1 + back)
    pair_ids = []
    for _ in range(pairs):
        a = random.below(len(persons))
        b = (a + 1 + random.below(len(persons) - 1)) % len(persons)
        pair_ids.append([a, b])
        add("mutual_friends", len(out[a] & out[b]))
        found, _ = _distances(out, a, 15)
        add("shortest_path", [[found[b]]] if b in found else [])

    cities: Dict[str, List[int]] = {}
    for p in persons:
        cities.setdefault(p.city, []).append(p.age)
    scores = [p.score for p in persons]
    total = 0.0
    for score in scores:
        total += score
    add("return_1", 1)
    add("count_nodes", len(persons))
    add("count_rels", len(data.knows))
    add("filter_count", sum(p.age > 60 for p in persons))
    add("compound_filter", sum(30 < p.age <= 60 and p.score < 500 and p.city != "city1" for p in persons))
    add("starts_with", sum(p.name.startswith("Grace ") for p in persons))
    some = {"city1", "city2", "city3", "city5", "city8"}
    add("in_lists", sum(p.city in some and p.age in (20, 30, 40, 50, 60) for p in persons))
    add("upper_text", sum(p.city.upper() == "CITY7" for p in persons))
    add("case_sum", sum(1 if p.age < 30 else 2 if p.age < 60 else 0 for p in persons))
    add("distinct_floor", len({math.floor(p.score / 10) for p in persons}))
    add("distinct_joined", len({"%s %d" % (p.city, p.age) for p in persons}))
    add("older_known", sum(persons[k.target].age > persons[k.source].age for k in data.knows))
    add("distinct_city", len(cities))
    add("distinct_name", len({p.name for p in persons}))
    half = len(persons) // 2
    add("order_skip", [[name] for name in sorted(p.name for p in persons)[half : half + 10]])
    add("lookup_missing", [])
    add("full_hop1_count", len(data.knows))
    add("full_triangles", sum(len(out[a] & out[b]) for a in range(len(persons)) for b in out[a]))
    degrees: Dict[int, int] = {}
    for targets in out:
        degrees[len(targets)] = degrees.get(len(targets), 0) + 1
    degrees.pop(0, None)
    add("degree_distribution", [list(item) for item in sorted(degrees.items(), reverse=True)[:10]])
    city_pairs: Dict[Tuple[str, str], int] = {}
    for k in data.knows:
        pair = (persons[k.source].city, persons[k.target].city)
        city_pairs[pair] = city_pairs.get(pair, 0) + 1
    commonest = sorted(city_pairs.items(), key=lambda item: (-item[1], item[0]))[:5]
    add("city_pairs", [[x, y, n] for (x, y), n in commonest])
    few = min(1000, len(persons))
    add("return_1000", [[few, few * (few - 1) // 2]])
    add("string_contains", sum("Hopper" in p.name for p in persons))
    add("rel_filter", sum(k.since > 2015 for k in data.knows))
    add("return_rows", [[len(persons), sum(p.id for p in persons)]])
    add("sum_score", [[total, min(scores), max(scores)]])
    add("full_hop2_count", sum(followers[i] * len(out[i]) for i in range(len(persons))))
    add("not_followed", sum(n == 0 for n in followers))
    add("top10_age", _top([(p.age, p.id) for p in persons], 10))
    add("top3_followed", _top([(n, i) for i, n in enumerate(followers)], 3))
    biggest = sorted(cities.items(), key=lambda item: (-len(item[1]), item[0]))[:5]
    add("collect_by_city", [[city, len(ages)] for city, ages in biggest])
    add("group_by_city", [[city, len(ages), sum(ages) / len(ages)] for city, ages in biggest])
    return {"digest": digest(data), "starts": start_ids, "pairs": pair_ids, "answers": answers}


def run_program(program: str, persons: int, knows: int, directory: Optional[str] = None) -> Dict[str, Any]:
    """The C++ program's answers; with `directory`, it writes persons.csv and knows.csv there.

    Raises OSError, CalledProcessError or ValueError.
    """
    arguments = [program] + [str(n) for n in (persons, knows, STARTS, PAIRS)]
    if directory is not None:
        arguments.append(directory)
    result: Dict[str, Any] = json.loads(subprocess.check_output(arguments, timeout=600))
    return result


def _sanitized(folder: str) -> bool:
    try:
        with open(os.path.join(folder, "CMakeCache.txt"), encoding="utf-8", errors="replace") as cache:
            return any(line.startswith("LORA_SANITIZE:") and line.rstrip("\n").split("=", 1)[1] for line in cache)
    except OSError:
        return False


def find_program(root: str, program: str = "bench/reference") -> Optional[str]:
    """The newest built `program` below `root`, without sanitizers: in a folder named `build...`, or one in it."""
    found = []
    for pattern in ("build*", "build*/*"):
        for folder in glob.glob(os.path.join(glob.escape(root), pattern)):
            path = os.path.join(folder, program)
            if os.access(path, os.X_OK) and not _sanitized(folder):
                found.append((os.path.getmtime(path), path))
    return max(found)[1] if found else None


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--size", choices=sorted(SIZES), default="smoke")
    parser.add_argument("--compare", metavar="PROGRAM")
    options = parser.parse_args()
    mine = compute(make_dataset(*SIZES[options.size]))
    if not options.compare:
        print(json.dumps(mine))
        return 0
    theirs = run_program(options.compare, *SIZES[options.size])
    wrong = [key for key in ("digest", "starts", "pairs") if mine[key] != theirs[key]]
    names = set(mine["answers"]) | set(theirs["answers"])
    wrong += sorted(key for key in names if mine["answers"].get(key) != theirs["answers"].get(key))
    print("differ: %s" % ", ".join(wrong) if wrong else "same data, same answers to %d workloads" % len(names))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
