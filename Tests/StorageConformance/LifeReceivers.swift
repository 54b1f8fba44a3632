import Bulletins
import DeliveryEngine
import Storage
import Synchronization

/// A clock that the test moves.
final class TestTime: Sendable {
    private let milliseconds = Mutex<Int64>(1_800_000_000_000)

    var now: Timestamp { Timestamp(milliseconds: milliseconds.withLock(\.self)) }
    var clock: WallClock { WallClock { self.now } }
    func advance(by duration: Duration) { milliseconds.withLock { $0 += Int64(duration / .milliseconds(1)) } }
}

/// Those to whom mail goes: well, failing, refusing.
final class Receivers: DeliveryChannel {
    struct Send: Sendable {
        let delivery: Int64
        let wasTaken: Bool
        let ended: ContinuousClock.Instant
        /// Under way when its worker died, which told nobody.
        var isInDoubt = false
    }

    private struct State {
        var moods: [String: AttemptOutcome.Verdict] = [:]
        var forbidden: [String: ContinuousClock.Instant] = [:]
        var sends: [Send] = []
        var violations: [String] = []
        var isHeld = false
    }

    let channel = Channel.email
    let hasDigests = true
    let concurrency = 4
    /// Between the last look and the send, which nothing can avoid.
    static let moment = Duration.milliseconds(100)
    private let state = Mutex(State())

    var sends: [Send] { state.withLock(\.sends) }
    var violations: [String] { state.withLock(\.violations) }

    func allow(_ address: String) { state.withLock { $0.forbidden[address] = nil } }
    func forbid(_ address: String) { state.withLock { $0.forbidden[address] = .now } }
    func hold(_ isHeld: Bool) { state.withLock { $0.isHeld = isHeld } }
    /// What came to its end so shortly before its worker did, or after, may be recorded, or not.
    func doubt(since: ContinuousClock.Instant) {
        state.withLock { state in
            for index in state.sends.indices where state.sends[index].ended > since {
                state.sends[index].isInDoubt = true
            }
        }
    }

    func heal() { state.withLock { $0.moods = [:] } }

    func change(_ addresses: inout [String], _ random: inout SeededGenerator) {
        guard let address = addresses.randomElement(using: &random) else { return }
        let mood = [AttemptOutcome.Verdict.delivered, .retry(after: nil), .retry(after: nil), .failed].randomElement(
            using: &random)
        state.withLock { $0.moods[address] = mood }
    }

    func attempt(_ delivery: ClaimedDelivery, _ content: DeliveryContent, now: Timestamp) async -> AttemptOutcome {
        await attempt(digest: [DigestEntry(delivery: delivery, content: content)], now: now)
    }

    func attempt(digest: [DigestEntry], now: Timestamp) async -> AttemptOutcome {
        guard let address = digest.first?.delivery.address else { return AttemptOutcome(.failed) }
        let began = ContinuousClock.now
        while state.withLock(\.isHeld) { try? await Task.sleep(for: .milliseconds(1)) }
        return state.withLock { state in
            let verdict = state.moods[address] ?? .delivered
            if let since = state.forbidden[address], since + Self.moment < began {
                state.violations.append(address)
            }
            state.sends += digest.map {
                Send(delivery: $0.delivery.number, wasTaken: verdict == .delivered, ended: .now)
            }
            return AttemptOutcome(verdict)
        }
    }
}
