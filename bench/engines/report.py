"""The tables of peers.py: one run as text, and two runs compared."""

import json
import sys
from typing import Any, Dict, List, Optional, Sequence

from workloads import FIRST_SCANS, WORKLOADS

TITLES = {workload.key: workload.title for workload in WORKLOADS}

NOISE = 0.1  # of the machine: more than that, used by others, is named in the report


def duration(us: float) -> str:
    for limit, scale, unit in ((1e3, 1, "us"), (1e6, 1e3, "ms")):
        if us < limit:
            value = us / scale
            return "%.*f %s" % (2 if value < 10 else 1 if value < 100 else 0, value, unit)
    return "%.1f s" % (us / 1e6)


def times_ours(value: float, base: Optional[float]) -> str:
    if not base:
        return ""
    ratio = value / base
    return "%.2fx" % ratio if ratio < 10 else "%.0fx" % ratio


def grid(rows: List[List[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for at, row in enumerate(rows):
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join(cells).rstrip())
        if at == 0:
            lines.append("-" * len(lines[0]))
    return "\n".join(lines)


def base_of(peer: Dict[str, Any], peers: List[Dict[str, Any]]) -> Optional[Dict[str, Any]]:
    for other in peers:
        if other["key"] == "ours" and other["group"] == peer["group"]:
            return other
    return None


def cell(peer: Dict[str, Any], key: str, field: str, peers: List[Dict[str, Any]]) -> str:
    result = peer["results"].get(key)
    if not result:
        return ""
    if "error" in result:
        return result["error"] if result["error"].startswith(">") else "error"
    base = base_of(peer, peers)
    if field not in result:
        return ""
    text = duration(result[field])
    if field == "p50" and base is not None and base is not peer:
        ratio = times_ours(result[field], base["results"].get(key, {}).get(field))
        text += ratio.rjust(7)
    return text + (" !" if result.get("wrong") else "  ")


def load_rows(peers: List[Dict[str, Any]]) -> List[List[str]]:
    def loaded(peer: Dict[str, Any], way: str, part: str) -> str:
        seconds = peer[way].get("seconds", {})
        if part not in seconds:
            return peer[way].get("late", "error" if "error" in peer[way] else "-")
        base = base_of(peer, peers)
        text = duration(seconds[part] * 1e6)
        if base is not None and base is not peer:
            text += times_ours(seconds[part], base[way].get("seconds", {}).get(part)).rjust(7)
        return text + "  "

    def megabytes(found: Optional[int]) -> str:
        return "-" if found is None else "%.*f MB  " % (1 if found < 1e7 else 0, found / 1e6)

    def reopened(peer: Dict[str, Any], field: str) -> str:
        good = [entry for entry in peer["reopened"] if "error" not in entry]
        if not good:
            return "error" if peer["reopened"] else ""
        if any(field not in entry for entry in good):
            return ""
        middle = sorted(entry[field] for entry in good)[len(good) // 2]
        return "%.1f MB  " % (middle / 1e6) if field == "bytes" else duration(middle * 1e6) + "  "

    rows = [
        ["load: UNWIND $rows, nodes"] + [loaded(peer, "by_rows", "nodes") for peer in peers],
        ["load: UNWIND $rows, relationships"] + [loaded(peer, "by_rows", "edges") for peer in peers],
        ["load: own way"] + [peer["loaded"].get("way", "-") for peer in peers],
        ["load: own way, nodes"] + [loaded(peer, "loaded", "nodes") for peer in peers],
        ["load: own way, relationships"] + [loaded(peer, "loaded", "edges") for peer in peers],
        ["load: own way, total"] + [loaded(peer, "loaded", "total") for peer in peers],
        ["memory after load"] + [megabytes(peer["loaded"].get("bytes")) for peer in peers],
        ["memory after the reads"] + [megabytes(peer["after_reads"]) for peer in peers],
        ["memory, most while loading"] + [megabytes(peer["loaded"].get("peak")) for peer in peers],
        ["memory, most of the process"] + [megabytes(peer["most"] or None) for peer in peers],
    ]
    if any(peer["reopened"] for peer in peers):
        rows.append(["close (after the writes)"] + [reopened(peer, "close") for peer in peers])
        rows.append(["open to first answer"] + [reopened(peer, "open") for peer in peers])
        for key in FIRST_SCANS:
            rows.append(["opened, first " + TITLES[key]] + [reopened(peer, key) for peer in peers])
        rows.append(["size on disk, closed"] + [reopened(peer, "bytes") for peer in peers])
        sizes = [peer["compacted"] for peer in peers]
        rows.append(["size on disk, compacted"] + ["" if n is None else "%.1f MB  " % (n / 1e6) for n in sizes])
    return rows


def syncs_of_writes(peer: Dict[str, Any]) -> List[float]:
    """Fsyncs a call of each workload whose every call writes."""
    writes = [workload.key for workload in WORKLOADS if workload.write and workload.verify]
    found = [peer["results"].get(key, {}).get("fsyncs") for key in writes]
    return [n for n in found if n is not None]


def durability(peer: Dict[str, Any]) -> str:
    """What the count of fsyncs says about the durability that the engine states."""
    counted = syncs_of_writes(peer)
    if peer["group"] == "memory" or not counted:
        return ""
    synced = min(counted) >= 0.99
    seen = "%.2f to %.2f fsyncs a write" % (min(counted), max(counted))
    return "%s: %s" % ("as counted" if synced == (peer["group"] == "commit") else "NOT as counted", seen)


def tables(report: Dict[str, Any]) -> str:
    parts = [header(report)]
    if report["interrupted"]:
        parts.append("Ended by a signal: only what was measured until then.")
    titles = {workload.key: workload.title for workload in WORKLOADS}
    for title, wanted in (("In memory", ("memory",)), ("On disk", ("commit", "interval"))):
        peers = [peer for peer in report["peers"] if peer["group"] in wanted]
        if not peers:
            continue
        names = [peer["name"] for peer in peers]
        keys = [key for key in titles if any(key in peer["results"] for peer in peers)]
        medians = [[title + ", medians"] + names]
        medians += [[titles[key]] + [cell(peer, key, "p50", peers) for peer in peers] for key in keys]
        parts.append(grid(medians + load_rows(peers)))
        slowest = [[title + ", p99"] + names]
        slowest += [[titles[key]] + [cell(peer, key, "p99", peers) for peer in peers] for key in keys]
        parts.append(grid(slowest))
        used = [[title + ", processor time a call"] + names]
        used += [[titles[key]] + [cell(peer, key, "cpu", peers) for peer in peers] for key in keys]
        parts.append(grid(used))
        counted = [key for key in keys if any("fsyncs" in peer["results"].get(key, {}) for peer in peers)]
        if counted:  # of any write, also those that had nothing to change
            syncs = [[title + ", fsyncs a call"] + names]
            for key in counted:
                found = [peer["results"].get(key, {}).get("fsyncs") for peer in peers]
                syncs.append([titles[key]] + ["" if n is None else "%.2f" % n for n in found])
            parts.append(grid(syncs))
    notes = []
    for peer in report["peers"]:
        if "error" in peer["by_rows"]:
            notes.append("%s, UNWIND $rows: %s" % (peer["name"], peer["by_rows"]["error"]))
        failed = [entry["error"] for entry in peer["reopened"] if "error" in entry]
        notes += ["%s, reopening: %s" % (peer["name"], error) for error in failed]
        if peer["dead"]:
            notes.append("%s: %s" % (peer["name"], peer["dead"]))
        for key, result in peer["results"].items():
            what = result.get("error") or result.get("wrong")
            if what and what != peer["dead"]:
                notes.append("%s, %s: %s" % (peer["name"], titles[key], what))
    for half, shares in report["others"].items():
        noisy = sorted(((share, titles.get(key, key)) for key, share in shares.items() if share > NOISE), reverse=True)
        if noisy:
            worst = ", ".join("%s %.0f %%" % (title, 100 * share) for share, title in noisy[:5])
            notes.append("%s, others used the machine in %d of %d rows: %s" % (half, len(noisy), len(shares), worst))
    notes += ["%s: not measured, %s" % item for item in sorted(report["missing"].items())]
    if notes:
        parts.append("Wrong answers (!), errors, noise, engines left out:\n" + "\n".join("  " + note for note in notes))
    return "\n\n".join(parts)


def header(report: Dict[str, Any]) -> str:
    machine = report["machine"]
    lines = [
        "%s  commit %s" % (report["date"], report["commit"]),
        "%s, %d of %d cores, %.1f GB, %s; load average %.1f before, %.1f after"
        % (
            machine["cpu"],
            machine["cores"],
            machine["cores_there"],
            machine["memory"] / 1e9,
            machine["system"],
            *report["load"],
        ),
        "data %s: %d persons, %d relationships (crc32 %s, %s); answers compared with %s"
        % (
            report["size"],
            report["digest"]["persons"],
            report["digest"]["knows"],
            report["digest"]["persons_crc32"],
            report["digest"]["knows_crc32"],
            report["reference"],
        ),
        "times: wall clock of one call from Python, rows fetched as Python values; Nx: times ours with the same sync",
    ]
    if report["fsync"] is not None:
        lines.append("an fsync of 4 KiB, appended: %s" % duration(report["fsync"]))
    for peer in report["peers"]:
        facts = peer["hello"].get("facts", {})
        extra = ""
        if "engine" in facts:
            extra = ", %s %s assertions" % (facts["engine"], "WITH" if facts.get("engine_assertions") else "without")
        version = peer["hello"].get("version", "?")
        lines.append("  %-22s %-9s sync: %s%s" % (peer["name"], version, peer["sync"], extra))
        counted = durability(peer)
        if counted:
            lines.append("  %-22s %-9s       %s" % ("", "", counted))
    return "\n".join(lines)


def compare(before: str, after: str) -> int:
    """Prints ours of one report against ours of another, turn medians included, so that noise shows."""
    runs = []
    for path in (before, after):
        with open(path) as text:
            found = json.load(text)
        runs.append(found.get("runs", [found]))
    if len(runs[0]) != len(runs[1]):
        print("the one file has %d runs, the other %d" % (len(runs[0]), len(runs[1])), file=sys.stderr)
        return 1
    return max(compare_runs(pair) for pair in zip(*runs))


def compare_runs(reports: Sequence[Dict[str, Any]]) -> int:
    for report in reports:
        print(
            "%s  commit %s, data %s, %s, %d cores"
            % (
                report["date"],
                report["commit"],
                report["size"],
                report["machine"]["cpu"],
                report["machine"]["cores"],
            )
        )
    if reports[0]["digest"] != reports[1]["digest"]:
        print("the reports are about different data", file=sys.stderr)
        return 1
    old = {peer["name"]: peer for peer in reports[0]["peers"]}
    for peer in reports[1]["peers"]:
        if peer["name"] not in old:
            continue
        rows = [[peer["name"], "before", "after", "after/before", "outside the turns' spread"]]
        for workload in WORKLOADS:
            a = old[peer["name"]]["results"].get(workload.key, {})
            b = peer["results"].get(workload.key, {})
            if "p50" not in a or "p50" not in b:
                continue
            apart = min(b["turns"]) > max(a["turns"]) or max(b["turns"]) < min(a["turns"])
            mark = "" if not apart else "slower" if b["p50"] > a["p50"] else "faster"
            ratio = "%.2f" % (b["p50"] / a["p50"])
            rows.append([workload.title, duration(a["p50"]), duration(b["p50"]), ratio, mark])
        print("\n" + grid(rows))
    return 0
