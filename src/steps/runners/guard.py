# In the child, next to the code: tells the parent what happens, and notices when the code reaches for the tests' own footing.
import os, re, sys
from _thread import get_ident

# Reaching for these is how one would look for the runner's secrets; only when the code's own lines do it.
REACHING = {
    "gc.get_objects", "gc.get_referrers", "gc.get_referents", "sys.settrace", "sys.setprofile",
    "sys.monitoring.register_callback", "ctypes.dlopen", "ctypes.dlsym", "ctypes.cdata", "code.__new__", "object.__setattr__",
}
# The functions by which the runner tells of anything.
SPEAKERS = {"tell", "tamper", "seal", "run_script", "run_pytest"}
# By these one comes to a file.
FILE_EVENTS = {"open", "os.remove", "os.rename", "os.link", "os.symlink", "os.truncate", "os.chmod", "shutil.copyfile"}
# By these one comes to the frames of callers and to the code of others.
FRAME_EVENTS = {"sys._getframe", "sys._current_frames", "object.__getattr__"}


# Names of `sys` and of frames that are put together at run time have something to hide.
HIDDEN_NAME = re.compile(r"""getattr\(\s*(sys|\w*frame\w*)\s*,\s*(?!(['"])\w+\2\s*[,)])|['"][\w.]*\b(f|tb)_|vars\(sys\)|sys\.__dict__""")
# That a function asks in which module its caller is, is common.
OF_CALLERS = re.compile(r"""f_locals|getargvalues|capture_locals|f_globals(?!\s*(\.get\(|\[)\s*['"]__(name|file|package)__)""")
# Of frames that nobody asks for: a signal's, a debugger's, a task's.
GIVEN_FRAMES = re.compile(r"\bsignal\b|\bbdb\b|\bget_stack\b|\bget_coro\b|\b(cr|ag)_frame\b|\bdispatcher\b|\bglobaltrace\b")
# Another way to an attribute whose name is put together.
COMPUTED = re.compile(r"""\battrgetter\(\s*(?!(['"])[\w.]+\1\s*[,)])""")
# What a function that the tests hand over is made of.
NAMES_OF_FUNCTIONS = re.compile(
    r"""__globals__(['"]\s*(,[^()]*)?\))?\s*(\[|\.(get|items|values|keys|copy)\b)(?!\s*\(?['"]__\w+__)"""
    r"""|\b(\w+)\s*=[^=\n]*__globals__(?s:.*)\b\5\s*(\[|\.(get|items|values|keys|copy)\b)(?!\s*\(?['"]__\w+__)|getclosurevars""")
CONSTANTS = re.compile(r"""co_consts|\bdis\b|get_instructions|\bdir\((?s:.*)getattr\(\s*\w+\s*,\s*(?!['"])""")


def peeks(code):
    """Whether the code, by its text, reads what its callers hold: (their variables, their constants)."""
    hidden = bool(HIDDEN_NAME.search(code))
    words = ("f_back", "inspect.stack", "getouterframes", "_current_frames", "walk_stack", "extract_stack", "get_stack")
    outwards = any(word in code for word in words) or "_getframe" in code and not re.search(r"_getframe\(0?\)", code)
    return hidden or outwards and bool(OF_CALLERS.search(code) or COMPUTED.search(code)), hidden or bool(CONSTANTS.search(code))


def reads_unasked(code):
    """The same of what comes to the code without a call that could be noticed."""
    if GIVEN_FRAMES.search(code) and OF_CALLERS.search(code):
        return "the code reads the variables of frames that it is given"
    return "the code reads the names around a function" if NAMES_OF_FUNCTIONS.search(code) else None


# Not empty while objects are being asked what they are equal to, and have no business to look at who asks.
asking = []


