import Addresses
import Bulletins
package import Runtime
package import Storage

/// Keeps the list of suppressed addresses, forgets addresses, and joins spellings of one address.
package struct SubscriberOperations {
    package typealias Desk = SubscriberStore & UpkeepStore

    let principal: Principal
    let store: any Desk
    let clock: WallClock

    package init(_ principal: Principal, store: any Desk, clock: WallClock = .system) {
        (self.principal, self.store, self.clock) = (principal, store, clock)
    }

    private static let largestPage = 1000

    /// In the order of their addresses, which are the cursors.
    package func suppressions(_ request: PageRequest<String>) async throws -> Page<Suppression, String> {
        try principal.require(.read)
        return try await Page.read(request, largest: Self.largestPage, cursor: \.address) { last, limit in
            try await store.suppressions(after: last ?? "", limit: limit)
        }
    }

    /// Puts an email address on the list; returns its one spelling.
    package func suppress(_ address: String, why: String) async throws -> String {
        try principal.require(.change)
        let (address, why) = (try TypedText.email(address), try TypedText.reason(why))
        try await store.suppress(address, why: why, now: clock.now)
        return address
    }

    /// Takes an email address off the list; returns its one spelling.
    package func unsuppress(_ address: String) async throws -> String {
        try principal.require(.change)
        let address = MailAddress.canonical(address)
        guard try await store.unsuppress(address) else {
            throw OperationError.unknown(
                "\(address) is not suppressed", advice: "list them with: kentongan suppressions list")
        }
        return address
    }

    /// Ends all subscriptions of an address and forgets it but for a keyed hash. Returns false if a program that reads an
    /// old state keeps traces of it in the store's log; the worker then goes on until they are gone.
    package func erase(_ address: String) async throws -> Bool {
        try principal.require(.change)
        guard try await store.erase(address, now: clock.now) > 0 else {
            throw OperationError.unknown(
                "\(address) is not known", advice: "list addresses with: kentongan subscriptions list")
        }
        return try await store.finishErasures(patience: .seconds(5))
    }

    /// The addresses that an older version took for several, by their spellings.
    package func doubles() async throws -> [AddressDouble] {
        try principal.require(.read)
        return try await store.addressDoubles()
    }

    /// Makes one endpoint of the spellings of an email address. Returns false for a webhook, which stays as it is: each of
    /// its endpoints has keys that a receiver relies on.
    package func merge(_ double: AddressDouble) async throws -> Bool {
        try principal.require(.change)
        switch try await store.merge(double, now: clock.now) {
        case .merged: return true
        case .keysDiffer: return false
        case .routing:
            throw OperationError.conflict(
                "bulletins are being routed", advice: "try again when the worker has no backlog")
        }
    }
}
