# In the child, between the tests and what they compare: notices objects that agree with everything, and footing that is changed just while it matters.
import ast, builtins, operator, random, sys

OPERATIONS = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.In: lambda item, held: item in held, ast.NotIn: lambda item, held: item not in held, ast.Sub: operator.sub,
}
PLAIN = frozenset((int, float, complex, bool, str, bytes, type(None), range, type(Ellipsis)))
SLOT_KINDS = tuple({type(object.__eq__), type(str.join), type(len)})
# What a probe costs is only spent so often on one class.
PROBES_OF_CLASS, LOOKS_IN_FULL = 40, 100
# Of a library, and equal to what their maker likes: fine where the tests name them.
UNIVERSAL = {"unittest.mock": ("ANY", "ock"), "_pytest.python_api": ("approx",), "_pytest.approx": ("approx",)}


class Looks(ast.NodeTransformer):
    """Lets the comparisons, differences and assertions of the tests go through the looker, which is put in as a constant later."""

    def visit_Compare(self, node):
        self.generic_visit(node)
        if any(type(op) not in OPERATIONS for op in node.ops):
            return node
        if len(node.ops) == 1:
            return through("compare", node, ast.Constant(type(node.ops[0]).__name__), node.left, node.comparators[0])
        node.left = through("alone", node, node.left)
        node.comparators = [through("alone", node, each) for each in node.comparators]
        return node

    def visit_BinOp(self, node):
        self.generic_visit(node)
        return through("compare", node, ast.Constant("Sub"), node.left, node.right) if type(node.op) is ast.Sub else node

    def visit_Call(self, node):
        self.generic_visit(node)
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name.startswith("assert") and node.args and not any(isinstance(each, ast.Starred) for each in node.args):
            node.args = [ast.copy_location(ast.Starred(through("together", node, *node.args), ast.Load()), node)]
        return node

    def visit_Assert(self, node):
        self.generic_visit(node)
        node.test = through("truth", node, node.test)
        return node

    def visit_If(self, node):
        self.generic_visit(node)
        test = node.test
        if isinstance(test, ast.UnaryOp) and getattr(test.operand, "id", "").startswith("@py_assert"):
            test.operand = through("truth", node, test.operand)
        return node


def through(name, node, *arguments):
    call = ast.Call(ast.Constant("@assay." + name), list(arguments), [])
    return ast.fix_missing_locations(ast.copy_location(call, node))


def with_looker(code, looker):
    """The compiled tests, where the looker stands as a constant: no name leads to it that the code could take away."""
    constants = []
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            constant = with_looker(constant, looker)
        elif type(constant) is str and constant.startswith("@assay."):
            constant = getattr(looker, constant[len("@assay.") :])
        constants.append(constant)
    return code.replace(co_consts=tuple(constants))


def compile_looking(tree, path, looker):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # That a text is called, as it seems here.
        return with_looker(compile(Looks().visit(tree), path, "exec", dont_inherit=True), looker)


