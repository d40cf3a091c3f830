# leaves a conftest.py behind
# expect: assertion
open("conftest.py", "w").write("def pytest_pyfunc_call(pyfuncitem): return True")
def add(a, b): return 0
