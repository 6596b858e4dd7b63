// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// Every dependency is pinned: a build next year is the build of today. The versions that these
// pull in behind them are compared with scripts/dependencies.txt by `make check-dependencies`.
let dependencies: [Package.Dependency] = [
    // The command line: parsing, help, completions.
    .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
    // One logging front end; our own back ends write to journald or standard error.
    .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
    // Start-up order, graceful shutdown and signals for the agent's long-running parts.
    .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
    // The command line's HTTP client, over the agent's Unix socket.
    .package(url: "https://github.com/swift-server/async-http-client.git", exact: "1.37.0"),
    // The buffers, time amounts and status codes in that client's interface.
    .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
    // The container runtime's API: gRPC over its Unix socket, and the messages that are spoken there.
    .package(url: "https://github.com/grpc/grpc-swift-2.git", exact: "2.4.3"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport.git", exact: "2.9.2"),
    .package(url: "https://github.com/grpc/grpc-swift-protobuf.git", exact: "2.4.1"),
    // Its default traits would bring full Foundation.
    .package(url: "https://github.com/apple/swift-protobuf.git", exact: "1.39.0", traits: []),
    // SHA-256 of archives, tokens and certificates, and the digests that caches keep in place of tokens.
    .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
    // TLS to the API server: the certificates in the HTTP client's interface.
    .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
    // Certificates: clients' chains, our own server's, what is in an API server's.
    .package(url: "https://github.com/apple/swift-certificates.git", exact: "1.21.1"),
    .package(url: "https://github.com/apple/swift-asn1.git", exact: "1.7.4"),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
// swift-configuration, behind it, has a module of the same name as a room of ours.
let asyncHTTPClient = Target.Dependency.product(
    name: "AsyncHTTPClient", package: "async-http-client", moduleAliases: ["Configuration": "SwiftConfiguration"])
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let grpcCore = Target.Dependency.product(name: "GRPCCore", package: "grpc-swift-2")
let grpcTransport = Target.Dependency.product(
    name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport")
let grpcProtobuf = Target.Dependency.product(name: "GRPCProtobuf", package: "grpc-swift-protobuf")
let swiftProtobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let swiftASN1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")

let package = Package(
    name: "nodekeep",
    products: [
        .executable(name: "nodekeep", targets: ["nodekeep"]),
        .executable(name: "nodekeep-web", targets: ["nodekeep-web"]),
    ],
    dependencies: dependencies,
    targets: [
        // C libraries. Each has exactly one importing room; CLinux is header-only: the few kernel
        // interfaces that Swift's Glibc module does not carry.
        .systemLibrary(name: "CMicrohttpd", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
        .systemLibrary(name: "CGnuTLS", pkgConfig: "gnutls", providers: [.apt(["libgnutls28-dev"])]),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CLinux"),

        // The web process: standard library, libmicrohttpd, GnuTLS and libseccomp, nothing else.
        .target(name: "Gate"),
        .target(name: "Web", dependencies: ["Gate", "CMicrohttpd", "CGnuTLS", "CSeccomp"]),
        .executableTarget(name: "nodekeep-web", dependencies: ["Web"]),

        // The agent.
        .target(name: "Posix", dependencies: ["CLinux"]),
        .target(name: "NodeStatus"),
        .target(name: "Logbook", dependencies: [logging]),
        .target(name: "Systemd", dependencies: ["CSystemd"]),
        .target(name: "Configuration", dependencies: ["NodeStatus", "CYaml"]),
        .target(name: "Collector", dependencies: ["NodeStatus", "Posix", "Systemd", "CLinux"]),
        .target(
            name: "CRI",
            dependencies: [
                "CLinux", grpcCore, grpcTransport, grpcProtobuf, swiftProtobuf, asyncHTTPClient, nioCore, nioHTTP1,
                nioPosix,
            ],
            exclude: ["Protos"]),
        .target(
            name: "Checkpoint", dependencies: ["CRI", "Logbook", "NodeStatus", "Posix", "CLinux", crypto, logging]),
        .target(
            name: "KubeAPI",
            dependencies: [
                "Configuration", "Logbook", "NodeStatus", "Posix", crypto, cryptoExtras, logging, asyncHTTPClient,
                nioCore, nioHTTP1, nioPosix, nioSSL, swiftASN1, x509,
            ]),
        .target(
            name: "Access",
            dependencies: ["Configuration", "KubeAPI", "NodeStatus", "Posix", crypto, logging, swiftASN1, x509]),
        .target(name: "Heartbeat", dependencies: ["KubeAPI", "Logbook", "NodeStatus", "Posix", logging]),
        .target(name: "API", dependencies: ["Access", "NodeStatus", "Gate", "CZlib"]),
        .target(
            name: "Agent",
            dependencies: [
                "API", "Access", "Checkpoint", "Collector", "Configuration", "CRI", "Gate", "Heartbeat", "KubeAPI",
                "Logbook", "NodeStatus", "Posix", "Systemd", "CLinux",
                argumentParser, logging, serviceLifecycle, unixSignals, asyncHTTPClient, nioCore, nioHTTP1,
            ]),
        .executableTarget(name: "nodekeep", dependencies: ["Agent"]),

        // Tests. The probe confines itself as web does and then tries what must not work.
        .executableTarget(
            name: "nodekeep-web-probe", dependencies: ["CSeccomp", "Gate", "Web"], path: "Tests/WebProbe"),
        .testTarget(name: "NodeStatusTests", dependencies: ["NodeStatus"]),
        .testTarget(name: "LogbookTests", dependencies: ["Logbook", logging]),
        .testTarget(name: "PosixTests", dependencies: ["Posix"]),
        .testTarget(name: "GateTests", dependencies: ["Gate"]),
        .testTarget(
            name: "WebTests", dependencies: ["Gate", "Web", "nodekeep-web", "nodekeep-web-probe"],
            exclude: ["Golden"]),
        .testTarget(
            name: "CollectorTests", dependencies: ["Collector", "NodeStatus", "CLinux"], exclude: ["Fixtures"]),
        .testTarget(name: "SystemdTests", dependencies: ["Systemd"]),
        .testTarget(
            name: "CRITests",
            dependencies: ["CRI", grpcCore, grpcTransport, swiftProtobuf, nioCore, nioPosix]),
        .testTarget(name: "CheckpointTests", dependencies: ["Checkpoint", "CRI", "NodeStatus", "Posix", logging]),
        .testTarget(name: "ConfigurationTests", dependencies: ["Configuration", "NodeStatus"]),
        .testTarget(
            name: "AccessTests",
            dependencies: [
                "Access", "KubeAPI", "KubeTestServer", "NodeStatus", "Posix", crypto, cryptoExtras, logging, swiftASN1,
                x509,
            ], exclude: ["Fixtures"]),
        // An API server over real TLS that answers as a test says, for the tests alone.
        .target(
            name: "KubeTestServer",
            dependencies: ["NodeStatus", nioCore, nioHTTP1, nioPosix, nioSSL, crypto, swiftASN1, x509],
            path: "Tests/KubeTestServer", exclude: ["Wire"]),
        .testTarget(
            name: "KubeAPITests",
            dependencies: ["KubeAPI", "KubeTestServer", "NodeStatus", "Posix", crypto, logging, nioCore, nioPosix]),
        .testTarget(
            name: "HeartbeatTests", dependencies: ["Heartbeat", "KubeAPI", "KubeTestServer", "NodeStatus", logging]),
        .testTarget(name: "APITests", dependencies: ["API", "Access", "Gate", "NodeStatus"]),
        .testTarget(
            name: "AgentTests",
            dependencies: ["Agent", "API", "Access", "Checkpoint", "CRI", "Gate", "Logbook", "NodeStatus", logging]),
    ],
    swiftLanguageModes: [.v6]
)

// The fuzzers, and nothing of them unless asked for: `make fuzz` names the toolchain's libFuzzer here.
let libFuzzer = Context.environment["NODEKEEP_FUZZ"]
if let libFuzzer {
    package.targets += [
        .systemLibrary(name: "CFuzzer", path: "Fuzz/CFuzzer"),
        .executableTarget(
            name: "nodekeep-fuzz",
            dependencies: [
                "API", "Access", "CFuzzer", "CRI", "Checkpoint", "Collector", "Configuration", "Gate",
                "Heartbeat", "KubeAPI", "NodeStatus", "Web", swiftProtobuf,
            ],
            path: "Fuzz/Targets",
            linkerSettings: [
                .unsafeFlags(["-sanitize=address", "-use-ld=lld", "-Xlinker", libFuzzer]), .linkedLibrary("stdc++"),
            ]),
    ]
}

for target in package.targets where target.type != .system {
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            .enableUpcomingFeature("InternalImportsByDefault"),
            .enableUpcomingFeature("MemberImportVisibility"),
            .enableUpcomingFeature("ExistentialAny"),
        ]
    // Our own rooms alone, optimized as debug builds are not: the packages behind them stay those of the tests.
    if libFuzzer != nil {
        target.swiftSettings?.append(.unsafeFlags(["-O", "-sanitize=fuzzer,address"]))
    }
}
