# ends the process with success
import os
os._exit(0)
