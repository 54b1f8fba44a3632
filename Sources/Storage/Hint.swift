package import Bulletins

/// Wakes a stage: something was committed that it may want to look at.
///
/// A hint carries nothing and may come too often or, after a crash, not at all; the stage reads what
/// there is from the store and looks by itself from time to time.
package struct Hint: Sendable {
    /// One hint waits at most; a stage has one reader.
    package let hints: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    package init() { (hints, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    package func signal() { continuation.yield() }
}

/// The hints by which the stages wake each other.
package struct Hints: Sendable {
    /// A bulletin was recorded, or a scheduled one changed.
    package let fanout = Hint()
    /// Receipts or refusals were put into the outbox.
    package let receipts = Hint()
    private let deliveries: [Channel: Hint]

    package init() { deliveries = Dictionary(uniqueKeysWithValues: Channel.allCases.map { ($0, Hint()) }) }

    /// Deliveries of this channel became due.
    package func delivery(_ channel: Channel) -> Hint { deliveries[channel] ?? Hint() }

    package func signalDeliveries() { for hint in deliveries.values { hint.signal() } }
}
