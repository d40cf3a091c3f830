# In the parent of many runs: a process of Node's that has loaded what tests of JavaScript need and forks for each run. Starting Node anew takes
# most of the time of such a run. Where it cannot be had (no FFI for this machine, an older Node), or has died, runs start Node by themselves.
import socket, struct

BOOT_SECONDS = 10
FORK_SECONDS = 20
END_SECONDS = 5
# Nothing in a process that forks may go on in a thread, which would not be there in the child; and its young objects have all the room that they
# need before the fork, since V8 keeps what it maps in that moment out of the child.
OWN_FLAGS = ["--v8-pool-size=0", "--single-threaded", "--disable-sigusr1", "--min-semi-space-size=4"]
# JavaScript and TypeScript, by node:test and as scripts or programs.
MOST_ZYGOTES = 4


class NodeZygote:
    def __init__(self, plan, ffi):
        import subprocess

        os.close(os.pidfd_open(os.getpid()))  # Without it, nobody would hear of the end of a child that is not one of this process.
        self.socket, theirs = socket.socketpair()
        _, *flags, last = argv_of(plan)
        harness = last if flags[-1:] == ["--eval"] else None
        given = {"ASSAY_ZYGOTE": json.dumps([theirs.fileno(), ffi, harness])}
        if harness:
            given["ASSAY_TEST_FILE"] = plan["watch"]
        loader = as_module(LOADER % as_module(NODE_ZYGOTE))
        # A program is what Node comes to after what it was told to import.
        end = ["import('%s')" % loader] if harness else ["--import", loader, last]
        own = ["--max-old-space-size=%d" % plan["memoryMb"], *OWN_FLAGS, *flags, *end]

        def bounded():  # As every child of it is to be, which has the same memory.
            reset_signals()
            limit_memory(data_of_node(plan), base=0)

        with theirs:
            self.process = subprocess.Popen([path_of("node"), *own], env=dict(os.environ, **given), pass_fds=(theirs.fileno(), ffi),
                                            cwd=plan["folder"], preexec_fn=bounded, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL)
        self.lines = self.socket.makefile("rb")
        self.lost = False
        self.said("ready", BOOT_SECONDS)

    def said(self, word, seconds):
        self.socket.settimeout(seconds)
        line = self.lines.readline().split()
        if not line or line[0] != word.encode():
            raise OSError("the parent of Node's children has ended")
        return line[1:]

    def fork(self, plan, *fds):
        """The pid of a child of the zygote's that has these descriptors and runs the plan."""
        request = {"folder": plan["folder"], "environment": dict(plan.get("environment", {}), PWD=plan["folder"])}
        text = json.dumps(request).encode()
        self.socket.settimeout(FORK_SECONDS)
        self.socket.sendmsg([struct.pack("I", len(text))], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("%di" % len(fds), *fds))])
        self.socket.sendall(text)
        return int(self.said("forked", FORK_SECONDS)[0])

    def wait(self, pid, over):
        """Like `waited`, as the zygote tells. Where it does not, its child becomes one of this process."""
        if not over:
            return None, 0
        try:
            status, peak = self.said("ended", END_SECONDS)
            return int(status), int(peak)
        except (OSError, ValueError) as error:
            self.lost = not isinstance(error, socket.timeout)
            self.kill()
            try:
                return waited(pid)
            except ChildProcessError:
                return signal.SIGKILL, 0  # It has ended, and how is lost with the zygote's word, which the code has spoilt.

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        self.kill()
        self.lines.close()
        self.socket.close()


# What V8 compiles here, no child has to. Workers and programs of the child's begin with it too.
LOADER = "import v8 from 'node:v8'; if (process.env.ASSAY_ZYGOTE) { v8.setFlagsFromString('--no-lazy'); await import('%s'); }"


def as_module(text):
    import base64

    return "data:text/javascript;base64," + base64.b64encode(text.encode()).decode()


node_zygotes = {}
ffi_files = []


def ready_zygote(plan):
    """One for such plans, or None where there is none to be had."""
    kind = (*argv_of(plan), plan.get("watch"), plan["memoryMb"], data_of_node(plan))
    if kind in node_zygotes and node_zygotes[kind].process.poll() is not None:
        node_zygotes.pop(kind).end()
    try:
        if plan.get("ffi"):
            ffi_files[:] = [taken_file(plan["ffi"])]
        if kind not in node_zygotes and ffi_files:
            if len(node_zygotes) == MOST_ZYGOTES:
                node_zygotes.pop(next(iter(node_zygotes))).end()
            node_zygotes[kind] = NodeZygote(plan, ffi_files[0])
            baseline.get("processes", set()).add(node_zygotes[kind].process.pid)
    except OSError:
        ffi_files.clear()  # Another one would do no better.
    return node_zygotes.get(kind)


def taken_file(path):
    """A descriptor of a file, which is removed."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    os.remove(path)
    return fd


def run_node(show, plan, deadline, news, stdin=b"", case=None):
    """Like `run`, by a child of the zygote where there is one. One that never began is run again by itself."""
    began = time.monotonic()
    zygote = ready_zygote(plan) if plan.get("mayFork") else None
    deadline += time.monotonic() - began  # To have Node loaded beforehand is not the code's time.
    if zygote:
        spared = {pid for pid, (parent, _, _) in processes().items() if parent == os.getpid()}
        try:
            end = run(show, plan, command_body(plan), deadline, news, stdin, case, lambda stdin, pipes: forked(zygote, plan, stdin, pipes))
        except LostZygote:
            kill_descendants(spared)
        else:
            if not news:
                return end
            if zygote.lost and news.finished:
                show(forged="what Node's children are forked from was killed while the code ran")
            if news.nonce is not None or end["why"] != "exit":
                return end
            zygote.process.kill()
        write_files(plan)
    return run(show, plan, command_body(plan), deadline, news, stdin, case)


class LostZygote(OSError):
    """There may be a child all the same, of which nothing is known: it is to be ended, not to be followed."""


def forked(zygote, plan, stdin, pipes):
    """The pid of the zygote's child and what waits for it."""
    try:
        return zygote.fork(plan, stdin, *(write for _, write in pipes.ends.values())), zygote.wait
    except (OSError, ValueError) as error:
        zygote.kill()
        raise LostZygote() from error
