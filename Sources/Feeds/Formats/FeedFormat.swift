import Storage

/// The format of a feed, named by its extension.
package enum FeedFormat: String, Sendable, CaseIterable {
    case rss, atom, json
    /// Events as iCalendar.
    case calendar = "ics"
    /// Alerts as an Atom feed that links to one CAP document per alert.
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

    /// The bulletins that feeds of this format contain.
    var content: FeedSource.Content {
        switch self {
        case .rss, .atom, .json: .anything
        case .calendar: .event
        case .alerts: .alert
        }
    }

    /// Whether the format can link to older entries (RFC 5005, and `next_url` of JSON Feed).
    var hasArchives: Bool { self != .calendar }

    /// The age in seconds up to which a cache may serve an answer, and the further seconds for which it may do so while
    /// it asks for a new one.
    var freshness: (maxAge: Int, whileRevalidating: Int) {
        switch self {
        case .rss, .atom, .json, .calendar: (60, 60)
        case .alerts: (15, 15)
        }
    }
}
