"""What the machine is, and what its processes have used: read from `/proc`, so Linux only."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def cores() -> int:
    return len(os.sched_getaffinity(0))


def description() -> str:
    load = "load average before: " + " ".join(f"{value:.2f}" for value in os.getloadavg())
    return f"{cores()} cores ({_processor()}), Python {platform.python_version()}, {load}"


def cpu_of(pid: int) -> float:
    """Seconds of processor time that a process has used: user and system, all its threads."""
    values = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(values[11]) + int(values[12])) / TICKS


def memory_of(pid: int) -> int:
    """Bytes that a process holds in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE


def busy() -> float:
    """Seconds of processor time that everything on the machine has used."""
    user, nice, system, _, _, irq, softirq = map(int, Path("/proc/stat").read_text().split(maxsplit=8)[1:8])
    return (user + nice + system + irq + softirq) / TICKS


@dataclass
class Watch:
    """Processor time of named processes, from its making on."""

    pids: Mapping[str, int]
    _started: float = field(default_factory=time.perf_counter)
    _busy: float = field(default_factory=busy)

    def __post_init__(self) -> None:
        self._before = {name: cpu_of(pid) for name, pid in self.pids.items()}

    def used(self) -> dict[str, float]:
        return {name: cpu_of(pid) - self._before[name] for name, pid in self.pids.items()}

    def others(self, extra: float = 0.0) -> float:
        """Cores that were busy with anything else (`extra`: seconds of more processes of ours), on average."""
        ours = sum(self.used().values()) + extra
        return max(0.0, busy() - self._busy - ours) / (time.perf_counter() - self._started)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return name or platform.machine()
