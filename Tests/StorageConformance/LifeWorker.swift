import Bulletins
import DeliveryEngine
import Logging
import Runtime
import Storage
import Synchronization

/// The engine as one worker has it; it can die without a word.
struct LifeWorker {
    private let store: MortalStore
    private let context: StageContext
    private let task: Task<Void, any Error>

    init(number: Int, store: any DeliveryStore, receivers: Receivers, time: TestTime) {
        let mortal = MortalStore(store: store)
        self.store = mortal
        context = StageContext(
            logger: Logger(label: "life") { _ in SwiftLogNoOpLogHandler() }, clock: time.clock)
        var settings = DeliverySettings()
        settings.lease = .milliseconds(600)
        settings.graceTime = .milliseconds(100)
        let service = DeliveryService(
            channel: LifeChannel(receivers: receivers, worker: number), store: mortal, settings: settings,
            worker: "life-\(number)", context: context)
        task = Task { try await service.run() }
    }

    func signal() { context.wakeups.signal(.allDeliveries) }

    /// Kills the worker: whatever it still does reaches no store.
    func die() {
        store.isDead.withLock { $0 = true }
        task.cancel()
    }

    /// As SIGSTOP does: no call comes back before it is thawed.
    func freeze() async {
        store.isFrozen.withLock { $0 = true }
        // A claim that has reached the store is committed before it.
        while store.calls.withLock({ $0 > 0 }) { try? await Task.sleep(for: .milliseconds(1)) }
    }
    func thaw() { store.isFrozen.withLock { $0 = false } }

    func stop() {
        thaw()
        task.cancel()
    }
}

/// A store that a dead worker cannot reach, and a frozen one only once it is thawed.
private final class MortalStore: DeliveryStore {
    private let store: any DeliveryStore
    let isDead = Mutex(false)
    let isFrozen = Mutex(false)
    /// Calls that have reached the store.
    let calls = Mutex(0)

    init(store: any DeliveryStore) { self.store = store }

    /// Whether its worker is dead, once it is not frozen.
    private func dead() async -> Bool {
        while isFrozen.withLock(\.self) { await Task { try? await Task.sleep(for: .milliseconds(2)) }.value }
        return isDead.withLock(\.self)
    }

    func claim(
        _ channel: Channel, limit: Int, emergenciesOnly: Bool, owner: LeaseOwner, until: Timestamp, now: Timestamp
    ) async throws(StoreError) -> [ClaimedDelivery] {
        if await dead() { return [] }
        calls.withLock { $0 += 1 }
        defer { calls.withLock { $0 -= 1 } }
        return try await store.claim(
            channel, limit: limit, emergenciesOnly: emergenciesOnly, owner: owner, until: until, now: now)
    }

    func claimDigests(limit: Int, owner: LeaseOwner, until: Timestamp, now: Timestamp)
        async throws(StoreError) -> [[ClaimedDelivery]]
    {
        if await dead() { return [] }
        calls.withLock { $0 += 1 }
        defer { calls.withLock { $0 -= 1 } }
        return try await store.claimDigests(limit: limit, owner: owner, until: until, now: now)
    }

    func contents(of bulletins: Set<Int64>) async throws(StoreError) -> [Int64: DeliveryContent] {
        try await store.contents(of: bulletins)
    }

    func halts(of deliveries: [ClaimedDelivery]) async throws(StoreError) -> [Int64: DeliveryHalt] {
        if await dead() { return Dictionary(uniqueKeysWithValues: deliveries.map { ($0.number, .lost) }) }
        return try await store.halts(of: deliveries)
    }

    func record(_ attempts: [AttemptRecord], now: Timestamp) async throws(StoreError) -> Recording {
        if await dead() { return Recording() }
        return try await store.record(attempts, now: now)
    }

    func renew(owner: LeaseOwner, until: Timestamp) async throws(StoreError) {
        if await !dead() { try await store.renew(owner: owner, until: until) }
    }

    func leases() async throws(StoreError) -> [OwnerLease] { try await store.leases() }

    func reclaim(from owners: [LeaseOwner], now: Timestamp) async throws(StoreError) -> Int {
        if await dead() { return 0 }
        return try await store.reclaim(from: owners, now: now)
    }

    func nextDue(_ channel: Channel) async throws(StoreError) -> Timestamp? { try await store.nextDue(channel) }
}
