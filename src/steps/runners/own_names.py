# What the text of a test file says, whatever the code does: which tests must run, and what its names are.
import ast, sys


def declared_tests(tree):
    """Names of the tests that a reader of the file sees: what must run, whatever the code does."""
    names = []
    if any(isinstance(node, ast.Name) and node.id == "__test__" for node in ast.walk(tree)):
        return names

    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test"):
            names.append(node.name)
        elif isinstance(node, ast.ClassDef) and (node.name.startswith("Test") or any("TestCase" in ast.unparse(b) for b in node.bases)):
            if any(isinstance(n, ast.FunctionDef) and n.name == "__init__" for n in node.body):
                continue
            for n in node.body:
                if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)) and n.name.startswith("test"):
                    names.append(node.name + "::" + n.name)
    return names


class OwnNames:
    """What the text of the tests says of its names: plain functions, constants, and that no built-in is shadowed."""

    def __init__(self, tree):
        counts, changed = {}, set()
        for node in ast.walk(tree):
            for name in names_bound(node):
                counts[name] = counts.get(name, 0) + 1
            if isinstance(node, (ast.Global, ast.Nonlocal)):
                changed.update(node.names)
        self.functions, self.constants = [], {}
        for node in tree.body:
            self.note(node, "", counts)
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    self.note(inner, node.name, counts)
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if counts[name] == 1 and name not in changed and isinstance(node.value, ast.Constant):
                    self.constants[name] = node.value.value
        self.imported = [entry for node in tree.body for entry in imports_of(node) if counts.get(entry[0]) == 1]
        star = any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree))
        self.unshadowed = [] if star else [name for name in LEANED_ON if name not in counts and name not in changed]

    def note(self, node, owner, counts):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and marks_only(node.decorator_list):
            if owner or counts[node.name] == 1:
                self.functions.append((owner, node.name))

    def changed(self, module, codes):
        space = vars(module)
        for owner, name in self.functions:
            holder = vars(space[owner]) if isinstance(space.get(owner), type) else {} if owner else space
            if getattr(holder.get(name), "__code__", None) not in codes:
                return "the test function %s was replaced" % (owner + "::" + name if owner else name)
        for name, value in self.constants.items():
            if type(space.get(name)) is not type(value) or space[name] != value:
                return "the constant %s of the tests was changed" % name
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


def imports_of(node):
    """(name, module, attribute) of what the tests import from Python's own modules; the attribute is None for a module."""
    found = []
    if isinstance(node, ast.Import):
        for alias in node.names:
            whole = alias.name if alias.asname else alias.name.partition(".")[0]
            found.append((alias.asname or whole, whole, None))
    elif isinstance(node, ast.ImportFrom) and not node.level:
        found = [(alias.asname or alias.name, node.module, alias.name) for alias in node.names]
    return [entry for entry in found if entry[1].partition(".")[0] in sys.stdlib_module_names - LEFT_ALONE]


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
