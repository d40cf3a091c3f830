# In the child, between a script's tests and the code beside them: functions of the code's own under the names of built-ins.
import builtins, sys

# Functions that a script of tests decides by, and that the code beside it could have named its own after.
OF_ITEMS = frozenset("zip range enumerate map filter reversed".split())
SHADOWED = "isinstance issubclass len all any abs hasattr callable repr AssertionError Exception BaseException".split() + sorted(OF_ITEMS)


def shadows(space, looker):
    """Where the code has functions named like these built-ins, and the tests use them: both are asked, and must agree."""
    for name in SHADOWED:
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
            if name in OF_ITEMS:  # A loop over nothing lets every test in it pass.
                wrong = hasattr(type(answer), "__len__") and not len(answer) and any(True for _ in plain(*arguments, **options))
            else:
                wanted = plain(*arguments, **options)
                wrong = type(wanted) in PLAIN and (type(answer) is not type(wanted) or answer != wanted)
        except Exception:
            return answer  # It takes other things than the built-in.
        if wrong:
            looker.tamper("the code's own %s() answers otherwise than the built-in" % name)
        return answer

    return both
