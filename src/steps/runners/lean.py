# In the parent of many runs, which has all of the template's packages loaded: a second, small parent that forks for the runs that name none of
# them. A fork costs what its process holds, several times over, and the small one holds a tenth.

# What children, and most short programs, need anyway; each child that loaded it by itself would take longer than its run.
LOADED_AHEAD = (
    "atexit bisect codecs collections copy dataclasses datetime decimal enum fractions functools gc hashlib heapq importlib.util inspect "
    "io itertools json linecache math operator random re site statistics string tempfile threading tokenize traceback types typing "
    "unittest.case"
).split()
START = "import marshal, sys; space = {'__name__': 'assay'}; exec(marshal.loads(sys.stdin.buffer.read(int(sys.argv[1]))), space); space['serve']()"


class LeanParent:
    """That process, and what tells which runs it is for."""

    def __init__(self, plan):
        import marshal, re, subprocess

        code = marshal.dumps(CODE)
        command = [sys.executable, "-I", "-c", START, str(len(code))]
        environment = dict(os.environ)  # Libraries put more into the process's own.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self.process.stdin.write(code)
        loaded = set(self.call("begin", {**plan, "path": sys.path}))
        here = {name.partition(".")[0] for name in sys.modules}
        self.words, self.heavy = re.compile(r"\w+").findall, here - loaded - set(sys.stdlib_module_names)

    def suits(self, plan):
        """Whether a run names nothing that would have to be loaded for it."""
        if plan["mode"] == "command":
            return True
        texts = (plan["code"], plan.get("tests", ""))
        return not plan.get("coverage") and not any(self.heavy.intersection(self.words(text)) for text in texts)

    def call(self, name, plan):
        """Passes on what it prints. A parent that was killed takes this one with it, so that the step hears of one death."""
        request = json.dumps([name, plan]).encode() + b"\n"
        try:
            self.process.stdin.write(request)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        held = b""
        while piece := os.read(self.process.stdout.fileno(), 65536):
            held += piece
            lines, end, answer = held.rpartition(b'{"called"')
            if end and answer.endswith(b"\n"):
                sys.stdout.write(lines.decode())
                return self.answer(*json.loads(end + answer)["called"])
            whole = held.rfind(b"\n") + 1
            sys.stdout.write(held[:whole].decode())
            held = held[whole:]
        os.kill(os.getpid(), signal.SIGKILL)


    def answer(self, value, failure):
        if failure:
            raise RuntimeError(failure)
        return value


def serve():
    """The small parent's whole life: one call after the other, until nobody is left to call."""
    for line in sys.stdin.buffer:
        name, plan = json.loads(line)
        try:
            answer = CALLS[name](plan), None
        except Exception as error:  # The runner's own trouble, which is not the code's fault.
            answer = None, repr(error)
        show = Printer()
        show(called=answer)
        show.flush()


def begin(plan):
    import importlib

    sys.path[:] = plan["path"]
    for name in LOADED_AHEAD:
        importlib.import_module(name)
    prepare(plan)
    gc.freeze()
    return sorted({name.partition(".")[0] for name in sys.modules})


CALLS = {"begin": begin, "main": lambda plan: main(plan)}
