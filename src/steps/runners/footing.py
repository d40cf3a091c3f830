# In the child: what tests lean on, and whether it is still what it was before the code was imported.
import builtins, ctypes, gc, itertools, re, sys

# Built-ins that a verdict leans on. `print`, `input` and `open` may be replaced by whoever likes.
LEANED_ON = (
    "isinstance issubclass len abs all any sum min max sorted round repr type list dict set frozenset tuple int float bool complex "
    "bytes str range zip map filter enumerate reversed getattr hasattr callable hash iter next object divmod pow slice super "
    "property staticmethod classmethod exec eval compile __build_class__ __import__ BaseException Exception AssertionError"
).split()
# Modules by which tests decide, looked at where the tests have the word and the package is there.
OF_WORDS = {
    "numpy": "numpy numpy.linalg numpy.testing numpy.testing._private.utils numpy._core.numeric numpy.core.numeric",
    "pandas": "pandas pandas.testing pandas._testing.asserters pandas.core.generic pandas.core.base pandas.core.frame pandas.core.series",
    "caps": "_pytest.capture", "capf": "_pytest.capture", "monkeypatch": "_pytest.monkeypatch", "caplog": "_pytest.logging",
    "unittest": "unittest.case unittest.result unittest.suite unittest.loader unittest.runner", "mock": "unittest.mock",
}
# Of these, the methods of their classes count too.
DEEP = re.compile(r"_pytest\.|pandas(\.core\.\w+)?$|unittest\.|doctest$|difflib$|fractions$|statistics$")
# Modules that honest code may patch for good, or that do something when they are loaded; all others of Python's own count where the tests import them.
LEFT_ALONE = frozenset(
    "time random os sys io builtins logging warnings subprocess threading multiprocessing signal socket tempfile shutil pathlib asyncio "
    "contextlib ssl urllib http this antigravity turtle tkinter idlelib test lib2to3 ensurepip venv ctypes gc pdb".split()
)
# What counts in these, where the tests match the pattern and name the function: (pattern, module or class, names).
DECIDING = (
    (r"\bsys\b", "sys", "exit executable"),
    (r"\bos\b", "os", "_exit"),
    (r"\basyncio\b", "asyncio", "run wait_for gather"),
    (r"\bsubprocess\b", "subprocess", "run call check_call check_output Popen"),
    (r"\bcontextlib\b", "contextlib", "suppress redirect_stdout redirect_stderr"),
    (r"\bwarnings\b", "warnings", "catch_warnings"),
    (r"\bos\b", "os.path", "exists isfile isdir getsize"),
    (r"\btmp_path\b|\bPath\b|\bpathlib\b", "pathlib.Path", "exists is_file is_dir read_text read_bytes stat"),
    (r"\brandom\b", "random", "random randint randrange choice choices sample shuffle uniform seed"),
    # Tests that measure.
    (r"(time|counter|monotonic)(_ns)?\(\)\s*-|-\s*(start|begin|before|t0)", "time",
     "time perf_counter monotonic process_time time_ns perf_counter_ns monotonic_ns process_time_ns"),
)
# An exception that is of so many of these at once is meant to be whatever is expected.
FAMILIES = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError, OSError, AssertionError, NameError, ImportError)
MOST_FAMILIES = 3
# What code that is honest may set for good, though a test case has it.
SETTINGS = frozenset(("maxDiff", "longMessage"))


class Snapshot:
    """What tests lean on, by identity, as it was before the code was imported."""

    def __init__(self, modules, shallow=(), functions=()):
        self.modules = {name: sys.modules[name] for name in modules if name in sys.modules}
        self.kinds = {name: type(module) for name, module in self.modules.items()}
        # By dictionary: its owner where it is a class, the names in it, and of those that count [(name, value, path)].
        self.spaces, self.codes, self.tables, tags, seen = [], [], {}, [], set()
        self._note(vars(builtins), [(name, vars(builtins)[name], "builtins." + name) for name in LEANED_ON], tags)
        for module, name in functions:
            self._note(vars(module), [(name, vars(module)[name], module.__name__ + "." + name)], tags)
        for name, module in self.modules.items():
            if module is not builtins:
                self._add(vars(module), name, name if name not in shallow else None, seen, tags)
        self.tags = () if None in tags else tuple(tags)
        self.tagged, self.spaces, self.codes = tags_now(self.tags), tuple(self.spaces), tuple(self.codes)

    def _note(self, space, entries, tags, owner=None, label=""):
        self.spaces.append((space, entries, owner, frozenset(space), label))
        tags.append(tag_of(space))

    def _add(self, space, label, module, seen, tags, owner=None):
        entries = []
        self._note(space, entries, tags, owner, label)
        for key, value in list(space.items()):
            kind = type(value)
            if kind is staticmethod or kind is classmethod:
                value_code = getattr(value.__func__, "__code__", None)
            else:
                value_code = getattr(value, "__code__", None) if kind.__name__ == "function" else None
            if value_code is None and kind is not property and not callable(value):
                if kind is dict:
                    self.tables.setdefault(id(space), []).append((key, label + "." + key))
                if owner is None or kind not in (int, float) or key in SETTINGS:
                    continue
            path = label + "." + key
            entries.append((key, value, path))
            if value_code is not None:
                function = value.__func__ if kind is staticmethod or kind is classmethod else value
                self.codes.append((function, value_code, function.__defaults__, path))
            if isinstance(value, type) and value.__module__ == module and id(value) not in seen:
                seen.add(id(value))
                self._add(vars(value), path, module, seen, tags, value)

    def changed(self):
        """Names the first thing that is not as it was, or None."""
        now = tags_now(self.tags)
        if now != self.tagged or not now:
            for at, space in enumerate(self.spaces):
                if not now or now[at] != self.tagged[at]:
                    sentence = changed_in(*space)
                    if sentence:
                        return sentence
                    for key, path in self.tables.get(id(space[0]), ()):
                        if type(space[0].get(key)) is not dict:
                            return path + " was replaced by a table of the code's own kind"
        if repr(recoded) != "count(0)":
            for function, code, defaults, path in self.codes:
                if function.__code__ is not code or function.__defaults__ is not defaults:
                    return path + " was rewritten"
            for name, module in self.modules.items():
                if type(module) is not self.kinds[name]:
                    return "the module %s was given another class" % name
        for name, module in self.modules.items():
            if sys.modules.get(name) is not module:
                return "the module %s was replaced" % name
        return None


