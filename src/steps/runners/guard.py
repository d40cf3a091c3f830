# In the child, next to the code: tells the parent what happens, and notices when the code reaches for the tests' own footing.
import builtins, os, sys

# Reaching for these is how one would look for the runner's secrets; only when the code's own lines do it.
REACHING = {
    "gc.get_objects", "gc.get_referrers", "gc.get_referents", "sys.settrace", "sys.setprofile",
    "sys.monitoring.register_callback", "ctypes.dlopen", "ctypes.dlsym", "ctypes.cdata", "code.__new__",
}
# Built-ins that a verdict leans on. `print`, `input` and `open` may be replaced by whoever likes.
LEANED_ON = (
    "isinstance issubclass len abs all any sum min max sorted round repr type list dict set frozenset tuple int float bool complex "
    "bytes str range zip map filter enumerate reversed getattr hasattr callable hash iter next object divmod pow slice super "
    "property staticmethod classmethod exec eval compile __build_class__ __import__ BaseException Exception AssertionError"
).split()


def start_guard(fd, folder):
    """Says the nonce and sets the hook that cannot be taken away. Afterwards `sys.audit('assay.tell', …)` tells the parent."""
    write, getpid, getframe, own, nonce = os.write, os.getpid, sys._getframe, os.getpid(), os.urandom(16).hex()
    prefix, state = folder.rstrip("/") + "/", {"count": 0, "tampered": False}
    trusted, base = getframe(0).f_code.co_filename, getframe(1)
    joined, formatted, is_text = str.join, repr, str.startswith

    def send(line):
        data = line.encode("utf-8", "backslashreplace")
        while data:
            data = data[write(fd, data) :]

    def tell(*news):
        send(joined(" ", (nonce, formatted(state["count"]), formatted(news))) + "\n")
        state["count"] += 1

    def theirs(name):
        return is_text(name, prefix) or (is_text(name, "<") and name != trusted and not is_text(name, "<frozen "))

    def tamper(sentence):
        if not state["tampered"]:
            state["tampered"] = True
            tell("tamper", sentence)

    def hook(event, args):
        if event == "assay.tell":
            if getpid() != own:
                return
            frame = getframe(1)
            while frame is not None and frame is not base:
                if theirs(frame.f_code.co_filename):
                    return tamper("the code called the runner's own reporter (%s:%d)" % (frame.f_code.co_filename, frame.f_lineno))
                frame = frame.f_back
            tell(*args)
        elif event in REACHING or event == "open" or event == "compile":
            frame = getframe(1)
            if not theirs(frame.f_code.co_filename) or getpid() != own:
                return
            if event == "open":
                name = args[0]
                if not (type(name) is str and is_text(name, "/proc/") and name[-4:] == "/mem"):
                    return
                event = "open " + name
            elif event == "compile":
                name = args[1]
                if name is None or theirs(name if type(name) is str else "<") or not is_text(name, "/"):
                    return
                event = "compile as " + name
            tamper("the code used %s (%s:%d)" % (event, frame.f_code.co_filename.replace(prefix, ""), frame.f_lineno))

    send(nonce + "\n")
    sys.addaudithook(hook)


class Snapshot:
    """What tests lean on, by identity, as it was before the code was imported."""

    def __init__(self, modules):
        self.modules = {name: sys.modules[name] for name in modules if name in sys.modules}
        self.entries = [(vars(builtins), name, vars(builtins)[name], "builtins." + name) for name in LEANED_ON]
        self.codes = []
        seen = set()
        for name, module in self.modules.items():
            if module is not builtins:
                self._add(vars(module), name, name, seen)
        self.size = len(self.entries)

    def _add(self, space, label, module, seen):
        for key, value in list(space.items()):
            kind = type(value)
            if kind is staticmethod or kind is classmethod:
                value_code = getattr(value.__func__, "__code__", None)
            else:
                value_code = getattr(value, "__code__", None) if kind.__name__ == "function" else None
            if value_code is None and not callable(value):
                continue
            path = label + "." + key
            self.entries.append((space, key, value, path))
            if value_code is not None:
                function = value.__func__ if kind is staticmethod or kind is classmethod else value
                self.codes.append((function, value_code, path))
            if isinstance(value, type) and value.__module__ == module and id(value) not in seen:
                seen.add(id(value))
                self._add(vars(value), path, module, seen)

    def changed(self):
        """Names the first thing that is not as it was, or None."""
        missing = self
        for space, key, value, path in self.entries:
            if space.get(key, missing) is not value:
                return path + " was replaced"
        for function, code, path in self.codes:
            if function.__code__ is not code:
                return path + " was rewritten"
        for name, module in self.modules.items():
            if sys.modules.get(name) is not module:
                return "the module %s was replaced" % name
        return None


def freeze_codes(code):
    """All code objects within a compiled module."""
    found, queue = {code}, [code]
    while queue:
        for constant in queue.pop().co_consts:
            if hasattr(constant, "co_code") and constant not in found:
                found.add(constant)
                queue.append(constant)
    return found


def say_error(error, folder):
    """('error', name, value, traceback) without the runner's own frames."""
    import traceback

    name, own = type(error).__name__, freeze_codes.__code__.co_filename
    try:
        summary = traceback.TracebackException.from_exception(error)
        chain = summary
        while chain is not None:
            chain.stack = traceback.StackSummary.from_list(
                [f for f in chain.stack if f.filename != own and "/_pytest/" not in f.filename and "/pluggy/" not in f.filename])
            chain = chain.__cause__ or chain.__context__
        text = "".join(summary.format())
        value = str(error)
    except BaseException:
        text, value = "", ""
    return "error", name, value[:4000], text[-8000:].replace(folder.rstrip("/") + "/", "")
