"""The command line: write deploy/grafana/*.json, or with `--check` see that they are up to date."""

from __future__ import annotations

import argparse
import sys

from dashboards.files import FOLDER, differing, write


def main() -> int:
    """Write the files, or compare them.

    Returns:
        The exit code: 1 if `--check` found a difference.
    """
    parser = argparse.ArgumentParser(prog="python -m dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if they differ")
    if not parser.parse_args().check:
        write()
        return 0
    paths = differing()
    for path in paths:
        sys.stderr.write(f"{FOLDER.name}/{path.name} is not what the code makes\n")
    if paths:
        sys.stderr.write("write them anew: nox -s dashboards\n")
    return 1 if paths else 0


if __name__ == "__main__":
    sys.exit(main())
