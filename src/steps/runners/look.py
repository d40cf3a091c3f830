# In the child, between the tests and what they compare: notices objects that agree with everything, and footing that is changed just while it matters.
import ast, operator, random, re, sys, unittest.case

OPERATIONS = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.In: lambda item, held: item in held, ast.NotIn: lambda item, held: item not in held, **{getattr(ast, name): function for name, function in RECKONED.items()},
}
# Functions that compare two things, and methods of strings, sets and tables that do.
PREDICATES = frozenset("isclose allclose array_equal array_equiv".split())
METHODS = frozenset("startswith endswith issubset issuperset isdisjoint equals __eq__ __ne__".split())
SEARCHES = frozenset("count index remove".split())
# Comparisons that are functions.
FUNCTIONS = frozenset("eq ne lt le gt ge contains sub".split())
NAMES = {function: kind.__name__ for kind, function in OPERATIONS.items()} | {operator.contains: "In"}
# Words of tests that go on after assertions that fail.
TAKES_FAILURES = re.compile(r"(?<!raise )AssertionError|Failed\b|fail\.Exception|failureException|except\s*:|except[\s(]+(Base)?Exception|raises\(\s*\(?(Base)?Exception|suppress|Group|subTest|subtests")
ASSERTIONS = {name: value for name, value in vars(unittest.case.TestCase).items() if name.startswith("assert")}
IN_TURN = "an object of the code's is true and false in turn"
BY_NAME = {kind.__name__: function for kind, function in OPERATIONS.items()}


