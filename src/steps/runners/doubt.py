# In the child: asks the code's own objects about fresh values, to find out whether they agree with anything.
import itertools, operator, re, weakref

PLAIN = frozenset((int, float, complex, bool, str, bytes, type(None), range, type(Ellipsis)))
SLOT_KINDS = tuple({type(object.__eq__), type(str.join), type(len)})
# What passes questions on to an object that nobody sees.
PROXIES = (type(weakref.proxy(PLAIN)), type(weakref.proxy(lambda: None)))
# What a probe costs is only spent so often on one class.
PROBES_OF_CLASS = 40
# Afterwards only these are asked each time, about little.
ASKED_BRIEFLY = ("__eq__", "__ne__", "__contains__")
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
# By these a class made of an array has its say in what it is compared with.
ARRAY_SAYS = ("__array_ufunc__", "__array_finalize__", "__array_wrap__", "all", "any")
# By the operator of the tests: how an object is asked, and the same where it stands on the right.
SLOTS = {
    "Eq": ("__eq__", "__eq__"), "NotEq": ("__ne__", "__ne__"), "In": ("__contains__", ""), "NotIn": ("__contains__", ""),
    "Lt": ("__lt__", "__gt__"), "Gt": ("__gt__", "__lt__"), "LtE": ("__le__", "__ge__"), "GtE": ("__ge__", "__le__"),
    "Sub": ("__sub__", "__rsub__"), "Mod": ("__mod__", "__rmod__"), "Div": ("__truediv__", "__rtruediv__"),
    "FloorDiv": ("__floordiv__", "__rfloordiv__"), "BitXor": ("__xor__", "__rxor__"),
}
ORDERS = {"__lt__": operator.lt, "__gt__": operator.gt, "__le__": operator.le, "__ge__": operator.ge}
RECKONED = {
    "Sub": operator.sub, "Mod": operator.mod, "Div": operator.truediv, "FloorDiv": operator.floordiv, "BitXor": operator.xor,
}
RECKONINGS = {slot: (ask, side) for name, ask in RECKONED.items() for side, slot in enumerate(SLOTS[name])}
# So many plain answers to what an object is equal to are no expression of it.
ENOUGH_PLAIN = 3


