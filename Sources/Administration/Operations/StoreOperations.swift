package import Bulletins
package import Runtime
package import Storage

/// Looks after the store as a whole.
package struct StoreOperations {
    package typealias Desk = OperatorStore & UpkeepStore

    let principal: Principal
    let clock: WallClock

    package init(_ principal: Principal, clock: WallClock = .system) {
        (self.principal, self.clock) = (principal, clock)
    }

    /// Makes the store, or brings its schema up to date, which `open` does; returns the store's identity.
    @discardableResult
    package func migrate(_ open: () throws -> any Desk) async throws -> String {
        try principal.require(.change)
        return try await open().identity()
    }

    /// The clock, and for how long retention still removes nothing because the clock went far ahead.
    package func retentionHold(_ store: any Desk) async throws -> (now: Timestamp, hold: Duration?) {
        try principal.require(.read)
        let now = clock.now
        return (now, try await store.retentionHold(now: now))
    }

    /// Takes the present time for right, and ends the hold.
    package func trustClock(_ store: any Desk) async throws {
        try principal.require(.change)
        try await store.trustClock(now: clock.now)
    }
}
