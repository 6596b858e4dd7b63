// SPDX-License-Identifier: Apache-2.0
@testable import CRI
import GRPCCore
import SwiftProtobuf
import Testing

private typealias Events = Containerd_Services_Events_V1_Events.Method

/// containerd's exchange: an event goes to who is subscribed at that moment, and nothing tells a subscriber that it is.
private actor Exchange {
    private var subscribers: [AsyncStream<Events.Subscribe.Output>.Continuation] = []
    private(set) var publications = 0
    private let subscribesAfter: Int
    private var late: AsyncStream<Events.Subscribe.Output>.Continuation?
    private var isOver = false

    /// - Parameter subscribesAfter: so many events are published before a subscription is in place.
    init(subscribesAfter: Int) { self.subscribesAfter = subscribesAfter }

    func subscribe() -> AsyncStream<Events.Subscribe.Output> {
        let (stream, continuation) = AsyncStream<Events.Subscribe.Output>.makeStream()
        if isOver { continuation.finish() }
        if publications >= subscribesAfter { subscribers.append(continuation) } else { late = continuation }
        return stream
    }

    func publish(_ envelope: Events.Subscribe.Output) {
        for subscriber in subscribers { subscriber.yield(envelope) }
        publications += 1
        if publications >= subscribesAfter, let late {
            subscribers.append(late)
            self.late = nil
        }
    }

    func end() {
        isOver = true
        subscribers.forEach { $0.finish() }
        late?.finish()
    }
}

/// Ends the subscriptions whatever comes of the test, or the runtime that has them never does.
private func ending<Value>(_ exchange: Exchange, _ body: () async throws -> Value) async throws -> Value {
    let result = await outcome(of: body)
    await exchange.end()
    return try result.get()
}

@Suite(.timeLimit(.minutes(2))) struct ContainerdEventTests {
    private func event(_ topic: String, _ container: String, seconds: Int64 = 1, nanos: Int32 = 5)
        -> Events.Subscribe.Output
    {
        .with {
            $0.topic = topic
            $0.namespace = "k8s.io"
            $0.timestamp.seconds = seconds
            $0.timestamp.nanos = nanos
            $0.event.typeURL = "containerd.events.TaskPaused"
            $0.event.value.containerID = container
        }
    }

    private func methods(_ exchange: Exchange, _ runtime: inout FakeRuntime) {
        runtime.on(Events.Publish.descriptor) { (request: Events.Publish.Input, metadata) in
            #expect(Array(metadata[stringValues: "containerd-namespace"]) == ["k8s.io"])
            await exchange.publish(.with { $0.topic = request.topic })
            return Events.Publish.Output()
        }
        runtime.onStream(Events.Subscribe.descriptor) {
            (request: Events.Subscribe.Input, send: (Events.Subscribe.Output) async throws -> Void) in
            #expect(
                request.filters == [
                    #"namespace=="k8s.io",topic~="^/tasks/""#, #"namespace=="k8s.io",topic=="/images/create""#,
                    #"namespace=="k8s.io",topic=="/nodekeep/subscribed""#,
                ])
            for await envelope in await exchange.subscribe() { try await send(envelope) }
        }
    }

    @Test func areAllThereOnceTheSubscriptionIs() async throws {
        let exchange = Exchange(subscribesAfter: 3)
        let received = Recorder<ContainerdTaskEvent>()
        try await withRuntime {
            methods(exchange, &$0)
        } _: {
            let client = $0
            try await ending(exchange) {
                try await client.containerdTaskEvents {
                    await exchange.publish(event("/tasks/paused", "c1"))
                    // Not of a container, of a time that no clock shows, and another proof.
                    await exchange.publish(event("/tasks/exit", ""))
                    await exchange.publish(event("/tasks/resumed", "c1", seconds: .max))
                    await exchange.publish(event(RuntimeClient.marker, ""))
                    await exchange.end()
                } _: {
                    received.append($0)
                }
            }
        }
        #expect(
            received.all == [
                ContainerdTaskEvent(topic: "/tasks/paused", containerID: "c1", timestamp: 1_000_000_005),
                ContainerdTaskEvent(topic: "/tasks/resumed", containerID: "c1", timestamp: 0),
            ])
        // Three that nobody heard, the one that came through, and those of the test.
        #expect(await exchange.publications >= 8)
    }

    @Test func failWhereTheSubscriptionCannotBeProved() async throws {
        let exchange = Exchange(subscribesAfter: 0)
        let error = try await withRuntime {
            $0.onStream(Events.Subscribe.descriptor) {
                (_: Events.Subscribe.Input, send: (Events.Subscribe.Output) async throws -> Void) in
                for await envelope in await exchange.subscribe() { try await send(envelope) }
            }
        } _: { client in
            try await ending(exchange) {
                await #expect(throws: RuntimeError.self) {
                    try await client.containerdTaskEvents(ready: {}) { _ in }
                }
            }
        }
        #expect(error?.code == .unimplemented)
    }
}
