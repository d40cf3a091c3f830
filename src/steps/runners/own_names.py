# What the text of a test file says, whatever the code does: which tests must run, and what its names are.
import ast, builtins, re, sys

# Of others, whose names the tests import, besides Python's own.
OF_TESTS = frozenset("pytest numpy pandas scipy sklearn".split())
LIBRARIES = sys.stdlib_module_names | OF_TESTS
IMPORTED_FROM = LIBRARIES - LEFT_ALONE
# What pytest calls where it is among the names of a test file.
HOOKS = re.compile(r"pytest_|(setup|teardown)_(module|function|class|method)$|(setUp|tearDown)Module$")


def declared_tests(tree):
    """Names of the tests that a reader of the file sees: what must run, whatever the code does."""
    names, cases = [], {"TestCase"}
    if any(isinstance(node, ast.Name) and node.id == "__test__" for node in ast.walk(tree)):
        return names

    gone = {target.id for node in tree.body if isinstance(node, ast.Delete) for target in node.targets if isinstance(target, ast.Name)}
    local = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        if is_test(node) and node.name not in gone:
            names.append(node.name)
        elif isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
            if any(base in cases or base.endswith("TestCase") and base not in local for base in bases):
                cases.add(node.name)
            elif not node.name.startswith("Test") or any(getattr(inner, "name", "") in ("__init__", "__new__") for inner in node.body):
                continue
            names.extend(node.name + "::" + inner.name for inner in node.body if is_test(inner) and node.name not in gone)
    return names


def is_test(node):
    named = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test")
    return named and not any(re.search(r"fixture|property$", ast.unparse(decorator)) for decorator in node.decorator_list)


# What tests call what they expect.
EXPECTATIONS = re.compile(r"\b(expect|want|answer|case|correct|solution)\w*", re.IGNORECASE)


def expected_names(tests):
    """Names by which a script calls what it expects."""
    names = {name for node in tests.body if isinstance(node, ast.Assign) for target in node.targets for name in names_bound(target)}
    return {name for name in names if EXPECTATIONS.fullmatch(name)}


def reads_expectations(code, expected):
    """Of a script, in which both share their names: what is expected, by the names of the tests, that the code reads. Or None."""
    if not expected or not EXPECTATIONS.search(code):
        return None
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return None
    by_text = re.search(r"\b(globals|vars|locals|__main__)\b", code)
    loaded, bound = set(), set()
    for node in ast.walk(tree):
        bound.update(names_bound(node))
        if isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.Name):
            loaded.add(node.id)
        elif by_text and isinstance(node, ast.Constant) and isinstance(node.value, str):
            loaded.add(node.value)
        elif by_text and isinstance(node, ast.Attribute):
            loaded.add(node.attr)
    return min(loaded & expected - bound, default=None)


def known_names(bound, imported, dotted):
    """By name, as the tests write it: built-ins and functions of the modules that they import, as they are before the code."""
    known = {name: vars(builtins)[name] for name in LEANED_ON if name not in bound}
    for name, source, attribute in imported:
        found = sys.modules.get(source)
        if attribute is not None:
            found = found and vars(found).get(attribute)
        if found is not None and name not in bound:
            known[name] = found
    for whole in dotted - bound:
        first, *names = whole.split(".")
        owner = known.get(first)
        for part in names:
            owner = vars(owner).get(part) if isinstance(owner, type(sys)) else None
        if owner is not None:
            known[whole] = owner
    return known