def start_guard(fd, folder, code, tests_path, expected=frozenset()):
    """
    Says the nonce and sets the hook that cannot be taken away. Afterwards `sys.audit('assay.tell', …)` tells the parent. `code` is the
    text under test, `tests_path` where the tests seem to lie, `expected` the names of their constants.
    """
    variables, constants = peeks(code)
    watched = REACHING | {"assay.tell", "assay.seal", "assay.begun", "compile"} | FILE_EVENTS | FRAME_EVENTS
    tests_name = os.path.basename(tests_path)
    write, getpid, getframe, own, nonce = os.write, os.getpid, sys._getframe, os.getpid(), os.urandom(16).hex()
    prefix, state = folder.rstrip("/") + "/", {"count": 0, "tampered": False}
    inside, thread = set(), get_ident
    trusted, base = getframe(0).f_code.co_filename, getframe(1)
    joined, formatted, is_text = str.join, repr, str.startswith
    inspect_file = getattr(sys.modules.get("inspect"), "__file__", None)
    bdb_file = inspect_file and inspect_file.replace("inspect.py", "bdb.py")
    dis_file = inspect_file and inspect_file.replace("inspect.py", "dis.py")
    space, sealed, busy = globals(), None, asking

    def send(line):
        data = line.encode("utf-8", "backslashreplace")
        while data:
            data = data[write(fd, data) :]

    def tell(*news):
        if sealed and sealed() or busy and news[0] in ("phase", "done"):
            tamper("the code changed what watches it")
        send(joined(" ", (nonce, formatted(state["count"]), formatted(plain(news)))) + "\n")
        state["count"] += 1

    def theirs(name):
        return is_text(name, prefix) or (is_text(name, "<") and name != trusted and not is_text(name, "<frozen "))

    def tamper(sentence):
        if not state["tampered"]:
            state["tampered"] = True
            tell("tamper", sentence)

    def names_tests(name):
        return type(name) is str and name in (tests_name, "./" + tests_name, tests_path)

    def by_code(frame):
        while frame is not None and frame is not base:
            if theirs(frame.f_code.co_filename) and frame.f_code.co_filename != tests_path:
                return True
            frame = frame.f_back
        return False

    def of_tests(holder):
        code = getattr(holder, "f_code", None) or getattr(holder, "__code__", None)
        return getattr(code, "co_filename", None) == tests_path

    def hook(event, args):
        if event not in watched:
            return
        if event == "object.__setattr__":
            next(recoded)
        if event == "object.__getattr__" and args[1] == "__code__" and not constants:
            return  # A look at the footing reads thousands of them.
        me = thread()
        if me in inside:
            return
        inside.add(me)  # Looking at frames asks this hook again.
        try:
            judge(event, args)
        finally:
            inside.discard(me)

    def judge(event, args):
        nonlocal variables, constants, sealed
        if event == "assay.begun":
            frame = getframe(2)
            if frame.f_globals is not space or frame.f_back.f_code.co_filename != tests_path:
                return tamper("something else than a test said what has become of it")
            return tell("begun" if args[1] else "raised", args[0])
        if event == "assay.tell" or event == "assay.seal":
            if getpid() != own:
                return
            if event == "assay.tell" and args[0] == "tamper" and type(args[1]) is str:
                return tamper(args[1])  # Whoever says it of itself may.
            frame = getframe(2)
            if frame.f_globals is not space or frame.f_code.co_name not in SPEAKERS:
                return tamper("something else than the runner called its reporter")
            while frame is not None and frame is not base:
                name = frame.f_code.co_filename
                if theirs(name) and not (name == tests_path and args[0] == "phase"):  # Of a part of a test, while the rest still runs.
                    return tamper("the code called the runner's own reporter (%s:%d)" % (name, frame.f_lineno))
                frame = frame.f_back
            if event == "assay.tell":
                tell(*args)
            elif sealed is None:
                sealed = seal_of(space, args)
        else:
            frame = getframe(2)
            if event == "compile" and args[1] == trusted and getpid() == own:
                return tamper("the code passed for the runner")
            if event == "sys._getframe" and frame.f_code.co_filename == inspect_file:
                frame = frame.f_back
            if event == "compile" and getpid() == own and type(args[0]) in (str, bytes) and by_code(frame):  # A part of the code, too.
                text = args[0] if type(args[0]) is str else args[0].decode("utf-8", "replace")
                if "__globals__" in code and expected.intersection(re.findall(r"\w+", text)):
                    return tamper("the code reads the names around a function")
                more = peeks(text)
                variables, constants = variables or more[0], constants or more[1]
            if event == "sys.settrace" and frame.f_code.co_filename == bdb_file and getpid() == own and by_code(frame):
                return tamper("the code has a debugger look at the tests")
            if event == "object.__getattr__" and getattr(getattr(args[0], "gi_code", None), "co_filename", None) == trusted:
                if getpid() == own and by_code(frame):
                    tamper("the code looked into what shows its tests")
                return
            if event in FILE_EVENTS and getpid() == own and any(map(names_tests, args)) and by_code(frame):
                return tamper("the code reached for the file of its tests (%s)" % tests_name)
            if event == "object.__getattr__" and frame.f_code.co_filename == dis_file and constants and of_tests(args[0]) and by_code(frame):
                return tamper("the code took a function of the tests apart")
            if not theirs(frame.f_code.co_filename) or frame.f_code.co_filename == tests_path or getpid() != own:
                return
            if event in FILE_EVENTS:
                name = args[0]
                if event != "open" or type(name) is not str or not (is_text(name, "/proc/") and name[-4:] == "/mem"):
                    return
                event = "open " + name
            elif busy and event in FRAME_EVENTS:
                where = "%s:%d" % (frame.f_code.co_filename.replace(prefix, ""), frame.f_lineno)
                return tamper("an object of the code looked at who compares it (%s)" % where)
            elif event == "code.__new__" and theirs(args[1]) and args[1] != tests_path:
                return  # A function of its own, changed a little.
            elif event == "object.__setattr__":
                if args[1] != "__code__" or not of_tests(args[0]):
                    return
                event = "another code for a function of the tests"
            elif event == "object.__getattr__":
                holder, name = args
                if name in ("tb_frame", "gi_frame", "cr_frame", "ag_frame"):
                    if not variables:
                        return
                elif not constants or name not in ("f_code", "__code__") or not of_tests(holder) or asks_for_shape(frame, code, prefix):
                    return
                event = "%s, and what its callers hold," % name
            elif event == "sys._getframe" or event == "sys._current_frames":
                if not variables:
                    return
                event += ", and what its callers hold,"
            elif event == "sys.setprofile" and "setprofile" not in code and not variables:
                return  # What `cProfile` says of itself.
            elif event == "compile":
                name = args[1]
                if name is None or theirs(name if type(name) is str else "<") or not is_text(name, "/"):
                    return
                event = "compile as " + name
            tamper("the code used %s (%s:%d)" % (event, frame.f_code.co_filename.replace(prefix, ""), frame.f_lineno))

    hide_frames()
    send(nonce + "\n")
    unasked = reads_unasked(code)
    if unasked:
        tamper(unasked)
    sys.addaudithook(hook)


