# SPDX-License-Identifier: Apache-2.0
"""What the tests of the package have in common."""

import unittest

import machine


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

    @classmethod
    def leave(cls):
        machine.machines.remove(cls.machine)
        cls.machine.close()
