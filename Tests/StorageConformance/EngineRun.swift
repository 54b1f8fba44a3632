import Bulletins
import DeliveryEngine
import Logging
import Runtime
import Storage
import Synchronization
import Testing

/// The engine as a service on a store.
struct EngineRun {
    /// One endpoint of a host does not answer and is left alone; what waits at that host for a place goes on.
    @Test(arguments: Backend.allCases)
    func whatIsParkedBehindASilentEndpointGoesOn(backend: Backend) async throws {
        let test = try backend.make()
        for (name, region) in [("silent", "52"), ("slow", "73"), ("good", "11")] {
            try await test.subscribe(name, region, channel: .webhook)
        }
        let channel = OneHost()
        var settings = DeliverySettings()
        settings.hosts = HostLimits(concurrency: 1)
        let context = StageContext(
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: WallClock { test.now })
        let service = DeliveryService(
            channel: channel, store: test.store, settings: settings, worker: "w", context: context)
        let run = Task { try await service.run() }
        defer { run.cancel() }
        func publish(_ id: String, _ regions: String...) async throws {
            _ = try await test.accept(id, regions: regions)
            try await test.fanOut()
            context.wakeups.signal(.allDeliveries)
        }
        // One failure short of being left alone; others answer in between, so that their host is not.
        for number in 1...4 {
            try await publish("a\(number)", "52")
            try await channel.wait(for: "silent", number)
            try await publish("b\(number)", "11")
            try await channel.wait(for: "good", number)
        }
        channel.hold(true)
        try await publish("c", "73")
        try await channel.wait(for: "slow", 1)
        for (id, region) in [("d", "52"), ("e", "52"), ("f", "11")] {
            try await publish(id, region)
            try await Task.sleep(for: .milliseconds(100))
        }
        channel.hold(false)
        try await channel.wait(for: "good", 5)
    }
}

/// Endpoints at one host: one is silent, one is slow while it is held.
private final class OneHost: DeliveryChannel {
    let channel = Channel.webhook
    let concurrency = 4
    private let tries = Mutex<[String: Int]>([:])
    private let isHeld = Mutex(false)

    func host(of delivery: ClaimedDelivery) -> String? { "https://satu.example" }

    func hold(_ isHeld: Bool) { self.isHeld.withLock { $0 = isHeld } }

    func attempt(_ delivery: ClaimedDelivery, _ content: DeliveryContent, now: Timestamp) async -> AttemptOutcome {
        tries.withLock { $0[delivery.address, default: 0] += 1 }
        while delivery.address == "slow", isHeld.withLock(\.self) { try? await Task.sleep(for: .milliseconds(1)) }
        let isSilent = delivery.address == "silent"
        return AttemptOutcome(isSilent ? .retry(after: nil) : .delivered, isUnreachable: isSilent)
    }

    func wait(for address: String, _ count: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while tries.withLock({ $0[address] ?? 0 }) < count {
            try #require(ContinuousClock.now < deadline, "\(address) was not tried \(count) times")
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
