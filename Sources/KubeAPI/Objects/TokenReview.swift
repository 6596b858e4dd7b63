// SPDX-License-Identifier: Apache-2.0

/// `authentication.k8s.io/v1` TokenReview.
package enum TokenReview {
    package static let path = "/apis/authentication.k8s.io/v1/tokenreviews"
    package static let apiVersion = "authentication.k8s.io/v1"
    package static let kind = "TokenReview"

    /// What the kubelet sends: no audiences, so the server takes its own.
    package struct Request: Encodable, Sendable {
        package struct Spec: Encodable, Sendable {
            package var token: String
        }

        package var apiVersion = TokenReview.apiVersion
        package var kind = TokenReview.kind
        package var spec: Spec

        package init(token: String) {
            spec = Spec(token: token)
        }
    }

    package struct Answer: Decodable, Sendable {
        package struct Status: Decodable, Sendable {
            package var authenticated: Bool?
            package var user: User?
            package var error: String?
        }

        package struct User: Decodable, Sendable {
            package var username: String?
            package var uid: String?
            package var groups: [String]?
            package var extra: [String: [String]]?
        }

        package var apiVersion: String?
        package var kind: String?
        package var status: Status?
    }
}
