import Foundation

/// The header `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date.
enum RetryAfter {
    /// How long to wait from `now` (seconds since 1970); nil if the value is neither, or lies in the past.
    static func duration(_ text: String, now: Int64) -> Duration? {
        let text = text.trimmingCharacters(in: .whitespaces)
        if let seconds = Int64(text) { return seconds > 0 ? .seconds(min(seconds, 86_400)) : nil }
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        guard let date = formatter.date(from: text) else { return nil }
        let seconds = Int64(date.timeIntervalSince1970) - now
        return seconds > 0 ? .seconds(min(seconds, 86_400)) : nil
    }
}
