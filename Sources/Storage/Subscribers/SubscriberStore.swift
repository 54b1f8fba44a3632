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

/// Several endpoints, each with subscriptions, whose addresses are spellings of one address.
package struct AddressDouble: Sendable, Equatable {
    package struct Spelling: Sendable, Equatable {
        package let endpoint: Int64
        package let address: String
        package let subscriptions: Int

        package init(endpoint: Int64, address: String, subscriptions: Int) {
            (self.endpoint, self.address, self.subscriptions) = (endpoint, address, subscriptions)
        }
    }

    package let channel: Channel
    /// At least two, the one that a merge keeps first.
    package let spellings: [Spelling]

    package init(channel: Channel, spellings: [Spelling]) { (self.channel, self.spellings) = (channel, spellings) }
}

/// What became of doubles that were to be one.
package enum MergeOutcome: Sendable, Equatable {
    case merged
    /// Bulletins are being routed; to be tried again.
    case routing
    /// Each webhook has keys of its own, which its receiver counts on.
    case keysDiffer
}

/// What becomes of subscribers' addresses.
package protocol SubscriberStore: Sendable {
    /// Puts an email address on the suppression list; what is pending to it is not sent.
    func suppress(_ address: String, why: String, now: Timestamp) async throws(StoreError)
    /// False if it is not on the list.
    func unsuppress(_ address: String) async throws(StoreError) -> Bool
    /// Suppressions whose addresses follow `address`, in their order.
    func suppressions(after address: String, limit: Int) async throws(StoreError) -> [Suppression]

    /// Ends all subscriptions of an address, whatever its channel, and forgets it but for a keyed hash. An address that
    /// is suppressed stays so. How many places it was known in.
    func erase(_ address: String, now: Timestamp) async throws(StoreError) -> Int

    /// What an older version made of several spellings of one address.
    func addressDoubles() async throws(StoreError) -> [AddressDouble]
    /// Gives the subscriptions and the history of all spellings to the first one, in one transaction.
    func merge(_ double: AddressDouble, now: Timestamp) async throws(StoreError) -> MergeOutcome
}

extension SubscriberStore {
    /// The first suppressions.
    package func suppressions(limit: Int) async throws(StoreError) -> [Suppression] {
        try await suppressions(after: "", limit: limit)
    }
}
