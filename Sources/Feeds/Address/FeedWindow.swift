import Storage

/// The places of one archived page of a feed (RFC 5005, section 4), `FROM-TO` with TO left out.
///
/// A window is a power of two long and begins at a multiple of its length. Windows of a feed are thus found again
/// without a row for each, and what one holds does not depend on what comes later: it only becomes less, when something
/// is corrected, withdrawn or expires.
package struct FeedWindow: Sendable, Hashable, CustomStringConvertible {
    let start: Int64
    let end: Int64

    /// A page holds at most so many entries.
    static let entryLimit = 100

    private init(start: Int64, length: Int64) { (self.start, end) = (start, start + length) }

    /// From its text; nil if it is no window, or written otherwise than `description` does.
    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let start = Int64(parts[0]), let end = Int64(parts[1]), start >= 0, end > start,
            end <= 1 << 62, (end - start).nonzeroBitCount == 1, start % (end - start) == 0
        else { return nil }
        (self.start, self.end) = (start, end)
        guard description == text else { return nil }
    }

    package var description: String { "\(start)-\(end)" }

    /// The largest window around a place that is complete, stays within `bounds`, and holds no more entries than a page
    /// may. `entries` are those of the feed around the place, more than a page on each side if there are as many.
    static func around(
        _ place: Int64, among entries: [FeedEntry], lastPlace: Int64, within bounds: Range<Int64> = 0..<Int64.max
    ) -> FeedWindow {
        var window = FeedWindow(start: place, length: 1)
        while true {
            let length = (window.end - window.start) * 2
            let larger = FeedWindow(start: window.start / length * length, length: length)
            guard larger.end <= lastPlace + 1, larger.start >= bounds.lowerBound, larger.end <= bounds.upperBound,
                entries.count(where: larger.holds) <= entryLimit
            else { return window }
            window = larger
        }
    }

    func holds(_ entry: FeedEntry) -> Bool { entry.place >= start && entry.place < end }
}
