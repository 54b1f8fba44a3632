import Bulletins
import Storage

/// JSON Feed 1.1. What was withdrawn is left out.
enum JSONFeed {
    static func render(_ feed: FeedDocument) -> String {
        JSONWriter.text([
            "version": "https://jsonfeed.org/version/1.1", "title": .string(feed.title),
            "home_page_url": .string(feed.siteURL), "feed_url": .string(feed.selfURL),
            "hubs": [["type": "WebSub", "url": .string(feed.hubURL)]], "language": "id",
            "items": .array(feed.items.filter { !$0.isWithdrawn }.map(item)),
        ])
    }

    private static func item(_ item: FeedItem) -> JSONValue {
        var object: JSONObject = [
            "id": .string(item.guid), "url": .string(item.url), "title": .string(item.bulletin.title),
            "content_html": .string(item.html), "date_published": .string(item.published.text),
            "date_modified": .string(item.updated.text), "language": .string(item.bulletin.language),
            "tags": .array(item.categories.map { .string($0) }),
            "authors": [["name": .string(item.stored.id.publisher)]],
        ]
        object.set("summary", item.bulletin.summary)
        if !item.bulletin.attachments.isEmpty {
            object["attachments"] = .array(item.bulletin.attachments.map(attachment))
        }
        return .object(object)
    }

    private static func attachment(_ attachment: Bulletin.Attachment) -> JSONValue {
        var object: JSONObject = [
            "url": .string(attachment.url), "mime_type": .string(attachment.type), "title": .string(attachment.title),
        ]
        if let length = attachment.length { object["size_in_bytes"] = .integer(length) }
        return .object(object)
    }
}
