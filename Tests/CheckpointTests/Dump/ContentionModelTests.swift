// SPDX-License-Identifier: Apache-2.0
import CRI
import Testing

@testable import Checkpoint

/// A model of containerd's steps in a checkpoint, with others who pause, resume and checkpoint at random moments beside
/// it: an archive that is taken for good must have been captured in one pause and by nobody's leave but our own.
@Suite struct ContentionModelTests {
    private enum Step: Equatable {
        case look, makeDirectory, askState, pauseIfRunning, beginCapture, endCapture, resumeIfPausedByMe,
            removeDirectory
        case answer
        case pause, resume
    }

    private static let checkpoint: [Step] = [
        .makeDirectory, .askState, .pauseIfRunning, .beginCapture, .endCapture, .resumeIfPausedByMe, .removeDirectory,
    ]

    private struct Model {
        var isPaused = false
        var sawRunning: [Int: Bool] = [:]
        var pausedByMe: Set<Int> = []
        var failed: Set<Int> = []
        /// The one whose directory it is.
        var directory: Int?
        // What our own dump's watch sees.
        var isWatching = false
        var events: [ContainerdTaskEvent] = []
        var directories = 0
        // What was so, whether anybody saw it or not.
        var isCapturing = false
        var captureWasDisturbed = false
        var directoryWasDisturbed = false

        mutating func send(_ topic: String, _ time: Int) {
            guard isWatching else { return }
            events.append(ContainerdTaskEvent(topic: topic, containerID: "c", timestamp: Int64(time)))
        }

        mutating func setPaused(_ paused: Bool, _ time: Int) {
            guard paused != isPaused else { return }
            isPaused = paused
            send(paused ? ContentionEvidence.paused : ContentionEvidence.resumed, time)
            if isCapturing, !paused { captureWasDisturbed = true }
        }

        mutating func run(_ step: Step, of actor: Int, at time: Int) {
            guard !failed.contains(actor) else { return }
            switch step {
            case .look, .answer: break
            case .makeDirectory:
                if isWatching { directories += 1 }
                if actor != 0, directory == 0 { directoryWasDisturbed = true }
                directory = actor
            case .askState: sawRunning[actor] = !isPaused
            case .pauseIfRunning:
                guard sawRunning[actor] == true else { return }
                if isPaused {
                    failed.insert(actor)
                } else {
                    pausedByMe.insert(actor)
                    setPaused(true, time)
                }
            case .beginCapture:
                guard actor == 0 else { return }
                isCapturing = true
                captureWasDisturbed = !isPaused
            case .endCapture:
                send(ContentionEvidence.captured, time)
                if actor == 0 { isCapturing = false }
            case .resumeIfPausedByMe:
                if pausedByMe.contains(actor) { setPaused(false, time) }
            case .removeDirectory: directory = nil
            case .pause: setPaused(true, time)
            case .resume: setPaused(false, time)
            }
        }
    }

    /// - Returns: whether it counts, and whether it was taken for good.
    private func play(_ random: inout some RandomNumberGenerator) -> (counts: Bool, isAlone: Bool) {
        var steps: [(time: Int, actor: Int, step: Step)] = []
        func add(_ sequence: [Step], actor: Int, within range: Range<Int>) {
            let times = (0..<sequence.count).map { _ in Int.random(in: range, using: &random) }.sorted()
            steps += zip(times, sequence).map { ($0, actor, $1) }
        }
        add([.look] + Self.checkpoint + [.answer], actor: 0, within: 300..<700)
        let others = Int.random(in: 0...3, using: &random)
        for actor in 0..<others {
            let start = Int.random(in: 0..<900, using: &random)
            let range = start..<start + Int.random(in: 10..<400, using: &random)
            add(Bool.random(using: &random) ? [.pause, .resume] : Self.checkpoint, actor: actor + 1, within: range)
        }
        // Equal times: in any order, but each one's own steps in theirs.
        steps = steps.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
        var model = Model()
        for (time, actor, step) in steps {
            if step == .look {
                // Others have to be seen to be away.
                guard !model.isPaused, model.directory == nil else { return (false, others == 0) }
                model.isWatching = true
            }
            if step == .answer { break }
            model.run(step, of: actor, at: time)
        }
        guard !model.failed.contains(0) else { return (false, others == 0) }
        let evidence = ContentionEvidence(
            events: model.events, eventsAreComplete: true, workDirectories: model.directories)
        // What the last look at the directory adds.
        let isGood = evidence.judge(answeredOK: true) == .none && model.directory == nil
        if isGood {
            #expect(!model.captureWasDisturbed)
            #expect(!model.directoryWasDisturbed)
        }
        if others == 0 { #expect(isGood) }
        return (isGood, others == 0)
    }

    @Test(arguments: 1...8) func nothingBadIsTakenForGood(_ seed: UInt64) {
        var random = SeededNumbers(state: seed)
        var good = (alone: 0, beside: 0)
        for _ in 0..<500 {
            switch play(&random) {
            case (true, true): good.alone += 1
            case (true, false): good.beside += 1
            case (false, _): break
            }
        }
        #expect(good.alone > 50)
        // Others who come before or after are no reason to refuse.
        #expect(good.beside > 50)
    }
}

/// Sebastiano Vigna's splitmix64: the same numbers for the same seed.
private struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
