import Storage

/// The places of one archived page of a feed (RFC 5005, section 4), written `FROM-TO` without TO itself.
///
/// Every entry of a feed has a place, a number that only grows. A window is a power of two long and begins at a
/// multiple of its length. A feed's windows can therefore be computed instead of stored, and later bulletins never
/// change one. A window only loses entries, when bulletins are corrected, withdrawn or expire.
///
/// An example: the newest entry that no longer fits into the feed itself has place 100. The windows around it are
/// `100-101`, `100-102`, `100-104`, `96-104`, `96-112`, `96-128`, `64-128`, `0-128` and so on. `around` returns the
/// largest of them whose places have all been given and that holds at most 100 entries. If `0-128` holds 120 entries
/// and `64-128` holds 60, the page is `64-128`, and the next older page ends at 64.
package struct FeedWindow: Sendable, Hashable, CustomStringConvertible {
    let start: Int64
    let end: Int64

    /// The maximum number of entries that an archived page holds.
    static let entryLimit = 100

    private init(start: Int64, length: Int64) { (self.start, end) = (start, start + length) }

    /// Parses a window; nil if the text is no window, or not written as `description` writes it.
    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let start = Int64(parts[0]), let end = Int64(parts[1]), start >= 0, end > start,
            end <= 1 << 62, (end - start).nonzeroBitCount == 1, start % (end - start) == 0
        else { return nil }
        (self.start, self.end) = (start, end)
        guard description == text else { return nil }
    }

    package var description: String { "\(start)-\(end)" }

    /// Returns the largest window around a place that is complete, stays within `bounds`, and holds no more entries
    /// than a page may.
    ///
    /// - Parameter entries: The entries of the feed around the place: more than a page on each side, if there are that
    ///   many.
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

    /// Whether the place of an entry is within the window.
    func holds(_ entry: FeedEntry) -> Bool { entry.place >= start && entry.place < end }
}
