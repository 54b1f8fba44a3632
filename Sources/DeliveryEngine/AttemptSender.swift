import Bulletins
import Logging
import Observability
import Runtime
import Storage
import Wording

/// The unit of work that a sender takes: one delivery, or all deliveries of one digest.
struct WorkItem: Sendable {
    let deliveries: [ClaimedDelivery]
    let isDigest: Bool
    let claimedAt = ContinuousClock.now
}

/// Takes claimed deliveries to their end: checks that they may still be sent, makes the attempt, and records the
/// outcome.
///
/// The checks come as late as possible. An item may wait for minutes behind a slow host, and during that time the
/// subscription may end or the bulletin may be withdrawn.
final class AttemptSender: Sendable {
    private let channel: any DeliveryChannel
    private let claims: any ClaimStore
    private let settings: DeliverySettings
    private let recorder: OutcomeRecorder
    private let context: StageContext
    private let metrics: DeliveryMetrics
    private let pauses = ChannelPause()
    private let gate: HostGate<WorkItem>
    private let onRoom: @Sendable () -> Void
    private let hold: LeaseHold
    private let shelf: BulletinShelf

    init(
        channel: any DeliveryChannel, claims: any ClaimStore, settings: DeliverySettings,
        recorder: OutcomeRecorder, hold: LeaseHold, shelf: BulletinShelf, context: StageContext,
        onRoom: @escaping @Sendable () -> Void
    ) {
        self.channel = channel
        self.claims = claims
        self.settings = settings
        self.recorder = recorder
        self.context = context
        metrics = DeliveryMetrics(context.metrics, channel.channel)
        gate = HostGate(limits: settings.hosts, senders: channel.concurrency, mostParked: channel.claimsAhead)
        self.onRoom = onRoom
        self.hold = hold
        self.shelf = shelf
    }

    /// The time until the channel's pause ends; nil while the channel works.
    var pause: Duration? { pauses.remaining }

    /// Whether the gate holds more parked items than it should, so that the claimer stops. `onRoom` is called when
    /// there is room again.
    var isFull: Bool { gate.isFull }
    /// The number of deliveries that may be claimed now and, if that is zero, the time until there is room.
    ///
    /// Two things bound it: a pause has just ended and the channel probes with a single attempt, or the channel's one
    /// host has a rate.
    var pace: (room: Int, wait: Duration) {
        if let probes = pauses.probes { return (probes, .seconds(1)) }
        return channel.pacedHost.map { gate.pace($0, now: .now) } ?? (.max, .zero)
    }

    /// The number of parked items beyond the quotas of their hosts.
    var excess: Int { gate.excess }
    /// Whether the gate is so full that not even emergencies are claimed.
    var isOverfull: Bool { gate.isOverfull }

    // MARK: - Before the queue

    /// Ends the deliveries that must not be sent, and returns the others.
    func endHalted(_ claimed: [ClaimedDelivery]) -> [ClaimedDelivery] {
        claimed.filter { delivery in
            guard let halt = delivery.halt else { return true }
            end(delivery, halt)
            return false
        }
    }

    /// Releases every item that no sender has begun: those `left` in the queue and those parked at the gate.
    func close(with left: [WorkItem]) { release((left + gate.close()).flatMap(\.deliveries), after: .zero) }

    // MARK: - Sending

    /// Sends an item, and then each item that its end lets through the gate.
    func send(_ item: WorkItem) async {
        var waiting = [item]
        while let next = waiting.popLast() { waiting += await sendOne(next) }
    }

    /// Returns the work items that may start now that this one has ended.
    private func sendOne(_ item: WorkItem) async -> [WorkItem] {
        guard let first = item.deliveries.first else { return [] }
        let place = channel.host(of: first).map { Place(host: $0, endpoint: first.endpoint) }
        if let pause = pauses.remaining { return putOff(item, after: pause, at: place) }
        guard let place else {
            _ = await attempt(item)
            return []
        }
        let (bulletin, isUrgent) = (first.bulletin, first.priority == 0)
        switch gate.admit(item, to: place, of: bulletin, isUrgent: isUrgent, now: .now) {
        case .parked: return []
        case .back(let pause): return putOff(item, after: pause, at: place)
        case .go(let pause):
            if pause > .zero { try? await Task.sleep(for: pause) }
            let ended = await attempt(item)
            return goOn(
                gate.ended(
                    at: place, isReachable: ended.isReachable, took: ended.took, rest: ended.rest, now: .now))
        }
    }

    private func putOff(_ item: WorkItem, after pause: Duration, at place: Place?) -> [WorkItem] {
        release(item.deliveries, after: pause)
        return place.map { goOn(gate.passed(at: $0.host, now: .now)) } ?? []
    }

    private func goOn(_ unparked: HostGate<WorkItem>.Unparked) -> [WorkItem] {
        if unparked.hasRoom { onRoom() }
        return unparked.items
    }

