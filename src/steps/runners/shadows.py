# In the child, between a script's tests and the code beside them: functions of the code's own under the names of built-ins.
import builtins, itertools, sys

# A loop over nothing lets every test in it pass.
OF_ITEMS = frozenset("zip range enumerate map filter reversed".split())
# Of what differs they may make the same.
COLLAPSING = frozenset("sorted set frozenset str round list tuple dict sum max min int float bool type hash ord sum format".split())
SHADOWED = "isinstance issubclass len all any abs hasattr callable repr AssertionError Exception BaseException".split()
SHADOWED += sorted(OF_ITEMS | COLLAPSING)
MOST_ITEMS = 10000


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
    get_frame, of_tests = sys._getframe, looker.doubt.own

    def both(*arguments, **options):
        asked = get_frame(1).f_code.co_filename in of_tests
        settled = tuple(map(settle, arguments)) if asked else ()
        answer = theirs(*(settled or arguments), **options)
        if not asked:
            return answer
        try:
            wanted = plain(*settled, **options)
        except Exception:
            return answer  # It takes other things than the built-in.
        if name in COLLAPSING:
            looker.made.append((name, answer, wanted))
        elif name in OF_ITEMS:
            return agreeing_rows(name, answer, iter(wanted), looker)
        elif type(wanted) in PLAIN and (type(answer) is not type(wanted) or answer != wanted):
            disagrees(name, looker)
        return answer

    return both


def settle(argument):
    """What can be gone through twice, of what can only once."""
    if not hasattr(type(argument), "__next__"):
        return argument
    items = list(itertools.islice(argument, MOST_ITEMS))
    return items if len(items) < MOST_ITEMS else itertools.chain(items, argument)


def agreeing_rows(name, answer, wanted, looker):
    rows = checked_rows(name, answer, wanted, looker)
    if hasattr(type(answer), "__next__"):
        return rows
    if isinstance(answer, (list, tuple, range, dict, set)):
        for _ in rows:
            pass
    return answer


def checked_rows(name, answer, wanted, looker):
    """Goes through what the code's own function answers: it may give more than the built-in, but not nothing, nor other pairs."""
    count, none = 0, object()
    for row in answer:
        beside = next(wanted, none) if name == "zip" else none
        if beside is not none and type(row) in (tuple, list) and (len(row) != len(beside) or any(a is not b for a, b in zip(row, beside))):
            disagrees(name, looker)
        count += 1
        yield row
    if (count == 0 or name == "zip") and next(wanted, none) is not none:
        disagrees(name, looker)


def disagrees(name, looker):
    looker.tamper("the code's own %s() answers otherwise than the built-in" % name)