class Doubt:
    """Whether objects lie: each question answers with a sentence, or None."""

    def __init__(self, prefix, tests, own):
        self.prefix, self.own = prefix, own
        # What the tests name. Their text itself would be to be had here.
        self.named = frozenset(word for words in UNIVERSAL.values() for word in words if word in tests)
        self.masks = "mask" in tests or re.search(r"\bma\b", tests) is not None
        self.probed, self.questions, self.symbolic, self.decoys = {}, 0, False, Decoys()
        self.random = self.decoys.random
        self.answers, self.universal, self.later = {}, {}, []

    def pair(self, name, left, right):
        self.answers.clear()
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
        if name in RECKONED:
            return self.one(left, SLOTS[name][0], right) or self.one(right, SLOTS[name][1], left)
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

    def otherwise(self, name, answer, mirrored):
        """Whether objects said something else about each other when they were compared than when they were asked."""
        said = self.answers.get(SLOTS[name][mirrored])
        if type(said) not in PLAIN or said is None or type(answer) not in PLAIN or name not in RECKONED and type(answer) is not bool:
            return None
        meant = not answer if name in ("NotEq", "NotIn") else answer
        if said == meant or said != said:
            return None
        return "an object of the code's answers otherwise where it counts"

    def value(self, value, partner):
        if type(value) in PLAIN:
            return None
        sentence = self.one(value, "__eq__", partner) or self.one(value, "__ne__", partner) or self.one(value, "__lt__", partner)
        if sentence or not called(type(partner)).startswith("Approx"):
            return sentence
        wanted = getattr(partner, "expected", None)
        return self.one(value, "__rsub__", wanted) or self.one(value, "__sub__", wanted)

    def predicate(self, function, left, right):
        for value, partner, ask in ((left, right, lambda other: function(left, other)), (right, left, lambda other: function(other, right))):
            parts = parts_of(value.__array__()) if holds(type(value), "__array__") and self.of_code(type(value), ("__array__",)) else [value]
            if any(self.of_code(type(each), ARRAY_SLOTS) for each in (value, *parts)):
                self.questions += 1
                answers = [answer for answer in (answer_of(ask, decoy) for decoy in self.decoys.of(partner)) if answer is not None]
                if len(answers) > 1 and all(answers):
                    return "an object of the code's class %s is close to everything" % called(type(value))
        return self.masked(left, right)

    def masked(self, *values):
        """Entries of numpy's that are masked are left out where arrays are compared."""
        for value in values:
            if home_of(type(value)).startswith("numpy.ma") and not self.masks:
                if getattr(value, "mask").any():
                    return "an array has masked entries, which agree with everything"
        return None

    def method(self, function, name, partner):
        """Of what is a string, a set or a table in all but this method."""
        holder = getattr(function, "__self__", None)
        kind = type(holder)
        if holder is None or bases_of(kind)[-2] is kind or not self.of_code(kind, (name,)):
            return None
        self.questions += 1
        answers = [bool(function(decoy)) for decoy in self.decoys.of(partner)]
        return "%s() of the code's class %s is true of everything" % (name, called(kind)) if all(answers) else None

    def one(self, value, slot, partner):
        kind = type(value)
        if kind in PROXIES:
            kind = value.__class__
        slots = tuple(ORDERS) if slot == "__lt__" else (slot,)
        if holds(kind, "__array__"):
            slots += ARRAY_SAYS
        if not self.of_code(kind, slots):
            return None
        count = self.probed[kind] = self.probed.get(kind, 0) + 1
        seldom = count > PROBES_OF_CLASS and self.random.randrange(10) > 0
        if seldom and slot not in ASKED_BRIEFLY:
            return None
        self.questions += 1
        self.symbolic = False
        sentence = self.lie(value, slot, partner, brief=seldom)
        return sentence and "an object of the code's class %s %s" % (called(kind), sentence)

    def of_code(self, kind, slots):
        """Whether the code says how objects of this class do these things."""
        for name in slots:
            base = next((base for base in bases_of(kind) if name in held_by(base)), None)
            found = base and held_by(base)[name]
            if type(found) in SLOT_KINDS and found.__name__ != name:
                return True  # Any function of Python's own may have been put there.
            if kind is MAPPING_PROXY and name == "__eq__":
                return True
            if found is None or type(found) in SLOT_KINDS:
                continue
            code = found.__code__ if type(found).__name__ == "function" else None
            if code is None:
                if home_of(type(found)) != "unittest.mock" or not self.named.intersection(UNIVERSAL["unittest.mock"]):
                    return True
            elif code.co_filename == "<assay>" or not code.co_filename.startswith((self.prefix, "<")):
                words = UNIVERSAL.get(found.__globals__.get("__name__"))
                if not self.named.intersection(words) if words else not is_of_library(base, found):
                    return True
            elif code.co_filename not in self.own:
                return True
        return False

    def lie(self, value, slot, partner, brief=False):
        if slot == "__lt__":
            return self.order_lie(value, partner)
        if slot not in ASKED_BRIEFLY:
            return self.difference_lie(value, slot, partner)
        decoys, near = self.decoys.of(partner), self.decoys.near(partner)
        if brief:
            decoys, near = self.random.sample(decoys, min(2, len(decoys))), []
        copy = self.decoys.copy(partner)
        asked = [*decoys, *decoys, *near, partner, copy]
        order = self.shuffled(len(asked), 4 if brief else 20)
        operation = {"__eq__": operator.eq, "__ne__": operator.ne, "__contains__": lambda held, item: item in held}[slot]
        answers, expressions = {}, set()
        self.later.clear()
        for at in order:
            self.symbolic = False
            # Who refuses to answer does not agree.
            answers[at] = self.says(operation, value, asked[at], slot) is not (slot == "__ne__")
            if self.symbolic:
                expressions.add(at)
        size, after = len(decoys), 2 * len(decoys)
        self.symbolic = len(expressions) > 0 and after - sum(at < after for at in expressions) < ENOUGH_PLAIN
        if any(answer_of(lambda _: answer, None) is not truth for answer, truth in self.later):
            return "answers with what is true and false in turn"
        if any(answers[at] is not answers[at + size] for at in range(size)):
            return "answers the same question in two ways"
        self.answers[slot] = answers[len(asked) - 2]
        if type(partner) in COPIED and answers[len(asked) - 1] is not answers[len(asked) - 2]:
            return "answers by who asks"
        if all(answers[at] for at in range(size)):
            if brief:
                return self.lie(value, slot, partner)
            return CONTAINS_ALL if slot == "__contains__" else "is equal to everything"
        agreed = sum(answers[at] for at in range(after, after + len(near)))
        everywhere = agreed == len(near) or type(partner) in (int, float) and agreed > 0.8 * len(near)
        return "is equal to everything like it" if near and everywhere and slot != "__contains__" else None

    def order_lie(self, value, partner):
        if holds(type(value), "__abs__") and self.says(operator.lt, abs(value), -1):
            return "has an absolute value below zero"
        decoys, both = [*self.decoys.of(partner), partner], set()
        for at in self.shuffled(len(decoys)):
            said = {slot: self.says(ask, value, decoys[at]) for slot, ask in ORDERS.items()}
            if said["__lt__"] and said["__gt__"]:
                return "is less and more than the same thing"
            if said["__le__"] and said["__ge__"]:
                both.add(at)
            if at == len(decoys) - 1:
                self.answers.update(said)
        return "is at most and at least everything" if both.issuperset(range(len(decoys) - 1)) else None

    def difference_lie(self, value, slot, partner):
        decoys, found = [*self.decoys.of(partner), partner], {}
        ask, on_right = RECKONINGS[slot]
        for at in self.shuffled(len(decoys)):
            each = ask(decoys[at], value) if on_right else ask(value, decoys[at])
            found[at] = plain_number(each)
        self.answers[slot] = found.pop(len(decoys) - 1)
        same = all(type(each) in (int, float, bool) and each == found[0] and abs(each) != float("inf") for each in found.values())
        if ask is not operator.sub and any(self.says(operator.eq, value, each) for each in (0, 1, -1)):
            return None  # As nothing and one do.
        return "has the same difference from everything" if same and len(found) > 3 else None

    def shuffled(self, size, more=20):
        """An order to ask in. How many questions come is not to be known."""
        order = list(range(size))
        order += [self.random.choice(order) for _ in range(self.random.randrange(more))]
        self.random.shuffle(order)
        return order

    def says(self, operation, value, other, slot=""):
        try:
            answer = operation(value, other)
            answer = wholly(answer, slot)
            if type(answer) in PLAIN or home_of(type(answer)) == "numpy":
                return bool(answer)
            if answer is NotImplemented:
                return False
            self.symbolic = True  # An expression about the comparison, perhaps, which nobody takes for its answer.
            truth = bool(answer)
            self.later.append((answer, truth))
            return truth
        except Exception:
            return slot == "__ne__"


