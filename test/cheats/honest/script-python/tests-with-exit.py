# is tested for ending the program
import sys
def leave(): sys.exit(3)
