// SPDX-License-Identifier: Apache-2.0

/// The container runtimes that are known by their sockets.
enum ContainerRuntime: CaseIterable {
    case containerd, crio, criDockerd

    /// Where each listens when nobody says otherwise.
    var defaultSocket: String {
        switch self {
        case .containerd: "/run/containerd/containerd.sock"
        case .crio: "/run/crio/crio.sock"
        case .criDockerd: "/run/cri-dockerd.sock"
        }
    }

    /// Where each keeps its images.
    var imageDirectory: String {
        switch self {
        case .containerd: "/var/lib/containerd"
        case .crio: "/var/lib/containers/storage"
        case .criDockerd: "/var/lib/docker"
        }
    }

    /// Told by the socket's file name, which is the same wherever the socket is put.
    init?(socket: String) {
        let name = socket.split(separator: "/").last ?? ""
        switch name {
        case "containerd.sock": self = .containerd
        case "crio.sock": self = .crio
        case "cri-dockerd.sock": self = .criDockerd
        default: return nil
        }
    }
}
