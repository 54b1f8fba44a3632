import Markup
import Storage

/// Events as a calendar to subscribe to (RFC 5545). A withdrawn event is cancelled.
enum CalendarFeed {
    static func render(_ feed: FeedDocument) -> String {
        let events = feed.items.compactMap { item in
            ICalendar.event(
                item.bulletin,
                ICalendar.Edition(
                    revision: item.stored.revision, changed: item.updated, created: item.published, url: item.url),
                categories: item.categories.filter { $0.scheme == "field" }.map(\.name))
        }
        return ICalendar.calendar(
            events: events, name: feed.title, source: feed.selfURL, language: feed.language.rawValue)
    }
}
