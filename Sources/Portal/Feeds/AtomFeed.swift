import Bulletins
import Markup
import Storage

/// Atom (RFC 4287), with tombstones (RFC 6721) for what was withdrawn.
enum AtomFeed {
    static func render(_ feed: FeedDocument) -> String {
        """
        <?xml version="1.0" encoding="utf-8"?>
        <feed xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0" xml:lang="id">
        <title type="text">\(Escaping.markup(feed.title))</title>
        <id>\(Escaping.markup(feed.selfURL))</id>
        <updated>\(feed.updated.text)</updated>
        <link rel="self" type="application/atom+xml" href="\(Escaping.markup(feed.selfURL))"/>
        <link rel="hub" href="\(Escaping.markup(feed.hubURL))"/>
        <link rel="alternate" type="text/html" href="\(Escaping.markup(feed.siteURL))"/>
        \(feed.items.map { $0.isWithdrawn ? tombstone($0) : entry($0) }.joined())</feed>

        """
    }

    private static func entry(_ item: FeedItem) -> String {
        let categories = item.categories.map { "<category term=\"\(Escaping.markup($0))\"/>\n" }.joined()
        let enclosures = item.bulletin.attachments.map {
            "<link rel=\"enclosure\" href=\"\(Escaping.markup($0.url))\" type=\"\(Escaping.markup($0.type))\"/>\n"
        }.joined()
        let summary = item.bulletin.summary.map { "<summary type=\"text\">\(Escaping.markup($0))</summary>\n" } ?? ""
        return """
            <entry>
            <title type="text">\(Escaping.markup(item.bulletin.title))</title>
            <id>\(Escaping.markup(item.guid))</id>
            <published>\(item.published.text)</published>
            <updated>\(item.updated.text)</updated>
            <author><name>\(Escaping.markup(item.stored.id.publisher))</name></author>
            <link rel="alternate" type="text/html" href="\(Escaping.markup(item.url))"/>
            \(categories)\(enclosures)\(summary)<content type="html">\(Escaping.markup(item.html))</content>
            </entry>

            """
    }

    private static func tombstone(_ item: FeedItem) -> String {
        """
        <at:deleted-entry ref="\(Escaping.markup(item.guid))" when="\(item.updated.text)">
        <at:comment type="text">\(Escaping.markup(item.bulletin.note ?? item.bulletin.title))</at:comment>
        </at:deleted-entry>

        """
    }
}
