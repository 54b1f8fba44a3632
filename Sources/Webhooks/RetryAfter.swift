import Foundation

/// The header `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date.
enum RetryAfter {
    /// How long to wait from `now` (seconds since 1970), a day at most; nil if the value is neither, or lies in the past.
    static func duration(_ text: String, now: Int64) -> Duration? {
        let text = text.trimmingCharacters(in: .whitespaces)
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            // More digits than a number has are more than a day, too.
            let seconds = Int64(text) ?? .max
            return seconds > 0 ? .seconds(min(seconds, 86_400)) : nil
        }
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        guard let date = formatter.date(from: text) else { return nil }
        let seconds = Int64(date.timeIntervalSince1970) - now
        return seconds > 0 ? .seconds(min(seconds, 86_400)) : nil
    }
}
