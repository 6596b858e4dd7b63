// SPDX-License-Identifier: Apache-2.0
import CRI
import Testing

@testable import Checkpoint

@Suite struct ContentionTests {
    /// P pause, R resume, C capture; each a second after the one before.
    private func evidence(_ letters: String, complete: Bool = true, directories: Int? = 1) -> ContentionEvidence {
        let topics: [Character: String] = [
            "P": ContentionEvidence.paused, "R": ContentionEvidence.resumed, "C": ContentionEvidence.captured,
            "X": "/tasks/exit",
        ]
        let events = letters.enumerated().map { index, letter in
            ContainerdTaskEvent(topic: topics[letter] ?? "", containerID: "c", timestamp: Int64(index) * 1_000_000_000)
        }
        return ContentionEvidence(events: events, eventsAreComplete: complete, workDirectories: directories)
    }

    @Test(arguments: ["PCR", "PCRX", "XPCR"]) func oneDump(_ letters: String) {
        #expect(evidence(letters).judge(answeredOK: true) == .none)
    }

    /// The shim passes its events on when it comes to it, containerd its own at once.
    @Test func eventsMayOvertakeEachOther() {
        let events = [
            ContainerdTaskEvent(topic: ContentionEvidence.captured, containerID: "c", timestamp: 20),
            ContainerdTaskEvent(topic: ContentionEvidence.paused, containerID: "c", timestamp: 10),
            ContainerdTaskEvent(topic: ContentionEvidence.resumed, containerID: "c", timestamp: 30),
        ]
        let evidence = ContentionEvidence(events: events, eventsAreComplete: true, workDirectories: nil)
        #expect(evidence.judge(answeredOK: true) == .none)
        #expect(evidence.frozen == .nanoseconds(20))
    }

    @Test(arguments: [
        "", "C", "P", "PC", "R", "RP", "RC", "PR", "PRC", "CPR", "PCRP", "PCRPR", "PPCR", "PCRR", "PCCR", "RPCR",
    ])
    func otherThanOneDump(_ letters: String) {
        #expect(evidence(letters).judge(answeredOK: true) != .none)
    }

    @Test func streamThatEnded() {
        #expect(evidence("PCR", complete: false).judge(answeredOK: true) != .none)
    }

    @Test func secondWorkDirectory() {
        #expect(evidence("PCR", directories: 2).judge(answeredOK: true) != .none)
        #expect(evidence("PCR", directories: nil).judge(answeredOK: true) == .none)
    }

    /// A failed call need not have come to pausing or resuming.
    @Test(arguments: ["", "P", "PR", "PC", "PCR"]) func failedAlone(_ letters: String) {
        #expect(evidence(letters).judge(answeredOK: false) == .none)
    }

    @Test(arguments: ["R", "PRP", "PP", "RPR"]) func failedBesideOthers(_ letters: String) {
        #expect(evidence(letters).judge(answeredOK: false) != .none)
    }

    @Test func withoutEventsNothingIsKnown() {
        let evidence = ContentionEvidence(events: nil, eventsAreComplete: true, workDirectories: nil)
        #expect(evidence.judge(answeredOK: true) == .none)
        #expect(evidence.isDecided(answeredOK: true))
    }

    @Test func waitsForWhatIsStillToCome() {
        #expect(!evidence("").isDecided(answeredOK: true))
        #expect(!evidence("P").isDecided(answeredOK: true))
        #expect(!evidence("PR").isDecided(answeredOK: true))
        #expect(evidence("PR").isDecided(answeredOK: false))
        #expect(evidence("PCR").isDecided(answeredOK: true))
        #expect(evidence("PRP").isDecided(answeredOK: true))
    }

    @Test func clockThatWasSetBack() {
        let events = [
            ContainerdTaskEvent(topic: ContentionEvidence.paused, containerID: "c", timestamp: .max),
            ContainerdTaskEvent(topic: ContentionEvidence.resumed, containerID: "c", timestamp: .min),
        ]
        #expect(ContentionEvidence(events: events, eventsAreComplete: true, workDirectories: nil).frozen == nil)
    }
}
