// SPDX-License-Identifier: Apache-2.0
import Configuration
import Testing

@testable import Agent

@Suite("The drop-in that a configuration needs under the packaged service")
struct ServiceConfinementTests {
    private func lines(_ change: (inout Configuration) -> Void) -> [String]? {
        var configuration = Configuration()
        change(&configuration)
        return ServiceConfinement.dropIn(for: configuration)
    }

    @Test("none for what the unit allows")
    func none() {
        #expect(lines { _ in } == nil)
        #expect(lines { $0.checkpointDirectory = "/var/lib/kubelet/checkpoints/here" } == nil)
        #expect(lines { $0.tls.certFile = "/etc/ssl/node.pem" } == nil)
        // Read, and never written.
        #expect(lines { $0.access.kubeconfig = "/etc/kubernetes/kubelet.conf" } == nil)
        // Not written to while there are no checkpoints.
        #expect(
            lines {
                $0.checkpointDirectory = "/srv/checkpoints"
                $0.checkpointsEnabled = false
            } == nil)
    }

    @Test("each other directory that is written to, once")
    func written() {
        #expect(lines { $0.checkpointDirectory = "/srv/a" } == ["[Service]", "ReadWritePaths=/srv/a"])
        #expect(
            lines {
                $0.stateDirectory = "/srv/state"
                $0.runDirectory = "/run/other"
                $0.socketPath = "/run/other/nodekeep.sock"
            } == ["[Service]", "RuntimeDirectory=other", "ReadWritePaths=/srv/state"])
        #expect(lines { $0.checkpointDirectory = "/var/lib/kubelet/checkpoints2" }?.count == 2)
        #expect(
            lines {
                $0.cluster.bootstrapKubeconfig = "/etc/nodekeep/bootstrap.conf"
                $0.access.kubeconfig = "/etc/nodekeep/kubeconfig"
            } == ["[Service]", "ReadOnlyPaths=", "ReadOnlyPaths=/run", "ReadWritePaths=/etc/nodekeep"])
        #expect(
            lines { $0.socketPath = "/run/nodekeep.sock" }
                == ["[Service]", "ReadOnlyPaths=", "ReadOnlyPaths=/etc/nodekeep", "ReadWritePaths=/run"])
    }

    @Test("what is below /run is made anew after each boot")
    func run() {
        #expect(lines { $0.socketPath = "/run/a/b/x.sock" } == ["[Service]", "RuntimeDirectory=a/b"])
        #expect(
            lines { $0.checkpointDirectory = "/run/archives" } == [
                "[Service]", "ReadWritePaths=/run/archives",
                "# and in a file in /etc/tmpfiles.d, because /run is empty after a boot:",
                "# d /run/archives 0700 root root",
            ])
    }

    @Test("what lies in home directories is to be seen first")
    func hidden() {
        #expect(lines { $0.access.clientCAFile = "/root/ca.pem" } == ["[Service]", "ProtectHome=read-only"])
        #expect(
            lines { $0.stateDirectory = "/home/nodekeep" }
                == ["[Service]", "ProtectHome=read-only", "ReadWritePaths=/home/nodekeep"])
        #expect(lines { $0.access.clientCAFile = "/rooty/ca.pem" } == nil)
        #expect(ServiceConfinement.isHidden(["/srv", "/home/checkpoints"]))
        #expect(!ServiceConfinement.isHidden(["/srv", "/homes", "/run/containerd/containerd.sock", "/"]))
    }

    @Test("a path is written as a unit file reads it")
    func quoting() {
        #expect(lines { $0.checkpointDirectory = "/srv/100%" }?.last == "ReadWritePaths=/srv/100%%")
        #expect(lines { $0.checkpointDirectory = #"/srv/a "b\c"# }?.last == #"ReadWritePaths="/srv/a \"b\\c""#)
    }
}
