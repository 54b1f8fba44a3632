import Bulletins
import Markup
import Storage

/// Alerts as an Atom feed whose entries link to CAP documents. A withdrawal is an entry too, and its document cancels
/// the earlier ones.
enum AlertFeed {
    static func render(_ feed: FeedDocument) -> String {
        AtomFeed.document(feed, mediaType: FeedFormat.alerts.mediaType, entry: entry)
    }

    private static func entry(_ item: FeedItem) -> String {
        let title = item.bulletin.alert.map { alert in alert.level.map { "\(alert.event): \($0)" } ?? alert.event }
        let text = item.bulletin.note ?? item.bulletin.summary ?? item.bulletin.title
        return AtomFeed.entry(
            item, id: item.guid, title: [title, item.bulletin.title].compactMap(\.self).joined(separator: " – "),
            """
            <link rel="alternate" type="text/html" href="\(Escaping.markup(item.url))"/>
            <link rel="alternate" type="\(AlertMessage.mediaType)" \
            href="\(Escaping.markup(item.url))/\(item.stored.revision).cap"/>
            <content type="text">\(Escaping.markup(text))</content>

            """)
    }
}
