# SPDX-License-Identifier: Apache-2.0
"""What an archive is for: the container goes on from where it was, in another pod."""

import bed as beds
from node import NodeTest
from registry import Registry
from workloads import filling


class RestoreTest(NodeTest):
    @classmethod
    def setUpClass(cls):
        # One for all: containerd knows an image by its digest and pulls it again from where it had it first.
        bed = beds.shared()
        registry = Registry(bed)
        cls.addClassCleanup(registry.close)
        cls.image = registry.push(bed.images[1])
        bed.runtime.pull(cls.image)

    def assert_restores(self, container, archive, before):
        """The restored one goes on from a count that its own had then, between `before` and what it has reached since."""
        after = container.counts_on()
        container.pod.remove()
        pod = self.pod()
        restored = pod.container("count", image=str(archive), command=[])
        first = next(int(line) for line in restored.lines() if line.isdigit() and int(line) >= before)
        self.assertLess(first, after)
        restored.counts_on()
        return restored

    def counting(self):
        container = self.pod().container(command=filling(20), image=self.image)
        while container.count() < 40:
            container.counts_on()
        return container

    def test_the_runtime_restores_its_own_archive(self):
        container = self.counting()
        before = container.count()
        archive = container.checkpoint(self.bed.home / "own.tar")
        self.addCleanup(archive.unlink)
        self.assert_restores(container, archive, before)

    def test_a_container_goes_on_from_our_archive(self):
        node, container = self.node(), self.counting()
        before = container.count()
        answer = node.post(container.path)
        self.assertStatus(answer, 200)
        restored = self.assert_restores(container, answer.path, before)
        # And what was restored can be checkpointed again.
        again = node.post(restored.path)
        self.assertStatus(again, 200)
        archives = node.check()
        self.assertLessEqual({answer.path.name, again.path.name}, set(archives))
        restored.counts_on()
