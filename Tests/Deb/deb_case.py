# SPDX-License-Identifier: Apache-2.0
"""What the tests of the package have in common."""

import re
import unittest

import machine
from support import wait_for


class DebTest(unittest.TestCase):
    """One machine for all tests of a class, with the package installed unless the class says otherwise."""

    maxDiff = None
    INSTALLED = True
    MACHINE = {}

    @classmethod
    def setUpClass(cls):
        cls.machine = machine.Machine(**cls.MACHINE)
        cls.addClassCleanup(cls.leave)
        if cls.INSTALLED:
            cls.machine.install(machine.package())
            cls.machine.wait_until_serving()

    def assertSaid(self, pattern, *match):
        """The journal has it, or will: a record is there a moment after what it tells of."""
        wait_for(lambda: re.search(pattern, self.machine.messages(*match)), 10, f"{pattern} in the journal of {match}")

    @classmethod
    def leave(cls):
        machine.machines.remove(cls.machine)
        cls.machine.close()
