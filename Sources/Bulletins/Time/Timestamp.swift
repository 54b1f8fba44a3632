/// An instant with millisecond precision, as the program stores and compares it.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.milliseconds < b.milliseconds }

    public static func + (a: Timestamp, b: Duration) -> Timestamp {
        let (seconds, attoseconds) = b.components
        return Timestamp(milliseconds: a.milliseconds + seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }

    public static func - (a: Timestamp, b: Timestamp) -> Duration {
        .milliseconds(a.milliseconds - b.milliseconds)
    }

    /// Seconds since 1970, rounded down.
    public var seconds: Int64 { Self.floorDivide(milliseconds, 1000) }

    static func floorDivide(_ a: Int64, _ b: Int64) -> Int64 {
        let quotient = a / b
        return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient
    }
}

extension Timestamp {
    /// Parses an RFC 3339 date-time (section 5.6) with its offset: `2026-11-23T10:15:00+07:00`. A leap second counts as
    /// the second that follows it.
    public init?(_ text: String) {
        var reader = DigitReader(text)
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2),
            reader.take("-"), let day = reader.number(2), reader.take("T") || reader.take("t"),
            let hour = reader.number(2), reader.take(":"), let minute = reader.number(2),
            reader.take(":"), let second = reader.number(2),
            let date = CalendarDay(year: year, month: month, day: day),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        var fraction: Int64 = 0
        if reader.take(".") {
            guard let read = reader.fraction() else { return nil }
            fraction = read
        }
        guard let offset = reader.offset(), reader.isAtEnd else { return nil }
        let seconds = date.daysSinceEpoch * 86_400 + Int64(hour * 3600 + minute * 60 + second) - offset
        // RFC 3339 has years of four digits, and the UTC year may differ from the local one.
        guard Self.writableSeconds.contains(seconds) else { return nil }
        self.init(milliseconds: seconds * 1000 + fraction)
    }

    /// The years 0 to 9999, in seconds since 1970.
    private static let writableSeconds: Range<Int64> = -62_167_219_200..<253_402_300_800

    /// The instant as RFC 3339 in UTC: `2026-11-23T03:15:00Z`, with milliseconds unless they are zero.
    public var text: String {
        let day = CalendarDay(daysSinceEpoch: Self.floorDivide(seconds, 86_400))
        let rest = milliseconds - seconds * 1000
        let fraction = rest == 0 ? "" : "." + padded(Int(rest), 3)
        return "\(day.text)T\(clock(zoneOffset: 0, separator: ":", withSeconds: true))\(fraction)Z"
    }

    /// The calendar day in a zone `offset` seconds east of UTC.
    public func day(zoneOffset offset: Int64) -> CalendarDay {
        CalendarDay(daysSinceEpoch: Self.floorDivide(seconds + offset, 86_400))
    }

    /// The time of day in a zone `offset` seconds east of UTC: `18.00` or `18:00:05`.
    public func clock(zoneOffset offset: Int64, separator: String, withSeconds: Bool = false) -> String {
        let ofDay = Int(seconds + offset - Self.floorDivide(seconds + offset, 86_400) * 86_400)
        let parts = [ofDay / 3600, ofDay / 60 % 60] + (withSeconds ? [ofDay % 60] : [])
        return parts.map { padded($0, 2) }.joined(separator: separator)
    }

    /// The instant as mail and RSS write it (RFC 5322, section 3.3), in UTC.
    public var mailDate: String {
        let day = day(zoneOffset: 0)
        let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return "\(weekdays[day.weekday]), \(padded(day.day, 2)) \(months[day.month - 1]) \(padded(day.year, 4)) "
            + "\(clock(zoneOffset: 0, separator: ":", withSeconds: true)) +0000"
    }

    /// The instant as HTTP headers write it (RFC 9110, section 5.6.7).
    public var httpDate: String { String(mailDate.dropLast(5)) + "GMT" }
}
