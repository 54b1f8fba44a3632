import Bulletins
import Foundation
import Storage
import Testing

/// Random lives of bulletins and subscribers against the real engine and store, with a clock of the test's own and
/// receivers that fail, hang and go away. After each step all that is due has come to an end, and the invariants hold.
///
/// `KENTONGAN_LIFE_SEEDS=10...40` in the environment runs other seeds. A failure names its seed and its last steps.
struct LifeModelTests {
    static var seeds: [UInt64] {
        let bounds = ProcessInfo.processInfo.environment["KENTONGAN_LIFE_SEEDS"]?.split(separator: ".").compactMap {
            UInt64($0)
        }
        guard let bounds, let first = bounds.first, let last = bounds.last, first <= last else { return [1, 2, 3, 4] }
        return Array(first...last)
    }

    @Test(arguments: Backend.allCases, seeds)
    func theInvariantsHold(backend: Backend, seed: UInt64) async throws {
        let world = LifeWorld(try backend.make(), seed: seed)
        for _ in 0..<80 {
            // Several steps together, so that they meet attempts under way.
            for _ in 0..<Int(seed % 3 + 1) { try await world.step() }
            try await world.settle()
            try await world.check()
            if world.hasFailed { return }
        }
        try await world.drain()
    }
}

/// The world against which the engine is tested.
final class LifeWorld {
    let test: TestStore
    let time = TestTime()
    let receivers = Receivers()
    var worker: LifeWorker
    var random: SeededGenerator
    var truth = LifeTruth()
    var addresses: [String] = []
    var workers = 0
    /// Deliveries whose worker died or was frozen while it had them.
    var perhapsGot: Set<Int64> = []
    /// How often the operator had a delivery made again that was delivered once.
    var repeats: [Int64: Int] = [:]
    var districts = 10
    private let seed: UInt64
    private var steps: [String] = []
    private(set) var hasFailed = false

    var store: any Store { test.store }

    init(_ test: TestStore, seed: UInt64) {
        self.test = test
        self.seed = seed
        random = SeededGenerator(state: seed)
        worker = LifeWorker(number: 0, store: test.store, receivers: receivers, time: time)
    }

    deinit { worker.stop() }

    func note(_ step: String) {
        steps.append(step)
        if steps.count > 25 { steps.removeFirst() }
    }

    func expect(_ holds: Bool, _ problem: @autoclosure () -> String) {
        guard !holds, !hasFailed else { return }
        hasFailed = true
        Issue.record("seed \(seed): \(problem())\n\(steps.joined(separator: "\n"))")
    }

    // MARK: - Between steps

    func route() async throws {
        let now = time.now
        try await mendWaits(now)
        _ = try await store.publishScheduled(limit: 100, now: now)
        truth.publish(now: now)
        truth.beginFanOut()
        // Whatever is taken from here on is taken of rows that are there.
        let taken = try await takenBefore()
        while try await store.fanOut(limit: 5, now: now).hasMore {}
        while try await store.endPending(limit: 5, now: now) > 0 {}
        try await checkRouted(truth.endFanOut(), taken)
    }

    /// The duty that brings back what a clock ahead of now has written, as often as it is needed.
    private func mendWaits(_ now: Timestamp) async throws {
        let limits = ClockLimits(longestWait: .seconds(86_400))
        while try await !store.mendWaits(limits, limit: 100, now: now).isEmpty {}
    }

    /// By `ID REVISION`, the addresses that took it.
    private func takenBefore() async throws -> [String: Set<String>] {
        let numbers = Set(receivers.sends.filter(\.wasTaken).map(\.delivery))
        return try await rows().filter { numbers.contains($0.number) }.reduce(into: [:]) {
            $0["\($1.bulletin.id) \($1.revision)", default: []].insert($1.address)
        }
    }

    func rows() async throws -> [DeliveryRow] { try await store.deliveries(DeliveryFilter(), limit: 100_000) }

    /// All matches have a row, and so has each endpoint that got the earlier bulletin and still subscribes to anything.
    /// Nobody else has one.
    private func checkRouted(
        _ routed: [(revision: LifeTruth.Revision, matched: Set<String>)], _ taken: [String: Set<String>]
    )
        async throws
    {
        guard !routed.isEmpty else { return }
        let rows = Dictionary(grouping: try await rows()) { "\($0.bulletin.id) \($0.revision)" }
        let listeners = Set(truth.subs.map(\.address))
        for (revision, matched) in routed {
            let name = "\(revision.id) \(revision.revision)"
            let found = Set(rows[name, default: []].map(\.address))
            let thread = truth.thread(of: revision)
            let heard = thread.reduce(into: Set<String>()) { $0.formUnion(taken[$1] ?? []) }
            let wanted = matched.union(heard.intersection(listeners))
            expect(wanted.isSubset(of: found), "\(name) is not on its way to \(wanted.subtracting(found))")
            // One that was erased while the fan-out went on has another name.
            let named = found.filter { !$0.hasPrefix("erased:") }
            let known = thread.reduce(into: revision.matched) { $0.formUnion(rows[$1, default: []].map(\.address)) }
            expect(
                named.isSubset(of: known), "\(name) is on its way to \(named.subtracting(known)), whom it is not for")
        }
    }

    /// Until nothing is due or under way.
    func settle() async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            try await route()
            worker.signal()
            try await Task.sleep(for: .milliseconds(5))
            // Looked at before and after what is due: in between one may become the other.
            let wasBusy = try await !store.leases().isEmpty
            let due = try await store.nextDue(.email)
            let isStillBusy = try await !store.leases().isEmpty
            if !wasBusy, !isStillBusy, due.map({ $0 > time.now }) ?? true {
                // A delivery that waited behind others has its own time only now.
                return try await mendWaits(time.now)
            }
            // A digest settles for a moment after its window's end.
            if let due, due > time.now + .seconds(-3) { time.advance(by: .seconds(3)) }
            expect(ContinuousClock.now < deadline, "the engine does not come to rest")
            if ContinuousClock.now >= deadline { throw CancellationError() }
        }
    }

    /// Everybody is well again, and weeks go by: all ends, and each bulletin has its last receipt.
    func drain() async throws {
        receivers.heal()
        for id in truth.held { try await decide(id, approves: true) }
        // A delivery that a clock a month ahead put off gets its time, too.
        for day in 0..<12 {
            time.advance(by: .seconds(day == 0 ? 32 * 86_400 : 90_000))
            try await settle()
        }
        try await check()
        let backlog = try await store.backlog()
        expect(
            backlog.unfinishedDeliveries[.email] == 0 && backlog.unroutedBulletins == 0,
            "\(backlog.unfinishedDeliveries) and \(backlog.unroutedBulletins) bulletins are left")
        try await checkReceipts()
    }
}
