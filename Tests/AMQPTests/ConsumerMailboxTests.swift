import Testing

@testable import AMQP

struct ConsumerMailboxTests {
    private let mailbox = ConsumerMailbox(wakeup: Wakeup())

    private func message(_ tag: UInt64, size: Int = 0, headers: [String: HeaderValue] = [:]) -> IncomingMessage {
        IncomingMessage(
            delivery: .init(tag: tag, redelivered: false, exchange: "", routingKey: ""),
            properties: MessageProperties(headers: headers), bodySize: UInt64(size),
            body: [UInt8](repeating: 0, count: size))
    }

    @Test func aBatchIsBoundedInBytes() async throws {
        mailbox.deliver((1...600).map { message($0, size: 255 << 10) })
        var taken: [UInt64] = []
        while taken.count < 600 {
            let batch = try #require(try await mailbox.next())
            #expect(!batch.isEmpty && batch.reduce(0) { $0 + $1.body.count } <= IncomingMessages.batchSize)
            taken += batch.map(\.tag)
        }
        #expect(taken == Array(1...600))
    }

    @Test func aBatchOfSmallMessagesIsBoundedInCount() async throws {
        mailbox.deliver((1...600).map { message($0, size: 10) })
        #expect(try await mailbox.next()?.count == IncomingMessages.batchLimit)
        #expect(try await mailbox.next()?.count == 600 - IncomingMessages.batchLimit)
    }

    @Test func aMessageLargerThanABatchComesAlone() async throws {
        mailbox.deliver([message(1, size: IncomingMessages.batchSize + 1), message(2)])
        #expect(try await mailbox.next()?.map(\.tag) == [1])
        #expect(try await mailbox.next()?.map(\.tag) == [2])
    }

    /// A message counts until it is acknowledged, also after the program has taken it, and with its headers.
    @Test func unacknowledgedBytesAreCounted() async throws {
        let large = HeaderValue.string(String(repeating: "x", count: 100_000))
        mailbox.deliver([message(1, size: 1_000_000), message(2, headers: ["a": .array([.table(["b": large])])])])
        _ = try await mailbox.next()
        #expect((1_100_000..<1_110_000).contains(mailbox.unacknowledgedBytes))
        mailbox.acknowledge(through: 1)
        #expect((100_000..<110_000).contains(mailbox.unacknowledgedBytes))
        mailbox.acknowledge(through: 2)
        #expect(mailbox.unacknowledgedBytes == 0)
    }
}
