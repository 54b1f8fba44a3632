package import Bulletins

/// Which bulletins a feed holds.
package struct FeedSource: Sendable, Hashable {
    package enum Origin: Sendable, Hashable {
        /// What a subscription to this region and field would hear.
        case region(Region, FieldFilter)
        case publisher(String)
        /// What an endpoint of the channel `feed` was sent; by its token.
        case subscriber(String)
    }

    /// What a bulletin must have to stand in the feed.
    package enum Content: Int, Sendable, Hashable, CaseIterable {
        case anything = 0
        case event = 1
        case alert = 2
    }

    package var origin: Origin
    /// Nil for both.
    package var kind: Bulletin.Kind?
    package var content: Content

    package init(_ origin: Origin, kind: Bulletin.Kind? = nil, content: Content = .anything) {
        (self.origin, self.kind, self.content) = (origin, kind, content)
    }
}

/// A bulletin's place in a feed. Later ones are newer; a corrected bulletin takes a new one.
package struct FeedEntry: Sendable, Hashable {
    package let place: Int64
    /// The store's number of the revision.
    package let bulletin: Int64

    package init(place: Int64, bulletin: Int64) { (self.place, self.bulletin) = (place, bulletin) }
}

/// From where on a feed is read, and which way.
package enum FeedStart: Sendable, Hashable {
    /// The newest first.
    case newest
    /// Newest first, of the places before this one.
    case before(Int64)
    /// Oldest first, of this place and those after it.
    case from(Int64)
}

/// Some entries of a feed.
package struct FeedListing: Sendable {
    package let entries: [FeedEntry]
    /// The last place that was given to any bulletin: what comes next stands after it.
    package let lastPlace: Int64
    /// When any feed was last changed.
    package let changedAt: Timestamp
    /// A publisher's name.
    package let publisherName: String?
    /// The endpoint of a private feed.
    package let endpoint: Int64?

    package init(
        entries: [FeedEntry], lastPlace: Int64, changedAt: Timestamp, publisherName: String? = nil,
        endpoint: Int64? = nil
    ) {
        self.entries = entries
        self.lastPlace = lastPlace
        self.changedAt = changedAt
        self.publisherName = publisherName
        self.endpoint = endpoint
    }
}

/// A bulletin as feeds show it.
package struct FeedBulletin: Sendable {
    package let stored: StoredBulletin
    /// Of a withdrawal: the JSON of the revision that was withdrawn, which says what was to happen.
    package let withdrawn: [UInt8]?
    /// The publisher's registered name; nil if the publisher is no longer registered.
    package let publisherName: String?

    package init(stored: StoredBulletin, withdrawn: [UInt8]? = nil, publisherName: String? = nil) {
        (self.stored, self.withdrawn, self.publisherName) = (stored, withdrawn, publisherName)
    }
}

/// A revision that was public.
package struct PublicRevision: Sendable, Equatable {
    package let revision: Int64
    package let receivedAt: Timestamp

    package init(revision: Int64, receivedAt: Timestamp) { (self.revision, self.receivedAt) = (revision, receivedAt) }
}
