// SPDX-License-Identifier: Apache-2.0

/// `/openapi.json`: what can be asked and what is answered, for programs (OpenAPI 3.1). A test holds it against the routes.
enum OpenAPIPage {
    static let path = "/openapi.json"

    static func render(_ request: PageRequest, _ view: AgentView) -> RenderedPage {
        RenderedPage(
            path: request.page.path, listeners: request.page.listeners, contentType: "application/json",
            body: Array(document(version: view.agent.version).utf8))
    }

    /// - Parameter version: of the program; digits, letters, dots, dashes, pluses and tildes.
    static func document(version: String) -> String {
        let shown = version.filter { $0.isASCII && ($0.isLetter || $0.isNumber || ".-+~".contains($0)) }
        return "{\"openapi\":\"3.1.0\",\"info\":" + info(shown) + ",\"servers\":" + servers + ",\"security\":"
            + security
            + ",\"paths\":{" + paths + "},\"components\":{" + components + "}}\n"
    }

    private static func info(_ version: String) -> String {
        #"{"title":"nodekeep","version":"\#(version)","license":{"name":"Apache-2.0","identifier":"Apache-2.0"},"#
            + #""description":"How a node is, and checkpoints of its containers."}"#
    }

    private static let servers = """
        [{"url":"/","description":"Whatever this document was read from. The main listener speaks TLS and asks who you \
        are; the local one is plain, on loopback, and has no checkpoints and no configuration; the Unix socket takes \
        the word of the kernel."}]
        """

    private static let security = #"[{},{"bearer":[]},{"certificate":[]}]"#

    private static let paths = [
        get("/", "status page for people", "text/html", parameters: ""),
        get("/status", "everything as one report", "application/json", parameters: pretty, schema: "Report"),
        get("/node", "the node as a Kubernetes Node v1", "application/json", parameters: pretty, schema: "Node"),
        get("/healthz", "whether the agent's loops go round", "text/plain", parameters: health, failed: "Unhealthy"),
        get("/livez", "the same as /healthz", "text/plain", parameters: health, failed: "Unhealthy"),
        get(
            "/readyz", "the same, and whether the node has been read", "text/plain", parameters: health,
            failed: "Unhealthy"),
        get("/metrics", "Prometheus metrics", "text/plain", parameters: ""),
        get("/metrics/resource", "the kubelet's resource metrics", "text/plain", parameters: ""),
        get(path, "this document", "application/json", parameters: "", schema: "Any"),
        get("/configz", "the effective configuration", "application/json", parameters: "", schema: "Any"),
        get(
            "/checkpoints/jobs", "checkpoints under way and waiting", "application/json", parameters: jobs,
            schema: "Jobs"),
        checkpoint,
    ].joined(separator: ",")

    // MARK: - Operations

