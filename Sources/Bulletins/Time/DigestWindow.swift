/// The schedule of a subscriber's digest.
///
/// Time is divided into consecutive windows, and one digest covers one window. A window includes its start and excludes
/// its end. All windows end at 07:00 in the time zone of the subscriber's home region, weekly ones on Mondays.
public struct DigestWindow: Sendable, Hashable {
    /// The length of a window, in milliseconds.
    public let period: Int64
    /// The end of the first window, in milliseconds since 1970.
    public let phase: Int64

    private static let hour: Int64 = 3_600_000
    private static let day = 24 * hour

    /// Returns nil for a subscription that is sent immediately.
    public init?(_ frequency: Frequency, zone: TimeZoneID) {
        let morning = 7 * Self.hour - zone.offset * 1000
        switch frequency {
        case .immediate: return nil
        case .daily: (period, phase) = (Self.day, morning)
        // 1970-01-01 was a Thursday.
        case .weekly: (period, phase) = (7 * Self.day, morning + 4 * Self.day)
        }
    }

    /// The time zone in which it is 07:00 at this end of a window.
    public static func zone(ofEnd end: Timestamp) -> TimeZoneID {
        TimeZoneID.allCases.first { (end.milliseconds + $0.offset * 1000) % day == 7 * hour } ?? .wib
    }

    /// The end of the window that contains `time`: the first end after it.
    public func end(after time: Timestamp) -> Timestamp {
        Timestamp(milliseconds: ((time.milliseconds - phase) / period + 1) * period + phase)
    }
}
