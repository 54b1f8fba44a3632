// Watches the clock, and repairs the times that a clock ahead of now has written.
//
// Reads:      the times of waiting rows, by their indexes.
// Writes:     times that are further ahead than they may be, which it sets back to now; see docs/clocks.md.
// Guarantees: one worker per store at a time does this, at its start and every 30 seconds.
// On failure: it is tried again at the next look.

import Bulletins
import DeliveryEngine
import Logging
import Runtime
import ServiceLifecycle
import Storage

/// Limits the harm that a wrong clock can do.
struct ClockService: Service {
    let store: any UpkeepStore
    let limits: ClockLimits
    let context: StageContext

    private static let poll = Duration.seconds(30)
    private static let batch = 500
    /// The pause between two batches, for other writers.
    private static let rest = Duration.milliseconds(20)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var lease = DutyLease(.clock, store: store, clock: context.clock)
            var notedAt: ContinuousClock.Instant?
            while !Task.isCancelled {
                do throws(StoreError) {
                    try await look(&lease, &notedAt)
                } catch {
                    if !Task.isCancelled {
                        context.logger.wait("the clock is not looked after for now", for: error)
                    }
                }
                await lease.release()
                try? await Task.sleep(for: Self.poll)
            }
        }
    }

    private func look(_ lease: inout DutyLease, _ notedAt: inout ContinuousClock.Instant?) async throws(StoreError) {
        guard let hold = try await lease.claim() else { return }
        let instant = ContinuousClock.now
        let elapsed = notedAt.map { $0.duration(to: instant) }
        notedAt = instant
        tell(try await store.noteClock(elapsed: elapsed, limits, as: hold, now: context.clock.now))
        try await mendWaits(&lease)
        try await walk(&lease)
    }

    private func tell(_ finding: ClockFinding) {
        switch finding {
        case .steady: break
        case .wentBack(let length):
            context.logger.warning(
                "the clock went back by \(length.inWords): what was written while it was ahead is brought back to now")
        case .wentAhead(let length):
            context.logger.warning(
                """
                the clock went ahead by \(length.inWords) more than this worker saw pass, so retention removes nothing \
                for 24 hours; if the clock is right, 'kentongan store clock --trust' ends that, and if it is wrong, set it
                """)
        }
    }

    private func mendWaits(_ lease: inout DutyLease) async throws(StoreError) {
        var counts: [String: Int] = [:]
        while !Task.isCancelled, let hold = try await lease.keep() {
            let mended = try await store.mendWaits(
                limits, limit: Self.batch, as: hold, now: context.clock.now)
            guard !mended.isEmpty else { break }
            for times in mended { counts[times.what, default: 0] += times.count }
            try? await Task.sleep(for: Self.rest)
        }
        guard !counts.isEmpty else { return }
        let list = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        context.logger.warning("brought back to now what waited for the times of a clock that was ahead: \(list)")
        context.wakeups.signal([.allDeliveries, .hub, .receipts])
    }

    private func walk(_ lease: inout DutyLease) async throws(StoreError) {
        var count = 0
        while !Task.isCancelled, let hold = try await lease.keep(),
            let changed = try await store.walkTimes(limits, as: hold, now: context.clock.now)
        {
            count += changed
            try? await Task.sleep(for: Self.rest)
        }
        if count > 0 {
            context.logger.warning("brought back to now the times of \(count) rows that a clock ahead of now wrote")
        }
    }
}

extension ClockLimits {
    /// The limits for these retry schedules.
    init(_ schedules: [RetrySchedule]) {
        self.init(longestWait: schedules.map(\.longestWait).max() ?? .zero)
    }
}

extension Duration {
    /// The duration in the largest unit of which it has at least two.
    var inWords: String {
        for (name, seconds) in [("days", 86_400.0), ("hours", 3600), ("minutes", 60)] {
            let count = self / .seconds(seconds)
            if count >= 2 { return "\(Int(count.rounded())) \(name)" }
        }
        return "\(Int((self / .seconds(1)).rounded())) seconds"
    }
}
