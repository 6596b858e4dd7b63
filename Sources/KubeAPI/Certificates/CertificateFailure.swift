// SPDX-License-Identifier: Apache-2.0

/// Why there is no new certificate. The description is one line for an operator.
enum CertificateFailure: Error, Equatable, CustomStringConvertible {
    /// A call went wrong.
    case call(KubeError)
    /// Somebody said no.
    case denied(request: String, words: String)
    /// The signer said that it will not.
    case failed(request: String, words: String)
    /// Nobody decided in time.
    case undecided(request: String, after: Duration, last: String?)
    /// It was deleted before it was decided.
    case gone(request: String)
    /// A request of this name is there, and it is not ours.
    case foreign(request: String)
    /// What was issued is of no use.
    case unusable(request: String, CertificateProblem)
    /// A file, here.
    case file(String)
    case cancelled

    var description: String {
        switch self {
        case .call(let error): error.description
        case .denied(let request, let words):
            "the certificate signing request \(request) was denied (\(words)); delete it when that has been set right, "
                + "and it is made again"
        case .failed(let request, let words):
            "the signer will not sign the certificate signing request \(request) (\(words)); delete it when that has "
                + "been set right, and it is made again"
        case .undecided(let request, let time, let last):
            "the certificate signing request \(request) was neither approved and signed nor denied in \(time)"
                + (last.map { ", and the last look at it failed: \($0)" }
                    ?? ": kubectl certificate approve \(request), if nothing in the cluster approves it")
        case .gone(let request): "the certificate signing request \(request) was deleted before it was decided"
        case .foreign(let request):
            "there is a certificate signing request \(request) that was not made with our key or not for our signer"
        case .unusable(let request, let problem):
            "what was issued for the certificate signing request \(request) is of no use: \(problem)"
        case .file(let text): text
        case .cancelled: "given up"
        }
    }

    /// The same again would bring the same until somebody does something.
    var isForPeople: Bool {
        switch self {
        case .denied, .failed, .foreign, .unusable: true
        case .call(let error):
            switch error.httpStatus {
            case 400?, 401?, 403?, 404?, 405?, 422?: true
            default: false
            }
        case .undecided, .gone, .file, .cancelled: false
        }
    }

    /// With this key nothing will come of it: the next request is made with another one.
    var spoilsKey: Bool {
        switch self {
        case .foreign, .unusable: true
        default: false
        }
    }

    var retryAfter: Duration? {
        if case .call(let error) = self { error.retryAfter } else { nil }
    }
}
