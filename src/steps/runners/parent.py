# The trusted half of a run: forks or spawns what runs the code, hears of it, ends it, and alone reports to the step.
# Needs Python 3.9 and nothing else. Every line that it prints is one JSON document:
#   {"out": [stream, text, case]}  {"news": [...]}  {"forged": sentence}  {"end": {...}}
import ctypes, json, os, resource, select, signal, sys, time

# Built-ins of the runner's own, which code that runs beside it cannot replace.
__builtins__ = dict(vars(__import__("builtins")))

CHUNK = 8192  # The SDK reads lines; short ones are fast.
HELD_SECONDS = 0.02


def protect(folder):
    """
    No other process of this user may trace this one or open its memory or pipes, and orphans become its children. Nothing is imported
    from where code that ran here before could have put it.
    """
    theirs = ("/tmp", os.path.dirname(folder))
    sys.path[:] = [entry for entry in sys.path if entry and not entry.startswith(theirs)]
    prctl = ctypes.CDLL(None).prctl
    prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
    prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def one_way():
    """Like a pipe, but whoever writes cannot open what it is read from, as `/proc/self/fd` does for pipes."""
    import socket

    read, write = socket.socketpair()
    return read.detach(), write.detach()


class Pipes:
    """What a child writes: standard output (1), standard error (2), news (3)."""

    def __init__(self, with_news):
        self.ends = {}
        for channel in (1, 2, 3) if with_news else (1, 2):
            self.ends[channel] = os.pipe() if channel < 3 else one_way()
        self.decoders = {channel: __import__("codecs").getincrementaldecoder("utf-8")("replace") for channel in (1, 2)}

    def in_child(self, stdin_fd):
        """Puts the pipes where the child expects them and closes all else. Returns the fd for news."""
        news = os.dup(self.ends[3][1]) if 3 in self.ends else None
        if news is not None and news < 200:
            moved = __import__("fcntl").fcntl(news, 1030, 200)  # F_DUPFD_CLOEXEC: away from the numbers that code uses
            os.close(news)
            news = moved
        os.dup2(stdin_fd, 0)
        os.dup2(self.ends[1][1], 1)
        os.dup2(self.ends[2][1], 2)
        limit = 65536
        if news is None:
            os.closerange(3, limit)
        else:
            os.closerange(3, news)
            os.closerange(news + 1, limit)
        return news

    def in_parent(self):
        for channel, (read, write) in self.ends.items():
            os.close(write)
            os.set_blocking(read, False)

    def close(self):
        for read, _ in self.ends.values():
            os.close(read)


def processes():
    """pid → (parent, state, name) of all that can be seen."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as file:
                    stat = file.read().decode("utf-8", "replace")
            except OSError:
                continue
            head, _, tail = stat.rpartition(")")
            state, parent = tail.split()[:2]
            found[int(name)] = (int(parent), state, head.partition("(")[2])
    return found


def descendants(spared):
    """Live processes below this one: [(pid, name)]; collects those that have ended."""
    table, mine, grown = processes(), {os.getpid()}, True
    while grown:
        grown = False
        for pid, (parent, _, _) in table.items():
            if pid not in mine and parent in mine and pid not in spared:
                mine.add(pid)
                grown = True
    alive = []
    for pid in mine - {os.getpid()}:
        parent, state, name = table[pid]
        if state in "ZX":
            if parent == os.getpid():
                try:
                    os.waitpid(pid, os.WNOHANG)
                except OSError:
                    pass
        else:
            alive.append((pid, name))
    return alive


def kill_descendants(spared):
    for _ in range(200):
        alive = descendants(spared)
        if not alive:
            return
        for pid, _ in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        time.sleep(0.002)


def limit_memory(megabytes, base=None):
    """Lets this process and its children add so much to the base, in KiB: by default what the interpreter has now."""
    if base is None:
        with open("/proc/self/status") as file:
            base = next((int(line.split()[1]) for line in file if line.startswith("VmData:")), 0)
    most = (base + megabytes * 1024) * 1024
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(show, plan, body, deadline, news=None, stdin=b"", case=None, fork=None):
    """
    Forks, calls body(news_fd) in the child, or has `fork` make one and say how it is waited for, and stays until it and all that it started
    have ended. Returns how it ended.
    """
    spared = {pid for pid, (parent, _, _) in processes().items() if parent == os.getpid()}
    started = time.monotonic()
    pipes = Pipes(news is not None)
    source = open_stdin(stdin)
    sys.stdout.flush()
    try:
        pid, wait = fork(source, pipes) if fork else (os.fork(), waited)
    except OSError:
        os.close(source)
        pipes.in_parent()
        pipes.close()
        raise
    if pid == 0:
        code = 70
        try:
            os.setsid()
            fd = pipes.in_child(source)
            os.chdir(plan["folder"])
            code = body(fd)
        except BaseException as error:  # The runner's own fault, never the code's.
            os.write(2, ("the runner failed: %r\n" % error).encode())
            if os.environ.get("ASSAY_DEBUG"):
                sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code if isinstance(code, int) else 70)
    os.close(source)
    pipes.in_parent()
    try:
        return follow(show, plan, pid, wait, pipes, deadline, news, case, spared, started)
    finally:
        pipes.close()


def open_stdin(data):
    if not data:
        return os.open(os.devnull, os.O_RDONLY)
    import tempfile

    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        return os.dup(file.fileno())


def watch_end(pid):
    """A descriptor that becomes readable when the child ends, or -1 where the system has none."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return -1


