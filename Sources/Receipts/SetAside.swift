import AMQP
import Storage

/// The messages that the broker refused to take, and the pauses of their destinations.
///
/// A full queue with `x-overflow: reject-publish` makes the broker refuse. Each destination, an exchange and a routing
/// key, has its own pause and its own number of tries, so one full queue delays no other.
///
/// An example: the reply queue of publisher P is full. The receipts exchange takes P's receipt, so this part of the row
/// is settled; the reply queue refuses its part, so P's destination pauses for 1 s, then 2 s, up to 64 s. Receipts of
/// other publishers pass. As soon as P's queue takes a message, the tries start again from zero. If it refuses eight
/// times, after about two minutes, the receipt is given up, and each later one gets a single try.
struct SetAside: Sendable {
    /// One of the messages that a row of the outbox becomes.
    struct Part: Sendable {
        let number: Int64
        let index: Int
        let message: OutgoingMessage

        fileprivate var id: ID { ID(number: number, index: index) }
        fileprivate var destination: Destination {
            Destination(exchange: message.exchange, routingKey: message.routingKey)
        }
    }

    /// The fate of a part after the broker's answer.
    enum Verdict: Equatable { case settled, waits, givenUp }

    fileprivate struct ID: Hashable {
        let number: Int64
        let index: Int
    }

    fileprivate struct Destination: Hashable {
        let exchange: String
        let routingKey: String
    }

    /// The tries per destination before a receipt is given up. With pauses from 1 s to 64 s they take about two
    /// minutes.
    static let tries = 8

    private var paused: [Destination: (tries: Int, until: ContinuousClock.Instant)] = [:]
    /// The parts that need not be sent again, though another part of the same row waits.
    private var settled: Set<ID> = []
    /// The parts that wait in the outbox until their destination may be tried again.
    private var waiting: Set<ID> = []

    var isEmpty: Bool { waiting.isEmpty }

    /// Whether a paused destination may be tried again.
    func hasDue(_ now: ContinuousClock.Instant) -> Bool {
        !isEmpty && paused.values.contains { $0.until <= now }
    }

    /// Whether a part may be sent now. A part whose destination is paused is noted as waiting.
    mutating func mayGo(_ part: Part, _ now: ContinuousClock.Instant) -> Bool {
        if settled.contains(part.id) { return false }
        guard let pause = paused[part.destination], pause.until > now else { return true }
        waiting.insert(part.id)
        return false
    }

    /// Notes the broker's answer to a part, and decides what becomes of it.
    mutating func note(
        _ outcome: PublishOutcome, of part: Part, sent: ContinuousClock.Instant, now: ContinuousClock.Instant
    ) -> Verdict {
        waiting.remove(part.id)
        settled.insert(part.id)
        guard outcome == .nacked else {
            paused[part.destination] = nil
            return .settled
        }
        var pause = paused[part.destination] ?? (0, sent)
        // Several parts of one batch count as one try.
        if pause.until <= sent { pause.tries += 1 }
        let isOver = pause.tries >= Self.tries
        pause.until = isOver ? sent : now + .seconds(1 << (pause.tries - 1))
        paused[part.destination] = pause
        guard !isOver else { return .givenUp }
        settled.remove(part.id)
        waiting.insert(part.id)
        return .waits
    }

    /// Whether no part of a row is left to send. Such a row is forgotten here.
    mutating func finish(_ parts: [Part]) -> Bool {
        guard parts.allSatisfy({ settled.contains($0.id) }) else { return false }
        settled.subtract(parts.map(\.id))
        return true
    }
}
