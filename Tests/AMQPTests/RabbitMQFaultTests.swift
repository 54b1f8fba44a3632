import AMQP
import Glibc
import Logging
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct RabbitMQFaultTests {
    private let broker: TestBroker

    init() throws { broker = try TestBroker() }

    @Test func aMissingQueueIsNamed() async throws {
        await #expect(throws: AMQPError.queueMissing("amqp-test-absent")) {
            _ = try await broker.take(1, from: "amqp-test-absent")
        }
    }

    @Test func aWrongPasswordIsNotShown() async throws {
        var settings = broker.settings
        settings.password = "sesame"
        let error = await #expect(throws: AMQPError.self) {
            try await probe(settings, logger: broker.logger)
        }
        guard case .loginRefused = error else { throw error ?? .cancelled }
        #expect(!"\(String(describing: error))".contains("sesame"))
        try await probe(broker.settings, logger: broker.logger)
    }

    @Test func triesEachAddress() async throws {
        var settings = broker.settings
        settings.addresses.insert(BrokerAddress(host: "127.0.0.1", port: 1), at: 0)
        try await probe(settings, logger: broker.logger)
        settings.addresses.removeLast()
        let error = await #expect(throws: AMQPError.self) {
            try await probe(settings, logger: broker.logger)
        }
        guard case .connectFailed("127.0.0.1:1", _) = error else { throw error ?? .cancelled }
    }

    @Test func aDeletedQueueIsNoticed() async throws {
        let queue = try await broker.makeQueue()
        try await broker.fill(queue, 1)
        await #expect(throws: AMQPError.consumerCancelled(queue: queue)) {
            try await withConsumer(broker.settings, .init(queue: queue), logger: broker.logger) {
                for try await _ in $0 { shell("\(ctl) delete_queue \(queue)") }
            }
        }
    }

    @Test func aKilledConnectionIsNoticed() async throws {
        let queue = try await broker.makeQueue()
        try await broker.fill(queue, 1)
        var settings = broker.settings
        settings.connectionName = queue  // To close this one only.
        let error = await #expect(throws: AMQPError.self) {
            try await withConsumer(settings, .init(queue: queue), logger: broker.logger) {
                for try await _ in $0 { closeConnection(queue) }
            }
        }
        guard case .connectionLost = error else { throw error ?? .cancelled }
        // The broker redelivers unacknowledged messages.
        #expect(try await broker.take(1, from: queue).map(\.redelivered) == [true])
    }

    @Test func anUnknownExchangeEndsThePublisher() async throws {
        let error = await #expect(throws: AMQPError.self) {
            try await broker.publish([.init(exchange: "amqp-test-absent", routingKey: "", body: [])]
            )
        }
        guard case .channelClosed(404, _) = error else { throw error ?? .cancelled }
    }

    @Test func cancellingLeavesTheRestToTheNext() async throws {
        let queue = try await broker.makeQueue()
        try await broker.fill(queue, 10)
        let settings = broker.settings
        let logger = broker.logger
        let (arrived, arrival) = AsyncStream<Void>.makeStream()
        let consumer = Task {
            try await withConsumer(settings, .init(queue: queue), logger: logger) { messages in
                var count = 0
                for try await batch in messages {
                    count += batch.count
                    if count >= 10 {
                        messages.acknowledge(through: 4)
                        arrival.yield()
                    }
                }
                return count
            }
        }
        for await _ in arrived { break }
        consumer.cancel()
        #expect(try await consumer.value == 10)
        let rest = try await broker.take(6, from: queue)
        #expect(
            rest.map(\.properties.messageID).sorted { $0 ?? "" < $1 ?? "" }
                == ["4", "5", "6", "7", "8", "9"])
    }

    /// A resolver or a host that does not answer must not block the caller.
    @Test func connectingCanBeCancelled() async throws {
        var settings = broker.settings
        settings.addresses = [BrokerAddress(host: "192.0.2.1", port: 5672)]
        settings.connectTimeout = .seconds(20)
        let fixed = settings
        let logger = broker.logger
        let task = Task { try await probe(fixed, logger: logger) }
        try await Task.sleep(for: .milliseconds(50))
        let start = ContinuousClock.now
        task.cancel()
        _ = await task.result
        #expect(ContinuousClock.now - start < .seconds(2))
    }

    /// The command that runs `rabbitmqctl` for the broker's node, from KENTONGAN_TEST_RABBITMQCTL.
    private let ctl =
        getenv("KENTONGAN_TEST_RABBITMQCTL").map { String(cString: $0) } ?? "rabbitmqctl -q"

    private func closeConnection(_ name: String) {
        let find = "\(ctl) list_connections pid client_properties | grep \(name) | cut -f1"
        shell("\(ctl) close_connection \"$(\(find))\" test")
    }

    private func shell(_ command: String) {
        let status = system("\(command) >&2")
        #expect(status == 0, "set KENTONGAN_TEST_RABBITMQCTL to a rabbitmqctl for the broker")
    }
}
