"""Ways that are measured by turns, and stand still in between."""

from collections.abc import Sequence
from typing import Protocol

from booking_lab.bench.driver import Target, again_and_again, once
from booking_lab.bench.figures import Sample, joined

CREATED = 201
MOST_BOOKINGS_PER_SECOND = 8_000


class Measured(Protocol):
    """A way to be measured. All raise `BenchProblem`."""

    def warm_up(self) -> None:
        """Do what is not counted."""

    def turn(self, seconds: float) -> None:
        """Work for so long."""

    def end(self) -> Sample:
        """Return what all turns have counted."""


class Readings:
    """Sends requests chosen at random."""

    def __init__(self, target: Target, requests: Sequence[bytes], warm_up: float) -> None:
        """`warm_up` is in seconds."""
        self._target, self._requests, self._warm_up = target, requests, warm_up
        self._samples = list[Sample]()

    def warm_up(self) -> None:
        """Ask for so long."""
        again_and_again(self._target, self._requests, seconds=self._warm_up)

    def turn(self, seconds: float) -> None:
        """Ask for so long, counted."""
        sample = again_and_again(self._target, self._requests, seconds=seconds)
        self._samples.append(sample)

    def end(self) -> Sample:
        """Return all turns."""
        return joined(self._samples)


class Bookings:
    """Sends each request once."""

    def __init__(
        self, api: Target, requests: Sequence[bytes], before: Sequence[bytes], warm_up: int
    ) -> None:
        """`before` is asked first; `warm_up` is how many of the bookings do not count."""
        self._api, self._requests, self._before = api, requests, before
        self._warm_up, self._next = warm_up, 0
        self._samples = list[Sample]()

    def warm_up(self) -> None:
        """Ask what is to be asked before, and make the first bookings."""
        once(self._api, self._before)
        once(self._api, self._requests[: self._warm_up], hoped=CREATED)
        self._next = self._warm_up

    def turn(self, seconds: float) -> None:
        """Book for so long, or until nothing is left."""
        most = self._next + max(int(seconds * MOST_BOOKINGS_PER_SECOND), self._warm_up)
        sample = once(self._api, self._requests[self._next : most], hoped=CREATED, seconds=seconds)
        self._next += sum(sample.statuses.values())
        self._samples.append(sample)

    def end(self) -> Sample:
        """Return all turns."""
        return joined(self._samples)