def waited(pid, over=False):
    """The status of a child that has ended, and how large it was."""
    done, status, usage = os.wait4(pid, os.WNOHANG)
    return (status, usage.ru_maxrss) if done else (None, 0)


def follow(show, plan, pid, wait, pipes, deadline, news, case, spared, started):
    poller, channels, why, status, peak, written = select.poll(), {}, "exit", None, 0, {1: 0, 2: 0}
    inherited = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for channel, (read, _) in pipes.ends.items():
        channels[read] = channel
        poller.register(read, select.POLLIN)
    ended = watch_end(pid)
    if ended >= 0:
        poller.register(ended, select.POLLIN)

    def take(read):
        nonlocal why
        try:
            data = os.read(read, 65536)
        except BlockingIOError:
            return False
        channel = channels[read]
        if not data:
            poller.unregister(read)
            del channels[read]
        if channel == 3:
            news.feed(data)
            return bool(data)
        written[channel] += len(data)
        if written[channel] > plan["outputBytes"]:
            why = "output"
            return False
        text = pipes.decoders[channel].decode(data, not data)
        for at in range(0, len(text), CHUNK):
            show(out=[channel, text[at : at + CHUNK], case])
        return bool(data)

    while status is None and why == "exit":
        left = deadline - time.monotonic()
        if left <= 0:
            why = "timeout"
            break
        patience = HELD_SECONDS if show.held or ended < 0 else 1
        ready = [fd for fd, _ in poller.poll(min(left, patience) * 1000)]
        if not ready:
            show.flush()
        for fd in ready:
            if fd in channels:
                take(fd)
        status, peak = wait(pid, ended < 0 or ended in ready)
    survivors = []
    if status is not None:
        for _ in range(20):  # What was told to end may need a moment.
            survivors = descendants(spared)
            if not survivors:
                break
            time.sleep(0.01)
    else:
        for target in (lambda: os.killpg(pid, signal.SIGKILL), lambda: os.kill(pid, signal.SIGKILL)):
            try:
                target()
            except OSError:
                pass
        wait(pid, True)
    if survivors or status is None:
        kill_descendants(spared)
    if why == "exit":
        for read in list(channels):
            while read in channels and take(read):
                pass
    if ended >= 0:
        os.close(ended)
    return {
        "why": why,
        "code": os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None,
        "signal": os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else None,
        "survivors": ["%s (process %d)" % (name, pid) for pid, name in survivors[:5]],
        "ms": (time.monotonic() - started) * 1000,
        "grownMb": max(0, peak - inherited) // 1024,
        "written": [written[1], written[2]],
    }
