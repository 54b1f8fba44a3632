package import Bulletins
import Runtime
package import Storage

extension SubscriptionOperations {
    /// Subscriptions that the first transaction writes, and the most that one does. Their number grows while a transaction
    /// is short, since each writes many of the same pages. An emergency waits for one at most.
    private static let (firstChunk, largestChunk) = (125, 4000)
    private static let (short, long) = (Duration.milliseconds(30), Duration.milliseconds(50))

    /// Adds subscriptions in many short transactions, so that deliveries go on meanwhile. An import that was interrupted is
    /// simply run again. `next` returns about as many as it is asked for, with the lines that they are on, and none at the
    /// end. After each chunk `body` gets what is stored of it, with the secrets of new webhooks and feeds, and the number of
    /// subscriptions that are done.
    package func `import`(
        zones: TimeZones, next: (Int) throws -> [(line: Int, wish: SubscriptionWish)],
        each body: ([StoredSubscription], _ done: Int) throws -> Void
    ) async throws -> ImportSummary {
        try principal.require(.change)
        var summary = ImportSummary()
        var (done, chunk) = (0, Self.firstChunk)
        while true {
            let wanted = try next(chunk)
            if wanted.isEmpty { break }
            let begun = ContinuousClock.now
            let stored = try await write(wanted, zones, &summary)
            let took = begun.duration(to: .now)
            if took < Self.short { chunk = min(chunk * 5 / 4, Self.largestChunk) }
            if took > Self.long { chunk = max(chunk / 2, Self.firstChunk) }
            done += wanted.count
            try body(stored, done)
        }
        return summary
    }

    private func write(
        _ rows: [(line: Int, wish: SubscriptionWish)], _ zones: TimeZones, _ summary: inout ImportSummary
    ) async throws -> [StoredSubscription] {
        var known: [Int64: Subscription] = [:]
        var schemes: [Endpoint: SignatureSchemes] = [:]
        for stored in try await store.subscriptions(at: Array(Set(rows.map(\.wish.subscription.endpoint)))) {
            known[stored.number] = stored.subscription
            schemes[stored.subscription.endpoint] = stored.webhook?.schemes
        }
        let writable = rows.filter { row in
            let fault = schemes[row.wish.subscription.endpoint].flatMap { row.wish.terms.fault(against: $0) }
            return summary.refuse(row.line, fault) == false
        }
        let stored = try await store.add(writable.map(\.wish), zones: zones, now: clock.now)
        for (row, stored) in zip(writable, stored) { summary.count(row.line, row.wish, stored, &known) }
        return stored
    }
}

/// The result of an import, in subscriptions.
package struct ImportSummary: Sendable {
    package private(set) var made = 0
    package private(set) var changed = 0
    package private(set) var unchanged = 0
    package private(set) var refused: [RowFault] = []

    /// Notes a fault, if there is one; whether there was.
    fileprivate mutating func refuse(_ line: Int, _ fault: OperationError?) -> Bool {
        guard let fault else { return false }
        refused.append(RowFault(line: line, reason: "\(fault)"))
        return true
    }

    /// `known` holds the endpoints' subscriptions as they were before this row.
    fileprivate mutating func count(
        _ line: Int, _ wish: SubscriptionWish, _ stored: StoredSubscription, _ known: inout [Int64: Subscription]
    ) {
        let wanted = wish.subscription
        let before = known.updateValue(stored.subscription, forKey: stored.number)
        // A row above this one may have made the webhook with other signatures.
        let signatures = stored.webhook.flatMap { wish.terms.fault(against: $0.schemes) }
        let isAsWanted = stored.subscription.differences(from: wanted).isEmpty
        if refuse(line, signatures ?? (isAsWanted ? nil : stored.fault(against: wanted))) { return }
        guard let before else { return made += 1 }
        if before.differences(from: stored.subscription).isEmpty { unchanged += 1 } else { changed += 1 }
    }
}
