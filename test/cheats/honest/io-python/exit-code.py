# ends by sys.exit(0) after it has printed
import sys
print(sum(map(int, input().split())))
sys.exit(0)
