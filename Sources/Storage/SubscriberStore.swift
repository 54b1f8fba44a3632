package import Bulletins

/// An address that gets nothing.
package struct Suppression: Sendable, Equatable {
    package let address: String
    package let why: String
    package let since: Timestamp
    /// When it ends by itself; nil if it does not.
    package let until: Timestamp?

    package init(address: String, why: String, since: Timestamp, until: Timestamp?) {
        self.address = address
        self.why = why
        self.since = since
        self.until = until
    }
}

/// What becomes of subscribers' addresses.
package protocol SubscriberStore: Sendable {
    /// Puts an email address on the suppression list; what is pending to it is not sent.
    func suppress(_ address: String, why: String, now: Timestamp) async throws(StoreError)
    /// False if it is not on the list.
    func unsuppress(_ address: String) async throws(StoreError) -> Bool
    func suppressions(limit: Int) async throws(StoreError) -> [Suppression]

    /// Ends all subscriptions of an address, whatever its channel, and forgets it but for a keyed hash. An address that
    /// is suppressed stays so. How many places it was known in.
    func erase(_ address: String, now: Timestamp) async throws(StoreError) -> Int
}
