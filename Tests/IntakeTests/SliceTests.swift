import AMQP
import Testing

@testable import Intake

/// Batches are split into slices that are bounded in bytes.
struct SliceTests {
    private func messages(_ sizes: [Int]) -> [IncomingMessage] {
        sizes.enumerated().map { index, size in
            IncomingMessage(
                delivery: .init(tag: UInt64(index), redelivered: false, exchange: "", routingKey: ""),
                properties: MessageProperties(), bodySize: UInt64(size), body: [UInt8](repeating: 0, count: size))
        }
    }

    /// The JSON of large bodies must not be in memory at the same time.
    @Test(arguments: [
        ([Int](), [Int]()), ([5], [1]), ([50], [1]), ([4, 6, 1], [2, 1]), ([11, 11], [1, 1]), ([1, 11, 1], [1, 1, 1]),
        ([0, 0, 0], [3]),
    ])
    func partsAreBoundedInBytes(sizes: [Int], counts: [Int]) {
        let slices = messages(sizes).slices(ofSize: 10)
        #expect(slices.map(\.count) == counts)
        #expect(slices.flatMap { $0.map(\.tag) } == messages(sizes).map(\.tag))
    }
}
