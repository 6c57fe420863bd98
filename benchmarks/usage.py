"""What a process and the whole machine have used: processor seconds and memory."""

from dataclasses import dataclass

import psutil

MIB = 1 << 20


def cpu_s(pid: int) -> float:
    """Processor seconds of a process since it began, with what ended threads have used; to 10 ms."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def memory(pid: int) -> int:
    """Bytes that a process holds in memory, what it shares counted in part (PSS)."""
    return int(psutil.Process(pid).memory_full_info().pss)


@dataclass(frozen=True)
class Machine:
    """Processor seconds of the machine since it began: at work, and taken away by its host."""

    busy_s: float
    stolen_s: float


def machine() -> Machine:
    """Look at the machine now."""
    times = psutil.cpu_times()
    return Machine(times.user + times.nice + times.system + times.irq + times.softirq, times.steal)