class OwnNames:
    """What the text of the tests says of its names: plain functions, constants, and that no built-in is shadowed."""

    def __init__(self, tree):
        counts, changed, others, imported, dotted = {}, set(), set(), [], set()
        for node in ast.walk(tree):
            bound, kind = names_bound(node), type(node)
            for name in bound:
                counts[name] = counts.get(name, 0) + 1
            if kind in (ast.Global, ast.Nonlocal):
                changed.update(node.names)
            elif kind in (ast.Import, ast.ImportFrom):
                imported += imports_of(node)
            elif kind is ast.Attribute:
                (dotted if type(node.ctx) is ast.Load else others).add(dotted_name(node))
            else:
                others.update([node.arg] if kind is ast.arg else bound)
        self.known = known_names(others, imported, dotted)
        self.functions, self.constants = [], {}
        own, assigned = own_classes(tree), attributes_set(tree)
        for node in tree.body:
            self.note(node, counts)
            if isinstance(node, ast.ClassDef) and marks_only(node.decorator_list) and counts[node.name] == 1:
                for inner in node.body:
                    # A base or metaclass of the code's may do with methods what it likes, but not with tests.
                    if node.name in own or getattr(inner, "name", "").startswith("test"):
                        self.note(inner, counts, node.name, assigned)
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if counts[name] == 1 and name not in changed and isinstance(node.value, ast.Constant):
                    self.constants[name] = node.value.value
        self.imported = [entry for node in tree.body for entry in imports_of(node) if counts.get(entry[0]) == 1]
        self.bound = counts
        self.star = any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree))
        self.unshadowed = [] if self.star else [name for name in LEANED_ON if name not in counts and name not in changed]

    def note(self, node, counts, owner="", assigned=()):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and marks_only(node.decorator_list):
            private = owner and node.name.startswith("__") and not node.name.endswith("__")
            name = "_%s%s" % (owner.lstrip("_"), node.name) if private else node.name
            if (owner, name) not in assigned if owner else counts[name] == 1:
                self.functions.append((owner, name))

    def slipped_in(self, space):
        """Names the first thing that came in by a star and is no mere name of the code's."""
        name = next((name for name in space if self.star and name not in self.bound and HOOKS.match(name)), None)
        return name and "the code slipped %s among the tests" % name

    def rewritten(self, space, codes):
        for owner, name in self.functions:
            holder = vars(space[owner]) if isinstance(space.get(owner), type) else {} if owner else space
            found = holder.get(name)
            found = getattr(found, "__func__", found)  # `__new__` and its like are made static.
            if getattr(found, "__code__", None) not in codes:
                return "the test function %s was replaced" % (owner + "::" + name if owner else name)
        for name, value in self.constants.items():
            if type(space.get(name)) is not type(value) or space[name] != value:
                return "the constant %s of the tests was changed" % name
        return None

    def changed(self, space, codes):
        """Names the first thing that is not as the text says, or None."""
        sentence = self.slipped_in(space) or self.rewritten(space, codes)
        if sentence:
            return sentence
        for name, source, attribute in self.imported:
            wanted = sys.modules.get(source)
            if wanted is not None and attribute is not None:
                wanted = vars(wanted).get(attribute)
            if wanted is not None and space.get(name) is not wanted:
                return "a name that the tests have imported was rebound: %s" % name
        for name in self.unshadowed:
            if name in space:
                return "a built-in was shadowed in the tests: %s" % name
        return None


def own_classes(tree):
    """Names of the classes with which only Python, libraries and the tests themselves have to do."""
    known = set(dir(builtins))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            source = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            if source and source.partition(".")[0] in LIBRARIES:
                known.update(names_bound(node))
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            needed = [inner.id for base in (*node.bases, *node.keywords) for inner in ast.walk(base) if isinstance(inner, ast.Name)]
            if known.issuperset(needed):
                known.add(node.name)
                found.add(node.name)
    return found


def attributes_set(tree):
    """(object, attribute) of what the tests themselves put in the place of something."""
    return {
        (node.value.id, node.attr) for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, (ast.Store, ast.Del)) and isinstance(node.value, ast.Name)}


def imports_of(node):
    """(name, module, attribute) of what the tests import from others than the code; the attribute is None for a module."""
    found = []
    if isinstance(node, ast.Import):
        for alias in node.names:
            whole = alias.name if alias.asname else alias.name.partition(".")[0]
            found.append((alias.asname or whole, whole, None))
    elif isinstance(node, ast.ImportFrom) and not node.level:
        found = [(alias.asname or alias.name, node.module, alias.name) for alias in node.names]
    return [entry for entry in found if entry[1].partition(".")[0] in IMPORTED_FROM]


def names_bound(node):
    if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
        return [node.id]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.partition(".")[0] for alias in node.names]
    return []


def marks_only(decorators):
    return all(ast.unparse(d).startswith(("pytest.mark.", "mark.")) for d in decorators)
