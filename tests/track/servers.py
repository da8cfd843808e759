"""A real tracking server, and a line to it that can be cut."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.patience import ENOUGH_S

from gibbsweep.track import default_tracking_uri


class Server:
    """A real tracking server over HTTP, with its own SQLite store."""

    def __init__(self, folder: Path) -> None:
        # Bound, not listening: until the server starts, a connection is refused, and nobody else gets the port.
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind(("127.0.0.1", 0))
        self.port = self._place.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self._command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        self._command += ["--backend-store-uri", default_tracking_uri(folder), "--workers", "1"]
        self._command += ["--artifacts-destination", str(folder / "artifacts")]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Starts it if it does not run yet; returns when it answers."""
        if self._process is None:
            with (self.folder / "server.log").open("wb") as log:
                self._process = subprocess.Popen(
                    self._command,
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    start_new_session=True,
                    env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                )
            give_up = time.monotonic() + ENOUGH_S
            while not self._answers():
                assert self._process.poll() is None, (self.folder / "server.log").read_text()
                assert time.monotonic() < give_up, f"mlflow server did not answer within {ENOUGH_S:.0f} s"
                time.sleep(0.3)
        return self.uri

    def stop(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        self._place.close()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


class Wire:
    """The line to a server: it can be cut, or lose the answers to requests that the server did carry out."""

    def __init__(self, server: Server) -> None:
        self.cut = False
        self.lose: Callable[[int], bool] = lambda number: False
        self.requests = 0
        wire = self

        class Forward(BaseHTTPRequestHandler):
            def handle_request(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if wire.cut:
                    return
                wire.requests += 1
                number = wire.requests
                headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                onward = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
                onward.request(self.command, self.path, body, headers)
                answer = onward.getresponse()
                content = answer.read()
                onward.close()
                if wire.lose(number):
                    return
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() in ("content-type", "content-disposition"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request

            def log_message(self, *arguments: object) -> None:
                """Says nothing."""

        self._listener = ThreadingHTTPServer(("127.0.0.1", 0), Forward)
        self.uri = f"http://127.0.0.1:{self._listener.server_port}"
        threading.Thread(target=self._listener.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown()
        self._listener.server_close()
