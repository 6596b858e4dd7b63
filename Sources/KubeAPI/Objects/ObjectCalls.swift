// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

/// A kind of objects and where an API server keeps them.
struct ObjectKind: Sendable {
    let kind: String
    let apiVersion: String
    /// As in paths: `leases`.
    let plural: String

    /// `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-a`; nil: a name that no path holds.
    func path(namespace: String? = nil, name: String? = nil, subresource: String? = nil) -> String? {
        // The core group has no name and a place of its own.
        var path = (apiVersion.contains("/") ? "/apis/" : "/api/") + apiVersion
        if let namespace {
            guard Self.isName(namespace) else { return nil }
            path += "/namespaces/" + namespace
        }
        path += "/" + plural
        if let name {
            guard Self.isName(name) else { return nil }
            path += "/" + name
        }
        return subresource.map { path + "/" + $0 } ?? path
    }

    /// What the server says about names is its own business; this keeps one name one segment.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 253 && text != "." && text != ".."
            && text.utf8.allSatisfy { $0 != UInt8(ascii: "/") && KubeRequest.isOfPath($0) }
    }
}

/// Requests for whole objects, as trees in which what is not known here stays.
extension KubeCalling {
    /// The object that the server answers with.
    ///
    /// - Parameters:
    ///   - path: Nil: a name that cannot be asked for.
    ///   - name: What the answer must be called; nil: anything.
    ///   - timeout: For all of it; the server is told. Nil: the client's own.
    ///   - answerLimit: Bytes; nil: the client's own.
    func call(
        _ method: KubeRequest.Method, _ kind: ObjectKind, at path: String?, name: String?, body: JSONValue? = nil,
        contentType: KubeRequest.ContentType = .json, timeout: Duration?, answerLimit: Int? = nil
    ) async throws(KubeError) -> JSONValue {
        guard let path else {
            throw KubeError(
                .invalidRequest, "\(method.rawValue) \(kind.plural): not sent, no path can hold the names it is for")
        }
        var request = KubeRequest(method, path, body: body?.encoded())
        request.contentType = contentType
        request.timeout = timeout
        request.answerLimit = answerLimit
        // As client-go has it: the server need not go on when nobody listens any more.
        if let timeout { request.query = [("timeout", GoDuration.format(max(timeout, .milliseconds(1))))] }
        let answer = try await send(request)
        func malformed(_ why: String) -> KubeError {
            KubeError(.malformedAnswer, "\(method.rawValue) \(ForeignText.line(path, limit: 512)): \(why)")
        }
        let object: JSONValue
        do throws(KubeJSON.Problem) {
            object = try JSONValue.parse(answer.body)
        } catch {
            throw malformed("the answer is \(error.explanation)")
        }
        guard object["kind"]?.text == kind.kind, object["apiVersion"]?.text == kind.apiVersion else {
            let found = ForeignText.line(object["kind"]?.text ?? "something without a kind", limit: 64)
            throw malformed("the answer is \(found), no \(kind.kind) of \(kind.apiVersion)")
        }
        if let name, object["metadata", "name"]?.text != name {
            let found = ForeignText.line(object["metadata", "name"]?.text ?? "", limit: 128)
            throw malformed("the answer is the \(kind.kind) \"\(found)\"")
        }
        return object
    }
}

/// A reference of an object to one that it goes with: `metav1.OwnerReference`.
package struct OwnerReference: Hashable, Sendable {
    package var apiVersion: String
    package var kind: String
    package var name: String
    package var uid: String

    package init(apiVersion: String, kind: String, name: String, uid: String) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.uid = uid
    }

    package static func node(name: String, uid: String) -> OwnerReference {
        OwnerReference(apiVersion: "v1", kind: "Node", name: name, uid: uid)
    }
}
