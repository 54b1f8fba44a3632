package import Bulletins

/// Which bulletins a feed holds.
package enum FeedSource: Sendable, Hashable {
    /// What a subscription to this region and field would hear.
    case region(Region, FieldFilter)
    case publisher(String)
    /// What an endpoint of the channel `feed` was sent; by its token.
    case subscriber(String)
}

/// What the portal's feeds read.
package protocol FeedStore: Sendable {
    /// The newest bulletins of a feed, newest first: the latest revision of each, withdrawn ones as
    /// tombstones, expired ones left out.
    func feedItems(_ source: FeedSource, limit: Int, now: Timestamp) async throws(StoreError) -> [StoredBulletin]

    /// Whether a feed has this token.
    func hasFeed(tokenHash: [UInt8]) async throws(StoreError) -> Bool

    /// Whether there is such a publisher.
    func hasPublisher(_ slug: String) async throws(StoreError) -> Bool

    /// The latest revision of a bulletin that the public may see.
    func publicBulletin(_ id: BulletinID) async throws(StoreError) -> StoredBulletin?

    /// To where the last public answer moved a proposal; nil if there is none.
    func answer(to proposal: BulletinID) async throws(StoreError) -> Bulletin.Proposal?
}

/// What the portal does for a subscriber who follows a link in a mail.
package protocol UnsubscribeStore: Sendable {
    /// Ends the subscription of this token and cancels what it made pending; false if there is none.
    func unsubscribe(tokenHash: [UInt8], now: Timestamp) async throws(StoreError) -> Bool

    /// Whether the token belongs to a subscription, ended or not.
    func hasUnsubscribeToken(hash: [UInt8]) async throws(StoreError) -> Bool
}
