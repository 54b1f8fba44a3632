package import Runtime
package import Storage

/// Looks at the hub's subscriptions, and ends them.
package struct HubOperations {
    package typealias Desk = HubStore

    let principal: Principal
    let store: any Desk
    let clock: WallClock

    package init(_ principal: Principal, store: any Desk, clock: WallClock = .system) {
        (self.principal, self.store, self.clock) = (principal, store, clock)
    }

    private static let largestPage = 1000

    /// Newest first.
    package func list(_ request: PageRequest<Int64>) async throws -> Page<HubSubscriptionRow, Int64> {
        try principal.require(.read)
        return try await Page.read(request, largest: Self.largestPage, cursor: \.number) { last, limit in
            try await store.hubSubscriptions(before: last ?? .max, limit: limit)
        }
    }

    package func show(_ number: Int64) async throws -> HubSubscriptionView {
        try principal.require(.read)
        guard let (row, attempts) = try await store.hubSubscription(number) else {
            throw OperationError.unknownHubSubscription(number)
        }
        return HubSubscriptionView(row: row, attempts: attempts)
    }

    /// Ends a subscription. Its callback is told that it was denied.
    package func remove(_ number: Int64) async throws {
        try principal.require(.change)
        guard try await store.deny(number, reason: "ended by the operator", now: clock.now) else {
            throw OperationError.unknownHubSubscription(number)
        }
    }
}

/// A subscription of the hub with its pushes.
package struct HubSubscriptionView: Sendable {
    package let row: HubSubscriptionRow
    package let attempts: [AttemptRow]
}

extension OperationError {
    fileprivate static func unknownHubSubscription(_ number: Int64) -> OperationError {
        .unknown("there is no such subscription \(number)", advice: "list them with: kentongan websub list")
    }
}
