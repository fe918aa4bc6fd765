"""Run benchmarks (default: all but load): `python -m benchmarks [ingest|claim|wait|desk|guarantee|load|...]`."""

from __future__ import annotations

import argparse
import os
import sys

from benchmarks import machine, memory, scratch
from config.embedded import StartRefused

# Each is a module of `measured` and runs in its own process, because importing it requires the settings.
MEASURED = ("ingest", "wait", "claim", "desk", "guarantee", "fields", "evidence", "threshold_preview", "invariants")
BENCHES = (*MEASURED, "memory")
# Takes ten minutes by itself, and so runs only when it is asked for.
ON_REQUEST = ("load",)


def main() -> None:
    arguments = _arguments()
    wanted = arguments.benches or list(BENCHES)
    measured = [name for name in (*MEASURED, *ON_REQUEST) if name in wanted]
    print(machine.described())
    try:
        if measured:
            _measure(measured, arguments)
        if "memory" in wanted:
            memory.show(arguments.pid)
    except StartRefused as reason:
        sys.exit(str(reason))


def _measure(names: list[str], arguments: argparse.Namespace) -> None:
    options = ["--quick"] if arguments.quick else []
    more = {
        "desk": ["--items", str(arguments.items)] if arguments.items else [],
        "guarantee": [
            *(["--stored", str(arguments.stored)] if arguments.stored else []),
            *(["--trials", str(arguments.trials)] if arguments.trials else []),
            *(["--only", *arguments.only.split(",")] if arguments.only else []),
        ],
        "load": [
            *("--minutes", str(arguments.minutes), "--hold", str(arguments.hold)),
            *(["--saturated"] if arguments.saturated else []),
            *(["--faults"] if arguments.faults else []),
        ],
    }
    with scratch.run_servers() as servers, scratch.migrated_template(servers) as template:
        for name in names:
            command = [sys.executable, "-m", f"benchmarks.measured.{name}", *options, *more.get(name, [])]
            with scratch.empty_product(servers, template) as variables:
                status = scratch.run(command, os.environ | variables)
            if status:
                sys.exit(f"The benchmark {name!r} failed.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = ", ".join((*BENCHES, *ON_REQUEST))
    parser.add_argument("benches", nargs="*", metavar="BENCH", help=f"any of {known} (default: all but load)")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and rows: checks that it runs, not how fast")
    parser.add_argument("--items", type=int, help="desk: the number of items one tab answers (default: 200)")
    parser.add_argument(
        "--stored", type=int, help="guarantee: streams per population that go through the database (default: 40)"
    )
    parser.add_argument("--trials", type=int, help="guarantee: streams of each scenario (default: 5000)")
    parser.add_argument("--only", metavar="SCENARIO,...", help="guarantee: only these scenarios, and none stored")
    parser.add_argument("--minutes", type=float, default=10, help="load: how long (default: 10)")
    parser.add_argument(
        "--saturated", action="store_true", help="load: with the workers standing still most of the time"
    )
    parser.add_argument("--faults", action="store_true", help="load: with each fault in turn, instead of the minutes")
    parser.add_argument("--hold", type=float, default=30, help="load: the seconds of each fault (default: 30)")
    parser.add_argument("--pid", type=int, help="memory: the process to measure, with its descendants")
    arguments = parser.parse_args()
    unknown = set(arguments.benches) - {*BENCHES, *ON_REQUEST}
    if unknown:
        parser.error(f"unknown benchmark {min(unknown)!r}; choose from {known}")
    return arguments


if __name__ == "__main__":
    main()
