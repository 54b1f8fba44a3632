import Bulletins
import Storage

/// A feed's format, by its extension.
enum FeedFormat: String, Sendable, CaseIterable {
    case rss, atom, json

    var contentType: String {
        switch self {
        case .rss: "application/rss+xml; charset=utf-8"
        case .atom: "application/atom+xml; charset=utf-8"
        case .json: "application/feed+json; charset=utf-8"
        }
    }
}

/// What a path below `/feeds/` asks for: `REGION.rss`, `REGION/FIELD.atom`, `publishers/PUBLISHER.json`, `s/TOKEN.rss`.
struct FeedAddress: Sendable, Hashable {
    let source: FeedSource
    let format: FeedFormat

    /// Nil if the path has not such a form; what it names may still be unknown. Codes hold dots, so the
    /// extension is what follows the last one.
    init?(path: String) {
        guard let dot = path.lastIndex(of: "."),
            let format = FeedFormat(rawValue: String(path[path.index(after: dot)...]))
        else { return nil }
        self.format = format
        let parts = path[..<dot].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1:
            guard let region = Region(parts[0]) else { return nil }
            source = .region(region, .any)
        case 2 where parts[0] == "publishers":
            guard Grammar.isPublisher(parts[1]) else { return nil }
            source = .publisher(parts[1])
        case 2 where parts[0] == "s":
            guard Token.bytes(parts[1]) != nil else { return nil }
            source = .subscriber(parts[1])
        case 2:
            guard let region = Region(parts[0]), let field = Field(parts[1]) else { return nil }
            source = .region(region, .field(field))
        default: return nil
        }
    }

    /// Whether only who knows the address may read it.
    var isPrivate: Bool { if case .subscriber = source { true } else { false } }

    /// The path below the portal's address.
    var path: String {
        switch source {
        case .region(let region, .any): "/feeds/\(region).\(format.rawValue)"
        case .region(let region, let field): "/feeds/\(region)/\(field).\(format.rawValue)"
        case .publisher(let slug): "/feeds/publishers/\(slug).\(format.rawValue)"
        case .subscriber(let token): "/feeds/s/\(token).\(format.rawValue)"
        }
    }
}
