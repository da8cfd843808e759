"""What Ray's memory monitor writes, and shortages made of it."""

from __future__ import annotations

from dataclasses import replace

from gibbsweep.tune.resources.shortage import Shortage, read_shortage

GIB = 2**30
HERE = "836c8c0d95e8d18405c9f3bf"
TEXT = """\
1 worker(s) were killed due to the node running low on memory. Memory on the node (IP: 192.0.2.2, ID: {node}) was \
6.72GB used / 23.54GB limit (0.285429)
OOM kill reason: Memory usage 7212896256B exceeded threshold of 5889424896B (23.3% of 25276502016B limit)
Object store memory usage: [- objects spillable: 1
Ray killed 1 worker(s) based on the killing policy
Considered workers: [
Selected to kill: (Task: job ID=01000000, lease ID=02, task name=ImplicitFunc.__init__, required resources={{CPU: 1}}, \
pid=5901, actual memory used=0.06GB, worker ID=7037)
Not selected: (Task: job ID=01000000, lease ID=03, task name=ImplicitFunc.train, required resources={{CPU: 1}}, \
pid=5902, actual memory used=0.50GB, worker ID=7038)
]
Total non-selected idle workers: 0
Top 10 memory users: PID\tMEM(GB)\tCOMMAND
5902\t3.60\tray::ImplicitFunc.train()
5571\t3.51\t/opt/bin/firefox --password=secret https://example.org
5414\t0.84\tpython -c import sys
"""
"""Ray 2.60's words, without what nobody reads here. The line of a worker that is not selected is a guess."""


def shortage(node: str = HERE, **changes: int) -> Shortage:
    read = read_shortage(TEXT.format(node=node))
    assert read is not None
    return replace(read, **changes)
