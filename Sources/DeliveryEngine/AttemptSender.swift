import Bulletins
import Logging
import Runtime
import Storage
import Wording

/// The unit that a sender takes: one delivery, or all of one digest.
struct WorkItem: Sendable {
    let deliveries: [ClaimedDelivery]
    let isDigest: Bool
}

/// Brings claimed deliveries to an end: asks whether they may still be sent, attempts them, and passes the outcomes to the
/// recorder.
final class AttemptSender: Sendable {
    private let channel: any DeliveryChannel
    private let claims: any ClaimStore
    private let settings: DeliverySettings
    private let recorder: OutcomeRecorder
    private let context: StageContext
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
        gate = HostGate(limits: settings.hosts, senders: channel.concurrency, mostParked: channel.claimsAhead)
        self.onRoom = onRoom
        self.hold = hold
        self.shelf = shelf
    }

    /// The time for which the channel still rests because its relay does not work.
    var pause: Duration? { pauses.remaining }

    /// Whether too many deliveries wait for their hosts to claim more. `onRoom` is called when that ends.
    var isFull: Bool { gate.isFull }
    /// The number of deliveries that may be claimed while the relay has a rate or has just failed; if it is 0, the time
    /// after which there is room.
    var pace: (room: Int, wait: Duration) {
        if let probes = pauses.probes { return (probes, .seconds(1)) }
        return channel.pacedHost.map { gate.pace($0, now: .now) } ?? (.max, .zero)
    }

    /// The number of deliveries that wait for hosts that answer.
    var excess: Int { gate.excess }
    /// Whether too many wait even to claim emergencies.
    var isOverfull: Bool { gate.isOverfull }

    // MARK: - Before the queue

    /// Ends the deliveries that must not be sent, and returns the rest.
    func endHalted(_ claimed: [ClaimedDelivery]) -> [ClaimedDelivery] {
        claimed.filter { delivery in
            guard let halt = delivery.halt else { return true }
            end(delivery, halt)
            return false
        }
    }

    /// Gives back the deliveries that nobody has begun.
    func close(with left: [WorkItem]) { release((left + gate.close()).flatMap(\.deliveries), after: .zero) }

    // MARK: - Sending

    /// Sends an item, then the items that waited for its host.
    func send(_ item: WorkItem) async {
        var waiting = [item]
        while let next = waiting.popLast() { waiting += await sendOne(next) }
    }

    /// Sends one item, and returns those that may be sent now that it has ended.
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

    /// Returns whether the host answered (nil if nothing was sent), and how long the endpoint wants to be left alone.
    private func attempt(_ item: WorkItem) async -> (isReachable: Bool?, took: Duration, rest: Duration?) {
        let bulletins = await withBulletins(item.deliveries)
        await channel.prepare(bulletins, isDigest: item.isDigest)
        let startedAt = context.clock.now
        let entries = await stillSendable(bulletins, startedAt)
        guard let first = entries.first else { return (nil, .zero, nil) }
        let started = ContinuousClock.now
        pauses.begin()
        let outcome =
            item.isDigest
            ? await channel.attempt(digest: entries, now: startedAt)
            : await channel.attempt(first.delivery, first.content, now: startedAt)
        if pauses.end(outcome.verdict) { onRoom() }
        if case .unavailable(let pause) = outcome.verdict {
            context.logger.warning("\(channel.channel.rawValue) pauses for \(pause.spoken): \(outcome.detail ?? "")")
        }
        // All deliveries of a digest get the same effect, so that they are tried together again.
        let effect = settings.retry.effect(
            of: outcome.verdict, attempt: entries.map(\.delivery.attemptInRound).max() ?? 1, now: context.clock.now,
            jitter: .random(in: 0...1))
        let duration = started.duration(to: .now)
        recorder.add(
            entries.map {
                AttemptRecord(
                    delivery: $0.delivery, effect: effect, startedAt: startedAt, duration: duration, code: outcome.code,
                    detail: outcome.detail.map { String($0.prefix(500)) })
            })
        return (!outcome.isUnreachable, duration, outcome.rest.map { min($0, RetrySchedule.longestAsked) })
    }

    /// Deliveries whose bulletin cannot be read go back. Otherwise this worker would renew their lease without an end.
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

    /// Ends the deliveries that have expired or were taken back since the claim, and returns the rest.
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
    /// The end of a delivery that must not be sent; nil if another worker has it, and ends it.
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
