"""`python -m dspex_worker`."""

import sys

from dspex_worker.main import main

sys.exit(main())