def seal_of(space, objects):
    """
    A function that tells whether the runner itself was changed: its names, its classes, its tables, the attributes of its objects. Whoever has one
    of its functions comes to all of them by `__globals__`. It uses none of what it looks at.
    """
    warned = space.setdefault("__warningregistry__", {})  # Where Python notes what comparing has warned of.
    spaces = [space, *map(vars, objects)]
    spaces += [vars(value) for value in space.values() if isinstance(value, type) and value.__module__ == space["__name__"]]
    spaces += [value for value in space.values() if type(value) is dict and value is not warned]
    tags = [tag_of(each) for each in spaces]
    if None in tags:
        copies, none, size, every = [(each, dict(each)) for each in spaces], object(), len, all
        return lambda: not every(size(now) == size(then) and every(now.get(key, none) is then[key] for key in then) for now, then in copies)
    read, each_of, as_tuple = READ, map, tuple
    then = tags_now(tags)
    return lambda: as_tuple(each_of(read, tags)) != then


def plain(news):
    """The same of Python's own kinds: what the code gives a name or a message could answer for itself when it is written down."""
    kind = type(news)
    if kind is tuple:
        return tuple(map(plain, news))
    if kind in (int, float, str):
        return news
    return str.__str__(news) if issubclass(kind, str) else ""


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
