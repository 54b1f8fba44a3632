import Testing

@testable import AMQP

@Suite struct ConsumerSessionTests {
    private var session = ConsumerSession(queue: "q", maximumBodySize: 10)

    private func deliver(_ tag: UInt64) -> Frame {
        .deliver(.init(tag: tag, redelivered: false, exchange: "x", routingKey: "r"))
    }

    private func header(_ size: UInt64) -> Frame {
        .header(bodySize: size, properties: MessageProperties(messageID: "m"))
    }

    private mutating func receive(_ tags: ClosedRange<UInt64>) throws {
        for tag in tags {
            try session.handle(deliver(tag))
            try session.handle(header(0))
        }
    }

    @Test mutating func assemblesAcrossFrames() throws {
        try session.handle(deliver(1))
        try session.handle(header(5))
        try session.handle(.body([1, 2]))
        #expect(session.takeMessages().isEmpty)
        try session.handle(.body([3, 4, 5]))
        let messages = session.takeMessages()
        #expect(messages.map(\.body) == [[1, 2, 3, 4, 5]])
        #expect(messages.first?.properties.messageID == "m")
        #expect(messages.first?.routingKey == "r")
        #expect(session.takeMessages().isEmpty)
    }

    @Test mutating func takesAnEmptyBody() throws {
        try receive(1...1)
        let messages = session.takeMessages()
        #expect(messages.map(\.bodySize) == [0])
        #expect(messages.map(\.isOversize) == [false])
    }

    @Test(arguments: [9, 10, 11])
    mutating func dropsOnlyBodiesOverTheLimit(size: Int) throws {
        try session.handle(deliver(1))
        try session.handle(header(UInt64(size)))
        try session.handle(.body([UInt8](repeating: 1, count: size - 4)))
        try session.handle(.body([UInt8](repeating: 1, count: 4)))
        let message = try #require(session.takeMessages().first)
        #expect(message.isOversize == (size > 10))
        #expect(message.body.count == (size > 10 ? 0 : size))
        #expect(message.bodySize == UInt64(size))
    }

    @Test mutating func goesOnAfterAnOversizeBody() throws {
        try session.handle(deliver(1))
        try session.handle(header(11))
        try session.handle(.body([UInt8](repeating: 1, count: 11)))
        try session.handle(deliver(2))
        try session.handle(header(1))
        try session.handle(.body([7]))
        #expect(session.takeMessages().map(\.body) == [[], [7]])
    }

    @Test mutating func rejectsFramesOutOfOrder() throws {
        #expect(throws: AMQPError.self) { try session.handle(header(1)) }
        #expect(throws: AMQPError.self) { try session.handle(.body([1])) }
        try session.handle(deliver(1))
        #expect(throws: AMQPError.self) { try session.handle(deliver(2)) }
        try session.handle(header(1))
        #expect(throws: AMQPError.self) { try session.handle(.body([1, 2])) }
    }

    @Test mutating func acknowledgesOncePerTag() throws {
        try receive(1...5)
        #expect(session.settle(.init(acknowledgedThrough: 3)) == [.acknowledge(through: 3)])
        #expect(session.settle(.init(acknowledgedThrough: 3)) == [])
        #expect(session.settle(.init(acknowledgedThrough: 2)) == [])
        #expect(session.settle(.init(acknowledgedThrough: 99)) == [.acknowledge(through: 5)])
    }

    /// The broker closes the channel if the tag of a `multiple` acknowledgement is no longer open.
    @Test mutating func neverAcknowledgesThroughARejectedTag() throws {
        try receive(1...6)
        let actions = session.settle(
            .init(acknowledgedThrough: 5, rejected: [(5, true), (4, false), (2, false)]))
        #expect(
            actions == [
                .reject(tag: 5, requeue: true), .reject(tag: 4, requeue: false),
                .reject(tag: 2, requeue: false), .acknowledge(through: 3),
            ])
        #expect(
            session.settle(.init(rejected: [(5, true), (6, true), (7, true)])) == [
                .reject(tag: 6, requeue: true)
            ])
        #expect(session.settle(.init(acknowledgedThrough: 6)) == [])
    }

    @Test mutating func endsWithTheQueueAndTheConnection() {
        #expect(throws: AMQPError.consumerCancelled(queue: "q")) {
            try session.handle(.consumerCancelled)
        }
        #expect(throws: AMQPError.channelClosed(code: 406, text: "t")) {
            try session.handle(.channelClosed(code: 406, text: "t"))
        }
        #expect(throws: AMQPError.self) {
            try session.handle(.connectionClosed(code: 320, text: "t"))
        }
        #expect(throws: Never.self) { try session.handle(.blocked(reason: "memory")) }
    }
}
