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

extension SubscriberStore {
    /// The first suppressions.
    package func suppressions(limit: Int) async throws(StoreError) -> [Suppression] {
        try await suppressions(after: "", limit: limit)
    }
}
