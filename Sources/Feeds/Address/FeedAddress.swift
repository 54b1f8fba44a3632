import Bulletins
package import Storage

/// The address of a feed, read from a path below `/feeds/`.
///
/// A path has the form `[en/] SOURCE [/kinds/KIND] [/archive/FROM-TO] .FORMAT`, in which SOURCE is `REGION`,
/// `REGION/FIELD`, `publishers/PUBLISHER` or `s/TOKEN`. Before `kinds` it may be empty, which means the whole country.
/// An example: `en/73.71/kesehatan/archive/64-128.atom` is the archived page `64-128`, in English and as Atom, of the
/// health bulletins of Makassar.
package struct FeedAddress: Sendable, Hashable {
    package let source: FeedSource
    package let language: FeedLanguage
    /// The archived page; nil for the feed itself, which holds the newest entries.
    package let archive: FeedWindow?
    package let format: FeedFormat

    package init(
        _ source: FeedSource, language: FeedLanguage = .indonesian, archive: FeedWindow? = nil, format: FeedFormat
    ) {
        self.source = FeedSource(source.origin, kind: source.kind, content: format.content)
        (self.language, self.archive, self.format) = (language, archive, format)
    }

    /// Parses a path; nil if it has another form. The region, publisher or token may still be unknown.
    package init?(path: String) {
        guard let format = Self.format(of: path) else { return nil }
        let name = path.dropLast(format.rawValue.utf8.count + 1)
        var parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)[...]
        var archive: FeedWindow?
        if let text = Self.take("archive", from: &parts) {
            guard format.hasArchives, let window = FeedWindow(text) else { return nil }
            archive = window
        }
        var kind: Bulletin.Kind?
        if let text = Self.take("kinds", from: &parts) {
            guard let named = Bulletin.Kind(rawValue: text) else { return nil }
            kind = named
        }
        let isEnglish = parts.first == "en"
        if isEnglish { parts.removeFirst() }
        guard let origin = Self.origin(Array(parts), hasKind: kind != nil) else { return nil }
        self.init(
            FeedSource(origin, kind: kind), language: isEnglish ? .english : .indonesian, archive: archive,
            format: format)
    }

    /// The same feed in another format.
    func with(_ format: FeedFormat) -> FeedAddress { FeedAddress(source, language: language, format: format) }

    /// The same feed in another language.
    func with(_ language: FeedLanguage) -> FeedAddress { FeedAddress(source, language: language, format: format) }

    /// Another page of the same feed; nil gives the feed itself.
    func with(_ archive: FeedWindow?) -> FeedAddress {
        FeedAddress(source, language: language, archive: archive, format: format)
    }

    /// The format by the extension. Codes contain dots, so the extension follows the last dot, except for the one
    /// extension that contains a dot itself.
    private static func format(of path: String) -> FeedFormat? {
        if path.hasSuffix("." + FeedFormat.alerts.rawValue) { return .alerts }
        return path.lastIndex(of: ".").flatMap { FeedFormat(rawValue: String(path[path.index(after: $0)...])) }
    }

    /// Takes `name/value` from the end of the parts, and returns the value.
    private static func take(_ name: String, from parts: inout ArraySlice<String>) -> String? {
        guard parts.count >= 2, parts[parts.endIndex - 2] == name else { return nil }
        let value = parts.removeLast()
        parts.removeLast()
        return value
    }

    private static func origin(_ parts: [String], hasKind: Bool) -> FeedSource.Origin? {
        switch parts.count {
        case 0: return hasKind ? .region(.country, .any) : nil
        case 1: return Region(parts[0]).map { .region($0, .any) }
        case 2 where parts[0] == "publishers": return Grammar.isPublisher(parts[1]) ? .publisher(parts[1]) : nil
        case 2 where parts[0] == "s": return Token.bytes(parts[1]) == nil ? nil : .subscriber(parts[1])
        case 2:
            guard let region = Region(parts[0]), let field = Field(parts[1]) else { return nil }
            return .region(region, .field(field))
        default: return nil
        }
    }

    /// Whether the feed is private: only those who know its address may read it.
    package var isPrivate: Bool { if case .subscriber = source.origin { true } else { false } }

    /// The canonical path below the portal's address, the same for every spelling that leads to this feed.
    package var path: String {
        let origin =
            switch source.origin {
            case .region(let region, .any): region.code
            case .region(let region, let field): "\(region)/\(field)"
            case .publisher(let slug): "publishers/\(slug)"
            case .subscriber(let token): "s/\(token)"
            }
        let kind = source.kind.map { "/kinds/\($0.rawValue)" } ?? ""
        let archive = archive.map { "/archive/\($0)" } ?? ""
        return "/feeds/\(language.pathPrefix)\(origin)\(kind)\(archive).\(format.rawValue)"
    }
}
