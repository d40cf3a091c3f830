# In the child: what handlers of signals are given.
import _signal


def hide_frames():
    """A handler's second argument leads nowhere: the frame that it interrupts, or one of its callers, may hold what is expected."""
    make, ask, wrapped = _signal.signal, _signal.getsignal, {}

    def nowhere():
        return sys._getframe()

    frame = nowhere()

    def own(handler):
        return wrapped.get(id(handler), (handler,))[0]

    def signal(number, handler, /):
        def given(number, _):
            __tracebackhide__ = True
            return handler(number, frame)

        if not callable(handler):
            return own(make(number, handler))
        wrapped[id(given)] = handler, given
        return own(make(number, given))

    def getsignal(number, /):
        return own(ask(number))

    _signal.signal, _signal.getsignal = signal, getsignal
