// SPDX-License-Identifier: Apache-2.0

import Gate
import Glibc

/// Certificates and keys, made with `openssl` once for all tests and removed at their end.
final class Certificates: Sendable {
    /// The identity of the main listener: from the tests' authority, for localhost and 127.0.0.1; asks for certificates.
    let server: ServerIdentity
    /// Another one from the same authority, with the common name `second`.
    let second: ServerIdentity
    private let directory: String

    /// The first with more than a connection's buffers hold: certificates and names of authorities that say nothing.
    var large: ServerIdentity {
        get throws {
            var identity = server
            identity.certificateChain += try (1...3).map { try bytes("large\($0).der") }
            identity.clientAuthorityNames = (0..<256).map { Self.name("\($0) " + String(repeating: "x", count: 100)) }
            return identity
        }
    }

    private static let made = Result { try Certificates() }

    static func shared() throws -> Certificates { try made.get() }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// A file in DER or any other form, as it is.
    func bytes(_ name: String) throws -> [UInt8] { try readBytes(path(name)) }

    /// The words that make `openssl s_client` show this certificate.
    func showing(_ name: String, key: String? = nil) -> [String] {
        ["-cert", path("\(name).pem"), "-key", path("\(key ?? name).key")]
    }

    /// The X.501 name `CN=…` in DER.
    static func name(_ common: String) -> [UInt8] {
        func der(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] { [tag, UInt8(content.count)] + content }
        let attribute = der(0x06, [0x55, 0x04, 0x03]) + der(0x0C, [UInt8](common.utf8))
        return der(0x30, der(0x31, der(0x30, attribute)))
    }

    private init() throws {
        directory = "/tmp/nodekeep-web-\(getpid())-certificates"
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw TestFailure("mkdir \(directory)") }
        atexit { _ = try? run(["rm", "-r", "-f", "/tmp/nodekeep-web-\(getpid())-certificates"]) }
        let (status, output) = try run(["sh", "-e", "-c", Self.script, "sh", directory])
        guard status == 0 else { throw TestFailure("openssl: \(output)") }
        func identity(_ name: String, in directory: String) throws -> ServerIdentity {
            ServerIdentity(
                certificateChain: [try readBytes("\(directory)/\(name).der")],
                privateKey: try readBytes("\(directory)/\(name).p8"), clientAuthorityNames: [],
                requestsClientCertificate: true)
        }
        server = try identity("server", in: directory)
        second = try identity("second", in: directory)

        // The victim's certificate with the thief's key: openssl compares the public keys alone.
        let point = try readBytes("\(directory)/client.sec1").suffix(65)
        let key = try readBytes("\(directory)/thief.sec1").dropLast(65)
        try writeBytes([UInt8](key) + point, "\(directory)/forged.key")
    }

    private static let script = """
        cd "$1"
        own() { # NAME COMMON-NAME OPTION...: signed by itself
            name=$1; common=$2; shift 2
            openssl req -x509 -nodes -keyout $name.key -out $name.pem -days 3650 -subj "/O=tests/CN=$common" "$@" 2>/dev/null
        }
        ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256"
        der() { openssl x509 -in $1.pem -outform DER -out $1.der; }
        p8() { openssl pkcs8 -topk8 -nocrypt -in $1.key -outform DER -out $1.p8; }
        own authority authority $ec
        by="-CA authority.pem -CAkey authority.key"
        for name in server second; do
            own $name $name $ec $by -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext extendedKeyUsage=serverAuth
            der $name; p8 $name
        done
        own client client $ec $by -addext extendedKeyUsage=clientAuth
        own stranger stranger $ec
        own thief thief $ec
        own rsa rsa -newkey rsa:2048
        own exponent exponent -newkey rsa:2048 -pkeyopt rsa_keygen_pubexp:604462909807314587353111
        own ed25519 ed25519 -newkey ed25519
        for name in client stranger rsa ed25519 authority; do der $name; done
        for name in client thief; do openssl ec -in $name.key -outform DER -out $name.sec1 2>/dev/null; done
        for number in 1 2 3 4 5 6 7 8; do own link$number link$number $ec; der link$number; done
        cat link1.pem link2.pem link3.pem link4.pem link5.pem link6.pem link7.pem > chain8.pem
        cat chain8.pem link8.pem > chain9.pem
        comment=$(head -c 16500 /dev/zero | tr '\\0' x)
        for number in 1 2 3 4; do own large$number large$number $ec -addext nsComment=$comment; der large$number; done
        cat large2.pem > chain33k.pem
        cat large2.pem large3.pem large4.pem > chain66k.pem
        """
}
