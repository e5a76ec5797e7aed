"""Scanners and longshore on the same packages and advisories: seconds, memory, and where they differ.

    compare.py inputs TSV DIR            of Debian's updates (release, source, fixed, advisory, CVEs): the
                                         feed that debsecan reads, the records of OSV, and systems to scan
    compare.py measure ROUNDS NAME=COMMAND NAME=COMMAND
                                         runs both in turns and compares what they print, a line a finding;
                                         `json` in front of a command: the findings of `longshore -o json`

Nothing but Python's own library, so that it runs where debsecan does.
"""

import collections
import json
import os
import pathlib
import shlex
import statistics
import sys
import tempfile
import time
import zlib

RELEASES = {"stretch": "9", "buster": "10", "bullseye": "11"}


def updates(tsv):
    for line in open(tsv, encoding="utf-8"):
        release, source, fixed, advisory, cves = line.rstrip("\n").split("\t")
        if release in RELEASES:
            yield release, source, fixed, advisory, [cve for cve in cves.split(",") if cve] or [advisory]


def inputs(tsv, place):
    rows = list(updates(tsv))
    feed(rows, place / "feed")
    records(rows, place / "records")
    systems(rows, place / "systems")


def feed(rows, place):
    """What security-tracker.debian.org gives debsecan, format 1: names, then what each says of a source."""
    place.mkdir()
    for release in RELEASES:
        names, lines = {}, []
        for of, source, fixed, _, cves in rows:
            for cve in cves if of == release else []:
                number = names.setdefault(cve, len(names))
                lines.append(f"{source},{number},S ?F,{fixed},\n")
        text = "VERSION 1\n" + "".join(f"{name},,\n" for name in names) + "\n" + "".join(lines) + "\n\n"
        (place / release).write_bytes(zlib.compress(text.encode()))


def records(rows, place):
    place.mkdir()
    affected, related = collections.defaultdict(list), collections.defaultdict(set)
    for release, source, fixed, advisory, cves in rows:
        events = [{"introduced": "0"}, {"fixed": fixed}]
        package = {"ecosystem": f"Debian:{RELEASES[release]}", "name": source}
        affected[advisory].append({"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]})
        related[advisory].update(cve for cve in cves if cve != advisory)
    for advisory, packages in affected.items():
        record = {
            "id": advisory,
            "modified": "2023-04-02T00:00:00Z",
            "related": sorted(related[advisory]),
            "affected": packages,
        }
        (place / f"{advisory}.json").write_text(json.dumps(record))


def systems(rows, place):
    """For each release every source that was ever fixed, in every version that was a fix of it, and just
    before and after that: a package each, as if all were installed at once."""
    for release, number in RELEASES.items():
        versions = collections.defaultdict(set)
        for of, source, fixed, _, _ in rows:
            if of == release:
                versions[source].update([fixed, fixed + "~", fixed + "+b1"])
        stanzas = [
            f"Package: {source}-{nth}\nStatus: install ok installed\nArchitecture: amd64\n"
            f"Source: {source} ({version})\nVersion: {version}\n"
            for source in sorted(versions)
            for nth, version in enumerate(sorted(versions[source]))
        ]
        system(place / release, number, "\n".join(stanzas))


def system(root, number, status):
    (root / "etc").mkdir(parents=True)
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "etc/os-release").write_text(f"ID=debian\nVERSION_ID={number}\n")
    (root / "var/lib/dpkg/status").write_text(status)


def run(command):
    """Seconds, the most memory in KiB, and the findings."""
    kind, *words = shlex.split(command)
    words = words if kind == "json" else [kind, *words]
    with tempfile.TemporaryFile() as output:
        began = time.monotonic()
        process = os.posix_spawnp(
            words[0], words, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, output.fileno(), 1)]
        )
        _, status, used = os.wait4(process, 0)
        seconds = time.monotonic() - began
        if status != 0:
            sys.exit(f"{command}: ended with {os.waitstatus_to_exitcode(status)}")
        output.seek(0)
        text = output.read().decode()
    if kind == "json":
        findings = {f"{one['id']} {one['package']}" for one in json.loads(text)["findings"]}
    else:
        findings = set(text.splitlines())
    return seconds, used.ru_maxrss, findings


def measure(rounds, contestants):
    figures, found = collections.defaultdict(list), {}
    for _ in range(rounds):
        for name, command in contestants:
            seconds, memory, findings = run(command)
            figures[name].append((seconds, memory))
            if found.setdefault(name, findings) != findings:
                sys.exit(f"{name} finds other things each time")
    for name, _ in contestants:
        seconds = statistics.median(seconds for seconds, _ in figures[name])
        memory = max(memory for _, memory in figures[name])
        print(f"  {name:12} {seconds:8.3f} s  {memory:8} KiB  {len(found[name]):7} findings")
    (ours, _), (theirs, _) = contestants
    for one, other in [(ours, theirs), (theirs, ours)]:
        alone = sorted(found[one] - found[other])
        print(f"  {one} alone: {len(alone)} {alone[:5] if alone else ''}")
    same = len(found[ours] & found[theirs])
    print(f"  agree on {same} of {len(found[ours] | found[theirs])}")


def main():
    match sys.argv[1:]:
        case ["inputs", tsv, place]:
            inputs(tsv, pathlib.Path(place))
        case ["measure", rounds, *contestants]:
            measure(int(rounds), [contestant.split("=", 1) for contestant in contestants])
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
