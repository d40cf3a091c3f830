# uses names of built-ins for its variables
list = [1, 2]
sum = 0
for id in list: sum += id
input = "x"
def add(a, b): return a + b
