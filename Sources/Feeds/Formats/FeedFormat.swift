import Storage

/// A feed's format, by its extension.
package enum FeedFormat: String, Sendable, CaseIterable {
    case rss, atom, json
    /// Events, as iCalendar.
    case calendar = "ics"
    /// Alerts: an Atom feed that leads to one CAP document each.
    case alerts = "cap.atom"

    var contentType: String { "\(mediaType); charset=utf-8" }

    var mediaType: String {
        switch self {
        case .rss: "application/rss+xml"
        case .atom, .alerts: "application/atom+xml"
        case .json: "application/feed+json"
        case .calendar: "text/calendar"
        }
    }

    /// What stands in feeds of this format.
    var content: FeedSource.Content {
        switch self {
        case .rss, .atom, .json: .anything
        case .calendar: .event
        case .alerts: .alert
        }
    }

    /// Whether it can say where older entries are (RFC 5005, and `next_url` of JSON Feed).
    var hasArchives: Bool { self != .calendar }

    /// How old an answer may be, and how long a cache may go on with it while it asks for a new one; in seconds.
    var freshness: (maxAge: Int, whileRevalidating: Int) {
        switch self {
        case .rss, .atom, .json, .calendar: (60, 60)
        case .alerts: (15, 15)
        }
    }
}
