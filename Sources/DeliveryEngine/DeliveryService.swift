// The delivery engine, the third stage; one for each channel.
//
// Reads:      due deliveries, claimed in batches under a lease, and their bulletins.
// Writes:     how each attempt ended, in batches.
// Guarantees: a delivery is with one worker at a time; every attempt is recorded; most urgent first.
// On failure: of an attempt, the retry schedule; of the worker, its leases run out and others go on.

import Bulletins
package import Logging
import ServiceLifecycle
package import Storage

/// How the engine works.
package struct DeliverySettings: Sendable {
    /// How long a claim holds without being renewed.
    package var lease = Duration.seconds(30)
    /// How long attempts under way may take when the worker stops.
    package var graceTime = Duration.seconds(20)
    package var retry = RetrySchedule()

    package init() {}
}

/// Delivers what is due on one channel.
package struct DeliveryService: Service {
    private let channel: any DeliveryChannel
    private let store: any DeliveryStore
    private let settings: DeliverySettings
    private let hints: Hints
    private let clock: WallClock
    private let logger: Logger
    private let worker: String
    private let owner: LeaseOwner
    private let queue = WorkQueue<WorkItem>()
    private let drained = Hint()
    private let recorder: OutcomeRecorder
    private let pauses = ChannelPause()

    private struct WorkItem: Sendable {
        let delivery: ClaimedDelivery
        let content: DeliveryContent
    }

    private static let poll = Duration.seconds(5)

    package init(
        channel: any DeliveryChannel, store: any DeliveryStore, settings: DeliverySettings, hints: Hints,
        clock: WallClock,
        worker: String, logger: Logger
    ) {
        self.channel = channel
        self.store = store
        self.settings = settings
        self.hints = hints
        self.clock = clock
        self.logger = logger
        self.worker = worker
        owner = LeaseOwner("\(worker).\(channel.channel.rawValue)")
        recorder = OutcomeRecorder(store: store, owner: owner, clock: clock, hints: hints, logger: logger)
    }

    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await recorder.run() }
            group.addTask { await sendAndClose() }
            await group.waitForAll()
        }
    }

    /// Claims and sends until the worker stops; then what is under way gets its time, and what nobody
    /// has begun goes back.
    private func sendAndClose() async {
        let keeper = Task { await keepLeases() }
        await withTaskGroup(of: Ended.self) { group in
            for _ in 0..<channel.concurrency {
                group.addTask {
                    await send()
                    return .sender
                }
            }
            await cancelWhenGracefulShutdown { await claimForEver() }
            release(queue.close())
            group.addTask {
                try? await Task.sleep(for: settings.graceTime)
                return .grace
            }
            var senders = channel.concurrency
            while senders > 0, let ended = await group.next() {
                if ended == .grace { group.cancelAll() } else { senders -= 1 }
            }
            group.cancelAll()
        }
        keeper.cancel()
        recorder.close()
    }

    private enum Ended { case sender, grace }

    // MARK: - Claiming

    /// Enough that no sender waits for a claim, and few enough that a stop gives little back.
    private var aim: Int { channel.concurrency * 4 }

    private func claimForEver() async {
        while !Task.isCancelled {
            if let pause = pauses.remaining { try? await Task.sleep(for: pause) }
            let room = aim - queue.count
            guard room >= aim / 2 else {
                await drained.wait(atMost: Self.poll)
                continue
            }
            if await claim(room) < room { await waitForMore() }
        }
    }

    private func claim(_ room: Int) async -> Int {
        do throws(StoreError) {
            let now = clock.now
            let claimed = try await store.claim(
                channel.channel, limit: room, owner: owner, until: now + settings.lease, now: now)
            guard !claimed.isEmpty else { return 0 }
            await push(claimed)
            return claimed.count
        } catch {
            logger.error("deliveries wait: \(error)")
            try? await Task.sleep(for: .seconds(1))
            return 0
        }
    }

    /// Puts what may still be sent before the senders, and ends the rest. What cannot be read goes back: a
    /// claim that nobody works on would be prolonged for ever.
    private func push(_ claimed: [ClaimedDelivery]) async {
        let numbers = Set(claimed.map(\.bulletin))
        do throws(StoreError) {
            let (contents, states) = (try await contents(of: numbers), try await store.states(of: numbers))
            push(claimed, contents, states)
        } catch {
            if !Task.isCancelled { logger.error("bulletins cannot be read, so their deliveries wait: \(error)") }
            release(claimed, after: .seconds(1))
        }
    }

    private func push(
        _ claimed: [ClaimedDelivery], _ contents: [Int64: DeliveryContent], _ states: [Int64: BulletinState]
    ) {
        var items: [WorkItem] = []
        for delivery in claimed {
            guard let content = contents[delivery.bulletin] else {
                release([delivery], after: .seconds(60))
                continue
            }
            if delivery.isSuppressed {
                end(delivery, .suppressed, "the address is on the suppression list")
                continue
            }
            if delivery.hasEnded {
                end(delivery, .cancelled, "the subscription has ended")
                continue
            }
            switch states[delivery.bulletin] {
            case .withdrawn, .rejected: end(delivery, .cancelled, "the bulletin was withdrawn")
            case .expired: end(delivery, .expired, "the bulletin has expired")
            default: items.append(WorkItem(delivery: delivery, content: content))
            }
        }
        queue.push(items)
    }

    private func contents(of numbers: Set<Int64>) async throws(StoreError) -> [Int64: DeliveryContent] {
        var found: [Int64: DeliveryContent] = [:]
        for number in numbers { found[number] = known.known(number) }
        let missing = numbers.filter { found[$0] == nil }
        guard !missing.isEmpty else { return found }
        for (number, content) in try await store.contents(of: missing) {
            found[number] = known.value(number) { content }
        }
        return found
    }

    private let known = RenderCache<Int64, DeliveryContent>()

    private func waitForMore() async {
        let due = try? await store.nextDue(channel.channel)
        let until = due.map { $0 - clock.now } ?? Self.poll
        await hints.delivery(channel.channel).wait(atMost: min(Self.poll, max(until, .milliseconds(1))))
    }

    // MARK: - Sending

    private func send() async {
        while let taken = await queue.next() {
            if taken.left == aim / 2 { drained.signal() }
            await attempt(taken.element)
        }
    }

    private func attempt(_ item: WorkItem) async {
        let startedAt = clock.now
        if let expiresAt = item.content.bulletin.expiresAt, expiresAt <= startedAt {
            return end(item.delivery, .expired, "the bulletin has expired")
        }
        if pauses.remaining != nil { return release([item]) }
        let started = ContinuousClock.now
        let outcome = await channel.attempt(item.delivery, item.content, now: startedAt)
        let now = clock.now
        if case .unavailable(let pause) = outcome.verdict {
            pauses.pause(for: pause)
            logger.warning("\(channel.channel.rawValue) pauses for \(pause): \(outcome.detail ?? "")")
        }
        let effect = settings.retry.effect(
            of: outcome.verdict, attempt: item.delivery.attempt, now: now, jitter: .random(in: 0...1))
        recorder.add([
            AttemptRecord(
                delivery: item.delivery, effect: effect, startedAt: startedAt, duration: started.duration(to: .now),
                code: outcome.code,
                detail: outcome.detail.map { String($0.prefix(500)) })
        ])
    }

    // MARK: - Ends without an attempt

    private func end(_ delivery: ClaimedDelivery, _ effect: AttemptRecord.Effect, _ detail: String) {
        let record = AttemptRecord(
            delivery: delivery, effect: effect, startedAt: clock.now, duration: .zero, code: nil, detail: detail)
        recorder.add([record])
    }

    private func release(_ items: [WorkItem]) {
        release(items.map(\.delivery), after: pauses.remaining ?? .zero)
    }

    private func release(_ deliveries: [ClaimedDelivery], after pause: Duration) {
        let at = clock.now + pause
        recorder.add(
            deliveries.map {
                AttemptRecord(
                    delivery: $0, effect: .released(at: at), startedAt: at, duration: .zero, code: nil,
                    detail: nil)
            })
    }

    // MARK: - Leases

    /// Prolongs this worker's claims, and takes back those of workers that are gone.
    private func keepLeases() async {
        while !Task.isCancelled {
            do throws(StoreError) {
                try await store.renew(owner: owner, until: clock.now + settings.lease)
                let reclaimed = try await store.reclaim(except: worker, now: clock.now)
                if reclaimed > 0 {
                    logger.notice("took over \(reclaimed) deliveries of a worker that is gone")
                    hints.signalDeliveries()
                }
            } catch {
                logger.error("leases could not be renewed: \(error)")
            }
            try? await Task.sleep(for: settings.lease / 6)
        }
    }
}
