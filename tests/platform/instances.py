"""A whole instance in processes of its own, with all that it logs and counts."""

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson
from prometheus_client.parser import text_string_to_metric_families

from tests.bootstrap.processes import environment, eventually, free_port
from tests.forked import Forked, forked
from tests.patience import PATIENCE

Labels = frozenset[tuple[str, str]]
Numbers = dict[tuple[str, Labels], float]


@dataclass
class Instance:
    """What is running, and what it has said by now."""

    address: str
    process: Forked
    text: list[str] = field(default_factory=list)

    def lines(self, event: str = "") -> list[dict[str, object]]:
        """The log lines about an event, all without one."""
        found = [orjson.loads(line) for line in self.text if line.startswith("{")]
        return [line for line in found if event in {"", line["event"]}]

    def client(self, **headers: str) -> httpx.Client:
        return httpx.Client(
            base_url=self.address,
            headers=headers,
            timeout=PATIENCE,
            trust_env=False,
            # Else each reads the authorities that it would trust, for 30 ms.
            verify=False,
        )

    def end(self) -> None:
        self.process.terminate()
        assert self.process.wait(20) == 0

    def listen(self) -> None:
        assert self.process.stdout is not None
        # The file is closed under the thread's feet at the end.
        with contextlib.suppress(ValueError):
            self.text.extend(self.process.stdout)


@contextmanager
def instance(
    database_url: str, place: Path, *, outside: dict[str, str] | None = None, **settings: object
) -> Iterator[Instance]:
    """Started and ready; `outside` are variables that are not settings."""
    port = free_port()
    usual: dict[str, object] = {
        "port": port,
        "data_dir": place,
        "database_url": database_url,
        "rate_limit": "off",
        "log_format": "json",
        "log_level": "debug",
    }
    env = {**environment(**usual | settings), **(outside or {})}
    with forked("serve", env=env, cwd=place) as process:
        started = Instance(f"http://127.0.0.1:{port}", process)
        ear = threading.Thread(target=started.listen, daemon=True)
        ear.start()
        assert eventually(lambda: "\nPress Ctrl-C to stop.\n" in "".join(started.text)), (
            started.text
        )
        yield started
        if process.poll() is None:
            started.end()
    ear.join(5)


def numbers_in(text: str) -> Numbers:
    """What `/metrics` says, by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def total(numbers: Numbers, name: str, **labels: str) -> float:
    """The sum over all samples that carry these labels."""
    wanted = set(labels.items())
    return sum(
        value for (what, carried), value in numbers.items() if what == name and wanted <= carried
    )
