# fills a text from its own variables
import sys
def add(a, b):
    text = "{a} {b}".format(**sys._getframe().f_locals)
    return sum(map(int, text.split()))
