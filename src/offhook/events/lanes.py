"""The order of what waits for one receiver: what has a common key one by one, else in parallel. Pure.

A job waits for the newest job before it with any of its keys. It is handed out once all of these are
finished, whatever became of them; what is handed back is the next to be handed out again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from offhook.events.item import Item


@dataclass(slots=True, eq=False)
class Job:
    """An item on its way to one receiver: how often it was tried, how many of its bodies were taken."""

    item: Item
    tries: int = 0
    sent: int = 0
    waits: int = 0
    running: bool = False
    finished: bool = False
    followers: list[Job] = field(default_factory=list)


class Lanes:
    """All jobs of a receiver that are not finished, in the order in which they came."""

    def __init__(self) -> None:
        self._jobs: dict[Job, None] = {}
        self._tails: dict[str, Job] = {}
        self._ready: deque[Job] = deque()
        self._urgent: deque[Job] = deque()

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, job: Job) -> bool:
        return job in self._jobs

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs)

    def put(self, item: Item, *, urgent: bool = False) -> None:
        """Add an item. An urgent one waits for nothing, and is handed out where nothing else is."""
        job = Job(item)
        self._jobs[job] = None
        if urgent:
            self._urgent.append(job)
            return
        for key in item.keys:
            self._wait(job, key)
            self._tails[key] = job
        for key in item.behind:
            self._wait(job, key)
        if not job.waits:
            self._ready.append(job)

    def _wait(self, job: Job, key: str) -> None:
        tail = self._tails.get(key)
        if tail is not None and tail is not job:
            tail.followers.append(job)
            job.waits += 1

    def next(self, *, urgent_only: bool = False) -> Job | None:
        """Hand out a job whose turn it is."""
        for queue in (self._urgent,) if urgent_only else (self._urgent, self._ready):
            while queue:
                job = queue.popleft()
                if job in self._jobs:
                    job.running = True
                    return job
        return None

    def back(self, job: Job) -> None:
        """Take a job back that has to be tried again; those behind it go on waiting."""
        job.running = False
        (self._urgent if not job.item.keys else self._ready).appendleft(job)

    def finish(self, job: Job) -> None:
        """A job needs no further try."""
        self._jobs.pop(job, None)
        ended = [job]
        while ended:
            job = ended.pop()
            if job.finished:
                continue
            job.finished, job.running = True, False
            for key in job.item.keys:
                if self._tails.get(key) is job:
                    del self._tails[key]
            for follower in job.followers:
                follower.waits -= 1
                if not follower.waits:
                    if follower in self._jobs:
                        self._ready.append(follower)
                    else:
                        ended.append(follower)
            job.followers.clear()

    def drop(self, which: Callable[[Job], bool]) -> list[Job]:
        """Take away all jobs of a kind that nobody is trying just now. What waits for one of them goes on
        waiting for what that one waited for."""
        gone = [job for job in self._jobs if not job.running and which(job)]
        for job in gone:
            del self._jobs[job]
        for job in gone:
            if not job.waits:
                self.finish(job)
        return gone