# Counts how often any function was given another code, which no dictionary shows; nobody can turn it back.
recoded = itertools.count()


def changed_in(space, entries, owner, names, label):
    missing = names
    for key, value, path in entries:
        if space.get(key, missing) is not value:
            return path + " was replaced"
    if owner is not None and len(space) != len(names):
        inherited = {name for base in owner.__mro__[1:] for name in vars(base)}
        for name in inherited & space.keys() - names:
            if callable(space[name]) or type(space[name]) is property:
                return "%s.%s was put before the inherited one" % (label, name)
    return None


def tag_of(space):
    """
    What CPython writes anew at each change of a dictionary (PEP 509), to be read with `tags_now`, or None where it has no such thing, as from 3.13 on.
    Whoever looks at each value instead counts a reference to it for a moment, and in a forked process that copies the page where it lies.
    """
    if not TAGGED:
        return None
    if type(space) is not dict:  # The proxy that a class shows.
        space = next((held for held in gc.get_referents(space) if type(held) is dict), None)
    return space if space is None else ctypes.c_uint64.from_address(id(space) + TAG_AT)


def tags_now(tags):
    return tuple(map(READ, tags))


# A class of ctypes' could be given another `value` by the code; this is the one in C.
READ = vars(ctypes.c_uint64.__mro__[1])["value"].__get__
TAG_AT = object.__basicsize__ + ctypes.sizeof(ctypes.c_ssize_t)


def has_tags():
    if sys.implementation.name != "cpython" or sys.version_info >= (3, 13):
        return False
    probe = {"one": 1}
    tag, found = ctypes.c_uint64.from_address(id(probe) + TAG_AT), []
    for change in (lambda: None, lambda: probe.update(one=2), lambda: probe.update(two=1), lambda: probe.pop("two"), lambda: None):
        change()
        found.append(tag.value)
    return len(set(found)) == 4 and found[-1] == found[-2]


TAGGED = has_tags()


def first_change(snapshots):
    """Names the first thing that is not as it was in any of them, or None."""
    return next(filter(None, (snapshot.changed() for snapshot in snapshots)), None)


def named_footing(tests):
    """
    A snapshot of the modules that the tests name, which are imported now, before the code could put others in their place. Best taken before
    the fork: there it is cheap, and the next tests that name the same have it already.
    """
    import importlib

    names = [name for word, names in OF_WORDS.items() if word in tests for name in names.split() if name.partition(".")[0] in sys.modules]
    found = []
    for name in names + re.findall(r"^[ \t]*(?:import|from)[ \t]+([\w.]+)", tests, re.MULTILINE):
        root = name.partition(".")[0]
        if root in LEFT_ALONE or root not in sys.stdlib_module_names and name not in names:
            continue
        try:
            importlib.import_module(name)
            if root == "typing":
                importlib.import_module("typing_extensions")  # Which replaces some of it for good.
        except Exception:
            if name not in sys.modules:
                continue
        found.append(name)
    words = set(re.findall(r"\w+", tests))
    constants = [(sys.modules[name], key) for name in found for key in sorted(words & vars(sys.modules[name]).keys())
                 if type(vars(sys.modules[name])[key]) in (int, float, str) and not key.startswith("_")]
    return footing(tuple(found), (*functions_of(tests), *constants))


def functions_of(tests):
    import pkgutil

    for pattern, path, names in DECIDING:
        if re.search(pattern, tests):
            for name in names.split():
                # What the tests replace themselves is theirs to put back.
                if re.search(r"\b%s\b" % name, tests) and not re.search(r"\.%s\s*=[^=]" % name, tests):
                    yield pkgutil.resolve_name(path), name


def of_every_class():
    """Names an exception of the code's that would pass for most of those that tests can expect, or None."""
    for family in FAMILIES:
        for kind in type.__subclasses__(family):
            bases = bases_of(kind)  # Itself, the families, and the three that all have.
            if len(bases) > MOST_FAMILIES + 4 and sum(each in bases for each in FAMILIES) > MOST_FAMILIES:
                return "the exception %s is of every class at once" % called(kind)
    return None


def footing(names, functions=()):
    """A snapshot of modules, the same one as long as none of them was loaded anew."""
    key = names, functions
    known = footings.get(key)
    if known is None or known.changed():
        known = footings[key] = Snapshot(names, [name for name in names if not DEEP.match(name)], functions)
    return known


footings = {}
