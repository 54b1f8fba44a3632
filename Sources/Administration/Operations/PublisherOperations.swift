package import Bulletins
package import Runtime
package import Storage

/// Keeps the register of publishers.
package struct PublisherOperations {
    package typealias Desk = OperatorStore

    let principal: Principal
    let store: any Desk
    let clock: WallClock

    package init(_ principal: Principal, store: any Desk, clock: WallClock = .system) {
        (self.principal, self.store, self.clock) = (principal, store, clock)
    }

    private static let largestPage = 1000

    /// In the order of their slugs, which are the cursors.
    package func list(_ request: PageRequest<String>) async throws -> Page<Publisher, String> {
        try principal.require(.read)
        return try await Page.read(request, largest: Self.largestPage, cursor: \.slug) { last, limit in
            try await store.publishers(after: last ?? "", limit: limit)
        }
    }

    /// Registers publishers, or replaces those of the same slugs, in one transaction.
    package func save(_ publishers: [Publisher]) async throws {
        try principal.require(.change)
        try await store.save(publishers, now: clock.now)
    }

    package func remove(_ slug: String) async throws {
        try principal.require(.change)
        guard try await store.removePublisher(slug, now: clock.now) else {
            throw OperationError.unknown(
                "\(slug) is not registered", advice: "list who is with: kentongan publishers list")
        }
    }
}
