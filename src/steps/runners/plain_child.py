# In a forked child, before the code: what a process that has been a kernel makes of itself to be a plain program, and how that ends.
import gc

replaced = []


def fresh_streams():
    """In a forked child: standard streams of its own, on the pipes, and the built-ins of a plain interpreter."""
    import builtins, io, site

    replaced.extend((sys.stdin, sys.stdout, sys.stderr))  # Letting go of them could close the descriptors.
    for fd, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        raw = os.fdopen(fd, mode + "b", -1 if fd < 2 else 0, closefd=False)
        stream = io.TextIOWrapper(raw, "utf-8", "backslashreplace" if fd == 2 else "strict" if fd else "surrogateescape",
                                  line_buffering=fd == 2, write_through=fd == 2)
        stream.mode = mode  # As those of a program of its own have; fast readers ask for it.
        setattr(sys, name, stream)
        setattr(sys, "__%s__" % name, stream)

    builtins.input = plain_input
    site.setquit()
    sys.displayhook, sys.excepthook = sys.__displayhook__, sys.__excepthook__
    for name in ("get_ipython", "display"):
        vars(builtins).pop(name, None)


def plain_input(prompt="", /):
    """A kernel has an `input` of its own, which this one replaces again."""
    sys.stdout.write(str(prompt))
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError("EOF when reading a line")
    return line[:-1] if line.endswith("\n") else line


def fresh_main(path):
    """In a forked child: an empty `__main__`, as for a program of its own."""
    import types

    module = types.ModuleType("__main__")
    module.__file__ = path
    module.__builtins__ = __import__("builtins")
    sys.modules["__main__"] = module
    sys.argv = [path]
    return module


def leave(code, last=lambda: None):
    """The end of a Python program: threads are waited for, exit handlers run, streams are flushed."""
    import atexit, threading

    try:
        threading._shutdown()
        atexit._run_exitfuncs()
        last()
    except BaseException:
        pass
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            pass
    os._exit(code)


def write_out():
    """What a program has left open is written out, as where Python ends by itself."""
    import io

    kinds = {kind: [] for kind in (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)}  # Texts are written through the others.
    for each in gc.get_objects():
        if type(each) in kinds:
            kinds[type(each)].append(each)
    for stream in [each for streams in kinds.values() for each in streams]:
        try:
            stream.flush()
        except (OSError, ValueError):
            pass


def reseed():
    """In a forked child: Python's own generator sees to itself, numpy's does not."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()


def reset_signals():
    """In a forked child: signals as a program of its own finds them, and no exit handlers of the kernel."""
    import atexit

    atexit._clear()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
