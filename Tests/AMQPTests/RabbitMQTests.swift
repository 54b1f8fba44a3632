import AMQP
import Logging
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct RabbitMQTests {
    private let broker: TestBroker

    init() throws { broker = try TestBroker() }

    @Test(arguments: ["classic", "quorum"])
    func carriesEveryProperty(type: String) async throws {
        let queue = try await broker.makeQueue(type)
        var properties = MessageProperties(
            contentType: "application/json",
            headers: [
                "string": "é", "integer": -5, "double": .double(1.5), "boolean": true,
                "bytes": .bytes([0, 255]), "timestamp": .timestamp(1_700_000_000),
                "array": .array([1, "two", .null]), "table": .table(["a": .table(["b": 3])]),
                "null": .null,
            ], correlationID: "c", messageID: "m", userID: broker.settings.username)
        properties.contentEncoding = "utf-8"
        properties.priority = 3
        properties.replyTo = "r"
        properties.expiration = "60000"
        properties.timestamp = 1_700_000_001
        properties.type = "t"
        properties.appID = "a"
        let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
        let outcomes = try await broker.publish([
            OutgoingMessage(exchange: "", routingKey: queue, properties: properties, body: body),
            OutgoingMessage(
                exchange: "", routingKey: queue, properties: .init(persistent: false), body: []),
        ])
        #expect(outcomes == [.confirmed, .confirmed])
        let limits = ConsumerSettings(queue: queue, maximumBodySize: 300_000)
        let taken = try await withConsumer(broker.settings, limits, logger: broker.logger) {
            messages in
            var taken: [IncomingMessage] = []
            for try await batch in messages {
                taken += batch
                if taken.count == 2 { break }
            }
            messages.acknowledge(through: 2)
            return taken
        }
        #expect(taken.map(\.tag) == [1, 2])
        #expect(taken.map(\.routingKey) == [queue, queue])
        #expect(taken.first?.properties == properties)
        #expect(taken.first?.body == body)
        #expect(taken.last?.body == [])
        #expect(taken.map(\.redelivered) == [false, false])
    }

    @Test func aBodyOverTheLimitIsNotKept() async throws {
        let queue = try await broker.makeQueue()
        for size in [999, 1000, 1001, 400_000] {
            let body = [UInt8](repeating: 1, count: size)
            _ = try await broker.publish([.init(exchange: "", routingKey: queue, body: body)])
        }
        let limits = ConsumerSettings(queue: queue, maximumBodySize: 1000)
        try await withConsumer(broker.settings, limits, logger: broker.logger) { messages in
            var taken: [IncomingMessage] = []
            for try await batch in messages {
                taken += batch
                if taken.count == 4 { break }
            }
            #expect(taken.map(\.isOversize) == [false, false, true, true])
            #expect(taken.map(\.body.count) == [999, 1000, 0, 0])
            #expect(taken.map(\.bodySize) == [999, 1000, 1001, 400_000])
        }
    }

    @Test func twentyThousandMessagesMakeTheRoundTrip() async throws {
        let queue = try await broker.makeQueue("classic")
        let count = 20_000
        let settings = broker.settings
        let logger = broker.logger
        async let published = withPublisher(settings, logger: logger) { publisher in
            try await publisher.publish(
                (0..<count).map {
                    OutgoingMessage(
                        exchange: "", routingKey: queue, properties: .init(messageID: "\($0)"),
                        body: [UInt8](repeating: 7, count: 2048))
                })
        }
        let taken = try await broker.take(count, from: queue)
        #expect(try await published.allSatisfy { $0 == .confirmed })
        #expect(taken.map(\.properties.messageID) == (0..<count).map { "\($0)" })
        #expect(taken.map(\.tag) == (1...UInt64(count)).map { $0 })
    }

    @Test func namesTheArgumentThatDiffers() async throws {
        let queue = try await broker.makeQueue("quorum", ["x-delivery-limit": 3])
        let exchange = "amqp-test-topic"
        func wanted(_ limit: HeaderValue, _ type: String) -> Topology {
            Topology(
                exchanges: [ExchangeDeclaration(name: exchange, type: type)],
                queues: [
                    QueueDeclaration(
                        name: queue,
                        arguments: [
                            "x-queue-type": "quorum", "x-expires": 60_000,
                            "x-delivery-limit": limit,
                        ]),
                    QueueDeclaration(name: "amqp-test-absent"),
                ], bindings: [])
        }
        try await Topology(exchanges: [ExchangeDeclaration(name: exchange)])
            .declare(on: broker.settings, logger: broker.logger)
        await #expect(
            throws: AMQPError.topologyMismatch(
                object: "queue '\(queue)'", argument: "x-delivery-limit", wanted: "5", found: "3")
        ) {
            try await wanted(5, "topic").declare(on: broker.settings, logger: broker.logger)
        }
        let same = try await wanted(3, "topic").differences(on: broker.settings, logger: broker.logger)
        #expect(same == [.missing(object: "queue 'amqp-test-absent'")])
        let differs = try await wanted(5, "direct").differences(
            on: broker.settings, logger: broker.logger)
        #expect(differs.count == 3)
        #expect(
            differs.first
                == .differs(
                    object: "exchange '\(exchange)'", argument: "type", wanted: "direct",
                    found: "topic"))
    }

    @Test func anUnroutableMessageIsReturned() async throws {
        let queue = try await broker.makeQueue()
        let outcomes = try await broker.publish([
            .init(exchange: "", routingKey: queue, body: [1]),
            .init(exchange: "", routingKey: "amqp-test-nowhere", body: [2]),
            .init(exchange: "", routingKey: queue, body: [3]),
            .init(exchange: "", routingKey: "amqp-test-nowhere", body: [], mandatory: false),
        ])
        #expect(
            outcomes == [
                .confirmed, .returned(code: 312, reason: "NO_ROUTE"), .confirmed, .confirmed,
            ])
    }

    @Test func aFullQueueNacks() async throws {
        let queue = try await broker.makeQueue(
            "classic", ["x-max-length": 1, "x-overflow": "reject-publish"])
        let message = OutgoingMessage(exchange: "", routingKey: queue, body: [1])
        #expect(try await broker.publish([message]) == [.confirmed])
        #expect(try await broker.publish([message]) == [.nacked])
    }

    @Test func aRequeuedMessageIsRedelivered() async throws {
        let queue = try await broker.makeQueue()
        try await broker.fill(queue, 3)
        try await withConsumer(broker.settings, .init(queue: queue), logger: broker.logger) {
            messages in
            var seen: [(UInt64, Bool)] = []
            for try await batch in messages {
                for message in batch {
                    seen.append((message.tag, message.redelivered))
                    if message.tag == 2 || message.tag == 3 {
                        messages.reject(message.tag, requeue: message.tag == 3)
                    }
                }
                messages.acknowledge(through: batch[batch.count - 1].tag)
                if seen.count == 4 { break }
            }
            #expect(seen.map(\.0) == [1, 2, 3, 4])
            #expect(seen.map(\.1) == [false, false, false, true])
        }
    }
}
