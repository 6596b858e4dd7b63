// SPDX-License-Identifier: Apache-2.0

/// `authorization.k8s.io/v1` SubjectAccessReview.
package enum SubjectAccessReview {
    package static let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    package static let apiVersion = "authorization.k8s.io/v1"
    package static let kind = "SubjectAccessReview"

    /// Fields that are nil are not written, as Go's `omitempty` has it.
    package struct Request: Encodable, Sendable {
        package struct Spec: Encodable, Sendable {
            package var resourceAttributes: ResourceAttributes
            package var user: String?
            package var groups: [String]?
            package var uid: String?
            package var extra: [String: [String]]?

            package init(
                resourceAttributes: ResourceAttributes, user: String?, groups: [String]?, uid: String?,
                extra: [String: [String]]?
            ) {
                self.resourceAttributes = resourceAttributes
                self.user = user
                self.groups = groups
                self.uid = uid
                self.extra = extra
            }
        }

        package struct ResourceAttributes: Encodable, Sendable {
            package var verb: String?
            package var version: String
            package var resource: String
            package var subresource: String?
            package var name: String?

            package init(verb: String?, version: String, resource: String, subresource: String?, name: String?) {
                self.verb = verb
                self.version = version
                self.resource = resource
                self.subresource = subresource
                self.name = name
            }
        }

        package var apiVersion = SubjectAccessReview.apiVersion
        package var kind = SubjectAccessReview.kind
        package var spec: Spec

        package init(spec: Spec) {
            self.spec = spec
        }
    }

    package struct Answer: Decodable, Sendable {
        package struct Status: Decodable, Sendable {
            package var allowed: Bool?
            package var denied: Bool?
            package var reason: String?
            package var evaluationError: String?
        }

        package var apiVersion: String?
        package var kind: String?
        package var status: Status?
    }
}
