import AMQP
import Glibc
import Logging
import Testing

/// The RabbitMQ server of these tests. Without one they fail: nobody notices a skipped test.
struct TestBroker {
    let settings: BrokerSettings
    let logger = Logger(label: "amqp-tests")

    init() throws {
        guard let url = getenv("KENTONGAN_TEST_AMQP_URL").map({ String(cString: $0) }) else {
            throw Missing()
        }
        settings = try BrokerSettings(url: url)
    }

    private struct Missing: Error, CustomStringConvertible {
        var description: String {
            """
            KENTONGAN_TEST_AMQP_URL is not set. Start a RabbitMQ, for instance with \
            `docker run --rm -p 5672:5672 rabbitmq:3` or Debian's rabbitmq-server, and set it to \
            amqp://guest:guest@localhost:5672/
            """
        }
    }

    /// Declares a queue for one test. The broker deletes it after a minute without use.
    func makeQueue(
        _ type: String = "quorum", _ more: [String: HeaderValue] = [:]
    ) async throws -> String {
        let name = "amqp-test-\(UInt64.random(in: 0 ... .max))"
        var arguments: [String: HeaderValue] = ["x-queue-type": .string(type), "x-expires": 60_000]
        arguments.merge(more) { $1 }
        try await Topology(queues: [QueueDeclaration(name: name, arguments: arguments)])
            .declare(on: settings, logger: logger)
        return name
    }

    func publish(_ messages: [OutgoingMessage]) async throws -> [PublishOutcome] {
        try await withPublisher(settings, logger: logger) { try await $0.publish(messages) }
    }

    func fill(_ queue: String, _ count: Int) async throws {
        let outcomes = try await publish(
            (0..<count).map { number in
                OutgoingMessage(
                    exchange: "", routingKey: queue, properties: .init(messageID: "\(number)"),
                    body: Array("\(number)".utf8))
            })
        #expect(outcomes == Array(repeating: .confirmed, count: count))
    }

    /// Consumes and acknowledges `count` messages.
    func take(_ count: Int, from queue: String) async throws -> [IncomingMessage] {
        try await withConsumer(settings, .init(queue: queue), logger: logger) { messages in
            var taken: [IncomingMessage] = []
            for try await batch in messages {
                taken += batch
                messages.acknowledge(through: batch[batch.count - 1].tag)
                if taken.count >= count { break }
            }
            return taken
        }
    }
}