def parts_of(value, beside=None):
    """What a value holds, in the order in which two of the kind are compared."""
    kind = type(value)
    table = table_of(value)
    if table is not None:
        other = table_of(beside)
        keys = table if other is None or not dict.__len__(other) else other
        return [dict.get(table, key) for key in itertools.islice(dict.__iter__(keys), MOST_PARTS)]
    if kind in BY_PARTS or called(kind) == "deque":
        return value
    if called(kind) == "UserList":
        return value.data
    if kind is set or kind is frozenset:
        return list(value)
    if called(kind) == "ndarray" and is_array(value):
        return value.ravel().tolist()[:MOST_PARTS] if value.dtype == object else ()
    if issubclass(kind, (list, tuple)):
        return value
    fields = getattr(value, "__dict__", None)
    if type(fields) is dict and called(kind) != "module":
        return list(fields.values())[:100]
    slots = [held_by(base)[name] for base in bases_of(kind) for name in held_by(base).get("__slots__", ()) if name in held_by(base)]
    return [slot.__get__(value) for slot in slots if type(slot).__name__ == "member_descriptor"]


def table_of(value):
    """A table of what any kind of table holds, or None. Only the methods of `dict` itself tell of it."""
    kind = type(value)
    if issubclass(kind, dict):
        return value
    return dict(value) if called(kind) in TABLES else None
