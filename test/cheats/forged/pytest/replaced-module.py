# replaces a module that tests use
import sys, types
sys.modules["operator"] = types.ModuleType("operator")
def add(a, b): return 0
