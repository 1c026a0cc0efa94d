"""As much of a Kubernetes API server as Spark's scheduler talks to, with one node: this machine.

For `rehearsal.py` only. A pod that Spark creates is a process that this server starts; that is what makes the rehearsal
load the classes of a real run, in the driver and in executors, while the image is built.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import ssl
import subprocess
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

HOST = "127.0.0.1"
NAMESPACE = "rehearsal"
DRIVER_POD = "driver"
ACCOUNT_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
ENTRYPOINT = "/app/entrypoint.sh"

# RFC 6455, section 1.3
_WEBSOCKET_KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Json = dict[str, Any]


class RehearsalApi:
    """Serves on `url` while entered; what it needs in `ACCOUNT_FOLDER` is there meanwhile, as in a pod."""

    def __init__(self) -> None:
        driver = {"metadata": {"name": DRIVER_POD, "uid": "driver"}, "spec": {}}
        self.pods: dict[str, Json] = {DRIVER_POD: running(driver)}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._server = ThreadingHTTPServer((HOST, 0), partial(Handler, self))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self._server.server_address[1]}"

    def __enter__(self) -> RehearsalApi:
        certificate, key = make_certificate()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.wait(timeout=120)
        self._server.shutdown()
        for file in ACCOUNT_FOLDER.iterdir():
            file.unlink()
        ACCOUNT_FOLDER.rmdir()

    def create(self, pod: Json) -> Json:
        name = pod["metadata"]["name"]
        pod["metadata"] |= {"uid": name, "namespace": NAMESPACE}
        self.pods[name] = running(pod)
        container = pod["spec"]["containers"][0]
        fields = {"status.podIP": HOST, "metadata.name": name}
        variables = {
            each["name"]: each["value"] if "value" in each else fields[each["valueFrom"]["fieldRef"]["fieldPath"]]
            for each in container["env"]
        }
        self._processes.append(_start([ENTRYPOINT, *container["args"]], variables))
        return self.pods[name]


def _start(command: list[str], variables: dict[str, str]) -> subprocess.Popen[bytes]:
    # Nobody but Spark, in the same build, says what is started here.
    return subprocess.Popen(command, env=os.environ | variables)  # noqa: S603


def running(pod: Json) -> Json:
    now = "2020-01-01T00:00:00Z"
    conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": now}]
    state = {"running": {"startedAt": now}}
    containers = [{"name": each["name"], "ready": True, "state": state} for each in pod["spec"].get("containers", [])]
    status = {"phase": "Running", "podIP": HOST, "startTime": now, "conditions": conditions}
    status["containerStatuses"] = containers
    head = {"namespace": NAMESPACE, "creationTimestamp": now, "resourceVersion": "1"} | pod["metadata"]
    return {"apiVersion": "v1", "kind": "Pod", **pod, "metadata": head, "status": status}


def make_certificate() -> tuple[Path, Path]:
    """A certificate for `HOST` that signs itself, and a token, where a pod finds them."""
    ACCOUNT_FOLDER.mkdir(parents=True)
    certificate, key = ACCOUNT_FOLDER / "ca.crt", ACCOUNT_FOLDER / "key.pem"
    options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=rehearsal".split()
    names = ["-addext", f"subjectAltName=IP:{HOST}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["/usr/bin/openssl", *options, *names], check=True, capture_output=True)  # noqa: S603
    (ACCOUNT_FOLDER / "token").write_text("rehearsal")
    (ACCOUNT_FOLDER / "namespace").write_text(NAMESPACE)
    return certificate, key


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, api: RehearsalApi, *connection: object) -> None:
        self.api = api
        super().__init__(*connection)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        name = url.path.rpartition("/pods/")[2]
        if "Sec-WebSocket-Key" in self.headers:
            self._watch()
        elif "/pods/" in url.path:
            self._answer(self.api.pods[name])
        else:
            field = parse_qs(url.query).get("fieldSelector", [""])[0].removeprefix("metadata.name=")
            items = [pod for pod in self.api.pods.values() if field in ("", pod["metadata"]["name"])]
            version = {"resourceVersion": "1"}
            self._answer({"apiVersion": "v1", "kind": "PodList", "metadata": version, "items": items})

    def do_POST(self) -> None:
        body = self._body()
        self._answer(self.api.create(body) if body["kind"] == "Pod" else body, 201)

    def do_PATCH(self) -> None:
        self._body()
        self._answer(self.api.pods.get(urlsplit(self.path).path.rpartition("/pods/")[2], {}))

    def do_DELETE(self) -> None:
        self._body()
        self._answer({"apiVersion": "v1", "kind": "Status", "status": "Success"})

    def _body(self) -> Json:
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")

    def _answer(self, body: Json, status: int = 200) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _watch(self) -> None:
        """Answers as a web socket, tells of every pod once and then stays silent until the client goes."""
        digest = hashlib.sha1(
            (self.headers["Sec-WebSocket-Key"] + _WEBSOCKET_KEY).encode(), usedforsecurity=False
        ).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        for pod in list(self.api.pods.values()):
            text = json.dumps({"type": "MODIFIED", "object": pod}).encode()
            # One unfragmented text frame with a 64-bit length.
            self.wfile.write(bytes([0x81, 127]) + len(text).to_bytes(8, "big") + text)
        while self.rfile.read(1):
            pass
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the overridden one
        pass
