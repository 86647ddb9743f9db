"""`python -m loxone_exporter`."""

import sys

from loxone_exporter.cli import main


sys.exit(main())
