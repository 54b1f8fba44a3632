import Bulletins
import Markup
import Storage

/// RSS 2.0 with the profile of the RSS Advisory Board, paged by RFC 5005. It leaves withdrawn bulletins out, since RSS
/// has no word for them.
enum RSSFeed {
    static func render(_ feed: FeedDocument) -> String {
        let changed = feed.items.isEmpty ? "" : "<lastBuildDate>\(feed.updated.mailDate)</lastBuildDate>\n"
        let items = feed.items.filter { !$0.isWithdrawn }.map(item).joined()
        let links = AtomLinks.render(feed, mediaType: FeedFormat.rss.mediaType, prefix: "atom:")
        return """
            <?xml version="1.0" encoding="utf-8"?>
            <rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/" \
            xmlns:fh="http://purl.org/syndication/history/1.0"><channel>
            <title>\(Escaping.markup(feed.title))</title>
            <link>\(Escaping.markup(feed.siteURL))</link>
            <description>\(Escaping.markup(feed.description))</description>
            <language>\(feed.language.rawValue)</language>
            <generator>Kentongan</generator>
            \(changed)\(links)\(items)</channel></rss>

            """
    }

    private static func item(_ item: FeedItem) -> String {
        let categories = item.categories.map {
            "<category domain=\"urn:kentongan:\($0.scheme)\">\(Escaping.markup($0.name))</category>\n"
        }.joined()
        // RSS allows one enclosure, and most readers ignore more. The profile asks for 0 where the length is unknown.
        let enclosure =
            item.bulletin.attachments.first.map {
                "<enclosure url=\"\(Escaping.markup($0.url))\" type=\"\(Escaping.markup($0.type))\" "
                    + "length=\"\($0.length ?? 0)\"/>\n"
            } ?? ""
        return """
            <item>
            <title>\(Escaping.markup(item.bulletin.title))</title>
            <link>\(Escaping.markup(item.url))</link>
            <guid isPermaLink="false">\(Escaping.markup(item.guid))</guid>
            <pubDate>\(item.published.mailDate)</pubDate>
            <atom:updated>\(item.updated.text)</atom:updated>
            <dc:creator>\(Escaping.markup(item.publisherName))</dc:creator>
            \(categories)\(enclosure)<description>\(Escaping.markup(item.html))</description>
            </item>

            """
    }
}
