import Bulletins
import DeliveryEngine
import Runtime
import Storage
import Synchronization

/// A clock that the test moves.
final class TestTime: Sendable {
    private let milliseconds = Mutex<(now: Int64, latest: Int64)>((1_800_000_000_000, 1_800_000_000_000))

    var now: Timestamp { Timestamp(milliseconds: milliseconds.withLock(\.now)) }
    /// The furthest that it ever was.
    var latest: Timestamp { Timestamp(milliseconds: milliseconds.withLock(\.latest)) }
    var clock: WallClock { WallClock { self.now } }
    func advance(by duration: Duration) {
        milliseconds.withLock {
            $0.now += Int64(duration / .milliseconds(1))
            $0.latest = max($0.latest, $0.now)
        }
    }
}

/// Those to whom mail goes: well, failing, refusing.
final class Receivers: Sendable {
    struct Send: Sendable {
        let delivery: Int64
        let wasTaken: Bool
        /// By the clock of the test.
        let at: Timestamp
        let began: ContinuousClock.Instant
        /// The number of the worker that sent it.
        let worker: Int
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
        /// When workers stopped, by their numbers.
        var stops: [Int: ContinuousClock.Instant] = [:]
    }

    /// Between the last look and the send, which nothing can avoid.
    static let moment = Duration.milliseconds(100)
    private let state = Mutex(State())

    var sends: [Send] { state.withLock(\.sends) }
    var violations: [String] { state.withLock(\.violations) }

    func allow(_ address: String) { state.withLock { $0.forbidden[address] = nil } }
    func forbid(_ address: String) { state.withLock { $0.forbidden[address] = .now } }
    func hold(_ isHeld: Bool) { state.withLock { $0.isHeld = isHeld } }
    /// Notes that a worker stops. An attempt that it began before, and that ends from a moment earlier on, may be
    /// recorded or not.
    func doubt(worker: Int, stopped instant: ContinuousClock.Instant) {
        state.withLock { state in
            state.stops[worker] = instant
            for index in state.sends.indices where state.sends[index].worker == worker {
                let send = state.sends[index]
                if send.began < instant, send.ended > instant - Self.unrecorded { state.sends[index].isInDoubt = true }
            }
        }
    }

    /// How long an outcome may wait for its record on a busy machine.
    private static let unrecorded = Duration.milliseconds(500)

    func heal() { state.withLock { $0.moods = [:] } }

    func change(_ addresses: inout [String], _ random: inout SeededGenerator) {
        guard let address = addresses.randomElement(using: &random) else { return }
        let mood = [AttemptOutcome.Verdict.delivered, .retry(after: nil), .retry(after: nil), .failed].randomElement(
            using: &random)
        state.withLock { $0.moods[address] = mood }
    }

    func attempt(digest: [DigestEntry], by worker: Int, now: Timestamp) async -> AttemptOutcome {
        guard let address = digest.first?.delivery.address else { return AttemptOutcome(.failed) }
        let began = ContinuousClock.now
        while state.withLock(\.isHeld) { try? await Task.sleep(for: .milliseconds(1)) }
        return state.withLock { state in
            let verdict = state.moods[address] ?? .delivered
            if let since = state.forbidden[address], since + Self.moment < began {
                state.violations.append(address)
            }
            state.sends += digest.map {
                Send(
                    delivery: $0.delivery.number, wasTaken: verdict == .delivered, at: now, began: began,
                    worker: worker,
                    ended: .now, isInDoubt: state.stops[worker].map { began < $0 } ?? false)
            }
            return AttemptOutcome(verdict)
        }
    }
}

/// The way of one worker to the receivers.
struct LifeChannel: DeliveryChannel {
    let receivers: Receivers
    let worker: Int
    let channel = Channel.email
    let hasDigests = true
    let concurrency = 4

    func attempt(_ delivery: ClaimedDelivery, _ content: DeliveryContent, now: Timestamp) async -> AttemptOutcome {
        await attempt(digest: [DigestEntry(delivery: delivery, content: content)], now: now)
    }

    func attempt(digest: [DigestEntry], now: Timestamp) async -> AttemptOutcome {
        await receivers.attempt(digest: digest, by: worker, now: now)
    }
}
