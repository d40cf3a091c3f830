# In the child: asks the code's own objects about fresh values, to find out whether they agree with anything.
import itertools, re, weakref

PLAIN = frozenset((int, float, complex, bool, str, bytes, type(None), range, type(Ellipsis)))
SLOT_KINDS = tuple({type(object.__eq__), type(str.join), type(len)})
# What passes questions on to an object that nobody sees.
PROXIES = (type(weakref.proxy(PLAIN)), type(weakref.proxy(lambda: None)))
# What a probe costs is only spent so often on one class.
PROBES_OF_CLASS = 40
# Of a library, and equal to what their maker likes: fine where the tests name them.
UNIVERSAL = {"unittest.mock": ("ANY", "ock"), "_pytest.python_api": ("approx",), "_pytest.approx": ("approx",)}
# So many of the things that a value holds are asked.
MOST_PARTS = 1000
CONTAINS_ALL = "contains everything"
# Containers of the standard library's that ask what they hold.
TABLES = frozenset("mappingproxy ChainMap UserDict dict_items".split())
MAPPING_PROXY = type(vars(object))
# What is equal where all of its parts are.
BY_PARTS = (list, tuple, dict)
ARRAY_SLOTS = ("__array_function__", "__array_ufunc__", "__array__", "__eq__", "__sub__", "__rsub__")


class Doubt:
    """Whether objects lie: each question answers with a sentence, or None."""

    def __init__(self, prefix, tests, own):
        self.prefix, self.tests, self.own = prefix, tests, own
        self.probed, self.questions, self.symbolic, self.decoys = {}, 0, False, Decoys()
        self.random = self.decoys.random
        self.answers, self.universal = {}, {}

    def pair(self, name, left, right):
        if name in ("In", "NotIn"):
            sentence = self.one(right, "__contains__", left)
            if sentence and sentence.endswith(CONTAINS_ALL):  # As a complement of a set may: the rest of the tests tells.
                self.universal.setdefault(type(right), sentence)
                sentence = None
            for at, part in enumerate(parts_of(right)):
                if sentence or at >= MOST_PARTS:
                    break
                sentence = self.value(part, left) or (self.value(left, part) if at == 0 else None)
            return sentence
        if name == "Sub":
            return self.one(left, "__sub__", right) or self.one(right, "__rsub__", left)
        return self.both(left, right, 6)

    def both(self, left, right, depth):
        """Walks down two values side by side, so that each is asked about what it is compared with."""
        if depth == 0 or type(left) in PLAIN and type(right) in PLAIN:
            return None
        self.answers.clear()
        sentence = self.value(left, right)
        said = dict(self.answers)
        sentence = sentence or self.value(right, left)
        if type(left) in PLAIN:
            said = self.answers
        by_parts = type(left) in BY_PARTS and type(left) is type(right)
        for at, (mine, theirs) in enumerate(zip(parts_of(left), parts_of(right, left))):
            if sentence or at >= MOST_PARTS:
                break
            sentence = self.both(mine, theirs, depth - 1)
            if by_parts and mine is not theirs and self.answers.get("__eq__") is False:
                said["__eq__"] = False  # One that is different makes the whole different.
        self.answers = said
        return sentence

    def otherwise(self, name, answer):
        """Whether objects said something else about each other when they were compared than when they were asked."""
        said = self.answers.get({"Eq": "__eq__", "NotEq": "__ne__"}.get(name))
        if said is None or type(answer) is not bool or said is (answer is (name == "Eq")):
            return None
        return "an object of the code's answers otherwise where it counts"

    def value(self, value, partner):
        if type(value) in PLAIN:
            return None
        sentence = self.one(value, "__eq__", partner) or self.one(value, "__ne__", partner) or self.one(value, "__lt__", partner)
        if sentence or not type(partner).__name__.startswith("Approx"):
            return sentence
        wanted = getattr(partner, "expected", None)
        return self.one(value, "__rsub__", wanted) or self.one(value, "__sub__", wanted)

    def predicate(self, function, left, right):
        for value, partner, ask in ((left, right, lambda other: function(left, other)), (right, left, lambda other: function(other, right))):
            parts = parts_of(value.__array__()) if hasattr(type(value), "__array__") and self.of_code(type(value), ("__array__",)) else [value]
            if any(self.of_code(type(each), ARRAY_SLOTS) for each in (value, *parts)):
                self.questions += 1
                answers = [answer for answer in (answer_of(ask, decoy) for decoy in self.decoys.of(partner)) if answer is not None]
                if len(answers) > 1 and all(answers):
                    return "an object of the code's class %s is close to everything" % type(value).__name__
        return self.masked(left, right)

    def masked(self, *values):
        """Entries of numpy's that are masked are left out where arrays are compared."""
        for value in values:
            if type(value).__module__.startswith("numpy.ma") and "mask" not in self.tests and not re.search(r"\bma\b", self.tests):
                if getattr(value, "mask").any():
                    return "an array has masked entries, which agree with everything"
        return None

    def method(self, function, name, partner):
        """Of what is a string, a set or a table in all but this method."""
        holder = getattr(function, "__self__", None)
        kind = type(holder)
        if holder is None or kind.__mro__[-2] is kind or not self.of_code(kind, (name,)):
            return None
        self.questions += 1
        answers = [bool(function(decoy)) for decoy in self.decoys.of(partner)]
        return "%s() of the code's class %s is true of everything" % (name, kind.__name__) if all(answers) else None

    def one(self, value, slot, partner):
        kind = type(value)
        if kind in PROXIES:
            kind = value.__class__
        slots = ("__lt__", "__gt__", "__le__", "__ge__") if slot == "__lt__" else (slot,)
        if not self.of_code(kind, slots):
            return None
        count = self.probed[kind] = self.probed.get(kind, 0) + 1
        if count > PROBES_OF_CLASS and self.random.randrange(10):
            return None
        self.questions += 1
        self.symbolic = False
        sentence = self.lie(value, slot, partner)
        return sentence and "an object of the code's class %s %s" % (kind.__name__, sentence)

    def of_code(self, kind, slots):
        """Whether the code says how objects of this class do these things."""
        for name in slots:
            found = next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)
            if type(found) in SLOT_KINDS and found.__name__ != name:
                return True  # Any function of Python's own may have been put there.
            if kind is MAPPING_PROXY and name == "__eq__":
                return True
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
        if slot == "__lt__":
            return self.order_lie(value, partner)
        if slot in ("__sub__", "__rsub__"):
            return self.difference_lie(value, slot, partner)
        decoys, near = self.decoys.of(partner), self.decoys.near(partner)
        copy = self.decoys.copy(partner)
        asked = [*decoys, *decoys, *near, partner, copy]
        order = list(range(len(asked)))
        order += [self.random.choice(order) for _ in range(self.random.randrange(20))]  # How many come is not to be known.
        self.random.shuffle(order)
        operation = {"__eq__": operator.eq, "__ne__": operator.ne, "__contains__": lambda held, item: item in held}[slot]
        answers = {}
        for at in order:
            # Who refuses to answer does not agree.
            answers[at] = self.says(operation, value, asked[at], refused=slot == "__ne__") is not (slot == "__ne__")
        size, after = len(decoys), 2 * len(decoys)
        if any(answers[at] is not answers[at + size] for at in range(size)):
            return "answers the same question in two ways"
        self.answers[slot] = answers[len(asked) - 2]
        if type(partner) in COPIED and answers[len(asked) - 1] is not answers[len(asked) - 2]:
            return "answers by who asks"
        if all(answers[at] for at in range(size)):
            return CONTAINS_ALL if slot == "__contains__" else "is equal to everything"
        agreed = sum(answers[at] for at in range(after, after + len(near)))
        everywhere = agreed == len(near) or type(partner) in (int, float) and agreed > 0.8 * len(near)
        return "is equal to everything like it" if near and everywhere and slot != "__contains__" else None

    def order_lie(self, value, partner):
        if any("__abs__" in vars(base) for base in type(value).__mro__[:-1]) and self.says(operator.lt, abs(value), -1):
            return "has an absolute value below zero"
        both = 0
        decoys = self.decoys.of(partner)
        for decoy in decoys:
            if self.says(operator.lt, value, decoy) and self.says(operator.gt, value, decoy):
                return "is less and more than the same thing"
            both += self.says(operator.le, value, decoy) and self.says(operator.ge, value, decoy)
        return "is at most and at least everything" if both == len(decoys) else None

    def difference_lie(self, value, slot, partner):
        found = []
        for decoy in self.decoys.of(partner):
            each = value - decoy if slot == "__sub__" else decoy - value
            if type(each) not in PLAIN:
                each = float.__add__(each, 0.0) if isinstance(each, float) else int.__add__(each, 0) if isinstance(each, int) else abs(each)
            found.append(each)
        same = all(type(each) in PLAIN and each == found[0] and abs(each) != float("inf") for each in found)
        return "has the same difference from everything" if same and len(found) > 3 else None

    def says(self, operation, value, other, refused=False):
        try:
            answer = operation(value, other)
            if type(answer) not in PLAIN and type(answer).__module__ != "numpy":
                self.symbolic = True  # An expression about the comparison, perhaps, which nobody takes for its answer.
            if type(answer).__name__ == "ndarray":
                answer = answer.all()
            return answer is not NotImplemented and bool(answer)
        except Exception:
            return refused