class Looker:
    """`tests` is their text, `snapshots` what must not have changed, `own` the files whose classes are the tests' own."""

    def __init__(self, audit, folder, tests, own, snapshots):
        self.audit, self.prefix, self.tests, self.own = audit, folder.rstrip("/") + "/", tests, own
        self.snapshots, self.random, self.probed, self.looks, self.told = snapshots, random.SystemRandom(), {}, 0, False
        # Where the tests replace things themselves, only the end of each is looked at.
        self.steady = not any(word in tests for word in ("patch", "mock", "builtins"))
        self.busy = False
        self.operations = {kind.__name__: function for kind, function in OPERATIONS.items()}

    def compare(self, name, left, right):
        __tracebackhide__ = True
        if type(left) not in PLAIN or type(right) not in PLAIN:
            self.pair(name, left, right)
        self.footing()
        return self.operations[name](left, right)

    def alone(self, value):
        if type(value) not in PLAIN:
            self.pair("Lt", value, 0)
        return value

    def together(self, *values):
        for at, value in enumerate(values[:3]):
            if type(value) not in PLAIN:
                self.pair("Eq", value, values[0 if at else 1] if len(values) > 1 else 0)
        self.footing()
        return values

    def truth(self, value):
        self.footing()
        return value

    def tamper(self, sentence):
        if not self.told:
            self.told = True
            self.audit("assay.tell", "tamper", sentence)

    def footing(self):
        self.looks += 1
        if not self.steady or self.told or (self.looks > LOOKS_IN_FULL and self.looks % 100):
            return
        changed = first_change(self.snapshots)
        if changed:
            self.tamper(changed)

    def pair(self, name, left, right):
        if self.busy or self.told:
            return
        self.busy = True
        try:
            if name in ("In", "NotIn"):
                self.one(right, "__contains__", left)
                for at, part in enumerate(parts_of(right)):
                    if at >= 1000:
                        break
                    self.value(part, left)
                    if at == 0:
                        self.value(left, part)
            elif name == "Sub":
                self.one(left, "__sub__", right)
                self.one(right, "__rsub__", left)
            else:
                self.both(left, right, 6)
        except Exception:
            pass  # Objects may refuse whatever they like.
        finally:
            self.busy = False

    def both(self, left, right, depth):
        """Walks down two values side by side, so that each is asked about what it is compared with."""
        if depth == 0 or type(left) in PLAIN and type(right) in PLAIN:
            return
        self.value(left, right)
        self.value(right, left)
        for at, (mine, theirs) in enumerate(zip(parts_of(left), parts_of(right, left))):
            if at >= 1000:
                break
            self.both(mine, theirs, depth - 1)

    def value(self, value, partner):
        if type(value) in PLAIN:
            return
        self.one(value, "__eq__", partner)
        self.one(value, "__lt__", partner)

    def one(self, value, slot, partner):
        kind = type(value)
        if not self.suspicious(kind, slot):
            return
        count = self.probed[kind] = self.probed.get(kind, 0) + 1
        if count > PROBES_OF_CLASS and self.random.randrange(10):
            return
        sentence = self.lie(value, slot, partner)
        if sentence:
            self.tamper("an object of the code's class %s %s" % (kind.__name__, sentence))

    def suspicious(self, kind, slot):
        """Whether the code says how objects of this class compare."""
        slots = (slot, "__gt__", "__le__", "__ge__") if slot == "__lt__" else (slot,)
        for name in slots:
            found = next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)
            if found is None or type(found) in SLOT_KINDS:
                continue
            code = found.__code__ if type(found).__name__ == "function" else None
            if code is None:
                if not any(word in self.tests for word in UNIVERSAL["unittest.mock"]):
                    return True
            elif code.co_filename == "<assay>" or not code.co_filename.startswith((self.prefix, "<")):
                words = UNIVERSAL.get(kind.__module__)
                if words and not any(word in self.tests for word in words):
                    return True
            elif code.co_filename not in self.own:
                return True
        return False

    def lie(self, value, slot, partner):
        decoys = self.decoys(partner)
        if slot == "__lt__":
            if any("__abs__" in vars(base) for base in type(value).__mro__[:-1]) and yes(operator.lt, abs(value), -1):
                return "has an absolute value below zero"
            for decoy in decoys:
                if yes(operator.lt, value, decoy) and yes(operator.gt, value, decoy):
                    return "is less and more than the same thing"
            return None
        if slot in ("__sub__", "__rsub__"):
            found = [value - decoy if slot == "__sub__" else decoy - value for decoy in decoys]
            same = all(type(each) in PLAIN and each == found[0] for each in found)
            return "has the same difference from everything" if same and len(found) > 3 else None
        asked = [*decoys, *decoys, partner]
        order = list(range(len(asked)))
        self.random.shuffle(order)
        ask = (lambda other: yes(operator.eq, value, other)) if slot == "__eq__" else (lambda other: other in value)
        answers = {}
        for at in order:
            answers[at] = bool(ask(asked[at]))
        size = len(decoys)
        if any(answers[at] is not answers[at + size] for at in range(size)):
            return "answers the same question in two ways"
        if all(answers[at] for at in range(size)):
            return "is equal to everything" if slot == "__eq__" else "contains everything"
        return None

    def decoys(self, partner):
        """Fresh values much like the partner, none of them equal to it."""
        kind, number = type(partner), self.random.randrange
        if kind is bool:
            return [not partner]
        if kind is int:
            near = [partner + sign * (number(step) + 1) for step in (1, 3, 9, 40, 200, 900) for sign in (1, -1)]
            return [*near, partner * 3 + 17 + number(5), -partner - 5 - number(5)]
        if kind is float:
            return [partner + sign * (number(step) + 0.37) for step in (1, 3, 9, 40, 200, 900) for sign in (1, -1)] + [partner * 3 + 17.3]
        if kind is str or kind is bytes:
            letters = "abcdefghijklmnopqrstuvwxyz"
            texts = ["".join(self.random.choice(letters) for _ in range(size)) for size in (len(partner) or 5, 1, 3, 8, 20, 60)]
            texts = [text for text in texts if text != partner]
            return texts if kind is str else [text.encode() for text in texts]
        if kind is list or kind is tuple:
            return [kind([number(1 << 60)] * size) for size in (len(partner) or 1, 1, 2, len(partner) + 1)]
        if kind is dict:
            return [{number(1 << 60): number(1 << 60) for _ in range(size)} for size in (len(partner) or 1, 1, 3)]
        if kind is set or kind is frozenset:
            return [kind(number(1 << 60) for _ in range(size)) for size in (len(partner) or 1, 1, 3)]
        if kind.__name__.startswith("Approx") and type(getattr(partner, "expected", None)) in (int, float):
            return [kind(decoy, rel=partner.rel, abs=partner.abs, nan_ok=partner.nan_ok) for decoy in self.decoys(partner.expected)]
        return [object(), number(1 << 60), str(number(1 << 60))]


