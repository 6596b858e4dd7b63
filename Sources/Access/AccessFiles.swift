// SPDX-License-Identifier: Apache-2.0
internal import NodeStatus

/// What the files say at one time.
struct AccessMaterial: Sendable {
    var certificates: ClientCertificates?
    var nodekeepTokens: TokenList?
    var staticTokens: StaticTokens?
    var policy: Policy?
}

/// Something to tell the operator.
package struct AccessNotice: Equatable, Sendable, CustomStringConvertible {
    /// Something is wrong; otherwise it is only good to know.
    package let isProblem: Bool
    package let description: String
    package var topic = Topic.accessFile

    /// What it is about.
    package enum Topic: Sendable {
        /// A file that says who gets in.
        case accessFile
        case servingCertificate
        case expiry
    }
}

/// What has come of looking at the files.
package struct AccessRefresh: Equatable, Sendable {
    /// Somebody may have lost or gained access: whatever was granted before must be asked for again.
    package var isChanged = false
    package var notices: [AccessNotice] = []

    package init() {}
}

/// All files that decide who gets in.
struct AccessFiles: Sendable {
    private var authorities: FollowedFile<CertificateAuthorities>?
    private var nodekeepTokens: FollowedFile<TokenList>?
    private var staticTokens: FollowedFile<StaticTokens>?
    private var policy: FollowedFile<Policy>?
    private(set) var material = AccessMaterial()

    init(_ configuration: AccessConfiguration) {
        let secret = FileProtection.secret(owner: configuration.tokenFileOwner)
        authorities = configuration.clientCAFile.map { path in
            FollowedFile(path, .trusted, limit: CertificateAuthorities.maximumBytes) {
                bytes, file throws(AccessProblems) in try CertificateAuthorities(bytes, file: file)
            }
        }
        nodekeepTokens = configuration.nodekeepTokenFile.map { path in
            FollowedFile(path, secret, limit: TokenList.maximumBytes, missing: .empty) {
                bytes, file throws(AccessProblems) in try TokenList(bytes, file: file)
            }
        }
        staticTokens = configuration.staticTokenFile.map { path in
            FollowedFile(path, secret, limit: StaticTokens.maximumBytes) {
                bytes, file throws(AccessProblems) in try StaticTokens(bytes, file: file)
            }
        }
        if configuration.mode == .policy {
            policy = configuration.policyFile.map { path in
                FollowedFile(path, .trusted, limit: Policy.maximumBytes) {
                    bytes, file throws(AccessProblems) in try Policy.parse(bytes, file: file)
                }
            }
        }
    }

    /// - Returns: beside the outcome, the problems apart, for whoever cannot go on with what was there before.
    mutating func refresh(date: Timestamp) -> (refresh: AccessRefresh, problems: [AccessProblem]) {
        var result = AccessRefresh()
        var problems: [AccessProblem] = []
        if let (file, isNew) = Self.look(&authorities, "authorities of clients", date, &result, &problems), isNew {
            material.certificates = ClientCertificates(file)
            let path = authorities?.path ?? ""
            result.notices += file.outdated(at: date).map {
                AccessNotice(isProblem: true, description: "\(path): \($0)")
            }
        }
        if let (file, isNew) = Self.look(&nodekeepTokens, "tokens", date, &result, &problems), isNew {
            material.nodekeepTokens = file
        }
        if let (file, isNew) = Self.look(&staticTokens, "static tokens", date, &result, &problems), isNew {
            material.staticTokens = file
        }
        if let (file, isNew) = Self.look(&policy, "policy rules", date, &result, &problems), isNew {
            material.policy = file
        }
        return (result, problems)
    }

    private static func look<Value: Counted>(
        _ file: inout FollowedFile<Value>?, _ what: String, _ date: Timestamp, _ result: inout AccessRefresh,
        _ problems: inout [AccessProblem]
    ) -> (value: Value, isNew: Bool)? {
        guard file != nil, let change = file?.look(date: date), let path = file?.path else { return nil }
        var isNew = false
        switch change {
        case .none: break
        case .replaced:
            isNew = true
            result.isChanged = true
            let count = file?.value?.count ?? 0
            result.notices.append(AccessNotice(isProblem: false, description: "\(path): read; \(what): \(count)"))
        case .recovered:
            let text = "\(path): it is in order again, and as it was before"
            result.notices.append(AccessNotice(isProblem: false, description: text))
        case .broken(let found):
            problems += found.all
            let stays = file?.value == nil ? "" : "; what was read before stays in force"
            result.notices += found.all.map { AccessNotice(isProblem: true, description: "\($0)\(stays)") }
        }
        return file?.value.map { ($0, isNew) }
    }
}

/// A file's content, for the log.
protocol Counted: Sendable {
    var count: Int { get }
}

extension CertificateAuthorities: Counted {
    var count: Int { certificates.count }
}

extension TokenList: Counted {
    var count: Int { records.count }
}

extension StaticTokens: Counted {}

extension Policy: Counted {
    var count: Int { rules.count }
}
