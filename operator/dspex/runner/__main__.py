"""`python -m dspex.runner`."""

import sys

from dspex.runner.certificates import without_bundle

with without_bundle():
    from dspex.runner.main import main

if __name__ == "__main__":
    sys.exit(main())
