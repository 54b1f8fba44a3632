/// A point in time, to the millisecond, as the program stores and compares it.
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

/// A day of the Gregorian calendar.
public struct CalendarDay: Sendable, Hashable, Comparable {
    public let year: Int, month: Int, day: Int

    /// Nil if there is no such day.
    public init?(year: Int, month: Int, day: Int) {
        guard (0...9999).contains(year), (1...12).contains(month),
            day >= 1, day <= Self.length(ofMonth: month, year: year)
        else { return nil }
        (self.year, self.month, self.day) = (year, month, day)
    }

    /// The day that is `daysSinceEpoch` days after 1970-01-01.
    public init(daysSinceEpoch: Int64) {
        // Days are counted in eras of 400 years that begin on 1 March, so that leap days come last.
        let shifted = daysSinceEpoch + 719_468
        let era = Timestamp.floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
        month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
        year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
    }

    public var daysSinceEpoch: Int64 {
        let y = Int64(month <= 2 ? year - 1 : year)
        let era = Timestamp.floorDivide(y, 400)
        let yearOfEra = y - era * 400
        let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// 0 for Sunday to 6 for Saturday.
    public var weekday: Int { Int(((daysSinceEpoch + 4) % 7 + 7) % 7) }

    static func length(ofMonth month: Int, year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// From `2026-11-23` (RFC 3339, full-date).
    public init?(_ text: String) {
        var reader = DigitReader(text)
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2),
            reader.take("-"), let day = reader.number(2), reader.isAtEnd
        else { return nil }
        self.init(year: year, month: month, day: day)
    }

    public var text: String { "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))" }

    public static func < (a: CalendarDay, b: CalendarDay) -> Bool {
        (a.year, a.month, a.day) < (b.year, b.month, b.day)
    }
}

extension Timestamp {
    /// From RFC 3339 date-time (section 5.6), offset required: `2026-11-23T10:15:00+07:00`. Leap
    /// seconds count as the second after.
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
        // In UTC it has a year of four digits too, or could not be told.
        guard Self.tellable.contains(seconds) else { return nil }
        self.init(milliseconds: seconds * 1000 + fraction)
    }

    /// Seconds since 1970 of the years 0 to 9999.
    private static let tellable: Range<Int64> = -62_167_219_200..<253_402_300_800

    /// RFC 3339 in UTC, `2026-11-23T03:15:00Z`, with milliseconds if there are any.
    public var text: String {
        let day = CalendarDay(daysSinceEpoch: Self.floorDivide(seconds, 86_400))
        let rest = milliseconds - seconds * 1000
        let fraction = rest == 0 ? "" : "." + padded(Int(rest), 3)
        return "\(day.text)T\(clock(zoneOffset: 0, separator: ":", withSeconds: true))\(fraction)Z"
    }

    /// The day at `offset` seconds east of UTC.
    public func day(zoneOffset offset: Int64) -> CalendarDay {
        CalendarDay(daysSinceEpoch: Self.floorDivide(seconds + offset, 86_400))
    }

    /// The time of day at `offset` seconds east of UTC, `18.00` or `18:00:05`.
    public func clock(zoneOffset offset: Int64, separator: String, withSeconds: Bool = false) -> String {
        let ofDay = Int(seconds + offset - Self.floorDivide(seconds + offset, 86_400) * 86_400)
        let parts = [ofDay / 3600, ofDay / 60 % 60] + (withSeconds ? [ofDay % 60] : [])
        return parts.map { padded($0, 2) }.joined(separator: separator)
    }

    /// The date of mail and RSS (RFC 5322 section 3.3), in UTC.
    public var mailDate: String {
        let day = day(zoneOffset: 0)
        let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return "\(weekdays[day.weekday]), \(padded(day.day, 2)) \(months[day.month - 1]) \(padded(day.year, 4)) "
            + "\(clock(zoneOffset: 0, separator: ":", withSeconds: true)) +0000"
    }

    /// The date of HTTP headers (RFC 9110 section 5.6.7).
    public var httpDate: String { String(mailDate.dropLast(5)) + "GMT" }
}

func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

private struct DigitReader {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = text[...].utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    mutating func number(_ width: Int) -> Int? {
        var value = 0
        for _ in 0..<width {
            guard let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
            rest.removeFirst()
        }
        return value
    }

    /// Milliseconds from the digits after the point; what is finer is cut off.
    mutating func fraction() -> Int64? {
        var value: Int64 = 0
        var digits = 0
        while let digit = number(1) {
            if digits < 3 { value = value * 10 + Int64(digit) }
            digits += 1
        }
        guard digits > 0 else { return nil }
        for _ in digits..<max(3, digits) { value *= 10 }
        return value
    }

    /// Seconds east of UTC.
    mutating func offset() -> Int64? {
        if take("Z") || take("z") { return 0 }
        let isEast = take("+")
        guard isEast || take("-"), let hour = number(2), take(":"), let minute = number(2),
            hour < 24, minute < 60
        else { return nil }
        return Int64(hour * 3600 + minute * 60) * (isEast ? 1 : -1)
    }
}
