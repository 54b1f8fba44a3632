/// Parses the dates of HTTP headers.
///
/// Recipients must accept three forms (RFC 9110, section 5.6.7). Senders today write only the first. All are in UTC.
package enum HTTPDate {
    /// Returns nil if the text has none of the three forms, or is not a valid time. Ignores the weekday.
    ///
    /// `now` determines the century of the second form, whose year has two digits.
    package static func parse(_ text: String, now: Timestamp) -> Timestamp? {
        let words = text.split(separator: " ").map(String.init)
        switch words.count {
        case 6 where words[0].hasSuffix(",") && words[5] == "GMT":
            return time(day: words[1], month: words[2], year: number(words[3], digits: 4), clock: words[4])
        case 4 where words[0].hasSuffix(",") && words[3] == "GMT": return parseRFC850(words, now)
        case 5: return time(day: words[2], month: words[1], year: number(words[4], digits: 4), clock: words[3])
        default: return nil
        }
    }

    /// Parses the form of RFC 850: `Sunday, 06-Nov-94 08:49:37 GMT`. A year that appears to be more than 50 years in
    /// the future belongs to the past.
    private static func parseRFC850(_ words: [String], _ now: Timestamp) -> Timestamp? {
        let parts = words[1].split(separator: "-").map(String.init)
        guard parts.count == 3, let short = number(parts[2], digits: 2) else { return nil }
        let thisYear = now.day(zoneOffset: 0).year
        var year = thisYear - thisYear % 100 + short
        if year > thisYear + 50 { year -= 100 } else if year < thisYear - 49 { year += 100 }
        return time(day: parts[0], month: parts[1], year: year, clock: words[2])
    }

    private static func time(day: String, month: String, year: Int?, clock: String) -> Timestamp? {
        let parts = clock.split(separator: ":", omittingEmptySubsequences: false).map { number(String($0), digits: 2) }
        guard let year, let day = number(day, digits: 1) ?? number(day, digits: 2),
            let month = months.firstIndex(of: month), let date = CalendarDay(year: year, month: month + 1, day: day),
            parts.count == 3, let hour = parts[0], let minute = parts[1], let second = parts[2],
            hour < 24, minute < 60, second <= 60
        else { return nil }
        let seconds = date.daysSinceEpoch * 86_400 + Int64(hour * 3600 + minute * 60 + second)
        return Timestamp(milliseconds: seconds * 1000)
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func number(_ text: String, digits: Int) -> Int? {
        guard text.utf8.count == digits, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }
}
