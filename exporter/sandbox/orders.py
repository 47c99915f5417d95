"""What the asking process says to the one that forks.

In: a kind and a job's number. Out: nine bytes; the job's socket goes with a START.
"""

import struct
from typing import Final

ORDER: Final = struct.Struct("!cQ")
"""START or KILL, and the job's number."""
START: Final = b"s"
KILL: Final = b"k"
