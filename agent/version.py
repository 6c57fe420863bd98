"""The version that runs."""

from importlib import metadata


def _version() -> str:
    try:
        return metadata.version("tocsin")
    except metadata.PackageNotFoundError:
        return "0+unknown"


VERSION = _version()
