package import Bulletins

/// Renders the events of bulletins as iCalendar (RFC 5545), for mail attachments and subscribed calendars.
///
/// The calendars have no `METHOD`: nobody is invited, and a method would require an `ORGANIZER` (RFC 5546 section
/// 3.2.1).
package enum ICalendar {
    /// The facts about a bulletin that its text does not contain.
    package struct Edition: Sendable {
        package var revision: Int64
        /// The times at which this revision and the first one were recorded.
        package var changed: Timestamp
        package var created: Timestamp
        /// The URL of the bulletin's page.
        package var url: String

        package init(revision: Int64, changed: Timestamp, created: Timestamp, url: String) {
            (self.revision, self.changed, self.created, self.url) = (revision, changed, created, url)
        }
    }

    /// A calendar with the event of one bulletin. Nil if the bulletin has no event.
    package static func calendar(
        of bulletin: Bulletin, _ edition: Edition, categories: [String] = [], language: String = "id"
    ) -> String? {
        event(bulletin, edition, categories: categories).map { calendar(events: [$0], language: language) }
    }

    /// A calendar of several components. `name` and `source` are its title and URL (RFC 7986).
    package static func calendar(
        events: [String], name: String? = nil, source: String? = nil, language: String
    ) -> String {
        var lines = CalendarLines()
        lines.add("BEGIN", "VCALENDAR")
        lines.add("VERSION", "2.0")
        lines.add("PRODID", "-//Kentongan//Kentongan//\(language.uppercased())")
        lines.add("CALSCALE", "GREGORIAN")
        if let name {
            lines.add("NAME", text: name)
            // Most programs know this name and not that of RFC 7986.
            lines.add("X-WR-CALNAME", text: name)
        }
        if let source {
            lines.add("SOURCE;VALUE=URI", source)
            lines.add("REFRESH-INTERVAL;VALUE=DURATION", "PT1H")
        }
        return lines.text + (events.isEmpty ? emptiness : events.joined()) + "END:VCALENDAR\r\n"
    }

    /// A component that shows nothing. RFC 5545 section 3.6 requires at least one per calendar.
    private static let emptiness = [
        "BEGIN:VTIMEZONE", "TZID:UTC", "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0000",
        "TZOFFSETTO:+0000", "TZNAME:UTC", "END:STANDARD", "END:VTIMEZONE", "",
    ].joined(separator: "\r\n")

    /// The event of a bulletin as a `VEVENT`, nil if it has none. All revisions share one `UID`.
    package static func event(_ bulletin: Bulletin, _ edition: Edition, categories: [String] = []) -> String? {
        guard let event = bulletin.event else { return nil }
        var lines = CalendarLines()
        lines.add("BEGIN", "VEVENT")
        lines.add("UID", text: bulletin.id.urn)
        lines.add("DTSTAMP", edition.changed.calendarText)
        lines.add("CREATED", edition.created.calendarText)
        lines.add("LAST-MODIFIED", edition.changed.calendarText)
        lines.add("SEQUENCE", "\(edition.revision - 1)")
        lines.add("STATUS", bulletin.status == .withdrawn ? "CANCELLED" : "CONFIRMED")
        // A public event does not occupy the reader's time.
        lines.add("TRANSP", "TRANSPARENT")
        addTimes(event, &lines)
        lines.add("SUMMARY", text: event.name ?? bulletin.title)
        if let place = event.place { lines.add("LOCATION", text: place) }
        lines.add("DESCRIPTION", text: description(bulletin))
        if let contact = contact(bulletin) { lines.add("CONTACT", text: contact) }
        if !categories.isEmpty { lines.add("CATEGORIES", texts: categories) }
        lines.add("URL", edition.url)
        lines.add("END", "VEVENT")
        return lines.text
    }

    /// Adds the start and the end. Calendars reject an end that is not after the start (section 3.8.2.2), and the end
    /// of an all-day event is the day after its last day.
    private static func addTimes(_ event: Bulletin.Event, _ lines: inout CalendarLines) {
        switch event.starts {
        case .at(let start):
            lines.add("DTSTART", start.calendarText)
            if case .at(let end)? = event.ends, end.seconds > start.seconds { lines.add("DTEND", end.calendarText) }
        case .on(let day):
            lines.add("DTSTART;VALUE=DATE", day.calendarText)
            if case .on(let last)? = event.ends, last > day, last.year <= 9998 {
                let end = CalendarDay(daysSinceEpoch: last.daysSinceEpoch + 1)
                lines.add("DTEND;VALUE=DATE", end.calendarText)
            }
        }
    }

    private static func description(_ bulletin: Bulletin) -> String {
        let title = bulletin.event?.name == nil ? nil : bulletin.title
        return [title, bulletin.note, bulletin.summary, bulletin.body.map(CommonMark.plainText)]
            .compactMap(\.self).filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    private static func contact(_ bulletin: Bulletin) -> String? {
        bulletin.contact.map { [$0.name, $0.phone, $0.email].compactMap(\.self).joined(separator: ", ") }
    }
}

extension Timestamp {
    /// For example `20261212T010000Z` (RFC 5545, section 3.3.5, form 2).
    fileprivate var calendarText: String {
        let digits = clock(zoneOffset: 0, separator: "", withSeconds: true)
        return "\(day(zoneOffset: 0).calendarText)T\(digits)Z"
    }
}

extension CalendarDay {
    /// For example `20261212` (RFC 5545, section 3.3.4).
    fileprivate var calendarText: String { text.filter { $0 != "-" } }
}