    private static func get(
        _ path: String, _ summary: String, _ type: String, parameters: String, schema: String? = nil,
        failed: String = "Refusal"
    ) -> String {
        let content =
            schema.map { ##"{"schema":{"$ref":"#/components/schemas/\##($0)"}}"## } ?? #"{"schema":{"type":"string"}}"#
        func operation(_ method: String, _ answer: String) -> String {
            #""\#(method)":{"operationId":"\#(method)\#(path.replacingSlashes)","summary":"\#(summary)","#
                + #""parameters":[\#(parameters)],"responses":{"200":\#(answer),"#
                + ##""500":{"$ref":"#/components/responses/\##(failed)"},\##(refusals)}}"##
        }
        let full =
            #"{"description":"OK","headers":{"ETag":{"schema":{"type":"string"}}},"content":{"\#(type)":\#(content)}}"#
        return
            #""\#(path)":{\#(operation("get", full)),\#(operation("head", #"{"description":"OK, without its body"}"#))}"#
    }

    private static let checkpoint = """
        "/checkpoint/{namespace}/{pod}/{container}":{"post":{"operationId":"checkpoint",\
        "summary":"take a checkpoint of a running container",\
        "description":"The kubelet's Checkpoint API. Not on the local listener.","parameters":[\
        {"name":"namespace","in":"path","required":true,"schema":{"type":"string","minLength":1,"maxLength":63}},\
        {"name":"pod","in":"path","required":true,"schema":{"type":"string","minLength":1,"maxLength":253}},\
        {"name":"container","in":"path","required":true,"schema":{"type":"string","minLength":1,"maxLength":63}},\
        {"name":"timeout","in":"query","description":"Seconds to wait; 0 or none: runtimeRequestTimeout. The dump goes on.",\
        "schema":{"type":"integer","format":"int64","minimum":0}},\
        {"name":"dryRun","in":"query","description":"Only say what it would take.",\
        "schema":{"type":"string","enum":["All"]}},\
        {"name":"request","in":"query","description":"A name of the caller's own for the call.",\
        "schema":{"type":"string","pattern":"^[A-Za-z0-9._-]{1,64}$"}}],"responses":{\
        "200":{"description":"the archive's path, or what it would take","headers":{"nodekeep-job":{"schema":{"type":"string"}}},\
        "content":{"application/json":{"schema":{"$ref":"#/components/schemas/Checkpoint"}}}},\
        "409":\(plain("not running, paused, or worked on by somebody else")),\
        "500":\(plain("no runtime, or it or the dump has failed")),\
        "504":\(plain("not finished in time; the job goes on")),\
        "507":\(plain("it would not fit on a disk")),\(refusals)}}}
        """

    private static func plain(_ description: String) -> String {
        #"{"description":"\#(description)","content":{"text/plain":{"schema":{"type":"string"}}}}"#
    }

    // MARK: - Parts

    private static let pretty = flag("pretty", "indents the JSON")
    private static let health =
        flag("verbose", "lists the checks")
        + #",{"name":"exclude","in":"query","description":"leaves a check out","schema":{"type":"array","items":{"type":"string"}}}"#
    private static let jobs =
        flag("pretty", "indents the JSON")
        + #",{"name":"request","in":"query","description":"only those that their callers named so","schema":{"type":"string"}}"#

    private static func flag(_ name: String, _ description: String) -> String {
        #"{"name":"\#(name)","in":"query","description":"\#(description)","allowEmptyValue":true,"schema":{"type":"string"}}"#
    }

    /// What anything may be answered with.
    private static let refusals = [
        ("304", "NotModified"), ("400", "Refusal"), ("401", "Refusal"), ("403", "Refusal"), ("404", "Refusal"),
        ("405", "MethodNotAllowed"), ("413", "Refusal"), ("414", "Refusal"), ("431", "Refusal"), ("501", "Refusal"),
        ("503", "Refusal"), ("505", "Refusal"),
    ].map { ##""\##($0)":{"$ref":"#/components/responses/\##($1)"}"## }.joined(separator: ",")

    private static let components = """
        "securitySchemes":{"bearer":{"type":"http","scheme":"bearer"},"certificate":{"type":"mutualTLS"}},\
        "responses":{"NotModified":{"description":"as the ETag that was sent has it"},\
        "Refusal":{"description":"why not, as a metav1.Status or as text","content":{\
        "application/json":{"schema":{"$ref":"#/components/schemas/Status"}},\
        "text/plain":{"schema":{"type":"string"}},"text/html":{"schema":{"type":"string"}}}},\
        "Unhealthy":{"description":"a check has failed, or it could not be found out whether you may ask","content":{\
        "text/plain":{"schema":{"type":"string"}},\
        "application/json":{"schema":{"$ref":"#/components/schemas/Status"}}}},\
        "MethodNotAllowed":{"description":"another method","headers":{"Allow":{"required":true,\
        "schema":{"type":"string"}}},"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Status"}},\
        "text/plain":{"schema":{"type":"string"}}}}},\
        "schemas":{"Any":{"type":"object"},\
        "Report":{"type":"object","required":["node","status","signals","system","checkpoints","collectors","agent"]},\
        "Node":{"type":"object","required":["kind","apiVersion","metadata","status"],\
        "properties":{"kind":{"const":"Node"},"apiVersion":{"const":"v1"}}},\
        "Jobs":{"type":"object","required":["items"],"properties":{"items":{"type":"array","items":{"type":"object",\
        "required":["id","phase","namespace","pod","container"]}}}},\
        "Checkpoint":{"type":"object","properties":{"items":{"type":"array","items":{"type":"string"}}}},\
        "Status":{"type":"object","required":["kind","apiVersion","status","code","reason","message"],\
        "properties":{"kind":{"const":"Status"},"code":{"type":"integer"}}}}
        """
}

extension String {
    fileprivate var replacingSlashes: String { self == "/" ? "_page" : String(map { $0 == "/" ? "_" : $0 }) }
}
