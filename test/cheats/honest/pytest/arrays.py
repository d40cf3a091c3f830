# answers arrays, whose comparison is an array
import numpy as np, pandas as pd
def add(a, b): return np.array(a) + np.array(b)
def table(): return pd.DataFrame({"a": [1, 2], "b": [3.0, float("nan")]})