class Looker:
    """
    `tests` is their text, `snapshots` what must not have changed, `own` the files whose classes are the tests' own. None of its attributes is set
    anew once the code runs: the guard would tell.
    """

    def __init__(self, audit, folder, tests, own, snapshots):
        self.audit, self.snapshots = audit, snapshots
        self.doubt = Doubt(folder.rstrip("/") + "/", tests, own)
        self.pending = []  # A lie of symbolic objects, until somebody decides by it.
        self.truths = {}  # Of what the code answered, and is no plain answer.
        self.made = []  # By functions of the code's own that are named like built-ins.
        # Lines of assertions that failed the last time, and whether the tests may well take what they throw.
        self.failed, self.lenient = set(), bool(TAKES_FAILURES.search(tests))
        # Where the tests replace things themselves, only the end of each is looked at.
        self.steady = not any(word in tests for word in ("patch", "mock", "builtins"))

    def compare(self, name, left, right):
        __tracebackhide__ = True
        self.footing()
        if self.made:
            self.collapsed(name, left, right)
        if type(left) in PLAIN and type(right) in PLAIN or asking:
            return BY_NAME[name](left, right)
        before = len(self.pending)
        asked = self.pair(name, left, right)
        if not asked:
            return BY_NAME[name](left, right)
        asking.append(True)  # The real question is one among many: nothing tells it from the others.
        try:
            answer = BY_NAME[name](left, right)
            truth = self.told_truth(answer)
        finally:
            asking.clear()
        if answer is (name == "NotIn"):
            self.doubt.universal[type(right)] = None  # It does leave something out.
        for _ in range(2):
            sentence = self.doubt.otherwise(name, answer, type(left) in PLAIN)
            if sentence:
                self.tamper(sentence)
            self.pair(name, left, right)
        if self.pending[before:]:
            self.pending[before:] = [(self.pending[before][0], type(answer))]
        if self.told_truth(answer) is not truth:
            self.tamper(IN_TURN)
        return answer

    def told_truth(self, answer):
        """Whether an answer of the code's own kind is true: it has to stay so until somebody decides by it."""
        if type(answer) in PLAIN or not self.doubt.of_code(type(answer), ("__bool__", "__len__")):
            return None
        truth = answer_of(lambda _: answer, None)
        self.truths[id(answer)] = answer, truth
        return truth

    def reckon(self, name, left, right):
        __tracebackhide__ = True
        return RECKONED[name](left, right) if type(left) in PLAIN and type(right) in PLAIN else self.compare(name, left, right)

    def collapsed(self, name, left, right):
        """Whether a function of the code's own, named like a built-in, makes the same of what the built-in tells apart."""
        first, second = self.made[-2:] if len(self.made) > 1 else (None, None)
        self.made.clear()
        if name != "Eq" or first is None or first[0] != second[0] or first[1] is not left or second[1] is not right:
            return
        if left == right and first[2] != second[2]:
            self.tamper("the code's own %s() makes different things the same" % first[0])

    def begun(self, name):
        self.audit("assay.begun", name, True)

    def raised(self, name):
        self.audit("assay.begun", name, False)

    def function(self, found):
        """A function that compares, by one that goes through here."""
        name = NAMES.get(found) if type(found) is type(len) else None
        if name is None:
            return found
        return lambda left, right: self.compare(name, right, left) if name == "In" else self.compare(name, left, right)

    def matched(self, subject, *values):
        for value in values:
            for part in [subject, *parts_of(subject)][:20]:
                if type(part) not in PLAIN:
                    self.pair("Eq", part, value)
        return subject

    def known(self, was, name, found):
        """What the tests call, as it is just then. Names of the code's own among theirs are looked at elsewhere."""
        if found is not was and self.steady and sys._getframe(1).f_globals.get(name, self) is not found:
            self.tamper("%s was replaced" % name)
        return found

    def failing(self, site, found):
        """A failure in other words than an assertion's."""
        self.failed.add(site)
        return found

    def left(self):
        """What ends a part of a test, and is unittest's own way to end it quietly."""
        if sys.modules["unittest.case"]._ShouldStop in bases_of(sys.exc_info()[0]):
            self.tamper("the code ended a part of a test by unittest's own exception")

    def asserting(self, site, method, function, *values, **options):
        __tracebackhide__ = True
        self.failed.add(site)
        self.footing()
        if method in ASSERTIONS and self.steady:
            found, holder = getattr(function, "__func__", function), getattr(function, "__self__", None)
            # A class between the tests' own and unittest's may say it otherwise.
            between = (held_by(base).get(method) for base in bases_of(type(holder)) if base is not unittest.case.TestCase)
            if found is not ASSERTIONS[method] and all(each is not found for each in between):
                self.tamper("the assertion %s was replaced" % method)
        answer = function(*self.given(function, *values), **options)
        self.failed.discard(site)
        return answer

    def sure(self, value, site):
        """What an assertion asks whether it is true."""
        __tracebackhide__ = True
        self.truth(value)
        answer = bool(value)
        if type(value) not in PLAIN and self.doubt.of_code(type(value), ("__bool__", "__len__")):
            if bool(value) is not answer or self.truths.get(id(value), (None, None))[1] not in (None, answer):
                self.tamper(IN_TURN)
        if answer:
            self.failed.discard(site)
        else:
            self.failed.add(site)
        return answer

    def unheard(self):
        """Of tests that have passed: tells of an assertion that failed all the same."""
        if self.failed and not self.lenient:
            self.tamper("an assertion failed, and the tests did not hear of it (line %d of the tests)" % min(self.failed))
        self.failed.clear()

    def finish(self):
        """Tells of what contained everything to the very end."""
        sentence = next(filter(None, self.doubt.universal.values()), None)
        if sentence:
            self.tamper(sentence)

    def alone(self, value):
        if type(value) not in PLAIN:
            self.pair("Lt", value, 0)
        return value

    def given(self, function, *values):
        """Before a call: asks the arguments of what compares, and the objects whose own methods do."""
        name = getattr(function, "__name__", "")
        if type(name) is not str:
            return values
        if name.startswith("assert"):
            for at, value in enumerate(values[:3]):
                if type(value) not in PLAIN:
                    partner = values[0 if at else 1] if len(values) > 1 else 0
                    self.pair("Eq", value, partner)
                    self.pair("Sub", value, partner)
                    self.pair("In", partner, value)
            self.ask(lambda: self.doubt.masked(*values[:2]))
            self.footing()
        elif name in PREDICATES and len(values) > 1:
            self.footing()
            self.ask(lambda: self.doubt.predicate(function, *values[:2]))
        elif name in ("__eq__", "__ne__") and values:
            self.pair("Eq", getattr(function, "__self__", None), values[0])
        elif name in METHODS:
            self.ask(lambda: self.doubt.method(function, name, values[0]))
        elif name in SEARCHES and isinstance(getattr(function, "__self__", None), (list, tuple)):
            self.pair("In", values[0], function.__self__)
        elif len(values) == 2 and type(function) is type(len) and function in NAMES:
            self.pair(NAMES[function], *values)
        return values

    def truth(self, value):
        self.footing()
        for sentence, kind in self.pending if type(value) not in PLAIN else ():
            if kind is None or kind is type(value):
                self.tamper(sentence)
        return value

    def tamper(self, sentence):
        self.audit("assay.tell", "tamper", sentence)

    def footing(self):
        changed = first_change(self.snapshots) if self.steady else None
        if changed:
            self.tamper(changed)

    def pair(self, name, left, right):
        return self.ask(lambda: self.doubt.pair(name, left, right))

    def ask(self, question):
        """Whether anything of the code's was asked. What it lies is told, or kept until somebody decides by it."""
        if asking:
            return False
        asking.append(True)
        before = self.doubt.questions
        try:
            sentence = question()
        except Exception:
            sentence = None  # Objects may refuse whatever they like.
        finally:
            asking.clear()
        if sentence and self.doubt.symbolic:
            self.pending.append((sentence, None))
        elif sentence:
            self.tamper(sentence)
        return self.doubt.questions > before
