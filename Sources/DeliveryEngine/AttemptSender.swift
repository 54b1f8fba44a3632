import Bulletins
import Logging
import Storage

/// What a sender takes at once: a delivery, or those of one digest.
struct WorkItem: Sendable {
    let entries: [DigestEntry]
    let isDigest: Bool
}

/// Brings claimed deliveries to an end: looks whether they may still be sent, tries, and has the outcome recorded.
final class AttemptSender: Sendable {
    private let channel: any DeliveryChannel
    private let store: any DeliveryStore
    private let owner: LeaseOwner
    private let settings: DeliverySettings
    private let recorder: OutcomeRecorder
    private let clock: WallClock
    private let logger: Logger
    private let pauses = ChannelPause()
    private let gate: HostGate<WorkItem>
    private let onRoom: @Sendable () -> Void
    private let hold: LeaseHold

    init(
        channel: any DeliveryChannel, store: any DeliveryStore, owner: LeaseOwner, settings: DeliverySettings,
        recorder: OutcomeRecorder, hold: LeaseHold, clock: WallClock, logger: Logger,
        onRoom: @escaping @Sendable () -> Void
    ) {
        self.channel = channel
        self.store = store
        self.owner = owner
        self.settings = settings
        self.recorder = recorder
        self.clock = clock
        self.logger = logger
        gate = HostGate(limits: settings.hosts)
        self.onRoom = onRoom
        self.hold = hold
    }

    /// How long the channel still rests because its way does not work.
    var pause: Duration? { pauses.remaining }

    /// Whether so much waits for its host that nothing more is to be claimed; `onRoom` tells when that ends.
    var isFull: Bool { gate.isFull }
    /// How many deliveries may be claimed for a channel whose way has a rate; if none, after which time there is room.
    var pace: (room: Int, wait: Duration) {
        channel.pacedHost.map { gate.pace($0, now: .now) } ?? (.max, .zero)
    }
    /// Not even what is urgent.
    var isOverfull: Bool { gate.isOverfull }

    // MARK: - Before the queue

    /// Ends what may not be sent; returns the rest with its bulletins.
    func sift(_ claimed: [ClaimedDelivery], _ contents: [Int64: DeliveryContent]) -> [DigestEntry] {
        claimed.compactMap { delivery in
            if let halt = delivery.halt {
                end(delivery, halt)
                return nil
            }
            guard let content = contents[delivery.bulletin] else {
                release([delivery], after: .seconds(60))
                return nil
            }
            return DigestEntry(delivery: delivery, content: content)
        }
    }

    /// Gives back what nobody has begun.
    func close(with left: [WorkItem]) { release((left + gate.close()).flatMap(\.deliveries), after: .zero) }

    // MARK: - Sending

    /// Sends an item, then what waited for its host.
    func send(_ item: WorkItem) async {
        var waiting = [item]
        while let next = waiting.popLast() { waiting += await sendOne(next) }
    }

    /// What may be sent now that this one has ended.
    private func sendOne(_ item: WorkItem) async -> [WorkItem] {
        guard let first = item.entries.first else { return [] }
        let place = channel.host(of: first.delivery).map { Place(host: $0, endpoint: first.delivery.endpoint) }
        if let pause = pauses.remaining { return putOff(item, after: pause, at: place) }
        guard let place else {
            _ = await attempt(item)
            return []
        }
        switch gate.admit(item, to: place, isUrgent: first.delivery.priority == 0, now: .now) {
        case .parked: return []
        case .back(let pause): return putOff(item, after: pause, at: place)
        case .go(let pause):
            if pause > .zero { try? await Task.sleep(for: pause) }
            let ended = await attempt(item)
            return goOn(gate.ended(at: place, isReachable: ended.isReachable, rest: ended.rest, now: .now))
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

    /// Whether the host answered, nil if nothing was sent; how long the endpoint wants to be left alone.
    private func attempt(_ item: WorkItem) async -> (isReachable: Bool?, rest: Duration?) {
        let startedAt = clock.now
        let entries = await stillSendable(item.entries, startedAt)
        guard let first = entries.first else { return (nil, nil) }
        let started = ContinuousClock.now
        let outcome =
            item.isDigest
            ? await channel.attempt(digest: entries, now: startedAt)
            : await channel.attempt(first.delivery, first.content, now: startedAt)
        if case .unavailable(let pause) = outcome.verdict {
            pauses.pause(for: pause)
            logger.warning("\(channel.channel.rawValue) pauses for \(pause): \(outcome.detail ?? "")")
        }
        // The same for all of a digest, so that they are tried together again.
        let effect = settings.retry.effect(
            of: outcome.verdict, attempt: entries.map(\.delivery.tries).max() ?? 1, now: clock.now,
            jitter: .random(in: 0...1))
        let duration = started.duration(to: .now)
        recorder.add(
            entries.map {
                AttemptRecord(
                    delivery: $0.delivery, effect: effect, startedAt: startedAt, duration: duration, code: outcome.code,
                    detail: outcome.detail.map { String($0.prefix(500)) })
            })
        return (!outcome.isUnreachable, outcome.rest.map { min($0, RetrySchedule.longestAsked) })
    }

    /// Ends what has expired, or was taken back since it was claimed.
    private func stillSendable(_ entries: [DigestEntry], _ now: Timestamp) async -> [DigestEntry] {
        guard await hold.waitUntilFresh() else {
            release(entries.map(\.delivery), after: .zero)
            return []
        }
        var left: [DigestEntry] = []
        for entry in entries {
            if channel.endsWithBulletin, let expiresAt = entry.content.bulletin.expiresAt, expiresAt <= now {
                end(entry.delivery, .expired)
                continue
            }
            do throws(StoreError) {
                if let halt = try await store.halt(of: entry.delivery, owner: owner) {
                    end(entry.delivery, halt)
                } else {
                    left.append(entry)
                }
            } catch {
                logger.log(
                    level: error.level, "whether a delivery may still be sent cannot be read, so it waits: \(error)")
                release([entry.delivery], after: .seconds(1))
            }
        }
        return left
    }

    // MARK: - Ends without an attempt

    private func end(_ delivery: ClaimedDelivery, _ halt: DeliveryHalt) {
        guard let (effect, detail) = halt.end else {
            return logger.notice("delivery \(delivery.number) is with another worker now")
        }
        let record = AttemptRecord(
            delivery: delivery, effect: effect, startedAt: clock.now, duration: .zero, code: nil, detail: detail)
        recorder.add([record])
    }

    func release(_ deliveries: [ClaimedDelivery], after pause: Duration) {
        let at = clock.now + pause
        recorder.add(
            deliveries.map {
                AttemptRecord(
                    delivery: $0, effect: .released(at: at), startedAt: at, duration: .zero, code: nil, detail: nil)
            })
    }
}

extension WorkItem {
    var deliveries: [ClaimedDelivery] { entries.map(\.delivery) }
}

extension DeliveryHalt {
    /// How a delivery ends that may not be sent; nil if it is not this worker's to end.
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
