package import Bulletins

/// An entry of the suppression list: an address that gets nothing.
package struct Suppression: Sendable, Equatable {
    package let address: String
    package let why: String
    package let since: Timestamp
    /// The time at which it ends by itself; nil if only an operator ends it.
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
    /// At least two spellings; a merge keeps the first.
    package let spellings: [Spelling]

    package init(channel: Channel, spellings: [Spelling]) { (self.channel, self.spellings) = (channel, spellings) }
}

/// The result of merging doubles.
package enum MergeOutcome: Sendable, Equatable {
    case merged
    /// A fan-out is under way; the caller tries again.
    case routing
    /// Each webhook has its own keys, on which its receiver relies.
    case keysDiffer
}

extension SubscriberStore {
    /// The first suppressions.
    package func suppressions(limit: Int) async throws(StoreError) -> [Suppression] {
        try await suppressions(after: "", limit: limit)
    }
}
