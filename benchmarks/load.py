"""The load client: requests made beforehand, sent over loopback; each connection waits for an answer before the next.

It is a process of its own (`python -m benchmarks.load`), so that its work is not counted as that of the server, and
prints one line of JSON. `send` runs it and reads that line.
"""

import argparse
import asyncio
import gc
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol, cast

import msgspec
import uvloop

from benchmarks import ROOT, usage
from benchmarks.alerts import EVENTS, rounds
from benchmarks.messages import PATHS, bodies

_RECONNECTS = 5


class Target(Protocol):
    """A running server: what it speaks, where it listens, and its process."""

    @property
    def kind(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def pid(self) -> int: ...


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent: `total` alerts of `distinct` identities: every `stride`-th number from `first` on."""

    total: int
    distinct: int
    first: int = 0
    stride: int = 1
    batch: int = 64
    connections: int = 32
    seed: int = 1
    events: int = len(EVENTS)
    resolved: bool = False
    most_s: float = 20.0
    """Seconds after which nothing more is sent."""


class Result(msgspec.Struct, kw_only=True):
    """What came of it: alerts taken (answered 2xx), refused, and unsent for want of time."""

    alerts: int
    refused: int
    unsent: int
    wall_s: float
    p50_ms: float
    p99_ms: float
    server_cpu_s: float
    client_cpu_s: float
    other_cpu_s: float
    """Used meanwhile by whoever else is on this machine, and by its host."""
    first_refusal: str = ""

    @property
    def per_s(self) -> float:
        return self.alerts / self.wall_s if self.wall_s else 0.0

    @property
    def cpu_us(self) -> float:
        """Processor microseconds of the server per alert."""
        return self.server_cpu_s / self.alerts * 1e6 if self.alerts else 0.0

    @property
    def others(self) -> float:
        """Processors that others kept busy."""
        return self.other_cpu_s / self.wall_s if self.wall_s else 0.0


def send(target: Target, load: Load) -> Result:
    """Send it from a process of its own. Raises RuntimeError with what that process wrote where it fails."""
    command = [sys.executable, "-m", "benchmarks.load", target.kind, str(target.port), str(target.pid)]
    said = msgspec.json.encode(load)
    ran = subprocess.run(command, input=said, capture_output=True, check=False, timeout=load.most_s + 60, cwd=ROOT)
    if ran.returncode:
        raise RuntimeError(f"the load client failed: {ran.stderr.decode(errors='replace')[-2000:]}")
    result = msgspec.json.decode(ran.stdout, type=Result)
    if result.alerts + result.refused + result.unsent != load.total:
        raise RuntimeError(f"the load client lost count: {result} of {load}; {ran.stderr.decode(errors='replace')}")
    return result


@dataclass
class _Request:
    alerts: int
    wire: bytes
    begun: float = 0.0
    tries: int = 0


class _Sender:
    """The line of requests that the connections take from, and what was answered."""

    def __init__(self, port: int, requests: list[_Request]) -> None:
        self.port = port
        self.line = deque(requests)
        self.waits: list[float] = []
        self.alerts = self.refused = self.unsent = 0
        self.first_refusal = ""
        self.ended = 0.0
        self._open = 0
        self._done: asyncio.Future[None]

    async def run(self, connections: int, most_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._done = loop.create_future()
        self._open = connections
        loop.call_later(most_s, self._stop)
        await asyncio.gather(*(self.connect(_Connection(self)) for _ in range(connections)))
        await self._done

    def _stop(self) -> None:
        """Nothing more is sent; what is on its way has ten seconds."""
        self.unsent = sum(r.alerts for r in self.line)
        self.line.clear()
        asyncio.get_running_loop().call_later(10, self._finish)

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

    async def connect(self, connection: "_Connection") -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: connection, "127.0.0.1", self.port)
        except OSError as error:
            connection.lost(str(error))

    def answered(self, request: _Request, status: int, answer: bytes) -> None:
        self.ended = time.monotonic()
        self.waits.append(self.ended - request.begun)
        if 200 <= status < 300:
            self.alerts += request.alerts
        else:
            self.refuse(request, answer[:600].decode("latin1"))

    def refuse(self, request: _Request, why: str) -> None:
        self.refused += request.alerts
        self.first_refusal = self.first_refusal or why

    def closed(self) -> None:
        self._open -= 1
        if self._open <= 0:
            self._finish()


class _Connection(asyncio.Protocol):
    """One connection that is kept: sends a request, waits for the whole answer, takes the next."""

    def __init__(self, sender: _Sender) -> None:
        self._sender = sender
        self._request: _Request | None = None
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._received = cast(asyncio.Transport, transport), b""
        if self._request is not None:
            self._transport.write(self._request.wire)
        else:
            self._next()

    def _next(self) -> None:
        self._request, self._received = None, b""
        assert self._transport is not None
        if not self._sender.line:
            self._transport.close()
            self._sender.closed()
            return
        self._request = self._sender.line.popleft()
        self._request.begun = time.monotonic()
        self._transport.write(self._request.wire)

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = _end_of_answer(self._received)
        if end is not None and len(self._received) >= end and self._request is not None:
            self._sender.answered(self._request, int(self._received[9:12]), self._received)
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._request is not None:
            self.lost(str(exc or "the connection was closed without an answer"))

    def lost(self, why: str) -> None:
        """Try the request again on another connection, some times."""
        if self._request is not None:
            self._request.tries += 1
        if self._request is None or self._request.tries > _RECONNECTS:
            if self._request is not None:
                self._sender.refuse(self._request, why)
            self._request = None
            self._sender.closed()
            return
        self._again = asyncio.get_running_loop().create_task(self._sender.connect(self))


def _end_of_answer(received: bytes) -> int | None:
    """Where the answer ends; None: its head is not complete. Both servers say a length, or have no body."""
    head_end = received.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    head = received[:head_end].lower()
    place = head.find(b"\r\ncontent-length:")
    length = int(head[place + 17 :].partition(b"\r\n")[0]) if place >= 0 else 0
    return head_end + 4 + length


def _requests(kind: str, port: int, load: Load) -> list[_Request]:
    numbers = [load.first + n * load.stride for n in rounds(load.total, load.distinct, load.seed)]
    head = (
        f"POST {PATHS[kind]} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: "
    )
    return [
        _Request(count, f"{head}{len(body)}\r\n\r\n".encode() + body)
        for count, body in bodies(kind, numbers, load.batch, seed=load.seed, events=load.events, resolved=load.resolved)
    ]


def _measure(kind: str, port: int, pid: int, load: Load) -> Result:
    sender = _Sender(port, _requests(kind, port, load))
    gc.collect()
    gc.freeze()
    gc.disable()
    machine, server, client = usage.machine(), usage.cpu_s(pid), time.process_time()
    begun = sender.ended = time.monotonic()
    uvloop.run(sender.run(load.connections, load.most_s))
    server, client = usage.cpu_s(pid) - server, time.process_time() - client
    after = usage.machine()
    others = after.busy_s - machine.busy_s + after.stolen_s - machine.stolen_s - server - client
    waits = sorted(sender.waits) or [0.0]
    return Result(
        alerts=sender.alerts,
        refused=sender.refused,
        unsent=sender.unsent,
        wall_s=sender.ended - begun,
        p50_ms=waits[len(waits) // 2] * 1000,
        p99_ms=waits[len(waits) * 99 // 100] * 1000,
        server_cpu_s=server,
        client_cpu_s=client,
        other_cpu_s=max(0.0, others),
        first_refusal=sender.first_refusal,
    )


def main() -> None:
    """Read a Load as JSON from standard input, send it, print the Result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=PATHS)
    parser.add_argument("port", type=int)
    parser.add_argument("pid", type=int, help="process of the server, whose work is measured")
    told = parser.parse_args()
    load = msgspec.json.decode(sys.stdin.buffer.read(), type=Load)
    print(msgspec.json.encode(_measure(told.kind, told.port, told.pid, load)).decode())


if __name__ == "__main__":
    main()
