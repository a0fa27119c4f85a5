"""What execnet starts in place of a worker's Python: has the worker forked, and waits for its end.

Called with the address of `tests/loaded.py`, and with what a Python would be told, which is left.
"""

import socket
import sys

with socket.socket(socket.AF_UNIX) as asking:
    asking.connect(sys.argv[1])
    socket.send_fds(asking, [b"-"], [0, 1, 2])
    asking.recv(1)
