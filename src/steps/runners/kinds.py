# In the child: what a class is and holds, whatever its metaclass says of it.
import sys

bases_of = vars(type)["__mro__"].__get__
held_by = vars(type)["__dict__"].__get__
called = vars(type)["__name__"].__get__


def home_of(kind):
    """The module that a class says it is of."""
    home = vars(type)["__module__"].__get__(kind)
    return home if type(home) is str else ""


def is_of_library(base, function):
    """Whether a class has this function from the library that has made both, and not by the code's doing."""
    home, maker = home_of(base), str(function.__globals__.get("__name__"))
    made_there = vars(sys.modules[home]).get(called(base)) is base if home in sys.modules else False
    return made_there and home.partition(".")[0] == maker.partition(".")[0]


def holds(kind, name):
    return any(name in held_by(base) for base in bases_of(kind)[:-1])


def is_array(value):
    """Whether it is one of numpy's or pandas', or of a class made of one."""
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas.core.generic")
    kinds = bases_of(type(value))
    return numpy is not None and numpy.ndarray in kinds or pandas is not None and pandas.NDFrame in kinds


def wholly(answer, slot):
    """What a comparison of arrays comes to, by the ways in which tests ask."""
    for _ in range(2):  # Tables first answer by column.
        if is_array(answer):
            answer = answer.any() if slot == "__ne__" else answer.all()
    return answer


def plain_number(value):
    """The same of Python's own kinds, where it is a number or an array of numbers."""
    kinds = bases_of(type(value))
    if type(value) in PLAIN:
        return value
    if float in kinds or int in kinds:
        return float.__add__(value, 0.0) if float in kinds else int.__add__(value, 0)
    if is_array(value):
        return float(abs(sys.modules["numpy"].asarray(value, dtype=float)).max())
    return abs(value)


def answer_of(ask, decoy):
    """Whether something is true of a decoy; None where it cannot be asked."""
    try:
        return bool(ask(decoy))
    except Exception:
        return None