def yes(operation, value, other):
    try:
        answer = operation(value, other)
        return answer is not NotImplemented and bool(answer)
    except Exception:
        return False


def parts_of(value, beside=None):
    """What a value holds, in the order in which two of the kind are compared."""
    kind = type(value)
    if kind is dict:
        keys = beside if type(beside) is dict else value
        return [value.get(key) for key in keys]
    if kind is list or kind is tuple or kind.__name__ == "deque":
        return value
    if kind is set or kind is frozenset:
        return list(value)
    if kind.__name__ == "ndarray":
        return value.ravel().tolist()[:1000] if value.dtype == object else ()
    fields = getattr(value, "__dict__", None)
    if type(fields) is dict and kind.__name__ != "module":
        return list(fields.values())[:100]
    return value if isinstance(value, (list, tuple)) else ()


def shadows(names, space, looker):
    """Where the code has functions named like these built-ins, and the tests use them: both are asked, and must agree."""
    for name in names:
        theirs, plain = space.get(name), getattr(builtins, name)
        if theirs is None or theirs is plain or not callable(theirs) or isinstance(theirs, type) and not isinstance(plain, type):
            continue
        if isinstance(plain, type) and issubclass(plain, BaseException):
            looker.tamper("the code has an exception of its own called %s" % name)
        elif not isinstance(theirs, type):
            space[name] = agreeing(name, theirs, plain, looker)


def agreeing(name, theirs, plain, looker):
    def both(*arguments, **options):
        answer = theirs(*arguments, **options)
        try:
            wanted = plain(*arguments, **options)
        except Exception:
            return answer  # It takes other things than the built-in.
        if type(wanted) in PLAIN and (type(answer) is not type(wanted) or answer != wanted):
            looker.tamper("the code's own %s() answers otherwise than the built-in" % name)
        return answer

    return both
