package import Bulletins
package import Runtime
package import Storage

/// Adds, lists, moves and ends subscriptions. Webhooks' keys and challenges are in a file of their own, and so is the import.
package struct SubscriptionOperations {
    package typealias Desk = SubscriberStore

    /// Challenges a webhook; returns the fault of its answer, or nil if it answered rightly.
    package typealias Challenge = @Sendable (WebhookEndpoint, Timestamp) async throws -> String?

    let principal: Principal
    let store: any Desk
    let clock: WallClock

    package init(_ principal: Principal, store: any Desk, clock: WallClock = .system) {
        (self.principal, self.store, self.clock) = (principal, store, clock)
    }

    private static let largestPage = 5000

    /// Those that have not ended, in the order of their numbers.
    package func list(_ request: PageRequest<Int64>) async throws -> Page<StoredSubscription, Int64> {
        try principal.require(.read)
        return try await Page.read(request, largest: Self.largestPage, cursor: \.number) { last, limit in
            try await store.subscriptions(after: last ?? 0, limit: limit)
        }
    }

    /// Passes on all but those whose endpoints nobody has confirmed: their owners are asked again where the list is
    /// imported. Returns how many were left out.
    package func export(each body: (StoredSubscription) throws -> Void) async throws -> Int {
        var unconfirmed = 0
        try await Page.walk(limit: .max, list) { rows in
            for row in rows {
                if row.state == "unverified" { unconfirmed += 1 } else { try body(row) }
            }
        }
        return unconfirmed
    }

    /// Ends a subscription, and cancels its pending deliveries.
    package func remove(_ number: Int64) async throws {
        try principal.require(.change)
        guard try await store.removeSubscription(number, now: clock.now) else {
            throw OperationError.unknown(
                "there is no active subscription \(number)", advice: "list them with: kentongan subscriptions list")
        }
    }

    /// Adds the subscriptions of one endpoint. `challenge` is asked if the endpoint is a webhook that is not verified.
    ///
    /// Refused beforehand if the webhook is there with other signatures. Trouble that shows only afterwards is a part of
    /// the result, since the result holds secrets that are told once and that may be needed to end the trouble.
    package func add(_ order: SubscriptionOrder, zones: TimeZones, challenge: Challenge) async throws
        -> AddedSubscriptions
    {
        try principal.require(.change)
        let present = try await store.subscriptions(at: Array(Set(order.subscriptions.map(\.endpoint))))
        if let fault = order.terms.fault(against: present) { throw fault }
        let made = try await store.add(
            order.subscriptions, of: order.subscriber, terms: order.terms, zones: zones, now: clock.now)
        var added = AddedSubscriptions(subscriptions: made)
        added.unverified = try await verify(&added.subscriptions, challenge)
        added.compare(with: order)
        return added
    }

    private func verify(_ made: inout [StoredSubscription], _ challenge: Challenge) async throws -> OperationError? {
        guard let first = made.first, first.state == "unverified" else { return nil }
        do {
            let verifiedAt = try await verify(first.number, challenge)
            for index in made.indices { (made[index].state, made[index].verifiedAt) = ("active", verifiedAt) }
            return nil
        } catch let error as OperationError {
            return error
        }
    }
}

/// The result of adding subscriptions.
package struct AddedSubscriptions: Sendable {
    /// One for each that was ordered, in their order; new ones tell their secrets.
    package fileprivate(set) var subscriptions: [StoredSubscription]
    /// The first subscription that was there before with other terms, and keeps them.
    package private(set) var fault: OperationError?
    /// The fault of a webhook's answer to its challenge, if it was challenged in vain.
    package fileprivate(set) var unverified: OperationError?

    fileprivate init(subscriptions: [StoredSubscription]) { self.subscriptions = subscriptions }

    fileprivate mutating func compare(with order: SubscriptionOrder) {
        let kept = zip(subscriptions, order.subscriptions).first { stored, wanted in
            !stored.subscription.differences(from: wanted).isEmpty
        }
        // Another command may have made the webhook between the look and the writing.
        fault = order.terms.fault(against: subscriptions) ?? kept.map { $0.fault(against: $1) }
    }
}
