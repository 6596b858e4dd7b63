// SPDX-License-Identifier: Apache-2.0

// What a kubelet serves, and to whom. Whom it lets in, nodekeep lets in on its main listener, and nobody else. What is
// open without authentication is the local listener, on loopback, with pages about the node alone; a file cannot widen
// that, and `--local-port 0` turns it off.

private let ownListener = "nodekeep's own listener (`address`, `port`): a kubelet has this one itself"
private let ownCertificate = "a self-signed pair of nodekeep's own: a kubelet's may be its own as well"
private let asAKubelet = "as in a kubelet"
private let withKubeconfig =
    "as in a kubelet; `--kubeconfig` says where the API server is, without it the main listener is off"
private let noSuchEndpoint = "nodekeep has no such endpoint, whatever the value"

extension KubeletField {
    static let server: [KubeletField] = [
        KubeletField(
            "enableServer", .bool,
            .honoured("false keeps the main listener off; else it is on once somebody can be authenticated")),
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
        KubeletField("tlsCertFile", .text, .replaced(by: ownCertificate)),
        KubeletField("tlsPrivateKeyFile", .text, .replaced(by: ownCertificate)),
        KubeletField(
            "tlsCipherSuites", .texts,
            .honoured("those with forward secrecy and authenticated encryption; another name is an error")),
        KubeletField("tlsCurvePreferences", .ints, .replaced(by: "the curves of GnuTLS that are of 128 bits and more")),
        KubeletField(
            "tlsMinVersion", .text,
            .honoured(
                "VersionTLS12 and VersionTLS13; older ones are raised to VersionTLS12, another name is an error")),
        KubeletField("serverTLSBootstrap", .bool, .replaced(by: ownCertificate)),
        KubeletField(
            "rotateCertificates", .bool, .irrelevant("nodekeep's client certificate is the one in its kubeconfig")),
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
        KubeletField(
            "authentication.anonymous.enabled", .bool, .honoured("not together with AlwaysAllow, which is an error")),
        KubeletField("authentication.webhook.enabled", .bool, .honoured(withKubeconfig)),
        KubeletField("authentication.webhook.cacheTTL", .upToAYear, .honoured(asAKubelet)),
        KubeletField("authentication.x509.clientCAFile", .text, .honoured(asAKubelet)),
        KubeletField(
            "authorization.mode", .choice(["", "AlwaysAllow", "Webhook"]), .honoured(withKubeconfig)),
        KubeletField("authorization.webhook.cacheAuthorizedTTL", .upToAYear, .honoured(asAKubelet)),
        KubeletField("authorization.webhook.cacheUnauthorizedTTL", .upToAYear, .honoured(asAKubelet)),
    ]
}
