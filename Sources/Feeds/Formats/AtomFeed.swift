import Bulletins
import Markup
import Storage

/// Atom (RFC 4287), paged by RFC 5005, with tombstones (RFC 6721) for withdrawn bulletins.
enum AtomFeed {
    static func render(_ feed: FeedDocument) -> String {
        document(feed, mediaType: FeedFormat.atom.mediaType) { $0.isWithdrawn ? tombstone($0) : entry($0) }
    }

    /// Renders a feed whose entries have any form.
    static func document(_ feed: FeedDocument, mediaType: String, entry: (FeedItem) -> String) -> String {
        """
        <?xml version="1.0" encoding="utf-8"?>
        <feed xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0" \
        xmlns:fh="http://purl.org/syndication/history/1.0" xml:lang="\(feed.language.rawValue)">
        <title type="text">\(Escaping.markup(feed.title))</title>
        <subtitle type="text">\(Escaping.markup(feed.description))</subtitle>
        <id>\(Escaping.markup(feed.feedURL))</id>
        <updated>\(feed.updated.text)</updated>
        <generator>Kentongan</generator>
        \(AtomLinks.render(feed, mediaType: mediaType))\(feed.items.map(entry).joined())</feed>

        """
    }

    /// Renders an entry. Its links and content come from the caller.
    static func entry(_ item: FeedItem, id: String, title: String, _ content: String) -> String {
        let categories = item.categories.map {
            "<category term=\"\(Escaping.markup($0.code))\" scheme=\"urn:kentongan:\($0.scheme)\" "
                + "label=\"\(Escaping.markup($0.name))\"/>\n"
        }.joined()
        let summary = item.bulletin.summary.map { "<summary type=\"text\">\(Escaping.markup($0))</summary>\n" } ?? ""
        return """
            <entry xml:lang="\(Escaping.markup(item.bulletin.language))">
            <title type="text">\(Escaping.markup(title))</title>
            <id>\(Escaping.markup(id))</id>
            <published>\(item.published.text)</published>
            <updated>\(item.updated.text)</updated>
            <author><name>\(Escaping.markup(item.publisherName))</name></author>
            \(categories)\(summary)\(content)</entry>

            """
    }

    private static func entry(_ item: FeedItem) -> String {
        let enclosures = item.bulletin.attachments.map { attachment in
            let length = attachment.length.map { " length=\"\($0)\"" } ?? ""
            return "<link rel=\"enclosure\" href=\"\(Escaping.markup(attachment.url))\" "
                + "type=\"\(Escaping.markup(attachment.type))\"\(length) "
                + "title=\"\(Escaping.markup(attachment.title))\"/>\n"
        }.joined()
        return entry(
            item, id: item.guid, title: item.bulletin.title,
            """
            <link rel="alternate" type="text/html" href="\(Escaping.markup(item.url))"/>
            \(enclosures)<content type="html">\(Escaping.markup(item.html))</content>

            """)
    }

    private static func tombstone(_ item: FeedItem) -> String {
        """
        <at:deleted-entry ref="\(Escaping.markup(item.guid))" when="\(item.updated.text)">
        <at:comment type="text">\(Escaping.markup(item.bulletin.note ?? item.bulletin.title))</at:comment>
        </at:deleted-entry>

        """
    }
}
