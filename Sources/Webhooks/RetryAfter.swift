import Bulletins

/// The header `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
enum RetryAfter {
    /// The longest wait that a receiver may ask for, in seconds: one day.
    private static let longest: Int64 = 86_400

    /// The wait from `now` (seconds since 1970), one day at most; nil if the value is neither form, or is not ahead.
    static func duration(_ text: String, now: Int64) -> Duration? {
        let text = text.filter { $0 != "\t" }.split(separator: " ").joined(separator: " ")
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            // A number with more digits than an integer holds is more than a day, too.
            return wait(Int64(text) ?? .max)
        }
        guard let date = HTTPDate.parse(text, now: Timestamp(milliseconds: now * 1000)) else { return nil }
        return wait(date.seconds - now)
    }

    private static func wait(_ seconds: Int64) -> Duration? { seconds > 0 ? .seconds(min(seconds, longest)) : nil }
}
