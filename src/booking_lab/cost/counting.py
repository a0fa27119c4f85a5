"""What is counted while the program serves one request after the other."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any


@dataclass(slots=True)
class Python:
    """Frames that were entered, coroutines that went on included, and bytecodes; by file."""

    calls: Counter[str] = field(default_factory=Counter)
    bytecodes: Counter[str] = field(default_factory=Counter)

    def trace(self, frame: FrameType, event: str, _: Any) -> Callable[..., Any]:
        """Count; for `sys.settrace`."""
        file = frame.f_code.co_filename
        if event == "opcode":
            self.bytecodes[file] += 1
        elif event == "call":
            frame.f_trace_lines, frame.f_trace_opcodes = False, True
            self.calls[file] += 1
        return self.trace


@dataclass(frozen=True, slots=True)
class SystemCalls:
    """Those of one thread that read or write a file or a socket."""

    reads: int
    writes: int

    @classmethod
    def of(cls, thread: int) -> "SystemCalls":
        """Return how many there were until now."""
        lines = Path(f"/proc/self/task/{thread}/io").read_text(encoding="ascii").splitlines()
        found = dict(line.split(": ") for line in lines)
        return cls(int(found["syscr"]), int(found["syscw"]))

    def since(self, earlier: "SystemCalls") -> "SystemCalls":
        """Return how many there were in between."""
        return SystemCalls(self.reads - earlier.reads, self.writes - earlier.writes)
