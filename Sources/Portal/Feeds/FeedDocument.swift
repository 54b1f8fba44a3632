import Bulletins
import Markup
import Storage

/// A feed before it takes one of its formats.
struct FeedDocument: Sendable {
    let title: String
    let selfURL: String
    let siteURL: String
    let hubURL: String
    let updated: Timestamp
    let items: [FeedItem]
}

/// One bulletin in a feed.
struct FeedItem: Sendable {
    let stored: StoredBulletin
    let bulletin: Bulletin
    let url: String
    let html: String
    let categories: [String]

    /// Never changes, also when the bulletin is corrected.
    var guid: String { stored.id.urn }
    var isWithdrawn: Bool { bulletin.status == .withdrawn }
    var published: Timestamp { stored.firstReceivedAt }
    var updated: Timestamp { stored.receivedAt }

    init(_ stored: StoredBulletin, registries: Registries, publicURL: String) throws(StoreError) {
        self.stored = stored
        bulletin = try stored.bulletin()
        url = "\(publicURL)/bulletins/\(stored.id.publisher)/\(stored.id.id)"
        html = BulletinHTML.content(bulletin, registries: registries)
        categories =
            bulletin.regions.map { registries.regions.name(of: $0) ?? $0.code }
            + bulletin.fields.map { registries.fields.name(of: $0, language: "id") }
    }
}
