"""How gunicorn runs the service: one process, many threads, because a thread that waits for Postgres costs nothing."""

import os
from typing import Any

bind = f"0.0.0.0:{os.environ.get('RECOMMENDER_PORT') or 8000}"
worker_class = "gthread"
workers = 1
threads = int(os.environ.get("RECOMMENDER_THREADS") or 40)
# Above the gateway's idle time-out (20 s), so that the gateway never sends into a connection that closes.
keepalive = 75
# The root file system is read-only; the heartbeat file must be in memory, or a slow disk would kill the worker.
worker_tmp_dir = "/dev/shm"  # noqa: S108
backlog = 256
graceful_timeout = 5
timeout = 30
accesslog = None
# gunicorn's control socket is of no use here and would need a writable home folder.
control_socket_disable = True


def worker_exit(_server: object, worker: Any) -> None:  # noqa: ANN401 - gunicorn has no types
    """The one way out: what traces and events are left is sent, within the time a pod has to stop."""
    application = getattr(worker, "wsgi", None)
    if application is not None:
        application.extensions["telemetry"].stop()
