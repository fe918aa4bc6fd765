"""Memory of a running `make up`: the proportional set size (PSS) of each process, with shared pages split."""

from __future__ import annotations

from pathlib import Path

from benchmarks import scratch, tables

PROC = Path("/proc")
LOCK = scratch.ROOT / "var" / "run" / "up.lock"
MEBIBYTE = 1024


def show(pid: int | None) -> None:
    """Print a table of the process tree below `pid`, or below the `make up` of this checkout."""
    root = pid or _holder(LOCK)
    if root is None:
        print("\nmemory: `make up` is not running. Start it in another terminal, wait a minute, and try again.")
        return
    measured = [(process, _pss(process)) for process in find_tree(root)]
    rows = [[_name(process), str(process), _megabytes(size)] for process, size in measured]
    rows.append(["total", str(len(rows)), _megabytes(sum(size for _, size in measured))])
    tables.show("Memory at rest (proportional set size; the last line counts processes)", ["", "pid", "PSS"], rows)


def _holder(lock: Path) -> int | None:
    """The pid that holds the lock, from the kernel's list: `1: FLOCK ADVISORY WRITE pid major:minor:inode 0 EOF`."""
    try:
        inode, lines = lock.stat().st_ino, (PROC / "locks").read_text().splitlines()
    except OSError:
        return None
    fields = (line.split() for line in lines)
    return next((int(found[4]) for found in fields if found[5].endswith(f":{inode}")), None)


def find_tree(root: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for folder in PROC.glob("[0-9]*"):
        children.setdefault(_parent(folder), []).append(int(folder.name))
    found, wanted = [], [root]
    while wanted:
        process = wanted.pop()
        found.append(process)
        wanted.extend(sorted(children.get(process, []), reverse=True))
    return found


def _parent(folder: Path) -> int:
    try:
        # The second field is the program's name in parentheses and may contain anything.
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _pss(process: int) -> int:
    """The process's PSS in KiB; 0 if it has ended."""
    try:
        lines = (PROC / str(process) / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _name(process: int) -> str:
    try:
        words = (PROC / str(process) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").split()
    except OSError:
        return "(ended)"
    return " ".join(word.rpartition("/")[2] if index == 0 else word for index, word in enumerate(words))[:60]


def _megabytes(kibibytes: int) -> str:
    return f"{kibibytes / MEBIBYTE:.0f} MiB"
