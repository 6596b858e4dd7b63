// SPDX-License-Identifier: Apache-2.0
@testable import CRI
import Testing

@Suite(.timeLimit(.minutes(2))) struct RuntimeInformationTests {
    private func status(_ json: String) -> RuntimeStatus {
        var status = RuntimeStatus()
        status.info["config"] = json
        return status
    }

    @Test func readsContainerdsConfiguration() {
        let json = """
            {"containerd":{"defaultRuntimeName":"runc"},"enableCRIU":false,"containerdRootDir":"/var/lib/containerd",
            "rootDir":"/var/lib/containerd/io.containerd.grpc.v1.cri","stateDir":"/run/containerd/io.containerd.grpc.v1.cri"}
            """
        #expect(
            status(json).containerdConfiguration
                == ContainerdConfiguration(
                    enablesCRIU: false, rootDirectory: "/var/lib/containerd/io.containerd.grpc.v1.cri",
                    stateDirectory: "/run/containerd/io.containerd.grpc.v1.cri", containerdRoot: "/var/lib/containerd"))
        #expect(status(json).crioEnablesCRIU == nil)
    }

    @Test func knowsTheReleaseThatDoesNotSay() {
        #expect(
            status(#"{"rootDir":"/r"}"#).containerdConfiguration == ContainerdConfiguration(rootDirectory: "/r"))
    }

    @Test func readsCRIOsConfiguration() {
        let json = #"{"sandboxImage":"pause:3.10","crio":{"Root":"/var/lib/containers","EnableCriuSupport":true}}"#
        #expect(status(json).crioEnablesCRIU == true)
        #expect(status(json).containerdConfiguration == nil)
    }

    @Test(arguments: [
        "", "[]", "null", "{", "{}", #"{"crio":[]}"#, #"{"crio":{"EnableCriuSupport":"yes"}}"#,
        #"{"rootDir":null,"enableCRIU":true}"#, String(repeating: "[", count: 100_000),
    ])
    func takesNothingFromWhatIsSomethingElse(json: String) {
        #expect(status(json).crioEnablesCRIU == nil)
        #expect(status(json).containerdConfiguration == nil)
        #expect(ContainerInformation(json: json).processID == nil)
        #expect(ContainerInformation(json: json).cgroupsPath == nil)
    }

    @Test func saysNothingWithoutAVerboseAnswer() {
        #expect(RuntimeStatus().crioEnablesCRIU == nil)
        #expect(RuntimeStatus().containerdConfiguration == nil)
        #expect(ContainerInformation(json: nil).processID == nil)
    }

    @Test(arguments: ["0", "-1", "4294967296", "1e99", "\"12\"", "null", "{}"])
    func knowsWhatIsNoProcess(pid: String) {
        let information = ContainerInformation(json: #"{"pid":\#(pid),"runtimeSpec":{"linux":{"cgroupsPath":"/a"}}}"#)
        #expect(information.processID == nil)
        #expect(information.cgroupsPath == "/a")
    }

    @Test(arguments: [#"[]"#, #"{"linux":[]}"#, #"{"linux":{"cgroupsPath":7}}"#, "null"])
    func readsTheProcessBesideASpecificationThatIsNone(specification: String) {
        let information = ContainerInformation(json: #"{"pid":12,"runtimeSpec":\#(specification)}"#)
        #expect(information.processID == 12)
        #expect(information.cgroupsPath == nil)
    }
}
