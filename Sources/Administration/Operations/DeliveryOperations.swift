import Bulletins
package import Runtime
package import Storage

/// Looks at deliveries, and has those that failed tried again.
package struct DeliveryOperations {
    package typealias Desk = OperatorStore & SubscriberStore

    let principal: Principal
    let store: any Desk
    let clock: WallClock

    package init(_ principal: Principal, store: any Desk, clock: WallClock = .system) {
        (self.principal, self.store, self.clock) = (principal, store, clock)
    }

    /// Large, because the store sorts all deliveries of a bulletin for each page of them.
    private static let largestPage = 10_000
    /// Deliveries that one transaction makes pending again.
    private static let batch = 500

    /// Newest first. A bulletin that the filter names must be stored.
    package func list(_ filter: DeliveryFilter, _ request: PageRequest<Int64>) async throws -> Page<DeliveryRow, Int64>
    {
        try principal.require(.read)
        if request.after == nil { try await store.requireBulletin(filter.bulletin) }
        return try await Page.read(request, largest: Self.largestPage, cursor: \.number) { last, limit in
            try await store.deliveries(filter, before: last ?? .max, limit: limit)
        }
    }

    package func show(_ number: Int64) async throws -> DeliveryView {
        try principal.require(.read)
        guard let (row, attempts) = try await store.delivery(number) else {
            throw OperationError.unknown(
                "there is no delivery \(number)", advice: "list them with: kentongan deliveries list")
        }
        return DeliveryView(row: row, attempts: attempts, bounces: try await store.bounces(of: number))
    }

    /// Makes deliveries that ended pending again, with a fresh schedule, and passes on each batch of them. Refused as a
    /// whole if one that is named by its number may not be tried again.
    package func retry(_ selection: RetrySelection, each body: ([DeliveryRow]) throws -> Void) async throws {
        try principal.require(.change)
        try await store.requireBulletin(selection.bulletin)
        if let refusal = try await store.retryRefusals(selection, now: clock.now).first {
            throw OperationError.conflict("delivery \(refusal.number) is not tried again: \(refusal.reason)")
        }
        var last: Int64 = 0
        while true {
            let made = try await store.retry(selection, after: last, limit: Self.batch, now: clock.now)
            // A batch may be short because its deliveries changed meanwhile; only an empty one is the last.
            guard let end = made.last else { break }
            try body(made)
            last = end.number
        }
        guard last > 0 else { throw OperationError.conflict("there is nothing to try again") }
    }

    /// Counts by channel and state.
    package func summary() async throws -> [DeliveryCount] {
        try principal.require(.read)
        return try await store.deliverySummary()
    }
}

/// A delivery with its history.
package struct DeliveryView: Sendable {
    package let row: DeliveryRow
    package let attempts: [AttemptRow]
    /// The bounces that came back of its mail.
    package let bounces: [BounceRow]
}
