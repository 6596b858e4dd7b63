// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

extension KubeClient {
    /// How far a request has come: what there is to say when its time is over.
    final class Progress: Sendable {
        struct State {
            var phase = "before a connection was there"
            var address: String?
            var addresses: [String] = []
            /// Nothing has come back yet.
            var isUnanswered = true
            /// A failure that was only to be looked into.
            var failure: KubeError?
        }

        let state = Mutex(State())
    }

    package func send(_ request: KubeRequest) async throws(KubeError) -> KubeAnswer {
        let call = CallName(request, connection.server)
        guard let target = request.target else {
            throw KubeError(.invalidRequest, "\(call): not a path that may be asked for")
        }
        if let kind = enter() {
            let why =
                kind == .closed ? "the client has been shut down" : "\(options.maximumRequests) requests are under way"
            throw KubeError(kind, "\(call): not sent, \(why)")
        }
        defer { leave() }
        let timeout = request.timeout ?? options.timeout
        let progress = Progress()
        // The library's own deadline ends with the head of the answer (Transaction.StateMachine.deadlineExceeded), and
        // an answer may drip for ever; so the time is kept here, and the call is cancelled, which closes its connection.
        let result = await withTaskGroup(of: Result<KubeAnswer, KubeError>?.self) { group in
            group.addTask { await self.attempt(request, target, call, timeout, progress) }
            group.addTask {
                try? await self.clock.sleep(timeout)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        if let result { return try result.get() }
        if Task.isCancelled { throw KubeError(.cancelled, "\(call): given up") }
        throw overtime(call, timeout, progress)
    }

    func overtime(_ call: CallName, _ timeout: Duration, _ progress: Progress) -> KubeError {
        let state = progress.state.withLock { $0 }
        if let failure = state.failure { return failure }
        // It may be the address: the next request tries another one.
        if state.isUnanswered, let address = state.address { pass(over: address, in: state.addresses) }
        return KubeError(.timeout, "\(call): not over after \(timeout), \(state.phase)")
    }

    /// With the credentials there are, and once more if a 401 shows that there are others by now.
    private func attempt(
        _ request: KubeRequest, _ target: String, _ call: CallName, _ timeout: Duration, _ progress: Progress
    ) async -> Result<KubeAnswer, KubeError> {
        let current = await credentials.current()
        let result = await attempt(request, target, call, timeout, progress, current)
        guard case .failure(let error) = result, error.httpStatus == 401 else { return result }
        await credentials.refresh(within: .seconds(2))
        let other = credentials.latest
        guard other.revision != current.revision, !Task.isCancelled else { return result }
        return await attempt(request, target, call, timeout, progress, other)
    }

    /// At one address after the other, until one takes the connection.
    private func attempt(
        _ request: KubeRequest, _ target: String, _ call: CallName, _ timeout: Duration, _ progress: Progress,
        _ current: CredentialStore.Current
    ) async -> Result<KubeAnswer, KubeError> {
        guard let resolver else {
            return await exchange(request, target, call, timeout, progress, current, address: nil)
        }
        progress.state.withLock { $0.phase = "while the name was looked up" }
        let addresses: [String]
        switch await resolver.addresses() {
        case .success(let found): addresses = ordered(found)
        case .failure(let failure):
            let name = connection.proxy?.host ?? connection.server.host
            return .failure(
                KubeError(.nameResolution, "\(call): no address for \(name): \(ForeignText.line(failure.reason))"))
        }
        progress.state.withLock { $0.addresses = addresses }
        var last: Result<KubeAnswer, KubeError>?
        for address in addresses {
            progress.state.withLock { $0.address = address }
            let result = await exchange(request, target, call, timeout, progress, current, address: address)
            guard case .failure(let error) = result, error.kind == .connect, !Task.isCancelled else {
                if case .failure(let error) = result, error.httpStatus == nil { return result }
                stay(with: address)
                return result
            }
            pass(over: address, in: addresses)
            last = result
        }
        return last ?? .failure(KubeError(.nameResolution, "\(call): no address"))
    }
}

/// `PUT https://10.0.0.1:6443/apis/…`, for messages: without the query.
struct CallName: CustomStringConvertible {
    let description: String

    init(_ request: KubeRequest, _ server: ServerAddress) {
        description = "\(request.method.rawValue) \(server)\(ForeignText.line(request.path, limit: 512))"
    }
}
