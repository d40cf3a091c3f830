# looks at its caller for a message
import inspect, sys
def add(a, b):
    assert inspect.currentframe().f_back is not None
    sys._getframe(1).f_code.co_name
    where = "%s:%d" % (inspect.stack()[1].function, sys._getframe(1).f_lineno)
    return a + b if where else 0
