"""What an error at the edge means: the end of whoever meets it, or a failure of what was tried."""

import asyncio


def tells_to_end(error: BaseException) -> bool:
    """Return whether `error` tells this task or the process to end.

    A cancellation does not if it comes from what the task waited for, such as a closed channel of gRPC, and neither
    does a panic in a library of Rust, which is no Exception to Python.
    """
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit)
