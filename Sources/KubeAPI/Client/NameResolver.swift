// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import Synchronization

/// Addresses of one host. The system's resolver may hang for minutes, so one call is under way at most; and a name
/// that was known once stays known while it cannot be resolved, so a dead name server does not cut off a node
/// whose API server is where it was.
final class NameResolver: Sendable {
    struct Failure: Error, Equatable, Sendable {
        let reason: String
    }

    /// In the order in which they are to be tried; never empty.
    typealias Lookup = @Sendable (String) -> Result<[String], Failure>

    /// No longer than a name server's own answer is usually good for.
    private static let lifetime = Duration.seconds(60)
    /// After a failure while old addresses are there.
    private static let pauseAfterFailure = Duration.seconds(5)
    /// With old addresses at hand the resolver is not waited for any longer.
    private static let patience = Duration.seconds(1)
    private static let maximumAddresses = 16

    private struct State {
        var addresses: [String] = []
        /// When they are to be asked for again.
        var goodUntil = Duration.zero
    }

    private let host: String
    private let clock: KubeClock
    private let lookUp: Lookup
    private let call = SharedCall<Result<[String], Failure>>(name: "kube-resolver")
    private let state = Mutex(State())

    init(host: String, clock: KubeClock, lookUp: @escaping Lookup) {
        self.host = host
        self.clock = clock
        self.lookUp = lookUp
    }

    /// Waits for as long as the resolver takes when nothing is known yet; the caller's deadline ends it by cancelling.
    func addresses() async -> Result<[String], Failure> {
        let (known, isDue) = state.withLock { ($0.addresses, clock.now() >= $0.goodUntil) }
        if !known.isEmpty, !isDue || call.isUnderWay { return .success(known) }
        let host = host
        let lookUp = lookUp
        let limit = known.isEmpty ? Duration.seconds(3_600) : Self.patience
        // The answer is kept where it arrives: who asked may be gone by then.
        let answer = await call.run(within: limit, clock) {
            let answer = lookUp(host)
            self.keep(answer)
            return answer
        }
        switch answer {
        case .success(let addresses)? where !addresses.isEmpty: return .success(addresses)
        case .failure(let failure)? where known.isEmpty: return .failure(failure)
        default: return known.isEmpty ? .failure(Failure(reason: "the resolver gives no answer")) : .success(known)
        }
    }

    private func keep(_ answer: Result<[String], Failure>) {
        let now = clock.now()
        state.withLock { state in
            switch answer {
            case .success(let addresses) where !addresses.isEmpty:
                state.addresses = Array(addresses.prefix(Self.maximumAddresses))
                state.goodUntil = now + Self.lifetime
            default: state.goodUntil = now + Self.pauseAfterFailure
            }
        }
    }

    /// getaddrinfo(3), numeric, in its order (RFC 6724). Blocks.
    static func system(_ host: String) -> Result<[String], Failure> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            let reason = code == EAI_SYSTEM ? String(cString: strerror(errno)) : String(cString: gai_strerror(code))
            return .failure(Failure(reason: reason))
        }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var next = list
        while let entry = next {
            var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let length = socklen_t(buffer.count)
            if getnameinfo(entry.pointee.ai_addr, entry.pointee.ai_addrlen, &buffer, length, nil, 0, NI_NUMERICHOST)
                == 0
            {
                let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                if !addresses.contains(text) { addresses.append(text) }
            }
            next = entry.pointee.ai_next
        }
        return addresses.isEmpty ? .failure(Failure(reason: "the name has no address")) : .success(addresses)
    }
}
