# In the child: the text and the names of the tests, which pytest, tracebacks and the tests themselves may see, and the code may not.
import linecache, re


def of_code(frame, prefix, path):
    """Whether a frame is one of the code's own lines, not the tests' and not a library's."""
    name = frame.f_code.co_filename
    return name != path and (name.startswith(prefix) or name.startswith("<") and name != "<assay>" and not name.startswith("<frozen "))


def show_tests(path, text, folder):
    """Lets tracebacks show the lines of the tests, which are not on the disk; where the code asks, only those that decide nothing."""
    linecache.cache[path] = (sources(path, text, folder.rstrip("/") + "/").__next__,)


def sources(path, text, prefix):
    """What a generator holds nobody comes to but by its frame, and the guard hears of that."""
    while True:
        frame, shown = sys._getframe(1), text
        while frame is not None and frame.f_code.co_filename != "<assay>":
            if of_code(frame, prefix, path):
                shown = helpers_alone(text)
                break
            frame = frame.f_back
        frame = None
        yield shown


def helpers_alone(text):
    """The same number of lines, of which only functions and classes that are no tests and assert nothing are left."""
    lines, kept = text.split("\n"), set()
    for node in ast.parse(text).body:
        named = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.lower().startswith("test")
        if named and not any(isinstance(inner, ast.Assert) for inner in ast.walk(node)):
            kept.update(range(node.lineno - 1, node.end_lineno))
    return "\n".join(line if at in kept else "" for at, line in enumerate(lines))


def veil(module, folder, path, tell):
    """
    What stands for the module of the tests among the others: its tests and constants are not the code's to read, and none of its names to
    change. Classes and helpers are, as pickling and dispatching by name need.
    """
    prefix, inspecting = folder.rstrip("/") + "/", linecache.__file__.replace("linecache", "inspect")
    module_name, take = module.__name__, held(module).__next__
    del module

    def real():
        while True:
            try:
                return take()
            except ValueError:  # Another thread is just there.
                pass

    def by_code(name):
        frame = sys._getframe(2)
        while frame.f_code.co_filename == inspecting and name != "__dict__":  # Which it asks of every module.
            frame = frame.f_back
        return of_code(frame, prefix, path)

    def is_private(name):
        value = getattr(real(), name, None)
        decides = not name.startswith("__") and (not callable(value) or name.lower().startswith("test"))
        return decides and not isinstance(value, (type, type(sys)))

    def looked(name):
        tell("tamper", "the code looked into its tests: %s" % name)

    class Veil(type(sys)):
        def __getattribute__(self, name):
            if name == "__dict__" and by_code(name):
                return Shown(real(), is_private, looked)
            if is_private(name) and by_code(name):
                looked(name)
            return getattr(real(), name)

        def __setattr__(self, name, value):
            if by_code(name):
                tell("tamper", "the code changed its tests: %s" % name)
            setattr(real(), name, value)

        def __delattr__(self, name):
            if by_code(name):
                tell("tamper", "the code changed its tests: %s" % name)
            delattr(real(), name)

    return Veil(module_name)


def held(value):
    """A generator gives it to the runner's own code alone; its frame is watched."""
    while True:
        frame = sys._getframe(1)
        mine = all(each is not None and each.f_code.co_filename == "<assay>" for each in (frame, frame.f_back))
        frame = None
        yield value if mine else None


class Shown(dict):
    """The names of the tests' module for code that needs them to understand annotations, without those that it has no business with."""

    def __init__(self, module, is_private, looked):
        super().__init__({name: value for name, value in vars(module).items() if not is_private(name)})
        self.get = lambda name, default=None: looked(name) if is_private(name) else dict.get(self, name, default)
        self.values = self.items = self.keys = lambda: looked("__dict__")
        self.missing = lambda name: looked(name) if is_private(name) else None

    def __missing__(self, name):
        self.missing(name)
        raise KeyError(name)


# Of a function's code: a name or a number of it, or all of it for a copy of the function.
SHAPE = re.compile(
    r"""[\w.]+\.__code__(?=\.co_(?!consts|code)\w+)|(?<=\bFunctionType\()[\w.]+\.__code__(?=,)"""
    r"""|(?<=\bgetattr\()getattr\(\w+, *['"]__code__['"], *None\)(?=,\s*['"]co_(?!consts|code)\w+['"])""")


def asks_for_shape(frame, text, prefix):
    """Whether what a frame of the code's is just reading of a function is its shape alone, by the very place in its text."""
    code, space = frame.f_code, frame.f_globals
    positions = getattr(code, "co_positions", None)
    if positions is None or code.co_filename != prefix + "solution.py":
        return False
    made, types = type(asks_for_shape), sys.modules["types"]
    names = (("getattr", getattr), ("FunctionType", made), ("types", types))  # They may mean something else there.
    local = (*code.co_varnames, *code.co_freevars, *code.co_cellvars)
    if any(name in local or space.get(name, value) is not value for name, value in names) or types.FunctionType is not made:
        return False
    line, last, start, end = list(positions())[frame.f_lasti // 2]
    lines = text.split("\n")
    if line is None or line != last or line > len(lines) or not lines[line - 1].isascii():
        return False
    found = SHAPE.match("\n".join(lines[line - 1 : line + 1]), start)
    before = lines[line - 1][:start]
    return found is not None and found.end() == end and not re.search(r"(?<!types)\.\w+\($", before)
