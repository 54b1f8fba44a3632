package import Bulletins

/// The selection of bulletins that a feed shows.
package struct FeedSource: Sendable, Hashable {
    package enum Origin: Sendable, Hashable {
        /// The bulletins that a subscription to this region and field would hear.
        case region(Region, FieldFilter)
        case publisher(String)
        /// The bulletins that were sent to an endpoint of the channel `feed`, by its token.
        case subscriber(String)
    }

    /// The content that a bulletin must have to be in the feed.
    package enum Content: Int, Sendable, Hashable, CaseIterable {
        case anything = 0
        case event = 1
        case alert = 2
    }

    package var origin: Origin
    /// The kind of bulletins; nil for both.
    package var kind: Bulletin.Kind?
    package var content: Content

    package init(_ origin: Origin, kind: Bulletin.Kind? = nil, content: Content = .anything) {
        (self.origin, self.kind, self.content) = (origin, kind, content)
    }
}

/// A bulletin at its place in a feed. Places grow with time, and a corrected bulletin gets a new one.
package struct FeedEntry: Sendable, Hashable {
    package let place: Int64
    /// The store's number of the revision.
    package let bulletin: Int64

    package init(place: Int64, bulletin: Int64) { (self.place, self.bulletin) = (place, bulletin) }
}

/// The place from which a feed is read, and the direction.
package enum FeedStart: Sendable, Hashable {
    /// From the newest entry backward.
    case newest
    /// From the entry before this place backward.
    case before(Int64)
    /// From the entry at or after this place forward.
    case from(Int64)
}

/// A page of a feed.
package struct FeedListing: Sendable {
    package let entries: [FeedEntry]
    /// The last place that any bulletin got. Later bulletins get higher places.
    package let lastPlace: Int64
    /// The time at which any feed last changed.
    package let changedAt: Timestamp
    /// The name of the publisher, for the feed of a publisher.
    package let publisherName: String?
    /// The endpoint, for a private feed.
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

/// A bulletin with all that feeds show of it.
package struct FeedBulletin: Sendable {
    package let stored: StoredBulletin
    /// For a withdrawal, the JSON of the withdrawn revision, so that the feed can say what was to happen.
    package let withdrawn: [UInt8]?
    /// The publisher's registered name; nil if the publisher is no longer registered.
    package let publisherName: String?

    package init(stored: StoredBulletin, withdrawn: [UInt8]? = nil, publisherName: String? = nil) {
        (self.stored, self.withdrawn, self.publisherName) = (stored, withdrawn, publisherName)
    }
}

/// A revision that is or was public.
package struct PublicRevision: Sendable, Equatable {
    package let revision: Int64
    package let receivedAt: Timestamp

    package init(revision: Int64, receivedAt: Timestamp) { (self.revision, self.receivedAt) = (revision, receivedAt) }
}
