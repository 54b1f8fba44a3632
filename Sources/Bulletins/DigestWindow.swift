/// The windows of a subscriber's digest: one follows the other, each holds its beginning and not its end, and all end at
/// 07:00 where the subscriber is at home; weekly ones on Mondays.
public struct DigestWindow: Sendable, Hashable {
    /// Milliseconds from the end of one window to the next.
    public let period: Int64
    /// Milliseconds from 1970 to the end of the first.
    public let phase: Int64

    private static let hour: Int64 = 3_600_000
    private static let day = 24 * hour

    /// Nil for what is sent at once.
    public init?(_ frequency: Frequency, zone: TimeZoneID) {
        let morning = 7 * Self.hour - zone.offset * 1000
        switch frequency {
        case .immediate: return nil
        case .daily: (period, phase) = (Self.day, morning)
        // 1970 began on a Thursday.
        case .weekly: (period, phase) = (7 * Self.day, morning + 4 * Self.day)
        }
    }

    /// Where it is 07:00 at this end of a window.
    public static func zone(ofEnd end: Timestamp) -> TimeZoneID {
        TimeZoneID.allCases.first { (end.milliseconds + $0.offset * 1000) % day == 7 * hour } ?? .wib
    }

    /// The end of the window that holds `time`: the first after it.
    public func end(after time: Timestamp) -> Timestamp {
        Timestamp(milliseconds: ((time.milliseconds - phase) / period + 1) * period + phase)
    }
}
