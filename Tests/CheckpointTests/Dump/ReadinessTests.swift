// SPDX-License-Identifier: Apache-2.0
import CRI
import Testing

@testable import Checkpoint

@Suite struct ReadinessTests {
    private func judge(
        _ task: TaskAnswer, _ freezer: FreezerState, dump: DumpSign = .none, state: ContainerState = .running,
        kind: RuntimeKind = .containerd
    ) -> Readiness {
        .judge(ContainerLook(state: state, task: task, freezer: freezer, dump: dump), kind: kind)
    }

    private func isBusy(_ readiness: Readiness) -> Bool {
        if case .busy = readiness { true } else { false }
    }

    @Test func runsThawedAlone() {
        #expect(judge(.running, .thawed) == .ready)
        #expect(judge(.running, .thawed, dump: .invisible) == .ready)
        #expect(judge(.running, .unknown("x")) == .ready)
        #expect(judge(.running, .thawed, dump: .invisible, kind: .crio) == .ready)
    }

    @Test func pausedByHand() {
        #expect(judge(.paused, .frozen) == .paused)
        #expect(judge(.paused, .unknown("x")) == .paused)
    }

    @Test func pausedForADump() {
        #expect(isBusy(judge(.paused, .frozen, dump: .seen("d"))))
        #expect(judge(.paused, .frozen, dump: .invisible) == .pausedOrDumped)
        #expect(judge(.running, .frozen, dump: .invisible, kind: .crio) == .pausedOrDumped)
    }

    @Test(arguments: [TaskAnswer.busy, .pausing, .unclear("x"), .unreachable("x")])
    func runtimeAtWork(_ task: TaskAnswer) { #expect(isBusy(judge(task, .thawed))) }

    @Test func betweenTwoStates() {
        #expect(isBusy(judge(.running, .frozen)))
        #expect(isBusy(judge(.running, .freezing)))
        #expect(isBusy(judge(.running, .gone)))
        #expect(isBusy(judge(.running, .thawed, dump: .seen("d"))))
    }

    @Test(arguments: [ContainerState.created, .exited, .unknown]) func notRunning(_ state: ContainerState) {
        #expect(judge(.running, .thawed, state: state) == .notRunning(state.rawValue))
    }

    @Test func endedMeanwhile() {
        #expect(judge(.stopped, .gone) == .notRunning("STOPPED"))
        #expect(judge(.gone, .gone) == .gone)
    }
}
