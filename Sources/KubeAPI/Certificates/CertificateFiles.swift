// SPDX-License-Identifier: Apache-2.0
internal import Crypto
internal import Glibc

/// What is kept of a client certificate on the disk. Everything here blocks.
struct CertificateFiles: Sendable {
    /// Absolute; made if it is not there.
    let directory: String
    /// The kubeconfig that uses the certificate.
    let kubeconfig: String

    /// Certificates and key in one file, so that they are replaced together.
    var certificate: String { directory + "/client-current.pem" }
    /// The key of a request that is not over: the same one for each try, or each would leave a request in the cluster.
    var pendingKey: String { directory + "/client-pending.key" }

    /// Nil: there is none.
    func pair() throws(CertificateFailure) -> ClientCertificatePair? {
        let bytes: [UInt8]
        do throws(PrivateFile.Problem) {
            bytes = try PrivateFile.read(certificate)
        } catch {
            if error.isMissing { return nil }
            throw .file(error.reason)
        }
        do throws(CertificateProblem) {
            return try ClientCertificatePair(file: bytes)
        } catch {
            throw .file("\(ForeignText.line(certificate)): \(error)")
        }
    }

    /// The one of the try before, or a new one.
    func key() throws(CertificateFailure) -> P256.Signing.PrivateKey {
        do throws(PrivateFile.Problem) {
            let text = String(decoding: try PrivateFile.read(pendingKey), as: UTF8.self)
            if let key = try? P256.Signing.PrivateKey(pemRepresentation: text) { return key }
        } catch {
            // One that is broken, or that others may have read, is not worth keeping.
        }
        let key = P256.Signing.PrivateKey()
        do throws(PrivateFile.Problem) {
            try PrivateFile.makeDirectory(directory)
            try PrivateFile.write(Array((key.pemRepresentation + "\n").utf8), to: pendingKey)
        } catch {
            throw .file(error.reason)
        }
        return key
    }

    func dropKey() {
        PrivateFile.remove(pendingKey)
    }

    func install(_ pair: ClientCertificatePair) throws(CertificateFailure) {
        do throws(PrivateFile.Problem) {
            try PrivateFile.write(pair.file, to: certificate)
        } catch {
            throw .file(error.reason)
        }
        dropKey()
    }

    /// What the kubeconfig says; nil: there is none.
    func connection() throws(CertificateFailure) -> KubeConnection? {
        if access(kubeconfig, F_OK) != 0, errno == ENOENT { return nil }
        let connection: KubeConnection
        do throws(KubeconfigProblem) {
            connection = try Kubeconfig.load(kubeconfig)
        } catch {
            throw .file(error.description)
        }
        // Otherwise what is renewed would not be used, and the file is not ours to write.
        guard connection.clientCertificate?.chain.path == certificate,
            connection.clientCertificate?.key.path == certificate
        else {
            throw .file(
                "\(connection.origin): client-certificate and client-key must be \(ForeignText.line(certificate)), which "
                    + "is the file that is renewed; or take the file away and give a bootstrap kubeconfig")
        }
        return connection
    }

    /// - Parameter bootstrap: Whose server the node joins.
    func writeKubeconfig(for bootstrap: KubeConnection) throws(CertificateFailure) {
        do throws(PrivateFile.Problem) {
            try PrivateFile.write(bootstrap.kubeconfig(certificate: certificate), to: kubeconfig)
        } catch {
            throw .file(error.reason)
        }
    }
}
