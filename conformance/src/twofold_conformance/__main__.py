"""``python -m twofold_conformance``."""

import sys

from twofold_conformance.cli import main

sys.exit(main())
