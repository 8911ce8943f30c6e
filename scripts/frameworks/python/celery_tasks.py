"""Tasks, for those who start them and for the worker, each traced in a process of its own."""

import os

import telemetry
from celery import Celery
from celery.signals import worker_shutdown
from opentelemetry.instrumentation.celery import CeleryInstrumentor

EXPORT_REST = telemetry.start()
CeleryInstrumentor().instrument()

tasks = Celery("mails", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])


@worker_shutdown.connect
def _export_rest(**_: object) -> None:
    EXPORT_REST()


@tasks.task
def send_mail(to: str) -> str:
    """Fail unless there is somebody to send to."""
    if to == "nobody":
        raise LookupError("mailbox is unknown")
    return to


@tasks.task
def print_label(weight: int) -> float:
    """Fail for what weighs nothing."""
    return 1 / weight
