"""What a process takes."""

from pathlib import Path


def memory(pid: int) -> dict[str, int]:
    """Resident bytes: now (VmRSS) and at most (VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {line.split(":")[0]: int(line.split()[1]) * 1_024 for line in lines if line.startswith(("VmRSS", "VmHWM"))}