def answer_of(ask, decoy):
    """Whether something is true of a decoy; None where it cannot be asked."""
    try:
        return bool(ask(decoy))
    except Exception:
        return None


def parts_of(value, beside=None):
    """What a value holds, in the order in which two of the kind are compared."""
    kind = type(value)
    table = table_of(value)
    if table is not None:
        other = table_of(beside)
        keys = table if other is None or not dict.__len__(other) else other
        return [dict.get(table, key) for key in itertools.islice(dict.__iter__(keys), MOST_PARTS)]
    if kind in BY_PARTS or kind.__name__ == "deque":
        return value
    if kind.__name__ == "UserList":
        return value.data
    if kind is set or kind is frozenset:
        return list(value)
    if kind.__name__ == "ndarray":
        return value.ravel().tolist()[:MOST_PARTS] if value.dtype == object else ()
    if issubclass(kind, (list, tuple)):
        return value
    fields = getattr(value, "__dict__", None)
    if type(fields) is dict and kind.__name__ != "module":
        return list(fields.values())[:100]
    slots = [vars(base)[name] for base in kind.__mro__ for name in vars(base).get("__slots__", ()) if name in vars(base)]
    return [slot.__get__(value) for slot in slots if type(slot).__name__ == "member_descriptor"]


def table_of(value):
    """A table of what any kind of table holds, or None. Only the methods of `dict` itself tell of it."""
    kind = type(value)
    if issubclass(kind, dict):
        return value
    return dict(value) if kind.__name__ in TABLES else None
