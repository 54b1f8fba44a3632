import Bulletins
import Markup

/// RSS 2.0. What was withdrawn is left out, since RSS has no word for it.
enum RSSFeed {
    static func render(_ feed: FeedDocument) -> String {
        let changed = feed.items.isEmpty ? "" : "<lastBuildDate>\(feed.updated.mailDate)</lastBuildDate>\n"
        let items = feed.items.filter { !$0.isWithdrawn }.map(item).joined()
        return """
            <?xml version="1.0" encoding="utf-8"?>
            <rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>
            <title>\(Escaping.markup(feed.title))</title>
            <link>\(Escaping.markup(feed.siteURL))</link>
            <description>\(Escaping.markup(feed.title))</description>
            <language>id</language>
            \(changed)<atom:link rel="self" type="application/rss+xml" href="\(Escaping.markup(feed.selfURL))"/>
            <atom:link rel="hub" href="\(Escaping.markup(feed.hubURL))"/>
            \(items)</channel></rss>

            """
    }

    private static func item(_ item: FeedItem) -> String {
        let categories = item.categories.map { "<category>\(Escaping.markup($0))</category>\n" }.joined()
        // RSS allows one enclosure; more are ignored by most readers.
        let enclosure =
            item.bulletin.attachments.first.map {
                "<enclosure url=\"\(Escaping.markup($0.url))\" type=\"\(Escaping.markup($0.type))\" length=\"\($0.length ?? 0)\"/>\n"
            } ?? ""
        return """
            <item>
            <title>\(Escaping.markup(item.bulletin.title))</title>
            <link>\(Escaping.markup(item.url))</link>
            <guid isPermaLink="false">\(Escaping.markup(item.guid))</guid>
            <pubDate>\(item.published.mailDate)</pubDate>
            \(categories)\(enclosure)<description>\(Escaping.markup(item.html))</description>
            </item>

            """
    }
}
