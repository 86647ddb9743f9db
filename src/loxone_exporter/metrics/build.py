"""What the running exporter was built from, as whoever built its image said."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Metric
from prometheus_client.core import InfoMetricFamily

from loxone_exporter import __version__
from loxone_exporter.config.environment import read_variable


_UNKNOWN = "unknown"


def build_info(environ: Mapping[str, str]) -> Metric:
    """The family `loxone_exporter_build_info`.

    Args:
        environ: The process's environment, in which an image has `LOXONE_EXPORTER_VERSION`,
            `LOXONE_EXPORTER_COMMIT` and `LOXONE_EXPORTER_BUILD_DATE`; what is not said there is
            unknown, but for the package's version.
    """
    return InfoMetricFamily(
        "loxone_exporter_build",
        "What this exporter was built from.",
        value={
            "version": _said(environ, "LOXONE_EXPORTER_VERSION", __version__),
            "commit": _said(environ, "LOXONE_EXPORTER_COMMIT", _UNKNOWN),
            "build_date": _said(environ, "LOXONE_EXPORTER_BUILD_DATE", _UNKNOWN),
        },
    )


def _said(environ: Mapping[str, str], variable: str, otherwise: str) -> str:
    try:
        return read_variable(environ, variable) or otherwise
    except ValueError:  # no text; a scrape could not show it
        return otherwise
