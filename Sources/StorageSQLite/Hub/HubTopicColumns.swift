import Bulletins
import Foundation
import GRDB
import Storage

/// The columns of a topic. A private feed is stored by its endpoint, so that no token is stored.
struct HubTopicColumns {
    let path: String
    var region: Int64?
    var field: String?
    var publisher: String?
    var feed: Int64?
    let kinds: Int
    let contents: Int

    /// Nil if there is no such private feed.
    init?(_ topic: HubTopic, _ db: Database) throws {
        kinds = Set(topic.source.kind.map { [$0] } ?? Bulletin.Kind.allCases).mask
        contents = topic.source.content.rawValue
        switch topic.source.origin {
        case .region(let region, let field):
            path = topic.path
            (self.region, self.field) = (region.rawValue, field.description)
        case .publisher(let slug):
            path = topic.path
            publisher = slug
        case .subscriber(let token):
            let hash = Token.bytes(token).map { StoreKey.hash($0) }
            guard let endpoint = try db.number("SELECT id FROM endpoints WHERE feed_hash = ?", [hash]) else {
                return nil
            }
            path = topic.path.replacing(token, with: "\(endpoint)")
            feed = endpoint
        }
    }

    init(_ row: Row) {
        (path, region, field) = (row["topic"], row["region"], row["field"])
        (publisher, feed) = (row["publisher"], row["feed"])
        (kinds, contents) = (row["kinds"], row["contents"])
    }

    /// The path of the feed's address. If the feed was erased since, the token belongs to nobody and leads nowhere.
    func address(_ key: StoreKey) -> String {
        guard let feed else { return path }
        return path.replacing(
            "/s/\(feed)", with: "/s/\(Token.text(key.feedToken(endpoint: feed)))", maxReplacements: 1)
    }

    static let names = "topic, region, field, publisher, feed, kinds, contents"
    var values: [(any Bindable)?] { [path, region, field, publisher, feed, kinds, contents] }
}
