// SPDX-License-Identifier: Apache-2.0

// What a kubelet serves, and to whom. In this release nodekeep's main listener is off, because it has no authenticator
// yet: whatever a file asks of authentication and authorization, nobody is served on it, so nothing is more open than
// asked. What is open without authentication is the local listener, on loopback, with pages about the node alone; a
// file cannot widen that, and `--local-port 0` turns it off.

private let mainListenerOff = "nothing: the main listener is off in this release, so nobody is served on it"
private let ownListener = "nodekeep's own listener (`address`, `port`): a kubelet has this one itself"
private let ownTLS = "nodekeep's own TLS settings, once there is a main listener; until then nothing is served over TLS"
private let noSuchEndpoint = "nodekeep has no such endpoint, whatever the value"

extension KubeletField {
    static let server: [KubeletField] = [
        KubeletField("enableServer", .bool, .replaced(by: mainListenerOff)),
        KubeletField("address", .text, .replaced(by: ownListener)),
        KubeletField("port", .portOrOff, .replaced(by: ownListener)),
        KubeletField(
            "readOnlyPort", .portOrOff,
            .replaced(by: "the local listener (`--local-address`, `--local-port`), which is on loopback only: stricter")
        ),
        KubeletField(
            "healthzPort", .portOrOff, .replaced(by: "the local listener (`--local-address`, `--local-port`)")),
        KubeletField(
            "healthzBindAddress", .text, .replaced(by: "the local listener, which is on loopback only: stricter")),
        KubeletField("tlsCertFile", .text, .replaced(by: ownTLS)),
        KubeletField("tlsPrivateKeyFile", .text, .replaced(by: ownTLS)),
        KubeletField("tlsCipherSuites", .texts, .replaced(by: ownTLS)),
        KubeletField("tlsCurvePreferences", .ints, .replaced(by: ownTLS)),
        KubeletField(
            "tlsMinVersion", .text,
            .refused(
                unless: ["", "VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13"],
                why: "no TLS version of that name, so it could not be kept; nothing is served over TLS in this release")
        ),
        KubeletField("serverTLSBootstrap", .bool, .replaced(by: ownTLS)),
        KubeletField("rotateCertificates", .bool, .irrelevant("nodekeep has no client certificate in this release")),
        KubeletField("enableDebuggingHandlers", .bool, .irrelevant(noSuchEndpoint)),
        KubeletField("enableContentionProfiling", .bool, .irrelevant(noSuchEndpoint)),
        KubeletField("enableProfilingHandler", .bool, .irrelevant(noSuchEndpoint)),
        KubeletField("enableDebugFlagsHandler", .bool, .irrelevant(noSuchEndpoint)),
        KubeletField("enableSystemLogHandler", .bool, .irrelevant(noSuchEndpoint)),
        KubeletField("enableSystemLogQuery", .bool, .irrelevant(noSuchEndpoint)),
        KubeletField("streamingConnectionIdleTimeout", .anyDuration, .irrelevant(noSuchEndpoint)),
        KubeletField(
            "showHiddenMetricsForVersion", .text, .irrelevant("nodekeep's metrics are its own; it hides none")),
    ]

    static let security: [KubeletField] = [
        KubeletField("authentication.anonymous.enabled", .bool, .replaced(by: mainListenerOff)),
        KubeletField("authentication.webhook.enabled", .bool, .replaced(by: mainListenerOff)),
        KubeletField("authentication.webhook.cacheTTL", .anyDuration, .replaced(by: mainListenerOff)),
        KubeletField("authentication.x509.clientCAFile", .text, .replaced(by: mainListenerOff)),
        KubeletField(
            "authorization.mode", .text,
            .refused(
                unless: ["", "Webhook", "AlwaysAllow"],
                why: "a rule that nobody knows could not be kept; with these nobody is served on the main listener, "
                    + "which is off in this release")),
        KubeletField("authorization.webhook.cacheAuthorizedTTL", .anyDuration, .replaced(by: mainListenerOff)),
        KubeletField("authorization.webhook.cacheUnauthorizedTTL", .anyDuration, .replaced(by: mainListenerOff)),
    ]
}
