// The delivery engine, the third stage; one per channel.
//
// Reads:      due deliveries, claimed in batches under a lease, and their bulletins.
// Writes:     how each attempt ended, in batches.
// Guarantees: a delivery belongs to one worker at a time; every attempt is recorded; emergencies go first, then each
//             bulletin gets a fair share; nothing is sent once a withdrawal or the end of a subscription is committed.
// On failure: a failed attempt follows the retry schedule; when a worker dies, its leases run out and others take over.

import Bulletins
import Logging
package import Runtime
import ServiceLifecycle
package import Storage

/// The settings of the engine, the same for all channels.
package struct DeliverySettings: Sendable {
    /// The time for which a claim holds without being renewed.
    package var lease = Duration.seconds(30)
    /// The time that attempts under way may still take once the worker stops.
    package var graceTime = Duration.seconds(20)
    /// The time at which the worker began to stop, from which the grace time counts. If it is nil, the grace time
    /// counts from the stop of this service.
    package var stopBegan: @Sendable () -> ContinuousClock.Instant? = { nil }
    package var retry = RetrySchedule()
    /// The limits of each host and endpoint.
    package var hosts = HostLimits()

    package init() {}
}

/// Claims and sends the due deliveries of one channel.
///
/// Four activities run side by side: a claimer fills the queue, a fixed number of senders empty it, a recorder writes
/// the outcomes, and a keeper renews this worker's leases and takes over those of dead workers.
package struct DeliveryService: Service {
    private let channel: any DeliveryChannel
    private let store: any DeliveryStore
    private let claims: any ClaimStore
    private let settings: DeliverySettings
    private let context: StageContext
    private let due: Hint
    private let worker: String
    private let owner: LeaseOwner
    private let queue = WorkQueue<WorkItem>()
    private let shelf: BulletinShelf
    private let recorder: OutcomeRecorder
    private let sender: AttemptSender
    private let hold: LeaseHold

    private static let poll = Duration.seconds(5)

    /// `claims` is where deliveries are claimed and recorded, if that is not the store itself: the pushes of the hub. The
    /// store then has their bulletins only.
    package init(
        channel: any DeliveryChannel, store: any DeliveryStore, claims: (any ClaimStore)? = nil,
        settings: DeliverySettings, worker: String,
        context: StageContext
    ) {
        self.channel = channel
        self.store = store
        let claims = claims ?? store
        self.claims = claims
        self.settings = settings
        self.context = context
        self.worker = worker
        owner = LeaseOwner("\(worker).\(channel.channel.rawValue)")
        let due = context.hints[.deliveries(channel.channel)]
        self.due = due
        recorder = OutcomeRecorder(claims: claims, channel: channel.channel, context: context)
        shelf = BulletinShelf(store: store)
        hold = LeaseHold(term: settings.lease)
        sender = AttemptSender(
            channel: channel, claims: claims, settings: settings, recorder: recorder, hold: hold,
            shelf: shelf, context: context, onRoom: { due.signal() })
    }

    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await recorder.run() }
            group.addTask { await sendAndClose() }
            await group.waitForAll()
        }
    }

    /// Claims and sends until the worker stops. Attempts under way then get the grace time, and items that no sender
    /// has begun go back to the store.
    private func sendAndClose() async {
        let keeper = Task { await keepLeases() }
        // An eighth more senders take only emergencies, so that these go out however slow all other hosts are.
        let senders = (channel.concurrency, max(1, channel.concurrency / 8))
        let executors = channel.executors
        await withTaskGroup(of: Ended.self) { group in
            for number in 0..<(senders.0 + senders.1) {
                let executor = executors.isEmpty ? nil : executors[number % executors.count]
                group.addTask(executorPreference: executor) {
                    await send(urgentOnly: number >= senders.0)
                    return .sender
                }
            }
            await cancelWhenGracefulShutdown { await claimUntilStopped() }
            sender.close(with: queue.close())
            group.addTask {
                let began = settings.stopBegan() ?? .now
                try? await Task.sleep(until: began + settings.graceTime)
                return .grace
            }
            var left = senders.0 + senders.1
            while left > 0, let ended = await group.next() {
                if ended == .grace { group.cancelAll() } else { left -= 1 }
            }
            group.cancelAll()
        }
        keeper.cancel()
        recorder.close()
    }

    private enum Ended { case sender, grace }

    // MARK: - Claiming

    private func claimUntilStopped() async {
        while !Task.isCancelled {
            if let pause = sender.pause { try? await Task.sleep(for: pause) }
            let (queued, most) = (queue.count, channel.claimsAhead)
            guard queued <= most / 2, !sender.isFull else {
                // Emergencies do not wait for room, within bounds.
                if queued < most * 2, !sender.isOverfull {
                    _ = await claim(most, emergenciesOnly: true)
                }
                await due.wait(atMost: Self.poll)
                continue
            }
            let pace = sender.pace
            guard pace.room > 0 else {
                await due.wait(atMost: pace.wait)
                continue
            }
            // At most as many as the gate can park if all of them go to one host.
            let wanted = min(max(most / 4, most - queued - sender.excess), pace.room)
            if await claim(wanted, emergenciesOnly: false) < wanted { await waitForMore() }
        }
    }

    /// Claims deliveries and digests, and queues them. Returns how many were claimed.
    private func claim(_ room: Int, emergenciesOnly: Bool) async -> Int {
        do throws(StoreError) {
            let now = context.clock.now
            let until = now + settings.lease
            let claimed = try await claims.claim(
                channel.channel, limit: room, emergenciesOnly: emergenciesOnly, owner: owner, until: until, now: now)
            if !claimed.isEmpty { await push(claimed.map { [$0] }) }
            guard channel.hasDigests, !emergenciesOnly else { return claimed.count }
            let digests = try await store.claimDigests(
                limit: min(channel.concurrency, room), owner: owner, until: until, now: now)
            if !digests.isEmpty { await push(digests) }
            return claimed.count + (digests.count == min(channel.concurrency, room) ? room : 0)
        } catch {
            if !Task.isCancelled { context.logger.wait("deliveries wait", for: error) }
            try? await Task.sleep(for: .seconds(1))
            return 0
        }
    }

    /// Queues claims for the senders, urgent ones first. If their bulletins cannot be read, the claims go back: a claim
    /// that nobody works on would be renewed without end.
    private func push(_ claims: [[ClaimedDelivery]]) async {
        do throws(StoreError) {
            try await shelf.prepare(claims.joined().lazy.map(\.bulletin))
            var (urgent, others): ([WorkItem], [WorkItem]) = ([], [])
            for claim in claims {
                let deliveries = sender.endHalted(claim)
                guard let first = deliveries.first else { continue }
                let item = WorkItem(deliveries: deliveries, isDigest: first.digestAt != nil)
                if first.priority == 0 { urgent.append(item) } else { others.append(item) }
            }
            queue.push(urgent, isUrgent: true)
            queue.push(others)
        } catch {
            if !Task.isCancelled {
                context.logger.wait("bulletins cannot be read, so their deliveries wait", for: error)
            }
            sender.release(Array(claims.joined()), after: .seconds(1))
        }
    }

    private func waitForMore() async {
        let next = try? await claims.nextDue(channel.channel)
        let until = next.map { $0 - context.clock.now } ?? Self.poll
        await due.wait(atMost: min(Self.poll, max(until, .milliseconds(1))))
    }

    // MARK: - Sending

    private func send(urgentOnly: Bool) async {
        while let taken = await queue.next(urgentOnly: urgentOnly) {
            if taken.left == channel.claimsAhead / 2 { due.signal() }
            await sender.send(taken.element)
        }
    }

    // MARK: - Leases

    /// Renews this worker's leases, and reclaims the deliveries of workers that are dead.
    private func keepLeases() async {
        var watch = LeaseWatch(term: settings.lease)
        while !Task.isCancelled {
            do throws(StoreError) {
                let begun = ContinuousClock.now
                try await claims.renew(owner: owner, until: context.clock.now + settings.lease)
                hold.note(begun)
                let others = try await claims.leases().filter { !$0.owner.name.hasPrefix(worker + ".") }
                let dead = watch.dead(others, now: context.clock.now, at: .now)
                let reclaimed = dead.isEmpty ? 0 : try await claims.reclaim(from: dead, now: context.clock.now)
                if reclaimed > 0 {
                    context.logger.notice("took over \(reclaimed) deliveries of a worker that is gone")
                    context.wakeups.signal(.allDeliveries)
                }
            } catch {
                context.logger.wait("leases could not be renewed", for: error)
            }
            sender.measure()
            try? await Task.sleep(for: min(settings.lease / 6, .seconds(4)))
        }
    }
}
