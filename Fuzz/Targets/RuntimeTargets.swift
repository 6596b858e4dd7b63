// SPDX-License-Identifier: Apache-2.0
import SwiftProtobuf

@testable import CRI

extension FuzzTarget {
    /// What a container runtime answers: the first byte says which message it is, `j` that it is the JSON of a verbose
    /// answer.
    static let runtimeAnswers = FuzzTarget(name: "runtime-answers", maximumLength: 4_096) { bytes in
        guard let first = bytes.first else { return }
        let message = Array(bytes.dropFirst())
        switch first {
        case UInt8(ascii: "j"): checkJSON(String(decoding: message, as: UTF8.self))
        case UInt8(ascii: "v"):
            guard let version = (try? Runtime_V1_VersionResponse(serializedBytes: message)).map(RuntimeVersion.init)
            else { return }
            checkTexts([version.name, version.version, version.apiVersion])
        case UInt8(ascii: "s"):
            guard let status = (try? Runtime_V1_StatusResponse(serializedBytes: message)).map(RuntimeStatus.init)
            else { return }
            checkTexts(status.conditions.flatMap { [$0.type, $0.reason, $0.message] } + status.handlers.map(\.name))
            _ = (status.containerdConfiguration, status.crioEnablesCRIU)
        case UInt8(ascii: "d"):
            guard
                let details = (try? Runtime_V1_ContainerStatusResponse(serializedBytes: message))
                    .map(ContainerDetails.init)
            else { return }
            checkTexts([details.id, details.image, details.logPath, details.cgroupsPath ?? ""])
            check(details.processID.map { $0 > 0 } ?? true, "a process that can be")
        default: checkList(first, message)
        }
    }

    private static func checkList(_ first: UInt8, _ message: [UInt8]) {
        switch first {
        case UInt8(ascii: "p"):
            let list = try? Runtime_V1_PodSandbox(serializedBytes: message)
            if let sandbox = list.map(Sandbox.init) { checkTexts([sandbox.id, sandbox.name, sandbox.namespace]) }
        case UInt8(ascii: "c"):
            let list = try? Runtime_V1_Container(serializedBytes: message)
            if let container = list.map(Container.init) { checkTexts([container.id, container.name, container.image]) }
        case UInt8(ascii: "u"):
            let stats = try? Runtime_V1_ContainerStats(serializedBytes: message)
            if let usage = stats.map(ContainerUsage.init) { checkTexts([usage.id, usage.name]) }
        case UInt8(ascii: "w"):
            let stats = try? Runtime_V1_PodSandboxStats(serializedBytes: message)
            if let usage = stats.map(SandboxUsage.init) { checkTexts([usage.id, usage.name, usage.namespace]) }
        case UInt8(ascii: "i"):
            let image = try? Runtime_V1_Image(serializedBytes: message)
            if let image = image.map(RuntimeImage.init) { checkTexts([image.id] + image.tags + image.digests) }
        case UInt8(ascii: "e"):
            let event = try? Runtime_V1_ContainerEventResponse(serializedBytes: message)
            if let event = event.map(ContainerEvent.init) { checkTexts([event.containerID]) }
        case UInt8(ascii: "t"):
            let envelope = try? Containerd_Services_Events_V1_Envelope(serializedBytes: message)
            if let event = envelope.flatMap(ContainerdTaskEvent.init) { checkTexts([event.topic, event.containerID]) }
        default: break
        }
    }

    private static func checkJSON(_ text: String) {
        let information = ContainerInformation(json: text)
        check(information.processID.map { $0 > 0 } ?? true, "a process that can be")
        checkTexts([information.cgroupsPath ?? ""])
        var status = RuntimeStatus()
        status.info = ["config": text]
        let configuration = status.containerdConfiguration
        checkTexts([configuration?.rootDirectory, configuration?.stateDirectory].map { $0 ?? "" })
        _ = status.crioEnablesCRIU
    }

    private static func checkTexts(_ texts: [String]) {
        for text in texts { check(text.utf8.count <= String.nameLimit, "a runtime's texts are bounded") }
    }
}
