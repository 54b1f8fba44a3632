import Bulletins
import Markup
import Storage

/// A page of a feed, before it is written in a format.
struct FeedDocument: Sendable {
    let title: String
    let description: String
    let language: FeedLanguage
    /// The address of the feed itself, on its archived pages too.
    let feedURL: String
    /// The address of this page.
    let selfURL: String
    let siteURL: String
    let hubURL: String
    let previousURL: String?
    let nextURL: String?
    /// The same feed in other formats and languages.
    let alternates: [Alternate]
    let updated: Timestamp
    let items: [FeedItem]

    /// The address of the same feed in another format or language.
    struct Alternate: Sendable {
        let url: String
        let mediaType: String
        let language: FeedLanguage
    }

    /// Whether this is an archived page, and not the feed itself.
    var isArchive: Bool { selfURL != feedURL }

    init(
        _ address: FeedAddress, _ page: FeedPage, items: [FeedItem], registries: Registries, publicURL: String
    ) {
        func url(_ address: FeedAddress) -> String { publicURL + address.path }
        let words = FeedWords(address.language)
        title = words.title(of: address.source, publisherName: page.publisherName, registries: registries)
        description = words.description
        language = address.language
        feedURL = url(address.with(nil as FeedWindow?))
        selfURL = url(address)
        siteURL = publicURL + "/"
        hubURL = publicURL + "/websub"
        previousURL = page.previous.map { url(address.with($0)) }
        nextURL = page.next.map { url(address.with($0)) }
        let formats: [FeedFormat] = address.format.content == .anything ? [.rss, .atom, .json] : [address.format]
        alternates = (formats.map(address.with) + [address.with(address.language.other)])
            .filter { $0.format != address.format || $0.language != address.language }
            .map { Alternate(url: url($0), mediaType: $0.format.mediaType, language: $0.language) }
        // A feed without items has never changed.
        updated = items.map(\.updated).max() ?? Timestamp(milliseconds: 0)
        self.items = items
    }
}

/// One bulletin in a feed.
struct FeedItem: Sendable {
    let stored: StoredBulletin
    let bulletin: Bulletin
    /// The publisher's registered name, or its slug if it is no longer registered.
    let publisherName: String
    let url: String
    let html: String
    let categories: [Category]

    /// A region, a field or the kind of a bulletin.
    struct Category: Sendable {
        /// The vocabulary of the code: `region`, `field` or `kind`.
        let scheme: String
        let code: String
        let name: String
    }

    /// The permanent identifier, the same for all revisions of the bulletin.
    var guid: String { stored.id.urn }
    var isWithdrawn: Bool { bulletin.status == .withdrawn }
    var published: Timestamp { stored.firstReceivedAt }
    var updated: Timestamp { stored.receivedAt }

    /// `html` is the content, if it was rendered before.
    init(
        _ shown: FeedBulletin, language: FeedLanguage, registries: Registries, publicURL: String, html: String? = nil
    ) throws(StoreError) {
        stored = shown.stored
        publisherName = shown.publisherName ?? shown.stored.id.publisher
        var bulletin = try shown.stored.bulletin()
        // A withdrawal need not repeat the event or the alert that it takes back.
        if let payload = shown.withdrawn, let withdrawn = try? Bulletin(payload: payload) {
            bulletin.event = bulletin.event ?? withdrawn.event
            bulletin.alert = bulletin.alert ?? withdrawn.alert
        }
        self.bulletin = bulletin
        url = "\(publicURL)/bulletins/\(stored.id.publisher)/\(stored.id.id)"
        self.html =
            html
            ?? BulletinHTML.content(bulletin, registries: registries, language: language.rawValue)
        categories =
            bulletin.regions.map {
                Category(scheme: "region", code: $0.code, name: registries.regions.name(of: $0) ?? $0.code)
            }
            + bulletin.fields.map {
                let name = registries.fields.name(of: $0, language: language.rawValue)
                return Category(scheme: "field", code: $0.code, name: name)
            }
            + [Category(scheme: "kind", code: bulletin.kind.rawValue, name: FeedWords(language).kind(bulletin.kind))]
    }
}
