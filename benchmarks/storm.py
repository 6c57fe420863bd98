"""A storm: many distinct alerts as fast as they are taken, and amid them one critical alert of something else.

python -m benchmarks.storm [--total 100000]

How many incidents and pages come of it, and how long after its answer the other alert was paged.
"""

import argparse
import json
import tempfile
import threading
import time
import urllib.request
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.load import Load, send
from benchmarks.parts import PLAIN, Tocsin, running
from benchmarks.tables import table

_OTHER = "PaymentsDown"


class Sink:
    """Takes pages over HTTP on loopback; `got` has when each came, and its text."""

    def __init__(self) -> None:
        got = self.got = list[tuple[float, str]]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got.append((time.monotonic(), body.decode()))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def run(folder: Path, total: int, after_s: float) -> str:
    """The table of one storm."""
    sink = Sink()
    site = {name: text.replace("type: log", f'type: webhook, url: "{sink.url}"') for name, text in PLAIN.items()}
    server, answered = Tocsin(folder / "storm", site), list[float]()
    with running(server):
        other = threading.Timer(after_s, lambda: answered.append(_tell_of_something_else(server)))
        other.start()
        sent = send(server, Load(total=total, distinct=total, most_s=300))
        other.join()
        server.come_to_rest(30.0)
        incidents = server.gauge("tocsin_active_incidents")
    sink.close()
    paged = [at - answered[0] for at, text in sink.got if _OTHER in text]
    head = (
        "alerts",
        "s until all were taken",
        "open incidents",
        "pages",
        "the other alert was paged after its answer, s",
    )
    row = (f"{total:,}", f"{sent.wall_s:.1f}", incidents, len(sink.got), f"{min(paged):.2f}" if paged else "never")
    return table(head, [row])


def _tell_of_something_else(server: Tocsin) -> float:
    alert = {
        "status": "firing",
        "startsAt": "2026-11-01T00:00:00Z",
        "labels": {"alertname": _OTHER, "service": "payments", "severity": "critical"},
    }
    body = json.dumps({"version": "4", "alerts": [alert]}).encode()
    url = f"http://127.0.0.1:{server.port}/webhooks/alertmanager/other"
    with urllib.request.urlopen(url, body, timeout=60):
        return time.monotonic()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storm", description=__doc__)
    parser.add_argument("--total", type=int, default=100_000, help="distinct alerts")
    parser.add_argument("--after", type=float, default=20.0, help="when the other alert is sent, in seconds")
    told = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        print(run(Path(folder), told.total, told.after))


if __name__ == "__main__":
    main()