    /// Makes one attempt.
    ///
    /// - Returns: Whether the host answered (nil if nothing was sent), how long the attempt took, and the rest that the
    ///   endpoint asked for.
    private func attempt(_ item: WorkItem) async -> (isReachable: Bool?, took: Duration, rest: Duration?) {
        let bulletins = await withBulletins(item.deliveries)
        await channel.prepare(bulletins, isDigest: item.isDigest)
        let startedAt = context.clock.now
        let entries = await stillSendable(bulletins, startedAt)
        guard let first = entries.first else { return (nil, .zero, nil) }
        let started = ContinuousClock.now
        metrics.waited(item.claimedAt.duration(to: started))
        pauses.begin()
        let outcome =
            item.isDigest
            ? await channel.attempt(digest: entries, now: startedAt)
            : await channel.attempt(first.delivery, first.content, now: startedAt)
        if pauses.end(outcome.verdict) { onRoom() }
        if case .unavailable(let pause) = outcome.verdict {
            context.logger.warning("\(channel.channel.rawValue) pauses for \(pause.spoken): \(outcome.detail ?? "")")
        }
        // One effect serves all deliveries of a digest, so that they are retried together.
        let effect = settings.retry.effect(
            of: outcome.verdict, attempt: entries.map(\.delivery.attemptInRound).max() ?? 1, now: context.clock.now,
            jitter: .random(in: 0...1))
        let duration = started.duration(to: .now)
        count(entries, effect, duration)
        recorder.add(
            entries.map {
                AttemptRecord(
                    delivery: $0.delivery, effect: effect, startedAt: startedAt, duration: duration, code: outcome.code,
                    detail: outcome.detail.map { String($0.prefix(500)) })
            })
        return (!outcome.isUnreachable, duration, outcome.rest.map { min($0, RetrySchedule.longestAsked) })
    }

    private func count(_ entries: [DigestEntry], _ effect: AttemptRecord.Effect, _ duration: Duration) {
        // Released: the attempt did not begin.
        if case .released = effect { return }
        metrics.sent(took: duration)
        guard effect == .delivered, entries.first?.delivery.digestAt == nil else { return }
        let now = context.clock.now
        for entry in entries {
            let stored = entry.content.stored
            metrics.delivered(
                after: now - max(stored.receivedAt, entry.content.bulletin.publishAt ?? stored.receivedAt))
        }
    }

    /// Sets the gauges of channels and hosts that are at rest.
    func measure() {
        metrics.pauses(pauses.remaining != nil)
        metrics.rests(gate.resting(now: .now))
        metrics.connections(channel.openConnections)
    }

    /// Pairs deliveries with their bulletins, and releases the deliveries whose bulletin cannot be read. A claim that
    /// nobody works on would be renewed without end.
    private func withBulletins(_ deliveries: [ClaimedDelivery]) async -> [DigestEntry] {
        do throws(StoreError) {
            let entries = try await shelf.entries(of: deliveries)
            if entries.count < deliveries.count {
                let found = Set(entries.map(\.delivery.number))
                release(deliveries.filter { !found.contains($0.number) }, after: .seconds(60))
            }
            return entries
        } catch {
            if !Task.isCancelled {
                context.logger.wait("bulletins cannot be read, so their deliveries wait", for: error)
            }
            release(deliveries, after: .seconds(1))
            return []
        }
    }

    /// Returns the entries that may still be sent, and ends those that expired or were called off after they were
    /// claimed.
    private func stillSendable(_ entries: [DigestEntry], _ now: Timestamp) async -> [DigestEntry] {
        guard await hold.waitUntilFresh() else {
            release(entries.map(\.delivery), after: .zero)
            return []
        }
        let deliveries = entries.map(\.delivery)
        do throws(StoreError) {
            var halts = try await claims.halts(of: deliveries)
            if channel.endsWithBulletin {
                for entry in entries {
                    guard let expiresAt = entry.content.bulletin.expiresAt, expiresAt <= now else { continue }
                    halts[entry.delivery.number] = .expired
                }
            }
            guard !halts.isEmpty else { return entries }
            return entries.filter { entry in
                guard let halt = halts[entry.delivery.number] else { return true }
                end(entry.delivery, halt)
                return false
            }
        } catch {
            context.logger.wait("whether a delivery may still be sent cannot be read, so it waits", for: error)
            release(deliveries, after: .seconds(1))
            return []
        }
    }

    // MARK: - Ends without an attempt

    private func end(_ delivery: ClaimedDelivery, _ halt: DeliveryHalt) {
        guard let (effect, detail) = halt.end else {
            return context.logger.notice("delivery \(delivery.number) is with another worker now")
        }
        let record = AttemptRecord(
            delivery: delivery, effect: effect, startedAt: context.clock.now, duration: .zero, code: nil, detail: detail
        )
        recorder.add([record])
    }

    /// Returns deliveries to the store, where they become due again after `pause`. A release is not an attempt.
    func release(_ deliveries: [ClaimedDelivery], after pause: Duration) {
        let at = context.clock.now + pause
        recorder.add(
            deliveries.map {
                AttemptRecord(
                    delivery: $0, effect: .released(at: at), startedAt: at, duration: .zero, code: nil, detail: nil)
            })
    }
}

extension DeliveryHalt {
    /// The effect and the reason with which a halted delivery ends; nil if another worker owns it now.
    fileprivate var end: (AttemptRecord.Effect, String)? {
        switch self {
        case .unsubscribed: (.cancelled, "the subscription has ended")
        case .suppressed: (.suppressed, "the address is on the suppression list")
        case .turnedOff: (.cancelled, "the endpoint was turned off")
        case .withdrawn: (.cancelled, "the bulletin was withdrawn")
        case .expired: (.expired, "the bulletin has expired")
        case .lost: nil
        }
    }
}
