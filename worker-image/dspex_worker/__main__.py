"""`python -m dspex_worker`."""

import sys

from dspex_worker.command import main

sys.exit(main())
