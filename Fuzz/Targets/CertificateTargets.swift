// SPDX-License-Identifier: Apache-2.0
import NodeStatus

@testable import Access
@testable import KubeAPI

extension FuzzTarget {
    /// The chain that a client has shown, each certificate with its length in two bytes before it.
    static let certificates = FuzzTarget(name: "certificates", maximumLength: 4_096) { bytes in
        var pieces = Pieces(bytes)
        var chain: [[UInt8]] = []
        while !pieces.isEmpty, chain.count < 10 { chain.append(pieces.blob()) }
        checkClient(chain)

        let fault = ServerCertificate.fault(
            ofChain: chain, authorities: FixtureAuthority.certificates, authoritiesName: "certificate-authority",
            name: "server", date: date)
        if let fault { checkLine(fault) }
    }

    private static func checkClient(_ chain: [[UInt8]]) {
        // A new one each time: what it remembers is of no interest here.
        let clients = ClientCertificates(FixtureAuthority.parsed)
        let outcome = waiting { await clients.verify(chain, now: .seconds(1_000), date: date) }
        check(clients.cached(chain, now: .seconds(1_001), date: date) == outcome, "what is remembered is the same")
        switch outcome {
        case .refused(let reason): checkLine(reason)
        case .noOpinion: break
        case .identity(let identity, let notAfter):
            // The authority's key is lost, so it has signed no others than these.
            check(["alice", "below", "bob", "pss"].contains(identity.name), "\(identity) was never signed")
            check(identity.method == .x509 && notAfter >= date, "a certificate that is valid")
        }
    }

    /// A bundle of authorities, and a pair of certificate and key, as PEM.
    static let pem = FuzzTarget(name: "pem", maximumLength: 8_192) { bytes in
        do throws(AccessProblems) {
            let authorities = try CertificateAuthorities(bytes, file: "/ca.pem")
            check(!authorities.certificates.isEmpty, "a bundle without a certificate is an error")
            check(authorities.names.count <= authorities.certificates.count, "each name once")
            for line in authorities.outdated(at: date) { checkLine(line) }
        } catch {
            for problem in error.all { checkLine(problem.description) }
        }
        do throws(AccessProblems) {
            let pair = try ServingPair(certificate: bytes, certificateFile: "/tls.crt", key: bytes, keyFile: "/tls.key")
            check(!pair.certificateChain.isEmpty && !pair.privateKey.isEmpty, "a pair has both")
        } catch {
            for problem in error.all { checkLine(problem.description) }
        }
    }
}

/// When all certificates of the tests' fixtures are valid.
private let date = Timestamp(seconds: 1_893_456_000)

private enum FixtureAuthority {
    static let parsed: CertificateAuthorities = {
        guard let parsed = try? CertificateAuthorities(Array(text.utf8), file: "ca.pem") else {
            fatalError("the authority below cannot be read")
        }
        return parsed
    }()

    static let certificates: [[UInt8]] = {
        let blocks = try? PEM.certificates(Array(text.utf8), file: "ca.pem", limit: 1)
        return blocks?.map(\.der) ?? []
    }()

    /// Tests/AccessTests/Fixtures/ca.pem.
    private static let text = """
        -----BEGIN CERTIFICATE-----
        MIIC/DCCAeSgAwIBAgIUMHh0vhUQnRufB6eVFataRqachuQwDQYJKoZIhvcNAQEL
        BQAwFTETMBEGA1UEAwwKZml4dHVyZS1jYTAgFw0yNjExMjEwOTI5MDFaGA8yMTI2
        MTAyODA5MjkwMVowFTETMBEGA1UEAwwKZml4dHVyZS1jYTCCASIwDQYJKoZIhvcN
        AQEBBQADggEPADCCAQoCggEBALN7GysMX+v1PWeYdpI00ezJnlx8ycAmW5uQjebx
        YuNXx1zlZeqOMdxOeus5hRtOSdur6drmnzeroXXXZ0y3+4D7xad0TjWJDJsvdbWb
        H0cqIsECUVe1RTPo1T39DAZ2RUSWQqItnE3sGfQwAvATz370bXOesz4V0CV+V09g
        GX70hZTa/6TghhlgFDbNDyvCEGUFbm/HaYy8zoFm98/jnVxdaLQWJuVaJZpIu2wb
        s/NTa1iXOeHXwzeJgPZyi4bzkoL4JhX/otQNRTCVgQiTVctMuRN6T064OYge0s12
        3Z4DvE6hduQtRs+9IBeF0Yo5ok+8pc8sPNl0o3A8SoAXc/kCAwEAAaNCMEAwDwYD
        VR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFCstqrvBN9ES
        c153ezYxoATsdnqKMA0GCSqGSIb3DQEBCwUAA4IBAQAzzyfWOSmI/DRCotUl9+rd
        O0GuPhjyQB2vvMU2Ys5hKob68htuMsXg5JS56iIZW0lnXQgok1NqGHGuxBNEXRnP
        76dB0p+sMzHBC2IksER76TfyJqNgsySECddbdgb20sykoupNB+vEyK/Wq//jvgLO
        v5lFX0Pbw86NhLRlsciiyo9fhpc57UTAOjhvD+Awmq9jlq+7bp3aIRbmDbECoyt8
        5ICuxg5uJLc8nC3xuwDEZ+kB2o8zvln0aLZbRPmnmEFZRByt5+l9vr8CRrHxfzp4
        Tq8cHfT7iov061qNh91M2Dzeqlo/nul1eYuXCLNRYoKDeeZI/kyXYlpHnQOxN3ks
        -----END CERTIFICATE-----
        """
}
