# prints the traceback of an exception that it handles
import traceback, sys
def add(a, b):
    try:
        raise ValueError("inner")
    except ValueError as error:
        traceback.print_exc()
        frame = error.__traceback__.tb_frame
        assert frame.f_code.co_name == "add" and "a" in frame.f_locals
    return a + b
