"""asyncio between cells, as in a notebook: there is a loop to make tasks on, and they go on while no cell runs."""

import asyncio
import functools
import threading

from IPython.core import async_helpers


def install():
    """Has code outside of a coroutine find the loop that cells with `await` run on."""
    event_loop = asyncio.get_event_loop

    @functools.wraps(event_loop)
    def get_event_loop():
        return async_helpers.get_asyncio_loop() if _is_outside() else event_loop()

    def on_loop(make):
        @functools.wraps(make)
        def made(coroutine, **options):
            if _is_outside() and asyncio.iscoroutine(coroutine):
                options.pop('loop', None)
                return async_helpers.get_asyncio_loop().create_task(coroutine, **options)
            return make(coroutine, **options)

        return made

    asyncio.get_event_loop = get_event_loop
    asyncio.create_task = on_loop(asyncio.create_task)
    asyncio.ensure_future = on_loop(asyncio.ensure_future)


def go_on_until_readable(fd: int):
    """Runs what tasks there are until `fd` has something to read; returns at once where there are none."""
    loop = getattr(async_helpers, '_asyncio_event_loop', None)
    if loop is None or loop.is_closed() or not asyncio.all_tasks(loop):
        return
    readable = loop.create_future()
    try:
        loop.add_reader(fd, lambda: readable.done() or readable.set_result(None))
        loop.run_until_complete(readable)
    except BaseException:
        pass  # A task may raise SystemExit; whoever awaits it is told.
    finally:
        loop.remove_reader(fd)


def _is_outside() -> bool:
    return asyncio._get_running_loop() is None and threading.current_thread() is threading.main_thread()
