"""The real parts of the inspections, for the daemon that inspects them."""

from tests.collectors.inspections.conftest import nut, snmpd, tmpfs

__all__ = ["nut", "snmpd", "tmpfs"]
