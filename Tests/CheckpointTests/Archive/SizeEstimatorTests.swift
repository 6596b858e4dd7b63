// SPDX-License-Identifier: Apache-2.0
import Checkpoint
import Testing

@Suite struct SizeEstimatorTests {
    private let mega: UInt64 = 1 << 20
    private let memory = MemoryUse(anonymous: 500 << 20, shared: 90 << 20, swap: 10 << 20, processes: 16)

    private func estimate(_ layout: CheckpointLayout, same: Set<String> = []) -> SizeEstimate {
        SizeEstimator.estimate(
            memory: memory, writableLayer: 100 * mega, log: 7 * mega, layout: layout, destination: "/ckpt",
            isSameFileSystem: { same.contains($0) && same.contains($1) })
    }

    /// 600 MB, a sixteenth, 1 MB, 16 × 64 KB.
    private var images: UInt64 { 639 * mega + mega / 2 }

    @Test func containerd() {
        let estimate = estimate(.containerd(root: "/var/lib/containerd", temporary: "/tmp"))
        #expect(
            estimate.charges == [
                .init(
                    directory: "/var/lib/containerd", bytes: 2 * (images + 100 * mega) + 7 * mega,
                    purpose: "the runtime's copies"),
                .init(directory: "/tmp", bytes: images, purpose: "CRIU's images"),
                .init(directory: "/ckpt", bytes: images + 107 * mega, purpose: "the archive"),
            ])
        #expect(estimate.memory == 590 * mega && estimate.swap == 10 * mega)
        #expect(estimate.writableLayer == 100 * mega && estimate.log == 7 * mega)
    }

    @Test func temporaryImagesAreGoneBeforeTheCopies() {
        let layout = CheckpointLayout.containerd(root: "/var/lib/containerd", temporary: "/tmp")
        for same: Set<String> in [
            ["/tmp", "/ckpt"], ["/tmp", "/var/lib/containerd"], ["/tmp", "/ckpt", "/var/lib/containerd"],
        ] {
            #expect(estimate(layout, same: same).charges.map(\.directory) == ["/var/lib/containerd", "/ckpt"])
        }
    }

    @Test func others() {
        #expect(
            estimate(.crio(storage: "/var/lib/containers/storage")).charges.map(\.bytes)
                == [images + 107 * mega, images + 107 * mega])
        #expect(
            estimate(.other).charges == [.init(directory: "/ckpt", bytes: images + 107 * mega, purpose: "the archive")])
    }

    @Test func aContainerOfNothingNeedsSomething() {
        let estimate = SizeEstimator.estimate(
            memory: MemoryUse(anonymous: 0, shared: 0, swap: 0), writableLayer: 0, log: 0, layout: .other,
            destination: "/ckpt", isSameFileSystem: { _, _ in false })
        #expect(estimate.charges.map(\.bytes) == [mega])
    }

    @Test func absurdNumbersDoNotTrap() {
        for layout in [.other, .crio(storage: "/a"), .containerd(root: "/a", temporary: "/b")] as [CheckpointLayout] {
            let estimate = SizeEstimator.estimate(
                memory: MemoryUse(anonymous: .max, shared: .max, swap: .max, processes: .max), writableLayer: .max,
                log: .max, layout: layout, destination: "/ckpt", isSameFileSystem: { _, _ in false })
            #expect(estimate.charges.allSatisfy { $0.bytes == .max })
        }
    }
}
