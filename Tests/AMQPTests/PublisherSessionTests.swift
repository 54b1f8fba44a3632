import Testing

@testable import AMQP

@Suite struct PublisherSessionTests {
    private var session = PublisherSession(window: 3)

    private func message(_ key: String) -> OutgoingMessage {
        OutgoingMessage(exchange: "x", routingKey: key, body: Array(key.utf8))
    }

    private mutating func returnMessage(_ key: String) throws {
        try session.handle(
            .returned(.init(code: 312, reason: "NO_ROUTE", exchange: "x", routingKey: key)))
        try session.handle(
            .header(bodySize: UInt64(key.utf8.count), properties: MessageProperties()))
        try session.handle(.body(Array(key.utf8)))
    }

    @Test mutating func keepsToItsWindow() throws {
        session.enqueue(batch: 1, ["a", "b", "c", "d"].map(message))
        #expect(session.takeSendable(atMost: 2).map(\.routingKey) == ["a", "b"])
        #expect(session.takeSendable(atMost: 9).map(\.routingKey) == ["c"])
        #expect(!session.hasSendable)
        try session.handle(.acked(tag: 2, multiple: true))
        #expect(session.takeSendable(atMost: 9).map(\.routingKey) == ["d"])
        try session.handle(.acked(tag: 4, multiple: false))
        #expect(session.takeResults().isEmpty)
        try session.handle(.acked(tag: 3, multiple: false))
        #expect(
            session.takeResults() == [
                .init(batch: 1, outcomes: [.confirmed, .confirmed, .confirmed, .confirmed])
            ])
    }

    @Test mutating func returnedThenAcknowledgedIsReturned() throws {
        session.enqueue(batch: 1, ["a", "b", "b"].map(message))
        _ = session.takeSendable(atMost: 9)
        try returnMessage("b")
        try session.handle(.acked(tag: 3, multiple: true))
        let returned = PublishOutcome.returned(code: 312, reason: "NO_ROUTE")
        #expect(
            session.takeResults() == [
                .init(batch: 1, outcomes: [.confirmed, returned, .confirmed])
            ])
    }

    @Test mutating func aNackIsAnOutcome() throws {
        session.enqueue(batch: 1, ["a"].map(message))
        session.enqueue(batch: 2, ["b"].map(message))
        #expect(session.takeSendable(atMost: 9).count == 2)
        try session.handle(.nacked(tag: 1, multiple: false))
        try session.handle(.acked(tag: 2, multiple: false))
        #expect(
            session.takeResults() == [
                .init(batch: 1, outcomes: [.nacked]), .init(batch: 2, outcomes: [.confirmed]),
            ])
    }

    @Test mutating func waitsWhileBlocked() throws {
        try session.handle(.blocked(reason: "memory"))
        session.enqueue(batch: 1, ["a"].map(message))
        #expect(session.takeSendable(atMost: 9).isEmpty)
        #expect(!session.hasSendable)
        try session.handle(.unblocked)
        #expect(session.takeSendable(atMost: 9).count == 1)
    }

    @Test mutating func aCancelledBatchIsNotSentOn() throws {
        session.enqueue(batch: 1, ["a", "b", "c"].map(message))
        session.enqueue(batch: 2, ["d"].map(message))
        #expect(session.takeSendable(atMost: 1).map(\.routingKey) == ["a"])
        session.cancel(batch: 1)
        #expect(session.takeSendable(atMost: 9).map(\.routingKey) == ["d"])
        try session.handle(.acked(tag: 2, multiple: true))
        #expect(session.takeResults() == [.init(batch: 2, outcomes: [.confirmed])])
    }

    @Test mutating func countsOnOverManyMessages() throws {
        for batch in 1...UInt64(5000) {
            session.enqueue(batch: batch, [message("a")])
            #expect(session.takeSendable(atMost: 9).count == 1)
            try session.handle(.acked(tag: batch, multiple: batch % 2 == 0))
            #expect(session.takeResults().map(\.batch) == [batch])
        }
    }

    @Test func rejectsMessagesThatNoFrameCanHold() {
        let long = String(repeating: "x", count: 256)
        var big = message("a")
        big.properties.headers = ["h": .string(String(repeating: "x", count: 130_000))]
        var deep = HeaderValue.array([])
        for _ in 0..<40 { deep = .array([deep]) }
        var nested = message("a")
        nested.properties.headers = ["h": deep]
        var badID = message("a")
        badID.properties.messageID = long
        for bad in [message(long), big, nested, badID] {
            #expect(throws: AMQPError.self) { try bad.validate() }
        }
        #expect(throws: Never.self) { try message("a").validate() }
    }
}
