import AMQP
import Storage

/// What the broker refused to take, as a full queue that rejects makes it do: each destination has a pause and a
/// number of tries of its own, so that it keeps no other waiting.
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

    enum Verdict: Equatable { case settled, waits, givenUp }

    fileprivate struct ID: Hashable {
        let number: Int64
        let index: Int
    }

    fileprivate struct Destination: Hashable {
        let exchange: String
        let routingKey: String
    }

    /// With pauses from 1 s to 64 s, about two minutes. A receipt of a destination that has used them up is tried once.
    static let tries = 8

    private var paused: [Destination: (tries: Int, until: ContinuousClock.Instant)] = [:]
    /// What needs not be sent again, of rows of which another part waits.
    private var settled: Set<ID> = []
    /// Those whose row waits in the outbox.
    private var waiting: Set<ID> = []

    var isEmpty: Bool { waiting.isEmpty }

    func hasDue(_ now: ContinuousClock.Instant) -> Bool {
        !isEmpty && paused.values.contains { $0.until <= now }
    }

    /// Notes it as waiting if its destination is paused.
    mutating func mayGo(_ part: Part, _ now: ContinuousClock.Instant) -> Bool {
        if settled.contains(part.id) { return false }
        guard let pause = paused[part.destination], pause.until > now else { return true }
        waiting.insert(part.id)
        return false
    }

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
        // Several of one batch are one try.
        if pause.until <= sent { pause.tries += 1 }
        let isOver = pause.tries >= Self.tries
        pause.until = isOver ? sent : now + .seconds(1 << (pause.tries - 1))
        paused[part.destination] = pause
        guard !isOver else { return .givenUp }
        settled.remove(part.id)
        waiting.insert(part.id)
        return .waits
    }

    /// Whether nothing of it is left to send; it is then forgotten.
    mutating func finish(_ parts: [Part]) -> Bool {
        guard parts.allSatisfy({ settled.contains($0.id) }) else { return false }
        settled.subtract(parts.map(\.id))
        return true
    }
}
