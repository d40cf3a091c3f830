# ends hard after it has flushed
import os, sys
sys.stdout.write(str(sum(map(int, sys.stdin.readline().split()))) + "\n")
sys.stdout.flush()
os._exit(0)
