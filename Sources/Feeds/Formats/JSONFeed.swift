import Bulletins
import Storage

/// JSON Feed 1.1. It leaves withdrawn bulletins out.
enum JSONFeed {
    static func render(_ feed: FeedDocument) -> String {
        var object: JSONObject = [
            "version": "https://jsonfeed.org/version/1.1", "title": .string(feed.title),
            "description": .string(feed.description), "home_page_url": .string(feed.siteURL),
            "feed_url": .string(feed.selfURL), "language": .string(feed.language.rawValue),
        ]
        object.set("next_url", feed.previousURL)
        if !feed.isArchive { object["hubs"] = [["type": "WebSub", "url": .string(feed.hubURL)]] }
        object["items"] = .array(feed.items.filter { !$0.isWithdrawn }.map(item))
        return JSONWriter.text(.object(object))
    }

    private static func item(_ item: FeedItem) -> JSONValue {
        var object: JSONObject = [
            "id": .string(item.guid), "url": .string(item.url), "title": .string(item.bulletin.title),
            "content_html": .string(item.html), "date_published": .string(item.published.text),
            "date_modified": .string(item.updated.text), "language": .string(item.bulletin.language),
            "tags": .array(item.categories.map { .string($0.name) }),
            "authors": [["name": .string(item.publisherName)]],
        ]
        object.set("external_url", item.bulletin.link)
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
