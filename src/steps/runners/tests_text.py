# In the child: the text and the names of the tests, which pytest, tracebacks and the tests themselves may see, and the code may not.
import linecache


def of_code(frame, prefix, path):
    """Whether a frame is one of the code's own lines, not the tests' and not a library's."""
    name = frame.f_code.co_filename
    return name != path and (name.startswith(prefix) or name.startswith("<") and name != "<assay>" and not name.startswith("<frozen "))


def show_tests(path, text, folder):
    """Lets tracebacks show the lines of the tests, which are not on the disk; where the code asks, only those that decide nothing."""
    prefix = folder.rstrip("/") + "/"

    def source():
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != "<assay>":
            if of_code(frame, prefix, path):
                return helpers_alone(text)
            frame = frame.f_back
        return text

    linecache.cache[path] = (source,)


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

    def by_code(name):
        frame = sys._getframe(2)
        while frame.f_code.co_filename == inspecting and name != "__dict__":  # Which it asks of every module.
            frame = frame.f_back
        return of_code(frame, prefix, path)

    class Veil(type(sys)):
        def __getattribute__(self, name):
            value = getattr(module, name)
            private = name == "__dict__" or not name.startswith("__") and (not callable(value) or name.lower().startswith("test"))
            if private and not isinstance(value, (type, type(sys))) and by_code(name):
                tell("tamper", "the code looked into its tests: %s" % name)
            return value

        def __setattr__(self, name, value):
            if by_code(name):
                tell("tamper", "the code changed its tests: %s" % name)
            setattr(module, name, value)

        def __delattr__(self, name):
            if by_code(name):
                tell("tamper", "the code changed its tests: %s" % name)
            delattr(module, name)

    return Veil(module.__name__)
