"""Celery: requests start tasks, which a worker in a process of its own does; most of them fail."""

import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any

from celery import group
from celery_tasks import EXPORT_REST, print_label, send_mail, tasks
from opentelemetry import trace
from serving import serve

tracer = trace.get_tracer("shop")


def batch() -> None:
    """Send six mails to nobody, traced as one."""
    with tracer.start_as_current_span("nightly batch"):
        sent = group(send_mail.s("nobody") for _ in range(6)).apply_async()
    sent.get(propagate=False)


def orders() -> None:
    """Do tasks each for itself: two succeed, two fail for one reason and one for another."""
    started = [send_mail.delay("somebody"), print_label.delay(3), send_mail.delay("nobody")]
    for task in (*started, send_mail.delay("nobody"), print_label.delay(0)):
        task.get(propagate=False)


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Do as the path says; nothing traces these requests."""
    {"/batch": batch, "/orders": orders}[environ["PATH_INFO"]]()
    start_response("200 OK", [])
    return []


def main() -> None:
    """Start the worker, serve, and end the worker."""
    words = ["-m", "celery", "-A", "celery_tasks", "worker", "--pool=solo", "--hostname=worker@shop"]
    worker = subprocess.Popen([sys.executable, *words])
    while not tasks.control.ping():  # waits a second for answers
        pass
    try:
        serve(app, EXPORT_REST)
    finally:
        worker.terminate()
        worker.wait()


if __name__ == "__main__":
    main()
